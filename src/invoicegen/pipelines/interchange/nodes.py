"""Nodes of the pipelines ``import`` and ``export``.

All type hints can be resolved at run time: Kedro builds and checks the options from them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

from invoicegen import __version__
from invoicegen.interchange import ExportOptions, ImportOptions, LabelledPage
from invoicegen.schema.taxonomy import LabelSet

logger = logging.getLogger(__name__)

Loader = Callable[[], Any]
Shards = dict[str, Any]


def read_annotations(options: ImportOptions, labels: LabelSet) -> tuple[list[LabelledPage], dict[str, Any]]:
    """All pages with their splits, and a report; nothing is written unless every page can be taken over."""
    from invoicegen.interchange import import_pages

    pages, report = import_pages(options, labels)
    for note in report["notes"]:
        logger.warning(note)
    return pages, report


def write_imported_pages(
    pages: list[LabelledPage], options: ImportOptions, labels: LabelSet
) -> Iterator[tuple[Shards, Shards, Shards]]:
    """Parquet shards of the pages; image files are read again, a shard at a time."""
    from invoicegen.interchange import fingerprint, pages_table

    yield {}, {}, {}
    folder = fingerprint(pages)
    for position, split in enumerate(("train", "validation", "test")):
        there = [one for one in pages if one.page.split == split]
        for number, start in enumerate(range(0, len(there), options.shard_size)):
            table = pages_table(there[start : start + options.shard_size], labels)
            shards: list[Shards] = [{}, {}, {}]
            shards[position] = {f"{folder}/pages-{number:07d}": table}
            yield shards[0], shards[1], shards[2]


def describe_imported_pages(
    pages: list[LabelledPage],
    train: dict[str, Loader],
    validation: dict[str, Loader],
    test: dict[str, Loader],
    options: ImportOptions,
    labels: LabelSet,
) -> dict[str, Any]:
    """The manifest: the imported pages are what training and evaluation read from now on.

    The shards are not read: they say that they are all there.
    """
    from invoicegen.interchange import describe, fingerprint

    return {
        "fingerprint": fingerprint(pages),
        "import": {"version": __version__, **options.model_dump(mode="json")},
        "extra_entities": [entity.name for entity in labels.extra_entities],
        "splits": describe(pages),
    }


def export_pages(
    train: dict[str, Loader],
    validation: dict[str, Loader],
    test: dict[str, Loader],
    manifest: dict[str, Any],
    options: ExportOptions,
    labels: LabelSet,
) -> dict[str, Any]:
    """Write the current pages for another tool; one shard is held at a time. Gives a summary."""
    from invoicegen.interchange import table_pages, write_pages

    by_split = {"train": train, "validation": validation, "test": test}
    pages = (
        page
        for split in options.splits
        for name in sorted(by_split[split])
        for page in table_pages(by_split[split][name]())
    )
    count = write_pages(pages, options.path, options.format, options, labels)
    logger.info("%d pages written to %s", count, options.path)
    return {
        "format": options.format,
        "path": str(options.path),
        "pages": count,
        "fingerprint": manifest["fingerprint"],
    }
