"""Sums are those that their captions name, where these add up."""

import pytest
from written_lines import line

from invoicegen.extraction import assemble
from invoicegen.extraction.captions import sum_of_caption
from invoicegen.extraction.lexicon import LANGUAGES
from invoicegen.templates.lexicon import load_lexicon

NET, TAX, TOTAL, DUE = "SUBTOTAL_AMOUNT", "TAX_AMOUNT", "TOTAL_AMOUNT", "AMOUNT_DUE"


def listing(make_page, *rows, x=600):
    """A caption, a figure and the figure's label a row."""
    words = []
    for n, (caption, figure, label) in enumerate(rows):
        y = 300 + 40 * n
        words += line(*((word, "O") for word in caption.split()), y=y)
        words += line(*((word, label) for word in figure.split()), y=y, x=x)
    return make_page(words)


def sums(page):
    fields = assemble([page])["fields"]
    return {name: fields[name][0]["value"] for name in (NET, TAX, TOTAL, DUE) if name in fields}


EVERY_SUM = (
    ("Positionssumme", "310,00", f"B-{NET}"),
    ("Gesamtbetrag der Zuschläge", "5,00", f"B-{TAX}"),
    ("Gesamtbetrag der Abschläge", "-15,00", "O"),
    ("Rechnungssumme ohne USt.", "300,00", f"B-{DUE}"),
    ("Steuerbetrag in EUR", "57,00", "O"),
    ("Bruttosumme", "357,00", f"B-{TOTAL}"),
    ("Zahlbetrag", "357,00", f"B-{TOTAL}"),
)


def test_a_document_that_states_every_sum(make_page):
    assert sums(listing(make_page, *EVERY_SUM)) == {
        NET: "300.00",
        TAX: "57.00",
        TOTAL: "357.00",
        DUE: "357.00",
    }


def test_sums_that_captions_name_and_that_do_not_add_up_stay_as_the_model_has_them(make_page):
    rows = [row for row in EVERY_SUM if row[0] != "Steuerbetrag in EUR"]
    rows.append(("Steuerbetrag in EUR", "58,00", "O"))
    assert sums(listing(make_page, *rows)) == {NET: "310.00", TAX: "5.00", TOTAL: "357.00", DUE: "300.00"}


def test_what_the_model_is_surer_of_keeps_its_confidence(make_page):
    page = listing(
        make_page, ("Net total", "100.00", f"B-{NET}"), ("VAT", "19.00", "O"), ("Total", "119.00", "O")
    )
    page.ner_confidences[2] = 0.9999
    fields = assemble([page])["fields"]
    assert fields[NET][0]["confidence"] == 0.9999
    assert fields[TAX][0]["confidence"] == 0.99


def test_captions_in_the_column_of_their_figures_and_thousands_apart(make_page):
    rows = (
        ("Total HT", "1 200,00 €", "O"),
        ("TVA", "240,00 €", "O"),
        ("Total TTC", "1 440,00 €", f"B-{TOTAL}"),
    )
    assert sums(listing(make_page, *rows, x=180)) == {NET: "1200.00", TAX: "240.00", TOTAL: "1440.00"}


def test_no_tax_is_a_tax(make_page):
    rows = (("Net total", "80.00", f"B-{NET}"), ("VAT", "0.00", "O"), ("Grand total", "80.00", f"B-{TOTAL}"))
    assert sums(listing(make_page, *rows))[TAX] == "0.00"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Rechnungsgesamtbetrag ohne Umsatzsteuer (BT-109):", NET),
        ("Total VAT amount", TAX),
        ("Total [EUR]", TOTAL),
        ("Net à payer", DUE),
        ("Total paid", None),
        ("EUR", None),
        ("", None),
    ],
)
def test_what_captions_name(text, name):
    assert sum_of_caption(text) == name


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("key", "name"), [("net", NET), ("tax", TAX), ("gross", TOTAL), ("due", DUE)])
def test_terms_of_listings_in_all_languages_are_known(language, key, name):
    captions = load_lexicon(language)[f"listed_{key}"]
    assert {caption: sum_of_caption(caption) for caption in captions} == dict.fromkeys(captions, name)


@pytest.mark.parametrize(
    ("caption", "name"), [("Balance due", DUE), ("Residual", DUE), ("Deposit", "AMOUNT_PAID")]
)
def test_what_a_caption_calls_due_was_not_paid(make_page, caption, name):
    page = listing(make_page, ("Total", "119.00", f"B-{TOTAL}"), (caption, "19.00", "B-AMOUNT_PAID"))
    fields = assemble([page])["fields"]
    assert {kind: fields[kind][0]["value"] for kind in (DUE, "AMOUNT_PAID") if kind in fields} == {
        name: "19.00"
    }


def orders(page):
    return [field["value"] for field in assemble([page])["fields"].get("PURCHASE_ORDER_NUMBER", [])]


@pytest.mark.parametrize("label", ["O", "B-PRECEDING_INVOICE_NUMBER"])
@pytest.mark.parametrize(
    "caption",
    [
        "Bestellung Nr.",
        "Bestell-Nr.:",
        "Purchase order",
        "PO number:",
        "Bon de commande",
        "Ihre Bestellnummer",
    ],
)
def test_a_number_that_a_caption_calls_an_order_s_is_one(make_page, caption, label):
    assert orders(listing(make_page, (caption, "2013-471331", label))) == ["2013-471331"]
    assert orders(listing(make_page, (caption, "2013-471331", label), x=220)) == ["2013-471331"]  # one phrase


@pytest.mark.parametrize(
    "rows",
    [
        [("Purchase order date:", "2013-07-13", "O")],
        [("Bestellung Nr. vom", "13.07.2013", "O")],
        [("Bestellung Nr.", "2013-471331", "B-INVOICE_NUMBER")],
        [("Bestellung Nr.", "471331", "O"), ("Bestellung Nr.", "471332", "O")],  # whose two?
        [("Bestellung Nr.", "vom", "O")],
    ],
)
def test_other_numbers_are_no_order_s(make_page, rows):
    assert orders(listing(make_page, *rows)) == []


def test_an_order_s_number_that_was_labelled_is_the_only_one(make_page):
    rows = [("Bestellung Nr.", "471331", "O"), ("Auftrag", "99", "B-PURCHASE_ORDER_NUMBER")]
    assert orders(listing(make_page, *rows)) == ["99"]
