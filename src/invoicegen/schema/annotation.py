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

    text: str
    box: list[float] = Field(min_length=4, max_length=4)
    quad: list[float] | None = Field(default=None, min_length=8, max_length=8)
    line_id: int | None = None
    segment_id: int | None = None
    visible: float = 1.0
    source: WordSource = "template"
    confidence: float | None = None


class Entity(_Record):
    """A printed value: the words it covers, and what they mean once normalised."""

    id: str
    type: str
    words: list[int]
    text: str
    value: str | None
    value_kind: Literal["string", "date", "money", "decimal", "percent", "code", "address"]
    box: list[float] = Field(min_length=4, max_length=4)
    occurrence: Literal["primary", "repeat"] = "primary"


class Relation(_Record):
    """Entities that belong together: the cells of a line item, or the figures of one tax line."""

    type: Literal["line_item", "tax_line"]
    id: str
    members: list[str]
    continues: str | None = None


class TableRegion(_Record):
    """The line-item table (or another one) as a grid."""

    id: str
    box: list[float] = Field(min_length=4, max_length=4)
    kind: Literal["line_items", "other"] = "line_items"
    continues: str | None = None
    columns: list[dict[str, Any]]
    rows: list[dict[str, Any]]
    cells: list[dict[str, Any]]


class Provenance(_Record):
    """Where a page and its labels came from."""

    generator: str
    generator_version: str
    seed: int
    template_family: TemplateFamily
    template: str
    layout_params: dict[str, Any] = {}
    locale: str
    currency: str
    renderer: str
    dpi: int
    fonts: list[str] = []
    augmentations: list[dict[str, Any]] = []
    ocr: dict[str, Any] | None = None
    label_source: LabelSource
    taxonomy: str = TAXONOMY_VERSION
    created_by_run: str | None = None
    split_group: str


class Page(_Record):
    """One labelled page: what the model trains on. All lists named ``*_tags`` have one entry a word."""

    schema_version: Literal["1.0"] = "1.0"
    doc_id: str
    page: int = Field(ge=0)
    page_count: int = Field(ge=1)
    split: Split | None = None
    document_type: DocumentType
    image: str
    image_sha256: str = Field(pattern="^[0-9a-f]{64}$")
    width: int = Field(gt=0)
    height: int = Field(gt=0)
    words: list[Word]
    boxes_1000: list[GridBox]
    ner_tags: list[str]
    table_tags: list[str]
    cell_tags: list[str]
    entities: list[Entity]
    relations: list[Relation]
    tables: list[TableRegion]
    provenance: Provenance


def check_page(page: Page, labels: LabelSet = DEFAULT_LABELS) -> list[str]:
    """What breaks the invariants of ``annotation_schema.md`` on this page; empty when it is sound.

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
