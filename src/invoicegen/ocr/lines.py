"""Reading order: pieces of text to printed lines, lines top to bottom, words left to right."""

from __future__ import annotations

from collections.abc import Sequence
from math import hypot
from statistics import median

import numpy as np
from numpy.typing import NDArray

from invoicegen.geometry import Quad, box_to_quad, quad_to_box, union
from invoicegen.schema.annotation import Word

# A piece joins the piece on its left when their ends lie within this share of the smaller height: first those
# that surely belong together, then, of what is left, those on curled or tilted paper.
_SAME_LINE = (0.35, 0.65)
# On one line, a gap wider than this many line heights begins a new segment.
_SEGMENT_GAP = 1.5
# Pieces steeper than this are upright text; each is a line of its own.
_STEEP_DEG = 45.0


def in_reading_order(pieces: Sequence[Sequence[Word]]) -> list[Word]:
    """Put words in reading order and number their lines and segments.

    Pieces whose facing ends lie at the same height, once the page's own skew is taken out, form one printed
    line; following the ends (rather than a line's mean height) keeps lines whole on curled and tilted pages.

    Args:
        pieces: Runs of words known to stand on one line, each from left to right (upright text: in the order
            it is read). Empty pieces are passed over.

    Returns:
        All words, with ``line_id`` and ``segment_id`` counted from 0 over the page. A segment is a run of
        words of one line without a wide gap, as in one cell of a table.
    """
    pieces = [piece for piece in pieces if piece]
    if not pieces:
        return []
    ends = np.array([_ends(piece) for piece in pieces])  # (n, 5): left x, y, right x, y, height
    steep = np.abs(np.degrees(np.arctan2(ends[:, 3] - ends[:, 1], ends[:, 2] - ends[:, 0]))) > _STEEP_DEG
    upright = np.array([_is_upright(piece) for piece in pieces]) | steep
    skew = _skew(ends, ~upright)
    cos, sin = np.cos(-skew), np.sin(-skew)
    turned = ends.copy()
    for x, y in ((0, 1), (2, 3)):
        turned[:, x] = ends[:, x] * cos - ends[:, y] * sin
        turned[:, y] = ends[:, x] * sin + ends[:, y] * cos
    chains = _chains(turned, upright)
    chains.sort(key=lambda chain: float(np.mean(turned[chain][:, [1, 3]])))
    words: list[Word] = []
    segment = -1
    for line, chain in enumerate(chains):
        right = None
        for index in chain:
            height = turned[index, 4]
            for word in pieces[index]:
                left = word.box[0] if not upright[index] else None
                if right is None or left is None or left - right > _SEGMENT_GAP * height:
                    segment += 1 if right is None or left is not None else 0
                words.append(word.model_copy(update={"line_id": line, "segment_id": segment}))
                right = word.box[2]
    return words


def word_quad(word: Word) -> Quad:
    """The word's quad, or that of its box."""
    return tuple(word.quad) if word.quad else box_to_quad(word.box)  # type: ignore[return-value]


def quad_or_none(quad: Sequence[float], tolerance_px: float = 1.0) -> list[float] | None:
    """``quad`` as a list where it differs from its own box by more than ``tolerance_px``, else None."""
    straight = box_to_quad(quad_to_box(quad))
    if max(abs(a - b) for a, b in zip(quad, straight, strict=True)) <= tolerance_px:
        return None
    return [float(value) for value in quad]


def _ends(piece: Sequence[Word]) -> tuple[float, float, float, float, float]:
    quads = [word_quad(word) for word in piece]
    first, last = quads[0], quads[-1]
    left = ((first[0] + first[6]) / 2, (first[1] + first[7]) / 2)
    right = ((last[2] + last[4]) / 2, (last[3] + last[5]) / 2)
    heights = [(hypot(q[6] - q[0], q[7] - q[1]) + hypot(q[4] - q[2], q[5] - q[3])) / 2 for q in quads]
    return (*left, *right, median(heights))


def _is_upright(piece: Sequence[Word]) -> bool:
    """Whether three characters or more stand higher than wide."""
    if sum(len(word.text) for word in piece) < 3:
        return False
    x0, y0, x1, y1 = union([word.box for word in piece])
    return y1 - y0 > 1.5 * (x1 - x0)


def _skew(ends: NDArray[np.float64], usable: NDArray[np.bool_]) -> float:
    """Angle of the page's lines in radians: the median over lines, each with the weight of its length."""
    dx, dy = ends[:, 2] - ends[:, 0], ends[:, 3] - ends[:, 1]
    usable = usable & (dx > 2 * ends[:, 4])
    if not usable.any():
        return 0.0
    angles, weights = np.arctan2(dy[usable], dx[usable]), dx[usable]
    order = np.argsort(angles)
    middle = np.searchsorted(np.cumsum(weights[order]), weights.sum() / 2)
    return float(angles[order][middle])


def _chains(ends: NDArray[np.float64], upright: NDArray[np.bool_]) -> list[list[int]]:
    """Indices of the pieces of each line, left to right; nearest neighbours are joined first."""
    n = len(ends)
    height = np.minimum(ends[:, None, 4], ends[None, :, 4])
    gap = ends[None, :, 0] - ends[:, None, 2]
    apart = np.abs(ends[None, :, 1] - ends[:, None, 3])
    possible = (gap >= -0.5 * height) & (ends[None, :, 0] > ends[:, None, 0])
    possible &= ~upright[:, None] & ~upright[None, :]
    after = np.full(n, -1)
    before = np.full(n, -1)
    for tolerance in _SAME_LINE:
        free = (after < 0)[:, None] & (before < 0)[None, :]
        lefts, rights = np.nonzero(possible & free & (apart <= tolerance * height))
        for pair in np.argsort(gap[lefts, rights], kind="stable"):
            left, right = int(lefts[pair]), int(rights[pair])
            if after[left] < 0 and before[right] < 0:
                after[left], before[right] = right, left
    chains = []
    for start in np.flatnonzero(before < 0):
        chain = [int(start)]
        while after[chain[-1]] >= 0:
            chain.append(int(after[chain[-1]]))
        chains.append(chain)
    return chains
