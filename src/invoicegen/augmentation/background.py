"""What shows beside the sheet: the lid of a scanner, or a table top."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from invoicegen.augmentation.geometric import Range
from invoicegen.augmentation.warp import Image


class PlainBackground(BaseModel):
    """An even gray, as the lid of a scanner."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["plain"] = "plain"
    level: Range = Field(default=(255.0, 255.0), description="gray level, 0 to 255")

    def draw(self, rng: np.random.Generator, width: int, height: int) -> tuple[Image, dict[str, Any]]:
        """An image of shape (height, width, 3), and the parameters drawn for it."""
        level = round(float(rng.uniform(*self.level)))
        return np.full((height, width, 3), level, dtype=np.uint8), {"kind": self.kind, "level": level}


class TableBackground(BaseModel):
    """A table top: one colour with grain along one axis, as wood, stone or cloth have it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["table"] = "table"
    lightness: Range = Field(default=(0.15, 0.7), description="mean value, share of full scale")
    saturation: Range = Field(default=(0.0, 0.5), description="of the colour, 0 gray to 1")
    grain: Range = Field(
        default=(0.02, 0.12), description="standard deviation of the grain, share of full scale"
    )

    def draw(self, rng: np.random.Generator, width: int, height: int) -> tuple[Image, dict[str, Any]]:
        """An image of shape (height, width, 3), and the parameters drawn for it."""
        import cv2

        lightness, saturation, grain = (
            float(rng.uniform(*bounds)) for bounds in (self.lightness, self.saturation, self.grain)
        )
        hue = float(rng.uniform(0.02, 0.14) if rng.random() < 0.7 else rng.uniform(0, 1))
        # Hue to colour by three cosines a third of a turn apart; the mean over the channels stays 1.
        tint = 1 + saturation * np.cos(2 * np.pi * (hue - np.arange(3) / 3))
        rows, columns = (24, 160) if rng.random() < 0.5 else (160, 24)
        value = lightness + grain * rng.standard_normal((rows, columns))
        coarse = np.clip(255 * value[..., None] * tint, 0, 255).astype(np.uint8)
        enlarged = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
        return np.asarray(enlarged, dtype=np.uint8), {
            "kind": self.kind,
            "lightness": round(lightness, 4),
            "saturation": round(saturation, 4),
            "grain": round(grain, 4),
        }


AnyBackground = Annotated[PlainBackground | TableBackground, Field(discriminator="kind")]
