"""Values of which the model left out a word, made whole with the words beside."""

from dataclasses import replace

import numpy as np
import pytest
from written_lines import line

from invoicegen.extraction import assemble
from invoicegen.schema.taxonomy import NER_IDS


def values(page, name):
    return [field["value"] for field in assemble([page])["fields"].get(name, [])]


@pytest.mark.parametrize(
    "words",
    [
        [("20", "B-INVOICE_DATE"), ("septembre", "I-INVOICE_DATE"), ("2015", "O")],
        [("20", "O"), ("septembre", "B-INVOICE_DATE"), ("2015", "I-INVOICE_DATE")],
        [("20", "O"), ("septembre", "B-INVOICE_DATE"), ("2015", "O")],
        [
            ("Date", "O"),
            ("20", "B-INVOICE_DATE"),
            ("septembre", "I-INVOICE_DATE"),
            ("2015", "O"),
            ("12:00", "O"),
        ],
    ],
)
def test_a_date_that_cannot_be_read_takes_the_words_beside(make_page, words):
    page = make_page([("Facture", 60, 60, "B-DOCUMENT_TYPE"), *line(*words)])
    assert values(page, "INVOICE_DATE") == ["2015-09-20"]


def test_words_far_away_or_of_another_value_complete_nothing(make_page):
    begun = line(("20", "B-INVOICE_DATE"), ("septembre", "I-INVOICE_DATE"))
    for rest in (("2015", 700, 300, "O"), ("2015", 200, 300, "B-INVOICE_NUMBER"), ("2015", 200, 360, "O")):
        assert values(make_page([*begun, rest]), "INVOICE_DATE") == [None]


def test_a_date_that_can_be_read_takes_nothing(make_page):
    page = make_page(line(("20.09.2015", "B-INVOICE_DATE"), ("21.09.2015", "O")))
    assert [field["text"] for field in assemble([page])["fields"]["INVOICE_DATE"]] == ["20.09.2015"]


@pytest.mark.parametrize("labelled", [1, 2, 5])
def test_an_iban_goes_on_until_its_check_digits_are_right(make_page, labelled):
    groups = ["DE89", "3704", "0044", "0532", "0130", "00"]
    words = [
        (group, ("I" if i else "B") + "-BANK_ACCOUNT" if i < labelled else "O")
        for i, group in enumerate(groups)
    ]
    assert values(make_page(line(*words, ("BIC", "O"))), "BANK_ACCOUNT") == ["DE89370400440532013000"]


def test_a_second_part_of_an_iban_is_no_account_of_its_own(make_page):
    words = [
        ("NL91", "B-BANK_ACCOUNT"),
        ("ABNA", "I-BANK_ACCOUNT"),
        ("0417", "O"),
        ("1643", "B-BANK_ACCOUNT"),
    ]
    page = make_page(line(*words, ("00", "I-BANK_ACCOUNT")))
    assert values(page, "BANK_ACCOUNT") == ["NL91ABNA0417164300"]


def test_a_tax_number_goes_on_until_its_check_digits_are_right(make_page):
    page = make_page(line(("DE", "B-SELLER_TAX_ID"), ("136", "I-SELLER_TAX_ID"), ("695", "O"), ("976", "O")))
    assert values(page, "SELLER_TAX_ID") == ["DE136695976"]


def test_a_number_that_proves_nothing_stays_as_it_is(make_page):
    page = make_page(line(("12345", "B-BANK_ACCOUNT"), ("678", "O")))
    assert values(page, "BANK_ACCOUNT") == ["12345"]


@pytest.mark.parametrize(
    ("amount", "kept"),
    [("30,0000", False), ("30,00", True), ("30,000", True), ("1,09427", True), ("1.094,27", True)],
)
def test_prices_of_four_decimals_are_no_totals(make_page, amount, kept):
    page = make_page(line((amount, "B-TOTAL_AMOUNT")))
    assert bool(values(page, "TOTAL_AMOUNT")) is kept


@pytest.mark.parametrize(
    ("buyer", "gap", "expected"),
    [
        (0.6, 6, {"BUYER_TAX_ID": ["NL123456789B01"]}),
        (0.45, 6, {"SELLER_TAX_ID": ["NL123456789B01"]}),
        (0.6, 200, {"SELLER_TAX_ID": ["NL"], "BUYER_TAX_ID": ["123456789B01"]}),  # another column
    ],
)
def test_a_prefix_is_of_the_party_that_its_number_is_of(make_page, buyer, gap, expected):
    words = [("NL", 60, 300, "B-SELLER_TAX_ID"), ("123456789B01", 78 + gap, 300, "B-BUYER_TAX_ID")]
    probabilities = np.zeros((2, len(NER_IDS)), dtype=np.float32)
    seller, other = NER_IDS["B-SELLER_TAX_ID"], NER_IDS["B-BUYER_TAX_ID"]
    probabilities[0, [seller, other]] = 0.52, 0.48
    probabilities[1, [seller, other]] = 1 - buyer, buyer
    fields = assemble([replace(make_page(words), ner_probabilities=probabilities)])["fields"]
    found = {name: [value["text"].replace(" ", "") for value in values] for name, values in fields.items()}
    assert {name: texts for name, texts in found.items() if name.endswith("TAX_ID")} == expected
