"""The entry point of rendering; WeasyPrint is imported at the first call, not before."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from invoicegen.schema.truth import TruePage


@dataclass(frozen=True, slots=True)
class RenderedDocument:
    """A laid-out document.

    Attributes:
        pdf: The file; the same bytes for the same XHTML, dpi aside, whatever the process.
        pages: The words of each page, in pixels of that page's raster.
        fonts: Names of the families that were really painted, in alphabetical order.
    """

    pdf: bytes
    pages: list[TruePage]
    fonts: list[str]


def render_document(html: str, *, dpi: int = 150) -> RenderedDocument:
    """Lay out a document and record its words.

    Words are split at Unicode spaces (U+00A0 and U+202F among them) and where the entity changes; the parts of one
    word in several inline elements are joined. What is clipped away, hidden behind an ellipsis, transparent or
    outside the page is no word. A word's box spans its glyphs' advance widths and, across the line, one font size
    shared between ascent and descent as the font does: pdfium's loose character box.

    Args:
        html: Well-formed XHTML. ``data-entity``, ``data-field``, ``data-value``, ``data-group``, ``data-cell``,
            ``data-column`` and ``data-row`` on an element say what the words inside it are; ``data-blank`` on the body
            cuts the last page so many millimetres below its last line, as a roll of paper is.
        dpi: Resolution of the raster that the word boxes refer to.

    Returns:
        The PDF, its words and fonts.

    Raises:
        RenderingError: If the XHTML is not well-formed, names an entity type that the taxonomy lacks, loads
            something from outside the document, or prints a character that no listed font has.
        invoicegen.templates.fonts.FontError: If it asks for a font family that is not listed or not installed.
    """
    from invoicegen.rendering.engine import render

    return render(html, dpi)


def render_factur_x(html: str, xml: bytes, day: dt.date) -> bytes:
    """The document as PDF/A-3b with its electronic invoice inside: a Factur-X (ZUGFeRD 2) file.

    Args:
        html: Well-formed XHTML, as for :func:`render_document`; the pages look the same.
        xml: The invoice in the profile EN 16931 of Factur-X, see :func:`invoicegen.einvoice.write_xml`.
        day: Date of creation that the file states, so that the same document gives the same bytes.

    Raises:
        RenderingError: If the XHTML is not well-formed.

    Source:
        Factur-X 1.0, 6: attachment ``factur-x.xml`` with relationship Data, XMP properties and extension schema;
        ISO 19005-3:2012 (PDF/A-3).
    """
    from invoicegen.rendering.engine import render_factur_x as render

    return render(html, xml, day)
