"""Lay documents out, print them to PDF and record where every word landed."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pyarrow as pa

from invoicegen.execution import ExecutionOptions
from invoicegen.pipelines.options import GenerateOptions
from invoicegen.pipelines.streaming import Loader, Record, process_shards, unfinished


def render_documents(
    invoices: dict[str, Loader],
    finished_pdfs: frozenset[str],
    finished_words: frozenset[str],
    generate: GenerateOptions,
    execution: ExecutionOptions,
) -> Iterator[tuple[dict[str, pa.Table], dict[str, list[Record]], dict[str, list[Record]]]]:
    """A PDF and its true words for every document."""
    yield {}, {}, {}
    names = generate.shard_names()
    todo = unfinished(names, finished_pdfs, finished_words)
    work = partial(render_invoice, dpi=generate.dpi)
    shards = process_shards(
        "render", todo, lambda name: invoices[name](), work, execution, len(names), {"generate": generate}
    )
    schema = pa.schema([("doc_id", pa.string()), ("pdf", pa.binary())])
    for name, records, quarantined in shards:
        pdfs = pa.Table.from_pylist([{"doc_id": r["doc_id"], "pdf": r.pop("pdf")} for r in records], schema)
        yield {name: pdfs}, {name: records}, {name: quarantined} if quarantined else {}


def render_invoice(item: Record, dpi: int) -> Record:
    """The PDF and true words of one document, by plan and record."""
    from invoicegen.rendering import render_document
    from invoicegen.schema.invoice import Invoice
    from invoicegen.schema.plan import DocumentPlan
    from invoicegen.templates import compose

    plan = DocumentPlan.model_validate(item["plan"])
    rendered = render_document(compose(Invoice.model_validate(item["invoice"]), plan), dpi=dpi)
    return {
        "doc_id": plan.doc_id,
        "pdf": rendered.pdf,
        "fonts": rendered.fonts,
        "pages": [page.to_dict() for page in rendered.pages],
    }
