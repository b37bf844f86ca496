"""The words of a page, from wherever they are best had."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from invoicegen.ocr.documents import Document, DocumentError, PageSource
from invoicegen.ocr.engine import PDF_TEXT, OcrEngine
from invoicegen.schema.annotation import Word


@dataclass(frozen=True, slots=True)
class PageWords:
    """What was read of one page.

    Attributes:
        page: From 0.
        width: Pixels of the frame of the boxes.
        height: Pixels.
        words: In reading order.
        engine: Name of the engine that read them, or ``pdf_text``.
    """

    page: int
    width: int
    height: int
    words: list[Word]
    engine: str


def read_page(source: PageSource, engine: OcrEngine) -> tuple[list[Word], str]:
    """Read a page: its text layer where that is of use, else its pixels.

    Returns:
        The words in reading order, boxes in pixels of ``source.image``; and the name of what read them,
        ``pdf_text`` or ``engine.name``.

    Raises:
        DocumentError: If the page cannot be read.
    """
    words = source.text_words
    if words is not None:
        return words, PDF_TEXT
    return engine.recognise(source.image), engine.name


def read_document(document: Document, engine: OcrEngine) -> Iterator[PageWords | DocumentError]:
    """Read page after page; a broken page comes as its error in its place, and the others go on."""
    for source in document.pages:
        try:
            words, name = read_page(source, engine)
            yield PageWords(source.page, source.width, source.height, words, name)
        except DocumentError as error:
            yield error
