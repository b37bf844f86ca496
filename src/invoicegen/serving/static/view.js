// A review on the page: pictures with boxes, and values, each of which finds the other.

const LOW = 0.5;

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

/** Shows a review and takes its corrections. */
export class View {
  constructor(root, review, types) {
    this.root = root;
    this.review = review;
    this.types = types;
    this.find = (id) => root.querySelector(`#${id}`);
    this.sheets = new Map();
    this.#showPages();
    this.show();
    review.addEventListener("change", () => this.show());
    review.addEventListener("select", () => this.#showSelection(true));
  }

  #showPages() {
    const { result } = this.review;
    this.find("pages").replaceChildren(
      ...result.page_images.flatMap((image) => {
        const page = result.pages.find((one) => one.page === image.page);
        if (page === undefined) return [];
        const sheet = element("div", { className: "page" });
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
    input.addEventListener("focus", () => this.review.select(value.id, this.review.choosing && this.review.selected === value.id));
    input.addEventListener("change", () => this.review.correct(value.id, input.value));
    return input;
  }

  #confidence(value) {
    if (value.corrected) return element("span", { className: "confidence", title: "corrected" }, "✎");
    const percent = `${Math.round(100 * value.confidence)} %`;
    return element("span", { className: value.confidence < LOW ? "confidence low" : "confidence", title: "confidence" }, percent);
  }

  #actions(value, label) {
    const choosing = this.review.selected === value.id && this.review.choosing;
    const words = element("button", {
      type: "button", textContent: "Words",
      attrs: { "aria-pressed": String(choosing), "aria-label": `Choose the words of ${label}`, "data-focus": `words-${value.id}` },
    });
    words.addEventListener("click", () => this.review.select(value.id, !(this.review.selected === value.id && this.review.choosing)));
    const remove = element("button", { type: "button", textContent: "✕", attrs: { "aria-label": `Remove ${label}` } });
    remove.addEventListener("click", () => this.review.remove(value.id));
    return element("span", { className: "actions" }, words, remove);
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
          attrs: { "data-value": value.id, "data-type": value.type, "aria-label": `${inWords(value.type)} ${value.value}` },
        });
        box.style.setProperty("--hue", hue(this.types, value.type));
        place(box, value.box, page);
        box.addEventListener("click", () => this.review.select(value.id));
        sheet.append(box);
      }
    }
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
    const { selected, choosing } = this.review;
    for (const shown of this.root.querySelectorAll("[data-value]")) {
      const isSelected = shown.dataset.value === String(selected);
      shown.classList.toggle("selected", isSelected);
      if (isSelected && scroll && !shown.contains(document.activeElement)) shown.scrollIntoView({ block: "nearest", inline: "nearest" });
    }
    for (const words of this.root.querySelectorAll("[data-focus^='words-']")) {
      words.setAttribute("aria-pressed", String(choosing && words.dataset.focus === `words-${selected}`));
    }
    this.#showWords();
  }
}
