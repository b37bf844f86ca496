// A review on the page: pictures with boxes, and values, each of which finds the other.

const LOW = 0.5;
/** A step of a box by the keyboard, and its least side, as shares of the page's width. */
const STEP = 1 / 250;
const LEAST = 1 / 125;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
/** Corners that resize a box: which of its edges follow the pointer. */
const CORNERS = { nw: [0, 1], ne: [2, 1], sw: [0, 3], se: [2, 3] };

/** An element with properties, attributes (in `attrs`) and children. */
export function element(tag, { attrs = {}, ...properties } = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  for (const [name, value] of Object.entries(attrs)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** TOTAL_AMOUNT as "total amount". */
export function inWords(type) {
  return type.toLowerCase().replaceAll("_", " ");
}

/** The hue of an entity type, in degrees; neighbours in the taxonomy are far apart. */
function hue(types, type) {
  return Math.round(types.indexOf(type) * 137.5) % 360;
}

function place(shown, box, page) {
  const [x0, y0, x1, y1] = box;
  shown.style.left = `${(100 * x0) / page.width}%`;
  shown.style.top = `${(100 * y0) / page.height}%`;
  shown.style.width = `${(100 * (x1 - x0)) / page.width}%`;
  shown.style.height = `${(100 * (y1 - y0)) / page.height}%`;
}

/** Where the pointer is, in pixels of a page. */
function pointAt(event, page, sheet) {
  const shown = sheet.getBoundingClientRect();
  return [((event.clientX - shown.left) * page.width) / shown.width, ((event.clientY - shown.top) * page.height) / shown.height];
}

function moved([x0, y0, x1, y1], dx, dy, page) {
  const right = Math.min(Math.max(dx, -x0), page.width - x1);
  const down = Math.min(Math.max(dy, -y0), page.height - y1);
  return [x0 + right, y0 + down, x1 + right, y1 + down];
}

function ordered([x0, y0, x1, y1]) {
  return [Math.min(x0, x1), Math.min(y0, y1), Math.max(x0, x1), Math.max(y0, y1)];
}

function large([x0, y0, x1, y1], page) {
  return x1 - x0 >= (LEAST * page.width) / 2 && y1 - y0 >= (LEAST * page.width) / 2;
}

/** Shows a review and takes its corrections. */
export class View {
  #left = new AbortController();

  constructor(root, review, types) {
    this.root = root;
    this.review = review;
    this.types = types;
    this.find = (id) => root.querySelector(`#${id}`);
    this.sheets = new Map();
    this.#showPages();
    this.show();
    const { signal } = this.#left;
    review.addEventListener("change", () => this.show(), { signal });
    review.addEventListener("select", () => this.#showSelection(true), { signal });
  }

  /** No more: another view takes the place of this one. */
  leave() {
    this.#left.abort();
  }

  #showPages() {
    const { result } = this.review;
    this.find("pages").replaceChildren(
      ...result.page_images.flatMap((image) => {
        const page = result.pages.find((one) => one.page === image.page);
        if (page === undefined) return [];
        const sheet = element("div", { className: "page" });
        sheet.addEventListener("pointerdown", (event) => this.#draw(event, page, sheet));
        sheet.append(
          element("img", { src: `data:${image.media_type};base64,${image.data}`, alt: `Page ${page.page + 1}` }),
        );
        this.sheets.set(page.page, { sheet, page });
        return [sheet];
      }),
    );
  }

  /** Draw everything that a correction may have changed; the focus stays where it was. */
  show() {
    const focused = document.activeElement?.dataset?.focus;
    const { result } = this.review;
    this.find("name").textContent = result.file;
    const pages = result.pages.length === 1 ? "1 page" : `${result.pages.length} pages`;
    const lost = result.page_errors?.length ? `; ${result.page_errors.length} could not be read` : "";
    this.find("kind").textContent = `${inWords(result.document_type)}, ${pages}${lost}`;
    this.find("reasons").replaceChildren(...result.review_reasons.map((reason) => element("li", {}, reason)));
    this.#showChecks();
    this.#showFields();
    this.#showItems();
    this.#showBoxes();
    this.find("undo").disabled = !this.review.canUndo;
    this.find("redo").disabled = !this.review.canRedo;
    this.#showSelection(false);
    if (focused) this.root.querySelector(`[data-focus="${focused}"]`)?.focus({ preventScroll: true });
  }

  #showChecks() {
    const sayings = { ok: ["passed", "✓ holds"], failed: ["failed", "✗ fails"], not_applicable: ["not-run", "– could not run"] };
    this.find("checks").replaceChildren(
      ...this.review.result.checks.map((check) => {
        const [kind, saying] = sayings[check.status];
        const why = check.status === "failed" ? `expected ${check.expected}, got ${check.got}` : check.reason;
        return element("li", { className: kind }, `${saying}: ${check.rule} (${check.subject})${why ? `: ${why}` : ""}`);
      }),
    );
  }

  #input(value, label) {
    const input = element("input", {
      value: value.value, className: value.corrected ? "corrected" : "",
      attrs: { "aria-label": label, "data-focus": `value-${value.id}`, autocomplete: "off" },
    });
    input.addEventListener("focus", () => this.review.select(value.id, this.#mode(value.id)));
    input.addEventListener("change", () => this.review.correct(value.id, input.value));
    return input;
  }

  #confidence(value) {
    if (value.corrected) return element("span", { className: "confidence", title: "corrected" }, "✎");
    const percent = `${Math.round(100 * value.confidence)} %`;
    return element("span", { className: value.confidence < LOW ? "confidence low" : "confidence", title: "confidence" }, percent);
  }

  #actions(value, label) {
    const [words, draw] = [
      ["words", "Words", `Choose the words of ${label}`],
      ["box", "Box", `Draw the box of ${label}`],
    ].map(([mode, text, name]) => {
      const button = element("button", {
        type: "button", textContent: text,
        attrs: { "aria-pressed": "false", "aria-label": name, "data-mode": mode, "data-focus": `${mode}-${value.id}` },
      });
      button.addEventListener("click", (event) => {
        const on = this.#mode(value.id) !== mode;
        this.review.select(value.id, on ? mode : null);
        if (on && mode === "box" && event.detail === 0) this.#placeBox(value); // by the keyboard
      });
      return button;
    });
    const remove = element("button", { type: "button", textContent: "✕", attrs: { "aria-label": `Remove ${label}` } });
    remove.addEventListener("click", () => this.review.remove(value.id));
    return element("span", { className: "actions" }, words, draw, remove);
  }

  /** What is done to a value on the page: "words", "box" or null. */
  #mode(id) {
    const { selected, choosing, drawing } = this.review;
    if (selected !== id) return null;
    return choosing ? "words" : drawing ? "box" : null;
  }

  #showFields() {
    const fields = this.review.values.filter((one) => one.item === null);
    fields.sort((a, b) => this.types.indexOf(a.type) - this.types.indexOf(b.type));
    this.find("fields").replaceChildren(
      ...fields.map((value) => {
        const label = inWords(value.type);
        const find = element("button", {
          type: "button", className: "find", textContent: label,
          attrs: { "aria-label": `Find ${label} on the page`, "data-focus": `find-${value.id}` },
        });
        find.addEventListener("click", () => this.review.select(value.id));
        const row = element("div", { className: "row", attrs: { "data-value": value.id, "data-type": value.type } });
        row.style.setProperty("--hue", hue(this.types, value.type));
        row.append(find, this.#input(value, label), this.#confidence(value), this.#actions(value, label));
        return row;
      }),
    );
  }

  #showItems() {
    const values = this.review.values.filter((one) => one.item !== null);
    const columns = this.types.filter((type) => values.some((one) => one.type === type));
    const rows = [...new Set(values.map((one) => one.item))].sort((a, b) => a - b);
    if (!rows.length) {
      this.find("items").replaceChildren("none");
      return;
    }
    const head = element("tr", {}, element("th", { scope: "col" }, "#"));
    head.append(...columns.map((type) => element("th", { scope: "col" }, inWords(type).replace(/^item /, ""))));
    const body = rows.map((item) => {
      const row = element("tr", {}, element("th", { scope: "row" }, String(item + 1)));
      for (const type of columns) {
        const value = values.find((one) => one.item === item && one.type === type);
        const cell = element("td");
        if (value) {
          const label = `${inWords(type)} of line ${item + 1}`;
          cell.dataset.value = value.id;
          cell.dataset.type = type;
          cell.style.setProperty("--hue", hue(this.types, type));
          cell.append(this.#input(value, label), this.#actions(value, label));
        } else {
          const add = element("button", { type: "button", textContent: "+", attrs: { "aria-label": `Add ${inWords(type)} to line ${item + 1}` } });
          const page = values.find((one) => one.item === item).page ?? this.review.result.pages[0].page;
          add.addEventListener("click", () => this.review.add(type, page, item));
          cell.append(add);
        }
        row.append(cell);
      }
      return row;
    });
    this.find("items").replaceChildren(element("table", {}, element("thead", {}, head), element("tbody", {}, ...body)));
  }

  #showBoxes() {
    for (const { sheet, page } of this.sheets.values()) {
      sheet.querySelectorAll(".box").forEach((one) => one.remove());
      for (const value of this.review.values) {
        if (value.page !== page.page || !value.box) continue;
        const box = element("button", {
          type: "button", className: "box", tabIndex: -1, title: `${inWords(value.type)}: ${value.value}`,
          attrs: {
            "data-value": value.id, "data-type": value.type, "data-focus": `on-page-${value.id}`,
            "aria-label": `${inWords(value.type)} ${value.value}`, "aria-describedby": "box-help",
          },
        });
        box.style.setProperty("--hue", hue(this.types, value.type));
        place(box, value.box, page);
        box.addEventListener("click", () => this.review.select(value.id, this.#mode(value.id)));
        box.addEventListener("pointerdown", (event) => this.#drag(event, box, value, page, sheet));
        box.addEventListener("keydown", (event) => this.#nudge(event, value, page));
        box.append(...Object.keys(CORNERS).map((corner) => element("span", { className: `corner ${corner}`, attrs: { "data-corner": corner } })));
        sheet.append(box);
      }
    }
  }

  /** Arrows move a box, Shift and arrows move its lower right corner. */
  #nudge(event, value, page) {
    if (!(event.key in ARROWS) || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    const [dx, dy] = ARROWS[event.key].map((way) => way * STEP * page.width);
    const least = LEAST * page.width;
    const [x0, y0, x1, y1] = value.box;
    const box = event.shiftKey
      ? [x0, y0, Math.max(x1 + dx, x0 + least), Math.max(y1 + dy, y0 + least)]
      : moved(value.box, dx, dy, page);
    this.review.setBox(value.id, page.page, box, { nudge: true });
  }

  /** Move the selected box with the pointer, or one of its corners; one step when the pointer is let go. */
  #drag(event, box, value, page, sheet) {
    if (this.review.selected !== value.id || this.review.drawing || event.button !== 0) return;
    event.preventDefault();
    box.focus({ preventScroll: true });
    const corner = CORNERS[event.target.dataset.corner];
    const from = pointAt(event, page, sheet);
    let edges = value.box;
    this.#follow(event, sheet, (later) => {
      const [dx, dy] = pointAt(later, page, sheet).map((at, i) => at - from[i]);
      if (corner) {
        edges = [...value.box];
        edges[corner[0]] += dx;
        edges[corner[1]] += dy;
        edges = ordered(edges);
      } else {
        edges = moved(value.box, dx, dy, page);
      }
      place(box, edges, page);
    }, () => {
      if (edges !== value.box && large(edges, page)) this.review.setBox(value.id, page.page, edges);
      else place(box, value.box, page);
    });
  }

  /** Draw a new box for the selected value. */
  #draw(event, page, sheet) {
    const { selected, drawing } = this.review;
    if (!drawing || event.button !== 0) return;
    event.preventDefault();
    const from = pointAt(event, page, sheet);
    const shown = element("div", { className: "drawn" });
    sheet.append(shown);
    let edges = [...from, ...from];
    this.#follow(event, sheet, (later) => {
      edges = ordered([...from, ...pointAt(later, page, sheet)]);
      place(shown, edges, page);
    }, () => {
      shown.remove();
      if (!large(edges, page)) return;
      this.review.setBox(selected, page.page, edges);
      this.review.select(selected);
    });
  }

  /** Call `moving` while the pointer moves, and `done` when it is let go. */
  #follow(event, sheet, moving, done) {
    sheet.setPointerCapture(event.pointerId);
    const stop = new AbortController();
    const { signal } = stop;
    sheet.addEventListener("pointermove", moving, { signal });
    for (const end of ["pointerup", "pointercancel"]) {
      sheet.addEventListener(end, () => {
        stop.abort();
        done();
      }, { signal });
    }
  }

  /** A box in the middle of the page for a value that has none, with the focus on it: the keyboard moves it from there. */
  #placeBox(value) {
    const page = this.review.result.pages.find((one) => one.page === value.page) ?? this.review.result.pages[0];
    if (!value.box) {
      const [x, y] = [page.width / 2, page.height / 2];
      this.review.setBox(value.id, page.page, [x - page.width / 10, y - page.width / 60, x + page.width / 10, y + page.width / 60]);
    }
    this.review.select(value.id);
    this.root.querySelector(`[data-focus="on-page-${value.id}"]`).focus();
  }

  #showWords() {
    const { review } = this;
    const chosen = review.choosing ? review.value(review.selected) : undefined;
    for (const { sheet, page } of this.sheets.values()) {
      sheet.querySelectorAll(".word").forEach((one) => one.remove());
      if (chosen === undefined) continue;
      review.words.get(page.page)?.forEach((word, number) => {
        const checked = chosen.page === page.page && chosen.words.includes(number);
        const shown = element("button", {
          type: "button", className: "word",
          attrs: { role: "checkbox", "aria-checked": String(checked), "aria-label": word.text, "data-focus": `word-${page.page}-${number}` },
        });
        place(shown, word.box, page);
        shown.addEventListener("click", () => review.toggleWord(chosen.id, page.page, number));
        sheet.append(shown);
      });
    }
  }

  #showSelection(scroll) {
    const { selected } = this.review;
    for (const shown of this.root.querySelectorAll("[data-value]")) {
      const isSelected = shown.dataset.value === String(selected);
      shown.classList.toggle("selected", isSelected);
      if (shown.classList.contains("box")) shown.tabIndex = isSelected ? 0 : -1;
      if (isSelected && scroll && !shown.contains(document.activeElement)) shown.scrollIntoView({ block: "nearest", inline: "nearest" });
    }
    for (const button of this.root.querySelectorAll("[data-mode]")) {
      const { mode, focus } = button.dataset;
      button.setAttribute("aria-pressed", String(focus === `${mode}-${selected}` && this.#mode(selected) === mode));
    }
    this.find("pages").classList.toggle("drawing", this.review.drawing);
    this.#showWords();
  }
}
