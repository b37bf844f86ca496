// The page: takes a document, has the service read it, and shows it for review.

import { toAnnotations, toCsv, toJson } from "./exports.js";
import { Review } from "./review.js";
import { View, element, inWords } from "./view.js";

const find = (id) => document.getElementById(id);
const KEY = "invoicegen-key";
const ZOOMS = [0.5, 0.75, 1, 1.5, 2, 3];

let review = null;
let view = null;
let types = [];
let zoom = ZOOMS.indexOf(1);

async function ask(path, { headers = {}, ...options } = {}) {
  const key = find("key").value.trim();
  const allowed = key ? { Authorization: `Bearer ${key}` } : {};
  const answer = await fetch(path, { ...options, headers: { ...headers, ...allowed } });
  if (answer.ok) return answer;
  if (answer.status === 401) find("access").open = true;
  const problem = await answer.json().catch(() => ({ title: `Error ${answer.status}`, detail: answer.statusText }));
  throw Object.assign(new Error(`${problem.title}: ${problem.detail}`), { missing: problem.missing ?? [] });
}

async function askJson(path, options) {
  return (await ask(path, options)).json();
}

/** Say what went wrong, and which terms an electronic invoice lacks. */
function tell(error) {
  const lacking = (error.missing ?? []).map((one) => element("li", {}, `${one.term} ${one.name} (${one.rule})`));
  find("error").replaceChildren(error.message, ...(lacking.length ? [element("ul", {}, ...lacking)] : []));
  if (lacking.length) find("error").scrollIntoView({ block: "nearest" });
}

async function read(file) {
  find("error").textContent = "";
  find("status").textContent = `Reading ${file.name} …`;
  try {
    const body = new FormData();
    body.append("file", file, file.name);
    const [schema, result] = await Promise.all([
      askJson("v1/schema"),
      askJson("v1/extract?include=words&include=images", { method: "POST", body }),
    ]);
    show(result, schema);
    find("status").textContent = "";
  } catch (error) {
    find("status").textContent = "";
    tell(error);
  }
}

/** The documents of a file as results of their own; one where there is only one. */
function documentsOf(result) {
  const { documents = [], page_words, page_images, ...whole } = result;
  if (!documents.length) return [{ ...whole, page_words, page_images }];
  return documents.map((one) => {
    const ours = ({ page }) => page >= one.page_range[0] && page <= one.page_range[1];
    return { ...one, page_words: page_words.filter(ours), page_images: page_images.filter(ours) };
  });
}

function show(result, schema) {
  types = schema.entity_types.map((one) => one.name);
  const reviews = documentsOf(result).map((one) => new Review(one));
  find("several").hidden = reviews.length === 1;
  find("which").replaceChildren(
    ...reviews.map(({ result: { page_range: range } }, number) =>
      element("option", { value: number }, range ? `${number + 1}: pages ${range[0] + 1} to ${range[1] + 1}` : ""),
    ),
  );
  find("which").onchange = () => open(reviews[find("which").value]);
  open(reviews[0]);
  find("add-type").replaceChildren(
    ...schema.entity_types
      .filter((one) => !one.in_line_items)
      .map((one) => element("option", { value: one.name, title: one.description }, inWords(one.name))),
  );
  find("drop").hidden = true;
  find("result").hidden = false;
  find("name").focus();
}

/** Show one document; what was corrected in the others stays. */
function open(chosen) {
  review = chosen;
  view?.leave();
  view = new View(document.body, review, types);
}

/** Have the service make a file of the review. */
async function convert(format) {
  find("error").textContent = "";
  try {
    const answer = await ask(`v1/convert?format=${format}`, {
      method: "POST", body: toJson(review), headers: { "Content-Type": "application/json" },
    });
    save(format === "xlsx" ? ".xlsx" : `.${format}.xml`, await answer.blob(), answer.headers.get("Content-Type"));
  } catch (error) {
    tell(error);
  }
}

async function showSamples() {
  const samples = await (await fetch("static/samples/samples.json")).json();
  find("samples").replaceChildren(
    ...samples.map(({ file, picture, title }) => {
      const button = element("button", { type: "button", className: "sample" });
      button.append(element("img", { src: `static/samples/${picture}`, alt: "", width: 120, height: 160 }), title);
      button.addEventListener("click", async () => {
        const content = await (await fetch(`static/samples/${file}`)).blob();
        read(new File([content], file, { type: content.type }));
      });
      return element("li", {}, button);
    }),
  );
}

function save(name, content, type) {
  const stem = review.result.file.replace(/\.[^.]*$/, "");
  const url = URL.createObjectURL(new Blob([content], { type }));
  element("a", { href: url, download: `${stem}${name}` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

function setZoom(step) {
  zoom = Math.min(ZOOMS.length - 1, Math.max(0, zoom + step));
  find("pages").style.setProperty("--zoom", ZOOMS[zoom]);
  find("zoom").textContent = `${Math.round(100 * ZOOMS[zoom])} %`;
}

find("key").value = sessionStorage.getItem(KEY) ?? "";
find("key").addEventListener("change", () => sessionStorage.setItem(KEY, find("key").value.trim()));
for (const id of ["file", "photo"]) {
  find(id).addEventListener("change", (event) => {
    const [file] = event.target.files;
    event.target.value = "";
    if (file) read(file);
  });
}
addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("dragging");
});
addEventListener("dragleave", (event) => {
  if (event.relatedTarget === null) document.body.classList.remove("dragging");
});
addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dragging");
  const [file] = event.dataTransfer.files;
  if (file) read(file);
});
find("undo").addEventListener("click", () => review.undo());
find("redo").addEventListener("click", () => review.redo());
addEventListener("keydown", (event) => {
  if (event.key === "Escape" && review !== null) review.select(review.selected);
  if (review === null || !(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z") return;
  const typed = event.target instanceof HTMLInputElement && event.target.dataset.focus;
  if (typed && event.target.value !== event.target.defaultValue) return; // the browser undoes typing
  event.preventDefault();
  if (event.shiftKey) review.redo();
  else review.undo();
});
find("add").addEventListener("submit", (event) => {
  event.preventDefault();
  review.add(find("add-type").value, review.result.pages[0].page);
});
find("save-json").addEventListener("click", () => save(".json", toJson(review), "application/json"));
find("save-csv").addEventListener("click", () => save(".csv", toCsv(review), "text/csv"));
for (const format of ["xlsx", "ubl", "cii"]) find(`save-${format}`).addEventListener("click", () => convert(format));
find("save-annotations").addEventListener("click", async () =>
  save("-annotations.zip", await toAnnotations(review), "application/zip"),
);
find("zoom-in").addEventListener("click", () => setZoom(1));
find("zoom-out").addEventListener("click", () => setZoom(-1));
find("another").addEventListener("click", () => {
  review = null;
  find("result").hidden = true;
  find("drop").hidden = false;
  find("file").focus();
});
showSamples();
