"""The HTTP API: FastAPI over worker processes that read documents."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Literal

from fastapi import Depends, FastAPI, Query, Request
from fastapi.responses import FileResponse

from invoicegen import __version__
from invoicegen.evaluation.fingerprint import model_fingerprint
from invoicegen.extraction.baseline import BASELINE_FILE, read_baseline
from invoicegen.extraction.checks import run_checks
from invoicegen.schema.taxonomy import DEFAULT_LABELS, ITEM_ENTITY_TYPES, TAXONOMY, LabelSet
from invoicegen.serving.access import Caller, needs
from invoicegen.serving.base import (
    DOCUMENT_BODY,
    STATIC,
    add_operations,
    create_service,
    read_upload,
    running_workers,
)
from invoicegen.serving.batches import BatchRunner, add_batches
from invoicegen.serving.convert import add_convert
from invoicegen.serving.jobs import JobStore
from invoicegen.serving.logs import get_logger
from invoicegen.serving.metrics import ExtractionMetrics
from invoicegen.serving.models import API_VERSION, EntityType, ExtractionResult, SchemaAnswer
from invoicegen.serving.options import ServiceOptions
from invoicegen.serving.pool import WorkerPool
from invoicegen.serving.problems import responses
from invoicegen.serving.results import count_document, to_result
from invoicegen.serving.worker import answer, read_document, start_worker
from invoicegen.weights import resolve_model

logger = get_logger(__name__)


def create_app(options: ServiceOptions) -> FastAPI:
    """The service; its workers are started and ended with the app's lifespan.

    Raises:
        StateError: If the folder of the state cannot be used.
    """
    metrics = _metrics(options)
    store = JobStore(options.state) if options.batches else None

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        pool = WorkerPool(options, metrics, start_worker, answer)
        async with running_workers(app, pool):
            if store is None:
                yield
                return
            app.state.batches = batches = BatchRunner(options, store, pool, metrics)
            batches.start()
            try:
                yield
            finally:
                await batches.close()

    app = create_service(
        options,
        metrics,
        title="InvoiceGen",
        summary="Reads invoices, credit notes and receipts.",
        lifespan=lifespan,
    )
    _add_extraction(app)
    add_convert(app)
    _add_schema(app)
    if store is None:
        add_operations(app)
    else:
        add_batches(app)
        add_operations(app, _count_batches)
    _add_page(app)
    return app


def _metrics(options: ServiceOptions) -> ExtractionMetrics:
    """The metrics, with what is known of the model before it is loaded."""
    metrics = ExtractionMetrics(frozenset(check["rule"] for check in run_checks({}, [], [])))
    metrics.describe(model_fingerprint(options.model))
    baseline = read_baseline(resolve_model(options.model))
    if baseline is None:
        logger.warning("the model has no baseline: drift cannot be seen", file=BASELINE_FILE)
    else:
        metrics.show(baseline)
    return metrics


async def _count_batches(app: FastAPI) -> None:
    runner: BatchRunner = app.state.batches
    app.state.metrics.set_census(await runner.call(runner.store.census))


def _add_extraction(app: FastAPI) -> None:
    @app.post(
        f"/{API_VERSION}/extract",
        tags=["documents"],
        openapi_extra=DOCUMENT_BODY,
        responses=responses(400, 401, 403, 408, 413, 415, 422, 429, 500, 503, 504),
        response_model_exclude_unset=True,
    )
    async def extract(
        request: Request,
        caller: Annotated[Caller, Depends(needs("extract"))],
        include: Annotated[
            list[Literal["words", "images"]],
            Query(
                description="what more to give: the words of each page with their labels, the pages as pictures"
            ),
        ] = [],  # noqa: B006 - FastAPI copies defaults
    ) -> ExtractionResult:
        """Read one document and give its fields, line items and checks; nothing of it is kept."""
        read = await read_upload(request, read_document, "words" in include, "images" in include)
        state = request.app.state
        count_document(state.metrics, read, state.options.min_confidence)
        return to_result(read)


def _add_schema(app: FastAPI) -> None:
    @app.get(f"/{API_VERSION}/schema", tags=["documents"], responses=responses(401, 403, 429))
    async def schema(request: Request, caller: Annotated[Caller, Depends(needs("extract"))]) -> SchemaAnswer:
        """What results look like, and which values the model looks for."""
        pool: WorkerPool[LabelSet] = request.app.state.pool
        labels = pool.answer or DEFAULT_LABELS
        described = {entity["name"]: entity["definition"] for entity in TAXONOMY["entities"]}
        described |= {entity.name: entity.description for entity in labels.extra_entities}
        return SchemaAnswer(
            api_version=API_VERSION,
            invoicegen_version=__version__,
            entity_types=[
                EntityType(
                    name=name,
                    value_kind=labels.value_kinds[name],
                    in_line_items=name in ITEM_ENTITY_TYPES,
                    description=described[name],
                )
                for name in labels.entity_types
            ],
            result=ExtractionResult.model_json_schema(mode="serialization"),
        )


def _add_page(app: FastAPI) -> None:
    @app.get("/", include_in_schema=False)
    async def page() -> FileResponse:
        return FileResponse(STATIC / "index.html")
