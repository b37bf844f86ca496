import datetime as dt
from decimal import Decimal

import pytest

from invoicegen.synthesis import LOCALES, load_locale
from invoicegen.templates.formats import currency_symbols, format_number, print_date


@pytest.mark.parametrize(
    ("value", "style", "digits", "expected"),
    [
        ("1234567.5", "1,234.56", 2, "1,234,567.50"),
        ("1234567.5", "1.234,56", 2, "1.234.567,50"),
        ("1234.5", "1 234,56", 2, "1\u00a0234,50"),
        ("1234.5", "1'234.56", 2, "1'234.50"),
        ("1234567.5", "12,34,567.89", 2, "12,34,567.50"),
        ("999", "1,234.56", 0, "999"),
        ("-1234.5", "1234,56", 2, "-1234,50"),
        ("0.125", "1234.56", None, "0.125"),
        ("100", "1,234.56", None, "100"),
    ],
)
def test_numbers_follow_their_style(value, style, digits, expected):
    assert format_number(Decimal(value), style, digits) == expected


@pytest.mark.parametrize("locale", LOCALES)
def test_every_locale_has_number_styles_and_date_patterns_that_print(locale):
    country = load_locale(locale)
    for style in country.numbers:
        assert "234" in format_number(Decimal("1234.56"), style, 2)
    for pattern in country.dates:
        assert "26" in print_date(dt.date(2026, 10, 14), pattern, locale)


def test_dates_are_in_the_words_of_the_country_or_of_its_language():
    day = dt.date(2026, 9, 4)
    assert print_date(day, "d MMM yyyy", "en_GB") == "4 Sept 2026"
    assert print_date(day, "d MMM yyyy", "en_US") == "4 Sep 2026"
    assert print_date(day, "d MMMM yyyy", "fr_XX") == "4 septembre 2026"


def test_signs_of_a_currency_are_the_countrys_own_the_usual_ones_or_its_code():
    assert "SFr." in currency_symbols("CHF", load_locale("de_CH"))
    assert currency_symbols("CHF", load_locale("de_DE")) == ("CHF", "Fr.")
    assert currency_symbols("XAF", load_locale("fr_FR")) == ("XAF",)
