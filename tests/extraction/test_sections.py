"""Names, addresses and tax numbers are those of the party whose heading they stand below."""

from dataclasses import replace

import numpy as np
import pytest

from invoicegen.extraction import assemble
from invoicegen.extraction.sections import role_of_heading
from invoicegen.schema.taxonomy import NER_IDS

SELLER, BUYER = "SELLER", "BUYER"
LINE = 40


def line(y, text, label="O", x=60, **given):
    """A word with its label and what the model gives; labels without figures have .9."""
    given = given or ({label[2:]: 0.9} if label != "O" else {})
    return text, x, y, label, given


def page_of(make_page, *lines):
    page = make_page([(text, x, 100 + LINE * y, label) for text, x, y, label, _ in lines])
    probabilities = np.zeros((len(lines), len(NER_IDS)), dtype=np.float32)
    for row, (_, _, _, label, given) in zip(probabilities, lines, strict=True):
        for name, probability in given.items():
            row[NER_IDS[f"{label[0] if label != 'O' else 'B'}-{name}"]] = probability
        row[NER_IDS["O"]] = 1 - row.sum()
    return replace(page, ner_probabilities=probabilities)


def parties(page):
    fields = assemble([page])["fields"]
    kinds = ("NAME", "ADDRESS", "TAX_ID")
    names = [f"{role}_{kind}" for role in (SELLER, BUYER) for kind in kinds]
    return {name: [field["value"] for field in fields[name]] for name in names if name in fields}


def listing(*, seller="Verkäufer", buyer="Käufer/Leistungsempfänger", ship_to="Abweichender Warenempfänger"):
    """All is the seller's, as far as the model knows, and one name is nothing."""
    return [
        line(0, seller),
        line(1, "Acme", "B-SELLER_NAME", x=600),
        line(2, "Berlin", "B-SELLER_ADDRESS", x=600),
        line(5, buyer),
        line(6, "Muster", "O", x=600, SELLER_NAME=0.35, BUYER_NAME=0.25),
        line(7, "Wien", "B-SELLER_ADDRESS", x=600),
        line(8, "ATU13585627", "B-SELLER_TAX_ID", x=600),
        line(11, ship_to),
        line(12, "Lager", "B-SELLER_NAME", x=600),
        line(13, "Graz", "B-BUYER_ADDRESS", x=600),
    ]


def test_what_stands_below_a_heading_is_that_party_s(make_page):
    assert parties(page_of(make_page, *listing())) == {
        "SELLER_NAME": ["Acme"],
        "SELLER_ADDRESS": ["Berlin"],
        "BUYER_NAME": ["Muster"],
        "BUYER_ADDRESS": ["Wien"],
        "BUYER_TAX_ID": ["ATU13585627"],
    }


@pytest.mark.parametrize("gone", ["seller", "buyer"])
def test_a_page_with_one_party_s_heading_stays_as_it_is(make_page, gone):
    lines = listing(**{gone: "Details"})
    found = parties(page_of(make_page, *lines))
    assert found["SELLER_ADDRESS"] == ["Berlin", "Wien"]
    assert "Lager" in found["SELLER_NAME"]


def test_without_probabilities_nothing_changes(make_page):
    page = replace(page_of(make_page, *listing()), ner_probabilities=None)
    assert parties(page)["SELLER_ADDRESS"] == ["Berlin", "Wien"]


def test_headings_side_by_side_have_what_stands_in_their_columns(make_page):
    page = page_of(
        make_page,
        line(0, "Supplier"), line(0, "Customer", x=450), line(0, "Invoice", x=850),
        line(1, "Acme", "B-SELLER_NAME"), line(1, "Muster", "B-SELLER_NAME", x=450),
        line(2, "Leeds", "B-SELLER_ADDRESS"), line(2, "York", "B-SELLER_ADDRESS", x=450),
        line(3, "Hull", "B-SELLER_ADDRESS", x=850),
        line(5, "Ship-to"), line(5, "Bill to", x=450),
    )  # fmt: skip
    assert parties(page) == {
        "SELLER_NAME": ["Acme"],
        "SELLER_ADDRESS": ["Leeds", "Hull"],
        "BUYER_NAME": ["Muster"],
        "BUYER_ADDRESS": ["York"],
    }


def test_a_heading_reaches_as_far_as_its_block(make_page):
    lines = [*listing()[:8], line(14, "Paris", "B-SELLER_ADDRESS", x=600)]
    assert parties(page_of(make_page, *lines))["SELLER_ADDRESS"] == ["Berlin", "Paris"]


def test_a_caption_with_more_behind_it_is_no_heading(make_page):
    """A salesman has the seller's word beside him."""
    page = page_of(make_page, line(0, "Verkäufer"), line(0, "Max", x=170), *listing(seller="Details")[1:])
    assert parties(page)["SELLER_ADDRESS"] == ["Berlin", "Wien"]


@pytest.mark.parametrize(
    ("text", "role"),
    [
        ("Verkäufer:", SELLER),
        ("VERKÄUFER (BG-4)", SELLER),
        ("Seller / Supplier", SELLER),
        ("Käufer/Leistungsempfänger", BUYER),
        ("Facturé à", BUYER),
        ("Dodací adresa", "OTHER"),
        ("Seller / Buyer", None),
        ("Verkäufer Max", None),
        ("", None),
    ],
)
def test_headings(text, role):
    assert role_of_heading(text) == role
