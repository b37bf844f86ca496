"""Effects that move the page: each draws its parameters and says which step of the map they make."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from invoicegen.augmentation.warp import Bend, Curl, Homography, Step, homography_of_corners


def _ordered(bounds: tuple[float, float]) -> tuple[float, float]:
    if bounds[0] > bounds[1]:
        raise ValueError(f"lower bound {bounds[0]} is above upper bound {bounds[1]}")
    return bounds


Range = Annotated[tuple[float, float], AfterValidator(_ordered)]
"""Lowest and highest value of a uniform draw."""


class Effect(BaseModel):
    """What all effects share; parameters are ranges, drawn once a page."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    probability: float = Field(default=1.0, ge=0, le=1, description="share of pages it is applied to")


class GeometricEffect(Effect, ABC):
    """An effect that moves points of the page."""

    @abstractmethod
    def sample(self, rng: np.random.Generator, width: int, height: int) -> tuple[Step, dict[str, Any]]:
        """A step in the frame of a page of ``width`` x ``height`` px, and the parameters drawn for it."""


class Rotate(GeometricEffect):
    """The sheet lies askew; positive angles turn clockwise, about the middle of the page."""

    effect: Literal["rotate"] = "rotate"
    degrees: Range = Field(description="angle")

    def sample(self, rng: np.random.Generator, width: int, height: int) -> tuple[Step, dict[str, Any]]:
        """A rotation about the middle."""
        degrees = float(rng.uniform(*self.degrees))
        cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        turn = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
        return Homography(_about_middle(turn, width, height)), {"degrees": round(degrees, 4)}


class ScaleShift(GeometricEffect):
    """The sheet is nearer or farther, and not in the middle."""

    effect: Literal["scale_shift"] = "scale_shift"
    scale: Range = Field(default=(1.0, 1.0), description="factor of size about the middle")
    shift_x: Range = Field(default=(0.0, 0.0), description="share of the width, positive to the right")
    shift_y: Range = Field(default=(0.0, 0.0), description="share of the height, positive downwards")

    def sample(self, rng: np.random.Generator, width: int, height: int) -> tuple[Step, dict[str, Any]]:
        """A scaling about the middle, then a shift."""
        scale, x, y = (float(rng.uniform(*bounds)) for bounds in (self.scale, self.shift_x, self.shift_y))
        matrix = _about_middle(np.diag([scale, scale, 1.0]), width, height)
        matrix[0, 2] += x * width
        matrix[1, 2] += y * height
        return Homography(matrix), {"scale": round(scale, 5), "shift_x": round(x, 5), "shift_y": round(y, 5)}


class Perspective(GeometricEffect):
    """The camera looks at the sheet from an angle: every corner is drawn inwards by its own amount."""

    effect: Literal["perspective"] = "perspective"
    strength: Range = Field(description="longest way of a corner along each axis, share of the shorter side")

    def sample(self, rng: np.random.Generator, width: int, height: int) -> tuple[Step, dict[str, Any]]:
        """A homography that takes the page's corners to four drawn ones."""
        strength = float(rng.uniform(*self.strength))
        corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float64)
        inwards = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]])
        moved = corners + inwards * rng.uniform(0, strength * min(width, height), (4, 2))
        return Homography(homography_of_corners(corners, moved)), {
            "strength": round(strength, 5),
            "corners": np.round(moved, 2).tolist(),
        }


class PageCurl(GeometricEffect):
    """The sheet bows up or down in the middle."""

    effect: Literal["page_curl"] = "page_curl"
    amplitude: Range = Field(description="height of the bow, share of the width; positive bows downwards")

    def sample(self, rng: np.random.Generator, width: int, height: int) -> tuple[Step, dict[str, Any]]:
        """A vertical displacement of half a sine over the width."""
        amplitude = float(rng.uniform(*self.amplitude))
        return Curl(amplitude * width, width), {"amplitude": round(amplitude, 5)}


class Skew(GeometricEffect):
    """Paper drawn in askew while the scanner's lamp moved: a shear."""

    effect: Literal["skew"] = "skew"
    degrees: Range = Field(description="angle by which upright lines lean, positive to the left at the foot")

    def sample(self, rng: np.random.Generator, width: int, height: int) -> tuple[Step, dict[str, Any]]:
        """A shear about the middle."""
        degrees = float(rng.uniform(*self.degrees))
        shear = np.array([[1, -np.tan(np.radians(degrees)), 0], [0, 1, 0], [0, 0, 1.0]])
        return Homography(_about_middle(shear, width, height)), {"degrees": round(degrees, 4)}


class Fold(GeometricEffect):
    """A letter folded across: the lower part leans away from the upper one."""

    effect: Literal["fold"] = "fold"
    lean: Range = Field(description="way to the side, share of the way below the fold")

    def sample(self, rng: np.random.Generator, width: int, height: int) -> tuple[Step, dict[str, Any]]:
        """A lean below a third, a half or two thirds of the height."""
        lean, part = float(rng.uniform(*self.lean)), (1 / 3, 1 / 2, 2 / 3)[int(rng.integers(3))]
        return Bend(lean, part * height), {"lean": round(lean, 5), "at": round(part, 4)}


class Crop(GeometricEffect):
    """A picture of a part of the sheet: its edges are cut off."""

    effect: Literal["crop"] = "crop"
    cut: Range = Field(description="share of width and height cut off, drawn for each of the four edges")

    def sample(self, rng: np.random.Generator, width: int, height: int) -> tuple[Step, dict[str, Any]]:
        """What is left is enlarged to the page, evenly in both directions."""
        left, top, right, bottom = (float(rng.uniform(*self.cut)) for _ in range(4))
        scale = 1 / max(1 - left - right, 1 - top - bottom)
        matrix = np.array([[scale, 0, -scale * left * width], [0, scale, -scale * top * height], [0, 0, 1.0]])
        return Homography(matrix), {"left": round(left, 4), "top": round(top, 4), "scale": round(scale, 5)}


def _about_middle(matrix: np.ndarray[Any, np.dtype[np.float64]], width: int, height: int) -> Any:
    to_middle = np.array([[1, 0, -width / 2], [0, 1, -height / 2], [0, 0, 1.0]])
    return np.linalg.inv(to_middle) @ matrix @ to_middle


AnyGeometricEffect = Annotated[
    Rotate | ScaleShift | Perspective | PageCurl | Skew | Fold | Crop, Field(discriminator="effect")
]
