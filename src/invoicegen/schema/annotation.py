"""Annotation records, schema 1.0: what a labelled page is.

The JSON Schema of :class:`Page` agrees with ``page.schema.json`` beside this module (a test compares them).
:func:`check_page` enforces the invariants that a JSON Schema cannot say.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from invoicegen.geometry import to_layout_grid
from invoicegen.schema.taxonomy import (
    CELL_LABELS,
    DEFAULT_LABELS,
    ITEM_ENTITY_TYPES,
    TABLE_LABELS,
    TAXONOMY_VERSION,
    LabelSet,
    bio_tags,
)

DocumentType = Literal["invoice", "credit_note", "receipt"]
TemplateFamily = Literal["modern", "classic", "receipt"]
Split = Literal["train", "validation", "test"]
WordSource = Literal["template", "pdf", "ocr"]
LabelSource = Literal["template", "ocr_aligned", "human", "model"]


GridBox = Annotated[list[Annotated[int, Field(ge=0, le=1000)]], Field(min_length=4, max_length=4)]
"""A box on the 0-1000 grid."""


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Word(_Record):
    """One word of a page; ``box`` in pixels of the page image."""

    text: str = Field(description="what is read")
    box: list[float] = Field(
        min_length=4, max_length=4, description="x0, y0, x1, y1 in pixels of the page image, origin top left"
    )
    quad: list[float] | None = Field(
        default=None,
        min_length=8,
        max_length=8,
        description="corners in pixels, x and y of each, where the word does not stand upright",
    )
    line_id: int | None = Field(None, description="number of the printed line")
    segment_id: int | None = Field(
        None, description="number of the text segment (a cell, or a line of a block)"
    )
    visible: float = Field(1.0, description="share of the print that augmentation has left to be seen")
    source: WordSource = Field(
        "template", description="who read the word: the renderer, the text layer of the PDF, or an OCR engine"
    )
    confidence: float | None = Field(None, description="of the OCR engine")


class Entity(_Record):
    """A printed value: the words it covers, and what they mean once normalised."""

    id: str = Field(description="unique on the page")
    type: str = Field(description="a name of the taxonomy, or an entity type of one's own")
    words: list[int] = Field(description="numbers of the words that it covers")
    text: str = Field(description="the words, joined by spaces")
    value: str | None = Field(
        description="what the text means: ISO date, decimal with a point, ISO 4217, IBAN without spaces; null "
        "where the print cannot be read as its kind"
    )
    value_kind: Literal["string", "date", "money", "decimal", "percent", "code", "address"] = Field(
        description="how the value is written and compared"
    )
    box: list[float] = Field(min_length=4, max_length=4, description="around its words, in pixels")
    occurrence: Literal["primary", "repeat"] = Field(
        "primary", description="repeat: the document prints the value elsewhere too"
    )


class Relation(_Record):
    """Entities that belong together: the cells of a line item, or the figures of one tax line."""

    type: Literal["line_item", "tax_line"] = Field(description="what holds them together")
    id: str = Field(description="unique on the page")
    members: list[str] = Field(description="ids of the entities")
    continues: str | None = Field(None, description="id of the part on the page before")


class TableRegion(_Record):
    """The line-item table (or another one) as a grid."""

    id: str = Field(description="unique on the page")
    box: list[float] = Field(min_length=4, max_length=4, description="around the table, in pixels")
    kind: Literal["line_items", "other"] = Field("line_items", description="what the table lists")
    continues: str | None = Field(None, description="id of the part on the page before")
    columns: list[dict[str, Any]] = Field(description="of each column what it holds")
    rows: list[dict[str, Any]] = Field(
        description="of each row its kind: header, data, section, carry, subtotal"
    )
    cells: list[dict[str, Any]] = Field(description="of each cell row, column and numbers of words")


class Provenance(_Record):
    """Where a page and its labels came from."""

    generator: str = Field(description="what made the page")
    generator_version: str = Field(description="its version")
    seed: int = Field(description="of the run")
    template_family: TemplateFamily = Field(description="family of layouts")
    template: str = Field(description="name of the layout")
    layout_params: dict[str, Any] = Field({}, description="genes of the layout")
    locale: str = Field(description="language and country, as de_AT; und where nobody knows")
    currency: str = Field(description="ISO 4217; XXX where the document prints none")
    renderer: str = Field(description="what painted the page; none for pages that nobody generated")
    dpi: int = Field(description="resolution of the page image")
    fonts: list[str] = Field([], description="families on the page")
    augmentations: list[dict[str, Any]] = Field([], description="effects in order, each with its parameters")
    ocr: dict[str, Any] | None = Field(
        None, description="engine, version and how well it read; null for words of the renderer"
    )
    label_source: LabelSource = Field(description="who says that the labels are right")
    taxonomy: str = Field(TAXONOMY_VERSION, description="version of the taxonomy")
    created_by_run: str | None = Field(None, description="session of Kedro")
    split_group: str = Field(
        description="what the splitter keeps together: a layout, or the seller of a real document"
    )


class Page(_Record):
    """One labelled page: what the model trains on. All lists named ``*_tags`` have one entry a word."""

    schema_version: Literal["1.0"] = Field("1.0", description="of this schema")
    doc_id: str = Field(description="of the document; with `page` unique")
    page: int = Field(ge=0, description="number of the page, from 0")
    page_count: int = Field(ge=1, description="pages of the document")
    split: Split | None = Field(None, description="where the page was dealt to")
    document_type: DocumentType = Field(description="kind of document")
    image: str = Field(description="path of the page image")
    image_sha256: str = Field(pattern="^[0-9a-f]{64}$", description="hash of the image file")
    width: int = Field(gt=0, description="of the image in pixels")
    height: int = Field(gt=0, description="of the image in pixels")
    words: list[Word] = Field(description="in reading order")
    boxes_1000: list[GridBox] = Field(
        description="boxes of the words on the 0-1000 grid of LayoutLM; follow from `words`"
    )
    ner_tags: list[str] = Field(description="BIO label of each word; follow from `entities`")
    table_tags: list[str] = Field(description="OUTSIDE, INSIDE or CELL of each word")
    cell_tags: list[str] = Field(description="EMPTY, HEADER or DATA of each word")
    entities: list[Entity] = Field(description="printed values")
    relations: list[Relation] = Field(description="line items and tax lines")
    tables: list[TableRegion] = Field(description="grids of tables")
    provenance: Provenance = Field(description="where all this came from")


def check_page(page: Page, labels: LabelSet = DEFAULT_LABELS) -> list[str]:
    """What breaks the invariants of ``docs/reference/annotation-schema.md`` on this page; empty when it is sound.

    Invariant 8 (no unknown keys) is the records' own; 9 concerns documents, not pages.
    """
    problems: list[str] = []
    n = len(page.words)
    for name in ("boxes_1000", "ner_tags", "table_tags", "cell_tags"):
        length = len(getattr(page, name))
        if length != n:
            problems.append(f"{name} has {length} entries for {n} words")
    if problems:
        return problems
    for i, word in enumerate(page.words):
        x0, y0, x1, y1 = word.box
        if not (0 <= x0 <= x1 <= page.width and 0 <= y0 <= y1 <= page.height):
            problems.append(f"word {i} {word.text!r}: box {word.box} is not on the page")
    if n:
        grid = to_layout_grid(np.array([word.box for word in page.words]), page.width, page.height)
        wrong = np.flatnonzero((grid != np.array(page.boxes_1000)).any(axis=1))
        problems += [f"boxes_1000[{i}] does not follow from the box" for i in wrong]
    problems += [f"unknown table tag {tag!r}" for tag in set(page.table_tags) - set(TABLE_LABELS)]
    problems += [f"unknown cell tag {tag!r}" for tag in set(page.cell_tags) - set(CELL_LABELS)]
    problems += [
        f"entity {entity.id}: unknown type {entity.type!r}"
        for entity in page.entities
        if entity.type not in labels.value_kinds
    ]
    problems += [
        f"entity {entity.id}: words {entity.words} are not places of {n} words"
        for entity in page.entities
        if not entity.words or min(entity.words) < 0 or max(entity.words) >= n
    ]
    ids = {entity.id for entity in page.entities}
    if len(ids) != len(page.entities):
        problems.append("two entities share an id")
    if problems:
        return problems
    try:
        tags = bio_tags(n, [(entity.type, entity.words) for entity in page.entities], labels)
    except ValueError as error:
        return [*problems, f"entities: {error}"]
    problems += [
        f"ner_tags[{i}] is {given}, its entity says {rebuilt}"
        for i, (given, rebuilt) in enumerate(zip(page.ner_tags, tags, strict=True))
        if given != rebuilt
    ]
    for entity in page.entities:
        text = " ".join(page.words[i].text for i in entity.words)
        if text != entity.text:
            problems.append(f"entity {entity.id}: text {entity.text!r} is not its words {text!r}")
    for i, (ner, table, cell) in enumerate(zip(page.ner_tags, page.table_tags, page.cell_tags, strict=True)):
        if (table == "OUTSIDE") != (cell == "EMPTY"):
            problems.append(f"word {i}: table tag {table} with cell tag {cell}")
        if ner[2:] in ITEM_ENTITY_TYPES and cell != "DATA":
            problems.append(f"word {i}: {ner} in a cell tagged {cell}")
    problems += [
        f"relation {relation.id}: no entity {member!r}"
        for relation in page.relations
        for member in relation.members
        if member not in ids
    ]
    return problems
