"""Words of a page made straight: skew measured and taken out, words grouped to printed lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from invoicegen.schema.annotation import Word

MAX_SLOPE = float(np.tan(np.radians(15)))
"""Neighbours at a steeper angle are not on one line."""


@dataclass(frozen=True, slots=True)
class StraightWords:
    """Words in the frame of the unskewed page; pixels, origin top left of the page.

    Attributes:
        x0: Left edges, shape (n,).
        x1: Right edges, shape (n,).
        y: Vertical centres, shape (n,).
        height: Heights, shape (n,): of the text, without what skew adds to an upright box.
        slope: Tangent of the skew that was taken out; positive where lines fall to the right.
    """

    x0: NDArray[np.float64]
    x1: NDArray[np.float64]
    y: NDArray[np.float64]
    height: NDArray[np.float64]
    slope: float


def _neighbour_slopes(
    x: NDArray[np.float64], y: NDArray[np.float64], half: NDArray[np.float64], height: float, slope: float
) -> NDArray[np.float64]:
    """Slopes from each word to the next one to its right on the same line, given a first guess of the slope."""
    level = y - slope * x
    dx = x[None, :] - x[:, None]
    gap = dx - half[None, :] - half[:, None]
    same = (np.abs(level[None, :] - level[:, None]) < 0.6 * height) & (dx > 0) & (gap > -0.5 * height)
    gap = np.where(same, gap, np.inf)
    nearest = gap.argmin(axis=1)
    rows = np.flatnonzero(np.isfinite(gap[np.arange(len(x)), nearest]))
    to = nearest[rows]
    return np.asarray((y[to] - y[rows]) / (x[to] - x[rows]))


def measure_slope(words: Sequence[Word]) -> float:
    """Tangent of the page's skew: median slope of neighbouring words, then one least-squares fit over whole lines.

    The median over neighbours finds the angle whatever the layout; the pooled slope within lines, whose long
    base averages out the jitter of single boxes, makes it exact. Zero where no two words share a line.
    """
    if len(words) < 2:
        return 0.0
    boxes = np.array([word.box for word in words], dtype=np.float64)
    x, y = boxes[:, [0, 2]].mean(axis=1), boxes[:, [1, 3]].mean(axis=1)
    half = (boxes[:, 2] - boxes[:, 0]) / 2
    height = max(float(np.median(boxes[:, 3] - boxes[:, 1])), 1.0)
    slope = 0.0
    for _ in range(2):
        slopes = _neighbour_slopes(x, y, half, height, slope)
        slopes = slopes[np.abs(slopes) < MAX_SLOPE]
        if not len(slopes):
            return 0.0
        slope = float(np.median(slopes))
    for _ in range(2):
        lines = group_levels(y - slope * x, np.full(len(y), 0.35 * height))
        counts = np.bincount(lines)
        centred_x = x - (np.bincount(lines, x) / counts)[lines]
        centred_y = y - (np.bincount(lines, y) / counts)[lines]
        spread = float(centred_x @ centred_x)
        if spread == 0:
            return slope
        slope = float(centred_x @ centred_y) / spread
    return slope if abs(slope) < MAX_SLOPE else 0.0


def group_levels(levels: NDArray[np.float64], steps: NDArray[np.float64]) -> NDArray[np.int64]:
    """Line number of each vertical position, from the top.

    A new line begins where the gap to the position above is over the mean of the two ``steps``, pixels, shape
    (n,).
    """
    order = np.argsort(levels, kind="stable")
    breaks = np.diff(levels[order]) > (steps[order][1:] + steps[order][:-1]) / 2
    lines = np.empty(len(levels), dtype=np.int64)
    lines[order] = np.concatenate([[0], np.cumsum(breaks)]) if len(levels) else []
    return lines


def straighten(words: Sequence[Word]) -> StraightWords:
    """Turn the words about the page's origin until lines are level.

    An upright box around a word of width w and height h that is turned by an angle a is ``w cos a + h sin a``
    wide and ``w sin a + h cos a`` high; solved for w and h, and cut at 40 % of the box where the box was
    tighter than that.
    """
    if not words:
        empty = np.zeros(0)
        return StraightWords(empty, empty, empty, empty, 0.0)
    slope = measure_slope(words)
    boxes = np.array([word.box for word in words], dtype=np.float64)
    x, y = boxes[:, [0, 2]].mean(axis=1), boxes[:, [1, 3]].mean(axis=1)
    width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    angle = np.arctan(slope)
    sin, cos = abs(np.sin(angle)), np.cos(angle)
    determinant = cos**2 - sin**2
    true_width = np.maximum((width * cos - height * sin) / determinant, 0.4 * width)
    true_height = np.maximum((height * cos - width * sin) / determinant, 0.4 * height)
    true_height = np.maximum(
        true_height, max(0.5 * float(np.median(true_height)), 1.0)
    )  # a dash is as high as its line
    turned_x = x * np.cos(angle) + y * np.sin(angle)
    turned_y = y * np.cos(angle) - x * np.sin(angle)
    return StraightWords(turned_x - true_width / 2, turned_x + true_width / 2, turned_y, true_height, slope)
