"""Reading order from geometry alone: printed lines from top to bottom, words from left to right.

Nothing here looks at labels or at who read the words, so the order is the same in training and in use. Lines are
found after deskewing: a word's neighbours on its line tell how the page leans there, and a plane through these
slopes (they change over a page seen in perspective) takes the lean out.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from invoicegen.labeling.words import cut_words
from invoicegen.schema.annotation import Word

SEGMENT_GAP = 0.9
"""Widest gap within a segment, in heights of its words: a space is about 0.25, table columns are farther apart."""
SMALL_WORD = 0.5
"""Words lower than this share of the page's median height (dashes, full stops) join lines, they open none."""
_OPEN_LINES = 3
"""Lines, from the last one up, that a word further down the page may still belong to."""


def sort_words(words: Sequence[Word]) -> list[Word]:
    """The words in reading order, glued ones cut, with ``line_id`` and ``segment_id`` set from their geometry.

    A segment is a run of words on one line without a wide gap: what an OCR engine returns as one text line, or one
    cell of a table row. Both numbers count from 0 in reading order. Whatever line and segment numbers the words
    came with are replaced, so that all engines and the PDF text layer agree.
    """
    words = cut_words(words)
    return [
        words[i].model_copy(update={"line_id": line, "segment_id": segment})
        for i, line, segment in reading_order(words)
    ]


def reading_order(words: Sequence[Word]) -> list[tuple[int, int, int]]:
    """``(index in words, line, segment)`` of every word, in reading order."""
    if not words:
        return []
    frames = frames_of(words)
    places = frames.tolist()
    ordered: list[tuple[int, int, int]] = []
    segment = -1
    for line_number, line in enumerate(lines_of(frames)):
        reach = -np.inf
        for i in line:
            x, _, length, height = places[i]
            if x - length / 2 - reach > SEGMENT_GAP * height:
                segment += 1
            reach = max(x + length / 2, reach)
            ordered.append((i, line_number, segment))
    return ordered


def group_lines(words: Sequence[Word]) -> list[list[int]]:
    """Printed lines: indices of ``words``, lines from top to bottom, words of a line from left to right.

    Boxes may lean or converge (a page scanned askew, or photographed); quads are used where words have them.
    Columns that stand side by side at the same height share lines.
    """
    return lines_of(frames_of(words)) if words else []


def frames_of(words: Sequence[Word]) -> NDArray[np.float64]:
    """Middle and size of words along the direction of their text, page leaning taken out.

    Returns:
        Shape (n, 4): x and y of the middle, pixels, deskewed (rows of one printed line have about the same y);
        length along the line and height across it, pixels.
    """
    boxes = np.array([word.box for word in words], dtype=np.float64).reshape(-1, 4)
    frames = np.column_stack(
        [
            (boxes[:, 0] + boxes[:, 2]) / 2,
            (boxes[:, 1] + boxes[:, 3]) / 2,
            boxes[:, 2] - boxes[:, 0],
            boxes[:, 3] - boxes[:, 1],
        ]
    )
    tilted = [i for i, word in enumerate(words) if word.quad is not None]
    if tilted:
        corners = np.array([words[i].quad for i in tilted], dtype=np.float64).reshape(-1, 4, 2)
        frames[tilted, :2] = corners.mean(axis=1)
        top, right = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 1]
        bottom, left = corners[:, 2] - corners[:, 3], corners[:, 3] - corners[:, 0]
        frames[tilted, 2] = (np.hypot(*top.T) + np.hypot(*bottom.T)) / 2
        frames[tilted, 3] = (np.hypot(*left.T) + np.hypot(*right.T)) / 2
    slope_at = _slopes(frames)
    straight = np.ones(len(words), dtype=bool)
    straight[tilted] = False
    slopes = slope_at[0] + slope_at[1] * frames[:, 0] + slope_at[2] * frames[:, 1]
    frames[straight, 2:] = _without_lean(frames[straight, 2:], slopes[straight])
    # y at the page's middle column: lines are followed there along the local slope.
    middle = (boxes[:, 0].min() + boxes[:, 2].max()) / 2
    y = frames[:, 1].copy()
    for _ in range(2):
        y = frames[:, 1] - (frames[:, 0] - middle) * (
            slope_at[0] + slope_at[1] * (frames[:, 0] + middle) / 2 + slope_at[2] * (frames[:, 1] + y) / 2
        )
    frames[:, 1] = y
    return frames


def _slopes(frames: NDArray[np.float64]) -> NDArray[np.float64]:
    """How text leans over the page: ``dy/dx = a + b x + c y``, shape (3,), fitted robustly.

    Every word is joined to its nearest neighbour on the right that overlaps its height; the slopes of these joins
    are noisy (words differ in ascenders), so the plane is fitted to those near the median, weighted by distance.
    """
    flat = np.zeros(3)
    if len(frames) < 4:
        return flat
    x, y, length, height = frames.T
    # Neighbours: to the right, of like height, and no farther up or down than 7 degrees would bring them.
    reach = 0.9 * height.max() + 0.03 * float(np.ptp(x))
    start, end = np.nonzero((np.abs(y[None, :] - y[:, None]) < reach) & (x[None, :] > x[:, None]))
    dx, dy = x[end] - x[start], y[end] - y[start]
    gap = dx - (length[start] + length[end]) / 2
    lower, higher = np.minimum(height[start], height[end]), np.maximum(height[start], height[end])
    near = (gap > -0.5 * lower) & (gap < 8 * higher) & (higher < 1.8 * lower)
    near &= np.abs(dy) < np.minimum(0.12 * dx + 0.15 * lower, 0.9 * lower + 0.03 * dx)
    start, end, dx, dy = start[near], end[near], dx[near], dy[near]
    nearest = np.lexsort((np.maximum(gap[near], 0) + 2 * np.abs(dy), start))
    nearest = nearest[np.diff(start[nearest], prepend=-1) > 0]
    if len(nearest) < 4:
        return flat
    start, end, run, slope = start[nearest], end[nearest], dx[nearest], dy[nearest] / dx[nearest]
    median = _weighted_median(slope, run)
    # Of few joins a long one that is none can outweigh all others: a level page that explains more of them is level.
    jitter = 0.25 * np.minimum(height[start], height[end])
    if np.sum(np.abs(slope) * run <= jitter) > np.sum(np.abs(slope - median) * run <= jitter):
        return flat
    spread = max(3 * _weighted_median(np.abs(slope - median), run), 0.005)
    kept = np.abs(slope - median) <= spread
    flat[0] = median
    if kept.sum() < 12:
        return flat
    middle_x, middle_y = (x[start] + x[end]) / 2, (y[start] + y[end]) / 2
    centre_x, centre_y = middle_x[kept].mean(), middle_y[kept].mean()
    scale = max(float(np.ptp(middle_y[kept])), float(np.ptp(middle_x[kept])), 1.0)
    design = np.column_stack(
        [np.ones(kept.sum()), (middle_x[kept] - centre_x) / scale, (middle_y[kept] - centre_y) / scale]
    )
    weight = run[kept]
    # Ridge on the two gradients: a page seen straight on keeps one slope.
    normal = design.T @ (design * weight[:, None]) + np.diag([0, 0.003, 0.003]) * weight.sum()
    a, b, c = np.linalg.solve(normal, design.T @ (weight * slope[kept]))
    return np.array([a - (b * centre_x + c * centre_y) / scale, b / scale, c / scale])


def _weighted_median(values: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    order = np.argsort(values, kind="stable")
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, total[-1] / 2)])


def _without_lean(sizes: NDArray[np.float64], slopes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sides of the leaning rectangle within an axis-parallel box of ``sizes`` (width, height).

    A rectangle of l x h turned by t fills a box of l cos t + h sin t by l sin t + h cos t; solved for l and h.
    """
    angle = np.arctan(np.abs(slopes))
    cos, sin = np.cos(angle), np.sin(angle)
    width, height = sizes.T
    length = (width * cos - height * sin) / np.cos(2 * angle)
    across = (height * cos - width * sin) / np.cos(2 * angle)
    # Boxes that were cut tight round the glyphs lean less than their line: keep at least 60 % of the height.
    return np.column_stack([np.maximum(length, 0.6 * width), np.maximum(across, 0.6 * height)])


def lines_of(frames: NDArray[np.float64]) -> list[list[int]]:
    """Printed lines of words whose :func:`frames_of` these are, as :func:`group_lines` gives them."""
    left = (frames[:, 0] - frames[:, 2] / 2).tolist()
    right = (frames[:, 0] + frames[:, 2] / 2).tolist()
    middles, heights = frames[:, 1].tolist(), frames[:, 3].tolist()
    smallest = SMALL_WORD * float(np.median(frames[:, 3]))
    order = np.argsort(frames[:, 1], kind="stable").tolist()
    lines: list[list[int]] = []
    bands: list[tuple[float, float]] = []  # mean middle and height of each line
    for i in order:
        if heights[i] < smallest:
            continue
        # The nearest of the last lines that has room for the word: two words one above the other share none.
        fitting = [
            (abs(middles[i] - middle), k)
            for k, (middle, height) in enumerate(bands[-_OPEN_LINES:], max(len(bands) - _OPEN_LINES, 0))
            if abs(middles[i] - middle) <= 0.5 * min(heights[i], height)
            and not any(_one_above_other(left[i], right[i], left[j], right[j]) for j in lines[k])
        ]
        if fitting:
            _, k = min(fitting)
            lines[k].append(i)
            n = len(lines[k])
            middle, height = bands[k]
            bands[k] = (middle + (middles[i] - middle) / n, height + (heights[i] - height) / n)
        else:
            lines.append([i])
            bands.append((middles[i], heights[i]))
    for i in order:
        if heights[i] >= smallest:
            continue
        # The line whose band holds the small word, nearest first; else a line of its own.
        distance, best = min(
            ((abs(middles[i] - middle) / max(height, 1.0), k) for k, (middle, height) in enumerate(bands)),
            default=(np.inf, -1),
        )
        if distance <= 0.6:
            lines[best].append(i)
        else:
            lines.append([i])
            bands.append((middles[i], heights[i]))
    by_height = sorted(range(len(lines)), key=lambda k: bands[k][0])
    return [sorted(lines[k], key=lambda i: (left[i], middles[i])) for k in by_height]


def _one_above_other(left: float, right: float, other_left: float, other_right: float) -> bool:
    """Whether two words share more than half of the narrower one's extent along the line."""
    shared = min(right, other_right) - max(left, other_left)
    return shared > 0.5 * min(right - left, other_right - other_left)
