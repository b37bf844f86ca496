"""Words that a description wraps to its next line and that are labelled nothing: "Design (hours): Of a sample" with
"invoice" below.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from invoicegen.extraction.layout import StraightWords, cut_lines
from invoicegen.schema.prediction import PagePrediction

ALIGNED: Final = 0.5
"""Line heights by which lines of one column may begin beside each other."""
COLUMN_GAP: Final = 1.0
"""Line heights between words of different columns, at least."""
NEXT_LINE: Final = 1.8
"""Line heights between the centres of a line and its next, at most."""
WORD_SPACE: Final = 0.25
"""Line heights of the space between two words."""
NARROWEST: Final = 5.0
"""Line heights that a column is wide, at least: of codes of four letters, and of imprints up a
margin, none would have room for another."""
NEARER: Final = 0.9
"""Distance to the line above over distance to the next row: a heading between rows is as far from both."""
LETTERS: Final = 3
"""Letters of a word, at least."""


def wrapped_descriptions(prediction: PagePrediction, straight: StraightWords) -> PagePrediction:
    """The page with a lone word labelled nothing as part of the description that it stands below.

    It begins where the description does, has its line to itself from there on, holds no digit, is nearer to the line
    above than to the next row below, and would not have fitted into the line above: no line of the column is that long.

    Args:
        prediction: A labelled page.
        straight: Its words.
    """
    tags = list(prediction.ner_tags)
    lines = cut_lines(straight, COLUMN_GAP)
    described = [
        part for line in lines if (part := [i for i in line if tags[i].endswith("ITEM_DESCRIPTION")])
    ]
    for word in (line[0] for line in lines if described):
        is_word = tags[word] == "O" and _is_plain(prediction.words[word].text)
        if is_word and not _goes_on(word, straight) and _is_wrapped(word, described, straight):
            tags[word] = "I-ITEM_DESCRIPTION"
    return replace(prediction, ner_tags=tags)


def _is_plain(text: str) -> bool:
    """Whether a text is a word of letters, and no caption."""
    return (
        sum(map(str.isalpha, text)) >= LETTERS and not any(map(str.isdigit, text)) and not text.endswith(":")
    )


def _goes_on(word: int, straight: StraightWords) -> bool:
    """Whether anything stands to the right of a word on its line."""
    return bool(((straight.y == straight.y[word]) & (straight.x0 > straight.x0[word])).any())


def _is_wrapped(word: int, described: Sequence[Sequence[int]], straight: StraightWords) -> bool:
    x0, x1, y, height = straight.x0, straight.x1, straight.y, float(straight.height[word])
    column = [line for line in described if abs(x0[line[0]] - x0[word]) < ALIGNED * height]
    above = [line for line in column if ALIGNED * height < y[word] - y[line[0]] < NEXT_LINE * height]
    below = [float(y[line[0]] - y[word]) for line in column if y[line[0]] - y[word] > ALIGNED * height]
    if not above or not below:
        return False
    last = max(above, key=lambda line: float(y[line[0]]))
    edge = max(float(x1[line[-1]]) for line in column)
    end = float(x1[last[-1]] + WORD_SPACE * height + x1[word] - x0[word])
    near = float(y[word] - y[last[0]]) < NEARER * min(below)
    return near and end > edge and edge - float(x0[word]) >= NARROWEST * height
