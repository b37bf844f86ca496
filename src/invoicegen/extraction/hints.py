"""What a whole document says about how its dates, amounts and currency signs are meant.

``03/04/2026``, ``1.234`` and ``$`` cannot be read alone. :func:`infer_hints` collects the evidence that the
rest of the document gives: dates that can be read one way only, amounts with two decimals, captions in a
language, tax and bank numbers with a country prefix, postal codes, telephone numbers and internet domains.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from invoicegen.extraction.lexicon import (
    COUNTRY_CURRENCY,
    COUNTRY_LANGUAGE,
    COUNTRY_WORDS,
    DOMAIN_COUNTRIES,
    LANGUAGE_WORDS,
    LANGUAGES,
    currency_of,
    fold,
)

DecimalMark = Literal[".", ","]

MONTH_FIRST_COUNTRIES: Final = frozenset({"US", "PH"})
"""Countries that print month/day/year. Source: CLDR short date patterns of en_US and en_PH (fil_PH)."""

COMMA_LANGUAGES: Final = frozenset(LANGUAGES) - {"en"}
"""Languages whose CLDR decimal mark is the comma (Swiss and Latin American forms are seen from the amounts)."""


@dataclass(frozen=True, slots=True)
class DocumentHints:
    """Evidence of one document; None where it gives none.

    Attributes:
        language: ISO 639-1 code of the captions.
        country: ISO 3166-1 alpha-2 code of the seller's country, as far as the print tells.
        currency: ISO 4217 code.
        decimal: The decimal mark.
        day_first: Whether numeric dates put the day before the month.
        decimals: Entity types whose figures have as many decimals each, and how many
            (:mod:`invoicegen.extraction.marks`).
        recognised: Whether an engine read words off a picture, so that letters may be misread.
    """

    language: str | None = None
    country: str | None = None
    currency: str | None = None
    decimal: DecimalMark | None = None
    day_first: bool | None = None
    decimals: tuple[tuple[str, int], ...] = ()
    recognised: bool = False


_NUMERIC_DATE = re.compile(r"(?<![\d.,/-])(\d{1,2})([./-])(\d{1,2})\2(\d{4}|\d{2})(?![\d.,/-]*\d)")
_POINT_AMOUNT = re.compile(r"(?<![\d.,])\d[\d,' ]*\.\d{2}(?![\d.,])")
_COMMA_AMOUNT = re.compile(r"(?<![\d.,])\d[\d.' ]*,\d{2}(?![\d.,])")
_PREFIXED_ID = re.compile(
    r"\b(AT|BE|BG|CY|CZ|DE|DK|EE|ES|FI|FR|GB|HR|HU|IE|IT|LT|LU|LV|MT|NL|NO|PL|PT|RO|SE|SI|SK)"
    r"U?\d[\dA-Z]{6,}"
)
_SWISS_ID = re.compile(r"\bCHE[- ]?\d{3}[. ]?\d{3}[. ]?\d{3}\b")
_GSTIN = re.compile(r"\b\d{2}[A-Z]{5}\d{4}[A-Z][A-Z\d]{3}\b")
_RFC = re.compile(r"\b[A-ZÑ&]{3,4}-?\d{6}-?[A-Z\d]{3}\b")
_US_PLACE = re.compile(
    r"\b(A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|PA|RI|S[CD]|T[NX]|UT|V[AT]|"
    r"W[AIVY])[., ]+\d{5}(-\d{4})?\b"
)
_US_PHONE = re.compile(r"(?<!\d)(\(\d{3}\)\s?|\d{3}[-.])\d{3}[-.]\d{4}(?!\d)")
_UK_POSTCODE = re.compile(r"\b[A-Z]{1,2}\d[A-Z\d]?\s\d[ABD-HJLNP-UW-Z]{2}\b")
_CANADIAN_POSTCODE = re.compile(r"\b[ABCEGHJ-NPRSTVXY]\d[A-Z] \d[A-Z]\d\b")
_NATIONAL: Final = (
    (_SWISS_ID, "CH", 3),
    (_GSTIN, "IN", 3),
    (_RFC, "MX", 3),
    (_US_PLACE, "US", 3),
    (_US_PHONE, "US", 1),
    (_UK_POSTCODE, "GB", 2),
    (_CANADIAN_POSTCODE, "CA", 3),
)
"""Forms of tax numbers, places and telephone numbers, the country that they are of, and how much that says."""
_DOMAIN = re.compile(r"[\w-]\.((?:co|com|net|org)\.)?([a-z]{2})\b(?![./]?\w*@)", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+")
_SIGN = re.compile(
    r"(?<![^\W\d_])(US\$|A\$|AU\$|C\$|CA\$|NZ\$|S\$|HK\$|R\$|\$|€|£|¥|₹|฿|zł|Kč|RM|Rs\.?|kr\.?|CHF|EUR|USD|GBP|SEK|DKK|"
    r"NOK|PLN|CZK|MYR|INR|AUD|CAD|NZD|SGD|JPY)(?![^\W\d_])"
)


def _winner(votes: Counter[str], at_least: int = 1) -> str | None:
    """The entry with most votes; None for a tie at the top or too few votes."""
    ranked = votes.most_common(2)
    if not ranked or ranked[0][1] < at_least or (len(ranked) == 2 and ranked[0][1] == ranked[1][1]):
        return None
    return ranked[0][0]


def _language(words: Iterable[str]) -> str | None:
    distinct = {fold(word) for word in words}
    votes = Counter({language: len(distinct & known) for language, known in LANGUAGE_WORDS.items()})
    return _winner(votes, at_least=2)


def _country(text: str, folded_words: set[str]) -> str | None:
    votes: Counter[str] = Counter()
    votes.update({match[1]: 2 for match in _PREFIXED_ID.finditer(text)})
    for form, country, weight in _NATIONAL:
        if form.search(text):
            votes[country] += weight
    for domain in {match[2].lower() for match in _DOMAIN.finditer(text)}:
        if domain in DOMAIN_COUNTRIES:
            votes[DOMAIN_COUNTRIES[domain]] += 1
    for word, country in COUNTRY_WORDS.items():
        if word in folded_words:
            votes[country] += 2
    return _winner(votes)


def infer_hints(words: Sequence[str]) -> DocumentHints:
    """The hints of a document from the texts of all its words, pages one after the other, in any order.

    Words of an amount or a date that were read apart ("1 234,56") still count as long as they follow each
    other.
    """
    text = " ".join(words)
    letters = _WORD.findall(text)
    language = _language(letters)
    country = _country(text, {fold(word) for word in letters})

    marks = Counter({".": len(_POINT_AMOUNT.findall(text)), ",": len(_COMMA_AMOUNT.findall(text))})
    mark = _winner(marks)
    decimal: DecimalMark | None = "." if mark == "." else "," if mark == "," else None
    if decimal is None and language is not None:
        decimal = "," if language in COMMA_LANGUAGES else "."

    local = DocumentHints(language=language, country=country)
    signs = Counter(
        code
        for match in _SIGN.finditer(text)
        if (code := currency_of(match[0], language, country)) is not None
    )
    currency = _winner(signs) or (COUNTRY_CURRENCY.get(country) if country else None)
    if local.country is None and currency is not None:
        country = {
            "MYR": "MY",
            "INR": "IN",
            "GBP": "GB",
            "SEK": "SE",
            "DKK": "DK",
            "NOK": "NO",
            "PLN": "PL",
            "CZK": "CZ",
            "CHF": "CH",
            "AUD": "AU",
            "CAD": "CA",
            "SGD": "SG",
            "NZD": "NZ",
        }.get(currency)
    if language is None and country is not None:
        language = COUNTRY_LANGUAGE.get(country)

    day_first = _day_first(text)
    if day_first is None:
        if (
            language is not None and language != "en"
        ):  # whatever the country: who writes French writes the day first
            day_first = True
        elif country is not None:
            day_first = country not in MONTH_FIRST_COUNTRIES
        elif currency == "USD":
            day_first = False
    return DocumentHints(language, country, currency, decimal, day_first)


def _day_first(text: str) -> bool | None:
    """What the dates that can be read one way only say; None without one, or where they disagree."""
    orders = Counter[str]()
    for first, _, second, _ in _NUMERIC_DATE.findall(text):
        a, b = int(first), int(second)
        if 12 < a <= 31 and 1 <= b <= 12:
            orders["day"] += 1
        elif 12 < b <= 31 and 1 <= a <= 12:
            orders["month"] += 1
    winner = _winner(orders)
    return None if winner is None else winner == "day"
