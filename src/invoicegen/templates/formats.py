"""How numbers, money and dates are printed: conventions by locale, sampled by genome."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Final

from babel.dates import format_date

SYMBOLS: Final[dict[str, tuple[str, ...]]] = {
    "EUR": ("€", "EUR"),
    "USD": ("$", "$", "$", "USD", "US$"),
    "GBP": ("£", "£", "GBP"),
    "MYR": ("RM", "RM", "MYR"),
    "SGD": ("$", "S$", "SGD"),
    "INR": ("Rs.", "Rs", "INR"),
    "AUD": ("$", "$", "AUD", "A$"),
    "CAD": ("$", "$", "CAD", "CA$"),
    "CHF": ("CHF", "Fr."),
    "JPY": ("¥", "¥", "JPY"),
    "SEK": ("kr", "SEK"),
    "CNY": ("¥", "CNY", "RMB"),
}
"""Signs and codes that stand for a currency on paper; repeated ones are likelier."""

_NUMBER_STYLES: Final[dict[str, dict[str, float]]] = {
    "en": {"1,234.56": 0.85, "1234.56": 0.15},
    "en_IN": {"12,34,567.89": 0.6, "1,234.56": 0.25, "1234.56": 0.15},
    "de": {"1.234,56": 0.8, "1234,56": 0.16, "1,234.56": 0.04},
    "de_CH": {"1'234.56": 0.9, "1234.56": 0.1},
    "de_AT": {"1.234,56": 0.8, "1234,56": 0.2},
    "fr": {"1 234,56": 0.75, "1234,56": 0.12, "1.234,56": 0.06, "1,234.56": 0.04, "1234.56": 0.03},
    "nl": {"1.234,56": 0.85, "1234,56": 0.15},
    "es": {"1.234,56": 0.8, "1234,56": 0.14, "1,234.56": 0.06},
    "it": {"1.234,56": 0.85, "1234,56": 0.15},
    "pt": {"1.234,56": 0.7, "1 234,56": 0.15, "1234,56": 0.15},
    "lv": {"1234.56": 0.55, "1 234,56": 0.25, "1234,56": 0.2},
}
_SEPARATORS: Final[dict[str, tuple[str, str]]] = {  # style: (grouping, decimal)
    "1,234.56": (",", "."),
    "1234.56": ("", "."),
    "12,34,567.89": (",", "."),
    "1.234,56": (".", ","),
    "1234,56": ("", ","),
    "1'234.56": ("'", "."),
    "1 234,56": ("\u00a0", ","),
}

_DATE_PATTERNS: Final[dict[str, dict[str, float]]] = {
    "en_US": {
        "MM/dd/yyyy": 4, "M/d/yyyy": 3, "MMM d, yyyy": 2, "MMMM d, yyyy": 3, "MM-dd-yyyy": 1, "M/d/yy": 1,
        "MM/dd/yy": 2, "yyyy-MM-dd": 1, "d-MMM-yyyy": 0.5, "dd-MMM-yy": 0.5, "MMM dd, yyyy": 1, "d MMM yyyy": 0.4,
    },
    "en": {
        "dd/MM/yyyy": 5, "d MMMM yyyy": 2, "dd MMM yyyy": 2, "dd-MM-yyyy": 2, "dd/MM/yy": 1.5, "dd-MM-yy": 0.8,
        "d-MMM-yyyy": 1, "dd.MM.yyyy": 0.8, "yyyy-MM-dd": 0.7, "d MMM yy": 0.5, "dd-MMM-yy": 0.6, "d/M/yyyy": 1,
        "MMMM d, yyyy": 0.6, "EEE, d MMM yyyy": 0.2, "yyyy/MM/dd": 0.2, "dd MMM, yyyy": 0.3, "dd.MM.yy": 0.3,
    },
    "de": {
        "dd.MM.yyyy": 7, "d. MMMM yyyy": 2, "dd.MM.yy": 1, "d.M.yyyy": 1, "yyyy-MM-dd": 0.4, "dd. MMMM yyyy": 0.4,
        "dd. MMM yyyy": 0.3, "dd/MM/yyyy": 0.2, "dd-MM-yyyy": 0.2, "EEEE, d. MMMM yyyy": 0.1,
    },
    "fr": {
        "dd/MM/yyyy": 7, "d MMMM yyyy": 2.5, "dd/MM/yy": 1, "dd-MM-yyyy": 0.7, "dd.MM.yyyy": 0.4, "yyyy-MM-dd": 0.4,
        "d MMM yyyy": 0.5, "EEEE d MMMM yyyy": 0.2,
    },
    "nl": {"dd-MM-yyyy": 5, "d MMMM yyyy": 3, "dd/MM/yyyy": 1, "dd-MM-yy": 0.8, "d-M-yyyy": 1, "yyyy-MM-dd": 0.3},
    "es": {"dd/MM/yyyy": 6, "d 'de' MMMM 'de' yyyy": 1.5, "dd-MM-yyyy": 1, "dd/MM/yy": 1, "dd.MM.yyyy": 0.3},
    "it": {"dd/MM/yyyy": 6, "d MMMM yyyy": 2, "dd-MM-yyyy": 1, "dd/MM/yy": 1, "dd.MM.yyyy": 0.5},
    "pt": {"dd/MM/yyyy": 5, "dd-MM-yyyy": 2, "yyyy-MM-dd": 2, "d 'de' MMMM 'de' yyyy": 1, "dd.MM.yyyy": 0.3},
    "lv": {"dd.MM.yyyy": 6, "yyyy. 'gada' d. MMMM": 1, "dd/MM/yyyy": 0.5, "yyyy-MM-dd": 0.7, "dd.MM.yy": 0.6},
}  # fmt: skip


def number_styles(locale: str) -> dict[str, float]:
    """Number styles of a locale with their weights."""
    return _NUMBER_STYLES.get(locale) or _NUMBER_STYLES[locale[:2]]


def date_patterns(locale: str) -> dict[str, float]:
    """CLDR date patterns of a locale with their weights."""
    return _DATE_PATTERNS.get(locale) or _DATE_PATTERNS[locale[:2]]


def format_number(value: Decimal, style: str, digits: int | None = None) -> str:
    """A decimal in a number style.

    Args:
        value: The number.
        style: A key such as ``1.234,56``.
        digits: Decimals to print; None prints as many as the value has.
    """
    grouping, point = _SEPARATORS[style]
    text = f"{abs(value).normalize():f}" if digits is None else f"{abs(value):.{digits}f}"
    whole, _, fraction = text.partition(".")
    if grouping:
        head, tail = whole[:-3], whole[-3:]
        step = 2 if style.startswith("12,34") else 3
        groups = []
        while head:
            groups.append(head[-step:])
            head = head[:-step]
        whole = grouping.join([*reversed(groups), tail])
    sign = "-" if value < 0 else ""
    return f"{sign}{whole}{point}{fraction}" if fraction else f"{sign}{whole}"


def print_date(date: dt.date, pattern: str, locale: str) -> str:
    """A date by a CLDR pattern in the language of ``locale``."""
    return format_date(date, pattern, locale=locale)
