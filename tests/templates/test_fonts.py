"""``fonts.yml``: what it lists is installed, covers what it says, and is all that the renderer sees."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont

from invoicegen.rendering import render_document
from invoicegen.rendering.fontconfig import FALLBACK_FAMILY, GENERIC_FAMILIES, use_listed_fonts
from invoicegen.templates.fonts import (
    FONT_ROOT,
    Font,
    FontError,
    load_font,
    load_fonts,
    missing_faces,
    require_installed,
)

LATIN = {*map(chr, range(0x20, 0x7F)), *"¡£§«°±²³·»¿×–’“”„•…€", *map(chr, range(0xC0, 0x100))}
LATIN_EXTENDED = LATIN | {
    *"ĀāĂăĄąĆćČčĎďĐđĒēĖėĘęĚěĞğĢģĪīĮįİıĶķĹĺĻļĽľŁłŃńŅņŇňŌōŐőŒœŔŕŖŗŘřŚśŞşŠšŢţŤťŪūŮůŰűŲųŸŹźŻżŽžȘșȚț"
}


def covered(face: str) -> set[str]:
    with TTFont(FONT_ROOT / face, lazy=True) as font:
        return set(map(chr, font.getBestCmap()))


def test_there_are_families_for_every_kind_of_document() -> None:
    fonts = load_fonts()
    assert len(fonts) >= 100
    assert len({font.family.casefold() for font in fonts}) == len(fonts)
    count = dict.fromkeys(("sans", "serif", "mono", "condensed", "script", "receipt"), 0)
    for font in fonts:
        count[font.style] += 1
    assert min(count.values()) >= 3
    assert all(font.packages and font.licence for font in fonts)


def test_the_list_of_fonts_and_licences_is_fresh() -> None:
    script = Path(__file__).parents[2] / "scripts/fonts.py"
    done = subprocess.run(
        [sys.executable, str(script), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("font", load_fonts(), ids=lambda font: font.family)
def test_a_family_is_installed_and_covers_what_it_says(font: Font) -> None:
    assert missing_faces(font) == []
    everywhere = set.intersection(*(covered(face) for face in font.faces))
    assert LATIN - everywhere == set()
    assert font.extended == (everywhere >= LATIN_EXTENDED)
    owners = subprocess.run(
        ["dpkg-query", "--search", *(str(FONT_ROOT / face) for face in font.faces)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert {line.split(":")[0] for line in owners.splitlines()} == set(font.packages)


def test_the_renderer_sees_the_listed_files_and_no_others() -> None:
    listed = subprocess.run(
        ["fc-list", "--format", "%{file}\n"],
        env={"FONTCONFIG_FILE": str(use_listed_fonts()), "HOME": "/nonexistent"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\n")
    assert {Path(line) for line in listed if line} == {
        FONT_ROOT / face for font in load_fonts() for face in font.faces
    }


def paragraph(family: str, text: str = "Ag") -> str:
    return f'<html><body><p style="font-family:{family}">{text}</p></body></html>'


@pytest.mark.parametrize(("generic", "family"), GENERIC_FAMILIES.items())
def test_generic_names_stand_for_one_family(generic: str, family: str) -> None:
    assert render_document(paragraph(generic)).fonts == [family]


def test_a_character_that_a_family_lacks_comes_from_the_fallback() -> None:
    lacking = next(font for font in load_fonts() if font.family == "B612")
    assert not lacking.extended
    assert render_document(paragraph("B612", "aģ")).fonts == sorted(["B612", FALLBACK_FAMILY])


def test_an_unknown_family_is_refused() -> None:
    with pytest.raises(FontError, match=r"'Arial' is not in templates/fonts\.yml"):
        render_document(paragraph("Arial, sans-serif"))


def test_a_family_that_is_not_installed_is_refused_with_the_package_to_install(tmp_path: Path) -> None:
    with pytest.raises(FontError, match="apt-get install fonts-lato fonts-paratype") as caught:
        require_installed(["PT Sans", "Lato"], root=tmp_path)
    assert str(tmp_path / load_font("Lato").regular) in str(caught.value)
    require_installed(font.family for font in load_fonts())
