"""Tax numbers that prove themselves by their check digits, with and without the model's labels."""

import pytest

from invoicegen.extraction import assemble
from invoicegen.extraction.tax_ids import is_proven

NAME = ("Muster", 60, 60, "B-SELLER_NAME")


def line(*words, y=620):
    """Words one after the other, with the gap of a space."""
    placed, x = [], 60
    for text, label in words:
        placed.append((text, x, y, label))
        x += 10 * len(text) + 8
    return placed


def sellers(page, **options):
    found = assemble([page], **options)["fields"].get("SELLER_TAX_ID", [])
    return [field["value"] for field in found]


@pytest.mark.parametrize(
    "words",
    [
        ["DE136695976"],
        ["DE", "136695976"],
        ["DE", "136", "695", "976"],
        ["DE136", "695", "976,"],
        ["USt-IdNr.:DE136695976"],
        ["DE136695976.s.nr.", "QA14440020"],
        ["PUN", "DE", "136695976", "Kasse", "04"],
    ],
)
def test_a_number_that_no_label_names_is_found_by_its_check_digits(make_page, words):
    page = make_page([NAME, *line(*[(word, "O") for word in words])])
    assert sellers(page) == ["DE136695976"]
    assert sellers(page, weigh_choices=False) == []


@pytest.mark.parametrize(
    "words",
    [
        ["DE136695975"],  # a wrong digit
        ["136695976"],  # no country
        ["DE", "13669597"],
        ["INDEX", "136695976"],
    ],
)
def test_what_proves_nothing_is_not_taken(make_page, words):
    assert sellers(make_page([NAME, *line(*[(word, "O") for word in words])])) == []


def test_it_goes_before_what_the_model_took_for_it(make_page):
    page = make_page(
        [NAME, *line(("201/113/40209", "B-SELLER_TAX_ID"), y=600), *line(("DE136695976", "B-INVOICE_NUMBER"))]
    )
    fields = assemble([page])["fields"]
    assert [field["value"] for field in fields["SELLER_TAX_ID"]] == ["DE136695976", "201/113/40209"]
    assert "INVOICE_NUMBER" not in fields  # it is one thing only


def test_the_buyers_number_and_one_of_several_are_not_the_sellers(make_page):
    buyer = make_page([NAME, *line(("DE136695976", "B-BUYER_TAX_ID")), *line(("DE136695976", "O"), y=700)])
    assert sellers(buyer) == []
    several = make_page([NAME, *line(("DE136695976", "O")), *line(("ATU57780814", "O"), y=700)])
    assert sellers(several) == []


def test_a_seller_with_a_proven_number_keeps_it(make_page):
    page = make_page([NAME, *line(("ATU57780814", "B-SELLER_TAX_ID")), *line(("DE136695976", "O"), y=700)])
    assert sellers(page) == ["ATU57780814"]


def test_groups_far_apart_are_no_number(make_page):
    assert sellers(make_page([NAME, ("DE", 60, 620, "O"), ("136695976", 400, 620, "O")])) == []


def test_an_iban_is_no_tax_number(make_page):
    groups = ["PL02", "1090", "1028", "0000", "0712", "1981", "2874"]
    assert is_proven("".join(groups[:3]))  # by chance
    labels = ["B-BANK_ACCOUNT", *["I-BANK_ACCOUNT"] * 6]
    page = make_page([NAME, *line(*zip(groups, labels, strict=True))])
    assert sellers(page) == []
