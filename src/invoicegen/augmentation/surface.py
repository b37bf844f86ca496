"""Effects on the flat sheet, before it is moved: what printers, paper and people do to it.

None moves anything. Those that hide print return where (a cover), so that a word under a hole or a torn edge is known
to be seen less.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from invoicegen.augmentation.geometric import Effect, Range
from invoicegen.augmentation.photometric import COARSE_PX, PhotometricEffect, shade
from invoicegen.augmentation.warp import Image

Cover = NDArray[np.bool_]
"""Shape (h, w): true where print is hidden."""
_INKS = ((20, 30, 110), (15, 15, 20), (120, 20, 30), (10, 70, 50))  # RGB of pens


class CoveringEffect(Effect, ABC):
    """An effect that hides some of the print."""

    @abstractmethod
    def apply(self, image: Image, rng: np.random.Generator) -> tuple[Image, dict[str, Any], Cover]:
        """A changed copy, shape (h, w, 3) as before, the parameters drawn for it, and what it hides."""


# -- ink and print -----------------------------------------------------------------------------------------


class InkBleed(PhotometricEffect):
    """Ink that ran into the fibres: strokes swell, here more and there less."""

    effect: Literal["ink_bleed"] = "ink_bleed"
    strength: Range = Field(description="share of the swelling of one pixel")

    def apply(self, image: Image, rng: np.random.Generator) -> tuple[Image, dict[str, Any]]:
        """The darkest of each 3 x 3 pixels, mixed in by a cloudy share."""
        import cv2

        strength = float(rng.uniform(*self.strength))
        swollen = cv2.erode(image, np.ones((3, 3), np.uint8))
        return _mix(image, np.asarray(swollen, np.uint8), strength * _clouds(image, rng, 60)), {
            "strength": round(strength, 4)
        }


class LowToner(PhotometricEffect):
    """A cartridge that runs out: pale stripes along the way of the paper."""

    effect: Literal["low_toner"] = "low_toner"
    strength: Range = Field(description="ink lost in the palest stripe, share")

    def apply(self, image: Image, rng: np.random.Generator) -> tuple[Image, dict[str, Any]]:
        """Ink times a smooth profile over the columns."""
        strength = float(rng.uniform(*self.strength))
        columns = -(-image.shape[1] // COARSE_PX) + 1
        profile = _smooth(rng.random(columns), 6)
        gain = 1 - strength * np.broadcast_to(profile, (-(-image.shape[0] // COARSE_PX) + 1, columns))
        return _fade(image, gain), {"strength": round(strength, 4)}


class BrokenLines(PhotometricEffect):
    """Dead elements of a print head: thin rows without ink."""

    effect: Literal["broken_lines"] = "broken_lines"
    rows: Range = Field(description="rows without ink, per thousand pixels of height")

    def apply(self, image: Image, rng: np.random.Generator) -> tuple[Image, dict[str, Any]]:
        """Single rows turned to three quarters of paper."""
        rows = float(rng.uniform(*self.rows))
        count = max(1, round(rows * image.shape[0] / 1000))
        where = rng.integers(0, image.shape[0], count)
        result = image.copy()
        result[where] = 255 - (255 - result[where]) // 4
        return result, {"rows": count}


class DotMatrix(PhotometricEffect):
    """Print made of pins: ink in dots."""

    effect: Literal["dot_matrix"] = "dot_matrix"
    period_px: tuple[int, int] = Field(default=(2, 3), description="smallest and largest distance of dots")
    strength: Range = Field(default=(0.4, 0.9), description="ink lost between the dots, share")

    def apply(self, image: Image, rng: np.random.Generator) -> tuple[Image, dict[str, Any]]:
        """Ink times a grid of dots."""
        period = int(rng.integers(self.period_px[0], self.period_px[1] + 1))
        strength = float(rng.uniform(*self.strength))
        height, width = image.shape[:2]
        on_x, on_y = np.arange(width) % period == 0, np.arange(height) % period == 0
        gaps = on_x[None, :] | on_y[:, None] if period > 2 else on_x[None, :] & on_y[:, None]
        ink = (255 - image).astype(np.uint16)
        lost = np.uint16(round(256 * (1 - strength)))
        ink[gaps] = ink[gaps] * lost >> 8
        return (255 - ink).astype(np.uint8), {"period_px": period, "strength": round(strength, 4)}


class ThermalFading(PhotometricEffect):
    """Thermal paper that lay in the sun: ink pales in patches and turns brown or violet."""

    effect: Literal["thermal_fading"] = "thermal_fading"
    strength: Range = Field(description="ink lost where it is palest, share")

    def apply(self, image: Image, rng: np.random.Generator) -> tuple[Image, dict[str, Any]]:
        """Ink times clouds, a little more of it lost in one colour."""
        strength = float(rng.uniform(*self.strength))
        faded = _fade(image, 1 - strength * _coarse_clouds(image, rng, 12))
        tint = (1.0, 0.97, 0.9) if rng.random() < 0.6 else (0.96, 0.95, 1.0)
        return _tint(faded, tint), {"strength": round(strength, 4)}


class DirtyRollers(PhotometricEffect):
    """Dirt on the rollers: gray lines along the way of the paper."""

    effect: Literal["dirty_rollers"] = "dirty_rollers"
    lines: tuple[int, int] = Field(default=(1, 6), description="fewest and most lines")
    strength: Range = Field(default=(0.05, 0.3), description="darkness of a line, share")

    def apply(self, image: Image, rng: np.random.Generator) -> tuple[Image, dict[str, Any]]:
        """Some columns times a gain below one."""
        count = int(rng.integers(self.lines[0], self.lines[1] + 1))
        gain = np.full(image.shape[1], 255, np.uint8)
        for _ in range(count):
            at, wide = int(rng.integers(image.shape[1])), int(rng.integers(1, 5))
            gain[at : at + wide] = round(255 * (1 - float(rng.uniform(*self.strength))))
        return _multiply(image, np.broadcast_to(gain[None, :, None], image.shape)), {"lines": count}


class BleedThrough(PhotometricEffect):
    """The other side of thin paper shows through, mirrored."""

    effect: Literal["bleed_through"] = "bleed_through"
    strength: Range = Field(description="ink of the other side that is seen, share")

    def apply(self, image: Image, rng: np.random.Generator) -> tuple[Image, dict[str, Any]]:
        """The page's own mirror image, blurred and faint, subtracted."""
        import cv2

        strength = float(rng.uniform(*self.strength))
        behind = cv2.blur(cv2.cvtColor(image[:, ::-1], cv2.COLOR_RGB2GRAY), (5, 5))
        shift = int(rng.integers(-image.shape[0] // 8, image.shape[0] // 8 + 1))
        behind = np.roll(behind, shift, axis=0)
        seen = cv2.convertScaleAbs(cv2.bitwise_not(behind), alpha=strength)
        return np.asarray(cv2.subtract(image, cv2.merge([seen] * 3)), np.uint8), {
            "strength": round(strength, 4)
        }


class Halftone(PhotometricEffect):
    """Grays printed as a raster of black and white dots (ordered dithering)."""

    effect: Literal["halftone"] = "halftone"

    def apply(self, image: Image, rng: np.random.Generator) -> tuple[Image, dict[str, Any]]:
        """Mid tones against a 4 x 4 Bayer matrix; paper and full ink stay.

        Source:
            Bayer, An optimum method for two-level rendition of continuous-tone pictures, ICC 1973
        """
        import cv2

        bayer = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]])
        gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        height, width = gray.shape
        tile = (16 * bayer + 8).astype(np.uint8)
        raster = np.tile(tile, (-(-height // 4), -(-width // 4)))[:height, :width]
        dots = np.where(gray > raster, np.uint8(255), np.uint8(0))
        mid = (gray > 70) & (gray < 235)
        result = image.copy()
        result[mid] = dots[mid][:, None]
        return result, {}


# -- paper -------------------------------------------------------------------------------------------------


class PaperTexture(PhotometricEffect):
    """The grain of cheap or recycled paper, with a tint."""

    effect: Literal["paper_texture"] = "paper_texture"
    strength: Range = Field(description="standard deviation of the grain, share of full scale")
    yellowing: Range = Field(default=(0.0, 0.12), description="blue lost, share")

    def apply(self, image: Image, rng: np.random.Generator) -> tuple[Image, dict[str, Any]]:
        """Times fine and coarse noise and a colour."""
        import cv2

        strength, yellow = (float(rng.uniform(*bounds)) for bounds in (self.strength, self.yellowing))
        height, width = image.shape[:2]
        grain = rng.standard_normal((-(-height // 2), -(-width // 2)), dtype=np.float32)
        level = np.clip(255 * (1 - 1.5 * strength + strength * grain), 0, 255).astype(np.uint8)
        fine = cv2.resize(level, (width, height), interpolation=cv2.INTER_LINEAR)
        textured = _multiply(image, np.asarray(cv2.merge([fine] * 3), np.uint8))
        return _tint(textured, (1.0, 1 - 0.35 * yellow, 1 - yellow)), {
            "strength": round(strength, 4),
            "yellowing": round(yellow, 4),
        }


class Stains(PhotometricEffect):
    """Blots of water, grease or ink wash: the paper is darker there, the print stays readable."""

    effect: Literal["stains"] = "stains"
    count: tuple[int, int] = Field(default=(1, 4), description="fewest and most blots")
    strength: Range = Field(default=(0.08, 0.3), description="light lost in a blot, share")

    def apply(self, image: Image, rng: np.random.Generator) -> tuple[Image, dict[str, Any]]:
        """Times soft discs with a dark rim."""
        count = int(rng.integers(self.count[0], self.count[1] + 1))
        y, x = _grid(image)
        gain = np.ones(x.shape)
        for _ in range(count):
            strength, radius = float(rng.uniform(*self.strength)), float(rng.uniform(0.02, 0.12))
            centre = rng.uniform(0, 1, 2) * (image.shape[1], image.shape[0])
            wobble = 1 + 0.2 * np.sin(3 * np.arctan2(y - centre[1], x - centre[0]) + rng.uniform(0, 6))
            way = np.hypot(x - centre[0], y - centre[1]) / (radius * max(image.shape[:2]) * wobble)
            gain *= 1 - strength * (
                0.6 / (1 + np.exp((way - 1) * 12)) + 0.4 * np.exp(-(((way - 1) * 8) ** 2))
            )
        return _tint(shade(image, gain), (1.0, 0.99, 0.96)), {"count": count}


class CoffeeRing(PhotometricEffect):
    """The foot of a cup."""

    effect: Literal["coffee_ring"] = "coffee_ring"
    strength: Range = Field(default=(0.2, 0.55), description="light lost in the ring, share")

    def apply(self, image: Image, rng: np.random.Generator) -> tuple[Image, dict[str, Any]]:
        """Times a brown ring of uneven darkness."""
        import cv2

        strength, radius = float(rng.uniform(*self.strength)), float(rng.uniform(0.08, 0.16))
        height, width = image.shape[:2]
        centre = rng.uniform(0.1, 0.9, 2) * (width, height)
        size = radius * min(height, width)
        layer = np.full((height, width), 0, np.uint8)
        start = float(rng.uniform(0, 360))
        axes = (round(size), round(size * rng.uniform(0.94, 1.0)))
        middle = (round(centre[0]), round(centre[1]))
        cv2.ellipse(
            layer, middle, axes, start, 0, float(rng.uniform(230, 360)), (255,), max(2, round(size * 0.06))
        )
        soft = np.asarray(cv2.GaussianBlur(layer, (0, 0), max(1.0, size * 0.015)), np.float32)
        alpha = strength * soft[..., None] / 255
        brown = np.array([0.25, 0.55, 0.85], np.float32)  # light lost by channel: coffee leaves red
        gain = np.rint(255 * (1 - alpha * brown)).astype(np.uint8)
        return _multiply(image, gain), {"strength": round(strength, 4), "radius": round(radius, 4)}


class Crumple(PhotometricEffect):
    """A sheet that was crushed and smoothed: facets that catch the light differently."""

    effect: Literal["crumple"] = "crumple"
    creases: tuple[int, int] = Field(default=(8, 24), description="fewest and most creases")
    strength: Range = Field(default=(0.04, 0.18), description="light lost by the darkest facet, share")

    def apply(self, image: Image, rng: np.random.Generator) -> tuple[Image, dict[str, Any]]:
        """Times a sum of half planes with soft edges."""
        count = int(rng.integers(self.creases[0], self.creases[1] + 1))
        strength = float(rng.uniform(*self.strength))
        y, x = _grid(image)
        longer = max(image.shape[:2])
        light = np.zeros(x.shape)
        for _ in range(count):
            angle, at = rng.uniform(0, 2 * np.pi), rng.uniform(0, 1, 2) * (image.shape[1], image.shape[0])
            way = ((x - at[0]) * np.cos(angle) + (y - at[1]) * np.sin(angle)) / longer
            light += np.tanh(way * 40) * np.exp(-np.abs(way) * rng.uniform(3, 12))
        light = (light - light.min()) / max(float(np.ptp(light)), 1e-9)
        return shade(image, 1 - strength * light), {"creases": count, "strength": round(strength, 4)}


class FoldShade(PhotometricEffect):
    """Creases of a letter folded in two or three: a dark and a light line across the sheet."""

    effect: Literal["fold_shade"] = "fold_shade"
    strength: Range = Field(default=(0.08, 0.3), description="light lost in the crease, share")

    def apply(self, image: Image, rng: np.random.Generator) -> tuple[Image, dict[str, Any]]:
        """Rows (or columns) near a half or the thirds times a narrow profile."""
        strength = float(rng.uniform(*self.strength))
        across = bool(rng.random() < 0.75)
        length = image.shape[0] if across else image.shape[1]
        parts = (1 / 2,) if rng.random() < 0.5 else (1 / 3, 2 / 3)
        along, gain = np.arange(length), np.ones(length)
        for part in parts:
            at = length * (part + float(rng.uniform(-0.01, 0.01)))
            gain -= strength * np.exp(-(((along - at) / 2.0) ** 2))
            gain -= 0.25 * strength * np.exp(-np.abs(along - at) / (0.02 * length)) * (along > at)
        level = np.rint(255 * np.clip(gain, 0, 1)).astype(np.uint8)
        profile = level[:, None, None] if across else level[None, :, None]
        return _multiply(image, np.broadcast_to(profile, image.shape)), {
            "strength": round(strength, 4),
            "folds": len(parts),
            "across": across,
        }


class Highlighter(PhotometricEffect):
    """Lines marked with a text marker."""

    effect: Literal["highlighter"] = "highlighter"
    strokes: tuple[int, int] = Field(default=(1, 3), description="fewest and most strokes")

    def apply(self, image: Image, rng: np.random.Generator) -> tuple[Image, dict[str, Any]]:
        """Times a bright colour along a thick, slightly slanted line."""
        import cv2

        count = int(rng.integers(self.strokes[0], self.strokes[1] + 1))
        height, width = image.shape[:2]
        colours = ((255, 245, 90), (150, 255, 150), (255, 170, 210), (150, 220, 255))
        colour = colours[int(rng.integers(len(colours)))]
        layer = np.full_like(image, 255)
        for _ in range(count):
            x, y = float(rng.uniform(0.05, 0.7)) * width, float(rng.uniform(0.05, 0.95)) * height
            long, slant = float(rng.uniform(0.1, 0.35)) * width, float(rng.uniform(-0.02, 0.02))
            ends = (round(x), round(y)), (round(x + long), round(y + slant * long))
            cv2.line(layer, *ends, colour, max(4, round(0.012 * height)), cv2.LINE_AA)
        return _multiply(image, layer), {"strokes": count}


class Handwriting(PhotometricEffect):
    """Notes, ticks and initials by pen, over the print; the print is still read under them."""

    effect: Literal["handwriting"] = "handwriting"
    notes: tuple[int, int] = Field(default=(1, 3), description="fewest and most scribbles")

    def apply(self, image: Image, rng: np.random.Generator) -> tuple[Image, dict[str, Any]]:
        """Smooth random strokes, left to right, in one pen's colour."""
        import cv2

        count = int(rng.integers(self.notes[0], self.notes[1] + 1))
        height, width = image.shape[:2]
        ink = _INKS[int(rng.integers(len(_INKS)))]
        layer = np.full_like(image, 255)
        for _ in range(count):
            letters, size = int(rng.integers(3, 12)), float(rng.uniform(0.008, 0.018)) * height
            start = rng.uniform(0.05, 0.8, 2) * (width, height)
            steps = np.linspace(0, letters, letters * 12)
            phase = rng.uniform(0, 2 * np.pi, 3)
            sway = size * (np.sin(2 * np.pi * steps + phase[0]) * 0.5 + np.sin(1.3 * steps + phase[1]) * 0.6)
            x = start[0] + size * (steps + 0.45 * np.cos(2 * np.pi * steps + phase[2]))
            stroke = np.column_stack([x, start[1] + sway]).round().astype(np.int32)
            cv2.polylines(layer, [stroke], False, ink, max(1, round(size / 9)), cv2.LINE_AA)
        return _multiply(image, layer), {"notes": count}


class StampOver(PhotometricEffect):
    """A rubber stamp over the text, in ink that lets the print through."""

    effect: Literal["stamp_over"] = "stamp_over"
    strength: Range = Field(default=(0.4, 0.9), description="ink of the stamp, share")

    def apply(self, image: Image, rng: np.random.Generator) -> tuple[Image, dict[str, Any]]:
        """A ring or frame with strokes like letters in it, turned and unevenly inked."""
        import cv2

        strength, angle = float(rng.uniform(*self.strength)), float(rng.uniform(-25, 25))
        height, width = image.shape[:2]
        size = round(float(rng.uniform(0.08, 0.14)) * min(height, width))
        patch = np.zeros((4 * size, 4 * size), np.uint8)
        line = max(2, size // 14)
        middle = 2 * size
        if rng.random() < 0.5:
            cv2.circle(patch, (middle, middle), size, (255,), line, cv2.LINE_AA)
            cv2.circle(patch, (middle, middle), round(size * 0.75), (255,), max(1, line // 2), cv2.LINE_AA)
        else:
            corner = (
                (middle - round(1.5 * size), middle - size // 2),
                (middle + round(1.5 * size), middle + size // 2),
            )
            cv2.rectangle(patch, *corner, (255,), line, cv2.LINE_AA)
        for place in np.linspace(-0.5, 0.5, 6):
            x = middle + round(place * 1.1 * size)
            top = middle - round(size * rng.uniform(0.15, 0.25))
            cv2.line(
                patch, (x, top), (x + round(size * 0.06 * rng.uniform(-1, 1)), 2 * middle - top), (255,), line
            )
        turned = cv2.warpAffine(patch, cv2.getRotationMatrix2D((middle, middle), angle, 1), patch.shape[::-1])
        blotch = cv2.resize(
            rng.random((9, 9), dtype=np.float32), patch.shape[::-1], interpolation=cv2.INTER_CUBIC
        )
        alpha = strength * turned / 255 * np.clip(0.35 + blotch, 0, 1)
        colour = np.array(_INKS[int(rng.choice([0, 2, 3]))], np.float32)
        gain = np.rint(255 - alpha[..., None] * (255 - colour)).astype(np.uint8)
        left = int(rng.integers(-size, max(1, width - 3 * size)))
        top = int(rng.integers(-size, max(1, height - 3 * size)))
        layer = np.full_like(image, 255)
        x0, y0, x1, y1 = max(0, left), max(0, top), min(width, left + 4 * size), min(height, top + 4 * size)
        layer[y0:y1, x0:x1] = gain[y0 - top : y1 - top, x0 - left : x1 - left]
        return _multiply(image, layer), {"strength": round(strength, 4), "angle_deg": round(angle, 2)}


class PunchHoles(CoveringEffect):
    """Two or four holes of a punch at the left edge, 80 mm apart."""

    effect: Literal["punch_holes"] = "punch_holes"
    level: Range = Field(default=(20, 160), description="gray level that shows through")

    def apply(self, image: Image, rng: np.random.Generator) -> tuple[Image, dict[str, Any], Cover]:
        """Discs of 6 mm, 12 mm from the edge, of a sheet that is 210 mm wide.

        Source:
            ISO 838:1974, holes for general filing purposes
        """
        import cv2

        height, width = image.shape[:2]
        mm = width / 210
        level, count = round(float(rng.uniform(*self.level))), 4 if rng.random() < 0.25 else 2
        middle = height / 2 + float(rng.uniform(-10, 10)) * mm
        hidden = np.zeros((height, width), np.uint8)
        for place in range(count):
            y = middle + (place - (count - 1) / 2) * 80 * mm
            cv2.circle(hidden, (round(12 * mm), round(y)), max(2, round(3 * mm)), (255,), -1, cv2.LINE_AA)
        return _cover(image, hidden, (level, level, level)), {"holes": count, "level": level}, hidden > 127


class Staple(CoveringEffect):
    """A staple in a corner, with its shadow."""

    effect: Literal["staple"] = "staple"

    def apply(self, image: Image, rng: np.random.Generator) -> tuple[Image, dict[str, Any], Cover]:
        """A short bright line over a dark one, 12 mm long on a sheet of 210 mm."""
        import cv2

        height, width = image.shape[:2]
        mm = min(width, height) / 210
        x, y = float(rng.uniform(6, 16)) * mm, float(rng.uniform(6, 16)) * mm
        angle = float(rng.uniform(-60, 60))
        dx, dy = 6 * mm * np.cos(np.radians(angle)), 6 * mm * np.sin(np.radians(angle))
        ends = (round(x - dx), round(y - dy)), (round(x + dx), round(y + dy))
        thick = max(1, round(0.6 * mm))
        hidden = np.zeros((height, width), np.uint8)
        cv2.line(hidden, *ends, (255,), thick, cv2.LINE_AA)
        result = image.copy()
        lower = tuple((px + thick, py + thick) for px, py in ends)
        cv2.line(result, lower[0], lower[1], (90, 90, 95), thick, cv2.LINE_AA)
        return _cover(result, hidden, (190, 190, 200)), {"angle_deg": round(angle, 2)}, hidden > 127


class TornEdge(CoveringEffect):
    """A sheet torn off: one edge is ragged, what lay beyond it is gone."""

    effect: Literal["torn_edge"] = "torn_edge"
    depth: Range = Field(default=(0.004, 0.02), description="mean depth, share of the longer side")
    level: Range = Field(default=(30, 200), description="gray level of what lies behind")

    def apply(self, image: Image, rng: np.random.Generator) -> tuple[Image, dict[str, Any], Cover]:
        """A random walk along the edge, with a pale rim of fibres."""
        height, width = image.shape[:2]
        depth, level = float(rng.uniform(*self.depth)), round(float(rng.uniform(*self.level)))
        side = int(rng.integers(4))  # top, right, bottom, left
        length, other = (width, height) if side % 2 == 0 else (height, width)
        walk = _smooth(np.cumsum(rng.standard_normal(length)), 4)
        walk = (walk - walk.min()) / max(float(np.ptp(walk)), 1e-9)
        edge = depth * max(height, width) * (0.3 + 1.4 * walk)
        gone = np.arange(other)[:, None] < edge[None, :]
        rim = np.arange(other)[:, None] < edge[None, :] + 2.5
        turned = (gone, gone.T[:, ::-1], gone[::-1], gone.T)[side]
        fibres = (rim, rim.T[:, ::-1], rim[::-1], rim.T)[side]
        result = image.copy()
        result[fibres] = 240
        result[turned] = level
        return result, {"depth": round(depth, 4), "side": side, "level": level}, np.ascontiguousarray(turned)


# -- helpers -----------------------------------------------------------------------------------------------


def _multiply(image: Image, gain: Image) -> Image:
    import cv2

    return np.asarray(cv2.multiply(image, np.ascontiguousarray(gain), scale=1 / 255), np.uint8)


def _tint(image: Image, colour: tuple[float, float, float]) -> Image:
    import cv2

    table = np.stack([np.rint(np.arange(256) * part) for part in colour], axis=-1).astype(np.uint8)
    return np.asarray(cv2.LUT(image, table[None]), np.uint8)


def _fade(image: Image, gain: NDArray[np.float64]) -> Image:
    """The image with its ink (the distance to white) times a coarse map of gains in [0, 1]."""
    return np.asarray(255 - shade(np.asarray(255 - image, np.uint8), gain), np.uint8)


def _mix(image: Image, other: Image, share: NDArray[np.float64]) -> Image:
    """``image`` and ``other`` by a coarse map of the share of the other."""
    import cv2

    height, width = image.shape[:2]
    level = cv2.resize(np.rint(255 * np.clip(share, 0, 1)).astype(np.uint8), (width, height))
    weight = cv2.merge([level] * 3)
    rest = cv2.multiply(image, cv2.bitwise_not(weight), scale=1 / 255)
    return np.asarray(cv2.add(rest, cv2.multiply(other, weight, scale=1 / 255)), np.uint8)


def _cover(image: Image, hidden: NDArray[np.uint8], colour: tuple[int, int, int]) -> Image:
    import cv2

    weight = cv2.merge([hidden] * 3)
    rest = cv2.multiply(image, cv2.bitwise_not(weight), scale=1 / 255)
    over = cv2.multiply(np.full_like(image, colour), weight, scale=1 / 255)
    return np.asarray(cv2.add(rest, over), np.uint8)


def _grid(image: Image) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rows and columns, in pixels, of the coarse grid that :func:`shade` takes."""
    height, width = image.shape[:2]
    rows, columns = -(-height // COARSE_PX) + 1, -(-width // COARSE_PX) + 1
    y, x = np.mgrid[0 : height : rows * 1j, 0 : width : columns * 1j]
    return np.asarray(y), np.asarray(x)


def _coarse_clouds(image: Image, rng: np.random.Generator, cells: int) -> NDArray[np.float64]:
    import cv2

    y, _ = _grid(image)
    size = y.shape[1], y.shape[0]
    noise = cv2.resize(rng.random((cells, cells), dtype=np.float32), size, interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(noise, 0, 1), np.float64)


def _clouds(image: Image, rng: np.random.Generator, cells: int) -> NDArray[np.float64]:
    return np.asarray(rng.random((cells, cells)), np.float64)


def _smooth(values: NDArray[np.float64], reach: int) -> NDArray[np.float64]:
    kernel = np.ones(2 * reach + 1) / (2 * reach + 1)
    padded = np.pad(values, reach, mode="edge")
    return np.asarray(np.convolve(padded, kernel, mode="valid"))


AnySurfaceEffect = Annotated[
    InkBleed
    | LowToner
    | BrokenLines
    | DotMatrix
    | ThermalFading
    | DirtyRollers
    | BleedThrough
    | Halftone
    | PaperTexture
    | Stains
    | CoffeeRing
    | Crumple
    | FoldShade
    | Highlighter
    | Handwriting
    | StampOver
    | PunchHoles
    | Staple
    | TornEdge,
    Field(discriminator="effect"),
]
