// The page: takes a document, has the service read it, and shows it for review.

import { toAnnotations, toCsv, toJson } from "./exports.js";
import { Review } from "./review.js";
import { View, element, inWords } from "./view.js";

const find = (id) => document.getElementById(id);
const KEY = "invoicegen-key";
const ZOOMS = [0.5, 0.75, 1, 1.5, 2, 3];

let review = null;
let zoom = ZOOMS.indexOf(1);

async function ask(path, options = {}) {
  const key = find("key").value.trim();
  const headers = key ? { Authorization: `Bearer ${key}` } : {};
  const answer = await fetch(path, { ...options, headers });
  if (answer.ok) return answer.json();
  if (answer.status === 401) find("access").open = true;
  const problem = await answer.json().catch(() => ({ title: `Error ${answer.status}`, detail: answer.statusText }));
  throw new Error(`${problem.title}: ${problem.detail}`);
}

async function read(file) {
  find("error").textContent = "";
  find("status").textContent = `Reading ${file.name} …`;
  try {
    const body = new FormData();
    body.append("file", file, file.name);
    const [schema, result] = await Promise.all([
      ask("v1/schema"),
      ask("v1/extract?include=words&include=images", { method: "POST", body }),
    ]);
    show(result, schema);
    find("status").textContent = "";
  } catch (error) {
    find("status").textContent = "";
    find("error").textContent = error.message;
  }
}

function show(result, schema) {
  const types = schema.entity_types.map((one) => one.name);
  review = new Review(result);
  new View(document.body, review, types);
  find("add-type").replaceChildren(
    ...schema.entity_types
      .filter((one) => !one.in_line_items)
      .map((one) => element("option", { value: one.name, title: one.description }, inWords(one.name))),
  );
  find("drop").hidden = true;
  find("result").hidden = false;
  find("name").focus();
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
