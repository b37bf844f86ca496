"""The HTTP API: FastAPI over worker processes that read documents."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import structlog
from asgi_correlation_id import CorrelationIdMiddleware
from fastapi import Depends, FastAPI, Query, Request, Response
from fastapi.middleware.cors import CORSMiddleware
from fastapi.openapi.utils import get_openapi
from fastapi.responses import FileResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from secure import (
    ContentSecurityPolicy,
    CrossOriginOpenerPolicy,
    CrossOriginResourcePolicy,
    ReferrerPolicy,
    Secure,
    StrictTransportSecurity,
    XContentTypeOptions,
    XFrameOptions,
)
from secure.middleware import SecureASGIMiddleware
from starlette.staticfiles import StaticFiles

from invoicegen import __version__
from invoicegen.evaluation.fingerprint import model_fingerprint
from invoicegen.extraction.baseline import BASELINE_FILE, read_baseline
from invoicegen.extraction.checks import run_checks
from invoicegen.schema.taxonomy import ITEM_ENTITY_TYPES, TAXONOMY
from invoicegen.serving.access import Caller, needs
from invoicegen.serving.batches import BatchRunner, add_batches
from invoicegen.serving.jobs import JobStore
from invoicegen.serving.keys import KeyStore
from invoicegen.serving.logs import get_logger
from invoicegen.serving.metrics import ExtractionMetrics
from invoicegen.serving.middleware import AccessLog
from invoicegen.serving.models import API_VERSION, EntityType, ExtractionResult, Health, SchemaAnswer
from invoicegen.serving.options import ServiceOptions
from invoicegen.serving.pool import WorkerPool
from invoicegen.serving.problems import ApiError, ProblemDetails, add_handlers, responses
from invoicegen.serving.rates import RateLimiter
from invoicegen.serving.results import count_document, to_result
from invoicegen.serving.uploads import RAW_TYPES, Receiver
from invoicegen.serving.worker import read_document
from invoicegen.weights import resolve_model

logger = get_logger(__name__)

STATIC: Final = Path(__file__).parent / "static"
_BINARY: Final = {"type": "string", "format": "binary"}
_DOCUMENT_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "description": "One document: PDF, PNG, JPEG or TIFF.",
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": _BINARY},
                    "additionalProperties": False,
                }
            },
            **{kind: {"schema": _BINARY} for kind in RAW_TYPES},
        },
    }
}
_TRACES_VARIABLE: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
"""OpenTelemetry's own variable: where traces go; without it nothing is traced."""
_RATE_HEADERS: Final = (
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
    "Retry-After",
    "X-Request-ID",
)


def create_app(options: ServiceOptions) -> FastAPI:
    """The service; its workers are started and ended with the app's lifespan.

    Raises:
        StateError: If the folder of the state cannot be used.
    """
    metrics = _metrics(options)
    store = JobStore(options.state)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.folder = Path(tempfile.mkdtemp(prefix="invoicegen-"))
        app.state.pool = pool = WorkerPool(options, metrics)
        app.state.batches = batches = BatchRunner(options, store, pool, metrics)
        warming = asyncio.create_task(pool.warm_up())
        batches.start()
        try:
            yield
        finally:
            warming.cancel()
            with suppress(asyncio.CancelledError):
                await warming
            await batches.close()
            await pool.close()
            shutil.rmtree(app.state.folder, ignore_errors=True)

    app = FastAPI(
        title="InvoiceGen",
        version=__version__,
        summary="Reads invoices, credit notes and receipts.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        # spans name routes and kinds of errors; records of errors would hold messages, which may quote a document
        telemetry={
            "logs": False,
            "metrics": False,
            "operation_spans": False,
            "auto_configure": _TRACES_VARIABLE in os.environ,
        },
    )
    app.state.options = options
    app.state.metrics = metrics
    app.state.keys = None if options.keys is None else KeyStore(options.keys)
    app.state.rates = RateLimiter(options, metrics)
    add_handlers(app)
    _add_extraction(app)
    add_batches(app)
    _add_operations(app)
    _add_pages(app)
    _add_middleware(app)
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


def _add_middleware(app: FastAPI) -> None:
    """Around every request, the outermost last."""
    options: ServiceOptions = app.state.options
    if options.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(options.cors_origins),
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=[
                "Authorization",
                "Content-Type",
                "Content-Disposition",
                "Idempotency-Key",
                "X-Request-ID",
            ],
            expose_headers=list(_RATE_HEADERS),
        )
    app.add_middleware(AccessLog, metrics=app.state.metrics)
    app.add_middleware(SecureASGIMiddleware, secure=_security_headers(options.hsts))
    app.add_middleware(CorrelationIdMiddleware)


def _security_headers(hsts: bool) -> Secure:
    policy = (
        ContentSecurityPolicy()
        .default_src("'none'")
        .script_src("'self'")
        .style_src("'self'")
        .img_src("'self'", "data:", "blob:")
        .connect_src("'self'")
        .form_action("'none'")
        .base_uri("'none'")
        .frame_ancestors("'none'")
    )
    return Secure(
        csp=policy,
        hsts=StrictTransportSecurity().max_age(31_536_000) if hsts else None,
        referrer=ReferrerPolicy().no_referrer(),
        xcto=XContentTypeOptions().nosniff(),
        xfo=XFrameOptions().deny(),
        coop=CrossOriginOpenerPolicy().same_origin(),
        corp=CrossOriginResourcePolicy().same_origin(),
    )


def _add_extraction(app: FastAPI) -> None:
    @app.post(
        f"/{API_VERSION}/extract",
        tags=["documents"],
        openapi_extra=_DOCUMENT_BODY,
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
        state = request.app.state
        pool: WorkerPool = state.pool
        with pool.place(), Receiver(request, state.folder, state.options) as receiver:
            try:
                (upload,) = await receiver.receive()
                structlog.contextvars.bind_contextvars(document=upload.media_type)
                read = await pool.run(
                    read_document,
                    upload.path,
                    upload.name,
                    upload.media_type,
                    "words" in include,
                    "images" in include,
                )
            except ApiError as problem:
                state.metrics.documents.labels(problem.kind).inc()
                raise
        count_document(state.metrics, read, state.options.min_confidence)
        return to_result(read)


def _add_operations(app: FastAPI) -> None:
    @app.get(f"/{API_VERSION}/schema", tags=["documents"], responses=responses(401, 403, 429))
    async def schema(request: Request, caller: Annotated[Caller, Depends(needs("extract"))]) -> SchemaAnswer:
        """What results look like, and which values the model looks for."""
        pool: WorkerPool = request.app.state.pool
        described = {entity["name"]: entity["definition"] for entity in TAXONOMY["entities"]}
        described |= {entity.name: entity.description for entity in pool.labels.extra_entities}
        return SchemaAnswer(
            api_version=API_VERSION,
            invoicegen_version=__version__,
            entity_types=[
                EntityType(
                    name=name,
                    value_kind=pool.labels.value_kinds[name],
                    in_line_items=name in ITEM_ENTITY_TYPES,
                    description=described[name],
                )
                for name in pool.labels.entity_types
            ],
            result=ExtractionResult.model_json_schema(mode="serialization"),
        )

    @app.get("/health", tags=["operation"])
    async def health() -> Health:
        """The service runs."""
        return Health(status="ok", version=__version__)

    @app.get("/ready", tags=["operation"], responses=responses(503))
    async def ready(request: Request) -> Health:
        """The service can read documents: its model answers."""
        pool: WorkerPool = request.app.state.pool
        if not pool.is_warm or not await pool.answers():
            raise ApiError(503, "not-ready", "the model does not answer yet", {"Retry-After": "2"})
        return Health(status="ready", version=__version__)

    @app.get(
        "/metrics",
        tags=["operation"],
        response_class=Response,
        responses={200: {"description": "Prometheus text format", "content": {"text/plain": {}}}},
    )
    async def metrics(request: Request) -> Response:
        """Counters for Prometheus."""
        counted: ExtractionMetrics = request.app.state.metrics
        runner: BatchRunner = request.app.state.batches
        counted.set_census(await runner.call(runner.store.census))
        return Response(generate_latest(counted.registry), media_type=CONTENT_TYPE_LATEST)


def _add_pages(app: FastAPI) -> None:
    """The page at ``/``, and ``/docs`` from files that the package ``fastapi-offline`` carries; nothing is fetched."""
    import fastapi_offline

    swagger = Path(fastapi_offline.__file__).parent / "static"
    app.mount("/static/swagger", StaticFiles(directory=swagger), name="swagger")
    app.mount("/static", StaticFiles(directory=STATIC), name="static")

    @app.get("/docs", include_in_schema=False)
    async def docs() -> FileResponse:
        return FileResponse(STATIC / "docs.html")

    @app.get("/", include_in_schema=False)
    async def page() -> FileResponse:
        return FileResponse(STATIC / "index.html")

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            described = get_openapi(
                title=app.title,
                version=app.version,
                summary=app.summary,
                routes=app.routes,
                tags=app.openapi_tags,
            )
            described["components"]["schemas"]["ProblemDetails"] = ProblemDetails.model_json_schema()
            app.openapi_schema = described
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
