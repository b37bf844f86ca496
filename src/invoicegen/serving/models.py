"""Version 1 of what the service answers with. Fields may be added within a version; none goes or changes meaning."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from invoicegen.schema.annotation import DocumentType

API_VERSION: Final = "v1"

Box = Annotated[
    list[float],
    Field(min_length=4, max_length=4, description="x0, y0, x1, y1 in pixels of the page, origin top left"),
]


class _Answer(BaseModel):
    model_config = ConfigDict(extra="allow")


class FieldValue(_Answer):
    """A value that was found."""

    value: str | None = Field(
        description="normalised: ISO date, decimal with a point, ISO 4217; null where the print cannot be read as one"
    )
    text: str = Field(description="as printed")
    confidence: float = Field(ge=0, le=1)
    page: int | None = Field(
        ge=0, description="from 0; null for what only the XML in a PDF says, or the country of the seller"
    )
    box: Box | None


class PageSummary(_Answer):
    """A page that was read."""

    page: int = Field(ge=0, description="from 0")
    width: int = Field(gt=0, description="pixels; the frame of all boxes of this page")
    height: int = Field(gt=0, description="pixels")
    words: int = Field(ge=0, description="number of words")
    coverage: float = Field(ge=0, le=1, description="share of the page's area that the words have")
    engine: str = Field(description="what read it; pdf_text: its own text layer")
    turned: Literal[90, 180, 270] | None = Field(
        None,
        description="degrees clockwise by which the page was turned to stand upright; boxes are of the turned page",
    )


class PageError(_Answer):
    """A page that could not be read."""

    page: int = Field(ge=0)
    error: str


class Check(_Answer):
    """A rule, applied to what was found."""

    rule: str
    subject: str = Field(description="field, line item or tax line that it is about")
    status: Literal["ok", "failed", "not_applicable"]
    expected: str | None = Field(
        description="what the other values ask for; null where the rule could not run"
    )
    got: str | None = Field(description="what is there; null where the rule could not run")
    reason: str | None = Field(description="why the rule could not run; null where it ran")


class ReadWord(_Answer):
    """A word as it was read."""

    text: str
    box: Box
    quad: list[float] | None = Field(
        None, description="corners, eight numbers, where the word is not upright"
    )
    line_id: int | None = Field(None, description="same for the words of a line")
    segment_id: int | None = Field(None, description="same for the words that stand close together in a line")
    source: str | None = Field(None, description="pdf: the text layer; ocr: the pixels")
    confidence: float | None = Field(None, description="of the engine that read it")


class PageWord(ReadWord):
    """A word as it was read, and how the model labelled it."""

    ner_tag: str
    ner_confidence: float
    table_tag: str
    cell_tag: str


class PageWords(_Answer):
    """The words of a page, in reading order."""

    page: int
    words: list[PageWord]


class PageImage(_Answer):
    """A page as a picture."""

    page: int
    media_type: Literal["image/jpeg"] = "image/jpeg"
    data: str = Field(description="Base64")


class ExtractionResult(_Answer):
    """What a document says."""

    file: str
    document_type: DocumentType
    pages: list[PageSummary]
    fields: dict[str, list[FieldValue]] = Field(description="by entity type, the most confident value first")
    line_items: list[dict[str, FieldValue]]
    tax_lines: list[dict[str, FieldValue]] = Field(
        description="rate, base and amount of each tax that is printed"
    )
    checks: list[Check]
    needs_review: bool = Field(description="whether a person should look at it")
    review_reasons: list[str] = Field(description="why")
    timings_ms: dict[str, float]
    embedded_xml: str | None = Field(
        None, description="name of the electronic invoice in a PDF, where one was read"
    )
    page_errors: list[PageError] | None = Field(None, description="pages that could not be read")
    page_range: list[int] | None = Field(
        None,
        min_length=2,
        max_length=2,
        description="of a document among `documents`: first and last page, from 0",
    )
    documents: list[ExtractionResult] | None = Field(
        None,
        description="where the file holds several documents: what each says; the values beside it are of all its pages",
    )
    page_words: list[PageWords] | None = Field(None, description="where include has words")
    page_images: list[PageImage] | None = Field(None, description="where include has images")


class BatchDocument(_Answer):
    """A document of a batch."""

    number: int = Field(ge=0, description="its place in the request, from 0")
    file: str
    status: Literal["queued", "running", "done", "failed"]


class Batch(_Answer):
    """Documents that are read together."""

    id: str
    status: Literal["running", "finished"]
    created: dt.datetime
    finished: dt.datetime | None
    expires: dt.datetime | None = Field(description="when the results of a finished batch are deleted")
    documents: list[BatchDocument]
    webhook: Literal["pending", "delivered", "gave_up"] | None = Field(
        description="whether the owner has been told; null while the batch runs, or where nobody is to be told"
    )


class DocumentFailure(_Answer):
    """A document of a batch that could not be read."""

    file: str
    error: str


class BatchResult(_Answer):
    """What became of a document of a batch."""

    number: int = Field(ge=0)
    result: ExtractionResult | DocumentFailure


class BatchResults(_Answer):
    """Results of a batch, by number."""

    results: list[BatchResult]
    next: int | None = Field(description="where to go on, as `start`; null where there are no more yet")


class EntityType(_Answer):
    """A kind of value."""

    name: str
    value_kind: str = Field(description="how its value is normalised")
    in_line_items: bool
    description: str


class SchemaAnswer(_Answer):
    """The shape of results, and what the model looks for."""

    api_version: str
    invoicegen_version: str
    entity_types: list[EntityType]
    result: dict[str, Any] = Field(description="JSON Schema of a result")


class Health(_Answer):
    """The service runs, or is ready."""

    status: Literal["ok", "ready"]
    version: str


class ReadPage(_Answer):
    """The words of a page."""

    page: int = Field(ge=0, description="from 0")
    width: int = Field(gt=0, description="pixels; the frame of all boxes of this page")
    height: int = Field(gt=0, description="pixels")
    dpi: float | None = Field(description="pixels an inch; null for an image that does not say")
    engine: str = Field(description="what read it; pdf_text: its own text layer")
    words: list[ReadWord] = Field(description="in reading order")


class OcrResult(_Answer):
    """The words of a document."""

    file: str
    pages: list[ReadPage]
    page_errors: list[PageError] = Field(description="pages that could not be read")
    timings_ms: dict[str, float]


class Engine(_Answer):
    """An OCR engine that requests may ask for."""

    name: str
    version: str
    languages: list[str] = Field(description="codes of the languages that it reads")


class Engines(_Answer):
    """OCR engines that requests may ask for, the default first."""

    engines: list[Engine]
