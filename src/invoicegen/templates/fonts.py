"""The font families that documents may be set in: ``fonts.yml`` beside this module.

Each family comes from one small Debian package with a free licence. The renderer sees these files and no other
font of the machine, so a document looks the same wherever it is rendered.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final, Literal

import yaml
from PIL import ImageFont

FONT_ROOT: Final[Path] = Path("/usr/share")
"""Where Debian's font packages put their files; the paths of ``fonts.yml`` are below it."""

_EM_PX: Final = 1000
FontStyle = Literal["sans", "serif", "mono", "condensed", "script", "receipt"]
Scripts = Literal["latin", "latin-ext"]


LATIN: Final[frozenset[str]] = frozenset(
    {*map(chr, range(0x20, 0x7F)), *"¡£§«°±²³·»¿×–’“”„•…€", *map(chr, range(0xC0, 0x100))}
)
"""What every family covers; letters beyond need one whose ``scripts`` is ``latin-ext``."""


class FontError(Exception):
    """A family is not in ``fonts.yml``, or its files are not on this machine; the message says the mend."""


@dataclass(frozen=True, slots=True)
class Font:
    """A family of fonts.

    Attributes:
        family: Name for CSS ``font-family``.
        style: What it looks like; ``receipt`` is type of tills, terminals and reading machines.
        scripts: ``latin`` has ASCII, Latin-1 and common punctuation; ``latin-ext`` also Latin Extended-A.
        packages: Debian packages that carry its faces.
        licence: SPDX expression of its licence.
        regular: Path of the face below :data:`FONT_ROOT`.
        bold: The same, or None where the family has no such face.
        italic: As ``bold``.
        bold_italic: As ``bold``.
    """

    family: str
    style: FontStyle
    scripts: Scripts
    packages: tuple[str, ...]
    licence: str
    regular: str
    bold: str | None = None
    italic: str | None = None
    bold_italic: str | None = None

    @property
    def extended(self) -> bool:
        """Whether it covers Latin Extended-A (Polish, Czech, Hungarian, Latvian, Turkish…)."""
        return self.scripts == "latin-ext"

    @property
    def faces(self) -> tuple[str, ...]:
        """Paths of all faces below :data:`FONT_ROOT`."""
        return tuple(
            face for face in (self.regular, self.bold, self.italic, self.bold_italic) if face is not None
        )


@cache
def load_fonts() -> tuple[Font, ...]:
    """All families of ``fonts.yml``, in its order, whether or not they are installed."""
    listed = yaml.safe_load(files(__package__).joinpath("fonts.yml").read_text(encoding="utf-8"))
    return tuple(Font(**{**entry, "packages": tuple(entry["packages"])}) for entry in listed)


@cache
def load_font(family: str) -> Font:
    """The family of that name (case does not matter).

    Raises:
        FontError: If ``fonts.yml`` does not list it.
    """
    for font in load_fonts():
        if font.family.casefold() == family.casefold():
            return font
    raise FontError(
        f"font family {family!r} is not in templates/fonts.yml: add it there, or use a listed one"
    )


@cache
def digit_em(family: str) -> float:
    """Advance of a digit of a family, in em, and no less than 0.6, that of most fixed-width faces.

    Raises:
        FontError: If ``fonts.yml`` does not list the family.
    """
    face = ImageFont.truetype(str(FONT_ROOT / load_font(family).regular), _EM_PX)
    return max(0.6, face.getlength("0") / _EM_PX)


def missing_faces(font: Font, root: Path = FONT_ROOT) -> list[Path]:
    """The files of a family that are not below ``root``."""
    return [root / face for face in font.faces if not (root / face).is_file()]


def require_installed(families: Iterable[str], root: Path = FONT_ROOT) -> None:
    """See that the files of all ``families`` are on this machine.

    Raises:
        FontError: If one is not listed or not installed; names the Debian packages to install.
    """
    lacking = [font for font in map(load_font, families) if missing_faces(font, root)]
    if lacking:
        gone = "; ".join(f"{font.family} ({missing_faces(font, root)[0]})" for font in lacking)
        packages = sorted({package for font in lacking for package in font.packages})
        raise FontError(f"fonts not installed: {gone}. Mend: apt-get install {' '.join(packages)}")
