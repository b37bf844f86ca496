"""Label Studio: pages as tasks to look at and correct, and corrected tasks, or those of others, as pages."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import quoteattr

from pydantic import Field, ValidationError

from invoicegen.geometry import box_to_quad, union
from invoicegen.interchange.errors import InterchangeError
from invoicegen.interchange.labels import OUTSIDE, LabelMap
from invoicegen.interchange.options import ReadOptions, WriteOptions
from invoicegen.interchange.pictures import SUFFIXES, file_picture, find_image
from invoicegen.interchange.reading import Foreign, read_json, validate
from invoicegen.interchange.records import (
    DraftEntity,
    DraftPage,
    LabelledPage,
    RelationType,
    cut_words,
    image_path,
    words_inside,
)
from invoicegen.schema.annotation import Entity, Page, Relation, Word, check_page
from invoicegen.schema.taxonomy import DEFAULT_LABELS, ITEM_ENTITY_TYPES, LabelSet, bio_tags

_PAGE: Final = "invoicegen_page"
_UPLOADED: Final = re.compile(
    r"[0-9a-f]{8}-(?=.)"
)  # what Label Studio puts before the name of an uploaded file
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


def label_config(known: LabelSet = DEFAULT_LABELS) -> str:
    """The labeling interface (XML) to give to a Label Studio project: a label for each entity type.

    What a user says of an added type is shown when the pointer rests on its label.
    """
    hints = {one.name: one.description for one in known.extra_entities if one.description}
    labels = "\n".join(
        f"    <Label value={quoteattr(name)} background={quoteattr(_COLOURS[number % len(_COLOURS)])}"
        + (f" hint={quoteattr(hints[name])}" if name in hints else "")
        + "/>"
        for number, name in enumerate(known.entity_types)
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


def write_label_studio(
    pages: Iterable[LabelledPage], folder: Path, options: WriteOptions, known: LabelSet = DEFAULT_LABELS
) -> int:
    """``tasks.json``, ``config.xml`` (the labeling interface) and the images.

    Returns:
        Number of pages.
    """
    tasks: list[dict[str, Any]] = []
    for one in pages:
        place = folder / image_path(one.page)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(one.read_image())
        tasks += to_label_studio(
            [one.page], image_prefix=options.image_prefix, as_predictions=options.as_predictions
        )
    text = json.dumps(tasks, ensure_ascii=False, indent=1)
    (folder / "tasks.json").write_text(text, encoding="utf-8")
    (folder / "config.xml").write_text(label_config(known), encoding="utf-8")
    return len(tasks)


def from_label_studio(tasks: Sequence[Mapping[str, Any]], known: LabelSet = DEFAULT_LABELS) -> list[Page]:
    """Corrected tasks as pages with ``label_source`` human: all of them, or none.

    A task that nobody has annotated gives the page as it was, with the ``label_source`` that it had.

    A rectangle that people left alone has its words; one that they drew or moved has the words whose middle lies in
    it, in reading order. Words read as the transcription says where it was changed. A value whose words, text or label
    changed is read from the print anew. Lines are taken from relations that still join two rectangles.

    Args:
        tasks: A Label Studio export (JSON) of tasks that :func:`to_label_studio` made. Of several annotations of a task
            the last counts; of none the predictions do.
        known: The entity types that labels may mean.

    Raises:
        InterchangeError: If a task is not one of ours, a label is unknown, a rectangle leaves the image or holds no
            word, or two rectangles claim one word; names task, region and mend.
    """
    labels = LabelMap({}, known=known)
    pages = []
    for number, task in enumerate(tasks, 1):
        where = f"task {task.get('id', number)}"
        if not isinstance(task.get("data"), dict) or _PAGE not in task["data"]:
            raise InterchangeError(
                f"{where}: no page of InvoiceGen under data.{_PAGE}; export with "
                "`invoicegen convert --to label-studio` and keep the task's data"
            )
        pages.append(_page(where, task, labels))
    labels.check()
    return pages


def read_label_studio(
    path: Path, options: ReadOptions, labels: LabelMap
) -> tuple[list[LabelledPage], list[DraftPage]]:
    """A Label Studio export (JSON): tasks of :func:`to_label_studio`, and tasks that people made of images.

    The words of the former ride along in the task. Those of the latter are read from the image by an OCR engine, and a
    rectangle has the words whose middle lies in it. Relations labelled ``tax_line`` join rectangles to a tax line,
    others to a line item. Images are looked for by name: in ``options.images``, beside the export, and in ``images``
    there.

    Raises:
        InterchangeError: If a task cannot be taken over.
    """
    tasks = read_json(path)
    if not isinstance(tasks, list) or not all(
        isinstance(task, dict) and isinstance(task.get("data"), dict) for task in tasks
    ):
        raise InterchangeError(
            f"{path}: is no list of tasks with data; export the project as JSON (not JSON-MIN)"
        )
    if not tasks:
        raise InterchangeError(f"{path}: has no task; label some and export again")
    folders = [*([options.images] if options.images else []), path.parent / "images", path.parent]
    ours, others = [], []
    for number, task in enumerate(tasks, 1):
        where = f"{path}, task {task.get('id', number)}"
        if _PAGE not in task["data"]:
            others.append(_draft(where, str(task.get("id", number)), task, folders, options, labels))
            continue
        page = _page(where, task, labels)
        picture = file_picture(find_image(image_path(page).name, folders, where), where)
        if hashlib.sha256(picture.read()).hexdigest() != page.image_sha256:
            raise InterchangeError(
                f"{where}: the image {image_path(page).name} is not the one that was labelled; put the one of the "
                "export there"
            )
        ours.append(LabelledPage(page, picture.read))
    return ours, others


class _Place(Foreign):
    x: float
    y: float
    width: float
    height: float
    rotation: float = 0
    rectanglelabels: list[str] = Field(default_factory=list)


def _results(where: str, task: Mapping[str, Any]) -> tuple[list[dict[str, Any]], bool]:
    """What people drew, or what they were offered if they drew nothing; and whether it was people."""
    drawn = [
        one
        for one in task.get("annotations") or []
        if not (isinstance(one, dict) and one.get("was_cancelled"))
    ]
    given = drawn or task.get("predictions")
    if not given:
        raise InterchangeError(
            f"{where}: neither annotations nor predictions; label it, or leave it out of the export"
        )
    results = given[-1].get("result") if isinstance(given[-1], dict) else None
    if not isinstance(results, list) or not all(isinstance(one, dict) for one in results):
        raise InterchangeError(f"{where}: its annotation has no list of results; export the project again")
    return results, bool(drawn)


def _rectangle(
    where: str, result: Mapping[str, Any], width: float, height: float, labels: LabelMap
) -> tuple[str, list[float]]:
    """Entity type (or ``O``) and box in pixels of a rectangle."""
    region = f"{where}, region {result.get('id')}"
    place = validate(_Place, result.get("value"), region)
    if len(place.rectanglelabels) != 1:
        raise InterchangeError(f"{region}: labels {place.rectanglelabels}; give it exactly one")
    name = labels(place.rectanglelabels[0], region)
    if place.rotation:
        raise InterchangeError(f"{region}: is turned by {place.rotation} degrees; draw it upright")
    x0, y0 = place.x / 100 * width, place.y / 100 * height
    x1, y1 = x0 + place.width / 100 * width, y0 + place.height / 100 * height
    if x0 < -1 or y0 < -1 or x1 > width + 1 or y1 > height + 1:
        raise InterchangeError(f"{region}: leaves the image; move it onto the page")
    return name, [x0, y0, x1, y1]


def _transcriptions(results: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Words of the transcription of each region that has one."""
    found = {}
    for result in results:
        texts = (result.get("value") or {}).get("text") if result.get("type") == "textarea" else None
        if words := " ".join(texts if isinstance(texts, list) else [texts or ""]).split():
            found[str(result.get("id"))] = words
    return found


def _as_written(words: list[Word], inside: list[int], written: Sequence[str]) -> list[int]:
    """Places of the words of a rectangle, put right by its transcription.

    Words that OCR cut otherwise are emptied, and those of the transcription cut over their box come in their place.
    """
    if not written:
        return inside
    if len(written) == len(inside):
        for i, text in zip(inside, written, strict=True):
            words[i] = words[i].model_copy(update={"text": text})
        return inside
    around = union([words[i].box for i in inside])
    for i in inside:
        words[i] = words[i].model_copy(update={"text": ""})
    start = len(words)
    words += cut_words(written, box_to_quad(around))
    return list(range(start, len(words)))


class _Claims:
    """Words that rectangles have: each in one of them."""

    def __init__(self, where: str, words: Sequence[Word]) -> None:
        self._where, self._words = where, words
        self._taken: dict[int, str] = {}

    def take(self, region: str, label: str, words: Sequence[int]) -> None:
        """Note that a region has these words."""
        if not words:
            raise InterchangeError(
                f"{self._where}, region {region} ({label}): holds no word; draw it around what it means"
            )
        for word in words:
            if word in self._taken:
                raise InterchangeError(
                    f"{self._where}, regions {self._taken[word]} and {region}: both hold the word "
                    f"{self._words[word].text!r}; make one of them smaller"
                )
            self._taken[word] = region


def _draft(
    where: str,
    number: str,
    task: Mapping[str, Any],
    folders: Sequence[Path],
    options: ReadOptions,
    labels: LabelMap,
) -> DraftPage:
    """A task that people made of an image: its words are read by an OCR engine."""
    from invoicegen.images import decode_image
    from invoicegen.ocr import EngineUnavailableError, UnknownEngineError, create_engine

    results, by_people = _results(where, task)
    if not by_people:
        raise InterchangeError(f"{where}: has predictions alone; accept or correct them, or leave it out")
    name = next(
        (
            value
            for value in task["data"].values()
            if isinstance(value, str) and Path(value).suffix.casefold() in SUFFIXES
        ),
        None,
    )
    if name is None:
        raise InterchangeError(
            f"{where}: its data names no image of {', '.join(SUFFIXES)}; label images, a page a task"
        )
    try:
        image = find_image(name, folders, where)
    except InterchangeError:
        uploaded = _UPLOADED.sub("", Path(name).name, count=1)
        if uploaded == Path(name).name:
            raise
        image = find_image(uploaded, folders, where)
    picture = file_picture(image, where)
    try:
        engine = create_engine(options.engine)
    except (EngineUnavailableError, UnknownEngineError) as error:
        raise InterchangeError(f"{where}: its image must be read by OCR, but {error}") from None
    words = engine.recognise(decode_image(picture.read()))
    written = _transcriptions(results)
    claims = _Claims(where, words)
    found: dict[str, tuple[str, list[int]]] = {}
    for result in results:
        if result.get("type") == "rectanglelabels":
            label, box = _rectangle(where, result, picture.width, picture.height, labels)
            if label != OUTSIDE:
                inside = words_inside(words, box)
                region = str(result.get("id"))
                claims.take(region, label, inside)
                found[region] = (label, _as_written(words, inside, written.get(region, [])))
    groups = _groups(results, found)
    member_of = {member: f"human-{i}" for i, (_, members) in enumerate(groups) for member in members}
    return DraftPage(
        where=where,
        source="label-studio",
        doc_id=f"{image.stem}-{number}",
        picture=picture,
        words=words,
        entities=[
            DraftEntity(label, inside, member_of.get(region)) for region, (label, inside) in found.items()
        ],
        groups={f"human-{i}": kind for i, (kind, _) in enumerate(groups)},
        ocr={"engine": engine.name, "version": engine.version},
    )


def _page(where: str, task: Mapping[str, Any], labels: LabelMap) -> Page:
    """A task that :func:`to_label_studio` made, as it is now."""
    try:
        page = Page.model_validate(task["data"][_PAGE])
    except ValidationError as error:
        raise InterchangeError(
            f"{where}: data.{_PAGE} is no page of schema 1.0 ({error.error_count()} errors); export with "
            "`invoicegen convert --to label-studio` and keep the task's data"
        ) from None
    results, by_people = _results(where, task)
    source = "human" if by_people else page.provenance.label_source
    written = _transcriptions(results)
    words = list(page.words)
    before = {entity.id: entity for entity in page.entities}
    claims = _Claims(where, page.words)
    entities: list[Entity] = []
    for result in results:
        if result.get("type") != "rectanglelabels":
            continue
        entity = _entity(where, page, result, before, labels)
        if entity is not None:
            claims.take(entity.id, entity.type, entity.words)
            old = before.get(entity.id)
            texts = written.get(entity.id)
            if texts and (old is None or texts != old.text.split()):
                entity = _corrected(where, entity, texts, words)
            entities.append(entity)
    entities = _read_anew(entities, before, words, labels.known)
    changed = page.model_copy(
        update={
            "words": words,
            "entities": entities,
            "relations": _relations(results, entities, page),
            "ner_tags": bio_tags(len(page.words), [(one.type, one.words) for one in entities], labels.known),
            "provenance": page.provenance.model_copy(update={"label_source": source}),
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
    if problems := check_page(changed, labels.known):
        raise InterchangeError(f"{where}: {'; '.join(problems)}")
    return changed


def _read_anew(
    entities: Sequence[Entity], before: Mapping[str, Entity], words: Sequence[Word], known: LabelSet
) -> list[Entity]:
    """Entities with the values that their print says, where it is not what it was."""
    from invoicegen.extraction.hints import infer_hints
    from invoicegen.extraction.values import normalise_value

    def as_before(one: Entity) -> bool:
        old = before.get(one.id)
        return old is not None and (old.type, old.words, old.text) == (one.type, one.words, one.text)

    hints = infer_hints([word.text for word in words])
    return [
        one
        if as_before(one)
        else one.model_copy(update={"value": normalise_value(one.type, one.text, hints, known)})
        for one in entities
    ]


def _corrected(where: str, entity: Entity, texts: Sequence[str], words: list[Word]) -> Entity:
    """An entity whose words read as people transcribed them; puts them right in ``words``."""
    if len(texts) != len(entity.words):
        raise InterchangeError(
            f"{where}, region {entity.id}: {len(texts)} words are transcribed, the rectangle holds {len(entity.words)} "
            f"({entity.text!r}); transcribe each word that is there, as it is printed"
        )
    for i, text in zip(entity.words, texts, strict=True):
        words[i] = words[i].model_copy(update={"text": text})
    text = " ".join(texts)
    return entity if text == entity.text else entity.model_copy(update={"text": text})


def _entity(
    where: str, page: Page, result: Mapping[str, Any], before: Mapping[str, Entity], labels: LabelMap
) -> Entity | None:
    region = str(result.get("id"))
    name, box = _rectangle(where, result, page.width, page.height, labels)
    if name == OUTSIDE:
        return None
    old = before.get(region)
    moved = old is None or max(abs(a - b) for a, b in zip(old.box, box, strict=True)) > 0.5
    words = words_inside(page.words, box) if moved or old is None else old.words
    if not words:
        raise InterchangeError(
            f"{where}, region {region} ({name}): holds no word; draw it around what it means"
        )
    around = [
        min(page.words[i].box[0] for i in words),
        min(page.words[i].box[1] for i in words),
        max(page.words[i].box[2] for i in words),
        max(page.words[i].box[3] for i in words),
    ]
    same = old is not None and old.words == words and old.type == name
    return Entity(
        id=region,
        type=name,
        words=words,
        text=" ".join(page.words[i].text for i in words),
        value=old.value if same and old is not None else None,
        value_kind=labels.known.value_kinds[name],
        box=old.box if same and old is not None else around,
        occurrence=old.occurrence if same and old is not None else "primary",
    )


def _groups(
    results: Sequence[Mapping[str, Any]], known: Iterable[str], alone: Sequence[set[str]] = ()
) -> list[tuple[RelationType, set[str]]]:
    """Regions that relations join, directly or through others, and the kind of the relation."""
    there = set(known)
    groups: list[tuple[RelationType, set[str]]] = [("line_item", set(one)) for one in alone]
    for result in results:
        if result.get("type") != "relation" or not {result.get("from_id"), result.get("to_id")} <= there:
            continue
        pair = {str(result["from_id"]), str(result["to_id"])}
        kind: RelationType = "tax_line" if "tax_line" in (result.get("labels") or []) else "line_item"
        touching = [group for _, group in groups if group & pair]
        groups = [one for one in groups if not one[1] & pair] + [(kind, pair.union(*touching))]
    return groups


def _relations(
    results: Sequence[Mapping[str, Any]], entities: Sequence[Entity], page: Page
) -> list[Relation]:
    """Entities joined by relations, with the ids that they had; a group of one that had one is kept, too."""
    known = {entity.id for entity in entities}
    had = {member: relation for relation in page.relations for member in relation.members}
    alone = [{relation.members[0]} & known for relation in page.relations if len(relation.members) == 1]
    order = {entity.id: place for place, entity in enumerate(entities)}
    made: list[Relation] = []
    for kind, group in _groups(results, known, [one for one in alone if one]):
        members = sorted(group, key=order.__getitem__)
        old = next((had[member] for member in members if member in had), None)
        made.append(
            Relation(
                type=old.type if old else kind,
                id=old.id if old else f"human-{len(made)}",
                members=members,
                continues=old.continues if old else None,
            )
        )
    return sorted(made, key=lambda relation: order[relation.members[0]])
