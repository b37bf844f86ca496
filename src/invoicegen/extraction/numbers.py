"""Printed numbers to decimals, in any style of grouping and decimal mark."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from typing import Final, Literal

from invoicegen.extraction.hints import DecimalMark, DocumentHints

NumberKind = Literal["money", "price", "quantity", "percent"]
"""``price`` and ``quantity`` may well have three decimals; ``money`` hardly ever."""

THREE_DIGIT_CURRENCIES: Final = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})
"""Currencies with three minor digits. Source: ISO 4217 list one."""

_SPACES = re.compile(r"[\u00a0\u2000-\u200a\u202f\u205f\u3000\t\n]+")
_APOSTROPHES = str.maketrans({"’": "'", "‘": "'", "`": "'", "´": "'", "ʼ": "'", "′": "'"})
_MINUS = str.maketrans(dict.fromkeys("−–—‐‑‒﹣", "-"))
# Letters that engines read for digits; only where digits or marks stand on both sides, or at a number's
# start.
_AFTER_LETTER = re.compile(r"(?<=[^\W\d_])[.,:](?=\d)")  # Rs.500
_ZERO = re.compile(r"(?<=[\d.,])[OoQ](?=[\d.,]|\b)|(?<![^\W\d_])[OoQ](?=[.,]\d)|(?<![^\W\d_])[OoQ](?=\d)")
_ONE = re.compile(r"(?<=[\d.,])[Il|](?=[\d.,]|\b)|(?<![^\W_])[Iil|](?=[\d]*[.,]\d)")
_FIVE = re.compile(r"(?<=[\d.,])[S](?=[\d.,])")
_EIGHT = re.compile(r"(?<=[\d.,])[B](?=[\d.,])")
# 12€50, 12h50 is not one: only signs.
_SIGN_AS_MARK = re.compile(r"(?<![\d.,])(\d{1,5})\s?[€$£]\s?(\d{2})(?![\d.,])")
_TWO_MARKS = re.compile(r"(?<=\d)[.,]\s?(?=[.,]\d{2}(?!\d))")
_GAP_AT_MARK = re.compile(r"(?<=\d)\s+(?=[.,]\s?\d{1,3}\b)|(?<=\d[.,])\s+(?=\d{2}(?!\d))")
_NUMBER = re.compile(
    r"(?<![\d.,'])"
    r"(\d{1,3}(?:[ ']\d{3})+(?![\d'])(?:[.,]\d+)?"  # 1 234 567,89 and 1'234.56
    r"|\d+(?:[.,']\d+)*"  # any run of digits and marks
    r"|[.,]\d+)"  # .50
    r"([.,]\s?-{1,2}|[.,](?!\d))?"  # 12,- and a stray mark at the end
)
_GROUP_AND_CENTS: Final = 5
_PERCENT_NUMBER = re.compile(r"\d+(?:[.,]\d+)?\s?%")


def clean_number_text(text: str) -> str:
    """Unify spaces, apostrophes and minus signs, close gaps at a decimal mark, and undo letters read for digits."""
    text = (
        _SPACES.sub(" ", unicodedata.normalize("NFKC", text))
        .translate(_APOSTROPHES)
        .translate(_MINUS)
        .strip()
    )
    text = _ONE.sub("1", text)
    text = _AFTER_LETTER.sub(" ", text)
    text = _ZERO.sub("0", text)
    text = _FIVE.sub("5", text)
    text = _EIGHT.sub("8", text)
    text = _SIGN_AS_MARK.sub(r"\1,\2", text)
    return _GAP_AT_MARK.sub("", _TWO_MARKS.sub("", text))


def split_marks(digits: str, hints: DocumentHints, kind: NumberKind) -> Decimal:
    """The value of a run of digits with grouping and decimal marks, printed precision kept.

    The last mark is the decimal one where two kinds occur, or where one or two digits follow it. A single
    mark before exactly three digits is grouping or decimal by the document's decimal mark; without that
    evidence it is grouping, except for a point in a quantity, price or rate. Five digits behind the last mark of an
    amount of money are a group of three and two decimals, whose mark was not read (``1,09427``).
    """
    digits = digits.replace(" ", "").replace("'", "")
    marks = [c for c in digits if c in ".,"]
    if not marks:
        return Decimal(digits)
    last = marks[-1]
    head, _, tail = digits.rpartition(last)
    if kind == "money" and len(tail) == _GROUP_AND_CENTS and len(re.split(r"[.,]", head)[-1]) <= 3:
        return Decimal(f"{re.sub(r'[.,]', '', head)}{tail[:3]}.{tail[3:]}")
    if len(set(marks)) == 2:
        is_decimal = marks.count(last) == 1 or len(tail) <= 2
    elif len(marks) > 1:
        is_decimal = len(tail) != 3
    elif len(tail) != 3 or head in {"", "0"} or len(head) > 3:
        is_decimal = True
    else:
        is_decimal = _three_digits_are_decimals(last, hints, kind)
    whole = re.sub(r"[.,]", "", head if is_decimal else digits) or "0"
    return Decimal(f"{whole}.{tail}") if is_decimal else Decimal(whole)


def _three_digits_are_decimals(mark: str, hints: DocumentHints, kind: NumberKind) -> bool:
    if kind == "money" and hints.currency not in THREE_DIGIT_CURRENCIES:
        return False
    known: DecimalMark | None = hints.decimal
    return mark == "." if known is None else mark == known


def parse_number(text: str, hints: DocumentHints, kind: NumberKind) -> Decimal | None:
    """The number that a printed text states, with its sign; None where there is none.

    A minus may stand before or behind the number or the currency sign, or parentheses may say it. Where
    several numbers are printed, one with decimals is taken before one without, and the first of those.
    """
    text = clean_number_text(text)
    if kind != "percent":
        remainder = _PERCENT_NUMBER.sub(" ", text)
        text = remainder if re.search(r"\d", remainder) else text
    lone = re.fullmatch(r"\D*?(\d{1,4}) (\d{2})\D*", text)
    if lone and kind == "money":  # cents printed apart, or the mark not read
        text = text.replace(f"{lone[1]} {lone[2]}", f"{lone[1]}.{lone[2]}")
    best: tuple[bool, Decimal] | None = None
    for match in _NUMBER.finditer(text):
        value = split_marks(match[1], hints, kind)
        if value and _is_negative(text, match):
            value = -value
        has_decimals = value.as_tuple().exponent != 0
        if best is None or (has_decimals and not best[0]):
            best = (has_decimals, value)
    return None if best is None else best[1]


def _is_negative(text: str, match: re.Match[str]) -> bool:
    before, after = text[: match.start()], text[match.end() :]
    if re.search(r"-\s?[^\w\s-]{0,2}[A-Za-z]{0,3}[$€£]?\s?$", before) and not re.search(
        r"\w\s?-\s?$", before
    ):
        return True
    if re.search(r"\(\s?[^\d()]{0,4}$", before) and re.match(r"[^\d()]{0,4}\)", after):
        return True
    return bool(re.match(r"\s?-(?!\s?\d)(?!\w)", after) or re.match(r"\s?CR\b", after))
