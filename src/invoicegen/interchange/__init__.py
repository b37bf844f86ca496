"""Annotated pages in the formats of other tools, and back.

:func:`read_annotations` and :func:`write_pages` know all formats; :func:`deal_splits` makes a training set of what was
read.
:func:`to_coco`, :func:`to_cord`, :func:`to_docile` and :func:`to_label_studio` give records,
:func:`from_label_studio` reads them.
"""

from invoicegen.interchange.coco import to_coco
from invoicegen.interchange.cord import to_cord
from invoicegen.interchange.docile import to_docile
from invoicegen.interchange.errors import InterchangeError
from invoicegen.interchange.exchange import deal_splits, import_pages, read_annotations, write_pages
from invoicegen.interchange.label_studio import from_label_studio, label_config, to_label_studio
from invoicegen.interchange.labels import read_label_set
from invoicegen.interchange.options import ExportOptions, ImportOptions, ReadOptions, WriteOptions
from invoicegen.interchange.records import LabelledPage
from invoicegen.interchange.shards import (
    describe,
    fingerprint,
    pages_table,
    read_shards,
    shard_labels,
    table_pages,
    write_shards,
)

__all__ = [
    "ExportOptions",
    "ImportOptions",
    "InterchangeError",
    "LabelledPage",
    "ReadOptions",
    "WriteOptions",
    "deal_splits",
    "describe",
    "fingerprint",
    "from_label_studio",
    "import_pages",
    "label_config",
    "pages_table",
    "read_annotations",
    "read_label_set",
    "read_shards",
    "shard_labels",
    "table_pages",
    "to_coco",
    "to_cord",
    "to_docile",
    "to_label_studio",
    "write_pages",
    "write_shards",
]
