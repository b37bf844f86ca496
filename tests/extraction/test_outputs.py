"""Records in every format: what the files say, and what is refused."""

import csv
import datetime as dt
import json

import pytest
from openpyxl import load_workbook

from invoicegen.einvoice import RefusedError
from invoicegen.extraction import assemble
from invoicegen.extraction.einvoices import record_terms, write_record
from invoicegen.extraction.outputs import open_output

WORDS = [
    ("Rechnung", 60, 40, "B-DOCUMENT_TYPE"), ("R-7", 250, 40, "B-INVOICE_NUMBER"),
    ("03.04.2026", 250, 60, "B-INVOICE_DATE"), ("03.05.2026", 250, 80, "B-DUE_DATE"),
    ("Muster", 60, 100, "B-SELLER_NAME"), ("GmbH", 120, 100, "I-SELLER_NAME"),
    ("Berlin", 60, 120, "B-SELLER_ADDRESS"), ("DE136695976", 60, 140, "B-SELLER_TAX_ID"),
    ("=Durand", 60, 180, "B-BUYER_NAME"), ("Lyon", 60, 200, "B-BUYER_ADDRESS"),
    ("France", 110, 200, "I-BUYER_ADDRESS"),
    ("Schrauben", 60, 300, "B-ITEM_DESCRIPTION"), ("100", 500, 300, "B-ITEM_QUANTITY"),
    ("3,92", 700, 300, "B-ITEM_UNIT_PRICE"), ("392,00", 900, 300, "B-ITEM_AMOUNT"),
    ("Fracht", 60, 330, "B-ITEM_DESCRIPTION"), ("8,00", 900, 330, "B-ITEM_AMOUNT"),
    ("400,00", 900, 400, "B-SUBTOTAL_AMOUNT"),
    ("19", 400, 420, "B-TAX_RATE"), ("%", 425, 420, "I-TAX_RATE"), ("76,00", 900, 420, "B-TAX_AMOUNT"),
    ("476,00", 900, 440, "B-TOTAL_AMOUNT"), ("€", 970, 440, "B-CURRENCY"),
    ("DE89370400440532013000", 60, 600, "B-BANK_ACCOUNT"),
]  # fmt: skip


@pytest.fixture
def record_of(make_page):
    """The record of the invoice above, less the words of some types."""

    def make(*without, file="in/a.pdf"):
        words = [word for word in WORDS if word[3][2:] not in without]
        return {"file": file, **assemble([make_page(words)])}

    return make


def written(kind, output, *records):
    with open_output(kind, output) as write:
        return [write(record) for record in records]


ERROR = {"file": "in/b.pdf", "error": "in/b.pdf: the file is empty"}


def test_json_is_one_array_and_json_lines_an_object_a_line(record_of, tmp_path):
    record = record_of()
    written("json", tmp_path / "out.json", record, ERROR)
    written("jsonl", tmp_path / "out.jsonl", record, ERROR)
    assert json.loads((tmp_path / "out.json").read_text()) == [record, ERROR]
    assert list(map(json.loads, (tmp_path / "out.jsonl").read_text().splitlines())) == [record, ERROR]
    written("json", tmp_path / "none.json")
    assert json.loads((tmp_path / "none.json").read_text()) == []


def test_csv_has_a_row_a_document_and_a_row_an_item(record_of, tmp_path):
    written("csv", tmp_path / "out.csv", record_of(), ERROR)
    with (tmp_path / "out.csv").open(newline="") as file:
        first, second = csv.DictReader(file)
    assert (first["file"], first["INVOICE_DATE"], first["TOTAL_AMOUNT"]) == (
        "in/a.pdf",
        "2026-04-03",
        "476.00",
    )
    assert first["BUYER_NAME"] == "'=Durand"  # no formula
    assert (second["file"], second["TOTAL_AMOUNT"], second["error"]) == ("in/b.pdf", "", ERROR["error"])
    with (tmp_path / "out.line_items.csv").open(newline="") as file:
        items = list(csv.DictReader(file))
    assert [(item["line"], item["ITEM_DESCRIPTION"], item["ITEM_AMOUNT"]) for item in items] == [
        ("1", "Schrauben", "392.00"),
        ("2", "Fracht", "8.00"),
    ]


def test_a_workbook_has_numbers_and_dates_and_no_formulas(record_of, tmp_path):
    written("xlsx", tmp_path / "out.xlsx", record_of(), ERROR)
    book = load_workbook(tmp_path / "out.xlsx")
    assert book.sheetnames == ["documents", "line_items", "checks"]
    names, values, _ = book["documents"].iter_rows()
    cells = {name.value: cell for name, cell in zip(names, values, strict=True)}
    assert cells["TOTAL_AMOUNT"].value == 476
    assert cells["INVOICE_DATE"].value.date() == dt.date(2026, 4, 3)
    assert (cells["BUYER_NAME"].value, cells["BUYER_NAME"].data_type) == ("=Durand", "s")
    assert {row[4].value for row in book["checks"].iter_rows(min_row=2)} == {"ok", "not_applicable"}


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_tables_need_a_file(kind):
    with pytest.raises(ValueError, match="--output"), open_output(kind, None):
        pass


def test_an_interruption_leaves_what_was_finished(record_of, tmp_path):
    def interrupted():
        with open_output("csv", tmp_path / "out.csv") as write:
            write(record_of())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 2
    assert not list(tmp_path.glob("*.partial"))


@pytest.mark.parametrize(("syntax", "root"), [("ubl", b"Invoice-2"), ("cii", b"CrossIndustryInvoice")])
def test_an_electronic_invoice_says_what_was_extracted(record_of, syntax, root):
    # Valid by XSD and Schematron, else write_record raises.
    xml = write_record(record_of(), syntax)
    assert root in xml
    for text in (b"R-7", b"Muster GmbH", b"DE136695976", b"476.00", b"Fracht", b"DE89370400440532013000"):
        assert text in xml


def test_what_is_lacking_is_listed_and_the_others_go_on(record_of, tmp_path):
    poor = record_of("BUYER_NAME", "DUE_DATE", "INVOICE_NUMBER")
    with pytest.raises(RefusedError) as refused:
        write_record(poor, "ubl")
    assert {term.term for term in refused.value.missing} == {"BT-1", "BT-44", "BT-9 or BT-20"}
    said = written("ubl", tmp_path / "xml", record_of(), poor, ERROR, record_of(file="other/a.pdf"))
    assert [one is None for one in said] == [True, False, True, True]
    assert "BT-44 Buyer name" in said[1]
    assert sorted(path.name for path in (tmp_path / "xml").iterdir()) == ["a-2.xml", "a.xml"]


@pytest.mark.parametrize(
    ("without", "term"),
    [
        (("TAX_RATE",), "BT-119"),
        (("TAX_AMOUNT",), "BT-117"),
        (("ITEM_AMOUNT", "ITEM_QUANTITY"), "BT-131"),
        (("ITEM_DESCRIPTION",), "BT-153"),
        (("SELLER_TAX_ID",), "BT-40"),
        (("BUYER_ADDRESS",), "BT-55"),
        (("TOTAL_AMOUNT",), "BT-112"),
        (("CURRENCY",), "BT-5"),
    ],
)
def test_nothing_is_made_up(record_of, without, term):
    record = record_of(*without)
    if without == ("CURRENCY",):
        record["fields"].pop("CURRENCY", None)  # derived from signs
    assert term in {missing.term for missing in record_terms(record)[1]}


def test_figures_that_do_not_add_up_are_refused_by_rule(record_of):
    record = record_of()
    record["fields"]["TOTAL_AMOUNT"][0]["value"] = "477.00"
    with pytest.raises(Exception, match="BR-CO-15"):
        write_record(record, "ubl")


def test_a_line_without_quantity_and_price_is_one_piece(record_of):
    first, second = record_terms(record_of())[0]["BG-25"]
    assert (first["BT-129"], first["BG-29"]) == ("100", {"BT-146": "3.92"})
    assert (second["BT-129"], second["BT-130"], second["BG-29"]) == ("1", "C62", {"BT-146": "8"})
