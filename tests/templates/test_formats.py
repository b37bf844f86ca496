import datetime as dt
from decimal import Decimal

import pytest

from invoicegen.synthesis import LOCALES
from invoicegen.templates.formats import date_patterns, format_number, number_styles, print_date


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
    assert sum(number_styles(locale).values()) > 0
    for style in number_styles(locale):
        assert "234" in format_number(Decimal("1234.56"), style, 2)
    for pattern in date_patterns(locale):
        assert "26" in print_date(dt.date(2026, 10, 14), pattern, locale)
