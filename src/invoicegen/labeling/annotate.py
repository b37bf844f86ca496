"""From true words and words as read to an annotated page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from invoicegen import __version__
from invoicegen.geometry import Box, quad_to_box, to_layout_grid, union
from invoicegen.labeling.alignment import Alignment, Vote, align, covered, is_rule
from invoicegen.labeling.reading_order import reading_order
from invoicegen.labeling.report import AlignmentStats
from invoicegen.labeling.words import cut_words
from invoicegen.schema.annotation import Entity, Page, Provenance, Relation, TableRegion, Word, check_page
from invoicegen.schema.invoice import Invoice
from invoicegen.schema.plan import DocumentPlan
from invoicegen.schema.taxonomy import ENTITY_TYPES, ITEM_ENTITY_TYPES, VALUE_KINDS, bio_tags
from invoicegen.schema.truth import TruePage, TrueWord

_RELATION_TYPES: dict[str, Literal["line_item", "tax_line"]] = {"line": "line_item", "tax": "tax_line"}


class LabelingOptions(BaseModel):
    """What counts as printed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    min_visible: float = Field(
        default=0.3,
        gt=0,
        le=1,
        description="share of a true word that must be on the page for it to count as printed",
    )


@dataclass(slots=True)
class DocumentState:
    """What earlier pages of a document have shown; one for a document, handed to each page in order.

    :func:`annotate_page` reads it and adds the page to it, so that repeats and continuations are known across
    pages.
    """

    fields: set[tuple[str, str | None]] = field(default_factory=set)
    instances: set[int] = field(default_factory=set)
    groups: set[str] = field(default_factory=set)
    table: str | None = None


def annotate_page(
    true_page: TruePage,
    words: Sequence[Word] | None,
    plan: DocumentPlan,
    invoice: Invoice,
    image_name: str,
    image_sha256: str,
    page_count: int,
    *,
    engine: str = "true",
    engine_version: str = "",
    dpi: int = 150,
    fonts: Sequence[str] = (),
    augmentations: Sequence[Mapping[str, Any]] = (),
    preset: str | None = None,
    state: DocumentState | None = None,
    options: LabelingOptions | None = None,
) -> tuple[Page, AlignmentStats]:
    """Label the words of one page.

    Args:
        true_page: The true words, in pixels of the page image as it is now (after augmentation).
        words: The words as an engine or the PDF text layer read them from that image, in any order; None labels
            the true words themselves.
        plan: The plan of the document.
        invoice: What the document says.
        image_name: Path of the page image relative to the dataset root.
        image_sha256: Its hash, 64 hexadecimal digits.
        page_count: Pages of the document.
        engine: Name of what read ``words``; ``true`` if and only if ``words`` is None.
        engine_version: Its version.
        dpi: Resolution at which the page was rasterised.
        fonts: Font families on the page.
        augmentations: What was applied to the image, as ``augment`` tells it.
        preset: Name of the augmentation preset, for the statistics; the plan's if not given.
        state: What earlier pages of the document have shown, brought up to date by this call; without it
            occurrences and continuations are told within the page alone.
        options: What counts as printed.

    Returns:
        The page, its words in reading order (:func:`~invoicegen.labeling.reading_order.sort_words`) and its
        invariants checked, and how well words and truth agree.

    Raises:
        ValueError: If the truth contradicts itself (an item entity outside a data cell, an entity without an
            instance, an unknown entity type or group), or ``engine`` and ``words`` do.
    """
    if (engine == "true") != (words is None):
        raise ValueError(
            f"{plan.doc_id} page {true_page.page}: engine {engine!r} with "
            f"{'no words' if words is None else 'words'}; only the true words have engine 'true' and words=None"
        )
    options = options or LabelingOptions()
    state = DocumentState() if state is None else state
    printed = [word for word in true_page.words if word.visible >= options.min_visible]
    _check_truth(printed, f"{plan.doc_id} page {true_page.page}")
    width, height = true_page.width, true_page.height

    if words is None:
        unordered = true_page_words(TruePage(true_page.page, width, height, printed))
    else:
        unordered = cut_words([_on_page(word, width, height) for word in words if word.text.strip()])
    order = reading_order(unordered)
    page_words = [
        unordered[i].model_copy(update={"line_id": line, "segment_id": segment}) for i, line, segment in order
    ]
    if words is None:
        n_chars = sum(len(word.text) for word in printed if not is_rule(word.text))
        alignment = Alignment([[Vote(i, len(printed[i].text), 0)] for i, _, _ in order], 0, n_chars)
    else:
        alignment = align(printed, page_words)

    labels = [_label(votes, printed) for votes in alignment.votes]
    entities, names = _entities(labels, printed, page_words, state)
    table_tags, cell_tags, cells = _cells(labels, printed)
    stats = _stats(alignment, labels, printed, page_words, engine, preset or plan.augmentation, plan.family)
    boxes = np.array([word.box for word in page_words], dtype=np.float64).reshape(-1, 4)
    page = Page(
        doc_id=plan.doc_id,
        page=true_page.page,
        page_count=page_count,
        document_type=plan.document_type,
        image=image_name,
        image_sha256=image_sha256,
        width=width,
        height=height,
        words=page_words,
        boxes_1000=to_layout_grid(boxes, width, height).tolist(),
        ner_tags=bio_tags(len(page_words), [(entity.type, entity.words) for entity in entities]),
        table_tags=table_tags,
        cell_tags=cell_tags,
        entities=entities,
        relations=_relations(names, printed, state),
        tables=_tables(cells, printed, true_page, state),
        provenance=Provenance(
            generator="invoicegen",
            generator_version=__version__,
            seed=plan.seed,
            template_family=plan.family,
            template=f"{plan.family}/{plan.split_group}",
            layout_params={**plan.genome, "kind": plan.kind},
            locale=plan.locale,
            currency=invoice.currency,
            renderer=_renderer(),
            dpi=dpi,
            fonts=list(fonts),
            augmentations=[dict(record) for record in augmentations],
            ocr=None
            if words is None
            else {
                "engine": engine,
                "version": engine_version,
                "cer": round(stats.cer, 6),
                "aligned_words": stats.aligned_words,
                "lost_words": stats.lost_words,
            },
            label_source="template" if words is None else "ocr_aligned",
            split_group=plan.split_group,
        ),
    )
    problems = check_page(page)
    if problems:
        raise ValueError(f"{plan.doc_id} page {true_page.page}: {'; '.join(problems)}")
    return page, stats


def true_page_words(true_page: TruePage) -> list[Word]:
    """The true words as words of a page, in the order they were painted, boxes cut at the page's edge."""
    if not true_page.words:
        return []
    quads = np.array([word.quad for word in true_page.words], dtype=np.float64)
    x, y = quads[:, 0::2], quads[:, 1::2]
    boxes = np.stack([x.min(1), y.min(1), x.max(1), y.max(1)], axis=1)
    level = (np.abs(quads - boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]]) < 0.01).all(1)
    cut = np.clip(boxes, 0, [true_page.width, true_page.height, true_page.width, true_page.height])
    return [
        Word(
            text=word.text,
            box=box,
            quad=None if straight else list(word.quad),
            visible=word.visible,
            source="template",
        )
        for word, box, straight in zip(true_page.words, cut.tolist(), level.tolist(), strict=True)
    ]


def _on_page(word: Word, width: int, height: int) -> Word:
    box = _cut(word.box, width, height)
    return word if box == word.box else word.model_copy(update={"box": box})


def _cut(box: Sequence[float], width: int, height: int) -> list[float]:
    x0, y0, x1, y1 = box
    return [
        float(min(max(x0, 0), width)),
        float(min(max(y0, 0), height)),
        float(min(max(x1, 0), width)),
        float(min(max(y1, 0), height)),
    ]


def _check_truth(words: Sequence[TrueWord], where: str) -> None:
    for word in words:
        name = f"{where}: true word {word.text!r} (field {word.field})"
        if word.entity is not None:
            if word.entity not in ENTITY_TYPES:
                raise ValueError(f"{name} has unknown entity type {word.entity!r}")
            if word.instance is None:
                raise ValueError(f"{name} is a {word.entity} without an instance number")
            if word.entity in ITEM_ENTITY_TYPES and word.cell_role != "data":
                raise ValueError(
                    f'{name} is a {word.entity} outside a data cell; give its cell data-cell="data"'
                )
            if word.group is not None and word.group.split("-")[0] not in _RELATION_TYPES:
                raise ValueError(f"{name} has unknown group {word.group!r}; expected line-N or tax-N")
        if (word.cell is None) != (word.cell_role is None):
            raise ValueError(f"{name} has cell {word.cell} with role {word.cell_role}")


@dataclass(frozen=True, slots=True)
class _Label:
    """What a word is: its entity (instance number) and cell, and its first true word and place there, for order."""

    instance: int | None
    cell: int | None
    kept: tuple[int, ...]
    order: tuple[int, int]


def _label(votes: Sequence[Vote], printed: Sequence[TrueWord]) -> _Label | None:
    """The entity with most characters in the word; text of no entity wins only with more characters than it."""
    if not votes:
        return None
    chars: dict[int | None, int] = defaultdict(int)
    for vote in votes:
        word = printed[vote.true_word]
        chars[word.instance if word.entity else None] += vote.n_chars
    best = max(
        (instance for instance in chars if instance is not None),
        key=lambda instance: chars[instance],
        default=None,
    )
    if best is not None and chars[best] < chars.get(None, 0):
        best = None
    own = [
        vote
        for vote in votes
        if (printed[vote.true_word].instance if printed[vote.true_word].entity else None) == best
    ]
    cells: dict[int | None, int] = defaultdict(int)
    for vote in own:
        cells[printed[vote.true_word].cell] += vote.n_chars
    first = min(own, key=lambda vote: (vote.true_word, vote.start))
    return _Label(
        best,
        max(cells, key=lambda cell: cells[cell]),
        tuple(vote.true_word for vote in own),
        (first.true_word, first.start),
    )


def _entities(
    labels: Sequence[_Label | None], printed: Sequence[TrueWord], words: Sequence[Word], state: DocumentState
) -> tuple[list[Entity], dict[int, str]]:
    """Entities in reading order of their first word, and their ids by instance number."""
    members: dict[int, list[tuple[tuple[int, int], int]]] = defaultdict(list)
    for i, label in enumerate(labels):
        if label is not None and label.instance is not None:
            members[label.instance].append((label.order, i))
    ordered = {instance: [i for _, i in sorted(places)] for instance, places in members.items()}
    names = {
        instance: f"e{number}"
        for number, instance in enumerate(sorted(ordered, key=lambda key: ordered[key][0]), start=1)
    }
    sources: dict[int, TrueWord] = {}
    for word in printed:
        if word.entity is not None and word.instance in ordered:
            sources.setdefault(word.instance, word)
    entities: dict[int, Entity] = {}
    for instance, source in sources.items():  # as painted: the first printed is the primary one
        indices = ordered[instance]
        assert source.entity is not None
        key = (source.entity, source.field if source.field is not None else source.value)
        continued = instance in state.instances
        entities[instance] = Entity(
            id=names[instance],
            type=source.entity,
            words=indices,
            text=" ".join(words[i].text for i in indices),
            # What goes on from an earlier page has its value there: this part alone does not say it.
            value=None if continued else source.value,
            value_kind=VALUE_KINDS[source.entity],
            box=list(union([words[i].box for i in indices])),
            occurrence="repeat" if key in state.fields else "primary",
        )
        state.fields.add(key)
    state.instances.update(entities)
    return [entities[instance] for instance in names], names


def _cells(
    labels: Sequence[_Label | None], printed: Sequence[TrueWord]
) -> tuple[list[str], list[str], dict[int, list[int]]]:
    """Table tags, cell tags, and the words of every cell in its own reading order."""
    members: dict[int, list[tuple[tuple[int, int], int]]] = defaultdict(list)
    for i, label in enumerate(labels):
        if label is not None and label.cell is not None:
            members[label.cell].append((label.order, i))
    roles = {word.cell: word.cell_role for word in printed}
    table_tags, cell_tags = ["OUTSIDE"] * len(labels), ["EMPTY"] * len(labels)
    cells = {}
    for cell, places in members.items():
        cells[cell] = [i for _, i in sorted(places)]
        for position, i in enumerate(cells[cell]):
            table_tags[i] = "INSIDE" if position else "CELL"
            cell_tags[i] = "HEADER" if roles[cell] == "header" else "DATA"
    return table_tags, cell_tags, cells


def _relations(names: Mapping[int, str], printed: Sequence[TrueWord], state: DocumentState) -> list[Relation]:
    members: dict[str, list[str]] = defaultdict(list)
    for word in printed:
        if word.entity is None or word.group is None or word.instance is None:
            continue
        name = names.get(word.instance)
        if name is not None and name not in members[word.group]:
            members[word.group].append(name)
    relations = [
        Relation(
            type=_RELATION_TYPES[group.split("-")[0]],
            id=group,
            members=entities,
            continues=group if group in state.groups else None,
        )
        for group, entities in members.items()
    ]
    state.groups.update(members)
    return relations


def _tables(
    cells: Mapping[int, list[int]], printed: Sequence[TrueWord], page: TruePage, state: DocumentState
) -> list[TableRegion]:
    """The line-item table of the page, its extents from the true words; none if none of its cells was read."""
    in_table = [word for word in printed if word.cell is not None]
    if not cells or not in_table:
        return []
    column_boxes: dict[str, list[Box]] = defaultdict(list)
    row_boxes: dict[tuple[str, int], list[Box]] = defaultdict(list)
    row_lines: dict[tuple[str, int], str] = {}
    place: dict[int, tuple[tuple[str, int], str]] = {}
    for word in in_table:
        x0, y0, x1, y1 = _cut(quad_to_box(word.quad), page.width, page.height)
        column = word.column or "unnamed"
        row = ("header", -1) if word.cell_role == "header" else ("data", -1 if word.row is None else word.row)
        column_boxes[column].append((x0, y0, x1, y1))
        row_boxes[row].append((x0, y0, x1, y1))
        if word.group is not None and word.cell_role == "data":
            row_lines.setdefault(row, word.group)
        assert word.cell is not None
        place[word.cell] = (row, column)
    columns = {name: union(boxes) for name, boxes in column_boxes.items()}
    rows = {key: union(boxes) for key, boxes in row_boxes.items()}
    column_order = sorted(columns, key=lambda name: (columns[name][0], name))
    row_order = sorted(rows, key=lambda key: (rows[key][1], key))
    table = TableRegion(
        id=f"t{page.page + 1}",
        box=list(union(list(columns.values()))),
        kind="line_items",
        continues=state.table,
        columns=[
            {
                ("entity" if name in ENTITY_TYPES else "name"): name,
                "x0": columns[name][0],
                "x1": columns[name][2],
            }
            for name in column_order
        ],
        rows=[
            {
                "kind": key[0],
                **({"line": row_lines[key]} if key in row_lines else {}),
                "y0": rows[key][1],
                "y1": rows[key][3],
            }
            for key in row_order
        ],
        cells=[
            {
                "row": row_order.index(place[cell][0]),
                "column": column_order.index(place[cell][1]),
                "words": words,
            }
            for cell, words in sorted(cells.items())
        ],
    )
    state.table = table.id
    return [table]


def _stats(
    alignment: Alignment,
    labels: Sequence[_Label | None],
    printed: Sequence[TrueWord],
    words: Sequence[Word],
    engine: str,
    preset: str,
    family: str,
) -> AlignmentStats:
    text = {t for t, word in enumerate(printed) if not is_rule(word.text)}
    aligned = text & {vote.true_word for votes in alignment.votes for vote in votes}
    labelled = {t for t, word in enumerate(printed) if word.entity is not None}
    kept = {t for label in labels if label is not None and label.instance is not None for t in label.kept}
    read = labelled & (covered(printed, words) if engine != "true" else labelled)
    entities: dict[int | None, set[int]] = defaultdict(set)
    for t in labelled:
        entities[printed[t].instance].add(t)
    return AlignmentStats(
        engine=engine,
        preset=preset,
        family=family,
        true_words=len(text),
        aligned_words=len(aligned),
        lost_words=len(text) - len(aligned),
        spurious_words=sum(
            not votes and not is_rule(word.text) for votes, word in zip(alignment.votes, words, strict=True)
        ),
        labelled_words=len(labelled),
        labelled_kept=len(kept),
        true_chars=alignment.true_chars,
        char_errors=alignment.char_errors,
        labelled_read=len(read),
        labelled_read_kept=len(read & kept),
        entities=len(entities),
        entities_found=sum(not members.isdisjoint(kept) for members in entities.values()),
        entities_whole=sum(members <= kept for members in entities.values()),
    )


@cache
def _renderer() -> str:
    return f"weasyprint {version('weasyprint')}"
