"""Turn PDFs into page images as a scanner or a phone would see them; the true words move along."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pyarrow as pa

from invoicegen.execution import ExecutionOptions
from invoicegen.pipelines.options import GenerateOptions
from invoicegen.pipelines.streaming import Loader, Record, process_shards, unfinished, variants_of


def augment_pages(
    plans: dict[str, Loader],
    pdfs: dict[str, Loader],
    true_words: dict[str, Loader],
    finished_images: frozenset[str],
    finished_words: frozenset[str],
    generate: GenerateOptions,
    execution: ExecutionOptions,
) -> Iterator[tuple[dict[str, pa.Table], dict[str, list[Record]], dict[str, list[Record]]]]:
    """Page images and the words on them, for every page of every document."""

    def items(name: str) -> list[Record]:
        printed = {row["doc_id"]: row["pdf"] for row in pdfs[name]().to_pylist()}
        truths = {truth["doc_id"]: truth["pages"] for truth in true_words[name]()}
        return [
            {"plan": plan, "pdf": printed[source], "pages": truths[source]}
            for plan, source in variants_of(plans[name](), generate).values()
            if source in truths
        ]

    yield {}, {}, {}
    names = generate.shard_names()
    todo = unfinished(names, finished_images, finished_words)
    work = partial(
        augment_document, dpi=generate.dpi, image_format=generate.image_format, quality=generate.jpeg_quality
    )
    schema = pa.schema(
        [("doc_id", pa.string()), ("page", pa.int32()), ("name", pa.string()), ("image", pa.binary())]
    )
    for name, records, quarantined in process_shards(
        "augment", todo, items, work, execution, len(names), {"generate": generate}
    ):
        images = [image for record in records for image in record.pop("images")]
        yield (
            {name: pa.Table.from_pylist(images, schema)},
            {name: records},
            {name: quarantined} if quarantined else {},
        )


def augment_document(item: Record, dpi: int, image_format: str, quality: int) -> Record:
    """Page images of one document, by plan, PDF and true words."""
    from invoicegen.augmentation import augment
    from invoicegen.images import encode_image
    from invoicegen.randomness import Stage, document_rng
    from invoicegen.rendering import rasterise
    from invoicegen.schema.truth import TruePage

    plan = item["plan"]
    rng = document_rng(plan["seed"], plan["index"], Stage.AUGMENTATION, plan["variant"])
    images, pages, applied = [], [], []
    for record in item["pages"]:
        truth = TruePage.from_dict(record)
        image = rasterise(item["pdf"], truth.page, dpi)
        augmented = augment(image, truth, plan["augmentation"], rng, plan["extensions"])
        name = f"images/{plan['doc_id']}-{truth.page}.{'jpg' if image_format == 'jpeg' else 'png'}"
        images.append(
            {
                "doc_id": plan["doc_id"],
                "page": truth.page,
                "name": name,
                "image": encode_image(augmented.image, image_format, quality, dpi),
            }
        )
        pages.append(augmented.page.to_dict())
        applied.append(augmented.applied)
    return {"doc_id": plan["doc_id"], "images": images, "pages": pages, "augmentations": applied}
