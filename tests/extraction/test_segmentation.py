"""Files of several documents: where one ends and the next begins."""

from dataclasses import replace

import pytest

from invoicegen.extraction import split_pages
from invoicegen.extraction.segmentation import PageMark, page_mark


@pytest.fixture
def page_of(make_page):
    """A function that makes a page of a seller; what is left out is not on it."""

    def make(*, number=None, seller=None, date=None, total=None, title=None, footer=None):
        words = [
            ("of", 300, 900, "O"),
            ("all", 340, 900, "O"),
            ("work", 380, 900, "O"),
            ("done", 440, 900, "O"),
        ]
        printed = [
            (title, 60, 60, "DOCUMENT_TYPE"), (number, 300, 60, "INVOICE_NUMBER"), (date, 300, 90, "INVOICE_DATE"),
            (seller, 60, 120, "SELLER_NAME"), (total, 900, 1200, "TOTAL_AMOUNT"),
        ]  # fmt: skip
        words += [(text, x, y, f"B-{entity}") for text, x, y, entity in printed if text]
        words += [(text, 500 + 70 * i, 1700, "O") for i, text in enumerate((footer or "").split())]
        return make_page(words)

    return make


def starts(pages):
    return [document[0].page for document in split_pages([replace(p, page=i) for i, p in enumerate(pages)])]


def test_invoices_of_one_seller_are_told_apart(page_of):
    head = {"seller": "Acme", "title": "Invoice"}
    first = page_of(number="R-7", date="2026-05-01", **head)
    end = page_of(seller="Acme", total="12.00")
    second = page_of(number="R-8", date="2026-06-01", total="15.00", **head)
    assert starts([first, end, second]) == [0, 2]


def test_receipts_without_numbers_are_told_apart(page_of):
    first = page_of(seller="Acme", date="2026-05-01", total="12.00")
    second = page_of(seller="Bakery", date="2026-05-01", total="4.50", title="Receipt")
    assert starts([first, second]) == [0, 1]


def test_a_repeated_letterhead_begins_nothing(page_of):
    head = {"seller": "Acme", "title": "Invoice", "number": "R-7", "date": "2026-05-01"}
    assert starts([page_of(**head), page_of(**head), page_of(**head, total="12.00")]) == [0]


def test_a_number_that_is_misread_on_a_later_page_begins_nothing(page_of):
    head = {"seller": "Acme", "title": "Invoice", "date": "2026-05-01"}
    assert starts([page_of(number="R-701", **head), page_of(number="R-7O1", **head, total="12.00")]) == [0]


def test_page_marks_say_what_belongs_together(page_of):
    one = {"seller": "Acme", "number": "R-7", "date": "2026-05-01", "total": "12.00", "title": "Invoice"}
    other = {**one, "number": "R-8", "date": "2026-06-01"}
    together = [page_of(**one, footer="Page 1 of 2"), page_of(**other, footer="Page 2 of 2")]
    assert starts(together) == [0]
    apart = [
        page_of(**one, footer="Page 1 of 1"),
        page_of(seller="Acme", total="9.00", title="Invoice", footer="Page 1 of 1"),
    ]
    assert starts(apart) == [0, 1]


def test_a_blank_page_belongs_to_the_document_before(page_of, make_page):
    one = {"seller": "Acme", "number": "R-7", "date": "2026-05-01", "total": "12.00", "title": "Invoice"}
    other = {**one, "seller": "Bakery", "number": "8", "total": "4.50"}
    assert starts([page_of(**one), make_page([]), page_of(**other)]) == [0, 2]
    assert starts([make_page([]), page_of(**one)]) == [0]
    assert starts([]) == []


@pytest.mark.parametrize(
    ("text", "y", "mark"),
    [
        ("Page 2 of 3", 900, PageMark(2, 3)),
        ("Seite: 2/3", 900, PageMark(2, 3)),
        ("Página 1 de 4", 900, PageMark(1, 4)),
        ("2. lpp. no 3", 900, PageMark(2, 3)),
        ("Page 2", 900, PageMark(2, None)),
        ("2 / 3", 1700, PageMark(2, 3)),
        ("Sida 1 (2)", 40, PageMark(1, 2)),
        ("2 / 3", 900, None),  # in the text it may be anything
        ("1/2026", 1700, None),
        ("Page 3 of 2", 900, None),
        ("Page 1.50", 900, None),
    ],
)
def test_page_numbers_are_read(make_page, text, y, mark):
    assert page_mark(make_page([(word, 60 + 80 * i, y, "O") for i, word in enumerate(text.split())])) == mark
