"""Addresses made whole: lines that go on, words that a line lacks, the country or ZIP code below; the country's code
before a post code is no part of one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Final

from invoicegen.extraction.entities import EntitySpan, span_of
from invoicegen.extraction.layout import StraightWords, printed_lines
from invoicegen.extraction.lexicon import LANGUAGES, fold
from invoicegen.extraction.weighing import probabilities
from invoicegen.schema.prediction import PagePrediction

NEXT_LINE: Final = 2.5
"""Line heights between the centres of two lines of one address, at most."""
SAME_BLOCK: Final = 1.8
"""Line heights between the centres of two lines that nothing sets apart, at most."""
WORD_GAP: Final = 1.0
"""Line heights between words of one line of an address, at most."""
LACKING: Final = 4
"""Words that an address may lack, at most."""

_ADDRESSES: Final = ("SELLER_ADDRESS", "BUYER_ADDRESS")
_POST_CODE: Final = re.compile(r"\d{4,6}\b.*")
_CONTACT: Final = re.compile(r"[@:]|www\.")
_STATE: Final = re.compile(r",? [A-Z]{2}$")
_ZIP_CODE: Final = re.compile(r"\d{5}(-\d{4})?")


def whole_addresses(spans: Sequence[EntitySpan], page: PagePrediction) -> list[EntitySpan]:
    """The entities of a page, addresses with what belongs to them and without what does not."""
    if not any(span.type.endswith("_ADDRESS") for span in spans):
        return list(spans)
    straight, lines = printed_lines(page.words, WORD_GAP)
    _, columns = printed_lines(page.words)
    spans = of_one_party(spans, page, straight)
    result: list[EntitySpan] = []
    for span in spans:
        if span.type.endswith("_ADDRESS"):
            span = _with_whole_lines(span, page, lines)
            before = next((n for n, other in enumerate(result) if _goes_on(other, span, straight)), None)
            if before is not None:
                span = span_of(span.type, page, [*result.pop(before).words, *span.words])
            span = _without_country_code(_with_place(span, page, lines), page, straight)
            span = _with_last_line(span, page, straight, columns)
        result.append(span)
    return result


def of_one_party(
    spans: Sequence[EntitySpan], page: PagePrediction, straight: StraightWords
) -> list[EntitySpan]:
    """The entities, addresses of seller and buyer that are lines of one block as one, of the likelier party."""
    result: list[EntitySpan] = []
    for span in spans:
        other = next((n for n, above in enumerate(result) if _right_below(above, span, straight)), None)
        if other is None or page.ner_probabilities is None:
            result.append(span)
            continue
        words = [*result[other].words, *span.words]
        share = probabilities(span_of("O", page, words), page, _ADDRESSES)
        name = max(share, key=share.__getitem__)
        result[other] = replace(span_of(name, page, words), confidence=share[name])
    return result


def _right_below(first: EntitySpan, second: EntitySpan, straight: StraightWords) -> bool:
    """Whether one party's address begins where the other's ends, in the line right below and at the same margin."""
    if {first.type, second.type} != set(_ADDRESSES):
        return False
    last, start = first.words[-1], second.words[0]
    line = [i for i in first.words if straight.y[i] == straight.y[last]]
    height = float(straight.height[last])
    below = float(straight.y[start] - straight.y[last])
    margin = min(float(straight.x0[i]) for i in line)
    return abs(float(straight.x0[start]) - margin) < height and 0 < below < SAME_BLOCK * height


def _goes_on(first: EntitySpan, second: EntitySpan, straight: StraightWords) -> bool:
    """Whether an address ends with a comma and another begins right below."""
    if first.type != second.type or not first.text.endswith(","):
        return False
    last, start = first.words[-1], second.words[0]
    below = float(straight.y[start] - straight.y[last])
    beside = first.box[0] < second.box[2] and second.box[0] < first.box[2]
    return beside and 0 < below < NEXT_LINE * float(straight.height[last])


def _with_whole_lines(span: EntitySpan, page: PagePrediction, lines: Sequence[Sequence[int]]) -> EntitySpan:
    """An address with the words that stand between its words, on a line or behind one that goes on below, where these
    are labelled nothing or the other party's.
    """
    own = set(span.words)
    parts = [line for line in lines if own.intersection(line)]
    words: list[int] = []
    for n, line in enumerate(parts):
        places = [place for place, i in enumerate(line) if i in own]
        end = len(line) if n < len(parts) - 1 else places[-1] + 1
        words += line[places[0] : end]
    added = [i for i in words if i not in own]
    usable = all(
        (page.ner_tags[i] == "O" or page.ner_tags[i].endswith("_ADDRESS"))
        and not _CONTACT.search(page.words[i].text)
        for i in added
    )
    if not added or len(added) > LACKING or not usable:
        return span
    return replace(span_of(span.type, page, words), confidence=span.confidence)


@cache
def _country_codes() -> frozenset[str]:
    """ISO 3166-1 alpha-2."""
    from babel import Locale

    return frozenset(code for code in map(str, Locale("en").territories) if len(code) == 2 and code.isalpha())


@cache
def _country_names() -> frozenset[str]:
    """Folded letters of the names of countries in all languages, from the CLDR through babel."""
    from babel import Locale

    return frozenset(
        _letters(name)
        for language in LANGUAGES
        for code, name in Locale(language).territories.items()
        if str(code) in _country_codes()
    )


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, fold(text)))


def _with_last_line(
    span: EntitySpan, page: PagePrediction, straight: StraightWords, lines: Sequence[Sequence[int]]
) -> EntitySpan:
    """An address with the country, or the ZIP code behind a state, that is labelled nothing and has the line below to
    itself.
    """
    last = max(span.words, key=lambda i: (float(straight.y[i]), -float(straight.x0[i])))
    start = min(float(straight.x0[i]) for i in span.words if straight.y[i] == straight.y[last])
    height = float(straight.height[last])
    for line in lines:
        below = float(straight.y[line[0]] - straight.y[last])
        aligned = abs(float(straight.x0[line[0]]) - start) < height
        if 0 < below < NEXT_LINE * height and aligned:
            text = "".join(page.words[i].text for i in line)
            is_country = _letters(text) in _country_names()
            is_zip_code = _STATE.search(span.text) is not None and _ZIP_CODE.fullmatch(text) is not None
            free = all(page.ner_tags[i] == "O" or page.ner_tags[i].endswith("_ADDRESS") for i in line)
            if free and (is_country or is_zip_code):
                whole = span_of(span.type, page, [*span.words, *line])
                return replace(whole, confidence=span.confidence)
            return span
    return span


def _with_place(span: EntitySpan, page: PagePrediction, lines: Sequence[Sequence[int]]) -> EntitySpan:
    """An address that ends with a post code that begins its line, after a country's code or not, with the words behind
    it, which name the place.
    """
    last = span.words[-1]
    line = next(line for line in lines if last in line)
    place = line[line.index(last) + 1 :]
    is_code = _POST_CODE.fullmatch(page.words[last].text) is not None
    above = [page.words[i].text for i in span.words if i not in line]
    is_state = bool(above) and above[-1].endswith(",")  # "Los Angeles, CA 90054"
    is_start = line.index(last) == 0 or (page.words[line[0]].text in _country_codes() and not is_state)
    usable = all(page.ner_tags[i] == "O" and page.words[i].text.isalpha() for i in place)
    if not (is_code and is_start and usable and 0 < len(place) <= LACKING):
        return span
    return replace(span_of(span.type, page, [*span.words, *place]), confidence=span.confidence)


def _without_country_code(span: EntitySpan, page: PagePrediction, straight: StraightWords) -> EntitySpan:
    """An address without the country's code that stands as a word before post code and place at the beginning of a
    line; a line of code and number alone ("CA 90054") is of a state.

    The code is a value of its own (BT-40, BT-55); "D-80331", one word, is how a post code is written abroad.
    """
    kept = []
    for word in span.words:
        line = [i for i in span.words if straight.y[i] == straight.y[word]]
        line.sort(key=lambda i: float(straight.x0[i]))
        is_code = (
            len(line) > 2
            and line[0] == word
            and page.words[word].text in _country_codes()
            and _POST_CODE.fullmatch(page.words[line[1]].text) is not None
        )
        if not is_code:
            kept.append(word)
    if len(kept) == len(span.words):
        return span
    return replace(span_of(span.type, page, kept), confidence=span.confidence)
