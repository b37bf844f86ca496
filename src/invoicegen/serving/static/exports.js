// What a review is saved as.

import { zip } from "./zip.js";

/** The result as the service gave it, with the corrected values. */
export function toJson(review) {
  const { page_words: _words, page_images: _images, ...result } = review.result;
  const told = ({ value, text, confidence, page, box, corrected }) => ({ value, text, confidence, page, box, corrected });
  const fields = {};
  const items = new Map();
  for (const one of review.values) {
    if (one.item === null) (fields[one.type] ??= []).push(told(one));
    else items.set(one.item, { ...items.get(one.item), [one.type]: told(one) });
  }
  const inOrder = [...items].sort(([a], [b]) => a - b).map(([, item]) => item);
  return JSON.stringify({ ...result, fields, line_items: inOrder }, null, 2) + "\n";
}

/** A cell that no spreadsheet takes for a formula. */
function cell(value) {
  const text = String(value ?? "");
  const harmless = /^[=+\-@\t\r]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

/** One line a value: line_item (empty for fields), name, value, text, confidence, page from 1. */
export function toCsv(review) {
  const rows = review.values.map((one) => [
    one.item === null ? "" : one.item + 1, one.type, one.value, one.text, one.confidence, one.page === null ? "" : one.page + 1,
  ]);
  const lines = [["line_item", "name", "value", "text", "confidence", "page"], ...rows];
  return lines.map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
}

const TAX_LINE = new Set(["TAX_RATE", "TAX_BASE_AMOUNT", "TAX_AMOUNT"]);

/** A page of a review as FUNSD has it, its boxes in pixels of a picture of `width`. */
function toForm(review, page, width) {
  const scale = width / page.width;
  const scaled = (box) => box.map((edge) => Math.round(edge * scale * 100) / 100);
  const words = review.words.get(page.page) ?? [];
  const taken = new Set();
  const segments = [];
  const groups = new Map();
  const add = (label, chosen, drawn = null) => {
    const around = [
      Math.min(...chosen.map((word) => word.box[0])), Math.min(...chosen.map((word) => word.box[1])),
      Math.max(...chosen.map((word) => word.box[2])), Math.max(...chosen.map((word) => word.box[3])),
    ];
    const segment = {
      id: segments.length, label, linking: [],
      text: chosen.map((word) => word.text).join(" "),
      box: scaled(drawn ?? around),
      words: chosen.map((word) => ({ text: word.text, box: scaled(word.box) })),
    };
    segments.push(segment);
    return segment;
  };
  // A word belongs to one value: to what a person corrected before what was read.
  const order = [...review.values].sort((a, b) => b.corrected - a.corrected || (b.confidence ?? 1) - (a.confidence ?? 1));
  for (const value of order) {
    if (value.page !== page.page) continue;
    const places = value.words.filter((place) => !taken.has(place));
    const unread = value.drawn && !value.words.length && value.value; // drawn around print that was not read
    if (!places.length && !unread) continue;
    places.forEach((place) => taken.add(place));
    const chosen = unread ? [{ text: value.value, box: value.box }] : places.map((place) => words[place]);
    const segment = add(value.type, chosen, value.drawn ? value.box : null);
    const group = value.item !== null ? `item-${value.item}` : null;
    if (group === null) continue;
    const first = groups.get(group);
    if (first === undefined) groups.set(group, segment.id);
    else segment.linking.push([first, segment.id]);
  }
  words.forEach((_, place) => {
    if (!taken.has(place)) add("other", [words[place]]);
  });
  return { form: segments };
}

/** The pages as FUNSD-style annotations with their pictures, one archive, which `import` reads. */
export async function toAnnotations(review) {
  const stem = review.result.file.replace(/\.[^.]*$/, "").replace(/[^\p{L}\p{N}_-]+/gu, "-") || "document";
  const files = [];
  for (const image of review.result.page_images) {
    const page = review.result.pages.find((one) => one.page === image.page);
    if (page === undefined) continue;
    const bytes = Uint8Array.from(atob(image.data), (char) => char.charCodeAt(0));
    const shown = await createImageBitmap(new Blob([bytes], { type: image.media_type }));
    const name = `${stem}-${image.page + 1}`;
    const form = JSON.stringify(toForm(review, page, shown.width), null, 1);
    files.push([`annotations/${name}.json`, new TextEncoder().encode(form)], [`images/${name}.jpg`, bytes]);
  }
  return zip(files);
}
