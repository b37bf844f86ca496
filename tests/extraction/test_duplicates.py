"""Which documents of a batch came before."""

import pytest

from invoicegen.extraction import DuplicateFinder

INVOICE = {
    "INVOICE_NUMBER": "INV-7",
    "INVOICE_DATE": "2026-04-03",
    "SELLER_NAME": "Muster GmbH",
    "SELLER_TAX_ID": "DE136695976",
    "TOTAL_AMOUNT": "466.48",
}


def record(file, kind="invoice", **values):
    fields = {name: [{"value": value}] for name, value in values.items()}
    return {"file": file, "document_type": kind, "fields": fields, "checks": []}


def statuses(*records):
    finder = DuplicateFinder()
    return [(found["status"], found["got"]) for found in map(finder.check, records)]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"SELLER_NAME": "MUSTER, GMBH"},
        {"SELLER_TAX_ID": "DE1366", "SELLER_NAME": "Muster G"},  # misread: number, date and total still agree
        {"INVOICE_DATE": None, "TOTAL_AMOUNT": None},
        {"INVOICE_NUMBER": "inv 7"},
    ],
)
def test_the_same_invoice_again_fails_and_names_the_first(changes):
    first, other, again = record("a.pdf", **INVOICE), record("b.pdf"), record("c.pdf", **INVOICE | changes)
    assert statuses(first, other, again) == [
        ("ok", "no other file"), ("not_applicable", None), ("failed", "a.pdf")
    ]  # fmt: skip


@pytest.mark.parametrize(
    "changes",
    [
        {"INVOICE_NUMBER": "INV-8"},  # the same sum every month
        {"INVOICE_NUMBER": "INV-7", "SELLER_NAME": "Durand", "SELLER_TAX_ID": None, "TOTAL_AMOUNT": "12.00"},
    ],
)
def test_other_invoices_pass(changes):
    assert statuses(record("a.pdf", **INVOICE), record("b.pdf", **INVOICE | changes))[1][0] == "ok"


def test_a_credit_note_of_the_same_number_passes():
    pair = record("a.pdf", **INVOICE), record("b.pdf", kind="credit_note", **INVOICE)
    assert statuses(*pair)[1][0] == "ok"


def test_receipts_without_number_are_known_by_seller_date_and_total():
    receipt = {"SELLER_NAME": "Café", "INVOICE_DATE": "2026-04-03", "TOTAL_AMOUNT": "4.50"}
    found = statuses(
        record("a.jpg", "receipt", **receipt),
        record("b.jpg", "receipt", **receipt | {"TOTAL_AMOUNT": "4.60"}),
        record("c.jpg", "receipt", **receipt | {"SELLER_NAME": "CAFE"}),
    )
    assert found == [("ok", "no other file"), ("ok", "no other file"), ("failed", "a.jpg")]
