"""Which records a person should look at."""

import pytest

from invoicegen.extraction import assemble
from invoicegen.extraction.review import review_reasons

RECEIPT = [
    ("Cafe", 60, 60, "B-SELLER_NAME", 0.9),
    ("03.04.2026", 60, 100, "B-INVOICE_DATE", 0.8),
    ("Tea", 60, 200, "B-ITEM_DESCRIPTION", 0.7),
    ("4.50", 300, 200, "B-ITEM_AMOUNT", 0.7),
    ("4.50", 300, 300, "B-TOTAL_AMOUNT", 0.9),
]


def reasons(make_page, words, min_confidence=0.5, **more):
    record = {**assemble([make_page(words, width=400, height=1600)]), **more}
    return [reason.text for reason in review_reasons(record, min_confidence)]


def test_nothing_speaks_for_a_look_at_a_sound_receipt(make_page):
    assert reasons(make_page, RECEIPT) == []


@pytest.mark.parametrize(
    ("place", "word", "expected"),
    [
        (1, ("blurred", 60, 100, "B-INVOICE_DATE", 0.8), "INVOICE_DATE 'blurred' cannot be read as its type"),
        (0, ("Cafe", 60, 60, "O", 0.9), "SELLER_NAME is missing"),
        (
            4,
            ("5.40", 300, 300, "B-TOTAL_AMOUNT", 0.9),
            "line_items: sum of line amounts = subtotal fails: expected 5.40, got 4.50",
        ),
        (0, ("Cafe", 60, 60, "B-SELLER_NAME", 0.4), "SELLER_NAME has confidence 0.40, below 0.5"),
        (
            3,
            ("4.50", 300, 200, "B-ITEM_AMOUNT", 0.3),
            "line_items[0].ITEM_AMOUNT has confidence 0.30, below 0.5",
        ),
    ],
)
def test_each_fault_is_a_reason(make_page, place, word, expected):
    assert reasons(make_page, [*RECEIPT[:place], word, *RECEIPT[place + 1 :]]) == [expected]


def test_the_least_confidence_is_the_readers_choice_and_unread_pages_count(make_page):
    found = reasons(make_page, RECEIPT, 0.75, page_errors=[{"page": 1, "error": "damaged"}])
    assert found[0] == "page 2 could not be read"
    assert len(found) == 3
    assert reasons(make_page, RECEIPT, 0.0) == []
