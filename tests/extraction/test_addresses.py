"""Addresses made whole, and without what is no part of them."""

from dataclasses import replace

import numpy as np
import pytest
from written_lines import line

from invoicegen.extraction import assemble
from invoicegen.schema.taxonomy import NER_IDS


def values(page, name):
    return [field["value"] for field in assemble([page])["fields"].get(name, [])]


@pytest.mark.parametrize(
    ("city", "value"),
    [
        (("DE", "37079", "Ort"), "Weg 1 37079 Ort"),
        (("NL", "3022", "QY", "Ort"), "Weg 1 3022 QY Ort"),
        (("D-37079", "Ort"), "Weg 1 D-37079 Ort"),
        (("WA", "98052"), "Weg 1 WA 98052"),  # no country
        (("CA", "90054"), "Weg 1 CA 90054"),  # California and not Canada
        (("DE", "Ort"), "Weg 1 DE Ort"),
        (("Ort", "DE", "37079"), "Weg 1 Ort DE 37079"),  # a state behind its city
    ],
)
def test_the_country_s_code_before_a_post_code_is_no_part_of_an_address(make_page, city, value):
    street = line(("Weg", "B-SELLER_ADDRESS"), ("1", "I-SELLER_ADDRESS"))
    page = make_page([*street, *line(*((word, "I-SELLER_ADDRESS") for word in city), y=330)])
    assert values(page, "SELLER_ADDRESS") == [value]


@pytest.mark.parametrize(
    ("country", "whole"),
    [
        (("États", "Unis"), True),
        (("DEUTSCHLAND",), True),
        (("United", "Kingdom"), True),
        (("Springfield",), False),
        (("Tel.", "Germany"), False),
    ],
)
def test_a_country_below_an_address_is_part_of_it(make_page, country, whole):
    address = [("Weg", "B-SELLER_ADDRESS"), ("1", "I-SELLER_ADDRESS")]
    page = make_page([*line(*address), *line(*((word, "O") for word in country), y=330)])
    assert values(page, "SELLER_ADDRESS") == ["Weg 1 " + " ".join(country) if whole else "Weg 1"]


@pytest.mark.parametrize(
    "country",
    [
        line(("Germany", "O"), y=330, x=400),
        line(("Germany", "O"), y=400),
        line(("Germany", "B-ITEM_DESCRIPTION"), y=330),
        [*line(("Rechnung", "O"), y=320), *line(("Germany", "O"), y=340)],
    ],
)
def test_a_country_elsewhere_is_no_part_of_an_address(make_page, country):
    page = make_page([*line(("Weg", "B-SELLER_ADDRESS"), ("1", "I-SELLER_ADDRESS")), *country])
    assert values(page, "SELLER_ADDRESS") == ["Weg 1"]


@pytest.mark.parametrize(("state", "whole"), [("WA", True), ("Wa", False), ("2000", False)])
def test_a_zip_code_below_a_state_is_part_of_an_address(make_page, state, whole):
    address = [("Weg", "B-SELLER_ADDRESS"), ("1", "I-SELLER_ADDRESS"), (state, "I-SELLER_ADDRESS")]
    page = make_page([*line(*address), *line(("99243", "O"), y=330)])
    assert values(page, "SELLER_ADDRESS") == [f"Weg 1 {state}" + " 99243" * whole]


def address(*lines, ends="SELLER_ADDRESS"):
    """Words of lines below each other; a word in brackets is labelled nothing."""
    words = []
    for n, text in enumerate(lines):
        labels = ["O" if word[0] == "(" else f"I-{ends}" for word in text.split()]
        words += line(
            *((word.strip("()"), label) for word, label in zip(text.split(), labels, strict=True)),
            y=300 + 30 * n,
        )
    return words


@pytest.mark.parametrize(
    ("lines", "whole"),
    [
        (("60 COOKS, (LOS) ANGELES,", "CA 90054"), True),
        (("60 Cooks (Road),", "CA 90054"), True),
        (("(Los) Angeles,", "CA 90054"), False),
        (("60 Cooks,", "CA 90054 (USA)"), False),  # what stands behind the last line may be anything
        (("60 Cooks, (E) (mail@cooks.com)", "CA 90054"), False),
        (("60 Cooks, (Invoice) (date:)", "CA 90054"), False),
        (("60 Cooks, (a) (b) (c) (d) (e)", "CA 90054"), False),
    ],
)
def test_words_between_those_of_an_address_are_part_of_it(make_page, lines, whole):
    shown = " ".join(word.strip("()") for text in lines for word in text.split() if whole or word[0] != "(")
    assert values(make_page(address(*lines)), "SELLER_ADDRESS") == [shown]


def test_what_is_labelled_another_field_between_them_is_not(make_page):
    words = address("60 Cooks, (2026)", "CA 90054")
    words[2] = (*words[2][:3], "B-INVOICE_DATE")
    assert values(make_page(words), "SELLER_ADDRESS") == ["60 Cooks, CA 90054"]


BELOW = (("No.7", "B-SELLER_ADDRESS"), ("Jalan", "I-SELLER_ADDRESS"))


@pytest.mark.parametrize(
    ("first", "second", "joined"),
    [
        ("Plaza Melati,", line(*BELOW, y=330), True),
        ("Plaza Melati", line(*BELOW, y=330), False),
        ("Plaza Melati,", line(*BELOW, y=400), False),
        ("Plaza Melati,", line(*BELOW, y=330, x=500), False),
        ("Plaza Melati,", line(("No.7", "B-BUYER_ADDRESS"), ("Jalan", "I-BUYER_ADDRESS"), y=330), False),
    ],
)
def test_an_address_that_ends_with_a_comma_goes_on_below(make_page, first, second, joined):
    fields = assemble([make_page([*address(first), *second])])["fields"]
    found = [field["value"] for name in ("SELLER_ADDRESS", "BUYER_ADDRESS") for field in fields.get(name, [])]
    assert sorted(found) == (["Plaza Melati, No.7 Jalan"] if joined else ["No.7 Jalan", first.strip(",")])


@pytest.mark.parametrize("label", ["B-BUYER_ADDRESS", "O"])
def test_a_country_below_an_address_is_part_of_it_whosever_it_was_labelled(make_page, label):
    page = make_page(
        [
            *line(("Weg", "B-SELLER_ADDRESS"), ("1", "I-SELLER_ADDRESS")),
            *line(("Germany", label), y=330),
            *line(("Gasse", "B-BUYER_ADDRESS"), ("2", "I-BUYER_ADDRESS"), x=600),
        ]
    )
    assert values(page, "SELLER_ADDRESS") == ["Weg 1 Germany"]


@pytest.mark.parametrize(
    ("city", "value"),
    [
        ([("37079", "I"), ("Ort", "O")], "Weg 1 37079 Ort"),
        ([("DE", "I"), ("37079", "I"), ("Bad", "O"), ("Ort", "O")], "Weg 1 37079 Bad Ort"),
        ([("37079", "I"), ("Tel:", "O")], "Weg 1 37079"),
        (
            [("Ort", "I"), ("37079", "I"), ("Land", "O")],
            "Weg 1 Ort 37079",
        ),  # the place stands before its code
    ],
)
def test_a_post_code_takes_the_place_behind_it(make_page, city, value):
    street = line(("Weg", "B-SELLER_ADDRESS"), ("1", "I-SELLER_ADDRESS"))
    words = [(text, "O" if tag == "O" else f"{tag}-SELLER_ADDRESS") for text, tag in city]
    assert values(make_page([*street, *line(*words, y=330)]), "SELLER_ADDRESS") == [value]


@pytest.mark.parametrize(
    ("x", "y", "one"),
    [(60, 320, True), (60, 420, False), (500, 320, False)],
)
def test_lines_of_one_block_are_of_one_party(make_page, x, y, one):
    page = make_page(
        [
            *line(("Weg", "B-SELLER_ADDRESS"), ("1", "I-SELLER_ADDRESS")),
            *line(
                ("37079", "B-BUYER_ADDRESS"), ("Bad", "I-BUYER_ADDRESS"), ("Ort", "I-BUYER_ADDRESS"), x=x, y=y
            ),
        ]
    )
    probabilities = np.zeros((5, len(NER_IDS)), dtype=np.float32)
    for row, tag in zip(probabilities, page.ner_tags, strict=True):
        row[NER_IDS[tag]] = 0.9
    page = replace(page, ner_probabilities=probabilities)
    buyer, seller = values(page, "BUYER_ADDRESS"), values(page, "SELLER_ADDRESS")
    assert buyer + seller == (["Weg 1 37079 Bad Ort"] if one else ["37079 Bad Ort", "Weg 1"])
