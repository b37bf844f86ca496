"""Documents made in memory, each read by several engines: what the fit of the noise model and benchmarks look at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from invoicegen.execution import ExecutionOptions, Failure, map_items
from invoicegen.ocr import OcrOptions
from invoicegen.pipelines.options import GenerateOptions
from invoicegen.pipelines.streaming import Record
from invoicegen.schema.plan import DocumentPlan
from invoicegen.templates import plan_document


def plan_with(generate: GenerateOptions, index: int, preset: str) -> DocumentPlan:
    """The plan of a document with another augmentation preset than the options would draw."""
    return plan_document(index, generate).model_copy(update={"augmentation": preset})


def read_documents(
    plans: Sequence[DocumentPlan],
    engines: Sequence[str],
    generate: GenerateOptions,
    ocr: OcrOptions,
    execution: ExecutionOptions,
) -> Iterator[list[Record]]:
    """For every plan the items that :func:`invoicegen.pipelines.labeling.nodes.label_document` takes, one an engine.

    Raises:
        RuntimeError: If a document cannot be made or read; names it.
    """
    work = partial(_read_document, engines=tuple(engines), generate=generate, ocr=ocr)
    for plan, result in zip(plans, map_items(work, plans, execution), strict=True):
        if isinstance(result, Failure):
            raise RuntimeError(f"{plan.doc_id}, {plan.augmentation}: {result.error}\n{result.traceback}")
        yield result


def _read_document(
    plan: DocumentPlan, engines: Sequence[str], generate: GenerateOptions, ocr: OcrOptions
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
    for engine in engines:
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
