"""Printed dates and periods to ISO 8601."""

from __future__ import annotations

import calendar
import datetime as dt
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import Final

from invoicegen.extraction.hints import DocumentHints
from invoicegen.extraction.lexicon import LANGUAGES, fold, one_apart

CENTURY_PIVOT: Final = 69
"""Two-digit years from here on are 19yy, below 20yy. Source: POSIX strptime, ``%y``."""

MISREAD_NAME: Final = 4
"""Letters of a month's name from which it is known though a part is missing or wrong, at least."""

_EXTRA_MONTHS: Final = {"sept": 9, "jly": 7, "märz": 3, "maerz": 3, "mrz": 3, "janv": 1, "fevr": 2, "juil": 7,
                        "agosto": 8, "set": 9, "czer": 6, "wrzes": 9, "pazdz": 10, "sijecanj": 1}  # fmt: skip
_DASH = str.maketrans(dict.fromkeys("−–—‐‑‒", "-"))
_TIME = re.compile(r"(?<!\d)\d{1,2}:\d{2}(:\d{2})?\s*([ap]\.?m\.?)?", re.IGNORECASE)
_OH = re.compile(r"(?<=[\d/.\-])[Oo](?=[\d/.\-]|$)|(?<![^\W\d_])[Oo](?=\d[/.\-])")
_IN_WORD = re.compile(r"(?<=[^\W\d_])(?!1(?:st|er)\b)[01](?=[^\W\d_])|(?<!\w)0(?=[a-z]{2})")
_L_OF_MONTH = re.compile(r"(?<![^\W\d_])(ju|jui|apri|avri|abri)1(?=\d{2}(?!\d)|[\W_]|$)", re.IGNORECASE)
_FORM = re.compile(r"\d{1,2}([./-])\d{1,2}\1(?:\d{2}){1,2}|\d{4}([./-])\d{1,2}\2\d{1,2}")
_EL = re.compile(r"(?<=[\d/.\-])[Il|](?=[\d/.\-]|$)|(?<![^\W\d_])[Il|](?=\d?[/.\-]\d)")

_YEAR = r"((?:19|20)\s?\d{2}|'?\s?\d{2})(?=\D|$|\d{1,2}:\d{2})(?!\s?:)"
_ORDINAL = r"(?:st|nd|rd|th|er|e|ª|º|°|\.|:a|:e)?"
_NUMERIC = re.compile(
    rf"(?<!\d)(\d{{1,2}})(\s?[-/.,]\s?|\s)(\d{{1,2}})(?:\2|(?<=\d)[-/.,](?=\d)|(?<=\d)[./]\s){_YEAR}(?![-/]\d{{2,4}}(?![\d./-]))"
)
_YEAR_FIRST = re.compile(
    r"(?<![\d/])(?<!\d[.-])((?:19|20)\d{2})(\s?[-/.]\s?|\s)(\d{1,2})(?:\2|(?<=\d)[-/.](?=\d))(\d{1,2})(?=\D|$|\d{2}:\d{2})"
)
_ONE_MARK = re.compile(r"(?<![\d./-])(\d{2})(?:[-/.,](\d{2})|(\d{2})[-/.,])((?:19|20)\d{2})(?![\d./-])")
_YEAR_FIRST_ONE_MARK = re.compile(
    r"(?<![\d./-])((?:19|20)\d{2})(?:[-/.,](\d{2})(\d{2})|(\d{2})[-/.,](\d{2}))(?![\d./-])"
)
"""Dates of which one mark was not read: ``30.032018``, ``3003.2018``, ``2019-0619``."""
_COMPACT = re.compile(r"(?<!\d)(\d{8})(?!\d)|(?<!\d)((?:19|20)\d{6})(?=\d{4}(?:\d{2})?(?!\d))")
_DAY_MONTH = re.compile(
    rf"(?<!\d)(\d{{1,2}}){_ORDINAL}[\s.,/'-]*(?:de\s|of\s|d'|del\s)?\s*([^\W\d_]+)(?!\.?\s+-\s)"
    rf"[\s.,/-]*(?:de\s|del\s|gada\s)?\s*{_YEAR}",
    re.IGNORECASE,
)
_MONTH_DAY = re.compile(
    rf"(?<![^\W\d_])([^\W\d_]+?)[\s.,/-]*(\d{{1,2}}){_ORDINAL}(?:\s*[,.'/-]\s*|\s+){_YEAR}(?!\s*[-/]\s*\d)",
    re.IGNORECASE,
)
_YEAR_MONTH_DAY = re.compile(
    r"(?<!\d)((?:19|20)\d{2})\.?[\s.,/-]*(?:gada\s)?(\d{1,2})?[\s.,/-]*([^\W\d_]+)[\s.,/-]*(\d{1,2})?(?!\d)",
    re.IGNORECASE,
)
_NAMED_MONTH = re.compile(
    r"(?<![^\W\d_])([^\W\d_]+)[\s.,/'-]*(?:de\s|del\s)?((?:19|20)\d{2})(?!\d)", re.IGNORECASE
)
_NUMBERED_MONTH = re.compile(r"(?<![\d./-])(\d{1,2})\s?[/.-]\s?((?:19|20)\d{2})(?![\d./-])")
_RANGE = r"\s*(?:-|to|bis|till|au|al|tot|t/m|a|ate|lidz|do|til|ja)\s*"
_DAY_BEFORE = re.compile(rf"(?<!\d)(\d{{1,2}})\.?{_RANGE}$", re.IGNORECASE)
_DAY_MONTH_BEFORE = re.compile(rf"(?<!\d)(\d{{1,2}})\s?[./]\s?(\d{{1,2}})\.?{_RANGE}$", re.IGNORECASE)
_DAY_NAME_BEFORE = re.compile(rf"(?<!\d)(\d{{1,2}}){_ORDINAL}\s*([^\W\d_]+)\.?{_RANGE}$", re.IGNORECASE)
_NAME_DAY_BEFORE = re.compile(rf"([^\W\d_]+)\.?\s*(\d{{1,2}}){_ORDINAL}{_RANGE}$", re.IGNORECASE)
_MONTH_DAYS = re.compile(
    rf"(?<![^\W\d_])([^\W\d_]+)\.?\s*(\d{{1,2}}){_ORDINAL}\s*-\s*(\d{{1,2}}){_ORDINAL},?\s+((?:19|20)\d{{2}})(?!\d)",
    re.IGNORECASE,
)


@cache
def month_names() -> dict[str, dict[str, int]]:
    """Folded month name or abbreviation to ``{language: month}``, from CLDR through babel."""
    from babel import Locale

    names: dict[str, dict[str, int]] = {}
    for language in LANGUAGES:
        locale = Locale.parse(language)
        for context in ("format", "stand-alone"):
            for width in ("wide", "abbreviated"):
                for month, name in locale.months[context][width].items():
                    key = fold(str(name)).strip(". ")
                    if len(key) >= 3:
                        names.setdefault(key, {})[language] = month
    for name, month in _EXTRA_MONTHS.items():
        names.setdefault(fold(name), {}).setdefault("", month)
    return names


def month_of(name: str, language: str | None) -> int | None:
    """The month that a printed name or abbreviation means; where languages differ, the document's decides. A name that
    was cut, or of which one letter was misread, is the month's that alone is printed so in the document's language, or
    in all.
    """
    key = fold(name).strip(". ")
    known = month_names().get(key)
    if known is None and len(key) >= MISREAD_NAME:
        for alike in (str.startswith, one_apart):
            near = [months for n, months in month_names().items() if len(n) >= MISREAD_NAME and alike(n, key)]
            own = {months[language] for months in near if language in months}
            months = own or {month for each in near for month in each.values()}
            if months:
                return months.pop() if len(months) == 1 else None
        return None
    if known is None:
        return None
    if language in known:
        return known[language]
    return Counter(known.values()).most_common(1)[0][0]


@dataclass(frozen=True, slots=True)
class FoundDate:
    """A date and where it stands in the cleaned text."""

    date: dt.date
    start: int
    end: int


def _year(text: str) -> int:
    digits = re.sub(r"\D", "", text)
    year = int(digits)
    if len(digits) == 2:
        return year + (1900 if year >= CENTURY_PIVOT else 2000)
    return year


def _date(year: int, month: int | None, day: int) -> dt.date | None:
    if month is None:
        return None
    try:
        return dt.date(year, month, day)
    except ValueError:
        return None


def _ordered(first: int, second: int, year: int, separator: str, hints: DocumentHints) -> dt.date | None:
    """Day and month of a numeric date; day first unless the document or the calendar says otherwise."""
    day_first = (
        "." in separator if hints.day_first is None and "." in separator else hints.day_first is not False
    )
    pairs = [(second, first), (first, second)] if day_first else [(first, second), (second, first)]
    for month, day in pairs:
        if (found := _date(year, month, day)) is not None:
            return found
    return None


def clean_date_text(text: str) -> str:
    """Unify dashes and spaces, undo letters read for digits; times stay."""
    text = re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text)).translate(_DASH).replace("’", "'").strip()
    text = _L_OF_MONTH.sub(r"\1l", text)
    text = _IN_WORD.sub(lambda match: "o" if match[0] == "0" else "l", text)
    return _EL.sub("1", _OH.sub("0", text))


def find_dates(text: str, hints: DocumentHints) -> list[FoundDate]:
    """All full dates of a text, in the order they are printed; ``text`` as :func:`clean_date_text` leaves it."""
    found: list[FoundDate] = []
    taken = [False] * (len(text) + 1)

    def add(date: dt.date | None, match: re.Match[str]) -> None:
        if date is not None and 1950 <= date.year <= 2099 and not any(taken[match.start() : match.end()]):
            found.append(FoundDate(date, match.start(), match.end()))
            taken[match.start() : match.end()] = [True] * (match.end() - match.start())

    language = hints.language
    for match in _YEAR_FIRST.finditer(text):
        add(_date(int(match[1]), int(match[3]), int(match[4])), match)
    for match in _NUMERIC.finditer(text):
        first, second, year = int(match[1]), int(match[3]), _year(match[4])
        if first > 31 and len(match[4]) == 2:  # 99/05/14: the year stands first
            add(_date(_year(match[1]), second, int(match[4])), match)
        else:
            add(_ordered(first, second, year, text[match.start() : match.end()], hints), match)
    for match in _ONE_MARK.finditer(text):
        second = int(match[2] or match[3])
        add(_ordered(int(match[1]), second, int(match[4]), text[match.start() : match.end()], hints), match)
    for match in _YEAR_FIRST_ONE_MARK.finditer(text):
        add(_date(int(match[1]), int(match[2] or match[4]), int(match[3] or match[5])), match)
    for match in _DAY_MONTH.finditer(text):
        add(_date(_year(match[3]), month_of(match[2], language), int(match[1])), match)
    for match in _MONTH_DAY.finditer(text):
        add(_date(_year(match[3]), month_of(match[1], language), int(match[2])), match)
    for match in _YEAR_MONTH_DAY.finditer(text):
        day = match[2] or match[4]
        if day is not None:
            add(_date(int(match[1]), month_of(match[3], language), int(day)), match)
    for match in _COMPACT.finditer(text):
        digits = match[1] or match[2]
        year_first = _date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
        if year_first is not None and 1950 <= year_first.year <= 2099:
            add(year_first, match)
        elif match[1]:
            add(_ordered(int(digits[:2]), int(digits[2:4]), int(digits[4:]), "", hints), match)
    return sorted(found, key=lambda item: item.start)


def parse_date(text: str, hints: DocumentHints) -> str | None:
    """The first full date of a text as ``YYYY-MM-DD``; None where there is none.

    Numeric day and month: the one order that the calendar allows; else the document's (``hints.day_first``);
    else day first. A date without a year is no date. In figures with two marks alike that the calendar does not have
    ("29.11.2815"), an 8 is a misread 0 if that alone makes them a date.
    """
    text = clean_date_text(text)
    if found := find_dates(text, hints):
        return found[0].date.isoformat()
    if not _FORM.fullmatch(text):
        return None
    eights = (i for i, c in enumerate(text) if c == "8")
    mended = {d.date for i in eights for d in find_dates(f"{text[:i]}0{text[i + 1 :]}", hints)}
    return mended.pop().isoformat() if len(mended) == 1 else None


def parse_period(text: str, hints: DocumentHints) -> str | None:
    """A date as ``YYYY-MM-DD``, or a period as ``first/last`` (ISO 8601 interval); None where there is neither.

    Reads two full dates, a first date whose year (or month and year) is printed with the last only
    ("01.-31.10.2026", "1 Oct - 31 Oct 2026", "Oct 1 - 31, 2026"), and a month alone ("October 2026",
    "10/2026").
    """
    text = clean_date_text(text)
    if (match := _MONTH_DAYS.search(text)) and (month := month_of(match[1], hints.language)):
        first, last = (_date(int(match[4]), month, int(match[group])) for group in (2, 3))
        if first and last and first <= last:
            return f"{first.isoformat()}/{last.isoformat()}"
    found = find_dates(text, hints)
    if len(found) >= 2 and found[0].date < found[-1].date:
        return f"{found[0].date.isoformat()}/{found[-1].date.isoformat()}"
    if found:
        last_date = found[0].date
        first_date = _first_of_range(text[: found[0].start], last_date, hints)
        if first_date is not None and first_date < last_date:
            return f"{first_date.isoformat()}/{last_date.isoformat()}"
        return last_date.isoformat()
    for match in _NAMED_MONTH.finditer(text):
        if month := month_of(match[1], hints.language):
            return _whole_month(int(match[2]), month)
    if (match := _NUMBERED_MONTH.search(text)) and 1 <= int(match[1]) <= 12:
        return _whole_month(int(match[2]), int(match[1]))
    return None


def _whole_month(year: int, month: int) -> str:
    return f"{year}-{month:02}-01/{year}-{month:02}-{calendar.monthrange(year, month)[1]:02}"


def _first_of_range(before: str, last: dt.date, hints: DocumentHints) -> dt.date | None:
    """The start of a range whose year stands with its end only."""
    if match := _DAY_MONTH_BEFORE.search(before):
        return _ordered(int(match[1]), int(match[2]), last.year, before, hints)
    if match := _DAY_NAME_BEFORE.search(before):
        return _date(last.year, month_of(match[2], hints.language), int(match[1]))
    if match := _NAME_DAY_BEFORE.search(before):
        return _date(last.year, month_of(match[1], hints.language), int(match[2]))
    if match := _DAY_BEFORE.search(before):
        return _date(last.year, last.month, int(match[1]))
    return None
