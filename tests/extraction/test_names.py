"""Names with their legal form, and a company's in place of a person's."""

from dataclasses import replace

import numpy as np
import pytest
from written_lines import line

from invoicegen.extraction import assemble
from invoicegen.extraction.names import has_legal_form
from invoicegen.schema.taxonomy import NER_IDS


def name(page, role):
    return assemble([page])["fields"][f"{role}_NAME"][0]["value"]


def test_a_name_takes_the_legal_form_that_it_has_elsewhere(make_page):
    head = line(("Acme", "B-SELLER_NAME"), ("Services", "I-SELLER_NAME"), y=60)
    foot = line(("by", "O"), ("ACME", "O"), ("Services,", "O"), ("Inc.", "O"), ("Seattle", "O"), y=900)
    assert name(make_page([*head, *foot]), "SELLER") == "ACME Services, Inc."


@pytest.mark.parametrize("form", [("Sp.", "z", "o.o."), ("GmbH",), ("S.r.l.",), ("Sdn", "Bhd")])
def test_legal_forms_of_one_word_or_more(make_page, form):
    head = line(("Acme", "B-SELLER_NAME"), y=60)
    foot = line(("Acme", "O"), *((word, "O") for word in form), ("and", "O"), ("more", "O"), y=900)
    assert name(make_page([*head, *foot]), "SELLER") == " ".join(["Acme", *form])


@pytest.mark.parametrize(
    "elsewhere",
    [
        line(("Acme", "O"), ("Group", "O"), y=900),
        [*line(("Acme", "O"), y=900), ("GmbH", 400, 900, "O")],  # another column
        line(("Acme", "O"), ("SAS", "O"), ("au", "O"), ("capital", "O"), y=900),
        line(("Amce", "O"), ("GmbH", "O"), y=900),
    ],
)
def test_a_name_without_a_legal_form_elsewhere_stays(make_page, elsewhere):
    assert name(make_page([*line(("Acme", "B-SELLER_NAME"), y=60), *elsewhere]), "SELLER") == "Acme"


def test_a_name_with_a_legal_form_stays(make_page):
    head = line(("Acme", "B-SELLER_NAME"), ("AG", "I-SELLER_NAME"), y=60)
    foot = line(("Acme", "O"), ("AG", "O"), ("Ltd", "O"), y=900)
    assert name(make_page([*head, *foot]), "SELLER") == "Acme AG"


@pytest.mark.parametrize(
    ("tag", "given", "expected"),
    [
        ("I-BUYER_NAME", 0.4, "Kaffeehaus Muster GmbH"),
        ("I-BUYER_NAME", 0.05, "Muster GmbH"),  # a caption, most likely
        ("B-BUYER_NAME", 0.4, "Muster GmbH"),  # that this begins the name is what the model says
    ],
)
def test_a_name_that_begins_inside_one_takes_its_first_word(make_page, tag, given, expected):
    page = make_page(line(("Kaffeehaus", "O"), ("Muster", tag), ("GmbH", "I-BUYER_NAME")))
    probabilities = np.zeros((3, len(NER_IDS)), dtype=np.float32)
    probabilities[0, [NER_IDS["O"], NER_IDS["B-BUYER_NAME"]]] = 1 - given, given
    probabilities[1, NER_IDS[tag]] = probabilities[2, NER_IDS["I-BUYER_NAME"]] = 0.9
    assert name(replace(page, ner_probabilities=probabilities), "BUYER") == expected


PERSON = line(("Anna", "B-BUYER_NAME"), ("Beispiel", "I-BUYER_NAME"), y=340)


def test_a_company_over_a_person_is_the_buyer(make_page):
    assert name(make_page([*line(("Handels-Kontor-GmbH", "O"), y=310), *PERSON]), "BUYER") == (
        "Handels-Kontor-GmbH"
    )


@pytest.mark.parametrize(
    "above",
    [
        line(("Rechnung", "O"), y=310),
        line(("Acme", "B-SELLER_NAME"), ("GmbH", "I-SELLER_NAME"), y=310),
        line(("Acme", "O"), ("GmbH", "O"), x=500, y=310),
        line(("Acme", "O"), ("GmbH", "O"), y=200),
    ],
)
def test_a_person_below_anything_else_is_the_buyer(make_page, above):
    assert name(make_page([*above, *PERSON]), "BUYER") == "Anna Beispiel"


@pytest.mark.parametrize(
    ("text", "has"),
    [
        ("Acme GmbH & Co. KG", True),
        ("Handels-Kontor-GmbH", True),
        ('SIA "Zenagopol"', True),
        ("Foo s.r.o.", True),
        ("Foo A/S", True),
        ("Acme", False),
        ("AG", False),
        ("Max Mustermann", False),
        ("", False),
    ],
)
def test_legal_forms(text, has):
    assert has_legal_form(text) is has


@pytest.mark.parametrize(
    ("figure", "x", "value"),
    [("13", 165, "SIA Acme"), ("2001", 135, "SIA Acme 2001"), ("B2", 165, "SIA Acme B2")],
)
def test_a_figure_set_apart_is_no_part_of_a_name(make_page, figure, x, value):
    words = [
        *line(("SIA", "B-SELLER_NAME"), ("Acme", "I-SELLER_NAME"), y=60),
        (figure, x, 60, "I-SELLER_NAME"),
    ]
    assert name(make_page(words), "SELLER") == value


@pytest.mark.parametrize(
    ("second", "value"),
    [("BHD", "STAR SDN BHD"), ("8HD", "STAR SDN BHD"), ("12-34", "STAR SDN"), ("TEL", "STAR SDN")],
)
def test_a_legal_form_of_two_words_has_both(make_page, second, value):
    words = line(("STAR", "B-SELLER_NAME"), ("SDN", "I-SELLER_NAME"), (second, "O"), ("X", "O"), y=60)
    assert name(make_page(words), "SELLER") == value


def given(page, **by_word):
    """The page with these probabilities of the labels of words, and .9 for what else it is labelled."""
    probabilities = np.zeros((len(page.words), len(NER_IDS)), dtype=np.float32)
    for row, word, tag in zip(probabilities, page.words, page.ner_tags, strict=True):
        for name, probability in by_word.get(word.text, {tag: 0.9}).items():
            row[NER_IDS[name]] = probability
    return replace(page, ner_probabilities=probabilities)


@pytest.mark.parametrize(
    ("inside", "role", "expected"),
    [
        (0.4, "BUYER", "Atelier Azur"),
        (0.6, "BUYER", "Atelier Azur Marie"),
        (0.4, "SELLER", "Atelier Azur Marie"),
    ],
)
def test_a_buyer_s_name_ends_before_who_stands_below_it(make_page, inside, role, expected):
    upper = line(("Atelier", f"B-{role}_NAME"), ("Azur", f"I-{role}_NAME"))
    page = make_page([*upper, *line(("Marie", f"I-{role}_NAME"), y=330)])
    assert name(given(page, Marie={"O": 1 - inside, f"I-{role}_NAME": inside}), role) == expected


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        (line(("Mitte", "B-BUYER_NAME"), x=156), "Acme Kunden Mitte"),
        (line(("Mitte", "B-BUYER_NAME"), x=190), "Acme Kunden"),  # a caption stands farther from its value
        (line(("Mitte", "B-BUYER_NAME"), y=330), "Acme Kunden"),
    ],
)
def test_a_name_that_begins_anew_beside_its_last_word_goes_on(make_page, second, expected):
    page = make_page([*line(("Acme", "B-BUYER_NAME"), ("Kunden", "I-BUYER_NAME")), *second])
    assert name(page, "BUYER") == expected


@pytest.mark.parametrize("label", ["O", "B-SELLER_NAME"])
def test_a_name_is_whole_where_its_bracket_is(make_page, label):
    page = make_page(
        [
            *line(("Acme", label), ("(North", label.replace("B-", "I-")), y=60),
            *line(("East)", "B-SELLER_NAME"), ("Ltd", "I-SELLER_NAME"), y=90),
        ]
    )
    assert name(page, "SELLER") == "Acme (North East) Ltd"


def test_a_caption_before_a_company_is_no_part_of_its_name(make_page):
    words = ("Owned", "by:", "Acme", "Foods", "Ltd")
    tags = ("B-SELLER_NAME", *["I-SELLER_NAME"] * 4)
    assert name(make_page(line(*zip(words, tags, strict=True))), "SELLER") == "Acme Foods Ltd"
    words = ("Caf\u00e9:", "Acme", "and", "more", "tea")
    assert name(make_page(line(*zip(words, tags, strict=True))), "SELLER") == "Caf\u00e9: Acme and more tea"


SIGN = line(("Corner", "B-SELLER_NAME"), ("Shop", "I-SELLER_NAME"), y=90)


@pytest.mark.parametrize(
    "company",
    [
        line(("Acme", "O"), ("Foods", "O"), ("Ltd", "O"), y=120),
        line(("Acme", "O"), ("Foods", "O"), ("Ltd", "O"), y=60),
        line(
            ("Owned", "O"),
            ("by:", "O"),
            ("Acme", "O"),
            ("Foods", "O"),
            ("Ltd", "O"),
            ("(12345-X)", "O"),
            y=120,
        ),
    ],
)
def test_the_company_beside_a_shop_s_sign_is_the_seller(make_page, company):
    found = assemble([make_page([*SIGN, *company])])["fields"]["SELLER_NAME"]
    assert [field["value"] for field in found] == ["Acme Foods Ltd", "Corner Shop"]
    assert found[0]["confidence"] > found[1]["confidence"]


@pytest.mark.parametrize(
    "company",
    [
        line(("Acme", "O"), ("Foods", "O"), ("Ltd", "O"), y=300),
        line(("Acme", "O"), ("Foods", "O"), ("Ltd", "O"), y=120, x=600),
        line(("Acme", "B-BUYER_NAME"), ("Foods", "I-BUYER_NAME"), ("Ltd", "I-BUYER_NAME"), y=120),
        line(("Acme", "O"), ("Foods", "O"), y=120),
        [
            *line(("Acme", "O"), ("Ltd", "O"), y=60),
            *line(("Other", "O"), ("Ltd", "O"), y=120),
        ],  # which of them?
    ],
)
def test_other_companies_are_not_the_seller(make_page, company):
    assert name(make_page([*SIGN, *company]), "SELLER") == "Corner Shop"


def test_a_company_above_an_address_is_the_seller_where_none_is_labelled(make_page):
    address = line(("Weg", "B-SELLER_ADDRESS"), ("1", "I-SELLER_ADDRESS"), y=120)
    page = make_page([*line(("Acme", "O"), ("Ltd", "O"), y=90), *address])
    assert name(page, "SELLER") == "Acme Ltd"
