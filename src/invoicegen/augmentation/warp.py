"""One geometric map for pixels and points.

Points are continuous: ``(0, 0)`` is the top left corner of the image and pixel ``(i, j)`` covers ``[i, i + 1) x
[j, j + 1)``, as word boxes have it. OpenCV puts pixel centres on whole numbers; the half pixel between the two
conventions is dealt with here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
Image = NDArray[np.uint8]

GRID_PX = 8
"""Spacing of the grid on which a map that is not a homography is evaluated; between its nodes it is linear.

A page curl of 4 % of a page 1240 px wide bends by less than 0.003 px within 8 px.
"""


class Step(Protocol):
    """One invertible part of a map; points have shape (n, 2), ``x, y`` in pixels."""

    def forward(self, points: Points) -> Points:
        """Where points of the source land in the target."""
        ...

    def backward(self, points: Points) -> Points:
        """Where points of the target come from."""
        ...


@dataclass(frozen=True, slots=True)
class Homography:
    """A projective map; ``matrix`` has shape (3, 3) and takes source to target."""

    matrix: NDArray[np.float64]

    def forward(self, points: Points) -> Points:
        """Where points of the source land in the target."""
        return _project(self.matrix, points)

    def backward(self, points: Points) -> Points:
        """Where points of the target come from."""
        return _project(np.asarray(np.linalg.inv(self.matrix), dtype=np.float64), points)


@dataclass(frozen=True, slots=True)
class Curl:
    """A sheet that bows: every column of the page moves up or down as one, ``amplitude`` px in the middle.

    ``y' = y + amplitude * sin(pi * x / width)``; x stays, so the inverse is exact.
    """

    amplitude: float
    width: float

    def forward(self, points: Points) -> Points:
        """Where points of the source land in the target."""
        return np.column_stack([points[:, 0], points[:, 1] + self._rise(points[:, 0])])

    def backward(self, points: Points) -> Points:
        """Where points of the target come from."""
        return np.column_stack([points[:, 0], points[:, 1] - self._rise(points[:, 0])])

    def _rise(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(self.amplitude * np.sin(np.pi * x / self.width))


@dataclass(frozen=True, slots=True)
class Bend:
    """A sheet folded along a horizontal line and not laid flat again: what is below leans to one side.

    ``x' = x + lean * max(0, y - fold)``; y stays, so the inverse is exact.
    """

    lean: float
    fold: float

    def forward(self, points: Points) -> Points:
        """Where points of the source land in the target."""
        return np.column_stack([points[:, 0] + self._lean(points[:, 1]), points[:, 1]])

    def backward(self, points: Points) -> Points:
        """Where points of the target come from."""
        return np.column_stack([points[:, 0] - self._lean(points[:, 1]), points[:, 1]])

    def _lean(self, y: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(self.lean * np.maximum(0.0, y - self.fold))


@dataclass(frozen=True, slots=True)
class PageMap:
    """Steps applied one after the other, from a source image to a target of ``width`` x ``height`` pixels."""

    steps: tuple[Step, ...]
    width: int
    height: int

    @classmethod
    def compose(cls, steps: Sequence[Step], width: int, height: int) -> PageMap:
        """The map through ``steps`` in order; neighbouring homographies become one matrix."""
        merged: list[Step] = []
        for step in steps:
            last = merged[-1] if merged else None
            if isinstance(step, Homography) and isinstance(last, Homography):
                merged[-1] = Homography(step.matrix @ last.matrix)
            else:
                merged.append(step)
        return cls(tuple(merged), width, height)

    def forward(self, points: Points) -> Points:
        """Where points of the source land; shape (n, 2) to (n, 2), pixels."""
        for step in self.steps:
            points = step.forward(points)
        return points

    def backward(self, points: Points) -> Points:
        """Where points of the target come from; shape (n, 2) to (n, 2), pixels."""
        for step in reversed(self.steps):
            points = step.backward(points)
        return points

    def warp(self, image: Image, background: Image) -> Image:
        """The source image drawn over a background, resampled once (bilinear).

        Args:
            image: Source, shape (h, w, 3).
            background: What shows beside it, shape (``height``, ``width``, 3); left as it is.

        Returns:
            Shape (``height``, ``width``, 3).

        Raises:
            ValueError: If the background has another size than the map's target.
        """
        import cv2

        if background.shape != (self.height, self.width, 3):
            raise ValueError(
                f"background of shape {background.shape} for a map to {self.height} x {self.width} x 3"
            )
        target = background.copy()
        if not self.steps:
            raise ValueError("a map without steps has nothing to draw; use the image itself")
        if len(self.steps) == 1 and isinstance(self.steps[0], Homography):
            to_corner = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1.0]])
            matrix = np.linalg.inv(to_corner) @ self.steps[0].matrix @ to_corner
            # Without perspective, OpenCV needs a third less time for the same pixels.
            affine = np.array_equal(matrix[2], [0, 0, 1])
            (cv2.warpAffine if affine else cv2.warpPerspective)(
                image,
                matrix[:2] if affine else matrix,
                (self.width, self.height),
                dst=target,
                flags=cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_TRANSPARENT,
            )
            return target
        map_x, map_y = self._source_grid()
        cv2.remap(image, map_x, map_y, cv2.INTER_LINEAR, dst=target, borderMode=cv2.BORDER_TRANSPARENT)
        return target

    def _source_grid(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Source position of every target pixel in OpenCV's convention, each of shape (height, width)."""
        import cv2

        # One node more on every side: cv2.resize does not extrapolate, so the rim is computed and cut off.
        columns = -(-self.width // GRID_PX) + 2
        rows = -(-self.height // GRID_PX) + 2
        x, y = np.meshgrid((np.arange(columns) - 0.5) * GRID_PX, (np.arange(rows) - 0.5) * GRID_PX)
        source = self.backward(np.column_stack([x.ravel(), y.ravel()])) - 0.5
        size = (columns * GRID_PX, rows * GRID_PX)
        inside = np.s_[GRID_PX : GRID_PX + self.height, GRID_PX : GRID_PX + self.width]
        full = [
            cv2.resize(
                source[:, axis].reshape(rows, columns).astype(np.float32),
                size,
                interpolation=cv2.INTER_LINEAR,
            )[inside]
            for axis in (0, 1)
        ]
        return np.ascontiguousarray(full[0]), np.ascontiguousarray(full[1])


def _project(matrix: NDArray[np.float64], points: Points) -> Points:
    homogeneous = np.column_stack([points, np.ones(len(points))]) @ matrix.T
    return np.asarray(homogeneous[:, :2] / homogeneous[:, 2:])


def homography_of_corners(source: Points, target: Points) -> NDArray[np.float64]:
    """The projective map that takes four points to four others.

    Args:
        source: Shape (4, 2).
        target: Shape (4, 2).

    Returns:
        Shape (3, 3), lower right entry 1.

    Source:
        Hartley and Zisserman, Multiple View Geometry, 2nd ed., section 4.1 (inhomogeneous solution)
    """
    equations = np.zeros((8, 8))
    for i, ((x, y), (u, v)) in enumerate(zip(source, target, strict=True)):
        equations[2 * i] = [x, y, 1, 0, 0, 0, -u * x, -u * y]
        equations[2 * i + 1] = [0, 0, 0, x, y, 1, -v * x, -v * y]
    solution = np.linalg.solve(equations, target.ravel())
    return np.append(solution, 1.0).reshape(3, 3)


def share_on_page(quad: Sequence[float], width: float, height: float) -> float:
    """Share of a quad's area that lies on a page, 0 to 1; a quad without area counts by its corners' middle.

    Source:
        Sutherland and Hodgman, Reentrant Polygon Clipping, CACM 17(1), 1974
    """
    polygon = [(quad[i], quad[i + 1]) for i in (0, 2, 4, 6)]
    area = _polygon_area(polygon)
    if area == 0:
        x, y = sum(quad[0::2]) / 4, sum(quad[1::2]) / 4
        return float(0 <= x <= width and 0 <= y <= height)
    for axis, limit, sign in ((0, 0.0, 1), (0, width, -1), (1, 0.0, 1), (1, height, -1)):
        clipped: list[tuple[float, float]] = []
        for start, end in zip(polygon, polygon[1:] + polygon[:1], strict=True):
            inside_start = sign * (start[axis] - limit) >= 0
            inside_end = sign * (end[axis] - limit) >= 0
            if inside_start:
                clipped.append(start)
            if inside_start != inside_end:
                t = (limit - start[axis]) / (end[axis] - start[axis])
                clipped.append((start[0] + t * (end[0] - start[0]), start[1] + t * (end[1] - start[1])))
        polygon = clipped
        if not polygon:
            return 0.0
    return min(_polygon_area(polygon) / area, 1.0)


def _polygon_area(polygon: Sequence[tuple[float, float]]) -> float:
    following = [*polygon[1:], polygon[0]]
    return abs(sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in zip(polygon, following, strict=True))) / 2
