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

/** The review of one result of the service. */
export class Review extends EventTarget {
  #past = [];
  #future = [];

  constructor(result) {
    super();
    this.result = result;
    this.words = new Map(result.page_words.map((page) => [page.page, page.words]));
    this.state = fromResult(result);
    this.selected = null;
    this.choosing = false;
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

  /** Show one value on the page and in the list; choosing: let its words be chosen. */
  select(id, choosing = false) {
    this.selected = id;
    this.choosing = choosing;
    this.dispatchEvent(new Event("select"));
  }

  #change(values) {
    this.#past.push(this.state);
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
    this.select(id, true);
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
        if (one.id === id) return { ...one, page, words, text, box, value: text, corrected: true };
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
    if (this.selected !== null && !this.value(this.selected)) this.select(null);
    this.dispatchEvent(new Event("change"));
  }
}
