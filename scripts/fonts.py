#!/usr/bin/env python
"""Writes docs/fonts.md, the list of font families with their licences, from src/invoicegen/templates/fonts.yml.

.venv/bin/python scripts/fonts.py            # writes the file
.venv/bin/python scripts/fonts.py --check    # fails if the file is not what it would write
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

from invoicegen.templates.fonts import load_fonts

PAGE = Path(__file__).parents[1] / "docs/fonts.md"


def page() -> str:
    """The text of docs/fonts.md."""
    fonts = load_fonts()
    styles = Counter(font.style for font in fonts)
    licences = Counter(font.licence for font in fonts)
    lines = [
        "# Fonts",
        "",
        "<!-- Written by scripts/fonts.py from src/invoicegen/templates/fonts.yml; do not edit. -->",
        "",
        f"{len(fonts)} families, all from Debian packages (`scripts/debian-packages.txt`) under free licences that",
        "allow them to be embedded in documents. *Letters*: `latin` has ASCII, Latin-1 and common punctuation,",
        "`latin-ext` also those of Central European, Baltic and Turkish alphabets.",
        "`tests/templates/test_fonts.py` compares files, letters and packages with what is installed.",
        "",
        "By class: " + ", ".join(f"{name} {count}" for name, count in styles.most_common()) + ".",
        "",
        "By licence: " + ", ".join(f"{name} {count}" for name, count in licences.most_common()) + ".",
        "",
        "| family | class | letters | package | licence |",
        "|--|--|--|--|--|",
    ]
    for font in sorted(fonts, key=lambda font: (font.style, font.family.casefold())):
        packages = ", ".join(font.packages)
        lines.append(f"| {font.family} | {font.style} | {font.scripts} | {packages} | {font.licence} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write or check."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--check", action="store_true", help="compare only; exit status 1 if the file is stale"
    )
    if parser.parse_args().check:
        if not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != page():
            sys.exit("docs/fonts.md is not what fonts.yml says; run scripts/fonts.py")
        return
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
