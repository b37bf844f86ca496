"""What the characters of a word say of it at a glance, before any subword: an amount, a date, a code, a capital.

Subwords cut numbers into pieces that carry little ("1.234,56" is five); these features name the whole. Each word has
one value a column, and every value a row of one embedding table, so a word adds as many rows as there are columns.
Imports nothing slow: the use of an exported model needs them too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

WordFeatures = Literal["none", "shape", "arithmetic"]
"""``shape``: kind, number of digits, of decimals. ``arithmetic``: these, and how a word's amount stands to the others
of its page."""

COLUMNS: Final[dict[WordFeatures, int]] = {"none": 0, "shape": 3, "arithmetic": 5}
"""Values that each word has."""

_SIGNS = r"[$€£¥₺₴₽₹₩]|kr\.?|zł|kč|ft|fr\.|lei|лв\.?"
_CODES = "EUR|USD|GBP|CHF|SEK|NOK|DKK|PLN|CZK|HUF|RON|BGN|ISK|TRY|CAD|AUD|NZD|JPY|CNY|INR|MXN|BRL|ZAR|SGD|HKD|MYR|RM"
_CURRENCY = rf"(?:{_SIGNS}|{_CODES})"
_GROUPED = r"(?:\d{1,3}(?:[.,'’]\d{3})+|\d+)"
_DAY, _MONTH, _LONG_YEAR = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:0?[1-9]|1[0-2])", r"(?:19|20)\d{2}"
_YEAR = rf"(?:{_LONG_YEAR}|\d{{2}})"

_PATTERNS: Final[tuple[tuple[str, str], ...]] = (
    ("currency", _CURRENCY),
    ("punctuation", r"[\W_]*"),
    ("percentage", r"[-+]?\d+(?:[.,]\d+)?%"),
    (
        "date",
        rf"(?:{_DAY}([./-]){_MONTH}\1{_YEAR}|{_MONTH}([./-]){_DAY}\2{_YEAR}|{_LONG_YEAR}([./-]){_MONTH}\3{_DAY}"
        rf"|{_MONTH}[./-]{_LONG_YEAR})(?:T[\d:.Z+-]+)?",
    ),
    ("time", r"(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d)?(?:[ap]m)?"),
    ("amount", rf"[-+]?{_CURRENCY}?[-+]?{_GROUPED}[.,]\d{{2}}(?:{_CURRENCY}|-|[A-Z])?"),
    ("phone", r"(?=(?:\D*\d){6})(?:\+\d[\d/-]*|[\d(][\d/)-]*[)/-][\d/-]*\d)"),
    ("integer", r"[-#]?\d+"),
    ("decimal", rf"[-+]?{_CURRENCY}?[-+]?(?:{_GROUPED}|\d*[.,]\d+|\d+[.,]-+){_CURRENCY}?-?"),
    ("email", r"[^@\s]+@[^@\s]+\.[a-z]{2,}"),
    ("url", r"(?:https?://|www\.)\S+|[\w-]{3,}(?:\.[\w-]+)*\.(?:com|net|org|(?-i:[a-z]{2}))(?:/\S*)?"),
    ("iban", r"(?-i:[A-Z]{2}\d{2}[A-Z0-9]{11,30})"),
    ("tax_id", r"(?-i:[A-Z]{2,3}[-.]?\d{8,12}(?:[A-Z]\d{0,2}|MVA)?|\d{2}[A-Z]{5}\d{4}[A-Z]\dZ[A-Z0-9])"),
    ("code", r"(?=.*\d)(?=.*[^\W\d_]).+"),
    ("number", r".*\d.*"),
    ("letter", r"[^\W\d_][\W_]*"),
)
"""Kinds in the order in which they are tried. A whole word matches, in any case, less what stands around it."""
_AROUND: Final = "()[]{}<>\"'*„“”‚‘’,;: "

_CASES: Final = ("lower", "upper", "capitalised", "mixed")
KINDS: Final = (*(kind for kind, _ in _PATTERNS), *_CASES)
_COMPILED: Final = [re.compile(pattern, re.IGNORECASE) for _, pattern in _PATTERNS]

_DIGITS: Final = (0, 1, 2, 3, 4, 5, 6, 8, 10, 12)
"""Lower edges of the bins of the number of digits."""
_DECIMALS: Final = 4
"""Bins of the number of digits behind the last mark: none, 1, 2, 3 and more."""
_DECIMAL_TAIL = re.compile(r"\d[.,](\d+)\D*$")
_SIZES: Final = ("no amount", "largest", "second", "third", "smaller")
_ROLES: Final = ("none", "sum", "addend")

_FIRST_KIND: Final = 1
_FIRST_DIGITS: Final = _FIRST_KIND + len(KINDS)
_FIRST_DECIMALS: Final = _FIRST_DIGITS + len(_DIGITS)
_FIRST_SIZE: Final = _FIRST_DECIMALS + _DECIMALS
_FIRST_ROLE: Final = _FIRST_SIZE + len(_SIZES)
ROWS: Final[dict[WordFeatures, int]] = {
    "none": 0,
    "shape": _FIRST_SIZE,
    "arithmetic": _FIRST_ROLE + len(_ROLES),
}
"""Rows of the embedding table. Row 0 is that of tokens which are no words, and of padding."""


def kind_of(word: str) -> str:
    """The name of the kind of a word, one of :data:`KINDS`."""
    core = word.strip(_AROUND).rstrip(".") or word
    for (kind, _), pattern in zip(_PATTERNS, _COMPILED, strict=True):
        if pattern.fullmatch(core):
            return kind
    letters = "".join(filter(str.isalpha, word))
    if letters.islower():
        return "lower"
    if letters.isupper():
        return "upper"
    return "capitalised" if letters[:1].isupper() and letters[1:].islower() else "mixed"


@lru_cache(maxsize=200_000)
def _shape(word: str) -> tuple[int, int, int]:
    digits = sum(map(str.isdigit, word))
    size = sum(edge <= digits for edge in _DIGITS) - 1
    tail = _DECIMAL_TAIL.search(word)
    decimals = min(len(tail[1]), _DECIMALS - 1) if tail else 0
    return _FIRST_KIND + KINDS.index(kind_of(word)), _FIRST_DIGITS + size, _FIRST_DECIMALS + decimals


def word_features(words: Sequence[str], which: WordFeatures) -> NDArray[np.uint8]:
    """Rows of the embedding table that stand for each word of a page.

    Returns:
        Shape (n_words, ``COLUMNS[which]``), values from 1 to below ``ROWS[which]``.
    """
    features = np.zeros((len(words), COLUMNS[which]), dtype=np.uint8)
    if which == "none" or not words:
        return features
    features[:, :3] = [_shape(word) for word in words]
    if which == "arithmetic":
        features[:, 3:] = _arithmetic(words)
    return features


def _arithmetic(words: Sequence[str]) -> NDArray[np.uint8]:
    """How large each word's amount is among those of the page, and whether it makes, or is made by, a sum.

    A sum is one of the three largest amounts that two others add up to: above all, the total of net and tax.
    """
    amount = _FIRST_KIND + KINDS.index("amount")
    cents = [_cents(word) if _shape(word)[0] == amount else None for word in words]
    values = sorted({value for value in cents if value}, reverse=True)
    largest = values[: len(_SIZES) - 2]
    role = dict.fromkeys(values, 0)
    for total in largest:
        for part in values:
            if total > part >= total - part and total - part in role:
                role[total] = _ROLES.index("sum")
                for addend in (part, total - part):
                    role[addend] = role[addend] or _ROLES.index("addend")
    features = np.empty((len(words), 2), dtype=np.uint8)
    for i, value in enumerate(cents):
        size = 0
        if value is not None:
            size = 1 + largest.index(value) if value in largest else len(_SIZES) - 1
        features[i] = _FIRST_SIZE + size, _FIRST_ROLE + role.get(value or 0, 0)
    return features


def _cents(word: str) -> int:
    """An amount of two decimals in its smallest unit, without sign."""
    return int("".join(filter(str.isdecimal, word)))
