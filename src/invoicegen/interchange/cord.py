"""CORD v2: receipts as lines of words with quads, grouped to menu items and sums."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from invoicegen.geometry import box_to_quad, quad_to_box
from invoicegen.interchange.errors import InterchangeError
from invoicegen.interchange.labels import OUTSIDE, LabelMap
from invoicegen.interchange.options import ReadOptions
from invoicegen.interchange.pictures import Picture, check_picture, file_picture, find_image
from invoicegen.interchange.reading import (
    Foreign,
    open_parquet,
    parse_json,
    read_json,
    read_json_lines,
    validate,
)
from invoicegen.interchange.records import DraftEntity, DraftPage, LabelledPage, file_stem, image_path
from invoicegen.schema.annotation import Page, Split, Word
from invoicegen.schema.taxonomy import ITEM_ENTITY_TYPES

CATEGORIES: Final = {
    "SUBTOTAL_AMOUNT": "sub_total.subtotal_price",
    "DISCOUNT_AMOUNT": "sub_total.discount_price",
    "CHARGE_AMOUNT": "sub_total.service_price",
    "TAX_AMOUNT": "sub_total.tax_price",
    "TOTAL_AMOUNT": "total.total_price",
    "AMOUNT_PAID": "total.cashprice",
    "ITEM_DESCRIPTION": "menu.nm",
    "ITEM_CODE": "menu.num",
    "ITEM_QUANTITY": "menu.cnt",
    "ITEM_UNIT_PRICE": "menu.unitprice",
    "ITEM_DISCOUNT": "menu.discountprice",
    "ITEM_AMOUNT": "menu.price",
}
"""The twelve entity types that CORD has, and the category that each is written as."""

LABELS: Final = {
    **{category: name for name, category in CATEGORIES.items()},
    "sub_total.othersvc_price": "CHARGE_AMOUNT",
    "total.creditcardprice": "AMOUNT_PAID",
    "total.emoneyprice": "AMOUNT_PAID",
    "menu.sub_nm": "ITEM_DESCRIPTION",
    **dict.fromkeys(
        (
            "menu.itemsubtotal", "menu.vatyn", "menu.etc", "menu.sub_num", "menu.sub_unitprice", "menu.sub_cnt",
            "menu.sub_discountprice", "menu.sub_price", "menu.sub_etc", "void_menu.nm", "void_menu.num",
            "void_menu.unitprice", "void_menu.cnt", "void_menu.price", "void_menu.etc", "sub_total.etc",
            "total.total_etc", "total.changeprice", "total.menutype_cnt", "total.menuqty_cnt",
        ),
        OUTSIDE,
    ),
}  # fmt: skip
"""What the categories of CORD v2 mean; those that the taxonomy lacks are left out."""

_SPLITS: Final[dict[str, Split]] = {
    "train": "train",
    "dev": "validation",
    "validation": "validation",
    "test": "test",
}


class _Quad(Foreign):
    x1: float
    y1: float
    x2: float
    y2: float
    x3: float
    y3: float
    x4: float
    y4: float


class _Word(Foreign):
    text: str
    quad: _Quad
    is_key: int = 0
    row_id: int | None = None


class _Line(Foreign):
    words: list[_Word]
    category: str
    group_id: int


class _Record(Foreign):
    valid_line: list[_Line]


def read_cord(path: Path, options: ReadOptions, labels: LabelMap) -> list[DraftPage]:
    """Receipts of a folder: ``metadata.jsonl`` files, Parquet files of ``image`` and ``ground_truth``, or
    ``json/*.json`` beside ``image/``; or those of one such file.

    Lines of one category and group are one value. Captions (``is_key``) are words without a label. A split is known
    from the name of the folder (or of the Parquet file).

    Raises:
        InterchangeError: If a record cannot be taken over.

    Source:
        Park et al., CORD, 2019; https://github.com/clovaai/cord; version 2 as ``naver-clova-ix/cord-v2``
    """
    drafts = [
        _draft(where, doc_id, record, picture, split, labels)
        for where, doc_id, record, picture, split in _records(path, options)
    ]
    if not drafts:
        raise InterchangeError(
            f"{path}: no metadata.jsonl, no Parquet file and no json/*.json in it; name a folder as CORD has it"
        )
    return drafts


_Found = tuple[str, str, Any, Picture, Split | None]


def _records(path: Path, options: ReadOptions) -> Iterator[_Found]:
    extra = [options.images] if options.images else []
    files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
    for file in files:
        split = next((_SPLITS[part] for part in reversed(file.parts) if part in _SPLITS), None)
        if file.name == "metadata.jsonl":
            for where, row in read_json_lines(file):
                if not isinstance(row, dict) or not {"file_name", "ground_truth"} <= row.keys():
                    raise InterchangeError(
                        f"{where}: has no file_name and ground_truth; write both, as an imagefolder of datasets has"
                    )
                name = str(row["file_name"])
                image = find_image(name, [*extra, (file.parent / name).parent], where)
                truth = row["ground_truth"]
                record = parse_json(truth, where, None) if isinstance(truth, str) else truth
                yield where, Path(name).stem, record, file_picture(image, where), split
        elif file.suffix == ".parquet":
            stem = file.stem.split("-")[0]
            yield from _rows(file, _SPLITS.get(stem, split))
        elif file.suffix == ".json" and (file.parent.name == "json" or file == path):
            where = str(file)
            image = find_image(file.stem, [*extra, file.parent.parent / "image", file.parent], where)
            yield where, file.stem, read_json(file), file_picture(image, where), split


def _rows(file: Path, split: Split | None) -> Iterator[_Found]:
    parquet = open_parquet(file)
    if not {"image", "ground_truth"} <= set(parquet.schema_arrow.names):
        raise InterchangeError(f"{file}: has no columns image and ground_truth; is it CORD?")
    number = 0
    for batch in parquet.iter_batches(batch_size=16, columns=["image", "ground_truth"]):
        for row in batch.to_pylist():
            number += 1
            where = f"{file}, row {number}"
            data = (row["image"] or {}).get("bytes")
            if not data or not isinstance(row["ground_truth"], str):
                raise InterchangeError(f"{where}: has no image, or no ground_truth as text; write both")
            record = parse_json(row["ground_truth"], where, None)
            picture = check_picture(partial(bytes, data), where)
            yield where, f"{file.stem}-{number:05d}", record, picture, split


def _draft(
    where: str, doc_id: str, given: Any, picture: Picture, split: Split | None, labels: LabelMap
) -> DraftPage:
    record = validate(_Record, given, where)
    words: list[Word] = []
    values: dict[tuple[str, int], list[int]] = {}
    for number, line in enumerate(record.valid_line, 1):
        name = labels(line.category, f"{where}, valid_line {number}")
        for one in line.words:
            q = one.quad
            quad = [q.x1, q.y1, q.x2, q.y2, q.x3, q.y3, q.x4, q.y4]
            box = quad_to_box(quad)
            straight = quad == list(box_to_quad(box))
            if name != OUTSIDE and not one.is_key and one.text.strip():
                values.setdefault((name, line.group_id), []).append(len(words))
            words.append(Word(text=one.text, box=list(box), quad=None if straight else quad, source="ocr"))
    entities = [
        DraftEntity(name, places, f"line-{group}" if name in ITEM_ENTITY_TYPES else None)
        for (name, group), places in values.items()
    ]
    return DraftPage(
        where=where,
        source="cord",
        doc_id=doc_id,
        picture=picture,
        words=words,
        entities=entities,
        groups={one.group: "line_item" for one in entities if one.group},
        split=split,
        ocr={"engine": "cord", "version": ""},
    )


def to_cord(page: Page) -> dict[str, Any]:
    """The ``ground_truth`` of a page.

    Lossy: of the 36 entity types CORD has the twelve of :data:`CATEGORIES`; words outside of them have no place, nor
    have normalised values and the tags of table and cell. Quads are whole numbers.
    """
    group_of = {
        member: number
        for number, relation in enumerate(r for r in page.relations if r.type == "line_item")
        for member in relation.members
    }
    lines: list[dict[str, Any]] = []
    menu: dict[int, dict[str, list[str]]] = {}
    sums: dict[str, dict[str, list[str]]] = {"sub_total": {}, "total": {}}
    alone = len(group_of)
    for entity in page.entities:
        category = CATEGORIES.get(entity.type)
        if category is None:
            continue
        if entity.id in group_of:
            group = group_of[entity.id]
        else:
            group = alone
            alone += 1
        lines.append(
            {
                "words": [_word(page.words[i]) for i in entity.words],
                "category": category,
                "group_id": group,
                "sub_group_id": 0,
            }
        )
        part, key = category.split(".")
        place = menu.setdefault(group, {}) if part == "menu" else sums[part]
        place.setdefault(key, []).append(entity.text)
    items = [_single(menu[group]) for group in sorted(menu)]
    parse: dict[str, Any] = {"menu": items[0] if len(items) == 1 else items} if items else {}
    parse |= {part: _single(found) for part, found in sums.items() if found}
    return {
        "gt_parse": parse,
        "meta": {
            "version": "2.0.0",
            "split": page.split,
            "image_id": 0,
            "image_size": {"width": page.width, "height": page.height},
        },
        "valid_line": lines,
        "roi": {},
        "repeating_symbol": [],
        "dontcare": [],
    }


def _single(values: Mapping[str, list[str]]) -> dict[str, Any]:
    return {key: found[0] if len(found) == 1 else found for key, found in values.items()}


def _word(word: Word) -> dict[str, Any]:
    quad = word.quad or box_to_quad(word.box)
    names = ("x1", "y1", "x2", "y2", "x3", "y3", "x4", "y4")
    return {
        "quad": dict(zip(names, map(round, quad), strict=True)),
        "is_key": 0,
        "row_id": word.line_id or 0,
        "text": word.text,
    }


def write_cord(pages: Iterable[LabelledPage], folder: Path) -> int:
    """``<split>/metadata.jsonl`` and its images, as an image folder that ``datasets.load_dataset`` opens.

    Returns:
        Number of pages.
    """
    records: dict[str, list[str]] = {}
    numbers: dict[str, int] = {}
    count = 0
    for one in pages:
        page = one.page
        split: str = page.split or "train"
        name = f"{file_stem(page)}-{page.page}{image_path(page).suffix}"
        truth = to_cord(page)
        truth["meta"] |= {"split": split, "image_id": numbers.get(split, 0)}
        numbers[split] = numbers.get(split, 0) + 1
        (folder / split).mkdir(exist_ok=True)
        (folder / split / name).write_bytes(one.read_image())
        row = {"file_name": name, "ground_truth": json.dumps(truth, ensure_ascii=False)}
        records.setdefault(split, []).append(json.dumps(row, ensure_ascii=False) + "\n")
        count += 1
    for split, lines in records.items():
        (folder / split / "metadata.jsonl").write_text("".join(lines), encoding="utf-8")
    return count
