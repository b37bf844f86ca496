"""What generated pages are like, beside real ones."""

from __future__ import annotations

import pytest

from invoicegen.evaluation.data_card import describe_pages, describe_real, quantiles
from invoicegen.evaluation.real import RealLabel
from invoicegen.geometry import box_coverage
from invoicegen.schema.rows import page_to_row, rows_to_table


def table(*pages):
    return {"a": lambda: rows_to_table(page_to_row(page, b"", "fax") for page in pages)}


def test_the_card_counts_documents_pages_layouts_and_entities(make_page):
    items = [("Bolt", "ITEM_DESCRIPTION", "Bolt", "l1"), ("9.00", "ITEM_AMOUNT", "9.00", "l1")]
    total = ("466.48", "TOTAL_AMOUNT", "466.48", None)
    first = make_page([*items, total], page_count=2)
    second = make_page(
        [*items, ("1.00", "ITEM_AMOUNT", "1.00", "l2"), total], page=1, page_count=2, continues={"l1": "l1"}
    )
    other = make_page([("Thanks", None, None, None)], doc_id="doc-2", locale="fr_FR")
    card = describe_pages({"train": table(first, second), "test": table(other)})
    assert card["splits"] == {
        "train": {"documents": 1, "pages": 2, "layouts": 1},
        "test": {"documents": 1, "pages": 1, "layouts": 1},
    }
    assert card["distributions"]["locale"] == {"de_DE": 1, "fr_FR": 1}
    assert card["distributions"]["augmentation"] == {"fax": 2}
    assert card["entities"]["TOTAL_AMOUNT"] == {"entities": 2, "documents": 1}
    assert card["entities"]["CURRENCY"] == {"entities": 0, "documents": 0}
    # an item that goes on over the page is one item; documents without items are not among them
    assert card["statistics"]["line_items"] == {"n": 1, "values": [2.0] * 5}
    assert card["statistics"]["pages"]["values"][2] == 1.5
    assert card["statistics"]["words"]["n"] == 3


def test_real_documents_are_described_by_what_can_be_seen():
    pages = [{"words": 10, "coverage": 0.1}, {"words": 30, "coverage": 0.3}]
    labels = [
        RealLabel(file="a.pdf", kind="invoice", source="x", fields={"line_items": [{}, {}]}),
        RealLabel(file="b.pdf", kind="invoice", source="x", fields={}),
    ]
    seen = describe_real(labels, [{"file": "a.pdf", "pages": pages}, {"file": "b.pdf", "error": "broken"}])
    assert seen["words"] == {"n": 2, "values": [11.0, 15.0, 20.0, 25.0, 29.0]}
    assert seen["coverage"]["values"][2] == pytest.approx(0.2)
    assert seen["pages"]["n"] == 1
    assert seen["line_items"] == {"n": 1, "values": [2.0] * 5}
    assert quantiles([]) == {"n": 0, "values": None}


def test_coverage_is_a_share_of_the_page():
    assert box_coverage([[0, 0, 50, 10], [0, 20, 50, 30]], 100, 100) == pytest.approx(0.1)
    assert box_coverage([], 100, 100) == 0.0
