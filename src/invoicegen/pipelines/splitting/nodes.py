"""Deal layouts to train, validation and test, and write the model's input."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from invoicegen.pipelines.options import GenerateOptions
from invoicegen.pipelines.streaming import Loader, unfinished, variants_of
from invoicegen.splitting import assign_split

Shards = dict[str, pa.Table]

GALLERY_PAGES = 40
CONTACT_SHEET_PAGES = 8


def split_pages(
    plans: dict[str, Loader],
    annotations: dict[str, Loader],
    page_images: dict[str, Loader],
    finished_train: frozenset[str],
    finished_validation: frozenset[str],
    finished_test: frozenset[str],
    generate: GenerateOptions,
) -> Iterator[tuple[Shards, Shards, Shards]]:
    """Parquet shards with image bytes, no layout in two splits."""
    from invoicegen.schema.annotation import Page
    from invoicegen.schema.rows import page_to_row, rows_to_table

    yield {}, {}, {}
    for name in unfinished(generate.shard_names(), finished_train, finished_validation, finished_test):
        images = {(row["doc_id"], row["page"]): row["image"] for row in page_images[name]().to_pylist()}
        presets = {
            doc_id: plan["augmentation"] for doc_id, (plan, _) in variants_of(plans[name](), generate).items()
        }
        rows: dict[str, list[dict[str, Any]]] = {"train": [], "validation": [], "test": []}
        for record in annotations[name]():
            group = record["provenance"]["split_group"]
            split = assign_split(group, generate.seed, generate.split.model_dump())
            page = Page.model_validate({**record, "split": split})
            rows[split].append(page_to_row(page, images[page.doc_id, page.page], presets[page.doc_id]))
        train, validation, test = ({name: rows_to_table(rows[split])} for split in rows)
        yield train, validation, test


def describe_model_input(
    train: dict[str, Loader],
    validation: dict[str, Loader],
    test: dict[str, Loader],
    generate: GenerateOptions,
) -> dict[str, Any]:
    """The manifest: which generation is current, and what is in it.

    Raises:
        ValueError: If a split has no pages; says how to get some.
    """
    manifest: dict[str, Any] = {
        "fingerprint": generate.fingerprint,
        "generate": generate.model_dump(mode="json"),
        "splits": {},
    }
    for split, shards in (("train", train), ("validation", validation), ("test", test)):
        pages, documents, groups = 0, set(), set()
        for name in generate.shard_names():
            table = shards[name]().select(["doc_id", "split_group"])
            pages += table.num_rows
            documents |= set(table["doc_id"].to_pylist())
            groups |= set(table["split_group"].to_pylist())
        manifest["splits"][split] = {"pages": pages, "documents": len(documents), "layouts": len(groups)}
        if not pages and generate.shards == 1:
            raise ValueError(
                f"the {split} split is empty: {generate.documents} documents are too few for shares of "
                f"{generate.split.model_dump()}; raise generate.documents or take another generate.seed"
            )
    return manifest


def draw_gallery(
    train: dict[str, Loader], manifest: dict[str, Any], generate: GenerateOptions
) -> tuple[str, Any]:
    """Some pages of the training split with their labels: an HTML page and a contact sheet.

    ``manifest`` is not read: it says that the shards are all there.
    """
    from invoicegen.gallery import ShownPage, contact_sheet, render_gallery
    from invoicegen.schema.rows import row_to_page

    pages: list[ShownPage] = []
    for name in generate.shard_names():
        rows = (
            train[name]()
            .select(["annotation", "split", "image"])
            .slice(0, GALLERY_PAGES - len(pages))
            .to_pylist()
        )
        pages += [ShownPage(row_to_page(row), row["image"]["bytes"]) for row in rows]
        if len(pages) == GALLERY_PAGES:
            break
    return render_gallery(pages), contact_sheet(pages[:CONTACT_SHEET_PAGES])
