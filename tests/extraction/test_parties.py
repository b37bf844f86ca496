"""The only party of a document is its seller."""

from dataclasses import replace

import numpy as np
import pytest

from invoicegen.extraction import assemble
from invoicegen.schema.taxonomy import NER_IDS


@pytest.fixture
def page_of(make_page):
    """A page of ``(text, label, {type: probability})`` below one another."""

    def make(*lines):
        page = make_page([(text, 60, 100 + 40 * i, label) for i, (text, label, _) in enumerate(lines)])
        probabilities = np.zeros((len(lines), len(NER_IDS)), dtype=np.float32)
        for row, (_, _, given) in zip(probabilities, lines, strict=True):
            for name, probability in given.items():
                row[NER_IDS[f"B-{name}"]] = probability
        return replace(page, ner_probabilities=probabilities)

    return make


def parties(page):
    fields = assemble([page])["fields"]
    return {name: fields[name][0]["value"] for name in fields}


UNSURE_NAME = ("Acme", "B-BUYER_NAME", {"BUYER_NAME": 0.6, "SELLER_NAME": 0.4})
UNSURE_ADDRESS = ("Paris", "B-BUYER_ADDRESS", {"BUYER_ADDRESS": 0.8, "SELLER_ADDRESS": 0.2})
SURE_NAME = ("Acme", "B-BUYER_NAME", {"BUYER_NAME": 0.9999, "SELLER_NAME": 0.0001})
SURE_ADDRESS = ("Paris", "B-BUYER_ADDRESS", {"BUYER_ADDRESS": 0.9999, "SELLER_ADDRESS": 0.0001})


def test_the_only_party_is_the_seller(page_of):
    assert parties(page_of(UNSURE_NAME, UNSURE_ADDRESS)) == {"SELLER_NAME": "Acme", "SELLER_ADDRESS": "Paris"}


def test_a_name_and_an_address_of_two_parties_are_of_one(page_of):
    seller = ("Acme", "B-SELLER_NAME", {"SELLER_NAME": 0.6, "BUYER_NAME": 0.4})
    assert parties(page_of(seller, UNSURE_ADDRESS)) == {"SELLER_NAME": "Acme", "SELLER_ADDRESS": "Paris"}


def test_a_buyer_that_the_model_is_sure_of_stays(page_of):
    assert parties(page_of(SURE_NAME, SURE_ADDRESS)) == {"BUYER_NAME": "Acme", "BUYER_ADDRESS": "Paris"}


def test_name_and_address_tell_whose_they_are_once(page_of):
    """1:99 each is 1:99 for both and not 1:9801, which would be less than 1:1000."""
    name = ("Acme", "B-BUYER_NAME", {"BUYER_NAME": 0.99, "SELLER_NAME": 0.01})
    address = ("Paris", "B-BUYER_ADDRESS", {"BUYER_ADDRESS": 0.99, "SELLER_ADDRESS": 0.01})
    assert parties(page_of(name, address)) == {"SELLER_NAME": "Acme", "SELLER_ADDRESS": "Paris"}


@pytest.mark.parametrize(
    ("heading", "x", "y", "role"),
    [
        ("Kunde", 60, 70, "BUYER"),  # over the name
        ("Bill to:", 10, 100, "BUYER"),  # before it
        ("To", 10, 100, "BUYER"),
        ("To", 60, 70, "SELLER"),  # alone on a line it says little
        ("Seller", 60, 70, "SELLER"),
        ("Datum", 60, 70, "SELLER"),
    ],
)
def test_the_only_party_with_a_heading_of_the_buyer_is_the_buyer(make_page, heading, x, y, role):
    words = [(heading, x, y, "O"), ("Acme", 160, 100, "B-BUYER_NAME"), ("Paris", 160, 130, "B-BUYER_ADDRESS")]
    if y < 100:
        words = [(text, 60, top, tag) for text, _, top, tag in words]
    page = make_page(words)
    probabilities = np.zeros((3, len(NER_IDS)), dtype=np.float32)
    probabilities[0, NER_IDS["O"]] = 1.0
    for row, kind in zip(probabilities[1:], ("NAME", "ADDRESS"), strict=True):
        row[NER_IDS[f"B-BUYER_{kind}"]], row[NER_IDS[f"B-SELLER_{kind}"]] = 0.6, 0.4
    found = parties(replace(page, ner_probabilities=probabilities))
    assert found == {f"{role}_NAME": "Acme", f"{role}_ADDRESS": "Paris"}


def test_beside_another_party_nothing_changes(page_of):
    other = ("Muster", "B-SELLER_NAME", {"SELLER_NAME": 0.9})
    found = parties(page_of(other, UNSURE_NAME, UNSURE_ADDRESS))
    assert found == {"SELLER_NAME": "Muster", "BUYER_NAME": "Acme", "BUYER_ADDRESS": "Paris"}


def letter(*lines, seller=("Acme", "B-SELLER_NAME")):
    """Lines of ``(text, label)`` below one another, a gap below the seller's name."""
    return [
        (seller[0], 60, 100, seller[1]),
        *((text, 60, 200 + 30 * i, tag) for i, (text, tag) in enumerate(lines)),
    ]


ADDRESSEE = [
    ("Herrn", "O"),
    ("Max", "O"),
    ("Weg 1", "B-SELLER_ADDRESS"),
    ("12346 Ort", "I-SELLER_ADDRESS"),
    ("Geschäftsstelle", "O"),
]


def test_who_stands_below_a_salutation_is_the_buyer(make_page):
    assert parties(make_page(letter(*ADDRESSEE))) == {
        "SELLER_NAME": "Acme",
        "BUYER_NAME": "Herrn Max",
        "BUYER_ADDRESS": "Weg 1 12346 Ort",
    }


@pytest.mark.parametrize(
    "lines",
    [
        [("Hallo", "O"), *ADDRESSEE[1:]],
        [*ADDRESSEE[:2], ("Telefon", "O")],  # no post code
        [*ADDRESSEE[:2], ("12346", "B-INVOICE_NUMBER")],
    ],
)
def test_without_an_address_a_salutation_says_nothing(make_page, lines):
    assert not parties(make_page(letter(*lines))).keys() & {"BUYER_NAME", "BUYER_ADDRESS"}


LABELLED = [("Herrn", "B-BUYER_NAME"), ("Max", "I-BUYER_NAME"), *ADDRESSEE[2:]]


@pytest.mark.parametrize("lines", [ADDRESSEE, LABELLED])
def test_the_addressee_of_a_letter_goes_before_a_buyer_elsewhere(make_page, lines):
    page = make_page([*letter(*lines), ("Muster", 60, 900, "B-BUYER_NAME")])
    assert parties(page)["BUYER_NAME"] == "Herrn Max"


def test_a_buyer_of_the_addressee_s_name_elsewhere_loses_nothing(make_page):
    page = make_page(letter(*LABELLED))
    twice = make_page([*letter(*LABELLED), ("Herrn Max", 60, 900, "B-BUYER_NAME")])
    confidence = [assemble([one])["fields"]["BUYER_NAME"][0]["confidence"] for one in (page, twice)]
    assert confidence[0] == confidence[1]


@pytest.mark.parametrize(
    ("gap", "label", "buyer"),
    [
        (30, "B-BUYER_NAME", "Muster"),  # the company whose addressee he is
        (60, "B-BUYER_NAME", "Herrn Max"),  # an empty line between: the sender's
        (30, "B-SELLER_NAME", "Herrn Max"),
    ],
)
def test_a_company_right_over_a_salutation_is_the_buyer(make_page, gap, label, buyer):
    sender = ("Muster", 60, 200 - gap, label)
    assert parties(make_page([sender, *letter(*ADDRESSEE)]))["BUYER_NAME"] == buyer
