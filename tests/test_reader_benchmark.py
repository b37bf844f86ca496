"""benchmarks/compare_readers.py and the reader by keywords, on words put down by hand."""

from __future__ import annotations

import hashlib
import json
import sys

from invoicegen.labeling import sort_words
from invoicegen.schema.annotation import Word

INVOICE = """
Northwind Timber Ltd                                Invoice No.: NT-2041
12 Mill Lane                                        Invoice Date: 03/02/2026
Leeds LS1 4AB                                       Due Date: 05/03/2026

Bill To:
Harbour Joinery
7 Quay Street
Hull HU1 2BN

Description            Qty        Unit Price        Amount
Oak board              10            12.50          125.00
planed
Pine board              4             5.00           20.00

                                  Subtotal          £145.00
                                  VAT 20%            £29.00
                                  Total             £174.00
"""
RECEIPT = """
TAX INVOICE
KEDAI MAJU SDN BHD
No 5 Jalan Besar
81300 Skudai Johor
Date: 21/12/2025
Bread          3.50
Total Amount   12.90
Cash           50.00
Change         37.10
"""
GERMAN = """
Holzhandel Weber GmbH
Sägeweg 3
80331 München

Rechnungsnummer     Rechnungsdatum     Fällig am
R-1007              14.10.2026         13.11.2026

Nettobetrag         1.200,00 €
MwSt. 19 %            228,00 €
Gesamtbetrag        1.428,00 €
IBAN DE89 3704 0044 0532 0130 00
"""


def words(text: str) -> list[Word]:
    """The words of a page of typescript: 8 px a letter, 20 px a line."""
    placed = []
    for number, line in enumerate(text.splitlines()):
        column = 0
        for piece in line.split(" "):
            if piece:
                box = [8.0 * column, 20.0 * number, 8.0 * (column + len(piece)), 20.0 * number + 14]
                placed.append(Word(text=piece, box=box, source="ocr"))
            column += len(piece) + 1
    return sort_words(placed)


def fields_of(found: dict) -> dict[str, str]:
    return {name: values[0]["value"] for name, values in found["fields"].items()}


def test_keywords_find_the_values_of_an_invoice(benchmark):
    found = benchmark("keyword_reader").find_values([words(INVOICE)])
    expected = {
        "INVOICE_NUMBER": "NT-2041",
        "INVOICE_DATE": "2026-02-03",
        "DUE_DATE": "2026-03-05",
        "SELLER_NAME": "Northwind Timber Ltd",
        "SELLER_ADDRESS": "12 Mill Lane Leeds LS1 4AB",
        "BUYER_NAME": "Harbour Joinery",
        "BUYER_ADDRESS": "7 Quay Street Hull HU1 2BN",
        "SUBTOTAL_AMOUNT": "145.00",
        "TAX_RATE": "20",
        "TAX_AMOUNT": "29.00",
        "TOTAL_AMOUNT": "174.00",
        "CURRENCY": "GBP",
    }
    assert fields_of(found) == expected


def test_keywords_find_the_rows_of_a_table_with_their_wrapped_lines(benchmark):
    found = benchmark("keyword_reader").find_values([words(INVOICE)])
    rows = [{name: one["value"] for name, one in row.items()} for row in found["line_items"]]
    assert rows == [
        {
            "ITEM_DESCRIPTION": "Oak board planed",
            "ITEM_QUANTITY": "10",
            "ITEM_UNIT_PRICE": "12.50",
            "ITEM_AMOUNT": "125.00",
        },
        {
            "ITEM_DESCRIPTION": "Pine board",
            "ITEM_QUANTITY": "4",
            "ITEM_UNIT_PRICE": "5.00",
            "ITEM_AMOUNT": "20.00",
        },
    ]


def test_a_total_is_not_what_was_tendered(benchmark):
    found = fields_of(benchmark("keyword_reader").find_values([words(RECEIPT)]))
    assert found["TOTAL_AMOUNT"] == "12.90"
    assert found["SELLER_NAME"] == "KEDAI MAJU SDN BHD"
    assert found["INVOICE_DATE"] == "2025-12-21"


def test_a_value_may_stand_under_its_caption(benchmark):
    found = fields_of(benchmark("keyword_reader").find_values([words(GERMAN)]))
    assert found["INVOICE_NUMBER"] == "R-1007"
    assert found["DUE_DATE"] == "2026-11-13"
    assert found["TOTAL_AMOUNT"] == "1428.00"
    assert found["BANK_ACCOUNT"] == "DE89370400440532013000"


def test_what_invoice2data_finds_gets_the_names_of_the_taxonomy(benchmark):
    found = {
        "issuer": "Holzhandel",
        "partner_name": "Holzhandel Weber GmbH",
        "partner_street": "Sägeweg 3",
        "partner_zip": "80331",
        "partner_city": "München",
        "IBAN": "DE89370400440532013000",
        "date": "2026-10-14",
        "amount": 1428.0,
        "vat": [],
        "template_name": "de.weber.yml",
        "lines": [{"name": "Eiche", "qty": 2.0, "price_subtotal": "20.00"}, {"line_note": "Danke"}],
    }
    record = benchmark("compare_readers").of_invoice2data(found)
    assert fields_of(record) == {
        "SELLER_NAME": "Holzhandel Weber GmbH",
        "SELLER_ADDRESS": "Sägeweg 3 80331 München",
        "BANK_ACCOUNT": "DE89370400440532013000",
        "INVOICE_DATE": "2026-10-14",
        "TOTAL_AMOUNT": "1428.0",
    }
    assert record["line_items"] == [
        {
            "ITEM_DESCRIPTION": {"value": "Eiche"},
            "ITEM_QUANTITY": {"value": "2.0"},
            "ITEM_AMOUNT": {"value": "20.00"},
        }
    ]
    assert benchmark("compare_readers").of_invoice2data({}) == {"fields": {}, "line_items": []}


def test_text_for_templates_keeps_columns_apart(benchmark):
    text = benchmark("compare_readers").laid_out(words("Total      5.00\n\nDate"))
    assert text == "Total      5.00\nDate\n"


def test_a_reader_is_added_to_the_table_and_what_was_read_is_not_read_again(benchmark, tmp_path, monkeypatch):
    labels = []
    with (tmp_path / "words-rapidocr.jsonl").open("w", encoding="utf-8") as cache:
        for number, text in enumerate((INVOICE, GERMAN)):
            file = tmp_path / f"{number}.png"
            file.write_bytes(text.encode())  # no picture: reading it would fail
            placed = [word.model_dump(mode="json") for word in words(text)]
            page = {"page": 0, "width": 640, "height": 480, "words": placed}
            sha256 = hashlib.sha256(text.encode()).hexdigest()
            cache.write(json.dumps({"sha256": sha256, "pages": [page], "cpu_seconds": 0.5 + number}) + "\n")
            fields = {"invoice_number": [("NT-2041", "R-9999")[number]]}
            labels.append({"file": file.name, "kind": "invoice", "source": "typed", "fields": fields})
    (tmp_path / "labels.jsonl").write_text("".join(json.dumps(label) + "\n" for label in labels))
    module = benchmark("compare_readers")
    command = ["compare_readers.py", "--real", str(tmp_path), "--output", str(tmp_path), "--readers"]
    for engine in ("rapidocr", "tesseract"):
        (tmp_path / f"words-{engine}.jsonl").write_bytes((tmp_path / "words-rapidocr.jsonl").read_bytes())
        monkeypatch.setattr(sys, "argv", [*command, f"keywords:{engine}"])
        module.main()
    rows = json.loads((tmp_path / "2-documents" / "readers.json").read_text())
    assert [row["reader"] for row in rows] == ["keywords:rapidocr", "keywords:tesseract"]
    assert rows[0]["scores"]["invoices, micro"]["value"] == 0.5
    assert rows[0]["scores"]["SROIE receipts, micro"] is None
    assert rows[0]["reading_seconds"] == 1.0
    assert "| keywords:tesseract | 0.500 [" in (tmp_path / "2-documents" / "readers.md").read_text()
