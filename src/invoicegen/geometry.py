"""Boxes and quads: scaling, overlap, grouping words to printed lines.

A *box* is ``x0, y0, x1, y1``; a *quad* is eight floats, the corners top-left, top-right, bottom-right,
bottom-left. Both are in pixels of the page image with the origin at the top left, unless a name says otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Box = tuple[float, float, float, float]
Quad = tuple[float, float, float, float, float, float, float, float]


def to_layout_grid(boxes: NDArray[np.float64], width: float, height: float) -> NDArray[np.int64]:
    """Scale pixel boxes to the 0-1000 grid that LayoutLM embeds.

    Upper-left corners are rounded down and lower-right corners up, so that a box with area keeps area.

    Args:
        boxes: Shape (n, 4), ``x0, y0, x1, y1`` in pixels, origin top left.
        width: Page width in pixels.
        height: Page height in pixels.

    Returns:
        Shape (n, 4), whole numbers in [0, 1000]; boxes over the edge are cut at it.

    Raises:
        ValueError: If the page has no area.

    Source:
        Xu et al., LayoutLM, section 2.2, https://arxiv.org/abs/1912.13318
    """
    if width <= 0 or height <= 0:
        raise ValueError(f"page has no area: {width} x {height} px")
    scaled = np.asarray(boxes, dtype=np.float64).reshape(-1, 4) * (
        1000 / np.array([width, height, width, height])
    )
    # 1e-9: a box exactly on a grid line must not be moved by floating-point noise.
    scaled[:, :2] = np.floor(scaled[:, :2] + 1e-9)
    scaled[:, 2:] = np.ceil(scaled[:, 2:] - 1e-9)
    return np.clip(scaled, 0, 1000).astype(np.int64)


def quad_to_box(quad: Sequence[float]) -> Box:
    """The smallest axis-parallel box around a quad."""
    return (min(quad[0::2]), min(quad[1::2]), max(quad[0::2]), max(quad[1::2]))


def box_to_quad(box: Sequence[float]) -> Quad:
    """The quad of an axis-parallel box."""
    x0, y0, x1, y1 = box
    return (x0, y0, x1, y0, x1, y1, x0, y1)


def box_coverage(boxes: Sequence[Sequence[float]], width: float, height: float) -> float:
    """Share of a page's area that boxes have together, 0 to about 1; what they share counts twice.

    Args:
        boxes: ``x0, y0, x1, y1`` each, in pixels.
        width: Page width in pixels.
        height: Page height in pixels.
    """
    if not boxes:
        return 0.0
    x0, y0, x1, y1 = np.asarray(boxes, dtype=np.float64).T
    return float(((x1 - x0) * (y1 - y0)).sum() / (width * height))


def union(boxes: Sequence[Sequence[float]]) -> Box:
    """The smallest box around all ``boxes``.

    Raises:
        ValueError: If there are none.
    """
    if not boxes:
        raise ValueError("no boxes to join")
    return (
        min(box[0] for box in boxes),
        min(box[1] for box in boxes),
        max(box[2] for box in boxes),
        max(box[3] for box in boxes),
    )


def intersection_areas(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Areas of overlap of every box of ``first`` with every box of ``second``.

    Args:
        first: Shape (n, 4).
        second: Shape (m, 4).

    Returns:
        Shape (n, m), square pixels.
    """
    upper = np.maximum(first[:, None, :2], second[None, :, :2])
    lower = np.minimum(first[:, None, 2:], second[None, :, 2:])
    sides = np.clip(lower - upper, 0, None)
    return np.asarray(sides[..., 0] * sides[..., 1])


def areas(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Areas of boxes, shape (n, 4) to (n,)."""
    return np.asarray(
        np.clip(boxes[:, 2] - boxes[:, 0], 0, None) * np.clip(boxes[:, 3] - boxes[:, 1], 0, None)
    )
