"""Hugging Face ``datasets``: the columns of funsd-layoutlmv3, and what keeps documents and line items."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from invoicegen.interchange.errors import InterchangeError
from invoicegen.interchange.labels import OUTSIDE, LabelMap
from invoicegen.interchange.options import ReadOptions
from invoicegen.interchange.pictures import check_picture, file_picture
from invoicegen.interchange.reading import open_parquet
from invoicegen.interchange.records import DraftEntity, DraftPage, LabelledPage
from invoicegen.schema.annotation import Page, Split, Word
from invoicegen.schema.taxonomy import (
    CELL_IDS,
    CELL_LABELS,
    DEFAULT_LABELS,
    ITEM_ENTITY_TYPES,
    TABLE_IDS,
    TABLE_LABELS,
    LabelSet,
)

_SPLITS: Final[dict[str, Split]] = {
    "train": "train",
    "validation": "validation",
    "valid": "validation",
    "dev": "validation",
    "test": "test",
}
_ROW_GROUP: Final = 100
_TEXTS: Final = ("id", "doc_id", "document_type", "split_group")
_COUNTS: Final = ("page", "page_count")


def _features(words_column: str, known: LabelSet) -> dict[str, Any]:
    def value(dtype: str) -> dict[str, Any]:
        return {"dtype": dtype, "_type": "Value"}

    def several(feature: dict[str, Any]) -> dict[str, Any]:
        return {"feature": feature, "_type": "List"}

    def classes(names: Sequence[str]) -> dict[str, Any]:
        return several({"names": list(names), "_type": "ClassLabel"})

    return {
        "id": value("string"),
        words_column: several(value("string")),
        "bboxes": several(several(value("int64"))),
        "ner_tags": classes(known.ner_labels),
        "table_tags": classes(TABLE_LABELS),
        "cell_tags": classes(CELL_LABELS),
        "line_items": several(value("int64")),
        "doc_id": value("string"),
        "page": value("int64"),
        "page_count": value("int64"),
        "document_type": value("string"),
        "split_group": value("string"),
        "image": {"_type": "Image"},
    }


def _schema(words_column: str, known: LabelSet) -> Any:
    import pyarrow as pa

    numbers = pa.list_(pa.int64())
    types = {
        **dict.fromkeys(_TEXTS, pa.string()),
        **dict.fromkeys(_COUNTS, pa.int64()),
        words_column: pa.list_(pa.string()),
        "bboxes": pa.list_(numbers),
        **dict.fromkeys(("ner_tags", "table_tags", "cell_tags", "line_items"), numbers),
        "image": pa.struct([("bytes", pa.binary()), ("path", pa.string())]),
    }
    features = _features(words_column, known)
    return pa.schema(
        [(name, types[name]) for name in features],
        metadata={"huggingface": json.dumps({"info": {"features": features}})},
    )


def write_hf(
    pages: Iterable[LabelledPage],
    folder: Path,
    words_column: str = "tokens",
    known: LabelSet = DEFAULT_LABELS,
) -> int:
    """``data/<split>-00000.parquet``, which ``datasets.load_dataset(folder)`` opens with its splits and features.

    Columns ``id``, ``tokens`` (or ``words``), ``bboxes`` (0-1000), ``ner_tags`` (``ClassLabel`` of 73, and of two for
    each added type) and ``image`` are those of funsd-layoutlmv3 (cord-layoutlmv3); beside them ``table_tags``,
    ``cell_tags``, ``line_items`` (number of the line item in the document that a word belongs to, -1 for none),
    ``doc_id``, ``page``, ``page_count``, ``document_type`` and ``split_group``.

    Lossy: boxes are those of the grid; values, tax lines, the grid of the table and most of the provenance have no
    column.

    Returns:
        Number of pages.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = _schema(words_column, known)
    (folder / "data").mkdir()
    writers: dict[str, Any] = {}
    waiting: dict[str, list[dict[str, Any]]] = {}
    rows_of: dict[str, dict[str, int]] = {}
    count = 0

    def flush(split: str) -> None:
        writers[split].write_table(pa.Table.from_pylist(waiting.pop(split), schema=schema))

    try:
        for one in pages:
            page = one.page
            split: str = page.split or "train"
            if split not in writers:
                writers[split] = pq.ParquetWriter(folder / "data" / f"{split}-00000.parquet", schema)
            numbers = rows_of.setdefault(page.doc_id, {})
            waiting.setdefault(split, []).append(
                {
                    "id": f"{page.doc_id}-{page.page}",
                    words_column: [word.text for word in page.words],
                    "bboxes": page.boxes_1000,
                    "ner_tags": [known.ner_ids[tag] for tag in page.ner_tags],
                    "table_tags": [TABLE_IDS[tag] for tag in page.table_tags],
                    "cell_tags": [CELL_IDS[tag] for tag in page.cell_tags],
                    "line_items": _line_items(page, numbers),
                    "doc_id": page.doc_id,
                    "page": page.page,
                    "page_count": page.page_count,
                    "document_type": page.document_type,
                    "split_group": page.provenance.split_group,
                    "image": {"bytes": one.read_image(), "path": page.image},
                }
            )
            if len(waiting[split]) == _ROW_GROUP:
                flush(split)
            count += 1
        for name in list(waiting):
            flush(name)
    finally:
        for writer in writers.values():
            writer.close()
    return count


def _line_items(page: Page, numbers: dict[str, int]) -> list[int]:
    words = {entity.id: entity.words for entity in page.entities}
    found = [-1] * len(page.words)
    for relation in page.relations:
        if relation.type == "line_item":
            number = numbers.setdefault(relation.id, len(numbers))
            for member in relation.members:
                for i in words[member]:
                    found[i] = number
    return found


def read_hf(path: Path, options: ReadOptions, labels: LabelMap) -> list[DraftPage]:
    """Pages of a Parquet file, of all Parquet files of a folder, or of what ``Dataset.save_to_disk`` wrote.

    Needed are ``tokens`` (or ``words``), ``bboxes`` (or ``bbox``; 0-1000), ``ner_tags`` and ``image``; the other
    columns of :func:`write_hf` are used where they are there. A label is a name, or a number whose name the features
    give; ``B-X`` begins a value, ``I-X`` goes on with the last one of its type. Without ``doc_id`` each row is a
    document.

    Raises:
        InterchangeError: If a row cannot be taken over.
    """
    drafts: list[DraftPage] = []
    for name, where, names, split, row in _rows(path):
        drafts.append(_draft(name, where, names, split, row, labels))
    if not drafts:
        raise InterchangeError(
            f"{path}: no Parquet file and no saved dataset in it; name a folder of `load_dataset` or `save_to_disk`"
        )
    return drafts


_Names = Mapping[str, Sequence[str]]
_TAGS: Final = ("ner_tags", "table_tags", "cell_tags")


_Row = tuple[str, str, _Names, Split | None, dict[str, Any]]


def _rows(path: Path) -> Iterator[_Row]:
    """A name and the place of each row, names of its classes, its split, and itself."""
    saved = path / "dataset_dict.json", path / "state.json"
    if path.is_dir() and any(file.is_file() for file in saved):
        yield from _saved_rows(path)
        return
    from datasets import Features

    for file in sorted(path.rglob("*.parquet")) if path.is_dir() else [path]:
        parquet = open_parquet(file)
        names = _names(Features.from_arrow_schema(parquet.schema_arrow))
        split = _SPLITS.get(file.stem.split("-")[0]) or next(
            (_SPLITS[part] for part in reversed(file.parts) if part in _SPLITS), None
        )
        number = 0
        for batch in parquet.iter_batches(batch_size=16):
            for row in batch.to_pylist():
                number += 1
                yield f"{file.stem}-{number:05d}", f"{file}, row {number}", names, split, row


def _saved_rows(path: Path) -> Iterator[_Row]:
    import datasets

    loaded = datasets.load_from_disk(str(path))
    parts = loaded if isinstance(loaded, datasets.DatasetDict) else {str(loaded.split or ""): loaded}
    for name, part in parts.items():
        names = _names(part.features)
        plain = part.cast_column("image", datasets.Image(decode=False)) if "image" in names["*"] else part
        for number, row in enumerate(plain, 1):
            title = name or path.name
            yield f"{title}-{number:05d}", f"{path}, {title} row {number}", names, _SPLITS.get(name), row


def _names(features: Mapping[str, Any]) -> dict[str, Sequence[str]]:
    """Names of the classes of each column of tags; ``*`` has the names of the columns."""
    found: dict[str, Sequence[str]] = {"*": list(features)}
    for column in _TAGS:
        inner = getattr(features.get(column), "feature", None)
        if names := getattr(inner, "names", None):
            found[column] = names
    return found


def _draft(
    name: str, where: str, names: _Names, split: Split | None, row: dict[str, Any], labels: LabelMap
) -> DraftPage:
    tokens = _column(where, row, "tokens", "words")
    boxes = _column(where, row, "bboxes", "bbox")
    tags = _tags(where, row, names, "ner_tags")
    image = row.get("image")
    if not isinstance(image, dict) or not (image.get("bytes") or image.get("path")):
        raise InterchangeError(f"{where}: has no image; store the pages' images in the column image")
    columns = {
        column: _tags(where, row, names, column)
        for column in ("table_tags", "cell_tags")
        if row.get(column) is not None
    }
    items = row.get("line_items")
    lengths = {"tokens": tokens, "bboxes": boxes, "ner_tags": tags, **columns}
    lengths |= {} if items is None else {"line_items": items}
    if len({len(column) for column in lengths.values()}) > 1:
        told = ", ".join(f"{len(column)} {name}" for name, column in lengths.items())
        raise InterchangeError(f"{where}: {told}; give every word one of each")
    _known(where, columns)
    data = image.get("bytes")
    picture = check_picture(lambda: data, where) if data else file_picture(Path(image["path"]), where)
    words = []
    for i, (text, box) in enumerate(zip(tokens, boxes, strict=True)):
        if len(box) != 4 or not all(0 <= value <= 1000 for value in box):
            raise InterchangeError(
                f"{where}: word {i + 1} {text!r}: box {list(box)} is not on the page; boxes are x0, y0, x1, y1 from 0 "
                "to 1000, as LayoutLM has them"
            )
        x0, y0, x1, y1 = box
        across, down = picture.width / 1000, picture.height / 1000
        words.append(Word(text=text, box=[x0 * across, y0 * down, x1 * across, y1 * down], source="ocr"))
    made = []
    for label, places in _entities(where, tags, labels):
        number = -1 if items is None or label not in ITEM_ENTITY_TYPES else items[places[0]]
        made.append(DraftEntity(label, places, None if number < 0 else f"line-{number}"))
    document = row.get("doc_id")
    kind = row.get("document_type")
    return DraftPage(
        where=where,
        source="hf",
        doc_id=str(document or row.get("id") or name),
        picture=picture,
        words=words,
        entities=made,
        page=int(row.get("page") or 0) if document else 0,
        page_count=int(row.get("page_count") or 1) if document else 1,
        in_order=True,
        groups={one.group: "line_item" for one in made if one.group},
        table_tags=columns.get("table_tags"),
        cell_tags=columns.get("cell_tags"),
        split=split,
        split_group=row.get("split_group") or None,
        document_type=kind if kind in ("invoice", "credit_note", "receipt") else None,
        ocr={"engine": "hf", "version": ""},
    )


def _column(where: str, row: Mapping[str, Any], *names: str) -> list[Any]:
    for name in names:
        if row.get(name) is not None:
            return list(row[name])
    raise InterchangeError(f"{where}: has no column {' or '.join(names)}; name it so")


def _tags(where: str, row: Mapping[str, Any], names: _Names, column: str) -> list[str]:
    known = names.get(column)
    found = []
    for tag in _column(where, row, column):
        if isinstance(tag, int):
            if known is None or not 0 <= tag < len(known):
                raise InterchangeError(
                    f"{where}: {column} has {tag} without a name; store the dataset with ClassLabel features, or "
                    "write names"
                )
            found.append(known[tag])
        else:
            found.append(str(tag))
    return found


def _known(where: str, columns: Mapping[str, Sequence[str]]) -> None:
    for column, allowed in (("table_tags", TABLE_LABELS), ("cell_tags", CELL_LABELS)):
        unknown = sorted(set(columns.get(column, ())) - set(allowed))
        if unknown:
            raise InterchangeError(
                f"{where}: {column} has {', '.join(unknown)}; allowed are {', '.join(allowed)}"
            )


def _entities(where: str, tags: Sequence[str], labels: LabelMap) -> list[tuple[str, list[int]]]:
    found: list[tuple[str, list[int]]] = []
    last: dict[str, list[int]] = {}
    for i, tag in enumerate(tags):
        if tag == OUTSIDE:
            continue
        prefix, dash, label = tag.partition("-")
        if dash != "-" or prefix not in ("B", "I"):
            raise InterchangeError(
                f"{where}: tag {tag!r} of word {i + 1} is not O, B-… or I-…; write BIO tags"
            )
        name = labels(label, f"{where}, word {i + 1}")
        if name == OUTSIDE:
            continue
        if prefix == "I" and label in last:
            last[label].append(i)
        else:
            last[label] = [i]
            found.append((name, last[label]))
    return found
