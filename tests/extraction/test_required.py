"""An invoice's number, its seller's name and its total, where no word was labelled so."""

from dataclasses import replace

import numpy as np
import pytest
from written_lines import line

from invoicegen.extraction import assemble
from invoicegen.schema.taxonomy import NER_IDS


def fields_of(make_page, words, given):
    """First values by type, of a page whose words have the probabilities ``given`` by their text, else are nothing."""
    return {name: values[0]["value"] for name, values in all_fields_of(make_page, words, given).items()}


def all_fields_of(make_page, words, given):
    """All values by type of :func:`fields_of`."""
    page = make_page(words)
    probabilities = np.zeros((len(words), len(NER_IDS)), dtype=np.float32)
    for row, (text, _, _, tag) in zip(probabilities, words, strict=True):
        likely = {f"B-{name}": p for name, p in given.get(text, {}).items()}
        for label, probability in ({tag: 1 - sum(likely.values())} | likely).items():
            row[NER_IDS[label]] = probability
    return assemble([replace(page, ner_probabilities=probabilities)])["fields"]


@pytest.mark.parametrize(("probability", "found"), [(0.45, "MS4711"), (0.2, None)])
def test_the_likeliest_number_is_the_invoices_where_none_is_labelled(make_page, probability, found):
    words = [*line(("Ref", "O"), ("MS4711", "B-SELLER_TAX_ID")), ("0815", 60, 400, "O")]
    given = {"MS4711": {"INVOICE_NUMBER": probability}, "0815": {"INVOICE_NUMBER": 0.15}}
    fields = fields_of(make_page, words, given)
    assert fields.get("INVOICE_NUMBER") == found
    assert ("SELLER_TAX_ID" in fields) is (found is None)  # one number is one field


def test_no_number_is_taken_where_one_is_labelled(make_page):
    words = [*line(("4711", "B-INVOICE_NUMBER")), ("0815", 60, 400, "O")]
    assert fields_of(make_page, words, {"0815": {"INVOICE_NUMBER": 0.49}})["INVOICE_NUMBER"] == "4711"


@pytest.mark.parametrize(
    ("name", "found"),
    [(("TRI", "SHAAS", "SDN", "BHD"), "TRI SHAAS SDN BHD"), (("POWER", "TO", "THE", "PLAYERS"), None)],
)
def test_a_company_is_the_seller_where_none_is_labelled(make_page, name, found):
    words = [*line(("Own", "O"), ("by:", "O"), *((word, "O") for word in name)), ("Kuala", 60, 400, "O")]
    given = {word: {"SELLER_NAME": 0.3} for word in name} | {"Kuala": {"SELLER_NAME": 0.45}}
    assert fields_of(make_page, words, given).get("SELLER_NAME") == found


def test_an_unlikely_company_is_no_seller(make_page):
    words = line(("Visa", "O"), ("Ltd", "O"))
    given = {"Visa": {"SELLER_NAME": 0.05}, "Ltd": {"SELLER_NAME": 0.05}}
    assert "SELLER_NAME" not in fields_of(make_page, words, given)


def sums(*rows):
    """Captions with an amount, each on a line of its own: ``(caption, amount, label)``."""
    words = []
    for n, (caption, amount, label) in enumerate(rows):
        words += [(caption, 60, 300 + 60 * n, "O")]
        words += [(amount, 600, 300 + 60 * n, label)] if amount else []
    return words


@pytest.mark.parametrize(
    ("rows", "total"),
    [
        ([("TOTAL:", "119.88", "B-SUBTOTAL_AMOUNT")], "119.88"),
        ([("TOTAL", None, None), ("Cash", "50.00", "B-AMOUNT_PAID")], "50.00"),
        ([("Cash", "50.00", "B-AMOUNT_PAID")], None),  # may be more than the total
        # The total was not read.
        ([("Subtotal", "386.80", "B-SUBTOTAL_AMOUNT"), ("Total", None, None)], None),
        ([("TOTAL", "45.00", "B-SUBTOTAL_AMOUNT"), ("Cash", "50.00", "B-AMOUNT_PAID")], None),
        ([("TOTAL", "45.00", "B-SUBTOTAL_AMOUNT"), ("Due", "50.00", "B-AMOUNT_DUE")], "50.00"),
    ],
)
def test_the_only_sum_is_the_total_where_a_caption_names_one(make_page, rows, total):
    fields = fields_of(make_page, sums(*rows), {})
    assert fields.get("TOTAL_AMOUNT") == total
    if total == rows[0][1]:
        assert "SUBTOTAL_AMOUNT" not in fields


def test_a_sum_that_was_labelled_as_another_is_doubted(make_page):
    (total,) = all_fields_of(make_page, sums(("TOTAL", "119.88", "B-SUBTOTAL_AMOUNT")), {})["TOTAL_AMOUNT"]
    assert total["confidence"] == pytest.approx(0.45)  # half of what the page has for the label
