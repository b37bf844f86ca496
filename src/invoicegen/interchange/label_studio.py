"""Label Studio: pages as tasks to look at and correct, and the corrected tasks as pages again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal
from xml.sax.saxutils import quoteattr

from pydantic import ValidationError

from invoicegen.interchange.errors import InterchangeError
from invoicegen.schema.annotation import Entity, Page, Relation, check_page
from invoicegen.schema.taxonomy import ENTITY_TYPES, ITEM_ENTITY_TYPES, VALUE_KINDS, bio_tags

_PAGE: Final = "invoicegen_page"
_COLOURS: Final = (
    "#1f77b4",
    "#ff7f0e",
    "#2ca02c",
    "#d62728",
    "#9467bd",
    "#8c564b",
    "#e377c2",
    "#17becf",
    "#bcbd22",
)


def label_config() -> str:
    """The labeling interface (XML) to give to a Label Studio project for these tasks."""
    labels = "\n".join(
        f"    <Label value={quoteattr(name)} background={quoteattr(_COLOURS[number % len(_COLOURS)])}/>"
        for number, name in enumerate(ENTITY_TYPES)
    )
    return (
        '<View>\n  <Image name="image" value="$image" zoom="true"/>\n'
        f'  <RectangleLabels name="label" toName="image">\n{labels}\n  </RectangleLabels>\n'
        '  <TextArea name="transcription" toName="image" perRegion="true" editable="true" maxSubmissions="1"/>\n'
        "</View>\n"
    )


def to_label_studio(
    pages: Iterable[Page], *, image_prefix: str = "", as_predictions: bool = True
) -> list[dict[str, Any]]:
    """Pages as import tasks: a rectangle with label and transcription for every entity, a relation for every line.

    The words of the page, its tables and its provenance ride along under ``data``, so that nothing is lost on the way
    back; Label Studio shows and changes entities alone.

    Args:
        pages: Any number.
        image_prefix: Goes before ``page.image`` in the task, such as ``/data/local-files/?d=invoices/``.
        as_predictions: Entities are pre-annotations to be accepted or corrected; else they are annotations.

    Source:
        Label Studio documentation, "Task format" and "Image annotations": percentages of the image's size.
    """
    tasks = []
    for page in pages:
        results: list[dict[str, Any]] = []
        for entity in page.entities:
            x0, y0, x1, y1 = entity.box
            place = {
                "x": 100 * x0 / page.width,
                "y": 100 * y0 / page.height,
                "width": 100 * (x1 - x0) / page.width,
                "height": 100 * (y1 - y0) / page.height,
                "rotation": 0,
            }
            common = {
                "id": entity.id,
                "to_name": "image",
                "original_width": page.width,
                "original_height": page.height,
                "image_rotation": 0,
            }
            results.append(
                common
                | {
                    "type": "rectanglelabels",
                    "from_name": "label",
                    "value": place | {"rectanglelabels": [entity.type]},
                    "meta": {"words": entity.words},
                }
            )
            results.append(
                common
                | {"type": "textarea", "from_name": "transcription", "value": place | {"text": [entity.text]}}
            )
        for relation in page.relations:
            first, *others = relation.members
            results += [
                {
                    "type": "relation",
                    "from_id": first,
                    "to_id": other,
                    "direction": "right",
                    "labels": [relation.type],
                }
                for other in others
            ]
        kind = "predictions" if as_predictions else "annotations"
        tasks.append(
            {
                "data": {"image": image_prefix + page.image, _PAGE: page.model_dump(mode="json")},
                kind: [{"result": results, **({"model_version": "invoicegen"} if as_predictions else {})}],
            }
        )
    return tasks


def from_label_studio(tasks: Sequence[Mapping[str, Any]]) -> list[Page]:
    """Corrected tasks as pages with ``label_source`` human: all of them, or none.

    A rectangle that people left alone has its words; one that they drew or moved has the words whose middle lies in
    it, in reading order. Values are those of entities whose words did not change, and None for others. Lines are taken
    from relations that still join two rectangles.

    Args:
        tasks: A Label Studio export (JSON) of tasks that :func:`to_label_studio` made. Of several annotations of a task
            the last counts; of none the predictions do.

    Raises:
        InterchangeError: If a task is not one of ours, a label is unknown, a rectangle leaves the image or holds no
            word, or two rectangles claim one word; names task, region and mend.
    """
    return [_page(number, task) for number, task in enumerate(tasks, 1)]


def _page(number: int, task: Mapping[str, Any]) -> Page:
    where = f"task {task.get('id', number)}"
    try:
        page = Page.model_validate(task["data"][_PAGE])
    except (KeyError, TypeError, ValidationError) as error:
        raise InterchangeError(
            f"{where}: no page of InvoiceGen under data.{_PAGE} ({type(error).__name__}); export with "
            "`invoicegen convert --to label-studio` and keep the task's data"
        ) from None
    given = [one for one in task.get("annotations") or [] if not one.get("was_cancelled")] or task.get(
        "predictions"
    )
    if not given:
        raise InterchangeError(
            f"{where}: neither annotations nor predictions; label it, or leave it out of the export"
        )
    results = given[-1]["result"]
    before = {entity.id: entity for entity in page.entities}
    taken: dict[int, str] = {}
    entities: list[Entity] = []
    for result in results:
        if result.get("type") != "rectanglelabels":
            continue
        entity = _entity(where, page, result, before)
        for word in entity.words:
            if word in taken:
                raise InterchangeError(
                    f"{where}, regions {taken[word]} and {entity.id}: both hold the word "
                    f"{page.words[word].text!r}; make one of them smaller"
                )
            taken[word] = entity.id
        entities.append(entity)
    changed = page.model_copy(
        update={
            "entities": entities,
            "relations": _relations(results, entities, page),
            "ner_tags": bio_tags(len(page.words), [(one.type, one.words) for one in entities]),
            "provenance": page.provenance.model_copy(update={"label_source": "human"}),
        }
    )
    in_table = {word for one in entities if one.type in ITEM_ENTITY_TYPES for word in one.words}
    changed = changed.model_copy(
        update={
            "cell_tags": ["DATA" if i in in_table else tag for i, tag in enumerate(page.cell_tags)],
            "table_tags": [
                "CELL" if i in in_table and tag == "OUTSIDE" else tag for i, tag in enumerate(page.table_tags)
            ],
        }
    )
    if problems := check_page(changed):
        raise InterchangeError(f"{where}: {'; '.join(problems)}")
    return changed


def _entity(where: str, page: Page, result: Mapping[str, Any], before: Mapping[str, Entity]) -> Entity:
    region = str(result.get("id"))
    value = result["value"]
    labels = value.get("rectanglelabels") or []
    if len(labels) != 1 or labels[0] not in ENTITY_TYPES:
        raise InterchangeError(
            f"{where}, region {region}: label {labels} is not one of the taxonomy's; use those of `label_config()`"
        )
    x0, y0 = value["x"] / 100 * page.width, value["y"] / 100 * page.height
    x1, y1 = x0 + value["width"] / 100 * page.width, y0 + value["height"] / 100 * page.height
    if x0 < -1 or y0 < -1 or x1 > page.width + 1 or y1 > page.height + 1:
        raise InterchangeError(f"{where}, region {region}: leaves the image; move it onto the page")
    old = before.get(region)
    moved = old is None or max(abs(a - b) for a, b in zip(old.box, (x0, y0, x1, y1), strict=True)) > 0.5
    words = _inside(page, (x0, y0, x1, y1)) if moved or old is None else old.words
    if not words:
        raise InterchangeError(
            f"{where}, region {region} ({labels[0]}): holds no word; draw it around what it means"
        )
    box = [
        min(page.words[i].box[0] for i in words),
        min(page.words[i].box[1] for i in words),
        max(page.words[i].box[2] for i in words),
        max(page.words[i].box[3] for i in words),
    ]
    same = old is not None and old.words == words and old.type == labels[0]
    return Entity(
        id=region,
        type=labels[0],
        words=words,
        text=" ".join(page.words[i].text for i in words),
        value=old.value if same and old is not None else None,
        value_kind=VALUE_KINDS[labels[0]],
        box=old.box if same and old is not None else box,
        occurrence=old.occurrence if same and old is not None else "primary",
    )


def _inside(page: Page, box: tuple[float, float, float, float]) -> list[int]:
    x0, y0, x1, y1 = box
    return [
        i
        for i, word in enumerate(page.words)
        if x0 <= (word.box[0] + word.box[2]) / 2 <= x1 and y0 <= (word.box[1] + word.box[3]) / 2 <= y1
    ]


def _relations(
    results: Sequence[Mapping[str, Any]], entities: Sequence[Entity], page: Page
) -> list[Relation]:
    """Entities joined by relations, with the ids that they had; a group of one that had one is kept, too."""
    known = {entity.id for entity in entities}
    had = {member: relation for relation in page.relations for member in relation.members}
    groups: list[set[str]] = [
        {relation.members[0]} & known for relation in page.relations if len(relation.members) == 1
    ]
    kinds: dict[str, Literal["line_item", "tax_line"]] = {}
    for result in results:
        if result.get("type") != "relation" or not {result["from_id"], result["to_id"]} <= known:
            continue
        pair = {result["from_id"], result["to_id"]}
        label = (result.get("labels") or ["line_item"])[0]
        for member in pair:
            kinds[member] = "tax_line" if label == "tax_line" else "line_item"
        touching = [group for group in groups if group & pair]
        groups = [group for group in groups if not group & pair] + [pair.union(*touching)]
    order = {entity.id: place for place, entity in enumerate(entities)}
    made: list[Relation] = []
    for group in groups:
        if not group:
            continue
        members = sorted(group, key=order.__getitem__)
        old = next((had[member] for member in members if member in had), None)
        made.append(
            Relation(
                type=old.type if old else kinds[members[0]],
                id=old.id if old else f"human-{len(made)}",
                members=members,
                continues=old.continues if old else None,
            )
        )
    return sorted(made, key=lambda relation: order[relation.members[0]])
