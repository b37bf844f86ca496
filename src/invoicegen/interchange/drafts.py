"""From pages as foreign formats tell them to pages of schema 1.0 with ``label_source`` human."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np

from invoicegen import __version__
from invoicegen.geometry import to_layout_grid, union
from invoicegen.interchange.errors import InterchangeError
from invoicegen.interchange.options import ReadOptions
from invoicegen.interchange.records import DraftPage, LabelledPage
from invoicegen.schema.annotation import (
    DocumentType,
    Entity,
    Page,
    Provenance,
    Relation,
    Word,
    check_page,
)
from invoicegen.schema.taxonomy import DEFAULT_LABELS, ITEM_ENTITY_TYPES, LabelSet, bio_tags

TOLERANCE_PX: Final = 1.0
"""A box may pass the edge of the page by this much: whole-number boxes are rounded."""

_DOCUMENT_TYPES: Final[dict[str, DocumentType]] = {
    "380": "invoice",
    "384": "invoice",
    "381": "credit_note",
    "rcpt": "receipt",
}


def finish(
    drafts: Sequence[DraftPage],
    options: ReadOptions,
    default_type: DocumentType,
    labels: LabelSet = DEFAULT_LABELS,
) -> list[LabelledPage]:
    """Pages of schema 1.0, or none.

    Words are put in reading order, as those that the model reads in use are. Values are read from the print by the
    rules of extraction. What no foreign format knows says so in the provenance: seed 0, renderer ``none``.

    Raises:
        InterchangeError: If a box is not on its page, a page of a document is missing or there twice, or a page breaks
            the invariants of the schema.
    """
    documents: dict[str, list[DraftPage]] = {}
    for draft in drafts:
        documents.setdefault(draft.doc_id, []).append(draft)
    return [
        page
        for document in documents.values()
        for page in _document(sorted(document, key=lambda draft: draft.page), options, default_type, labels)
    ]


def _document(
    drafts: list[DraftPage], options: ReadOptions, default_type: DocumentType, labels: LabelSet
) -> Iterable[LabelledPage]:
    from invoicegen.extraction.hints import infer_hints
    from invoicegen.extraction.values import normalise_value

    numbers = [draft.page for draft in drafts]
    if numbers != list(range(drafts[0].page_count)):
        raise InterchangeError(
            f"{drafts[0].where}: document {drafts[0].doc_id} has pages {numbers}, expected each of 0 to "
            f"{drafts[0].page_count - 1} once; add what is missing, or give other documents other names"
        )
    ordered = [_in_order(_on_page(draft, options)) for draft in drafts]
    hints = infer_hints([word.text for draft in ordered for word in draft.words])
    fields: set[tuple[str, str]] = set()
    groups: set[str] = set()
    parts: list[tuple[DraftPage, list[Entity], list[Relation]]] = []
    for draft in ordered:
        entities: list[Entity] = []
        members: dict[str, list[str]] = {}
        for number, one in enumerate(sorted(draft.entities, key=lambda one: one.words[0]), 1):
            text = " ".join(draft.words[i].text for i in one.words)
            value = normalise_value(one.type, text, hints, labels)
            # A figure in another row is another figure, however equal; a header value printed again is a repeat.
            key = (one.type, value or text.casefold())
            repeated = one.type not in ITEM_ENTITY_TYPES and one.group is None and key in fields
            occurrence: Literal["primary", "repeat"] = (
                "repeat" if (repeated if one.repeat is None else one.repeat) else "primary"
            )
            fields.add(key)
            entities.append(
                Entity(
                    id=f"e{number}",
                    type=one.type,
                    words=one.words,
                    text=text,
                    value=value,
                    value_kind=labels.value_kinds[one.type],
                    box=list(union([draft.words[i].box for i in one.words])),
                    occurrence=occurrence,
                )
            )
            if one.group is not None:
                members.setdefault(one.group, []).append(f"e{number}")
        relations = [
            Relation(
                type=draft.groups[group], id=group, members=ids, continues=group if group in groups else None
            )
            for group, ids in members.items()
        ]
        groups.update(members)
        parts.append((draft, entities, relations))
    values = [entity for _, entities, _ in parts for entity in entities]
    named = next((d.document_type for d in ordered if d.document_type is not None), None)
    titled = next(
        (_DOCUMENT_TYPES.get(one.value or "") for one in values if one.type == "DOCUMENT_TYPE"), None
    )
    document_type = named or titled or options.document_type or default_type
    seller = next((one.text for one in values if one.type == "SELLER_NAME"), None)
    currency = next((one.value for one in values if one.type == "CURRENCY" and one.value), None)
    for draft, entities, relations in parts:
        yield _page(
            draft,
            entities,
            relations,
            labels,
            document_type=document_type,
            split_group=draft.split_group
            or (
                f"seller/{' '.join(seller.casefold().split())}"
                if seller
                else f"{draft.source}/{draft.doc_id}"
            ),
            currency=draft.currency or currency or options.currency,
            locale=draft.locale or options.locale,
        )


def _page(
    draft: DraftPage,
    entities: list[Entity],
    relations: list[Relation],
    labels: LabelSet,
    *,
    document_type: DocumentType,
    split_group: str,
    currency: str,
    locale: str,
) -> LabelledPage:
    picture = draft.picture
    boxes = np.array([word.box for word in draft.words], dtype=np.float64).reshape(-1, 4)
    table_tags, cell_tags = _cells(draft, entities)
    page = Page(
        doc_id=draft.doc_id,
        page=draft.page,
        page_count=draft.page_count,
        split=draft.split,
        document_type=document_type,
        image=f"images/{draft.doc_id}-{draft.page}{picture.suffix}",
        image_sha256=picture.sha256,
        width=picture.width,
        height=picture.height,
        words=draft.words,
        boxes_1000=to_layout_grid(boxes, picture.width, picture.height).tolist(),
        ner_tags=bio_tags(len(draft.words), [(one.type, one.words) for one in entities], labels),
        table_tags=table_tags,
        cell_tags=cell_tags,
        entities=entities,
        relations=relations,
        tables=[],
        provenance=Provenance(
            generator=f"imported from {draft.source}",
            generator_version=__version__,
            seed=0,
            template_family="receipt" if document_type == "receipt" else "classic",
            template=f"imported/{draft.source}",
            layout_params={"template_family": "nearest: the document was not generated"},
            locale=locale,
            currency=currency,
            renderer="none",
            dpi=picture.dpi,
            ocr=draft.ocr,
            label_source="human",
            split_group=split_group,
        ),
    )
    if problems := check_page(page, labels):
        raise InterchangeError(f"{draft.where}: {'; '.join(problems)}")
    return LabelledPage(page, picture.read)


def _on_page(draft: DraftPage, options: ReadOptions) -> DraftPage:
    """With words that have text and boxes on the page."""
    width, height = draft.picture.width, draft.picture.height
    words: list[Word] = []
    kept: dict[int, int] = {}
    for i, word in enumerate(draft.words):
        x0, y0, x1, y1 = word.box
        where = f"{draft.where}: word {i + 1} {word.text!r}: box {[round(v, 2) for v in word.box]}"
        if not (x0 <= x1 and y0 <= y1):
            raise InterchangeError(f"{where} is inside out; write x0, y0, x1, y1 with x0 <= x1 and y0 <= y1")
        outside = max(-x0, -y0, x1 - width, y1 - height)
        beyond = x0 >= width or y0 >= height or x1 <= 0 or y1 <= 0
        if outside > TOLERANCE_PX and (beyond or not options.clip):
            mend = "correct it, or check that it is the right image" + (
                "" if beyond else "; --clip (import.clip) cuts boxes at the edge"
            )
            raise InterchangeError(f"{where} is off the page of {width} x {height} px; {mend}")
        if not word.text.strip():
            continue
        box = [
            float(min(max(x0, 0), width)),
            float(min(max(y0, 0), height)),
            float(min(max(x1, 0), width)),
            float(min(max(y1, 0), height)),
        ]
        kept[i] = len(words)
        words.append(word.model_copy(update={"text": word.text.strip(), "box": box}))
    return _renumbered(draft, words, kept)


def _in_order(draft: DraftPage) -> DraftPage:
    from invoicegen.labeling.reading_order import reading_order

    order = reading_order(draft.words)
    places = {i: (line, segment) for i, line, segment in order}
    sequence = range(len(draft.words)) if draft.in_order else [i for i, _, _ in order]
    words = [
        draft.words[i].model_copy(update={"line_id": places[i][0], "segment_id": places[i][1]})
        for i in sequence
    ]
    return _renumbered(draft, words, {old: new for new, old in enumerate(sequence)})


def _renumbered(draft: DraftPage, words: list[Word], new: dict[int, int]) -> DraftPage:
    """The draft with other words: ``new`` is the new place of each old word that is left."""

    def moved(places: Sequence[int]) -> list[int]:
        return [new[i] for i in places if i in new]

    def tags(given: list[str] | None) -> list[str] | None:
        if given is None:
            return None
        by_place = {new[i]: tag for i, tag in enumerate(given) if i in new}
        return [by_place[i] for i in range(len(words))]

    entities = [replace(one, words=moved(one.words)) for one in draft.entities]
    return replace(
        draft,
        words=words,
        entities=[one for one in entities if one.words],
        header_words=[moved(cell) for cell in draft.header_words],
        cells=[moved(cell) for cell in draft.cells],
        table_tags=tags(draft.table_tags),
        cell_tags=tags(draft.cell_tags),
    )


@dataclass(slots=True)
class _Tags:
    table: list[str]
    cell: list[str]

    def cell_of(self, words: Sequence[int], role: str) -> None:
        """Tag the words of one cell, first word first, passing over those that have a cell already."""
        first = True
        for i in words:
            if self.cell[i] == "EMPTY":
                self.cell[i] = role
                self.table[i] = "CELL" if first else "INSIDE"
                first = False


def _cells(draft: DraftPage, entities: Sequence[Entity]) -> tuple[list[str], list[str]]:
    """Table and cell tags: the draft's own; else from the cells it knows; else each item value is a cell."""
    in_items = {i for one in entities if one.type in ITEM_ENTITY_TYPES for i in one.words}
    n = len(draft.words)
    if draft.table_tags is not None and draft.cell_tags is not None:
        tags = _Tags(list(draft.table_tags), list(draft.cell_tags))
        for i in in_items:
            if tags.cell[i] == "EMPTY":
                tags.table[i] = "CELL"
            tags.cell[i] = "DATA"
        return tags.table, tags.cell
    tags = _Tags(["OUTSIDE"] * n, ["EMPTY"] * n)
    for cell in draft.cells:
        tags.cell_of(cell, "DATA")
    for cell in draft.header_words:
        tags.cell_of([i for i in cell if i not in in_items], "HEADER")
    for one in entities:
        if one.type in ITEM_ENTITY_TYPES:
            tags.cell_of(one.words, "DATA")
    return tags.table, tags.cell
