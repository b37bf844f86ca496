"""Files to records: what a record holds, and what becomes of files and pages that fail."""

import json
import re

import numpy as np
import pytest
from PIL import Image

from invoicegen.extraction import (
    ExtractOptions,
    extract_documents,
    extract_file,
    extract_files,
    find_documents,
)
from invoicegen.ocr import create_engine
from invoicegen.schema.prediction import PagePrediction


class RulePredictor:
    """Labels by pattern what the documents of these tests print."""

    RULES = (
        (re.compile(r"INV-"), "B-INVOICE_NUMBER"),
        (re.compile(r"\d\d\.\d\d\.\d{4}"), "B-INVOICE_DATE"),
        (re.compile(r"400,00"), "B-TOTAL_AMOUNT"),
        (re.compile(r"\d+,\d\d$"), "B-ITEM_AMOUNT"),
        (re.compile(r"Hex|Washer"), "B-ITEM_DESCRIPTION"),
        (re.compile(r"bolt|zinc|plated"), "I-ITEM_DESCRIPTION"),
    )

    def predict_pages(self, pages):
        return [self._predict(page) for page in pages]

    def _predict(self, page):
        tags = [next((tag for rule, tag in self.RULES if rule.match(word.text)), "O") for word in page.words]
        items = [tag[2:].startswith("ITEM_") for tag in tags]
        return PagePrediction(
            page=page.page,
            width=page.width,
            height=page.height,
            words=list(page.words),
            ner_tags=tags,
            ner_confidences=[0.9] * len(tags),
            table_tags=[
                ("CELL" if tag[0] == "B" else "INSIDE") if item else "OUTSIDE"
                for tag, item in zip(tags, items, strict=True)
            ],
            cell_tags=["DATA" if item else "EMPTY" for item in items],
        )


class BrokenPredictor:
    def predict_pages(self, pages):
        raise RuntimeError("out of memory")


@pytest.fixture(scope="module")
def engine():
    return create_engine("rapidocr")


def test_a_document_gives_a_record(invoice_pdf, engine):
    record = extract_file(invoice_pdf, RulePredictor(), engine)
    assert list(record) == [
        "file", "document_type", "pages", "fields", "line_items", "tax_lines", "checks", "timings_ms",
        "needs_review", "review_reasons",
    ]  # fmt: skip
    assert record["file"] == str(invoice_pdf)
    assert [field["value"] for field in record["fields"]["TOTAL_AMOUNT"]] == ["400.00"]
    assert record["fields"]["TOTAL_AMOUNT"][0]["page"] == 1
    assert record["fields"]["INVOICE_DATE"][0]["value"] == "2026-10-14"
    assert [item["ITEM_DESCRIPTION"]["value"] for item in record["line_items"]] == [
        "Hex bolt zinc plated",
        "Washer",
    ]
    assert [page["engine"] for page in record["pages"]] == ["pdf_text", "pdf_text"]
    assert set(record["timings_ms"]) == {"decode", "model", "checks", "total"}
    json.dumps(record)


def test_boxes_lie_on_the_page_that_the_record_describes(invoice_pdf, engine):
    record = extract_file(invoice_pdf, RulePredictor(), engine, ExtractOptions(dpi=100))
    page = record["pages"][1]
    x0, y0, x1, y1 = record["fields"]["TOTAL_AMOUNT"][0]["box"]
    assert 0 <= x0 < x1 <= page["width"]
    assert 0 <= y0 < y1 <= page["height"]
    assert page["width"] == pytest.approx(595 / 72 * 100, abs=2)
    assert x0 == pytest.approx(480 / 72 * 100, abs=3)


def test_pages_in_small_batches_give_the_same(invoice_pdf, engine):
    one, all_at_once = (
        extract_file(invoice_pdf, RulePredictor(), engine, ExtractOptions(batch_pages=n)) for n in (1, 16)
    )
    assert {**one, "timings_ms": 0} == {**all_at_once, "timings_ms": 0}


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("empty.pdf", b"", "empty"),
        ("letter.pdf", b"Dear Sir or Madam", "neither|not a"),
        ("cut.pdf", b"%PDF-1.4\n1 0 obj<<", ""),
    ],
)
def test_a_file_that_cannot_be_read_gives_an_error_record(tmp_path, engine, name, content, reason):
    path = tmp_path / name
    path.write_bytes(content)
    record = extract_file(path, RulePredictor(), engine)
    assert set(record) == {"file", "error"}
    assert record["file"] == str(path)
    assert str(path) in record["error"]
    assert re.search(reason, record["error"], re.IGNORECASE)


def test_a_missing_file_gives_an_error_record(tmp_path, engine):
    assert "error" in extract_file(tmp_path / "none.pdf", RulePredictor(), engine)


def test_a_broken_model_gives_an_error_record(invoice_pdf, engine):
    record = extract_file(invoice_pdf, BrokenPredictor(), engine)
    assert set(record) == {"file", "error"}
    assert "RuntimeError: out of memory" in record["error"]


def test_a_failing_page_is_reported_and_the_others_go_on(tmp_path, engine):
    good = Image.new("RGB", (900, 600), "white")
    path = tmp_path / "scan.tiff"
    good.save(path, save_all=True, append_images=[good], compression="tiff_deflate")
    data = bytearray(path.read_bytes())
    with Image.open(path) as image:  # spoil the pixels of the second frame, not its header
        image.seek(1)
        start = image.tag_v2[273][0]
    data[start : start + 20] = bytes(20)
    path.write_bytes(data)
    record = extract_file(path, RulePredictor(), engine)
    assert [page["page"] for page in record["pages"]] == [0]
    assert [problem["page"] for problem in record["page_errors"]] == [1]
    assert record["page_errors"][0]["error"]


def test_a_blank_page_is_no_error(tmp_path, engine):
    path = tmp_path / "blank.png"
    Image.fromarray(np.full((800, 600, 3), 255, np.uint8)).save(path)
    record = extract_file(path, RulePredictor(), engine)
    assert record["fields"] == {}
    assert record["line_items"] == []
    assert record["pages"][0]["words"] == 0


def test_find_documents_searches_folders_and_expands_globs(tmp_path):
    (tmp_path / "deep").mkdir()
    for name in ("b.pdf", "a.PNG", "notes.txt", "deep/c.jpeg"):
        (tmp_path / name).write_bytes(b"x")
    names = [path.removeprefix(f"{tmp_path}/") for path in find_documents([tmp_path])]
    assert names == ["a.PNG", "b.pdf", "deep/c.jpeg"]
    assert find_documents([f"{tmp_path}/*.pdf"]) == [f"{tmp_path}/b.pdf"]
    assert find_documents([tmp_path / "b.pdf", tmp_path]) == [
        str(tmp_path / name) for name in ("b.pdf", "a.PNG", "deep/c.jpeg")
    ]


def test_find_documents_keeps_what_is_not_there(tmp_path):
    (tmp_path / "hollow").mkdir()
    wanted = [str(tmp_path / "hollow"), str(tmp_path / "gone.pdf"), f"{tmp_path}/*.tif"]
    assert find_documents(wanted) == wanted


def test_many_files_with_the_model_of_a_folder(invoice_pdf, untrained_model, tmp_path):
    (tmp_path / "bad.pdf").write_bytes(b"")
    options = ExtractOptions(model=str(untrained_model))
    paths = [str(invoice_pdf), str(tmp_path / "bad.pdf"), str(invoice_pdf)]
    records = list(extract_files(paths, options))
    assert [record["file"] for record in records] == paths
    assert ["error" in record for record in records] == [False, True, False]
    twice = [record["checks"][-1] for record in records if "checks" in record]
    assert {check["rule"] for check in twice} == {"not twice in the batch"}


def test_a_folder_that_is_no_model_gives_error_records(invoice_pdf, tmp_path):
    (record,) = extract_files([str(invoice_pdf)], ExtractOptions(model=str(tmp_path)))
    assert "kedro run --pipeline=train" in record["error"]


@pytest.fixture(scope="module")
def two_invoices(make_pdf, tmp_path_factory):
    path = tmp_path_factory.mktemp("split") / "inbox.pdf"
    pages = [
        [(50, 60, "Invoice INV-1"), (50, 80, "Date 14.10.2026"), (50, 200, "Hex bolt"), (480, 200, "400,00")],
        [(50, 60, "Hex bolt zinc"), (480, 60, "8,00"), (50, 700, "and conditions of sale")],
        [(50, 60, "Invoice INV-2"), (50, 80, "Date 15.10.2026"), (50, 200, "Washer"), (480, 200, "400,00")],
    ]
    path.write_bytes(make_pdf(pages))
    return path


def test_each_document_of_a_file_has_a_record(two_invoices, engine):
    first, second = extract_documents(two_invoices, RulePredictor(), engine)
    assert (first["page_range"], second["page_range"]) == ([0, 1], [2, 2])
    assert [page["page"] for page in first["pages"]] == [0, 1]
    assert [one["value"] for one in second["fields"]["INVOICE_NUMBER"]] == ["INV-2"]
    assert second["fields"]["TOTAL_AMOUNT"][0]["page"] == 2
    (whole,) = extract_documents(two_invoices, RulePredictor(), engine, ExtractOptions(split=False))
    assert "page_range" not in whole
    assert len(whole["pages"]) == 3
    record = extract_file(two_invoices, RulePredictor(), engine, with_documents=True)
    assert [one["page_range"] for one in record["documents"]] == [[0, 1], [2, 2]]
    assert record["review_reasons"][0] == "the file holds 2 documents"
    json.dumps(record)
