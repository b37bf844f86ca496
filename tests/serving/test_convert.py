"""Results as files: workbooks, electronic invoices, and what is refused."""

from __future__ import annotations

import io

import pytest
from lxml import etree
from openpyxl import load_workbook


def value(text: str) -> dict[str, object]:
    return {"value": text, "text": text, "confidence": 1, "page": 0, "box": [0, 0, 9, 9]}


@pytest.fixture
def result() -> dict[str, object]:
    """What was read of a German invoice, its date and an amount as a person typed them."""
    fields = {
        "INVOICE_NUMBER": "R-7", "INVOICE_DATE": "03.04.2026", "DUE_DATE": "2026-05-03", "SELLER_NAME": "Muster GmbH",
        "SELLER_ADDRESS": "Weg 1, 10115 Berlin", "SELLER_TAX_ID": "DE136695976", "BUYER_NAME": "=Durand",
        "BUYER_ADDRESS": "Rue 2, 69001 Lyon, France", "SUBTOTAL_AMOUNT": "400.00", "TAX_RATE": "19",
        "TAX_AMOUNT": "76.00", "TOTAL_AMOUNT": "476,00", "CURRENCY": "EUR", "PAGE_COUNT_OF_TOMORROW": "?",
    }  # fmt: skip
    item = {
        "ITEM_DESCRIPTION": "Schrauben",
        "ITEM_QUANTITY": "100",
        "ITEM_UNIT_PRICE": "4",
        "ITEM_AMOUNT": "400.00",
    }
    return {
        "file": "in/Rechnung 7.pdf",
        "document_type": "invoice",
        "fields": {name: [value(text)] for name, text in fields.items()},
        "line_items": [{name: value(text) for name, text in item.items()}],
    }


def test_a_workbook_has_what_was_corrected(client, result):
    answer = client.post("/v1/convert", params={"format": "xlsx"}, json=result)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''Rechnung%207.xlsx"
    names, values = load_workbook(io.BytesIO(answer.content))["documents"].iter_rows(values_only=True)
    row = dict(zip(names, values, strict=True))
    assert (row["TOTAL_AMOUNT"], row["INVOICE_DATE"].date().isoformat()) == (476, "2026-04-03")
    assert row["BUYER_NAME"] == "=Durand"


@pytest.mark.parametrize(("syntax", "root"), [("ubl", "Invoice"), ("cii", "CrossIndustryInvoice")])
def test_an_electronic_invoice_is_written_or_what_it_lacks_is_listed(client, result, syntax, root):
    answer = client.post("/v1/convert", params={"format": syntax}, json=result)
    assert answer.status_code == 200, answer.text
    assert etree.QName(etree.fromstring(answer.content)).localname == root
    del result["fields"]["BUYER_NAME"], result["fields"]["INVOICE_NUMBER"]
    refused = client.post("/v1/convert", params={"format": syntax}, json=result)
    assert refused.headers["content-type"] == "application/problem+json"
    problem = refused.json()
    assert (refused.status_code, problem["type"]) == (422, "urn:invoicegen:problem:terms-missing")
    assert {(one["term"], one["rule"]) for one in problem["missing"]} == {
        ("BT-1", "BR-02"),
        ("BT-44", "BR-07"),
    }


@pytest.mark.parametrize(
    ("content", "media_type", "status", "kind"),
    [
        (b"{}", "application/json", 422, "invalid-request"),
        (b"[" * 100_000, "application/json", 422, "invalid-request"),
        (b"{}", "text/plain", 415, "unsupported-media-type"),
        (b'"' + b"x" * 2_000_000, "application/json", 413, "too-large"),
    ],
)
def test_what_is_no_result_is_refused(client, content, media_type, status, kind):
    answer = client.post(
        "/v1/convert", params={"format": "ubl"}, content=content, headers={"Content-Type": media_type}
    )
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:invoicegen:problem:{kind}")


def test_nonsense_in_a_result_does_no_harm(client, result):
    for text in ("1e999999\u0000\ufffe", "1," * 5000, "0"):
        nonsense = {**result, "fields": {name: [value(text)] for name in result["fields"]}}
        nonsense["line_items"] = [{name: value(text) for name in result["line_items"][0]}]
        for kind in ("xlsx", "ubl"):
            answer = client.post("/v1/convert", params={"format": kind}, json=nonsense)
            assert answer.status_code in (200, 422), answer.text
