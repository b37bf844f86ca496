// A document under review: what was read, and every correction of it, each of which can be undone.

/** Largest number of steps that can be undone. */
const STEPS = 200;

/** The value of a result as it is reviewed; `words` are places in the words of its page. */
function toValue(id, type, read, words, item) {
  const [x0, y0, x1, y1] = read.box ?? []; // what only the XML in a PDF says has no place
  const inside = [];
  words.forEach((word, place) => {
    const x = (word.box[0] + word.box[2]) / 2;
    const y = (word.box[1] + word.box[3]) / 2;
    if (word.ner_tag.slice(2) === type && x >= x0 && x <= x1 && y >= y0 && y <= y1) inside.push(place);
  });
  return { ...read, id, type, item, words: inside, value: read.value ?? read.text, corrected: false };
}

/** The state that a result of the service starts from. */
export function fromResult(result) {
  const words = new Map(result.page_words.map((page) => [page.page, page.words]));
  const values = [];
  const add = (type, read, item) =>
    values.push(toValue(values.length, type, read, words.get(read.page) ?? [], item));
  for (const [type, all] of Object.entries(result.fields)) for (const read of all) add(type, read, null);
  result.line_items.forEach((item, number) => {
    for (const [type, read] of Object.entries(item)) add(type, read, number);
  });
  return { values, selected: null };
}

/** Smallest box around words. */
function around(words) {
  return [
    Math.min(...words.map((word) => word.box[0])),
    Math.min(...words.map((word) => word.box[1])),
    Math.max(...words.map((word) => word.box[2])),
    Math.max(...words.map((word) => word.box[3])),
  ];
}

/** Places of the words whose centres lie in a box. */
function inside(words, [x0, y0, x1, y1]) {
  return [...words.keys()].filter((place) => {
    const [left, top, right, bottom] = words[place].box;
    const [x, y] = [(left + right) / 2, (top + bottom) / 2];
    return x >= x0 && x <= x1 && y >= y0 && y <= y1;
  });
}

/** The review of one result of the service. */
export class Review extends EventTarget {
  #past = [];
  #future = [];
  #nudged = null; // the value whose box the keyboard moved last

  constructor(result) {
    super();
    this.result = result;
    this.words = new Map(result.page_words.map((page) => [page.page, page.words]));
    this.state = fromResult(result);
    this.selected = null;
    this.choosing = false;
    this.drawing = false;
  }

  get values() {
    return this.state.values;
  }

  get canUndo() {
    return this.#past.length > 0;
  }

  get canRedo() {
    return this.#future.length > 0;
  }

  value(id) {
    return this.values.find((one) => one.id === id);
  }

  /** Show one value on the page and in the list; mode: let its words be chosen ("words") or its box be drawn ("box"). */
  select(id, mode = null) {
    if (id !== this.selected) this.#nudged = null;
    this.selected = id;
    this.choosing = mode === "words";
    this.drawing = mode === "box";
    this.dispatchEvent(new Event("select"));
  }

  /** A new state; `nudged` is the value whose box the keyboard moves: such moves in a row are undone as one. */
  #change(values, nudged = null) {
    if (nudged === null || nudged !== this.#nudged) this.#past.push(this.state);
    this.#nudged = nudged;
    if (this.#past.length > STEPS) this.#past.shift();
    this.#future = [];
    this.state = { ...this.state, values };
    this.dispatchEvent(new Event("change"));
  }

  #update(id, changes) {
    this.#change(this.values.map((one) => (one.id === id ? { ...one, ...changes, corrected: true } : one)));
  }

  correct(id, value) {
    if (this.value(id).value !== value) this.#update(id, { value });
  }

  remove(id) {
    if (this.selected === id) this.select(null);
    this.#change(this.values.filter((one) => one.id !== id));
  }

  /** A new value without words yet, which can then be chosen. */
  add(type, page, item = null) {
    const id = 1 + Math.max(-1, ...this.values.map((one) => one.id));
    const value = { id, type, item, page, words: [], box: null, text: "", value: "", confidence: null, corrected: true };
    this.#change([...this.values, value]);
    this.select(id, "words");
  }

  /**
   * Give a value another box, in pixels of a page. It gets the words that lie in it, and what they say where these are
   * others than before; a box over what was not read leaves the value as it is. `nudge`: by the keyboard, step by step.
   */
  setBox(id, page, box, { nudge = false } = {}) {
    const { width, height } = this.result.pages.find((one) => one.page === page);
    const edges = [[0, width], [0, height], [0, width], [0, height]].map(([low, high], i) => Math.min(Math.max(box[i], low), high));
    const before = this.value(id);
    const all = this.words.get(page) ?? [];
    const words = inside(all, edges);
    const same = before.page === page && words.length === before.words.length && words.every((one, i) => one === before.words[i]);
    const text = words.length && !same ? words.map((one) => all[one].text).join(" ") : null;
    const changes = { page, box: edges, words, drawn: true, corrected: true, ...(text === null ? {} : { text, value: text }) };
    this.#change(this.values.map((one) => (one.id === id ? { ...one, ...changes } : one)), nudge ? id : null);
  }

  /** Put a word into a value, out of any other that has it, or take it out. */
  toggleWord(id, page, place) {
    const chosen = this.value(id);
    const has = chosen.page === page && chosen.words.includes(place);
    const before = chosen.page === page ? chosen.words : [];
    const words = has ? before.filter((one) => one !== place) : [...before, place].sort((a, b) => a - b);
    const all = this.words.get(page);
    const text = words.map((one) => all[one].text).join(" ");
    const box = words.length ? around(words.map((one) => all[one])) : null;
    this.#change(
      this.values.map((one) => {
        if (one.id === id) return { ...one, page, words, text, box, value: text, drawn: false, corrected: true };
        if (has || one.page !== page || !one.words.includes(place)) return one;
        return { ...one, words: one.words.filter((other) => other !== place), corrected: true };
      }),
    );
  }

  undo() {
    if (!this.canUndo) return;
    this.#future.push(this.state);
    this.state = this.#past.pop();
    this.#afterJump();
  }

  redo() {
    if (!this.canRedo) return;
    this.#past.push(this.state);
    this.state = this.#future.pop();
    this.#afterJump();
  }

  #afterJump() {
    this.#nudged = null;
    if (this.selected !== null && !this.value(this.selected)) this.select(null);
    this.dispatchEvent(new Event("change"));
  }
}
