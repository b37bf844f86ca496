"""Documents made in memory, each read by several engines: what robustness, benchmarks and the fit of the
noise model look at.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from invoicegen.evaluation.run import LabeledPage
from invoicegen.execution import ExecutionOptions, Failure, map_items
from invoicegen.ocr import OcrOptions
from invoicegen.pipelines.options import GenerateOptions
from invoicegen.pipelines.streaming import Record
from invoicegen.schema.annotation import Page
from invoicegen.schema.plan import DocumentPlan
from invoicegen.splitting import assign_split
from invoicegen.templates import plan_document


def plan_with(generate: GenerateOptions, index: int, preset: str) -> DocumentPlan:
    """The plan of a document with another augmentation preset than the options would draw."""
    return plan_document(index, generate).model_copy(update={"augmentation": preset})


def plans_of_split(split: str, generate: GenerateOptions, start: int = 0) -> Iterator[DocumentPlan]:
    """Without end, the plans of the documents from index ``start`` on whose layouts belong to a split."""
    shares = generate.split.model_dump()
    for index in itertools.count(start):
        plan = plan_document(index, generate)
        if assign_split(plan.split_group, generate.seed, shares) == split:
            yield plan


def labelled_documents(
    plans: Sequence[DocumentPlan],
    split: str,
    generate: GenerateOptions,
    ocr: OcrOptions,
    execution: ExecutionOptions,
) -> Iterator[list[Record]]:
    """The labelled pages of every plan's document, read by its engine: rows of a shard without images.

    Args:
        plans: Which documents.
        split: What the rows say that they are of.
        generate: Resolution and image format.
        ocr: How engines read.
        execution: How documents are spread.

    Raises:
        RuntimeError: As :func:`read_documents`.
    """
    from invoicegen.schema.rows import page_to_row

    for plan, (item,) in zip(plans, read_documents(plans, None, generate, ocr, execution), strict=True):
        yield [page_to_row(page, b"", plan.augmentation) for page in _labelled(item, split, generate)]


def labelled_readings(
    plans: Sequence[DocumentPlan],
    engines: Sequence[str],
    generate: GenerateOptions,
    ocr: OcrOptions,
    execution: ExecutionOptions,
) -> Iterator[dict[str, list[LabeledPage]]]:
    """The labelled pages of every plan's document by the engine that read them, as of the test split.

    Raises:
        RuntimeError: As :func:`read_documents`.
    """
    for plan, items in zip(plans, read_documents(plans, engines, generate, ocr, execution), strict=True):
        yield {
            engine: [
                LabeledPage(page, engine, plan.augmentation) for page in _labelled(item, "test", generate)
            ]
            for engine, item in zip(engines, items, strict=True)
        }


def _labelled(item: Record, split: str, generate: GenerateOptions) -> list[Page]:
    from invoicegen.pipelines.labeling.nodes import label_document

    pages = label_document(item, generate.dpi)["pages"]
    return [Page.model_validate({**page, "split": split}) for page in pages]


def read_documents(
    plans: Sequence[DocumentPlan],
    engines: Sequence[str] | None,
    generate: GenerateOptions,
    ocr: OcrOptions,
    execution: ExecutionOptions,
) -> Iterator[list[Record]]:
    """For every plan the items that :func:`invoicegen.pipelines.labeling.nodes.label_document` takes, one an engine.

    Without ``engines`` each is read by that of its plan.

    Raises:
        RuntimeError: If a document cannot be made or read; names it.
    """
    work = partial(_read_document, engines=engines, generate=generate, ocr=ocr)
    for plan, result in zip(plans, map_items(work, plans, execution), strict=True):
        if isinstance(result, Failure):
            raise RuntimeError(f"{plan.doc_id}, {plan.augmentation}: {result.error}\n{result.traceback}")
        yield result


def _read_document(
    plan: DocumentPlan, engines: Sequence[str] | None, generate: GenerateOptions, ocr: OcrOptions
) -> list[Record]:
    import hashlib

    from invoicegen.pipelines.augmentation.nodes import augment_document
    from invoicegen.pipelines.ocr.nodes import recognise_document
    from invoicegen.pipelines.rendering.nodes import render_invoice
    from invoicegen.pipelines.synthesis.nodes import synthesise_document

    written = synthesise_document(plan.of_rendering.model_dump(mode="json"))
    rendered = render_invoice(written, dpi=generate.dpi)
    planned: dict[str, Any] = plan.model_dump(mode="json")
    seen = augment_document(
        {"plan": planned, "pdf": rendered["pdf"], "pages": rendered["pages"]},
        dpi=generate.dpi,
        image_format=generate.image_format,
        quality=generate.jpeg_quality,
    )
    images = [image["image"] for image in seen["images"]]
    named = [(image["name"], hashlib.sha256(image["image"]).hexdigest()) for image in seen["images"]]
    items = []
    for engine in engines or (plan.ocr_engine,):
        item = {
            "plan": {**planned, "ocr_engine": engine},
            "pdf": rendered["pdf"],
            "images": images,
            "truth": seen["pages"],
        }
        items.append(
            {
                "plan": item["plan"],
                "invoice": written["invoice"],
                "fonts": rendered["fonts"],
                "truth": seen,
                "images": named,
                "read": recognise_document(item, dpi=generate.dpi, options=ocr),
            }
        )
    return items
