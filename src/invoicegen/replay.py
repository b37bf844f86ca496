"""One document of a run made again alone, with everything that its stages made on the way."""

from __future__ import annotations

import hashlib
import json
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from invoicegen.ocr import OcrOptions
    from invoicegen.pipelines.options import GenerateOptions
    from invoicegen.schema.plan import DocumentPlan

Record = dict[str, Any]


class ReplayError(Exception):
    """A document that fails in a stage, as it did in its run.

    Attributes:
        stage: Which stage failed: synthesise, compose, render, einvoice, augment, recognise or label.
    """

    def __init__(self, stage: str, message: str) -> None:
        super().__init__(message)
        self.stage = stage


def read_plan(
    path: Path, index: int | None, variant: int | None = None
) -> tuple[DocumentPlan, dict[str, Record]]:
    """The plan in a quarantine file (JSON Lines), of a document and variant, or of the only one.

    Returns:
        The plan, and the options of its run by the name of their parameter (``generate``, ``ocr``), as far as its
        stage had any.

    Raises:
        ValueError: If the file cannot be read, or does not hold that document; names file and mend.
    """
    from invoicegen.schema.plan import DocumentPlan

    try:
        records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]
        if any(record.get("stage") == "plan" for record in records):
            raise ValueError(
                "its documents failed before they had a plan; replay one by its INDEX and the parameters of the run"
            )
        plans = [
            (DocumentPlan.model_validate(record.get("plan", record)), record.get("settings", {}))
            for record in records
        ]
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{path}: no plan can be read from it ({error}); give a file of data/08_reporting/quarantine"
        ) from error
    fitting = [
        (plan, settings)
        for plan, settings in plans
        if (index is None or plan.index == index) and (variant is None or plan.variant == variant)
    ]
    if len(fitting) != 1:
        known = ", ".join(f"{plan.index} (variant {plan.variant})" for plan, _ in plans) or "none"
        raise ValueError(f"{path}: holds documents {known}; name one of them by INDEX and --variant")
    return fitting[0]


def replay(plan: DocumentPlan, folder: Path, generate: GenerateOptions, ocr: OcrOptions) -> list[Record]:
    """Make one document as the pipeline does, and keep what each stage made.

    Args:
        plan: What to make.
        folder: Where the files go: plan.json, invoice.json, business_terms.json, page.html, document.pdf, images/,
            words.json, annotations.jsonl, gallery.html, and error.txt where a stage fails; where the run writes
            electronic invoices, einvoice.pdf or einvoice.xml, or einvoice_missing.json with the terms it lacks.
        generate: Resolution and image format of the run.
        ocr: How pages are read.

    Returns:
        The annotated pages.

    Raises:
        ReplayError: If a stage fails; what the stages before it made is in ``folder``.
    """
    from invoicegen.gallery import ShownPage, render_gallery
    from invoicegen.pipelines.augmentation.nodes import augment_document
    from invoicegen.pipelines.einvoices.nodes import write_one
    from invoicegen.pipelines.labeling.nodes import label_document
    from invoicegen.pipelines.ocr.nodes import recognise_document
    from invoicegen.pipelines.rendering.nodes import render_invoice
    from invoicegen.pipelines.synthesis.nodes import synthesise_document
    from invoicegen.schema.annotation import Page
    from invoicegen.schema.invoice import Invoice
    from invoicegen.templates import compose

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "error.txt").unlink(missing_ok=True)

    def stage(name: str, work: Callable[[], Any]) -> Any:
        try:
            return work()
        except Exception as error:
            (folder / "error.txt").write_text(traceback.format_exc(), encoding="utf-8")
            raise ReplayError(name, f"{type(error).__name__}: {error}") from error

    planned = plan.model_dump(mode="json")
    _write(folder / "plan.json", planned)
    rendering = plan.of_rendering
    written = stage("synthesise", lambda: synthesise_document(rendering.model_dump(mode="json")))
    _write(folder / "invoice.json", written["invoice"])
    _write(folder / "business_terms.json", written["business_terms"])
    invoice = Invoice.model_validate(written["invoice"])
    html = stage("compose", lambda: compose(invoice, rendering))
    (folder / "page.html").write_text(html, encoding="utf-8")
    rendered = stage("render", lambda: render_invoice(written, dpi=generate.dpi))
    (folder / "document.pdf").write_bytes(rendered["pdf"])
    form = generate.einvoice
    if form != "none":
        beside = stage("einvoice", lambda: write_one(written, form))
        if "missing" in beside:
            _write(folder / "einvoice_missing.json", beside)
        else:
            (folder / f"einvoice{Path(beside['file_name']).suffix}").write_bytes(beside["content"])
    seen = stage(
        "augment",
        lambda: augment_document(
            {"plan": planned, "pdf": rendered["pdf"], "pages": rendered["pages"]},
            dpi=generate.dpi,
            image_format=generate.image_format,
            quality=generate.jpeg_quality,
        ),
    )
    images = [image["image"] for image in seen["images"]]
    for image in seen["images"]:
        (folder / image["name"]).parent.mkdir(exist_ok=True)
        (folder / image["name"]).write_bytes(image["image"])
    read = stage(
        "recognise",
        lambda: recognise_document(
            {"plan": planned, "pdf": rendered["pdf"], "images": images, "truth": seen["pages"]},
            dpi=generate.dpi,
            options=ocr,
        ),
    )
    _write(folder / "words.json", read)
    digests = [(one["name"], hashlib.sha256(one["image"]).hexdigest()) for one in seen["images"]]
    item = {
        **written,
        "plan": planned,
        "fonts": rendered["fonts"],
        "truth": seen,
        "images": digests,
        "read": read,
    }
    labelled = stage("label", lambda: label_document(item, dpi=generate.dpi))
    lines = "".join(json.dumps(page, ensure_ascii=False) + "\n" for page in labelled["pages"])
    (folder / "annotations.jsonl").write_text(lines, encoding="utf-8")
    shown = [
        ShownPage(Page.model_validate(page), image, plan.kind)
        for page, image in zip(labelled["pages"], images, strict=True)
    ]
    (folder / "gallery.html").write_text(render_gallery(shown), encoding="utf-8")
    pages: list[Record] = labelled["pages"]
    return pages


def _write(path: Path, record: Record) -> None:
    path.write_text(json.dumps(record, ensure_ascii=False, indent=1), encoding="utf-8")
