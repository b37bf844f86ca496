"""Values of documents and line items, by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoicegen.evaluation.fields import FieldTally, items_right, true_document
from invoicegen.evaluation.matching import (
    SOFT_SIMILARITY,
    alike,
    as_number,
    best_value,
    equal,
    match_kind,
    plain,
    similarity,
)
from invoicegen.schema.taxonomy import ENTITY_TYPES


@pytest.mark.parametrize(
    ("kind", "truth", "value", "expected"),
    [
        ("number", "1234.50", "1234.5", (True, True)),
        ("number", "-20.00", "20.00", (True, True)),  # the sign is the document type's affair
        ("number", "20.00", "20.01", (False, False)),
        ("number", "20.00", "A", (False, False)),
        ("date", "2026-10-14", "2026-10-14T00:00", (True, True)),
        ("date", "2026-10-14", "2026-10-15", (False, False)),
        ("id", "DE 123-456", "de123456", (True, True)),
        ("id", "INV-0000042", "INV-0000043", (False, False)),  # an id is never right by likeness
        ("text", "Müller & Söhne GmbH", "MULLER SOHNE GMBH", (True, True)),
        ("text", "Hauptstr. 5, 10115 Berlin", "Hauptstr 5 10115 Berlln", (False, True)),
        ("text", "Hauptstr. 5", "Nebenweg 17", (False, False)),
        ("text", "x", None, (False, False)),
    ],
)
def test_equal_and_alike(kind, truth, value, expected):
    assert (equal(kind, truth, value), alike(kind, truth, value)) == expected


def test_similarity_is_one_less_the_share_of_edits():
    assert similarity("kitten", "Sitting") == pytest.approx(1 - 3 / 7)  # the textbook's three edits
    assert similarity("", "") == 1.0
    assert similarity("a", "") == 0.0


@given(st.text(alphabet="abcd ", max_size=12), st.text(alphabet="abcd ", max_size=12))
def test_alike_is_similarity_of_texts(truth, value):
    assert alike("text", truth, value) == (similarity(truth, value) >= SOFT_SIMILARITY)


def test_plain_and_as_number():
    assert plain("Ré-f. 12/A ß") == "ref12ass"
    assert str(as_number("EUR 1234.50")) == "1234.50"
    assert as_number("n/a") is None


def test_every_entity_type_has_a_way_to_compare():
    assert {match_kind(name) for name in ENTITY_TYPES} == {"number", "date", "id", "text"}
    assert match_kind("TOTAL_AMOUNT") == match_kind("TAX_RATE") == "number"
    assert match_kind("DUE_DATE") == "date"
    assert match_kind("BANK_ACCOUNT") == match_kind("CURRENCY") == "id"
    assert match_kind("BUYER_ADDRESS") == "text"


@pytest.mark.parametrize(
    ("candidates", "expected"),
    [
        (None, None),
        ([], None),
        ([{"value": "a", "confidence": 0.5}, {"value": "b", "confidence": 0.9}], "b"),
        ([{"value": "a"}, {"value": "b", "confidence": 0.1}], "b"),
        ([{"value": None, "confidence": 0.9}, {"value": "b", "confidence": 0.1}], None),
        ({"value": 12, "confidence": 1.0}, "12"),
    ],
)
def test_best_value_is_the_most_confident(candidates, expected):
    assert best_value(candidates) == expected


def test_true_document_joins_pages_and_line_items(make_page):
    first = make_page(
        [
            ("Mill Ltd", "SELLER_NAME", "Mill Ltd", None),
            ("14 Oct 2026", "INVOICE_DATE", "2026-10-14", None),
            ("Total", None, None, None),
            ("Hex bolt", "ITEM_DESCRIPTION", "Hex bolt", "line-1"),
            ("12.00", "ITEM_AMOUNT", "12.00", "line-1"),
            ("Nut", "ITEM_DESCRIPTION", "Nut", "line-2"),
        ],
        page_count=2,
    )
    second = make_page(
        [
            ("4.00", "ITEM_AMOUNT", "4.00", "line-2"),
            ("Mill Ltd", "SELLER_NAME", "Mill Ltd", None),
            ("???", "DUE_DATE", None, None),
        ],
        page=1,
        page_count=2,
        continues={"line-2": "line-2"},
    )
    truth = true_document([second, first])
    assert truth.fields == {
        "SELLER_NAME": ["Mill Ltd"],
        "INVOICE_DATE": ["2026-10-14"],
        "DUE_DATE": ["???"],  # what could not be normalised is its text
    }
    assert truth.line_items == [
        {"ITEM_DESCRIPTION": ["Hex bolt"], "ITEM_AMOUNT": ["12.00"]},
        {"ITEM_DESCRIPTION": ["Nut"], "ITEM_AMOUNT": ["4.00"]},
    ]


def test_items_of_two_pages_are_two_unless_one_continues(make_page):
    pages = [
        make_page([("4.00", "ITEM_AMOUNT", "4.00", "line-1")], page=number, page_count=2) for number in (0, 1)
    ]
    assert len(true_document(pages).line_items) == 2


def test_true_document_refuses_two_documents(make_page):
    with pytest.raises(ValueError, match="pages of one document"):
        true_document([make_page([], doc_id="a"), make_page([], doc_id="b")])


def test_merged_tallies_score_like_one(make_page):
    pages = [
        make_page([("Mill Ltd", "SELLER_NAME", "Mill Ltd", None), ("4.00", "ITEM_AMOUNT", "4.00", "line-1")]),
        make_page([("466.48", "TOTAL_AMOUNT", "466.48", None)], doc_id="doc-2"),
    ]
    record = {"document_type": "invoice", "fields": {"SELLER_NAME": found("Mill")}, "line_items": []}
    together, merged = FieldTally(), FieldTally()
    for page in pages:
        together.add(true_document([page]), record)
        alone = FieldTally()
        alone.add(true_document([page]), record)
        merged.merge(alone)
    assert merged.scores() == together.scores()


def found(*values: str) -> list[dict[str, object]]:
    return [{"value": value, "confidence": 0.9 - 0.1 * i} for i, value in enumerate(values)]


def test_field_scores_by_hand(make_page):
    tally = FieldTally()
    first = make_page(
        [
            ("Mill Works Ltd", "SELLER_NAME", "Mill Works Ltd", None),
            ("14 Oct 2026", "INVOICE_DATE", "2026-10-14", None),
            ("19 %", "TAX_RATE", "19", None),
            ("7 %", "TAX_RATE", "7", None),
        ]
    )
    tally.add(
        true_document([first]),
        {
            "document_type": "invoice",
            "fields": {
                "SELLER_NAME": found("Mill Work Ltd"),  # soft only
                "INVOICE_DATE": found("2026-10-14"),
                "TAX_RATE": found("7.0", "5"),  # one of two, and a wrong one
                "DUE_DATE": found("2026-11-14"),  # not printed
            },
            "line_items": [],
        },
    )
    second = make_page([("466.48", "TOTAL_AMOUNT", "466.48", None)], doc_id="doc-2")
    tally.add(
        true_document([second]),
        {"document_type": "receipt", "fields": {"TOTAL_AMOUNT": found("466.48")}, "line_items": []},
    )
    scores = tally.scores()
    assert scores["documents"] == 2
    assert scores["documents_all_fields_right"] == 1 / 2
    assert scores["document_type_accuracy"] == 1 / 2
    # true: name, date, rate, total; given: name, date, rate, due date, total; right: date, rate, total
    assert scores["micro"]["support"] == 4
    assert scores["micro"]["precision"] == 3 / 5
    assert scores["micro"]["recall"] == 3 / 4
    assert scores["soft_micro"]["recall"] == 1.0
    assert scores["macro_f1"] == pytest.approx((0 + 1 + 1 + 1) / 4)
    assert scores["by_field"]["SELLER_NAME"]["f1"] == 0.0
    assert scores["by_field"]["SELLER_NAME"]["soft_f1"] == 1.0
    assert scores["by_field"]["TAX_RATE"]["f1"] == 1.0
    assert scores["by_field"]["TAX_RATE"]["all_values_f1"] == pytest.approx(2 * 1 / (2 + 2))
    assert scores["by_field"]["DUE_DATE"]["f1"] is None  # never printed: no score, only a wrong value
    assert scores["by_field"]["DUE_DATE"]["precision"] == 0.0
    assert scores["by_field"]["BANK_CODE"]["precision"] is None
    assert scores["line_items"]["f1"] is None


def item(**values: str) -> dict[str, dict[str, str]]:
    return {f"ITEM_{name.upper()}": {"value": value} for name, value in values.items()}


def test_line_item_scores_by_hand(make_page):
    page = make_page(
        [
            ("Hex bolt", "ITEM_DESCRIPTION", "Hex bolt", "line-1"),
            ("100", "ITEM_QUANTITY", "100", "line-1"),
            ("12.00", "ITEM_AMOUNT", "12.00", "line-1"),
            ("Washer large", "ITEM_DESCRIPTION", "Washer large", "line-2"),
            ("A", "ITEM_TAX_RATE", "A", "line-2"),
            ("4.00", "ITEM_AMOUNT", "4.00", "line-2"),
        ]
    )
    tally = FieldTally()
    tally.add(
        true_document([page]),
        {
            "document_type": "invoice",
            "fields": {},
            "line_items": [
                item(description="Washer larqe", tax_rate="a", amount="4.00"),
                item(description="Hex bolt", quantity="100", amount="12.00", unit_price="0.12"),
                item(description="Carried forward"),
            ],
        },
    )
    items = tally.scores()["line_items"]
    assert (items["correct"], items["predicted"], items["support"]) == (1, 3, 2)
    assert items["core"]["correct"] == 2  # the description may be like it
    assert items["tables"] == 1
    assert items["tables_right"] == 0.0
    columns = items["by_column"]
    assert columns["ITEM_AMOUNT"]["f1"] == 1.0
    assert columns["ITEM_TAX_RATE"]["f1"] == 1.0  # a code letter agrees as an id
    assert columns["ITEM_DESCRIPTION"]["precision"] == 1 / 3
    assert columns["ITEM_DESCRIPTION"]["recall"] == 1 / 2
    assert columns["ITEM_UNIT_PRICE"]["f1"] is None
    assert columns["ITEM_UNIT_PRICE"]["precision"] == 0.0


def test_a_predicted_item_serves_one_true_item():
    printed = [{"ITEM_AMOUNT": ["4.00"]}, {"ITEM_AMOUNT": ["4.00"]}]
    assert items_right(printed, [{"ITEM_AMOUNT": "4"}], ["ITEM_AMOUNT"], soft=False) == 1
    assert items_right(printed, [{"ITEM_AMOUNT": "4"}] * 2, ["ITEM_AMOUNT"], soft=False) == 2


def test_a_perfect_table_is_right(make_page):
    page = make_page([("12.00", "ITEM_AMOUNT", "12.00", "line-1")])
    tally = FieldTally()
    tally.add(
        true_document([page]),
        {"document_type": "invoice", "fields": {}, "line_items": [item(amount="12.00")]},
    )
    assert tally.scores()["line_items"]["tables_right"] == 1.0
    assert tally.scores()["documents_all_fields_right"] == 1.0


@pytest.mark.parametrize(("guess", "precision"), [("EUR", None), ("USD", 0.0)])
def test_a_currency_glued_to_amounts_is_not_asked_for(make_page, guess, precision):
    page = make_page([("12.00€", "TOTAL_AMOUNT", "12.00", None)])  # the page's provenance says EUR
    tally = FieldTally()
    tally.add(
        true_document([page]),
        {"document_type": "invoice", "fields": {"CURRENCY": found(guess)}, "line_items": []},
    )
    assert tally.scores()["by_field"]["CURRENCY"]["precision"] == precision


@pytest.mark.parametrize(
    ("name", "guess", "precision"),
    [
        ("DUE_DATE", "2024-03-31", None),
        ("DUE_DATE", "2024-03-08", 0.0),
        ("TAX_RATE", "19", None),
        ("TAX_RATE", "7", 0.0),
    ],
)
def test_what_terms_and_rows_imply_is_not_asked_for(make_page, name, guess, precision):
    terms = "Bis 08.03.2024 3 % Skonto, bis 31.03.2024 netto"
    page = make_page(
        [
            (terms, "PAYMENT_TERMS", terms, None),
            ("19 %", "ITEM_TAX_RATE", "19", "line-1"),
            ("19,0 %", "ITEM_TAX_RATE", "19", "line-2"),
        ]
    )
    tally = FieldTally()
    tally.add(
        true_document([page]), {"document_type": "invoice", "fields": {name: found(guess)}, "line_items": []}
    )
    assert tally.scores()["by_field"][name]["precision"] == precision


def test_rows_of_two_rates_imply_none(make_page):
    page = make_page([("19 %", "ITEM_TAX_RATE", "19", "line-1"), ("7 %", "ITEM_TAX_RATE", "7", "line-2")])
    assert "TAX_RATE" not in true_document([page]).implied
