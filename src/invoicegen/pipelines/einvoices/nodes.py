"""Write an electronic invoice beside every document that has the terms for one."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial

import pyarrow as pa

from invoicegen.execution import ExecutionOptions
from invoicegen.pipelines.options import EInvoiceFormat, GenerateOptions
from invoicegen.pipelines.streaming import Loader, Record, process_shards, unfinished

logger = logging.getLogger(__name__)
_SCHEMA = pa.schema([("doc_id", pa.string()), ("file_name", pa.string()), ("content", pa.binary())])


def write_einvoices(
    invoices: dict[str, Loader],
    finished: frozenset[str],
    finished_refusals: frozenset[str],
    generate: GenerateOptions,
    execution: ExecutionOptions,
) -> Iterator[tuple[dict[str, pa.Table], dict[str, list[Record]], dict[str, list[Record]]]]:
    """Factur-X PDFs or UBL files, and what the documents that have none lack; nothing unless the option asks."""
    yield {}, {}, {}
    form = generate.einvoice
    if form == "none":
        return
    from invoicegen.einvoice import require_libraries

    require_libraries()
    names = {f"{form}/{name}": name for name in generate.shard_names()}
    todo = unfinished(list(names), finished, finished_refusals)
    written = refused = 0
    shards = process_shards(
        "einvoice",
        todo,
        lambda name: invoices[names[name]](),
        partial(write_one, form=form),
        execution,
        len(names),
        {"generate": generate},
    )
    for name, records, quarantined in shards:
        files = [record for record in records if "content" in record]
        refusals = [record for record in records if "missing" in record]
        written, refused = written + len(files), refused + len(refusals)
        yield (
            {name: pa.Table.from_pylist(files, _SCHEMA)},
            {name: refusals},
            {name: quarantined} if quarantined else {},
        )
    if todo:
        logger.info("%d electronic invoices written; %d documents lack terms of EN 16931", written, refused)


def write_one(item: Record, form: EInvoiceFormat) -> Record:
    """The electronic invoice of one document as a file, or the terms that it lacks.

    Raises:
        EInvoiceError: If what was written breaks its schema or a rule of EN 16931.
        SchematronError: If that could not be checked.
    """
    from invoicegen.einvoice import RefusedError, write_einvoice
    from invoicegen.rendering import render_factur_x
    from invoicegen.schema.invoice import Invoice
    from invoicegen.schema.plan import DocumentPlan
    from invoicegen.templates import compose

    invoice = Invoice.model_validate(item["invoice"])
    try:
        content = write_einvoice(invoice, "ubl" if form == "ubl" else "cii")
    except RefusedError as refusal:
        missing = [asdict(term) for term in refusal.missing]
        return {"doc_id": invoice.doc_id, "kind": invoice.kind, "locale": invoice.locale, "missing": missing}
    if form == "ubl":
        return {"doc_id": invoice.doc_id, "file_name": f"{invoice.doc_id}.xml", "content": content}
    html = compose(invoice, DocumentPlan.model_validate(item["plan"]))
    pdf = render_factur_x(html, content, invoice.issue_date)
    return {"doc_id": invoice.doc_id, "file_name": f"{invoice.doc_id}.pdf", "content": pdf}
