"""Names with their legal form, and a company's in place of a person's."""

import pytest

from invoicegen.extraction import assemble
from invoicegen.extraction.names import has_legal_form


def line(y, *words, x=60):
    """Words one after the other on a line, with the gap of a space."""
    placed = []
    for text, label in words:
        placed.append((text, x, y, label))
        x += 9 * len(text) + 6
    return placed


def name(page, role):
    return assemble([page])["fields"][f"{role}_NAME"][0]["value"]


def test_a_name_takes_the_legal_form_that_it_has_elsewhere(make_page):
    head = line(60, ("Acme", "B-SELLER_NAME"), ("Services", "I-SELLER_NAME"))
    foot = line(900, ("by", "O"), ("ACME", "O"), ("Services,", "O"), ("Inc.", "O"), ("Seattle", "O"))
    assert name(make_page([*head, *foot]), "SELLER") == "ACME Services, Inc."


@pytest.mark.parametrize("form", [("Sp.", "z", "o.o."), ("GmbH",), ("S.r.l.",), ("Sdn", "Bhd")])
def test_legal_forms_of_one_word_or_more(make_page, form):
    head = line(60, ("Acme", "B-SELLER_NAME"))
    foot = line(900, ("Acme", "O"), *((word, "O") for word in form), ("and", "O"), ("more", "O"))
    assert name(make_page([*head, *foot]), "SELLER") == " ".join(["Acme", *form])


@pytest.mark.parametrize(
    "elsewhere",
    [
        line(900, ("Acme", "O"), ("Group", "O")),
        [*line(900, ("Acme", "O")), ("GmbH", 400, 900, "O")],  # another column
        line(900, ("Acme", "O"), ("SAS", "O"), ("au", "O"), ("capital", "O")),
        line(900, ("Amce", "O"), ("GmbH", "O")),
    ],
)
def test_a_name_without_a_legal_form_elsewhere_stays(make_page, elsewhere):
    assert name(make_page([*line(60, ("Acme", "B-SELLER_NAME")), *elsewhere]), "SELLER") == "Acme"


def test_a_name_with_a_legal_form_stays(make_page):
    head = line(60, ("Acme", "B-SELLER_NAME"), ("AG", "I-SELLER_NAME"))
    foot = line(900, ("Acme", "O"), ("AG", "O"), ("Ltd", "O"))
    assert name(make_page([*head, *foot]), "SELLER") == "Acme AG"


PERSON = line(340, ("Helga", "B-BUYER_NAME"), ("Muster", "I-BUYER_NAME"))


def test_a_company_over_a_person_is_the_buyer(make_page):
    assert name(make_page([*line(310, ("Papier-Vertriebs-GmbH", "O")), *PERSON]), "BUYER") == (
        "Papier-Vertriebs-GmbH"
    )


@pytest.mark.parametrize(
    "above",
    [
        line(310, ("Rechnung", "O")),
        line(310, ("Acme", "B-SELLER_NAME"), ("GmbH", "I-SELLER_NAME")),
        line(310, ("Acme", "O"), ("GmbH", "O"), x=500),
        line(200, ("Acme", "O"), ("GmbH", "O")),
    ],
)
def test_a_person_below_anything_else_is_the_buyer(make_page, above):
    assert name(make_page([*above, *PERSON]), "BUYER") == "Helga Muster"


@pytest.mark.parametrize(
    ("text", "has"),
    [
        ("Acme GmbH & Co. KG", True),
        ("Papier-Vertriebs-GmbH", True),
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
