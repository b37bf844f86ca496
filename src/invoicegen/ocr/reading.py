"""The words of a page, from wherever they are best had."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from invoicegen.ocr.documents import Document, DocumentError, PageSource
from invoicegen.ocr.engine import PDF_TEXT, OcrEngine
from invoicegen.ocr.orientation import Turn, read_upright
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
        turn: Degrees clockwise by which the page was turned to stand upright; the frame is that of the turned page.
    """

    page: int
    width: int
    height: int
    words: list[Word]
    engine: str
    turn: Turn = 0


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


def read_page_upright(source: PageSource, engine: OcrEngine) -> PageWords:
    """Read a page as :func:`read_page` does, turned upright first where it lies on its side or stands on its head.

    Raises:
        DocumentError: If the page cannot be read.
    """
    words = source.text_words
    if words is not None:
        return PageWords(source.page, source.width, source.height, words, PDF_TEXT)
    words, turn = read_upright(source.image, engine)
    size = (source.height, source.width) if turn in (90, 270) else (source.width, source.height)
    return PageWords(source.page, *size, words, engine.name, turn)


def read_document(document: Document, engine: OcrEngine) -> Iterator[PageWords | DocumentError]:
    """Read page after page; a broken page comes as its error in its place, and the others go on."""
    for source in document.pages:
        try:
            words, name = read_page(source, engine)
            yield PageWords(source.page, source.width, source.height, words, name)
        except DocumentError as error:
            yield error
