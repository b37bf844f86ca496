"""Give the words that were read the labels of the words that were printed."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from invoicegen.execution import ExecutionOptions
from invoicegen.pipelines.options import GenerateOptions
from invoicegen.pipelines.streaming import Loader, Record, process_shards, unfinished, variants_of


def label_pages(
    invoices: dict[str, Loader],
    true_words: dict[str, Loader],
    page_words: dict[str, Loader],
    page_images: dict[str, Loader],
    ocr_words: dict[str, Loader],
    finished_annotations: frozenset[str],
    finished_stats: frozenset[str],
    generate: GenerateOptions,
    execution: ExecutionOptions,
) -> Iterator[tuple[dict[str, list[Record]], dict[str, list[Record]], dict[str, list[Record]]]]:
    """Annotated pages and how well words and truth agree."""
    import hashlib

    def items(name: str) -> list[Record]:
        written = {record["plan"]["doc_id"]: record["invoice"] for record in invoices[name]()}
        planned = variants_of([record["plan"] for record in invoices[name]()], generate)
        fonts = {record["doc_id"]: record["fonts"] for record in true_words[name]()}
        moved = {record["doc_id"]: record for record in page_words[name]()}
        images: dict[str, list[tuple[str, str]]] = {}
        for row in page_images[name]().to_pylist():
            digest = hashlib.sha256(row["image"]).hexdigest()
            images.setdefault(row["doc_id"], []).append((row["name"], digest))
        return [
            {
                "plan": plan,
                "invoice": written[source],
                "fonts": fonts[source],
                "truth": moved[read["doc_id"]],
                "images": images[read["doc_id"]],
                "read": read,
            }
            for read in ocr_words[name]()
            for plan, source in [planned[read["doc_id"]]]
        ]

    yield {}, {}, {}
    names = generate.shard_names()
    todo = unfinished(names, finished_annotations, finished_stats)
    work = partial(label_document, dpi=generate.dpi)
    for name, records, quarantined in process_shards(
        "label", todo, items, work, execution, len(names), {"generate": generate}
    ):
        pages = [page for record in records for page in record["pages"]]
        stats = [stats for record in records for stats in record["stats"]]
        yield {name: pages}, {name: stats}, {name: quarantined} if quarantined else {}


def label_document(item: Record, dpi: int) -> Record:
    """The annotated pages of one document, and how words and truth agree."""
    from invoicegen.labeling import DocumentState, annotate_page
    from invoicegen.schema.annotation import Word
    from invoicegen.schema.invoice import Invoice
    from invoicegen.schema.plan import DocumentPlan
    from invoicegen.schema.truth import TruePage

    plan = DocumentPlan.model_validate(item["plan"])
    invoice = Invoice.model_validate(item["invoice"])
    state = DocumentState()
    pages, stats = [], []
    for number, truth in enumerate(item["truth"]["pages"]):
        name, digest = item["images"][number]
        page, agreement = annotate_page(
            TruePage.from_dict(truth),
            [Word.model_validate(word) for word in item["read"]["pages"][number]],
            plan,
            invoice,
            name,
            digest,
            len(item["images"]),
            engine=item["read"]["engine"],
            engine_version=item["read"]["version"],
            dpi=dpi,
            fonts=item["fonts"],
            augmentations=item["truth"]["augmentations"][number],
            state=state,
        )
        pages.append(page.model_dump(mode="json"))
        stats.append(agreement.to_dict())
    return {"pages": pages, "stats": stats}


def report_labeling(stats: dict[str, Loader], generate: GenerateOptions) -> tuple[dict[str, Any], Any]:
    """The labeling report over all pages of the run, and a figure of it."""
    from invoicegen.labeling import AlignmentStats, plot_labeling, summarise

    current = [name for name in generate.shard_names() if name in stats]
    report = summarise(AlignmentStats(**record) for name in current for record in stats[name]())
    return report, plot_labeling(report)
