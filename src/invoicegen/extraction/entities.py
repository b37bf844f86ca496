"""BIO labels of a page's words to entities.

The words of an entity need not follow each other in the page's order: the lines of an address stand beside
another column. So a word labelled ``I-`` goes on with the nearest open entity of its type: on its line, or on
a line above.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from invoicegen.extraction.layout import StraightWords, straighten, upright_words
from invoicegen.geometry import Box, union
from invoicegen.schema.prediction import PagePrediction
from invoicegen.schema.taxonomy import RUNNING_TEXT

MAX_REACH: Final = 12.0
"""Line heights between a word labelled ``I-`` and the entity it goes on with; farther off it opens another."""

TEXT_LINES: Final = 2.5
"""Lines further down on which running text goes on at most: with one empty line between."""

WIDE_LINES: Final = 5.0
"""Lines further down on which it goes on where nothing stands between and both lines begin at the same place."""

COLUMN_GAP: Final = 3.0
"""Line heights between a column of running text and the next one, at least."""

SIDEWAYS: Final = 0.15
"""What a line height to the side counts for when a word is below: a paragraph wraps back to its left margin."""

ONE_LINE_KINDS: Final = frozenset({"money", "percent", "decimal"})
"""Kinds whose values never wrap: a figure on a new line is a new entity, whatever its label says."""

GROUP_GAP: Final = 1.0
"""Line heights between groups of digits that belong to one figure."""

_LEADING_GROUP: Final = re.compile(r"\D*\d{1,3}(\s\d{3})*")
_NEXT_GROUP: Final = re.compile(r"\d{3}([.,]\d{1,2}\D*)?")


@dataclass(frozen=True, slots=True)
class EntitySpan:
    """A printed value of one page.

    Attributes:
        type: Entity type of the model. page: Page number in the document, from 0. words: Indices into the
        page's words, in reading order of the entity. text: The words joined by spaces. confidence: Mean of
        the words' label probabilities, 0 to 1: an address of ten words with one doubtful one
            still outranks a stray word, which the minimum would turn round.
        box: Around all words, pixels of the page image.
    """

    type: str
    page: int
    words: tuple[int, ...]
    text: str
    confidence: float
    box: Box


@dataclass(slots=True)
class OpenSpan:
    """An entity that is being collected; extents in the unskewed frame."""

    words: list[int] = field(default_factory=list)
    x0: float = np.inf
    x1: float = -np.inf
    line_x1: float = -np.inf
    y: float = 0.0
    height: float = 1.0

    def add(self, word: int, straight: StraightWords, same_line: bool) -> None:
        """Take in a word; ``same_line`` where it stands on the line of the last one."""
        self.words.append(word)
        self.x0 = min(self.x0, float(straight.x0[word]))
        self.x1 = max(self.x1, float(straight.x1[word]))
        self.line_x1 = max(self.line_x1, float(straight.x1[word])) if same_line else float(straight.x1[word])
        self.y = float(straight.y[word])
        self.height = float(straight.height[word])

    def lines_above(self, word: int, straight: StraightWords) -> float:
        """How many lines the last word of this stands above another word."""
        return (float(straight.y[word]) - self.y) * 2 / (self.height + float(straight.height[word]))

    def in_another_block(self, word: int, straight: StraightWords, wraps: bool) -> bool:
        """Whether text that goes on from here would not do so at a word: too far down, or in a column to the right; or
        to the left, unless it ``wraps`` to a margin that is left of where it began.
        """
        if self.lines_above(word, straight) > TEXT_LINES and not self.nothing_between(word, straight):
            return True
        gap = COLUMN_GAP * self.height
        left = not wraps and self.x0 - float(straight.x1[word]) > gap
        return left or float(straight.x0[word]) - self.x1 > gap

    def nothing_between(self, word: int, straight: StraightWords) -> bool:
        """Whether a word begins the next line of the same column, however wide the lines are set apart."""
        if (
            abs(float(straight.x0[word]) - self.x0) > self.height
            or self.lines_above(word, straight) > WIDE_LINES
        ):
            return False
        between = (straight.y > self.y) & (straight.y < straight.y[word])
        beside = (straight.x0 < self.x1) & (straight.x1 > self.x0)
        return not bool(np.any(between & beside))

    def distance(self, word: int, straight: StraightWords) -> tuple[float, bool]:
        """Line heights from here to a word that follows, and whether it is on the line of the last word."""
        unit = (self.height + float(straight.height[word])) / 2
        below = self.lines_above(word, straight)
        if abs(below) < 0.5:
            return max(float(straight.x0[word]) - self.line_x1, 0.0) / unit, True
        aside = max(self.x0 - float(straight.x1[word]), float(straight.x0[word]) - self.x1, 0.0) / unit
        return below + SIDEWAYS * aside, False


def reading_order(words: Sequence[int], straight: StraightWords) -> list[int]:
    """The words by line, then from left to right."""
    chosen = np.asarray(words, dtype=np.int64)
    return [int(i) for i in chosen[np.lexsort((straight.x0[chosen], straight.y[chosen]))]]


def nearest(
    spans: Sequence[OpenSpan],
    word: int,
    straight: StraightWords,
    running_text: bool = False,
    wraps: bool = True,
) -> tuple[OpenSpan, float, bool] | None:
    """The open span that a word is nearest to, the distance in line heights, and whether they share a line.

    None where there is none within :data:`MAX_REACH`, or none whose block of ``running_text`` goes on at the word.
    """
    best: tuple[OpenSpan, float, bool] | None = None
    for span in spans:
        distance, same_line = span.distance(word, straight)
        near = distance <= MAX_REACH and not (running_text and span.in_another_block(word, straight, wraps))
        if near and (best is None or distance < best[1]):
            best = (span, distance, same_line)
    return best


def _goes_on(joined: tuple[OpenSpan, float, bool], word: int, prediction: PagePrediction) -> bool:
    """Whether a word labelled as a beginning is the next group of digits of a figure: ``285 580,80``."""
    span, distance, same_line = joined
    so_far = " ".join(prediction.words[i].text for i in span.words)
    return (
        same_line
        and distance < GROUP_GAP
        and _LEADING_GROUP.fullmatch(so_far) is not None
        and _NEXT_GROUP.fullmatch(prediction.words[word].text) is not None
    )


def whole_figure(
    page: PagePrediction, straight: StraightWords, word: int, usable: Callable[[int], bool]
) -> list[int]:
    """The words of the figure that a word ends, with the groups of thousands that a space sets apart from it.

    Args:
        page: Words.
        straight: The same, unskewed.
        word: Such as ``844,74`` behind ``284``.
        usable: Which words may be groups of it.

    Returns:
        Indices, left to right; the word alone where it is whole.
    """
    words = [word]
    while _NEXT_GROUP.fullmatch(page.words[words[0]].text):
        gaps = straight.x0[words[0]] - straight.x1
        reach = GROUP_GAP * straight.height[words[0]]
        beside = np.flatnonzero((straight.y == straight.y[words[0]]) & (gaps < reach) & (gaps > -0.5 * reach))
        left = [int(i) for i in beside if straight.x0[i] < straight.x0[words[0]] and usable(int(i))]
        if not left or not _LEADING_GROUP.fullmatch(page.words[left[-1]].text):
            break
        words.insert(0, left[-1])
    return words


def span_of(entity_type: str, prediction: PagePrediction, words: Sequence[int]) -> EntitySpan:
    """The entity that these words make, in this order."""
    return EntitySpan(
        type=entity_type,
        page=prediction.page,
        words=tuple(words),
        text=" ".join(prediction.words[i].text for i in words),
        confidence=float(np.mean([prediction.ner_confidences[i] for i in words])),
        box=union([prediction.words[i].box for i in words]),
    )


def find_entities(prediction: PagePrediction) -> list[EntitySpan]:
    """The header entities of a page, in reading order of their first words; line items are not among them.

    A word labelled ``B-`` opens an entity. A word labelled ``I-`` joins the nearest open one of its type, within
    :data:`MAX_REACH` and in running text in the same block; without one it opens an entity too. A
    figure on a new line always opens one, and an amount whose thousands are set apart by a space is one figure,
    however its groups are labelled.
    """
    by_type: dict[str, list[int]] = defaultdict(list)
    upright = upright_words(prediction.words)
    for i, tag in enumerate(prediction.ner_tags):
        if tag != "O" and not tag[2:].startswith("ITEM_") and not upright[i]:
            by_type[tag[2:]].append(i)
    if not by_type:
        return []
    straight = straighten(prediction.words)
    found: list[tuple[float, float, EntitySpan]] = []
    for entity_type, words in by_type.items():
        kind = prediction.labels.value_kinds[entity_type]
        one_line = kind in ONE_LINE_KINDS
        running_text = entity_type in RUNNING_TEXT
        wraps = not entity_type.endswith("_NAME")
        spans: list[OpenSpan] = []
        for word in reading_order(words, straight):
            joined = None
            if prediction.ner_tags[word].startswith("I-") or kind == "money":
                joined = nearest(spans, word, straight, running_text, wraps)
            if (
                joined
                and prediction.ner_tags[word].startswith("B-")
                and not _goes_on(joined, word, prediction)
            ):
                joined = None
            if joined and one_line and not joined[2] and re.search(r"\d", prediction.words[word].text):
                joined = None
            if joined is None:
                spans.append(OpenSpan())
                spans[-1].add(word, straight, same_line=False)
            else:
                joined[0].add(word, straight, same_line=joined[2])
        for span in spans:
            first = span.words[0]
            entity = span_of(entity_type, prediction, span.words)
            found.append((float(straight.y[first]), float(straight.x0[first]), entity))
    return [entity for _, _, entity in sorted(found, key=lambda item: item[:2])]
