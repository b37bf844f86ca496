"""Effects on the flat sheet, before it is moved: what printers, paper and people do to it.

None moves anything. Those that hide print return where (a cover), so that a word under a hole or a torn edge is known
to be seen less.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from invoicegen.augmentation.geometric import Range
from invoicegen.augmentation.photometric import (
    COARSE_PX,
    LEAST_CONTRAST,
    Cover,
    CoveringEffect,
    PhotometricEffect,
    fade,
)
from invoicegen.augmentation.warp import Image

_INKS = ((20, 30, 110), (15, 15, 20), (120, 20, 30), (10, 70, 50))  # RGB of pens
_BROWN = (0.3, 0.6, 1.0)  # light lost by channel: coffee and water leave red
_NOTES = (
    "ok",
    "Paid",
    "bezahlt",
    "payé",
    "Copy",
    "to file",
    "Mr. K.",
    "J. M.",
    "see mail",
    "i. O.",
    "A. S.",
    "vu",
)
_STAMPS = (
    "PAID",
    "BEZAHLT",
    "PAYE",
    "PAGADO",
    "RECEIVED",
    "EINGEGANGEN",
    "BETAALD",
    "COPY",
    "BOOKED",
    "BETALT",
)


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


class LowToner(CoveringEffect):
    """A cartridge that runs out: pale stripes along the way of the paper."""

    effect: Literal["low_toner"] = "low_toner"
    strength: Range = Field(description="ink lost in the palest stripe, share")

    def apply(self, image: Image, rng: np.random.Generator) -> tuple[Image, dict[str, Any], Cover]:
        """Ink times a smooth profile over the columns."""
        strength = float(rng.uniform(*self.strength))
        columns = -(-image.shape[1] // COARSE_PX) + 1
        profile = _smooth(rng.random(columns), 6)
        profile = (profile - profile.min()) / max(float(np.ptp(profile)), 1e-9)
        gain = 1 - strength * np.broadcast_to(profile, (-(-image.shape[0] // COARSE_PX) + 1, columns))
        faded, hidden = fade(image, gain)
        return faded, {"strength": round(strength, 4)}, hidden


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


class ThermalFading(CoveringEffect):
    """Thermal paper that lay in the sun: ink pales in patches and turns brown or violet."""

    effect: Literal["thermal_fading"] = "thermal_fading"
    strength: Range = Field(description="ink lost where it is palest, share")

    def apply(self, image: Image, rng: np.random.Generator) -> tuple[Image, dict[str, Any], Cover]:
        """Ink times clouds, a little more of it lost in one colour."""
        strength = float(rng.uniform(*self.strength))
        faded, hidden = fade(image, 1 - strength * _coarse_clouds(image, rng, 12))
        tint = (1.0, 0.97, 0.9) if rng.random() < 0.6 else (0.96, 0.95, 1.0)
        return _tint(faded, tint), {"strength": round(strength, 4)}, hidden


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
        """Times brownish, unevenly bordered discs that are darkest at the rim, where the drop dried last."""
        count = int(rng.integers(self.count[0], self.count[1] + 1))
        y, x = _grid(image)
        lost = np.zeros(x.shape)
        for _ in range(count):
            strength, radius = float(rng.uniform(*self.strength)), float(rng.uniform(0.02, 0.1))
            centre = rng.uniform(0, 1, 2) * (image.shape[1], image.shape[0])
            right, down = x - centre[0], y - centre[1]
            way = np.hypot(right, down) / (
                radius * max(image.shape[:2]) * _wobble(np.arctan2(down, right), rng)
            )
            blot = 0.55 / (1 + np.exp(np.minimum(14 * (way - 1), 50))) + 0.45 * np.exp(
                -(((way - 0.97) * 9) ** 2)
            )
            lost = 1 - (1 - lost) * (1 - strength * blot)
        return _stain(image, lost, _BROWN), {"count": count}


class CoffeeRing(PhotometricEffect):
    """The foot of a cup."""

    effect: Literal["coffee_ring"] = "coffee_ring"
    strength: Range = Field(default=(0.2, 0.55), description="light lost in the ring, share")

    def apply(self, image: Image, rng: np.random.Generator) -> tuple[Image, dict[str, Any]]:
        """Times a brown ring of uneven width and darkness, sharp outside and washed out inside."""
        import cv2

        strength, radius = float(rng.uniform(*self.strength)), float(rng.uniform(0.1, 0.18))
        height, width = image.shape[:2]
        size = radius * min(height, width)
        centre = rng.uniform(0.1, 0.9, 2) * (width, height)
        side = np.arange(round(-1.2 * size), round(1.2 * size)) / size
        way, angle = np.hypot(side[None], side[:, None]), np.arctan2(side[:, None], side[None])
        wet = np.clip(
            0.25 + 0.75 * _wobble(angle, rng, 0.9), 0, 1
        )  # most of the ring, in places next to nothing
        inside = 1 - way * _wobble(angle, rng, 0.012)
        profile = np.where(
            inside < 0, np.exp(-((inside / 0.012) ** 2)), np.exp(-inside / (0.02 + 0.05 * wet))
        )
        lost = cv2.GaussianBlur((strength * wet * profile).astype(np.float32), (0, 0), max(0.6, 0.006 * size))
        gain = np.rint(255 * (1 - lost[..., None] * np.array(_BROWN))).astype(np.uint8)
        at = round(centre[0] + side[0] * size), round(centre[1] + side[0] * size)
        return _paste(image, gain, at)[0], {"strength": round(strength, 4), "radius": round(radius, 4)}


class Crumple(PhotometricEffect):
    """A sheet that was crushed and smoothed: facets that catch the light differently, with worn edges."""

    effect: Literal["crumple"] = "crumple"
    facets: tuple[int, int] = Field(default=(25, 90), description="fewest and most corners of facets")
    strength: Range = Field(default=(0.06, 0.22), description="light lost by the darkest facet, share")

    def apply(self, image: Image, rng: np.random.Generator) -> tuple[Image, dict[str, Any]]:
        """Times the light on a triangulated sheet of random heights, and a pale line along each crease."""
        import cv2

        count, strength = (
            int(rng.integers(self.facets[0], self.facets[1] + 1)),
            float(rng.uniform(*self.strength)),
        )
        height, width = (-(-side // 2) for side in image.shape[:2])
        corners = rng.uniform((0, 0), (width, height), (count, 2)).astype(np.float32)
        mesh = cv2.Subdiv2D((0, 0, width, height))
        mesh.insert(corners.clip(0, (width - 1, height - 1)).tolist())
        level, lines = np.full((height, width), 255, np.uint8), np.zeros((height, width), np.uint8)
        for triangle in np.asarray(mesh.getTriangleList()).reshape(-1, 3, 2):
            corner = triangle.round().clip(-4 * width, 5 * width).astype(np.int32)
            cv2.fillConvexPoly(level, corner, (round(255 * (1 - strength * float(rng.random()))),))
            if rng.random() < 0.5:  # sharp creases; the others were smoothed away
                cv2.line(lines, corner[0].tolist(), corner[1].tolist(), (round(255 * strength * 0.5),))
        soft = cv2.GaussianBlur(level, (0, 0), 0.008 * max(height, width))
        size = (image.shape[1], image.shape[0])
        light = cv2.resize(cv2.add(cv2.addWeighted(level, 0.35, soft, 0.65, 0), lines), size)
        return _multiply(image, np.asarray(cv2.merge([light] * 3), np.uint8)), {
            "facets": count,
            "strength": round(strength, 4),
        }


class Crease(PhotometricEffect):
    """Creases of a letter folded in two or three: a dark and a light line across the sheet."""

    effect: Literal["crease"] = "crease"
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
    """Print marked with a text marker."""

    effect: Literal["highlighter"] = "highlighter"
    strokes: tuple[int, int] = Field(default=(1, 3), description="fewest and most strokes")

    def apply(self, image: Image, rng: np.random.Generator) -> tuple[Image, dict[str, Any]]:
        """Times a bright colour along thick, slightly slanted lines, each over the darkest line of print near by."""
        import cv2

        count = int(rng.integers(self.strokes[0], self.strokes[1] + 1))
        height, width = image.shape[:2]
        colours = ((255, 245, 90), (150, 255, 150), (255, 170, 210), (150, 220, 255))
        colour = colours[int(rng.integers(len(colours)))]
        layer = np.full_like(image, 255)
        thick = max(4, round(0.012 * height))
        for _ in range(count):
            x, y = float(rng.uniform(0.05, 0.7)) * width, float(rng.uniform(0.05, 0.95)) * height
            long, slant = float(rng.uniform(0.1, 0.35)) * width, float(rng.uniform(-0.015, 0.015))
            above = max(0, round(y - 0.08 * height))
            strip = image[above : round(y + 0.08 * height), round(x) : round(x + long), 1]
            ink = cv2.blur(255 - strip.mean(axis=1, dtype=np.float32)[:, None], (1, thick))
            # Print, not a coloured area, which is darker still.
            row = above + int(np.argmax(np.where(ink < 120, ink, 0)))
            ends = (round(x), row), (round(x + long), round(row + slant * long))
            cv2.line(layer, *ends, colour, thick, cv2.LINE_AA)
        return _multiply(image, layer), {"strokes": count}


class Handwriting(CoveringEffect):
    """Notes, dates and initials by pen, over the print."""

    effect: Literal["handwriting"] = "handwriting"
    notes: tuple[int, int] = Field(default=(1, 3), description="fewest and most notes")

    def apply(self, image: Image, rng: np.random.Generator) -> tuple[Image, dict[str, Any], Cover]:
        """Words in a script of single strokes, slanted and swayed, in one pen's colour."""
        import cv2

        count = int(rng.integers(self.notes[0], self.notes[1] + 1))
        height, width = image.shape[:2]
        ink = np.array(_INKS[int(rng.integers(len(_INKS)))], np.float32)
        slant, pen = float(rng.uniform(0, 0.45)), int(rng.integers(2, 4))
        cover = np.zeros((height, width), bool)
        for _ in range(count):
            text = _date(rng) if rng.random() < 0.3 else _NOTES[int(rng.integers(len(_NOTES)))]
            size = float(rng.uniform(0.014, 0.028)) * max(height, width)
            patch = _lettering(text, cv2.FONT_HERSHEY_SCRIPT_SIMPLEX, size, pen)
            patch = _sway(patch, rng, slant, float(rng.uniform(-8, 8)), 0.08 * size)
            wet = np.minimum(1, patch[..., None] / 200)
            gain = np.rint(255 - wet * (255 - ink)).astype(np.uint8)
            at = rng.uniform((0.02, 0.02), (0.8, 0.92)) * (width, height)
            image, hidden = _paste(image, gain, (round(at[0]), round(at[1])))
            cover |= hidden
        return image, {"notes": count}, cover


class StampOver(PhotometricEffect):
    """A rubber stamp over the text, in ink that lets the print through."""

    effect: Literal["stamp_over"] = "stamp_over"
    strength: Range = Field(default=(0.4, 0.9), description="ink of the stamp, share")

    def apply(self, image: Image, rng: np.random.Generator) -> tuple[Image, dict[str, Any]]:
        """A ring or frame with a word and a date in it, turned and unevenly inked."""
        import cv2

        strength, angle = float(rng.uniform(*self.strength)), float(rng.uniform(-25, 25))
        height, width = image.shape[:2]
        size = max(20, round(float(rng.uniform(0.08, 0.14)) * min(height, width)))
        line, middle = max(2, size // 14), 2 * size
        patch = np.zeros((2 * middle, 2 * middle), np.uint8)
        half = (round(1.6 * size), round(0.62 * size))
        if rng.random() < 0.4:
            half = (round(0.86 * size), size // 2)
            cv2.circle(patch, (middle, middle), round(1.15 * size), (255,), line, cv2.LINE_AA)
            cv2.circle(patch, (middle, middle), round(1.02 * size), (255,), max(1, line // 2), cv2.LINE_AA)
        else:
            upper, lower = (middle - half[0], middle - half[1]), (middle + half[0], middle + half[1])
            cv2.rectangle(patch, upper, lower, (255,), line, cv2.LINE_AA)
        for text, low, high in (
            (_STAMPS[int(rng.integers(len(_STAMPS)))], -0.8, 0.1),
            (_date(rng), 0.2, 0.75),
        ):
            letters = _lettering(text, cv2.FONT_HERSHEY_DUPLEX, (high - low) * half[1], max(1, line // 2))
            fit = min(1.0, 1.85 * half[0] / letters.shape[1])
            wide = round(fit * letters.shape[1]), round(fit * letters.shape[0])
            letters = np.asarray(cv2.resize(letters, wide, interpolation=cv2.INTER_AREA), np.uint8)
            top = middle + round((low + high) / 2 * half[1]) - letters.shape[0] // 2
            left = middle - letters.shape[1] // 2
            patch[top : top + letters.shape[0], left : left + letters.shape[1]] |= letters
        turned = cv2.warpAffine(patch, cv2.getRotationMatrix2D((middle, middle), angle, 1), patch.shape[::-1])
        blotch = cv2.resize(
            rng.random((13, 13), dtype=np.float32), patch.shape[::-1], interpolation=cv2.INTER_CUBIC
        )
        grain = rng.random(patch.shape, dtype=np.float32)  # rubber does not wet the paper everywhere
        alpha = strength * turned / 255 * np.clip(0.35 + blotch, 0, 1) * np.where(grain < 0.1, 0.4, 1)
        colour = np.array(_INKS[int(rng.choice([0, 2, 3]))], np.float32)
        gain = np.rint(255 - alpha[..., None] * (255 - colour)).astype(np.uint8)
        at = (
            int(rng.integers(-size, max(1, width - 3 * size))),
            int(rng.integers(-size, max(1, height - 3 * size))),
        )
        # Even the fullest ink leaves 14 % of the contrast, so no print is gone.
        return _paste(image, gain, at)[0], {"strength": round(strength, 4), "angle_deg": round(angle, 2)}


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


def _paste(image: Image, gain: Image, at: tuple[int, int]) -> tuple[Image, Cover]:
    """A copy of the image, times a patch of gains with its upper left corner at ``at`` (x, y), cut at the edges.

    Returns:
        The copy, and where the patch leaves too little contrast for print to be read.
    """
    import cv2

    result, cover = image.copy(), np.zeros(image.shape[:2], bool)
    (left, top), (high, wide) = at, gain.shape[:2]
    x0, y0 = max(0, left), max(0, top)
    x1, y1 = min(image.shape[1], left + wide), min(image.shape[0], top + high)
    if x0 < x1 and y0 < y1:
        part = np.ascontiguousarray(gain[y0 - top : y1 - top, x0 - left : x1 - left])
        result[y0:y1, x0:x1] = _multiply(result[y0:y1, x0:x1], part)
        cover[y0:y1, x0:x1] = cv2.cvtColor(part, cv2.COLOR_RGB2GRAY) < 255 * LEAST_CONTRAST
    return result, cover


def _stain(image: Image, lost: NDArray[np.float64], colour: tuple[float, float, float]) -> Image:
    """The image with a share of its light lost, by a coarse map, as strongly as ``colour`` says in each channel."""
    import cv2

    coarse = np.rint(255 * (1 - lost[..., None] * np.array(colour))).astype(np.uint8)
    return _multiply(image, np.asarray(cv2.resize(coarse, image.shape[1::-1]), np.uint8))


def _wobble(
    angle: NDArray[np.float64], rng: np.random.Generator, amount: float = 0.22
) -> NDArray[np.float64]:
    """One plus a random periodic function of the angle: no border of a drop is round."""
    turns = np.arange(1, 9)
    heights, phases = rng.standard_normal(8) / turns**0.8, rng.uniform(0, 2 * np.pi, 8)
    waves = (
        height * np.sin(turn * angle + phase)
        for turn, height, phase in zip(turns, heights, phases, strict=True)
    )
    return np.asarray(1 + amount / np.sqrt((heights**2).sum()) * sum(waves))


def _date(rng: np.random.Generator) -> str:
    day, month, year = (int(rng.integers(*bounds)) for bounds in ((1, 29), (1, 13), (0, 30)))
    return (f"{day}.{month}.{year:02}", f"{month}/{day}/{year:02}", f"20{year:02}-{month:02}-{day:02}")[
        int(rng.integers(3))
    ]


def _lettering(text: str, font: int, size: float, pen: int) -> NDArray[np.uint8]:
    """Text in one of OpenCV's stroke fonts, ``size`` px from the base line to the top of a capital; ink is 255."""
    import cv2

    scale = cv2.getFontScaleFromHeight(font, max(4, round(size)), pen)
    (wide, high), below = cv2.getTextSize(text, font, scale, pen)
    patch = np.zeros((high + below + 2 * pen, wide + 2 * pen), np.uint8)
    cv2.putText(patch, text, (pen, high + pen), font, scale, (255,), pen, cv2.LINE_AA)
    return patch


def _sway(
    patch: NDArray[np.uint8], rng: np.random.Generator, slant: float, degrees: float, reach: float
) -> NDArray[np.uint8]:
    """Lettering leaning to the right, on a rising line, and with letters that are no copies of each other.

    Args:
        patch: Ink is 255.
        rng: Where the swaying comes from.
        slant: Way to the right, share of the way up.
        degrees: By which the line falls.
        reach: Standard deviation of the swaying, px.
    """
    import cv2

    high, wide = patch.shape
    room = round(high * (slant + 0.5) + wide * abs(np.tan(np.radians(degrees))))
    size = (wide + 2 * room, high + 2 * room)
    y, x = np.mgrid[0 : size[1], 0 : size[0]].astype(np.float32) - np.float32(room)
    cells = max(2, round(size[0] / high * 1.6))
    sway = rng.standard_normal((2, 4, cells)).astype(np.float32) * reach
    dx, dy = (cv2.resize(part, size, interpolation=cv2.INTER_CUBIC) for part in sway)
    fallen = y - x * np.float32(np.tan(np.radians(degrees))) + dy
    return np.asarray(cv2.remap(patch, x + slant * (fallen - high) + dx, fallen, cv2.INTER_LINEAR), np.uint8)


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
    | Crease
    | Highlighter
    | Handwriting
    | StampOver
    | PunchHoles
    | Staple
    | TornEdge,
    Field(discriminator="effect"),
]
