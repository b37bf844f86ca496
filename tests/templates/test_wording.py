"""Captions say nothing that the record contradicts."""

import pytest

from invoicegen.synthesis import synthesise
from invoicegen.synthesis.currencies import names_another
from invoicegen.templates import PlanOptions, plan_document
from invoicegen.templates.lexicon import load_lexicon
from invoicegen.templates.view import View
from invoicegen.templates.wording import fitting

FAMILIES = ("modern", "classic", "receipt")


def record(locale, kind, wanted):
    """The first of 200 records that is as wanted."""
    family = "receipt" if kind.endswith("receipt") else "modern"
    options = PlanOptions(
        seed=3,
        locales={locale: 1},
        families={family: 1},
        kinds={kind: 1},
        engines={name: {"pdf_text": 1} for name in FAMILIES},
        presets={name: {"clean": 1} for name in FAMILIES},
    )
    for index in range(200):
        invoice = synthesise(plan_document(index, options))
        if wanted(invoice):
            return invoice
    raise AssertionError("none of 200 records is as wanted")


@pytest.mark.parametrize(
    ("text", "currency", "another"),
    [
        ("Summe EUR", "CHF", True),
        ("Summe EUR", "EUR", False),
        ("Celkem Kč bez DPH", "CZK", False),
        ("Amount ($)", "AUD", False),  # a sign of many currencies
        ("Beløb i kr.", "NOK", False),
        ("Beløb i kr.", "EUR", True),
        ("TOTAL RM", "INR", True),
        ("Krankenkasse", "EUR", False),  # no word of its own
        ("Vous avez économisé 2,35 EUR", "CAD", True),
    ],
)
def test_a_text_names_another_currency(text, currency, another):
    assert names_another(text, currency) is another


@pytest.mark.parametrize(
    ("language", "locale", "key", "hours"),
    [
        ("en", "en_GB", "quantity", {"Hours", "Hrs"}),
        ("de", "de_DE", "unit_price", {"Stundensatz"}),
        ("fr", "fr_FR", "quantity", {"Heures", "Nb h"}),
        ("fi", "fi_FI", "quantity", {"Tunnit", "Tuntia"}),
        ("nl", "nl_NL", "unit_price", {"Uurtarief"}),
    ],
)
def test_hours_head_a_column_only_where_some_are_billed(language, locale, key, hours):
    wordings = load_lexicon(language)[key]
    goods = record(locale, "commercial_invoice", lambda invoice: invoice.industry == "fashion")
    worked = record(
        locale, "service_invoice", lambda invoice: any(line.unit_code == "HUR" for line in invoice.lines)
    )
    assert set(wordings) - set(fitting(key, wordings, goods)) >= hours
    assert hours <= set(fitting(key, wordings, worked))


def test_prices_with_tax_are_not_headed_net():
    wordings = ["Amount", "Amount excl. VAT", "Net Price", "Total incl. VAT"]
    gross = record("en_GB", "supermarket_receipt", lambda invoice: invoice.prices_include_tax)
    net = record("en_GB", "commercial_invoice", lambda invoice: not invoice.prices_include_tax)
    assert fitting("amount", wordings, gross) == ["Amount", "Total incl. VAT"]
    assert fitting("amount", wordings, net) == ["Amount", "Amount excl. VAT", "Net Price"]


def test_waiters_serve_in_restaurants_alone():
    wordings = load_lexicon("en")["cashier"]
    shop = record("en_GB", "shop_receipt", lambda invoice: True)
    table = record("en_GB", "restaurant_receipt", lambda invoice: True)
    assert not {"Waiter", "Server"} & set(fitting("cashier", wordings, shop))
    assert {"Waiter", "Server"} <= set(fitting("cashier", wordings, table))


def test_a_key_never_loses_all_its_wordings():
    invoice = record("de_CH", "commercial_invoice", lambda invoice: invoice.currency == "CHF")
    assert fitting("amount", ["Summe EUR"], invoice) == ["Summe EUR"]


@pytest.mark.parametrize(
    ("locale", "own"), [("en_US", "ABA"), ("en_GB", "Sort Code"), ("en_AU", "BSB"), ("en_IN", "IFSC")]
)
def test_the_code_of_a_bank_is_called_what_the_country_calls_it(locale, own):
    names = load_lexicon("en", (), locale)["bank_code"]
    assert own in names
    others = {"ABA", "Sort Code", "BSB", "IFSC"} - {own}
    assert not others & set(names)


def test_a_party_is_now_and_then_called_by_two_names_in_one():
    options = PlanOptions(
        seed=3,
        locales={"de_DE": 1},
        families={"modern": 1},
        kinds={"commercial_invoice": 1},
        engines={name: {"pdf_text": 1} for name in FAMILIES},
        presets={name: {"clean": 1} for name in FAMILIES},
    )
    joined = []
    for index in range(150):
        plan = plan_document(index, options)
        view = View(synthesise(plan), plan)
        for key in ("bill_to", "from", "number"):
            text = view.phrase(key)
            assert view.phrase(key) == text  # the same everywhere in a document
            if text not in view.lexicon[key]:
                first, second = (part.strip() for part in text.split("/"))
                assert {first, second} <= set(view.lexicon[key])
                assert first != second
                joined.append(key)
    assert {"bill_to", "from"} == set(joined)
    assert len(joined) < 60
