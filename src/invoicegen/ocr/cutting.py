"""Lines that an engine read, cut to words: one quad for each word, no wider than what is known of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from invoicegen.geometry import quad_to_box
from invoicegen.ocr.lines import quad_or_none
from invoicegen.schema.annotation import Word

Points = NDArray[np.float64]  # (4, 2): corners top-left, top-right, bottom-right, bottom-left, pixels


def words_of(texts: Sequence[str], quads: Sequence[Points], confidence: float) -> list[Word]:
    """Words of one line, each with the line's confidence."""
    return [
        Word(
            text=text,
            box=list(quad_to_box(quad.ravel().tolist())),
            quad=quad_or_none(quad.ravel().tolist()),
            source="ocr",
            confidence=confidence,
        )
        for text, quad in zip(texts, quads, strict=True)
    ]


def is_upright(line: Points) -> bool:
    """Whether a line's quad is higher than wide by half or more, so that its text runs down the page."""
    width, height = np.linalg.norm(line[1] - line[0]), np.linalg.norm(line[3] - line[0])
    return bool(height >= 1.5 * width)


def cut_at(line: Points, spans: Sequence[tuple[float, float]]) -> list[Points]:
    """Parts of a line's quad, shape (4, 2).

    Args:
        line: The quad; it may be tilted or in perspective.
        spans: Start and end of each part, shares of the line's length: from left to right, of an upright line
            from top to bottom.
    """
    upright = is_upright(line)
    corners = line[[0, 3, 2, 1]] if upright else line
    near, far = corners[1] - corners[0], corners[2] - corners[3]
    quads = []
    for start, end in spans:
        quad = np.array(
            [
                corners[0] + start * near,
                corners[0] + end * near,
                corners[3] + end * far,
                corners[3] + start * far,
            ]
        )
        quads.append(quad[[0, 3, 2, 1]] if upright else quad)
    return quads


def cut_line(words: Sequence[str], line: Points) -> list[Points]:
    """Cut a line's quad, shape (4, 2), into one for each word, in proportion to characters."""
    total = sum(map(len, words)) + len(words) - 1
    spans = []
    at = 0
    for word in words:
        spans.append((at / total, (at + len(word)) / total))
        at += len(word) + 1
    return cut_at(line, spans)


def cut_between(words: Sequence[str], centres: Sequence[float], line: Points) -> list[Points]:
    """Cut a line's quad into one for each word, where the places of its characters are known.

    A word begins half a mean character before the centre of its first character and ends as much after that of
    its last, but neither over the middle of the gap to its neighbour nor over the end of the line.

    Args:
        words: The line's text, split at spaces.
        centres: Where each character of the words has its middle (spaces left out), shares of the line's
            length, rising.
        line: The line's quad, shape (4, 2).

    Raises:
        ValueError: If there are not as many places as characters.
    """
    if len(centres) != sum(map(len, words)):
        raise ValueError(f"{len(centres)} places for the characters of {list(words)}")
    firsts, lasts = [], []
    at = 0
    for word in words:
        firsts.append(centres[at])
        lasts.append(centres[at + len(word) - 1])
        at += len(word)
    steps = sum(len(word) - 1 for word in words)
    inside = sum(last - first for first, last in zip(firsts, lasts, strict=True))
    half = inside / steps / 2 if steps else 0.5 / (len(centres) + len(words) - 1)
    middles = [0.0, *((last + first) / 2 for last, first in zip(lasts, firsts[1:], strict=False)), 1.0]
    spans = [
        (max(first - half, middles[index]), min(last + half, middles[index + 1]))
        for index, (first, last) in enumerate(zip(firsts, lasts, strict=True))
    ]
    return cut_at(line, spans)


def merge_at_spaces(words: Sequence[str], boxes: Sequence[tuple[str, Points]]) -> list[Points]:
    """One quad for each of the line's words.

    Args:
        words: The line's text, split at spaces.
        boxes: The engine's pieces of that line in order: text, and quad of shape (4, 2). It may cut words,
            at wide letter spacing or around CJK characters; it never joins across a space.

    Raises:
        ValueError: If the pieces do not spell the words.
    """
    quads = []
    remaining = list(boxes)
    for word in words:
        taken: list[Points] = []
        spelt = ""
        while spelt != word:
            if not remaining or not word.startswith(spelt):
                raise ValueError(f"pieces {[text for text, _ in boxes]} do not spell {list(words)}")
            text, points = remaining.pop(0)
            spelt += text
            taken.append(points)
        quads.append(_join(taken))
    return quads


def _join(quads: Sequence[Points]) -> Points:
    first, last = quads[0], quads[-1]
    upright = abs(last[:, 1].mean() - first[:, 1].mean()) > abs(last[:, 0].mean() - first[:, 0].mean())
    if len(quads) == 1:
        return first
    if not upright:
        return np.array([first[0], last[1], last[2], first[3]])
    top, bottom = (first, last) if first[:, 1].mean() < last[:, 1].mean() else (last, first)
    return np.array([top[0], top[1], bottom[2], bottom[3]])
