"""Records text while WeasyPrint paints it.

WeasyPrint has no interface for this, so three of its functions are wrapped, once, when this module is imported:
``draw.text.draw_first_line`` paints a line of a text box and leaves its final Pango layout behind;
``draw.draw_stacking_context`` opens clipping areas and transparency; ``pdf.stream.Stream.add_group`` begins a
drawing whose transformation starts anew. They are private: ``pyproject.toml`` pins WeasyPrint 70, and the tests
compare the recorded boxes with those that pdfium reads from the PDF. Outside :meth:`Recorder.recording` the
wrappers do nothing but call the originals.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from operator import itemgetter
from typing import Any, Final

import weasyprint.draw as draw
import weasyprint.draw.text as draw_text
from weasyprint.formatting_structure import boxes
from weasyprint.layout.absolute import AbsolutePlaceholder
from weasyprint.matrix import Matrix
from weasyprint.pdf.stream import Stream
from weasyprint.text.ffi import FROM_UNITS, ffi, pango

from invoicegen.rendering.errors import RenderingError
from invoicegen.rendering.fontconfig import GENERIC_FAMILIES
from invoicegen.rendering.marks import Marks
from invoicegen.rendering.words import Affine, Cluster, PaintedText, Polygon
from invoicegen.templates.fonts import require_installed

# There draw_first_line takes the size from the style (https://gitlab.gnome.org/GNOME/pango/-/issues/530).
_OLD_PANGO: Final = pango.pango_version() < 14802
# Of PangoAnalysis: WeasyPrint declares its four bytes level, gravity, flags, script as one integer.
_FLAGS_SHIFT: Final = 16
_IS_ELLIPSIS: Final = 1 << 1
# pdfium takes the top of a glyph's ink for this much higher than it is.
_PDFIUM_TOP: Final = 1 + 1 / 64
# What is fainter than this cannot be read.
_MIN_OPACITY: Final = 0.05
# PangoGlyphInfo: glyph, width, x_offset; y_offset and attributes are skipped.
_GLYPH_INFO: Final = struct.Struct("=Iii8x")
_first: Final = itemgetter(0)
_SMALL_CAPS: Final = frozenset({"small-caps", "all-small-caps", "petite-caps", "all-petite-caps"})


class Recorder:
    """The text of one document, page by page, in PDF points with the origin at the lower left corner.

    Attributes:
        pages: What each page shows, in the order it was painted; ``matrix`` and ``clips`` lead to PDF points.
    """

    def __init__(self, marks: Marks) -> None:
        self.pages: list[list[PaintedText]] = []
        self._marks = marks
        self._places: dict[int, tuple[int, int]] = {}
        self._clips: tuple[Polygon, ...] = ()
        self._opacity = 1.0
        self._families: set[tuple[str, ...]] = set()
        self._kept: list[object] = []
        self._inks: dict[int, dict[int, tuple[float, float, float, float]]] = {}
        self._rectangle = ffi.new("PangoRectangle *")

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Record all that WeasyPrint paints meanwhile; not for two documents at once in one process."""
        global _active
        _active = self
        try:
            yield
        finally:
            _active = None

    def begin_page(self, page_box: Any) -> None:
        """A new page is going to be painted: remember the line and the block of each of its text boxes."""
        self.pages.append([])
        self._places.clear()
        self._clips, self._opacity = (), 1.0
        self._locate(page_box, 0, 0)

    def _locate(self, box: Any, line: int, block: int) -> None:
        for child in box.children:
            if isinstance(child, AbsolutePlaceholder):
                child = child._box
            if isinstance(child, boxes.TextBox):
                self._places[id(child)] = (line, block)
            elif isinstance(child, boxes.LineBox):
                self._locate(child, id(child), id(box))
            else:
                self._locate(child, line, block)

    def stacking_context(self, stream: Any, context: Any, paint: Any) -> None:
        """Paint a stacking context and note what it clips and how transparent it is."""
        box = context.box
        before = self._clips, self._opacity
        outer = _page_matrix(stream)
        clips = list(self._clips)
        if box.is_for_root_element and context.page.style["overflow"] != "visible":
            clips.append(_rectangle(context.page.rounded_padding_box()[:4], outer))
        if box.is_absolutely_positioned() and box.style["clip"]:
            clips.append(_rectangle(_clip_rectangle(box), outer))
        if box.style["overflow"] != "visible" and not isinstance(box, boxes.PageBox):
            inner = box.transformation_matrix @ outer if box.transformation_matrix else outer
            clips.append(_rectangle(box.rounded_padding_box()[:4], inner))
        self._clips = tuple(clips)
        self._opacity *= box.style["opacity"]
        try:
            paint(stream, context)
        finally:
            self._clips, self._opacity = before

    def line(self, stream: Any, textbox: Any, matrix: Any) -> None:
        """Record the line of text that was just painted."""
        style = textbox.style
        if self._opacity < _MIN_OPACITY or style["color"].alpha < _MIN_OPACITY:
            return
        self._check_families(style)
        element = getattr(textbox, "element", None)
        place = self._places.get(id(textbox))
        if place is None:  # SVG text, painted letter by letter, shares a style a run
            self._kept.append(style)
            place = (id(style), id(style))
        spacing = style["letter_spacing"]
        clusters = (
            self._clusters(stream, textbox) if textbox.text.strip() else (Cluster(" ", 0.0, 0.0, 0.0, 0.0),)
        )
        values: Affine = (matrix @ _page_matrix(stream)).values
        self.pages[-1].append(
            PaintedText(
                clusters=clusters,
                matrix=values,
                mark=self._marks.of(element),
                line=place[0],
                block=place[1],
                clips=self._clips,
                letter_spacing=0.0 if spacing == "normal" else float(spacing),
            )
        )

    def _clusters(self, stream: Any, textbox: Any) -> tuple[Cluster, ...]:
        """The glyph clusters of the line that the Pango layout holds, in logical order.

        Positions follow the numbers that ``draw_first_line`` writes to the PDF (whole thousandths of the font size),
        not Pango's own, so they agree with what a PDF reader sees.
        """
        style = textbox.style
        line, _ = textbox.pango_layout.get_first_line()
        encoded = textbox.pango_layout.text.encode()
        capitals = style["font_variant_caps"] in _SMALL_CAPS
        x = 0.0
        found: list[tuple[int, Cluster]] = []
        run = line.runs[0]
        while run != ffi.NULL:
            glyph_item = run.data
            run = run.next
            item, glyph_string = glyph_item.item, glyph_item.glyphs
            count = glyph_string.num_glyphs
            starts = ffi.unpack(glyph_string.log_clusters, count)
            pango_font = item.analysis.font
            font, size = stream.add_font(pango_font)
            if _OLD_PANGO or font.png:
                size = style["font_size"]
            unit = size / 1000
            line_top, line_bottom = font.ascent * unit, -font.descent * unit
            widths, inks = font.widths, self._inks.setdefault(id(font), {})
            # left, right, top and bottom by first byte: a cluster's box grows with its glyphs
            spans: dict[int, list[float]] = {}
            glyphs = _GLYPH_INFO.iter_unpack(ffi.buffer(glyph_string.glyphs, count * _GLYPH_INFO.size))
            for start, (glyph, width, x_offset) in zip(starts, glyphs, strict=True):
                if glyph == pango.PANGO_GLYPH_EMPTY:
                    spans.setdefault(start, [x, x, line_top, line_bottom])
                    x += width / size * unit
                    continue
                if glyph & pango.PANGO_GLYPH_UNKNOWN_FLAG:
                    glyph = font.get_unused_glyph_id(glyph - pango.PANGO_GLYPH_UNKNOWN_FLAG)
                offset = x_offset / size
                logical = widths[glyph]
                origin = x + offset * unit
                ink = inks.get(glyph)
                if ink is None:
                    ink = inks[glyph] = self._ink(glyph, pango_font, size)
                span = spans.get(start)
                if span is None:
                    span = spans[start] = [origin, origin, line_top, line_bottom]
                left, right = origin + ink[0] * size, origin + ink[1] * size
                advance = origin + logical * unit
                span[0] = min(span[0], origin, left)
                span[1] = max(span[1], advance, right)
                if (top := ink[2] * size * _PDFIUM_TOP) > span[2]:
                    span[2] = top
                if (bottom := ink[3] * size) > span[3]:
                    span[3] = bottom
                kerning = logical + offset - width * 1000 * FROM_UNITS / size
                x += (offset + logical - int(kerning)) * unit
            begin = item.offset
            if (item.analysis.level >> _FLAGS_SHIFT) & _IS_ELLIPSIS:
                (only,) = spans.values()
                found.append((begin, Cluster("…" if count == 1 else "." * count, *only)))
                continue
            places = sorted(spans)
            for start, end in zip(places, [*places[1:], item.length], strict=True):
                text = encoded[begin + start : begin + end].decode()
                found.append((begin + start, Cluster(text.upper() if capitals else text, *spans[start])))
        found.sort(key=_first)
        return tuple(cluster for _, cluster in found)

    def _ink(self, glyph: int, pango_font: Any, size: float) -> tuple[float, float, float, float]:
        """Left, right, top above and bottom below the baseline of a glyph's ink, in shares of the font size."""
        box, unit = self._rectangle, FROM_UNITS / size
        pango.pango_font_get_glyph_extents(pango_font, glyph, box, ffi.NULL)
        if box.width == 0 or box.height == 0:
            return (0.0, 0.0, -math.inf, -math.inf)
        return box.x * unit, (box.x + box.width) * unit, -box.y * unit, (box.y + box.height) * unit

    def _check_families(self, style: Any) -> None:
        families = tuple(style["font_family"])
        if families not in self._families:
            require_installed(family for family in families if family not in GENERIC_FAMILIES)
            self._families.add(families)


_active: Recorder | None = None


def _page_matrix(stream: Any) -> Any:
    """From the stream's current coordinates to PDF points, through the groups it is in."""
    outer = getattr(stream, "outer_matrix", None)
    return stream.ctm if outer is None else stream.ctm @ outer


def _rectangle(box: tuple[float, float, float, float], matrix: Any) -> Polygon:
    x, y, width, height = box
    corners = ((x, y), (x + width, y), (x + width, y + height), (x, y + height))
    return tuple(tuple(matrix.transform_point(*corner)) for corner in corners)


def _clip_rectangle(box: Any) -> tuple[float, float, float, float]:
    """The area of CSS ``clip``, as WeasyPrint paints it."""
    top, right, bottom, left = box.style["clip"]
    top = 0 if top == "auto" else top
    right = 0 if right == "auto" else right
    bottom = box.border_height() if bottom == "auto" else bottom
    left = box.border_width() if left == "auto" else left
    return box.border_box_x() + right, box.border_box_y() + top, left - right, bottom - top


_draw_first_line = draw_text.draw_first_line
_draw_stacking_context = draw.draw_stacking_context
_add_group = Stream.add_group
_add_pattern = Stream.add_pattern


def _recorded_first_line(
    stream: Any, textbox: Any, text_overflow: Any, block_ellipsis: Any, matrix: Any
) -> Any:
    emojis = _draw_first_line(stream, textbox, text_overflow, block_ellipsis, matrix)
    if _active is not None:
        _active.line(stream, textbox, matrix)
    return emojis


def _recorded_stacking_context(stream: Any, stacking_context: Any) -> None:
    if _active is None:
        _draw_stacking_context(stream, stacking_context)
    else:
        _active.stacking_context(stream, stacking_context, _draw_stacking_context)


def _placed_group(self: Any, x: float, y: float, width: float, height: float) -> Any:
    group = _add_group(self, x, y, width, height)
    group.outer_matrix = _page_matrix(self)
    return group


class _Nowhere(Matrix):  # type: ignore[misc]
    """The place of a repeated pattern: text in it is printed any number of times."""

    def __rmatmul__(self, other: Any) -> Any:
        raise RenderingError("text in a background pattern has no single place: draw it as an element")


def _placeless_pattern(self: Any, *arguments: Any) -> Any:
    pattern = _add_pattern(self, *arguments)
    pattern.outer_matrix = _Nowhere()
    return pattern


draw_text.draw_first_line = _recorded_first_line
draw.draw_stacking_context = _recorded_stacking_context
Stream.add_group = _placed_group
Stream.add_pattern = _placeless_pattern
