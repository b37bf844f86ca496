"""The signs and codes of currencies, and which currency a text speaks of."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

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
    "PLN": ("zł", "zł", "PLN"),
    "CZK": ("Kč", "Kč", "CZK"),
    "DKK": ("kr.", "kr", "DKK"),
    "NOK": ("kr", "kr", "NOK"),
    "MXN": ("$", "$", "MXN", "M.N."),
    "BRL": ("R$", "R$", "BRL"),
    "HUF": ("Ft", "HUF"),
    "RON": ("lei", "RON"),
    "TRY": ("₺", "TL", "TRY"),
    "NZD": ("$", "NZ$", "NZD"),
    "ZAR": ("R", "R", "ZAR"),
    "HKD": ("HK$", "$", "HKD"),
    "AED": ("AED", "Dhs."),
}
"""Signs and codes that stand for a currency on paper; repeated ones are likelier."""

_NAMES: Final = {"EUR": ("Euro", "EURO", "euro", "euros", "EUROS")}
_UNTOLD: Final = frozenset({"$", "R"})
"""Signs that say too little: of several currencies, or a letter like any other."""


@cache
def _signs() -> dict[str, frozenset[str]]:
    """Currencies by sign, code or name."""
    found: dict[str, set[str]] = {}
    for currency, signs in SYMBOLS.items():
        for sign in {*signs, *_NAMES.get(currency, ())} - _UNTOLD:
            found.setdefault(sign.rstrip("."), set()).add(currency)
    return {sign: frozenset(currencies) for sign, currencies in found.items()}


@cache
def _pattern() -> re.Pattern[str]:
    longest_first = sorted(_signs(), key=len, reverse=True)
    return re.compile(rf"(?<![^\W\d_])({'|'.join(map(re.escape, longest_first))})(?![^\W\d_])")


def names_currency(text: str) -> bool:
    """Whether a text names any currency."""
    return _pattern().search(text) is not None


def names_another(text: str, currency: str) -> bool:
    """Whether a text names a currency that is not ``currency`` (ISO 4217)."""
    return any(currency not in _signs()[found] for found in _pattern().findall(text))
