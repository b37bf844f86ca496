"""Plan documents and write down what they say."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from invoicegen.execution import ExecutionOptions, Failure, map_items
from invoicegen.pipelines.options import GenerateOptions
from invoicegen.pipelines.streaming import Loader, Quarantined, Record, process_shards, unfinished


def plan_documents(
    finished: frozenset[str], generate: GenerateOptions
) -> Iterator[tuple[dict[str, list[Record]], dict[str, list[Record]]]]:
    """Decide kind, locale, layout, engine and augmentation of every document, a shard at a time."""
    from invoicegen.templates import document_id, plan_document

    yield {}, {}  # Kedro unpacks the outputs of a stream by its first element: never leave it without one.
    for name in unfinished(generate.shard_names(), finished):
        plans: list[Record] = []
        quarantined = Quarantined("plan", {"generate": generate})
        indices = generate.indices(name)
        planned = map_items(partial(plan_document, options=generate), indices, ExecutionOptions(workers=1))
        for index, plan in zip(indices, planned, strict=True):
            if isinstance(plan, Failure):
                quarantined.add({"doc_id": document_id(index, generate), "index": index}, plan)
            else:
                plans.append(plan.model_dump(mode="json"))
        yield {name: plans}, {name: quarantined.records} if quarantined.records else {}


def synthesise_documents(
    plans: dict[str, Loader], finished: frozenset[str], generate: GenerateOptions, execution: ExecutionOptions
) -> Iterator[tuple[dict[str, list[Record]], dict[str, list[Record]]]]:
    """The record of every planned document."""
    yield {}, {}
    names = generate.shard_names()
    todo = unfinished(names, finished)
    shards = process_shards(
        "synthesise",
        todo,
        lambda name: plans[name](),
        synthesise_document,
        execution,
        len(names),
        {"generate": generate},
    )
    for name, records, quarantined in shards:
        yield {name: records}, {name: quarantined} if quarantined else {}


def synthesise_document(plan: Record) -> Record:
    """The record of one document, by its plan, and the same in the business terms of EN 16931.

    Raises:
        ValueError: If it cannot be written, or its sums do not add up.
    """
    from invoicegen.einvoice import business_terms
    from invoicegen.schema.plan import DocumentPlan
    from invoicegen.synthesis import synthesise

    invoice = synthesise(DocumentPlan.model_validate(plan))
    problems = invoice.check_totals()
    if problems:
        raise ValueError(f"does not add up: {'; '.join(problems)}")
    return {
        "plan": plan,
        "invoice": invoice.model_dump(mode="json"),
        "business_terms": business_terms(invoice),
    }
