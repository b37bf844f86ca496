"""Annotated pages as Parquet rows that Hugging Face ``datasets`` opens with their features.

``datasets.load_dataset("parquet", data_files=…)`` reads the feature types (``ClassLabel``, ``Image``) from the
schema metadata written here, so the tags come with their names and the image column decodes itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

import pyarrow as pa

from invoicegen.schema.annotation import Page
from invoicegen.schema.taxonomy import (
    CELL_IDS,
    CELL_LABELS,
    NER_IDS,
    NER_LABELS,
    TABLE_IDS,
    TABLE_LABELS,
)


def _value(dtype: str) -> dict[str, Any]:
    return {"dtype": dtype, "_type": "Value"}


def _list(feature: dict[str, Any]) -> dict[str, Any]:
    return {"feature": feature, "_type": "List"}


def _labels(names: tuple[str, ...]) -> dict[str, Any]:
    return _list({"names": list(names), "_type": "ClassLabel"})


_COLUMNS: Final[dict[str, tuple[pa.DataType, dict[str, Any]]]] = {
    "id": (pa.string(), _value("string")),
    "doc_id": (pa.string(), _value("string")),
    "page": (pa.int32(), _value("int32")),
    "page_count": (pa.int32(), _value("int32")),
    "split": (pa.string(), _value("string")),
    "document_type": (pa.string(), _value("string")),
    "locale": (pa.string(), _value("string")),
    "template_family": (pa.string(), _value("string")),
    "split_group": (pa.string(), _value("string")),
    "ocr_engine": (pa.string(), _value("string")),
    "augmentation": (pa.string(), _value("string")),
    "width": (pa.int32(), _value("int32")),
    "height": (pa.int32(), _value("int32")),
    "tokens": (pa.list_(pa.string()), _list(_value("string"))),
    "boxes": (pa.list_(pa.list_(pa.float32())), _list(_list(_value("float32")))),
    "bboxes": (pa.list_(pa.list_(pa.int64())), _list(_list(_value("int64")))),
    "segment_ids": (pa.list_(pa.int64()), _list(_value("int64"))),
    "ner_tags": (pa.list_(pa.int64()), _labels(NER_LABELS)),
    "table_tags": (pa.list_(pa.int64()), _labels(TABLE_LABELS)),
    "cell_tags": (pa.list_(pa.int64()), _labels(CELL_LABELS)),
    "image": (pa.struct([("bytes", pa.binary()), ("path", pa.string())]), {"_type": "Image"}),
    "annotation": (pa.string(), _value("string")),
}

PAGE_SCHEMA: Final[pa.Schema] = pa.schema(
    [(name, dtype) for name, (dtype, _) in _COLUMNS.items()],
    metadata={
        "huggingface": json.dumps(
            {"info": {"features": {name: feature for name, (_, feature) in _COLUMNS.items()}}}
        )
    },
)
"""Arrow schema of a shard of annotated pages, with Hugging Face features in its metadata."""


def page_to_row(page: Page, image: bytes, augmentation: str) -> dict[str, Any]:
    """One row: the tensors' raw material in columns of its own, the whole record as JSON beside them."""
    provenance = page.provenance
    return {
        "id": f"{page.doc_id}-{page.page}",
        "doc_id": page.doc_id,
        "page": page.page,
        "page_count": page.page_count,
        "split": page.split,
        "document_type": page.document_type,
        "locale": provenance.locale,
        "template_family": provenance.template_family,
        "split_group": provenance.split_group,
        "ocr_engine": (provenance.ocr or {}).get("engine", "none"),
        "augmentation": augmentation,
        "width": page.width,
        "height": page.height,
        "tokens": [word.text for word in page.words],
        "boxes": [word.box for word in page.words],
        "bboxes": page.boxes_1000,
        "segment_ids": [-1 if word.segment_id is None else word.segment_id for word in page.words],
        "ner_tags": [NER_IDS[tag] for tag in page.ner_tags],
        "table_tags": [TABLE_IDS[tag] for tag in page.table_tags],
        "cell_tags": [CELL_IDS[tag] for tag in page.cell_tags],
        "image": {"bytes": image, "path": page.image},
        "annotation": page.model_dump_json(),
    }


def rows_to_table(rows: Iterable[dict[str, Any]]) -> pa.Table:
    """A table of rows as :func:`page_to_row` makes them."""
    return pa.Table.from_pylist(list(rows), schema=PAGE_SCHEMA)


def row_to_page(row: dict[str, Any]) -> Page:
    """The annotated page of a row, with the split that the row states.

    Raises:
        pydantic.ValidationError: If the stored annotation is not a page of schema 1.0.
    """
    page = Page.model_validate_json(row["annotation"])
    return page if page.split == row["split"] else page.model_copy(update={"split": row["split"]})
