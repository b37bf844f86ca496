"""The shape of extraction records, which are what ``invoicegen extract`` prints as JSON."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

from invoicegen.extraction.checks import Check
from invoicegen.extraction.line_items import FieldValue
from invoicegen.schema.annotation import DocumentType


class PageRecord(TypedDict):
    """A page that was read.

    Attributes:
        page: From 0.
        width: Pixels of the frame of its boxes.
        height: Pixels.
        words: How many were read.
        coverage: Share of the page's area that their boxes have.
        engine: ``pdf_text``, or the OCR engine that read it.
        turned: Degrees clockwise by which the page was turned to stand upright, where it was; boxes are of the turned
            page.
    """

    page: int
    width: int
    height: int
    words: int
    coverage: float
    engine: str
    turned: NotRequired[Literal[90, 180, 270]]


class PageError(TypedDict):
    """A page, from 0, that could not be read, and why."""

    page: int
    error: str


class DocumentRecord(TypedDict):
    """What a document says.

    Attributes:
        file: Its path.
        document_type: Invoice, credit note or receipt.
        pages: Those that were read.
        fields: Header values by entity type, the one to take first.
        line_items: Rows of the item table, values by entity type.
        tax_lines: Rate, base and tax of each printed tax line.
        checks: What bears out what.
        timings_ms: Milliseconds by phase: ``decode``, ``ocr`` (only where it read a page), ``model``, ``checks`` and
            ``total``.
        needs_review: Whether a person should look at it.
        review_reasons: Why.
        page_errors: Where single pages could not be read.
        embedded_xml: Name of the electronic invoice in the file, where one was read.
        page_range: First and last page in the file, from 0, where the file holds several documents.
    """

    file: str
    document_type: DocumentType
    pages: list[PageRecord]
    fields: dict[str, list[FieldValue]]
    line_items: list[dict[str, FieldValue]]
    tax_lines: list[dict[str, FieldValue]]
    checks: list[Check]
    timings_ms: dict[str, float]
    needs_review: bool
    review_reasons: list[str]
    page_errors: NotRequired[list[PageError]]
    embedded_xml: NotRequired[str]
    page_range: NotRequired[list[int]]


class ErrorRecord(TypedDict):
    """A document that could not be read, and why."""

    file: str
    error: str
