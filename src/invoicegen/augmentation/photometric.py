"""Effects that change pixel values and nothing else: size and positions stay.

Those that albumentations 2.0.8 has are its transforms, with the drawn values as fixed parameters and a seed from the
page's own generator, but for some that are slow in it: on an A4 page at 150 dpi and one core noise takes 34 and 106 ms
(here 11 and 18), shadow and uneven light 13 and 35 (3 and 5), sharpening 79 (11), specks 21 (1) and glare 203 (4).
Its loss of resolution shifts the page, for a reason told there, and its white balance can only be drawn, not set.
"""

from __future__ import annotations

import importlib
import os
from abc import ABC, abstractmethod
from statistics import NormalDist
from types import ModuleType
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from invoicegen.augmentation.geometric import Effect, Range
from invoicegen.augmentation.warp import Image

COARSE_PX = 16
"""Light and shadow are drawn on a grid of this spacing and enlarged: they have no finer detail."""
LEAST_CONTRAST = 0.07
"""Share of the contrast of black on white below which print counts as gone.

Of the words of five pages RapidOCR reads 99 % at full contrast, 92 % at .1, 76 % at .07 and 32 % at .05.
"""
Cover = NDArray[np.bool_]
"""Shape (h, w): true where print is hidden."""


def _albumentations() -> ModuleType:
    # Read when it is imported: without it albumentations asks PyPI for its latest version.
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
    return importlib.import_module("albumentations")


def _run(transform: Any, image: Image, rng: np.random.Generator) -> Image:
    transform.set_random_seed(int(rng.integers(2**31)))
    result: Image = transform(image=image)["image"]
    return result


class PhotometricEffect(Effect, ABC):
    """An effect on pixel values."""

    @abstractmethod
    def apply(self, image: Image, rng: np.random.Generator) -> tuple[Image, dict[str, Any]]:
        """A changed copy, shape (h, w, 3) as before, and the parameters drawn for it."""


class CoveringEffect(Effect, ABC):
    """An effect that hides some of the print."""

    @abstractmethod
    def apply(self, image: Image, rng: np.random.Generator) -> tuple[Image, dict[str, Any], Cover]:
        """A changed copy, shape (h, w, 3) as before, the parameters drawn for it, and what it hides."""


class BrightnessContrast(PhotometricEffect):
    """Lighter or darker, flatter or harder."""

    effect: Literal["brightness_contrast"] = "brightness_contrast"
    brightness: Range = Field(default=(0.0, 0.0), description="added, share of full scale")
    contrast: Range = Field(default=(0.0, 0.0), description="factor minus one")

    def apply(self, image: Image, rng: np.random.Generator) -> tuple[Image, dict[str, Any]]:
        """A linear change of all values."""
        brightness, contrast = (float(rng.uniform(*self.brightness)), float(rng.uniform(*self.contrast)))
        transform = _albumentations().RandomBrightnessContrast(
            (brightness, brightness), (contrast, contrast), p=1
        )
        return _run(transform, image, rng), {
            "brightness": round(brightness, 4),
            "contrast": round(contrast, 4),
        }


class Gamma(PhotometricEffect):
    """Mid tones lighter (below 1) or darker (above 1); black and white stay."""

    effect: Literal["gamma"] = "gamma"
    gamma: Range = Field(description="exponent")

    def apply(self, image: Image, rng: np.random.Generator) -> tuple[Image, dict[str, Any]]:
        """A power of all values."""
        gamma = float(rng.uniform(*self.gamma))
        transform = _albumentations().RandomGamma((100 * gamma, 100 * gamma), p=1)
        return _run(transform, image, rng), {"gamma": round(gamma, 4)}


class GaussianBlur(PhotometricEffect):
    """Out of focus."""

    effect: Literal["gaussian_blur"] = "gaussian_blur"
    sigma_px: Range = Field(description="standard deviation")

    def apply(self, image: Image, rng: np.random.Generator) -> tuple[Image, dict[str, Any]]:
        """A convolution with a Gaussian."""
        sigma = float(rng.uniform(*self.sigma_px))
        transform = _albumentations().GaussianBlur(blur_limit=0, sigma_limit=(sigma, sigma), p=1)
        return _run(transform, image, rng), {"sigma_px": round(sigma, 4)}


class MotionBlur(PhotometricEffect):
    """The hand moved; the kernel is centred, so that nothing shifts."""

    effect: Literal["motion_blur"] = "motion_blur"
    kernel_px: tuple[int, int] = Field(description="smallest and largest odd length of the kernel")

    def apply(self, image: Image, rng: np.random.Generator) -> tuple[Image, dict[str, Any]]:
        """A convolution with a line of a drawn direction."""
        low, high = self.kernel_px
        length = int(rng.choice(np.arange(low | 1, high + 1, 2)))
        angle = float(rng.uniform(0, 180))
        transform = _albumentations().MotionBlur(
            blur_limit=(length, length),
            allow_shifted=False,
            angle_range=(angle, angle),
            direction_range=(0.0, 0.0),
            p=1,
        )
        return _run(transform, image, rng), {"kernel_px": length, "angle_deg": round(angle, 2)}


class Downscale(PhotometricEffect):
    """A lower resolution, enlarged again."""

    effect: Literal["downscale"] = "downscale"
    scale: Range = Field(description="share of the resolution that is left")

    def apply(self, image: Image, rng: np.random.Generator) -> tuple[Image, dict[str, Any]]:
        """Area-averaged down, bilinear up."""
        import cv2

        scale = float(rng.uniform(*self.scale))
        height, width = image.shape[:2]
        small = (max(1, round(width * scale)), max(1, round(height * scale)))
        # Sizes, not factors, are given to OpenCV (albumentations 2.0.8 gives factors): with a factor the rounding
        # of the size becomes a shift that grows over the page, to half a pixel at its far edge.
        reduced = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
        enlarged = cv2.resize(reduced, (width, height), interpolation=cv2.INTER_LINEAR)
        return np.asarray(enlarged, dtype=np.uint8), {"scale": round(scale, 4)}


class JpegCompression(PhotometricEffect):
    """Saved with loss."""

    effect: Literal["jpeg"] = "jpeg"
    quality: tuple[int, int] = Field(description="lowest and highest JPEG quality, 1 to 100")

    def apply(self, image: Image, rng: np.random.Generator) -> tuple[Image, dict[str, Any]]:
        """Encoded and decoded once."""
        quality = int(rng.integers(self.quality[0], self.quality[1] + 1))
        transform = _albumentations().ImageCompression(quality_range=(quality, quality), p=1)
        return _run(transform, image, rng), {"quality": quality}


class Grayscale(PhotometricEffect):
    """No colour; three equal channels are left."""

    effect: Literal["grayscale"] = "grayscale"

    def apply(self, image: Image, rng: np.random.Generator) -> tuple[Image, dict[str, Any]]:
        """Luma in all channels."""
        return _run(_albumentations().ToGray(num_output_channels=3, p=1), image, rng), {}


class GaussianNoise(PhotometricEffect):
    """Grain of a scanner: the same in all channels."""

    effect: Literal["gaussian_noise"] = "gaussian_noise"
    sigma: Range = Field(description="standard deviation, share of full scale")

    def apply(self, image: Image, rng: np.random.Generator) -> tuple[Image, dict[str, Any]]:
        """Normal noise, one draw a pixel."""
        sigma = float(rng.uniform(*self.sigma))
        up, down = _normal(rng, image.shape[0], image.shape[1], 255 * sigma)
        return _add(image, (up, up, up), (down, down, down)), {"sigma": round(sigma, 5)}


class IsoNoise(PhotometricEffect):
    """Noise of a small sensor: fine in brightness, coarse (two pixels) in colour."""

    effect: Literal["iso_noise"] = "iso_noise"
    luma: Range = Field(description="standard deviation of brightness, share of full scale")
    chroma: Range = Field(description="standard deviation of colour, share of full scale")

    def apply(self, image: Image, rng: np.random.Generator) -> tuple[Image, dict[str, Any]]:
        """Brightness noise in all channels, opposite colour noise in red and blue."""
        import cv2

        height, width = image.shape[:2]
        luma, chroma = float(rng.uniform(*self.luma)), float(rng.uniform(*self.chroma))
        up, down = _normal(rng, height, width, 255 * luma)
        image = _add(image, (up, up, up), (down, down, down))
        up, down = (
            np.asarray(cv2.resize(half, (width, height), interpolation=cv2.INTER_NEAREST), dtype=np.uint8)
            for half in _normal(rng, -(-height // 2), -(-width // 2), 255 * chroma)
        )
        none = np.zeros_like(up)
        return _add(image, (up, none, down), (down, none, up)), {
            "luma": round(luma, 5),
            "chroma": round(chroma, 5),
        }


class UnevenLight(PhotometricEffect):
    """Brighter on one side of the page than on the other."""

    effect: Literal["uneven_light"] = "uneven_light"
    strength: Range = Field(description="light lost at the darkest corner, share of full light")

    def apply(self, image: Image, rng: np.random.Generator) -> tuple[Image, dict[str, Any]]:
        """A linear fall-off in a drawn direction."""
        strength, angle = float(rng.uniform(*self.strength)), float(rng.uniform(0, 360))
        along = _along(image, angle)
        fall = (along - along.min()) / max(float(np.ptp(along)), 1e-9)
        return shade(image, 1 - strength * fall), {
            "strength": round(strength, 4),
            "angle_deg": round(angle, 2),
        }


class Shadow(PhotometricEffect):
    """Someone stands in the light: a soft, slightly bent edge across the page, dark on one side."""

    effect: Literal["shadow"] = "shadow"
    strength: Range = Field(description="light lost in the shadow, share of full light")
    softness: Range = Field(default=(0.02, 0.1), description="width of the edge, share of the longer side")

    def apply(self, image: Image, rng: np.random.Generator) -> tuple[Image, dict[str, Any]]:
        """A sigmoid across a drawn line."""
        strength, softness = (float(rng.uniform(*self.strength)), float(rng.uniform(*self.softness)))
        angle, offset, bend = (float(rng.uniform(0, 360)), rng.uniform(-0.25, 0.35), rng.uniform(-0.3, 0.3))
        distance = _along(image, angle) - offset + bend * _along(image, angle + 90) ** 2
        dark = 1 / (1 + np.exp(-np.clip(distance / max(softness / 4, 1e-3), -30, 30)))
        return shade(image, 1 - strength * dark), {
            "strength": round(strength, 4),
            "softness": round(softness, 4),
            "angle_deg": round(angle, 2),
        }


class Glare(CoveringEffect):
    """A lamp mirrored by glossy paper: a bright spot in which print pales."""

    effect: Literal["glare"] = "glare"
    strength: Range = Field(description="ink lost in the middle of the spot, share")

    def apply(self, image: Image, rng: np.random.Generator) -> tuple[Image, dict[str, Any], Cover]:
        """Exposed for the spot, so darker elsewhere; then ink times one minus a soft ellipse."""
        import cv2

        strength, size = float(rng.uniform(*self.strength)), float(rng.uniform(0.08, 0.25))
        angle, off_x, off_y = (float(rng.uniform(*bounds)) for bounds in ((0, 180), (-0.4, 0.4), (-0.4, 0.4)))
        along, across = _along(image, angle) - off_x, _along(image, angle + 90) - off_y
        spot = np.exp(-((along / size) ** 2) - (across / (size * 0.5)) ** 2)
        exposed = np.asarray(cv2.convertScaleAbs(image, alpha=1 - 0.25 * strength), np.uint8)
        faded, hidden = fade(exposed, 1 - strength * spot)
        return faded, {"strength": round(strength, 4), "size": round(size, 4)}, hidden


class Moire(PhotometricEffect):
    """A photo of a screen or a rastered print: waves where two grids beat."""

    effect: Literal["moire"] = "moire"
    strength: Range = Field(description="half height of the waves, share of full scale")
    period_px: Range = Field(default=(3.0, 14.0), description="length of a wave")

    def apply(self, image: Image, rng: np.random.Generator) -> tuple[Image, dict[str, Any]]:
        """Times a plane wave in a drawn direction."""
        import cv2

        strength, period = float(rng.uniform(*self.strength)), float(rng.uniform(*self.period_px))
        angle, phase = float(rng.uniform(0, np.pi)), float(rng.uniform(0, 2 * np.pi))
        height, width = image.shape[:2]
        x = 2 * np.pi / period * np.cos(angle) * np.arange(width, dtype=np.float32)
        y = 2 * np.pi / period * np.sin(angle) * np.arange(height, dtype=np.float32) + phase
        # sin(x + y) by outer products: one multiplication a pixel in place of one sine.
        wave = np.outer(np.cos(y), np.sin(x)) + np.outer(np.sin(y), np.cos(x))
        level = (255 * (1 - strength) + 255 * strength * wave).astype(np.uint8)
        gain = cv2.merge([level] * 3)
        return np.asarray(cv2.multiply(image, gain, scale=1 / 255), np.uint8), {
            "strength": round(strength, 4),
            "period_px": round(period, 3),
        }


class Fax(CoveringEffect):
    """Sent by fax: 204 x 98 or 196 dots an inch, black or white, a few lines lost."""

    effect: Literal["fax"] = "fax"
    fine: float = Field(default=0.6, ge=0, le=1, description="share of pages sent at 196 lines an inch")
    threshold: Range = Field(
        default=(0.55, 0.8), description="gray that still prints black, share of full scale"
    )

    def apply(self, image: Image, rng: np.random.Generator) -> tuple[Image, dict[str, Any], Cover]:
        """Reduced, thresholded and enlarged again; pale print on white and dark print on dark are lost.

        Source:
            ITU-T T.4: 8 dots/mm across, 3.85 or 7.7 lines/mm down
        """
        import cv2

        height, width = image.shape[:2]
        fine, threshold = bool(rng.random() < self.fine), float(rng.uniform(*self.threshold))
        # A page is taken to be 210 mm wide, a narrower one to be a receipt at the same resolution.
        columns = min(width, 1728)
        rows = round(columns * height / width * (7.7 if fine else 3.85) / 8)
        gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        small = cv2.resize(gray, (columns, max(1, min(rows, height))), interpolation=cv2.INTER_AREA)
        bits = np.where(small > round(255 * threshold), np.uint8(255), np.uint8(0))
        for row in rng.integers(0, bits.shape[0], int(rng.integers(0, 4))):
            bits[row] = bits[max(0, row - 1)]
        large = cv2.resize(bits, (width, height), interpolation=cv2.INTER_LINEAR)
        # Print differs from its surroundings within the reach of a stroke: it is lost where it no longer does.
        was, now = (
            cv2.morphologyEx(seen, cv2.MORPH_GRADIENT, np.ones((reach, reach), np.uint8))
            for seen, reach in ((gray, round(width / 120) | 1), (large, round(width / 60) | 1))
        )
        lost = (was > 255 * LEAST_CONTRAST) & (now < 128)
        return (
            np.asarray(cv2.merge([large] * 3), np.uint8),
            {"fine": fine, "threshold": round(threshold, 4)},
            lost,
        )


class Specks(PhotometricEffect):
    """Dust on the glass: single dark and pale pixels and small blots."""

    effect: Literal["specks"] = "specks"
    density: Range = Field(description="specks a thousand pixels")

    def apply(self, image: Image, rng: np.random.Generator) -> tuple[Image, dict[str, Any]]:
        """Pixels set to near black or near white."""
        density = float(rng.uniform(*self.density))
        height, width = image.shape[:2]
        count = round(density * height * width / 1000)
        y, x = rng.integers(0, height, count), rng.integers(0, width, count)
        result = image.copy()
        value = np.where(rng.random(count) < 0.6, rng.integers(0, 90, count), rng.integers(225, 256, count))
        result[y, x] = value[:, None].astype(np.uint8)
        big = slice(0, count // 5)
        result[np.minimum(y[big] + 1, height - 1), x[big]] = value[big, None].astype(np.uint8)
        return result, {"density": round(density, 5)}


class ColourCast(PhotometricEffect):
    """A wrong white balance: lamps are yellow, shade is blue."""

    effect: Literal["colour_cast"] = "colour_cast"
    strength: Range = Field(description="light lost in the weakest channel, share")

    def apply(self, image: Image, rng: np.random.Generator) -> tuple[Image, dict[str, Any]]:
        """Each channel times its own gain."""
        import cv2

        strength, warm = float(rng.uniform(*self.strength)), bool(rng.random() < 0.7)
        gains = (1.0, 1 - 0.4 * strength, 1 - strength) if warm else (1 - strength, 1 - 0.4 * strength, 1.0)
        table = np.stack([np.rint(np.arange(256) * gain) for gain in gains], axis=-1).astype(np.uint8)
        return np.asarray(cv2.LUT(image, table[None]), np.uint8), {
            "strength": round(strength, 4),
            "warm": warm,
        }


class Sharpen(PhotometricEffect):
    """A telephone's eager sharpening: halos around strokes."""

    effect: Literal["sharpen"] = "sharpen"
    amount: Range = Field(description="times the difference to a blur of 1.5 px")

    def apply(self, image: Image, rng: np.random.Generator) -> tuple[Image, dict[str, Any]]:
        """An unsharp mask."""
        import cv2

        amount = float(rng.uniform(*self.amount))
        soft = cv2.GaussianBlur(image, (0, 0), 1.5)
        return np.asarray(cv2.addWeighted(image, 1 + amount, soft, -amount, 0), np.uint8), {
            "amount": round(amount, 4)
        }


class Banding(PhotometricEffect):
    """The lamp of a scanner flickers: bands of brightness across the page."""

    effect: Literal["banding"] = "banding"
    strength: Range = Field(description="light lost in the darkest band, share")
    period: Range = Field(default=(0.01, 0.08), description="length of a band, share of the height")

    def apply(self, image: Image, rng: np.random.Generator) -> tuple[Image, dict[str, Any]]:
        """Rows times a sine."""
        import cv2

        strength, period = float(rng.uniform(*self.strength)), float(rng.uniform(*self.period))
        rows = np.arange(image.shape[0]) / (period * image.shape[0])
        gain = 1 - strength / 2 * (1 + np.sin(2 * np.pi * rows + float(rng.uniform(0, 6.28))))
        level = np.rint(255 * gain).astype(np.uint8)
        full = np.ascontiguousarray(np.broadcast_to(level[:, None, None], image.shape))
        return np.asarray(cv2.multiply(image, full, scale=1 / 255), np.uint8), {
            "strength": round(strength, 4),
            "period": round(period, 4),
        }


_NORMAL_QUANTILES = np.array([NormalDist().inv_cdf((k + 0.5) / 256) for k in range(256)])


def _normal(rng: np.random.Generator, height: int, width: int, sigma: float) -> tuple[Image, Image]:
    """Normal noise as what it adds and what it takes away, each (height, width), whole gray levels.

    One random byte a pixel picks one of 256 equally likely values, so the noise ends at 2.9 ``sigma``.
    """
    import cv2

    draws = rng.integers(0, 256, (height, width), dtype=np.uint8)
    levels = np.rint(sigma * _NORMAL_QUANTILES)
    up, down = (
        np.asarray(cv2.LUT(draws, np.clip(part, 0, 255).astype(np.uint8)), dtype=np.uint8)
        for part in (levels, -levels)
    )
    return up, down


def _add(image: Image, up: tuple[Image, Image, Image], down: tuple[Image, Image, Image]) -> Image:
    import cv2

    lighter = cv2.add(image, cv2.merge(up))
    return np.asarray(cv2.subtract(lighter, cv2.merge(down)), dtype=np.uint8)


def _along(image: Image, angle_deg: float) -> NDArray[np.float64]:
    """Way along a direction from the middle, longer side = 1, on the coarse grid of the image."""
    height, width = image.shape[:2]
    longer = max(height, width)
    rows, columns = -(-height // COARSE_PX) + 1, -(-width // COARSE_PX) + 1
    x = (np.linspace(0, width, columns) - width / 2) / longer
    y = (np.linspace(0, height, rows) - height / 2) / longer
    radians = np.radians(angle_deg)
    return np.asarray(np.cos(radians) * x[None, :] + np.sin(radians) * y[:, None])


def shade(image: Image, gain: NDArray[np.float64]) -> Image:
    """The image times a coarse map of gains in [0, 1]."""
    import cv2

    height, width = image.shape[:2]
    coarse = np.rint(255 * gain).astype(np.uint8)
    full = cv2.resize(cv2.merge([coarse] * 3), (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.multiply(image, full, scale=1 / 255), dtype=np.uint8)


def fade(image: Image, gain: NDArray[np.float64]) -> tuple[Image, Cover]:
    """The image with its ink (the distance to white) times a coarse map of gains in [0, 1], and what is gone."""
    import cv2

    faded = np.asarray(255 - shade(np.asarray(255 - image, np.uint8), gain), np.uint8)
    if gain.min() >= LEAST_CONTRAST:
        return faded, np.zeros(image.shape[:2], bool)
    return faded, np.asarray(cv2.resize(gain, image.shape[1::-1]) < LEAST_CONTRAST)


AnyPhotometricEffect = Annotated[
    BrightnessContrast
    | Gamma
    | GaussianBlur
    | MotionBlur
    | Downscale
    | JpegCompression
    | Grayscale
    | GaussianNoise
    | IsoNoise
    | UnevenLight
    | Shadow
    | Glare
    | Moire
    | Fax
    | Specks
    | ColourCast
    | Sharpen
    | Banding,
    Field(discriminator="effect"),
]
