"""Subtotal, tax and total are the figures that add up, as far as the model allows."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from invoicegen.extraction import assemble
from invoicegen.extraction.arithmetic import SUM_TYPES, Amounts, count_sums, settle_feet, weigh_sums
from invoicegen.extraction.entities import find_entities, span_of
from invoicegen.extraction.weighing import Figure
from invoicegen.schema.taxonomy import NER_IDS


@pytest.fixture
def page_of(make_page):
    """A page of figures below one another: ``(text, label, confidence, {type: probability} of other labels)``."""

    def make(*figures):
        rows = [
            (text, 900, 100 + 30 * i, label, confidence)
            for i, (text, label, confidence, _) in enumerate(figures)
        ]
        probabilities = np.zeros((len(rows), len(NER_IDS)), dtype=np.float32)
        for row, (_, label, confidence, others) in zip(probabilities, figures, strict=True):
            row[NER_IDS[label]] = confidence
            for name, probability in others.items():
                row[NER_IDS[f"B-{name}"]] = probability
        return replace(make_page(rows), ner_probabilities=probabilities)

    return make


def values(page, **options):
    fields = assemble([page], **options)["fields"]
    return {name: [field["value"] for field in found] for name, found in fields.items()}


SUBTOTAL = ("100.00", "B-SUBTOTAL_AMOUNT", 0.9, {})
TAX = ("19.00", "B-TAX_AMOUNT", 0.9, {})
TOTAL = ("119.00", "B-TOTAL_AMOUNT", 0.9, {})


def test_the_total_that_adds_up_goes_before_a_more_confident_one(page_of):
    page = page_of(
        SUBTOTAL, TAX, ("119.00", "B-TOTAL_AMOUNT", 0.6, {}), ("200.00", "B-TOTAL_AMOUNT", 0.9, {})
    )
    assert values(page, weigh_choices=False)["TOTAL_AMOUNT"] == ["200.00", "119.00"]
    assert values(page)["TOTAL_AMOUNT"] == ["119.00", "200.00"]
    first, second = assemble([page])["fields"]["TOTAL_AMOUNT"]
    assert first["confidence"] >= second["confidence"]
    assert first["box"][1] == 160


@pytest.mark.parametrize(("printed", "found"), [("19.00", ["19.00"]), ("18.00", None)])
def test_a_figure_that_was_labelled_nothing_is_found_if_it_adds_up(page_of, printed, found):
    page = page_of(SUBTOTAL, (printed, "O", 0.85, {"TAX_AMOUNT": 0.15}), TOTAL)
    assert values(page).get("TAX_AMOUNT") == found


@pytest.fixture
def row_of(make_page):
    """A page of two groups of digits beside one another, under a subtotal and a tax."""

    def make(gap, labels):
        rows = [
            ("1000.00", 900, 100, "B-SUBTOTAL_AMOUNT"),
            ("190.00", 900, 130, "B-TAX_AMOUNT"),
            ("1", 900, 160, labels[0]),
            ("190.00", 910 + gap, 160, labels[1]),
        ]
        probabilities = np.zeros((len(rows), len(NER_IDS)), dtype=np.float32)
        for row, (_, _, _, label) in zip(probabilities, rows, strict=True):
            row[NER_IDS[label]] = 0.9
            row[NER_IDS["B-TOTAL_AMOUNT"]] += 0.05
        return replace(make_page(rows), ner_probabilities=probabilities)

    return make


@pytest.mark.parametrize("labels", [("O", "O"), ("B-TOTAL_AMOUNT", "O")])
def test_thousands_that_stand_apart_belong_to_an_unlabelled_figure(row_of, labels):
    page = row_of(8, labels)
    assert values(page)["TOTAL_AMOUNT"][0] == "1190.00"
    assert assemble([page])["fields"]["TOTAL_AMOUNT"][0]["text"] == "1 190.00"


def test_a_figure_of_another_column_is_no_thousands(row_of):
    assert "1190.00" not in values(row_of(60, ("O", "O"))).get("TOTAL_AMOUNT", [])


def test_a_value_that_is_printed_twice_goes_before_one_that_fits_better(page_of):
    printed = ("120.00", "B-TOTAL_AMOUNT", 0.6, {})
    fitting = ("119.00", "O", 0.9, {"TOTAL_AMOUNT": 0.04})
    assert values(page_of(SUBTOTAL, TAX, printed, fitting))["TOTAL_AMOUNT"][0] == "119.00"
    assert values(page_of(SUBTOTAL, TAX, printed, printed, fitting))["TOTAL_AMOUNT"][0] == "120.00"


def test_a_figure_that_the_model_rules_out_is_no_candidate(page_of):
    page = page_of(SUBTOTAL, ("19.00", "O", 0.999, {"TAX_AMOUNT": 0.001}), TOTAL)
    assert "TAX_AMOUNT" not in values(page)


def test_a_figure_is_of_one_type(page_of):
    page = page_of(SUBTOTAL, TAX, ("119.00", "B-SUBTOTAL_AMOUNT", 0.95, {"TOTAL_AMOUNT": 0.05}))
    assert values(page) == {
        "SUBTOTAL_AMOUNT": ["100.00"],
        "TAX_AMOUNT": ["19.00"],
        "TOTAL_AMOUNT": ["119.00"],
    }


def test_what_adds_up_already_stays_as_the_model_gave_it(page_of):
    page = page_of(
        SUBTOTAL, TAX, TOTAL, ("119.00", "B-TOTAL_AMOUNT", 0.7, {}), ("7.00", "B-TAX_AMOUNT", 0.5, {})
    )
    assert assemble([page]) == assemble([page], weigh_choices=False)


def test_cash_less_change_is_the_total(page_of):
    page = page_of(
        ("20.00", "B-TOTAL_AMOUNT", 0.7, {}),
        ("12.40", "B-TOTAL_AMOUNT", 0.6, {}),
        ("20.00", "B-AMOUNT_PAID", 0.9, {}),
        ("7.60", "O", 0.9, {"TOTAL_AMOUNT": 0.05}),
    )
    assert values(page)["TOTAL_AMOUNT"] == ["12.40", "20.00"]


def test_the_total_stands_on_the_last_page_that_may_have_one(page_of):
    """The amount of a row ends the first page, labelled as surely as the total on the next."""
    first = page_of(("1500.00", "B-TOTAL_AMOUNT", 0.6, {}))
    last = replace(page_of(("4301.00", "B-TOTAL_AMOUNT", 0.5, {})), page=1)

    def total(*pages, **options):
        return assemble(pages, **options)["fields"]["TOTAL_AMOUNT"][0]["value"]

    assert total(first, last, weigh_choices=False) == "1500.00"
    assert total(first, last) == "4301.00"
    surely = page_of(("1500.00", "B-TOTAL_AMOUNT", 0.99, {}))
    assert total(surely, replace(page_of(("4301.00", "B-TOTAL_AMOUNT", 0.05, {})), page=1)) == "1500.00"
    summary = replace(page_of(("9.99", "O", 0.95, {"TOTAL_AMOUNT": 0.05})), page=1)
    assert total(first, summary) == "1500.00"


def test_the_sums_of_a_document_stand_on_one_page(page_of):
    """A sum that is carried over is labelled more surely than the subtotal beside the total."""
    first = page_of(("1500.00", "B-SUBTOTAL_AMOUNT", 0.6, {}))
    last = page_of(("5060.00", "B-SUBTOTAL_AMOUNT", 0.5, {}), ("6100.00", "B-TOTAL_AMOUNT", 0.9, {}))

    def subtotal(**options):
        fields = assemble([first, replace(last, page=1)], **options)["fields"]
        return fields["SUBTOTAL_AMOUNT"][0]["value"]

    assert subtotal(weigh_choices=False) == "1500.00"
    assert subtotal() == "5060.00"


@pytest.mark.parametrize(
    ("subtotal", "tax", "total", "amounts", "count"),
    [
        (10000, 1900, 11900, {}, 1),
        (10000, 1900, 11902, {}, 1),  # rounded
        (10000, 1900, 11903, {}, 0),
        (10000, 0, 10000, {}, 0),  # nothing is shown by adding nothing
        (10000, 1900, 12400, {"adjustment": 500}, 1),
        (10000, 1000, 11900, {"tax_lines": (1000, 900)}, 1),
        (10000, 1900, None, {"rates": (Decimal(7), Decimal(19))}, 1),
        (None, 1900, 11900, {"rates": (Decimal(19),)}, 1),
        (10000, 1900, 11900, {"rates": (Decimal(19),), "items": 10000}, 3),
        (None, None, 11900, {"items": 11900}, 1),
        (None, 1900, 11900, {"items": 10000}, 1),
        (None, None, 1240, {"paid": (2000,), "printed": frozenset({760})}, 1),
        (None, None, 2000, {"paid": (2000,), "printed": frozenset({760})}, 0),
        (None, 102, 1698, {"paid": (1800,), "printed": frozenset({102})}, 0),  # the tax, not a change
        (None, None, None, {"items": 100, "paid": (5,)}, 0),
    ],
)
def test_sums_that_hold_are_counted(subtotal, tax, total, amounts, count):
    assert count_sums(subtotal, tax, total, Amounts(**amounts)) == count


def totals_by_rate(make_page, rows, gross_x=900):
    """A table with a row a rate of net, tax and gross, all labelled as the taxes of rows are, and a total elsewhere."""
    words = [("30,00", 900, 300, "B-TOTAL_AMOUNT")]
    for i, (net, tax, gross) in enumerate(rows):
        y = 1000 + 30 * i
        words += [(net, 500, y, "B-TAX_BASE_AMOUNT"), (tax, 700, y, "B-TAX_AMOUNT"), (gross, gross_x, y, "O")]
    return make_page(words)


def figures_of(page):
    """The figures as they are weighed, each with a little of every sum."""
    spans = find_entities(page)
    spans += [span_of("O", page, [i]) for i, tag in enumerate(page.ner_tags) if tag == "O"]
    figures = []
    for span in spans:
        cents = round(float(span.text.replace(",", ".")) * 100)
        figures.append(Figure(span, cents, dict.fromkeys(SUM_TYPES, 0.1)))
    return figures


ROWS = [("100,00", "19,00", "119,00"), ("50,00", "3,50", "53,50")]
FOOT_ROW = ("150,00", "22,50", "172,50")


def test_what_columns_of_net_tax_and_gross_add_up_to_is_the_document_s(make_page):
    settled = settle_feet(figures_of(totals_by_rate(make_page, [*ROWS, FOOT_ROW])))
    weighed = weigh_sums(settled, Amounts())
    assert [weighed[name][0][0].span.text for name in SUM_TYPES] == list(FOOT_ROW)


@pytest.mark.parametrize(
    "rows",
    [
        [*ROWS, ("150,00", "22,40", "172,40")],  # the taxes add up to 22,50
        [*ROWS, ("150,00", "22,50", "172,60")],
        [ROWS[0], FOOT_ROW],
        [ROWS[0], ROWS[0]],  # two taxes on one base
        [FOOT_ROW],
    ],
)
def test_without_all_of_it_nothing_is_a_foot(make_page, rows):
    figures = figures_of(totals_by_rate(make_page, rows))
    assert settle_feet(figures) == figures


def test_rows_of_another_column_make_no_foot(make_page):
    page = totals_by_rate(make_page, ROWS, gross_x=1000)
    words = [*((w.text, *w.box[:2], t) for w, t in zip(page.words, page.ner_tags, strict=True))]
    words += [("150,00", 500, 1060, "O"), ("22,50", 700, 1060, "O"), ("172,50", 850, 1060, "O")]
    figures = figures_of(make_page(words))
    assert settle_feet(figures) == figures
