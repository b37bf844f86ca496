"""Annotated pages as Parquet rows that Hugging Face ``datasets`` opens with their features.

``datasets.load_dataset("parquet", data_files=…)`` reads the feature types (``ClassLabel``, ``Image``) from the
schema metadata written here, so the tags come with their names and the image column decodes itself. The whole
label set, types that a user added included, is there too: :func:`label_set_of` reads it.
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
    DEFAULT_LABELS,
    TABLE_IDS,
    TABLE_LABELS,
    LabelSet,
)

_LABEL_SET: Final = b"invoicegen.labels"


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
    "ner_tags": (pa.list_(pa.int64()), _labels(DEFAULT_LABELS.ner_labels)),
    "table_tags": (pa.list_(pa.int64()), _labels(TABLE_LABELS)),
    "cell_tags": (pa.list_(pa.int64()), _labels(CELL_LABELS)),
    "image": (pa.struct([("bytes", pa.binary()), ("path", pa.string())]), {"_type": "Image"}),
    "annotation": (pa.string(), _value("string")),
}


def page_schema(labels: LabelSet = DEFAULT_LABELS) -> pa.Schema:
    """Arrow schema of a shard of annotated pages, with Hugging Face features and the label set in its metadata."""
    features = {name: feature for name, (_, feature) in _COLUMNS.items()}
    features["ner_tags"] = _labels(labels.ner_labels)
    return pa.schema(
        [(name, dtype) for name, (dtype, _) in _COLUMNS.items()],
        metadata={
            "huggingface": json.dumps({"info": {"features": features}}),
            _LABEL_SET: labels.model_dump_json(),
        },
    )


PAGE_SCHEMA: Final[pa.Schema] = page_schema()
"""The schema with the labels of the taxonomy alone."""


def label_set_of(schema: pa.Schema) -> LabelSet:
    """The label set that the numbers in ``ner_tags`` are of; the taxonomy's where a shard does not say.

    Raises:
        pydantic.ValidationError: If what it says is no label set of this version.
    """
    stated = (schema.metadata or {}).get(_LABEL_SET)
    return DEFAULT_LABELS if stated is None else LabelSet.model_validate_json(stated)


def page_to_row(
    page: Page, image: bytes, augmentation: str, labels: LabelSet = DEFAULT_LABELS
) -> dict[str, Any]:
    """One row: the tensors' raw material in columns of its own, the whole record as JSON beside them.

    Raises:
        KeyError: If a label of the page is not in ``labels``.
    """
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
        "ner_tags": [labels.ner_ids[tag] for tag in page.ner_tags],
        "table_tags": [TABLE_IDS[tag] for tag in page.table_tags],
        "cell_tags": [CELL_IDS[tag] for tag in page.cell_tags],
        "image": {"bytes": image, "path": page.image},
        "annotation": page.model_dump_json(),
    }


def rows_to_table(rows: Iterable[dict[str, Any]], labels: LabelSet = DEFAULT_LABELS) -> pa.Table:
    """A table of rows as :func:`page_to_row` makes them with the same labels."""
    return pa.Table.from_pylist(list(rows), schema=page_schema(labels))


def row_to_page(row: dict[str, Any]) -> Page:
    """The annotated page of a row, with the split that the row states.

    Raises:
        pydantic.ValidationError: If the stored annotation is not a page of schema 1.0.
    """
    page = Page.model_validate_json(row["annotation"])
    return page if page.split == row["split"] else page.model_copy(update={"split": row["split"]})
