"""FUNSD: a JSON file a page, a form of labelled text segments with their words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field

from invoicegen.interchange.errors import InterchangeError
from invoicegen.interchange.labels import OUTSIDE, LabelMap
from invoicegen.interchange.options import ReadOptions
from invoicegen.interchange.pictures import file_picture, find_image
from invoicegen.interchange.reading import Foreign, read_json, validate
from invoicegen.interchange.records import DraftEntity, DraftPage, RelationType
from invoicegen.schema.annotation import Split, Word
from invoicegen.schema.taxonomy import ITEM_ENTITY_TYPES

LABELS: Final = {"question": OUTSIDE, "header": OUTSIDE, "other": OUTSIDE}
"""FUNSD's ``answer`` is not among them: it does not say of what."""

_TAX_TYPES: Final = ("TAX_RATE", "TAX_BASE_AMOUNT", "TAX_AMOUNT")
_SPLITS: Final[dict[str, Split]] = {
    "training_data": "train",
    "train": "train",
    "validation_data": "validation",
    "validation": "validation",
    "testing_data": "test",
    "test": "test",
}

_Box = Annotated[list[float], Field(min_length=4, max_length=4)]


class _Word(Foreign):
    text: str
    box: _Box


class _Segment(Foreign):
    id: int
    label: str
    words: list[_Word]
    linking: list[Annotated[list[int], Field(min_length=2, max_length=2)]] = Field(default_factory=list)


class _Form(Foreign):
    form: list[_Segment]


def read_funsd(path: Path, options: ReadOptions, labels: LabelMap) -> list[DraftPage]:
    """Pages of a FUNSD file, or of all ``annotations/*.json`` below a folder (or all JSON files in it).

    Images are looked for in ``images`` beside ``annotations``. A link between two item values puts them into one line
    item, one between a rate, a base and an amount of tax into one tax line; other links are passed over.

    Raises:
        InterchangeError: If a file cannot be taken over.

    Source:
        Jaume et al., FUNSD, 2019; https://guillaumejaume.github.io/FUNSD/description
    """
    found = sorted(path.rglob("annotations/*.json")) or sorted(path.glob("*.json"))
    files = found if path.is_dir() else [path]
    if not files:
        raise InterchangeError(f"{path}: no annotations/*.json in it; name a folder as FUNSD has it")
    drafts = []
    for file in files:
        record = validate(_Form, read_json(file), str(file))
        folders = [
            *([options.images] if options.images else []),
            file.parent.parent / "images",
            file.parent,
        ]
        picture = file_picture(find_image(file.stem, folders, str(file)), str(file))
        words: list[Word] = []
        entities: list[DraftEntity] = []
        owner: dict[int, int] = {}
        for segment in record.form:
            places = list(range(len(words), len(words) + len(segment.words)))
            words += [Word(text=one.text, box=one.box, source="ocr") for one in segment.words]
            name = labels(segment.label, f"{file}, segment {segment.id}")
            if name != OUTSIDE and places:
                owner[segment.id] = len(entities)
                entities.append(DraftEntity(name, places))
        groups = _groups(record, entities, owner)
        drafts.append(
            DraftPage(
                where=str(file),
                source="funsd",
                doc_id=file.stem,
                picture=picture,
                words=words,
                entities=[DraftEntity(one.type, one.words, groups.get(i)) for i, one in enumerate(entities)],
                groups={name: _kind(name) for name in groups.values()},
                split=_SPLITS.get(file.parent.parent.name),
                ocr={"engine": "funsd", "version": ""},
            )
        )
    return drafts


def _kind(group: str) -> RelationType:
    return "line_item" if group.startswith("line") else "tax_line"


def _groups(form: _Form, entities: Sequence[DraftEntity], owner: dict[int, int]) -> dict[int, str]:
    """Name of the group of each entity that links join with others of its kind."""
    kinds = {
        i: "line" if one.type in ITEM_ENTITY_TYPES else "tax"
        for i, one in enumerate(entities)
        if one.type in ITEM_ENTITY_TYPES or one.type in _TAX_TYPES
    }
    leader = {i: i for i in kinds}

    def find(i: int) -> int:
        while leader[i] != i:
            i = leader[i]
        return i

    linked: set[int] = set()
    for segment in form.form:
        for first, second in segment.linking:
            a, b = owner.get(first), owner.get(second)
            if a is not None and b is not None and a in kinds and kinds.get(b) == kinds[a]:
                leader[max(find(a), find(b))] = min(find(a), find(b))
                linked |= {a, b}
    return {i: f"{kinds[i]}-{find(i)}" for i in linked}
