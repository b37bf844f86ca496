"""Effects of the augraphy package, an optional extra: known to a preset only where the preset asks for one.

Augraphy draws from the global generators of ``random``, NumPy, OpenCV and Numba. They are seeded from the page's own
generator before each effect, and those of Python and NumPy are put back after it.
"""

from __future__ import annotations

import importlib
import random
from functools import cache
from types import ModuleType
from typing import Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from invoicegen.augmentation.photometric import PhotometricEffect
from invoicegen.augmentation.warp import Image

Transform = Literal[
    "BrightnessTexturize",
    "ColorPaper",
    "DirtyDrum",
    "DirtyScreen",
    "InkColorSwap",
    "InkMottling",
    "LightingGradient",
    "LowLightNoise",
    "ShadowCast",
    "SubtleNoise",
]
"""Those of augraphy 8.2.6 that leave every marker where it was, give the same pixels for the same seed and take less
than a second for an A4 page at 150 dpi."""


class Augraphy(PhotometricEffect):
    """An effect of the augraphy package; needs the extra ``augraphy``."""

    effect: Literal["augraphy"] = "augraphy"
    transform: Transform = Field(description="class of augraphy, one of those that move nothing")
    options: dict[str, Any] = Field(default={}, description="what its constructor takes, by name")

    @model_validator(mode="after")
    def _can_be_made(self) -> Self:
        self._make()
        return self

    def apply(self, image: Image, rng: np.random.Generator) -> tuple[Image, dict[str, Any]]:
        """The transform with its own draws."""
        seed = int(rng.integers(2**31))
        kept = random.getstate(), np.random.get_state()
        try:
            _seed(seed)
            changed = np.asarray(self._make()(np.ascontiguousarray(image[..., ::-1])))
        finally:
            random.setstate(kept[0])
            np.random.set_state(kept[1])
        if changed.ndim == 2:
            changed = np.repeat(changed[..., None], 3, axis=2)
        return np.ascontiguousarray(changed[..., 2::-1], np.uint8), {
            "transform": self.transform,
            "seed": seed,
        }

    def _make(self) -> Any:
        try:
            return getattr(_augraphy(), self.transform)(**self.options, p=1)
        except TypeError as error:
            raise ValueError(
                f"augraphy's {self.transform} cannot be made of these options: {error}"
            ) from error


def _augraphy() -> ModuleType:
    try:
        importlib.import_module("matplotlib.font_manager")  # augraphy uses it without importing it
        return importlib.import_module("augraphy")
    except ModuleNotFoundError as error:
        raise ValueError(
            f"the effect augraphy needs the package {error.name}: install the extra, pip install 'invoicegen[augraphy]'"
        ) from error


def _seed(seed: int) -> None:
    import cv2

    random.seed(seed)
    np.random.seed(seed)
    cv2.setRNGSeed(seed)
    _seed_of_numba()(seed)


@cache
def _seed_of_numba() -> Any:
    """Numba's generator is another than NumPy's and can only be seeded from compiled code."""

    def seed(value: int) -> None:
        np.random.seed(value)

    return importlib.import_module("numba").njit(seed)
