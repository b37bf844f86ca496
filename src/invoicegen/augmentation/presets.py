"""Named chains of effects, read from ``presets.yml`` beside this module."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Final

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from invoicegen.augmentation.background import AnyBackground, PlainBackground
from invoicegen.augmentation.geometric import AnyGeometricEffect, Range
from invoicegen.augmentation.photometric import AnyPhotometricEffect
from invoicegen.augmentation.surface import AnySurfaceEffect


class Preset(BaseModel):
    """What happens to a page, in order: to the flat sheet, then it is moved over a background, then to the picture."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    description: str
    margin: Range = Field(
        default=(0.0, 0.0), description="room added on every side, share of the shorter side"
    )
    background: AnyBackground = PlainBackground()
    surface: list[AnySurfaceEffect] = Field(
        default=[], description="ink, paper and people, on the flat sheet"
    )
    geometry: list[AnyGeometricEffect] = []
    photometrics: list[AnyPhotometricEffect] = []


@cache
def load_presets() -> dict[str, Preset]:
    """All presets by name.

    Raises:
        pydantic.ValidationError: If ``presets.yml`` names an unknown effect or a parameter out of range.
    """
    text = files(__package__).joinpath("presets.yml").read_text(encoding="utf-8")
    return TypeAdapter(dict[str, Preset]).validate_python(yaml.safe_load(text))


PRESETS: Final[tuple[str, ...]] = tuple(load_presets())
"""Names of the presets; ``clean`` changes nothing."""
