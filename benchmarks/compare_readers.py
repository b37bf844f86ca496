"""Readers of invoices side by side, on a folder of real documents with labels.jsonl.

    make setup-invoice2data
    python benchmarks/compare_readers.py --real DIR --output FOLDER [--readers invoice2data,keywords:rapidocr]

A reader is ``invoice2data`` with the templates that come with it, ``keywords:ENGINE`` (benchmarks/keyword_reader.py)
or ``model:ENGINE`` (``--model``, the shipped weights when left out). All take the text layer of a page that has one of
use; ENGINE reads the others: rapidocr, tesseract, paddleocr or easyocr. invoice2data opens PDF files itself, with
pdftotext; a document with a page without text layer it gets as what RapidOCR read, laid out in lines, since its own way
to images has Tesseract read in all languages at once.

What an engine has read is kept in FOLDER (words-ENGINE.jsonl) and not read again. A reader that is named runs anew;
the table is of all that FOLDER holds for as many documents, so one reader can be replaced alone. EasyOCR's runs in
.venv-easyocr (make setup-easyocr), with ``--easyocr-models bundled`` offline. ``--documents N`` takes N documents
evenly over the folder's, which have a table of their own. Scores are those of invoicegen.evaluation, intervals of 95
% by bootstrap over documents, times CPU seconds a document: of reading, and of finding values in what was read.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from invoicegen.evaluation.bootstrap import intervals
from invoicegen.evaluation.outcomes import DocumentOutcome, read_outcomes
from invoicegen.evaluation.real import RealLabel, read_labels, score_real
from invoicegen.evaluation.real_pages import read_page_records
from invoicegen.extraction import ExtractOptions
from invoicegen.ocr import OcrOptions
from invoicegen.schema.annotation import Word
from invoicegen.sources import file_sha256

ROOT = Path(__file__).resolve().parents[1]
INVOICE2DATA = ROOT / ".venv-invoice2data/bin/python"
WORDS = TypeAdapter(list[Word])
READERS = "invoice2data,keywords:rapidocr,model:rapidocr,model:tesseract"
SROIE = "SROIE"

Page = dict[str, Any]
"""``page`` from 0, ``width`` and ``height`` in pixels, ``words`` in reading order."""
Record = dict[str, Any]
"""``file``, ``fields`` and ``line_items`` as ``invoicegen extract`` prints them, and ``cpu_seconds``."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--real", type=Path, required=True, help="folder of documents with labels.jsonl")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--readers", default=READERS)
    parser.add_argument("--model", default="shipped", help="folder of a trained or exported model")
    parser.add_argument("--documents", type=int, help="so many, evenly over the folder; all when left out")
    parser.add_argument(
        "--easyocr-models", choices=("download", "bundled"), default="download", help="as ocr.easyocr_models"
    )
    given = parser.parse_args()
    labels = evenly(read_labels(given.real), given.documents)
    folder = given.output / f"{len(labels)}-documents"
    for name in filter(None, given.readers.split(",")):
        kind, _, engine = name.partition(":")
        ocr = OcrOptions(engine=engine or "rapidocr", easyocr_models=given.easyocr_models)
        readings = read_documents(labels, given.real, ocr, given.output)
        records = list(reader(kind, given)(labels, readings))
        write_reader(folder / name.replace(":", "-"), name, labels, readings, records)
        report(folder)


def evenly(labels: list[RealLabel], wanted: int | None) -> list[RealLabel]:
    """So many of the labels, evenly over their order."""
    if wanted is None or wanted >= len(labels):
        return labels
    return [labels[i * len(labels) // wanted] for i in range(wanted)]


# What the engines read.


def read_documents(
    labels: Sequence[RealLabel], real: Path, ocr: OcrOptions, output: Path
) -> dict[str, dict[str, Any]]:
    """``pages`` and, where they were read here, ``cpu_seconds`` of each document; kept in ``words-ENGINE.jsonl``."""
    options = ExtractOptions(ocr=ocr)
    cache = output / f"words-{ocr.engine}.jsonl"
    output.mkdir(parents=True, exist_ok=True)
    known: dict[str, dict[str, Any]] = {}
    if cache.exists():
        with cache.open(encoding="utf-8") as lines:
            known = {record["sha256"]: record for record in map(json.loads, lines)}
    readings = {}
    with cache.open("a", encoding="utf-8") as file:
        for label in labels:
            sha256 = file_sha256(real / label.file)
            if sha256 not in known:
                begun = cpu_seconds()
                pages = list(read_page_records(real / label.file, options))
                known[sha256] = {"sha256": sha256, "pages": pages, "cpu_seconds": cpu_seconds() - begun}
                file.write(json.dumps(known[sha256]) + "\n")
                file.flush()
            readings[label.file] = known[sha256]
    return readings


def cpu_seconds() -> float:
    """Of this process and of those that it has waited for."""
    return sum(os.times()[:4])


def words_of(page: Page) -> list[Word]:
    """The words of a page."""
    return WORDS.validate_python(page["words"])


# What the readers make of it.

Reader = Callable[[Sequence[RealLabel], Mapping[str, Mapping[str, Any]]], Iterator[Record]]


def reader(kind: str, given: argparse.Namespace) -> Reader:
    if kind == "model":
        return model_reader(given.model)
    if kind == "keywords":
        return keyword_records
    if kind == "invoice2data":
        return invoice2data_reader(given.real, given.output)
    raise SystemExit(f"no reader {kind!r}: name invoice2data, keywords:ENGINE or model:ENGINE")


def model_reader(path: str) -> Reader:
    from invoicegen.extraction import assemble
    from invoicegen.modeling import ModelLoader, PageInput

    predictor = ModelLoader(threads=1).load(path)

    def read(labels: Sequence[RealLabel], readings: Mapping[str, Mapping[str, Any]]) -> Iterator[Record]:
        for label in labels:
            begun = cpu_seconds()
            pages = [
                PageInput(page["page"], page["width"], page["height"], words_of(page))
                for page in readings[label.file]["pages"]
            ]
            found = assemble(predictor.predict_pages(pages))
            yield {
                "file": label.file,
                "fields": found["fields"],
                "line_items": found["line_items"],
                "cpu_seconds": cpu_seconds() - begun,
            }

    return read


def keyword_records(
    labels: Sequence[RealLabel], readings: Mapping[str, Mapping[str, Any]]
) -> Iterator[Record]:
    from keyword_reader import find_values

    for label in labels:
        begun = cpu_seconds()
        found = find_values([words_of(page) for page in readings[label.file]["pages"]])
        yield {"file": label.file, **found, "cpu_seconds": cpu_seconds() - begun}


def invoice2data_reader(real: Path, output: Path) -> Reader:
    if not INVOICE2DATA.is_file():
        raise SystemExit(f"{INVOICE2DATA} is not there: run `make setup-invoice2data`")
    if shutil.which("pdftotext") is None:
        raise SystemExit("invoice2data reads fewer PDF files without pdftotext: install poppler-utils")

    def read(labels: Sequence[RealLabel], readings: Mapping[str, Mapping[str, Any]]) -> Iterator[Record]:
        texts = output / "invoice2data-texts"
        texts.mkdir(exist_ok=True)
        files = []
        for label in labels:
            pages = [words_of(page) for page in readings[label.file]["pages"]]
            if label.file.endswith(".pdf") and all(w.source == "pdf" for words in pages for w in words):
                files.append(real / label.file)
            else:
                files.append(texts / f"{label.file}.txt")
                files[-1].write_text("\f".join(map(laid_out, pages)), encoding="utf-8")
        ran = subprocess.run(
            [INVOICE2DATA, ROOT / "benchmarks/run_invoice2data.py"],
            input="".join(f"{path}\n" for path in files),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        for label, line in zip(labels, ran.stdout.splitlines(), strict=True):
            found = json.loads(line)
            yield {"file": label.file, **of_invoice2data(found["found"]), "cpu_seconds": found["cpu_seconds"]}

    return read


def laid_out(words: Sequence[Word]) -> str:
    """The lines of a page as ``pdftotext -layout`` has them: a gap is as many spaces as would fit."""
    letters = sum(len(word.text) for word in words)
    advance = sum(word.box[2] - word.box[0] for word in words) / max(letters, 1) or 1.0
    lines: dict[int | None, str] = {}
    for word in words:
        line = lines.get(word.line_id, "")
        column = round(word.box[0] / advance)
        lines[word.line_id] = (line and line + " ").ljust(column) + word.text
    return "\n".join(lines.values()) + "\n"


FIELDS_OF_INVOICE2DATA = {
    "invoice_number": "INVOICE_NUMBER",
    "date": "INVOICE_DATE",
    "date_due": "DUE_DATE",
    "date_delivery": "DELIVERY_DATE",
    "purchase_order_id": "PURCHASE_ORDER_NUMBER",
    "customer_order_number": "PURCHASE_ORDER_NUMBER",
    "partner_name": "SELLER_NAME",
    "issuer": "SELLER_NAME",
    "vat": "SELLER_TAX_ID",
    "iban": "BANK_ACCOUNT",
    "bic": "BANK_CODE",
    "currency": "CURRENCY",
    "amount_untaxed": "SUBTOTAL_AMOUNT",
    "vat_rate": "TAX_RATE",
    "amount_tax": "TAX_AMOUNT",
    "amount": "TOTAL_AMOUNT",
}
"""Names that its templates share, in the order in which one is taken for a type."""
ITEM_FIELDS_OF_INVOICE2DATA = {
    "name": "ITEM_DESCRIPTION",
    "desc": "ITEM_DESCRIPTION",
    "product": "ITEM_DESCRIPTION",
    "qty": "ITEM_QUANTITY",
    "price_unit": "ITEM_UNIT_PRICE",
    "price_subtotal": "ITEM_AMOUNT",
    "line_total": "ITEM_AMOUNT",
    "price_total": "ITEM_AMOUNT",
}
ADDRESS_OF_INVOICE2DATA = ("partner_street", "partner_street2", "partner_zip", "partner_city")


def of_invoice2data(found: Mapping[str, Any]) -> Record:
    """What invoice2data found, by the names of the taxonomy."""
    lower = {name.lower(): value for name, value in found.items()}
    fields: dict[str, list[dict[str, Any]]] = {}
    for name, entity_type in FIELDS_OF_INVOICE2DATA.items():
        if lower.get(name) not in (None, "", []) and entity_type not in fields:
            value = lower[name]
            fields[entity_type] = [{"value": str(value[0] if isinstance(value, list) else value)}]
    address = [str(lower[name]) for name in ADDRESS_OF_INVOICE2DATA if lower.get(name)]
    if address:
        fields["SELLER_ADDRESS"] = [{"value": " ".join(address)}]
    rows = []
    for line in lower.get("lines") or []:
        row: dict[str, dict[str, str]] = {}
        for name, entity_type in ITEM_FIELDS_OF_INVOICE2DATA.items():
            if line.get(name) not in (None, ""):
                row.setdefault(entity_type, {"value": str(line[name])})
        if row:
            rows.append(row)
    return {"fields": fields, "line_items": rows}


# What is reported.


def write_reader(
    folder: Path,
    name: str,
    labels: Sequence[RealLabel],
    readings: Mapping[str, Mapping[str, Any]],
    records: Sequence[Record],
) -> None:
    """Records, outcomes (under the name that ``invoicegen compare`` looks for) and costs of a reader."""
    folder.mkdir(parents=True, exist_ok=True)
    timed = [one["cpu_seconds"] for one in readings.values() if "cpu_seconds" in one]
    cost = {
        "reader": name,
        "documents": len(labels),
        "reading_seconds": sum(timed) / len(timed) if timed else None,
        "reading_timed_on": len(timed),
        "finding_seconds": sum(record["cpu_seconds"] for record in records) / len(records),
        "made": time.strftime("%Y-%m-%d %H:%M", time.gmtime()),
    }
    for file, rows in {"records": records, "real": score_real(labels, records)["outcomes"]}.items():
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (folder / f"{file}.jsonl").write_text(text, encoding="utf-8")
    (folder / "cost.json").write_text(json.dumps(cost), encoding="utf-8")


def headlines(outcomes: Sequence[DocumentOutcome]) -> dict[str, dict[str, Any] | None]:
    """The scores of the table, each with its interval over the documents that it is of; None where there are none."""

    def score(title: str, wanted: Callable[[DocumentOutcome], bool]) -> dict[str, Any] | None:
        those = [one for one in outcomes if wanted(one)]
        return intervals(those).get(title) if those else None

    def is_invoice(one: DocumentOutcome) -> bool:
        return one.groups["kind"] == "invoice"

    def is_sroie(one: DocumentOutcome) -> bool:
        return SROIE in one.groups["source"]

    return {
        "invoices, by layout": score("invoice: fields, F1 by layout", is_invoice),
        "invoices, micro": score("fields, micro F1", is_invoice),
        "SROIE receipts, micro": score("fields, micro F1", is_sroie),
        "other receipts, micro": score(
            "fields, micro F1", lambda one: not is_invoice(one) and not is_sroie(one)
        ),
        "line items": score("line items, F1", is_invoice),
    }


def report(folder: Path) -> None:
    """Tables of all readers that the folder holds: ``readers.json`` and ``readers.md``."""
    rows = []
    for path in sorted(folder.glob("*/cost.json")):
        outcomes = read_outcomes(path.parent / "real.jsonl")
        rows.append({**json.loads(path.read_text(encoding="utf-8")), "scores": headlines(outcomes)})
    (folder / "readers.json").write_text(json.dumps(rows, indent=1), encoding="utf-8")
    (folder / "readers.md").write_text(table(rows), encoding="utf-8")


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    titles = list(rows[0]["scores"])
    lines = [f"| reader | {' | '.join(titles)} | read, s | find, s |", "|--" * (len(titles) + 3) + "|"]
    for row in rows:
        cells = [interval(row["scores"][title]) for title in titles]
        reading = row["reading_seconds"]
        cells += ["" if reading is None else f"{reading:.2f}", f"{row['finding_seconds']:.2f}"]
        lines.append(f"| {row['reader']} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def interval(score: Mapping[str, Any] | None) -> str:
    """A score with its interval; two documents at least make one."""
    if score is None:
        return ""
    bounds = "" if score["low"] is None else f" [{score['low']:.3f}, {score['high']:.3f}]"
    return f"{score['value']:.3f}{bounds}"


if __name__ == "__main__":
    main()
