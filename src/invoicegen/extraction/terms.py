"""Payment terms as they are printed: each in its column, from the beginning of its sentence."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from invoicegen.extraction.dates import clean_date_text, find_dates
from invoicegen.extraction.entities import EntitySpan, span_of
from invoicegen.extraction.hints import DocumentHints
from invoicegen.extraction.layout import StraightWords, printed_lines
from invoicegen.extraction.lexicon import currency_of
from invoicegen.schema.prediction import PagePrediction

GAP: Final = 1.5
"""Line heights between words of different columns, at least: sentences have narrower spaces."""
NEXT_LINE: Final = 2.0
"""Line heights between the centres of two lines of one sentence, at most."""
LEFT_OUT: Final = 4
"""Words left out at the beginning of a sentence, at most."""


def settle_terms(spans: Sequence[EntitySpan], page: PagePrediction, hints: DocumentHints) -> list[EntitySpan]:
    """The entities of a page, payment terms cut where another column begins, and with the words of their sentence that
    were left out before them or wrap behind a currency sign; what is nothing but dates is none where there are others,
    but the due date where none is labelled.

    Args:
        spans: Entities of the page.
        page: Its words and labels.
        hints: How the document writes dates.
    """
    if not any(span.type == "PAYMENT_TERMS" for span in spans):
        return list(spans)
    straight, lines = printed_lines(page.words, GAP)
    terms = []
    for span in spans:
        if span.type == "PAYMENT_TERMS":
            for words in _blocks(span, straight, lines):
                part = span_of(span.type, page, words)
                before, behind = _left_out(words[0], page, lines), _figure_below(words, page, straight, lines)
                whole = span_of(span.type, page, [*before, *words, *behind])
                terms.append(replace(whole, confidence=part.confidence))
    others = [span for span in spans if span.type != "PAYMENT_TERMS"]
    kept = [part for part in terms if not _is_date(part.text, hints)] or terms
    if not any(span.type == "DUE_DATE" for span in spans):
        others += [replace(part, type="DUE_DATE") for part in terms if part not in kept]
    return [*others, *kept]


def _blocks(span: EntitySpan, straight: StraightWords, lines: Sequence[Sequence[int]]) -> list[list[int]]:
    """The words of an entity by column, each from its top to its bottom."""
    own = set(span.words)
    blocks: list[list[_Part]] = []
    for line in lines:
        words = [i for i in line if i in own]
        if not words:
            continue
        part = _Part(words, float(straight.x0[line[0]]))
        above = next((block for block in blocks if _goes_on(block, part, straight)), None)
        if above is None:
            blocks.append([part])
        else:
            above.append(part)
    return [[i for part in block for i in part.words] for block in blocks]


@dataclass(frozen=True, slots=True)
class _Part:
    """Words of an entity on one line, and the left edge of the line, where a caption may stand; pixels."""

    words: list[int]
    margin: float


def _goes_on(block: Sequence[_Part], part: _Part, straight: StraightWords) -> bool:
    """Whether a line begins, ends or is centred where those above it do, or begins at their margin."""
    if straight.y[block[-1].words[0]] == straight.y[part.words[0]]:
        return False
    height = float(straight.height[part.words[0]])
    left, right = float(straight.x0[part.words[0]]), float(straight.x1[part.words[-1]])
    for line in block:
        start, end = float(straight.x0[line.words[0]]), float(straight.x1[line.words[-1]])
        begins = line.margin - height < left < start + height
        if begins or abs(right - end) < height or abs(left + right - start - end) < 2 * height:
            return True
    return False


def _left_out(first: int, page: PagePrediction, lines: Sequence[Sequence[int]]) -> list[int]:
    """The words between the beginning of a line, or a caption or sentence that ends on it, and a word."""
    words: list[int] = []
    if not page.words[first].text[:1].islower():
        return words
    line = next(line for line in lines if first in line)
    for word in reversed(line[: line.index(first)]):
        if page.words[word].text.endswith((":", ".", ";", "!", "?")):
            return words if len(words) <= LEFT_OUT else []
        if page.ner_tags[word] != "O":
            return []
        words.insert(0, word)
    return words if len(words) <= LEFT_OUT else []


def _figure_below(
    words: Sequence[int], page: PagePrediction, straight: StraightWords, lines: Sequence[Sequence[int]]
) -> list[int]:
    """The line right below that is nothing but a figure, and a currency, where the words end with a currency."""
    last = words[-1]
    if currency_of(page.words[last].text) is None:
        return []
    for line in lines:
        below = float(straight.y[line[0]] - straight.y[last]) / float(straight.height[last])
        aligned = abs(float(straight.x0[line[0]] - straight.x0[words[0]])) < float(straight.height[last])
        if 0 < below < NEXT_LINE and aligned:
            figure, *rest = (page.words[i].text for i in line)
            is_figure = re.fullmatch(r"\d[\d.,']*", figure) is not None
            return list(line) if is_figure and all(map(currency_of, rest)) else []
    return []


def _is_date(text: str, hints: DocumentHints) -> bool:
    """Whether a text is dates and nothing else."""
    cleaned = clean_date_text(text)
    dates = find_dates(cleaned, hints)
    for found in reversed(dates):
        cleaned = cleaned[: found.start] + cleaned[found.end :]
    return bool(dates) and not any(map(str.isalnum, cleaned))
