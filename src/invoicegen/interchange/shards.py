"""Our own Parquet shards: labelled pages with their image bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from invoicegen.interchange.errors import InterchangeError
from invoicegen.interchange.pictures import whole_folder
from invoicegen.interchange.reading import open_parquet
from invoicegen.interchange.records import LabelledPage
from invoicegen.schema.taxonomy import DEFAULT_LABELS, LabelSet

if TYPE_CHECKING:
    import pyarrow as pa


def table_pages(table: pa.Table) -> Iterator[LabelledPage]:
    """The labelled pages of a table of ``invoicegen.schema.rows``."""
    from invoicegen.schema.rows import row_to_page

    for batch in table.select(["annotation", "split", "image"]).to_batches(max_chunksize=16):
        for row in batch.to_pylist():
            yield LabelledPage(row_to_page(row), partial(bytes, row["image"]["bytes"]))


def read_shards(path: Path) -> Iterator[LabelledPage]:
    """Labelled pages of a Parquet file, or of all in a folder, such as ``data/05_model_input/test_pages``.

    Raises:
        InterchangeError: If there is none, or one holds other things.
    """
    for file in _shard_files(path):
        parquet = open_parquet(file)
        if not {"annotation", "split", "image"} <= set(parquet.schema_arrow.names):
            raise InterchangeError(f"{file}: no shard of labelled pages; for other Parquet files give --from")
        yield from table_pages(parquet.read(["annotation", "split", "image"]))


def shard_labels(path: Path) -> LabelSet:
    """The entity types of a Parquet file of labelled pages, or of all in a folder: of added ones each that any has.

    Raises:
        InterchangeError: If there is no file.
    """
    from invoicegen.schema.rows import label_set_of

    sets = [label_set_of(open_parquet(file).schema_arrow) for file in _shard_files(path)]
    added = {entity.name: entity for known in sets for entity in known.extra_entities}
    return LabelSet(extra_entities=tuple(added.values()))


def _shard_files(path: Path) -> list[Path]:
    files = sorted(path.rglob("*.parquet")) if path.is_dir() else [path]
    if not files:
        raise InterchangeError(
            f"{path}: no Parquet file in it; name a folder such as data/05_model_input/test_pages"
        )
    return files


def pages_table(pages: Iterable[LabelledPage], labels: LabelSet = DEFAULT_LABELS) -> pa.Table:
    """A table of ``invoicegen.schema.rows``."""
    from invoicegen.schema.rows import page_to_row, rows_to_table

    return rows_to_table((page_to_row(one.page, one.read_image(), "none", labels) for one in pages), labels)


def write_shards(
    pages: Iterable[LabelledPage], folder: Path, shard_size: int = 50, labels: LabelSet = DEFAULT_LABELS
) -> int:
    """``pages-0000000.parquet`` and so on; the folder appears whole or not at all.

    Returns:
        Number of pages.

    Raises:
        InterchangeError: If the folder is full.
    """
    import pyarrow.parquet as pq

    count, number, source = 0, 0, iter(pages)
    with whole_folder(folder) as partial_folder:
        while shard := list(islice(source, shard_size)):
            place = partial_folder / f"pages-{number:07d}.parquet"
            pq.write_table(pages_table(shard, labels), place, compression="zstd", row_group_size=100)
            count, number = count + len(shard), number + 1
    return count


def fingerprint(pages: Sequence[LabelledPage]) -> str:
    """A hash of the pages: other annotations or images are other work."""
    digest = hashlib.sha256()
    for one in pages:
        digest.update(one.page.model_dump_json().encode())
    return f"import-{digest.hexdigest()[:12]}"


def describe(pages: Sequence[LabelledPage]) -> dict[str, dict[str, Any]]:
    """Pages, documents and split groups of each split."""
    found: dict[str, dict[str, Any]] = {}
    for split in ("train", "validation", "test"):
        there = [one.page for one in pages if one.page.split == split]
        found[split] = {
            "pages": len(there),
            "documents": len({page.doc_id for page in there}),
            "layouts": len({page.provenance.split_group for page in there}),
        }
    return found
