"""How numbers, money and dates are printed; which forms a locale uses is in its file, and sampled by genome."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from babel.dates import format_date
from babel.localedata import exists

from invoicegen.synthesis.currencies import SYMBOLS
from invoicegen.synthesis.locales import Locale, NumberStyle

_SEPARATORS: Final[dict[NumberStyle, tuple[str, str]]] = {  # style: (grouping, decimal)
    "1,234.56": (",", "."),
    "1234.56": ("", "."),
    "12,34,567.89": (",", "."),
    "1.234,56": (".", ","),
    "1234,56": ("", ","),
    "1'234.56": ("'", "."),
    "1 234,56": ("\u00a0", ","),
}


def currency_symbols(currency: str, locale: Locale) -> Sequence[str]:
    """Signs and codes that may stand for a currency on a locale's paper; the ISO 4217 code for one not known."""
    if currency == locale.currency and locale.symbols:
        return locale.symbols
    return SYMBOLS.get(currency, (currency,))


def format_number(value: Decimal, style: NumberStyle, digits: int | None = None) -> str:
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
    """A date by a CLDR pattern in the words of ``locale``, or of its language where CLDR lacks the country."""
    return format_date(date, pattern, locale=locale if exists(locale) else locale.split("_")[0])
