"""Words of a page made straight: skew and perspective taken out, words on the level of their printed lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from invoicegen.labeling import frames_of, lines_of
from invoicegen.schema.annotation import Word

UPRIGHT: Final = 1.5
"""Height over width from which a word of three characters or more stands upright."""

_THIN: Final = frozenset("fijlrtI1|!.,:;'()[]")
"""Characters of half the width of others: level words of three of them ("jij") are higher than wide."""


@dataclass(frozen=True, slots=True)
class StraightWords:
    """Words in the frame of the unskewed page; pixels, origin top left of the page.

    Attributes:
        x0: Left edges, shape (n,).
        x1: Right edges, shape (n,).
        y: Vertical centres of their printed lines, shape (n,): equal for all words of a line.
        height: Heights, shape (n,): of the text, without what skew adds to an upright box.
    """

    x0: NDArray[np.float64]
    x1: NDArray[np.float64]
    y: NDArray[np.float64]
    height: NDArray[np.float64]


def straighten(words: Sequence[Word]) -> StraightWords:
    """The words level with their printed lines (:func:`invoicegen.labeling.group_lines`)."""
    if not words:
        empty = np.zeros(0)
        return StraightWords(empty, empty, empty, empty)
    frames = frames_of(words)
    x, y, length, height = frames.T
    for line in lines_of(frames):
        y[line] = y[line].mean()
    height = np.maximum(height, max(0.5 * float(np.median(height)), 1.0))  # a dash is as high as its line
    return StraightWords(x - length / 2, x + length / 2, y, height)


def printed_lines(words: Sequence[Word], gap: float = 3.0) -> tuple[StraightWords, list[list[int]]]:
    """The words by printed line, top to bottom and left to right, cut where a column may end.

    Args:
        words: Of one page.
        gap: Line heights between words of different columns, at least.

    Returns:
        The words made straight, and indices of the words of each line.
    """
    straight = straighten(words)
    return straight, cut_lines(straight, gap)


def cut_lines(straight: StraightWords, gap: float) -> list[list[int]]:
    """The lines of :func:`printed_lines`, of words that are straight already."""
    lines: list[list[int]] = []
    for i in np.lexsort((straight.x0, straight.y)):
        last = lines[-1][-1] if lines else None
        apart = last is None or straight.x0[i] - straight.x1[last] >= gap * straight.height[i]
        if apart or straight.y[i] != straight.y[last]:
            lines.append([])
        lines[-1].append(int(i))
    return lines


def upright_words(words: Sequence[Word]) -> NDArray[np.bool_]:
    """Which words stand upright on a page of level text: imprints along a margin, which belong to no line.

    A page most of whose longer words stand upright is itself turned, and has none.

    Returns:
        Shape (n,).
    """
    boxes = np.array([word.box for word in words], dtype=np.float64).reshape(-1, 4)
    widths = [sum(0.5 if char in _THIN else 1.0 for char in word.text) for word in words]
    long = np.array([width >= 3 for width in widths], dtype=np.bool_)
    upright = long & (boxes[:, 3] - boxes[:, 1] > UPRIGHT * (boxes[:, 2] - boxes[:, 0]))
    return upright if 2 * upright.sum() < long.sum() else np.zeros_like(upright)
