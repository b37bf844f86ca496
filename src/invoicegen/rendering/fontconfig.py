"""A fontconfig configuration that knows the families of ``fonts.yml`` and nothing else of this machine."""

from __future__ import annotations

import atexit
import os
import tempfile
from functools import cache
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

from invoicegen.templates.fonts import FONT_ROOT, load_fonts

GENERIC_FAMILIES: Final[dict[str, str]] = {
    "sans-serif": "DejaVu Sans",
    "serif": "DejaVu Serif",
    "monospace": "DejaVu Sans Mono",
}
"""What the generic names of CSS stand for."""

FALLBACK_FAMILY: Final[str] = "DejaVu Sans"
"""Where a glyph comes from that the chosen family lacks."""


def fontconfig_xml(root: Path = FONT_ROOT) -> str:
    """The configuration: every font file rejected but those of ``fonts.yml``, one fallback, no other rules."""
    faces = [root / face for font in load_fonts() for face in font.faces]
    directories = sorted({str(face.parent) for face in faces})
    accepted = sorted({str(face) for face in faces})
    aliases = "".join(
        f'<alias binding="same"><family>{escape(generic)}</family>'
        f"<prefer><family>{escape(family)}</family></prefer></alias>\n"
        for generic, family in GENERIC_FAMILIES.items()
    )
    return (
        '<?xml version="1.0"?>\n<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">\n<fontconfig>\n'
        + "".join(f"<dir>{escape(directory)}</dir>\n" for directory in directories)
        + '<cachedir>/var/cache/fontconfig</cachedir>\n<cachedir prefix="xdg">fontconfig</cachedir>\n'
        + "<selectfont><rejectfont><glob>*</glob></rejectfont><acceptfont>\n"
        + "".join(f"<glob>{escape(_literal(path))}</glob>\n" for path in accepted)
        + f"</acceptfont></selectfont>\n{aliases}"
        + '<match target="pattern"><edit name="family" mode="append_last" binding="weak">'
        + f"<string>{escape(FALLBACK_FAMILY)}</string></edit></match>\n</fontconfig>\n"
    )


@cache
def use_listed_fonts() -> Path:
    """Point fontconfig, in this process and its children, at :func:`fontconfig_xml`; call before WeasyPrint loads.

    Returns:
        The configuration file; it lasts as long as the process.
    """
    handle, name = tempfile.mkstemp(prefix="invoicegen-fonts-", suffix=".conf")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(fontconfig_xml())
    path = Path(name)
    atexit.register(path.unlink, missing_ok=True)
    os.environ["FONTCONFIG_FILE"] = name
    return path


def _literal(path: str) -> str:
    return "".join(f"\\{character}" if character in "*?[]\\" else character for character in path)
