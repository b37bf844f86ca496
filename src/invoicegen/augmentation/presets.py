"""Named chains of effects, read from ``presets.yml`` beside this module."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Final

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from invoicegen.augmentation.augraphy import Augraphy
from invoicegen.augmentation.background import AnyBackground, PlainBackground
from invoicegen.augmentation.geometric import AnyGeometricEffect, Range
from invoicegen.augmentation.photometric import AnyPhotometricEffect
from invoicegen.augmentation.surface import AnySurfaceEffect

SurfaceEffect = Annotated[AnySurfaceEffect | Augraphy, Field(discriminator="effect")]
PictureEffect = Annotated[AnyPhotometricEffect | Augraphy, Field(discriminator="effect")]


class Preset(BaseModel):
    """What happens to a page, in order: to the flat sheet, then it is moved over a background, then to the picture."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    description: str
    margin: Range = Field(
        default=(0.0, 0.0), description="room added on every side, share of the shorter side"
    )
    background: AnyBackground = PlainBackground()
    surface: list[SurfaceEffect] = Field(default=[], description="ink, paper and people, on the flat sheet")
    geometry: list[AnyGeometricEffect] = []
    photometrics: list[PictureEffect] = []


class PresetError(ValueError):
    """A file of presets that cannot be used; the message names the file, the key and what is allowed."""


@cache
def load_presets(folders: tuple[str, ...] = ()) -> dict[str, Preset]:
    """All presets by name: the package's, and those of ``presets.yml`` in the user's folders.

    Args:
        folders: As ``generate.extensions`` has them; of two presets with one name the first folder's counts, and
            the package's comes last.

    Raises:
        PresetError: If a file is no YAML mapping, or names an unknown effect or a parameter out of range.
    """
    own = [path for folder in folders if (path := Path(folder) / "presets.yml").is_file()]
    presets = {}
    for path in (Path(__file__).with_name("presets.yml"), *reversed(own)):
        try:
            given = yaml.safe_load(path.read_text(encoding="utf-8"))
            presets.update(TypeAdapter(dict[str, Preset]).validate_python(given))
        except (yaml.YAMLError, ValidationError) as error:
            raise PresetError(f"{path}: {error}") from error
    return presets


PRESETS: Final[tuple[str, ...]] = tuple(load_presets())
"""Names of the package's presets; ``clean`` changes nothing."""
