"""A figure without a decimal mark, among others that have one, lost it."""

from dataclasses import replace

import pytest

from invoicegen.extraction import assemble


def rows(make_page, amounts, *, quantities=(), name="ITEM_AMOUNT"):
    words = []
    for n, amount in enumerate(amounts):
        y = 300 + 30 * n
        words += [(f"thing{n}", 60, y, "B-ITEM_DESCRIPTION", 0.9, "CELL"), (amount, 900, y, f"B-{name}")]
        words += [(quantities[n], 600, y, "B-ITEM_QUANTITY")] if quantities else []
    return read_by(make_page(words), "ocr")


def read_by(page, source):
    return replace(page, words=[word.model_copy(update={"source": source}) for word in page.words])


def values(page, name="ITEM_AMOUNT", **options):
    return [item[name]["value"] for item in assemble([page], **options)["line_items"]]


def test_the_lost_mark_of_one_amount_among_many_is_put_back(make_page):
    page = rows(make_page, ["12.50", "RM250", "3.90", "8.00", "14.25"])
    assert values(page) == ["12.50", "2.50", "3.90", "8.00", "14.25"]
    assert values(page, weigh_choices=False) == ["12.50", "250", "3.90", "8.00", "14.25"]
    (lost,) = (item for item in assemble([page])["line_items"] if item["ITEM_AMOUNT"]["value"] == "2.50")
    assert lost["ITEM_AMOUNT"]["text"] == "RM250"


def test_a_text_layer_loses_no_mark(make_page):
    page = rows(make_page, ["12.50", "RM250", "3.90", "8.00", "14.25"])
    assert values(read_by(page, "pdf_text")) == ["12.50", "250", "3.90", "8.00", "14.25"]


@pytest.mark.parametrize(
    "amounts",
    [
        ["12.50", "250", "300", "8.00", "14.25"],  # two of five: whole sums are printed without
        ["12.50", "250", "8.00"],  # too few to tell
        ["12.50", "50", "3.90", "8.00", "14.25"],  # 50 can be no sum with two decimals
        ["12.50", "250.-", "3.90", "8.00", "14.25"],
        ["12.50", "1,250", "3.90", "8.00", "14.25"],
        ["12.50", "1,250", "3.90", "8.00", "14.25", "300"],  # whole thousands are printed
        ["12.500", "8.000", "14.250", "3.900", "1250"],  # forints
    ],
    ids=["many", "few", "short", "whole francs", "grouped", "grouped and whole", "no decimals"],
)
def test_figures_that_may_be_whole_stay(make_page, amounts):
    before = values(rows(make_page, amounts), weigh_choices=False)
    assert values(rows(make_page, amounts)) == before


def test_groups_of_thousands_are_no_decimals(make_page):
    page = rows(make_page, ["1,212.50", "RM250", "1,003.90", "2,008.00", "1,014.25"])
    assert values(page) == ["1212.50", "2.50", "1003.90", "2008.00", "1014.25"]
    page = rows(make_page, ["7.90"] * 5, quantities=["1,000", "2,000", "1500", "1,000", "1,000"])
    assert values(page, "ITEM_QUANTITY") == ["1000", "2000", "1500", "1000", "1000"]


def test_quantities_have_decimals_of_their_own(make_page):
    amounts = ["7,90"] * 5
    page = rows(make_page, amounts, quantities=["1,000", "2,000", "1000", "1,000", "1,000"])
    assert values(page, "ITEM_QUANTITY") == ["1.000", "2.000", "1.000", "1.000", "1.000"]


def test_the_total_is_as_the_rows_are_and_cash_is_not(make_page):
    words = [(f"{n}.50", 900, 300 + 30 * n, "B-ITEM_AMOUNT") for n in range(1, 6)]
    words += [("1750", 900, 500, "B-TOTAL_AMOUNT"), ("200", 900, 540, "B-AMOUNT_PAID")]
    fields = assemble([read_by(make_page(words), "ocr")])["fields"]
    assert fields["TOTAL_AMOUNT"][0]["value"] == "17.50"
    assert fields["AMOUNT_PAID"][0]["value"] == "200"
