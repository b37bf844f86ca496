"""Shorter ways through WeasyPrint to the same layout.

A page of an invoice is laid out from hundreds of boxes of few styles: WeasyPrint computes the same properties, struts
and lines of text over and over. :func:`install` puts functions in the place of some of its own that remember what they
found out, or see at once what the usual case comes to, and leave everything else to the original. The bytes of the PDF
are those of WeasyPrint alone; ``tests/rendering/test_shortcuts.py`` compares them.

The originals are private. They were read in WeasyPrint 70.0; another version goes its own way, with a warning, until
they have been read there.
"""

from __future__ import annotations

import re
import warnings
from copy import copy
from functools import lru_cache
from typing import Any, Final

import weasyprint
from weasyprint.css import ComputedStyle
from weasyprint.css.computed_values import PHYSICAL_FUNCTIONS
from weasyprint.css.functions import check_math
from weasyprint.css.properties import INHERITED, INITIAL_NOT_COMPUTED, INITIAL_VALUES
from weasyprint.layout import background, inline, percent, preferred
from weasyprint.pdf import fonts as pdf_fonts
from weasyprint.text import line_break
from weasyprint.text.ffi import TO_UNITS, ffi, pango

VERSION: Final = "70.0"

_missing = ComputedStyle.__missing__
_resolve_one_percentage = percent.resolve_one_percentage
_resolve_radii_percentages = percent.resolve_radii_percentages
_split_first_line = inline.split_first_line
_strut = inline.strut
_font_description = line_break.get_font_description

# Of properties that ComputedStyle treats apart from the others.
_SPECIAL: Final = {"float", "position", "display", "page"}
_OF_ITS_OWN: Final = {
    key for key in INITIAL_VALUES if key not in _SPECIAL and not key.startswith("text_decoration_")
}
_PLAIN_INHERITED: Final = _OF_ITS_OWN & INHERITED
_PLAIN_INITIAL: Final = {
    key: INITIAL_VALUES[key]
    for key in _OF_ITS_OWN - INHERITED - INITIAL_NOT_COMPUTED
    if not check_math(INITIAL_VALUES[key])
}
# The names, by the direction of writing, under which a declaration may give a physical property its value.
_LOGICAL: Final = {
    key: {logical(block="ttb", inline=direction) for direction in ("ltr", "rtl")}
    for key, logical in PHYSICAL_FUNCTIONS.items()
}
_RADII: Final = tuple(
    f"border_{corner}_radius" for corner in ("top_left", "top_right", "bottom_right", "bottom_left")
)
_NO_RADIUS: Final = INITIAL_VALUES["border_top_left_radius"]
_MINIMA: Final = {"min_width", "min_height"}
_WRAPPING: Final = {"normal", "pre-wrap", "pre-line"}
# A word that no line break may fall into, and the end of the text or a space that one may follow: Latin letters,
# digits, full stops, commas and colons (UAX #14, LB13, LB18, LB23, LB25, LB28, LB29).
_LATIN: Final = "0-9A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u017f"
_SHORTEST: Final = re.compile(f"([{_LATIN}][{_LATIN}.,:]*)(?:\\Z|( )(?=[{_LATIN}]))")


def install() -> None:
    """Take the shorter ways from now on, in all of the process."""
    if weasyprint.__version__ != VERSION:
        warnings.warn(
            f"WeasyPrint {weasyprint.__version__} renders without the shortcuts made for {VERSION}: the pages are the"
            " same but take longer; compare the functions that invoicegen.rendering.shortcuts replaces",
            stacklevel=2,
        )
        return
    ComputedStyle.__missing__ = _computed
    percent.resolve_one_percentage = _one_percentage
    background.resolve_radii_percentages = _radii_percentages
    inline.split_first_line = _first_line
    preferred.split_first_line = _measured_line
    inline.strut = _remembered_strut
    line_break.get_font_description = _remembered_description
    pdf_fonts.pango = _QuickMetrics()


def remove() -> None:
    """Go WeasyPrint's own ways again."""
    ComputedStyle.__missing__ = _missing
    percent.resolve_one_percentage = _resolve_one_percentage
    background.resolve_radii_percentages = _resolve_radii_percentages
    inline.split_first_line = preferred.split_first_line = _split_first_line
    inline.strut = _strut
    line_break.get_font_description = _font_description
    pdf_fonts.pango = pango


def _computed(style: Any, key: str) -> Any:
    """A property that no declaration names is inherited or has its initial value."""
    cascaded = style.cascaded
    if key not in cascaded and (key not in _LOGICAL or _LOGICAL[key].isdisjoint(cascaded)):
        if key in _PLAIN_INITIAL:
            value = style[key] = _PLAIN_INITIAL[key]
            return value
        if key in _PLAIN_INHERITED and style.parent_style is not None:
            value = style[key] = style.parent_style[key]
            return value
    return _missing(style, key)


def _one_percentage(box: Any, name: str, refer_to: Any) -> None:
    """A length in pixels, or ``auto``, is no percentage."""
    value = box.style[name]
    if value == "auto":
        setattr(box, name, 0 if name in _MINIMA else "auto")
    elif getattr(value, "unit", None) == "px":
        setattr(box, name, value.value)
    else:
        _resolve_one_percentage(box, name, refer_to)


def _radii_percentages(box: Any) -> None:
    """Nearly all corners are square."""
    style = box.style
    for name in _RADII:
        if style[name] is not _NO_RADIUS:
            _resolve_radii_percentages(box)
            return
        setattr(box, name, (0, 0))


def _remembered_strut(style: Any) -> Any:
    """Struts depend on nothing but the style."""
    known = vars(style)
    if "invoicegen_strut" not in known:
        known["invoicegen_strut"] = _strut(style)
    return known["invoicegen_strut"]


def _remembered_description(style: Any) -> Any:
    """Pango copies the description of a font, so that one serves many layouts."""
    size = style["font_size"]
    names = ("font_style", "font_stretch", "font_weight", "font_variant_caps", "font_variation_settings")
    return _description(tuple(style["font_family"]), size, *map(style.__getitem__, names))


@lru_cache(maxsize=256)
def _description(families: tuple[str, ...], size: float, *rest: Any) -> Any:
    names = ("font_style", "font_stretch", "font_weight", "font_variant_caps", "font_variation_settings")
    return _font_description(
        {"font_family": families, "font_size": size, **dict(zip(names, rest, strict=True))}
    )


class _QuickMetrics:
    """Pango for :mod:`weasyprint.pdf.fonts`, which asks for the metrics of each font but for two of them.

    For the others Pango lays out a sample of text (0.8 ms a font). Ascent and descent are those of the logical
    rectangle of any glyph.
    """

    def __getattr__(self, name: str) -> Any:
        return getattr(pango, name)

    def pango_font_get_metrics(self, font: Any, language: Any) -> Any:
        """The logical rectangle of the font's first glyph, in Pango's units."""
        rectangle = ffi.new("PangoRectangle *")
        pango.pango_font_get_glyph_extents(font, 0, ffi.NULL, rectangle)
        return rectangle

    def pango_font_metrics_get_ascent(self, metrics: Any) -> int:
        """How far the rectangle is above the baseline."""
        return -int(metrics.y)

    def pango_font_metrics_get_descent(self, metrics: Any) -> int:
        """How far it is below."""
        return int(metrics.height) + int(metrics.y)


def _first_line(
    text: str,
    style: Any,
    context: Any,
    max_width: float | None,
    justification_spacing: float,
    is_line_start: bool = True,
    minimum: bool = False,
) -> Any:
    """The first line of a text, which the widths of its table's columns have mostly asked for before.

    Text that does not wrap, or has all the width it may want, is one line for any width that it fits in.
    """
    if justification_spacing or context is None:
        return _split_first_line(
            text, style, context, max_width, justification_spacing, is_line_start, minimum
        )
    if max_width is None or style["white_space"] not in _WRAPPING:
        return _laid_out(_whole(text, style, context), max_width)
    known = _lines(context).get((text, id(style)))
    if known is not None and _fits(known[0], style, max_width):
        return _laid_out(known[0], max_width)
    return _split_first_line(text, style, context, max_width, 0, is_line_start, minimum)


def _measured_line(
    text: str,
    style: Any,
    context: Any,
    max_width: float | None,
    justification_spacing: float,
    is_line_start: bool = True,
    minimum: bool = False,
) -> Any:
    """As :func:`_first_line` where nothing but the width and the end of the line is looked at.

    The narrowest line of a text is its first word, if that is one that cannot be parted.
    """
    if (
        max_width == 0
        and not justification_spacing
        and (found := _SHORTEST.match(text))
        and style["white_space"] in ("normal", "pre-line")
        and style["hyphens"] != "auto"
        and style["overflow_wrap"] != "anywhere"
        and style["word_break"] != "break-all"
        and _unspaced(style)
    ):
        word, space = found.groups()
        line = _whole(word, style, context)
        return (*line[:2], len(word.encode()) + 1 if space else None, *line[3:])
    return _first_line(text, style, context, max_width, justification_spacing, is_line_start, minimum)


def _lines(context: Any) -> dict[tuple[str, int], Any]:
    """The texts of a document that have been laid out without a limit, and their styles (so that ids stay theirs)."""
    lines: dict[tuple[str, int], Any] = vars(context).setdefault("invoicegen_lines", {})
    return lines


def _whole(text: str, style: Any, context: Any) -> Any:
    """The first line of a text that has all the width it may want."""
    lines, key = _lines(context), (text, id(style))
    if key not in lines:
        lines[key] = _split_first_line(text, style, context, None, 0), style
    return lines[key][0]


def _fits(line: Any, style: Any, max_width: float) -> bool:
    """Whether a line laid out without a limit is all of its text, and within the limit in Pango's whole units."""
    _, _, resume_at, width, _, _ = line
    return (
        resume_at is None
        and round(width * TO_UNITS) <= int(max(0, max_width) * TO_UNITS)
        and _unspaced(style)
    )


def _unspaced(style: Any) -> bool:
    return bool(style["letter_spacing"] == "normal" and style["word_spacing"] == 0)


def _laid_out(line: Any, max_width: float | None) -> Any:
    """The line with a layout of its own: whoever paints it changes it."""
    layout = copy(line[0])
    layout.max_width = max_width
    return (layout, *line[1:])
