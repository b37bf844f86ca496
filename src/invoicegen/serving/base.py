"""What every service has: health, metrics, keys, limits, logs, workers, and the description of its API."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final, TypeVar

import structlog
from asgi_correlation_id import CorrelationIdMiddleware
from fastapi import FastAPI, Request, Response
from fastapi.middleware.cors import CORSMiddleware
from fastapi.openapi.utils import get_openapi
from fastapi.responses import FileResponse
from fastapi.routing import APIRoute
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
from invoicegen.serving.keys import KeyStore
from invoicegen.serving.metrics import Metrics
from invoicegen.serving.middleware import AccessLog
from invoicegen.serving.models import Health
from invoicegen.serving.options import HttpOptions
from invoicegen.serving.pool import WorkerPool
from invoicegen.serving.problems import ApiError, ProblemDetails, add_handlers, responses
from invoicegen.serving.rates import RateLimiter
from invoicegen.serving.uploads import RAW_TYPES, Receiver

Result = TypeVar("Result")

STATIC: Final = Path(__file__).parent / "static"
_BINARY: Final = {"type": "string", "format": "binary"}
DOCUMENT_BODY: Final[dict[str, Any]] = {
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
"""What the OpenAPI of an operation says whose body is one document, which :func:`read_upload` takes."""
_KEY_STATUSES: Final = ("401", "403")
_TRACES_VARIABLE: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
"""OpenTelemetry's own variable: where traces go; without it nothing is traced."""
_RATE_HEADERS: Final = (
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
    "Retry-After",
    "X-Request-ID",
)


def create_service(
    options: HttpOptions,
    metrics: Metrics,
    *,
    title: str,
    summary: str,
    lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]],
) -> FastAPI:
    """A service without operations yet.

    Args:
        options: Its settings.
        metrics: What it counts.
        title: Its name.
        summary: What it does.
        lifespan: Runs its workers, by :func:`running_workers`.
    """
    app = FastAPI(
        title=title,
        version=__version__,
        summary=summary,
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
    app.state.body_models = ()  # models of bodies that operations read by themselves
    app.state.metrics = metrics
    app.state.keys = None if options.keys is None else KeyStore(options.keys)
    app.state.rates = RateLimiter(options, metrics)
    add_handlers(app)
    _add_description(app)
    _add_middleware(app)
    return app


@asynccontextmanager
async def running_workers(app: FastAPI, pool: WorkerPool[Any]) -> AsyncIterator[None]:
    """Have a pool read the documents of a service, in a folder of their own; ended with the context."""
    app.state.folder = Path(tempfile.mkdtemp(prefix="invoicegen-"))
    app.state.pool = pool
    warming = asyncio.create_task(pool.warm_up())
    try:
        yield
    finally:
        warming.cancel()
        with suppress(asyncio.CancelledError):
            await warming
        await pool.close()
        shutil.rmtree(app.state.folder, ignore_errors=True)


async def read_upload(request: Request, read: Callable[..., Result], *args: object) -> Result:
    """Receive the one document of a request and have a worker read it; nothing of it is kept.

    Args:
        request: Whose body has not been read.
        read: Takes path, name and type of the document, and what follows here.
        args: For ``read``.

    Raises:
        ApiError: If the document is refused or cannot be read.
    """
    state = request.app.state
    pool: WorkerPool[Any] = state.pool
    with pool.place(), Receiver(request, state.folder, state.options) as receiver:
        try:
            (upload,) = await receiver.receive()
            structlog.contextvars.bind_contextvars(document=upload.media_type)
            return await pool.run(read, upload.path, upload.name, upload.media_type, *args)
        except ApiError as problem:
            state.metrics.documents.labels(problem.kind).inc()
            raise


async def _nothing(app: FastAPI) -> None:
    """What is known only when it is asked for: here, nothing."""


def add_operations(app: FastAPI, before_scrape: Callable[[FastAPI], Awaitable[None]] = _nothing) -> None:
    """Health, readiness and metrics; called last, so that its own operations come first in its description.

    Args:
        app: The service.
        before_scrape: Sets metrics that are known only when they are asked for.
    """

    @app.get("/health", tags=["operation"])
    async def health() -> Health:
        """The service runs."""
        return Health(status="ok", version=__version__)

    @app.get("/ready", tags=["operation"], responses=responses(503))
    async def ready(request: Request) -> Health:
        """The service can read documents: its model answers."""
        pool: WorkerPool[Any] = request.app.state.pool
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
        await before_scrape(request.app)
        counted: Metrics = request.app.state.metrics
        return Response(generate_latest(counted.registry), media_type=CONTENT_TYPE_LATEST)

    for route in app.routes:
        if isinstance(route, APIRoute):
            statuses = [route.status_code or 200, *map(int, route.responses)]
            for method in route.methods or ():
                app.state.metrics.expect(method, route.path, statuses)


def _add_description(app: FastAPI) -> None:
    """``/openapi.json``, and ``/docs`` from files that the package ``fastapi-offline`` carries; nothing is fetched.

    Of keys they speak only where the service has some.
    """
    import fastapi_offline

    swagger = Path(fastapi_offline.__file__).parent / "static"
    app.mount("/static/swagger", StaticFiles(directory=swagger), name="swagger")
    app.mount("/static", StaticFiles(directory=STATIC), name="static")

    @app.get("/docs", include_in_schema=False)
    async def docs() -> FileResponse:
        return FileResponse(STATIC / "docs.html")

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            described = get_openapi(
                title=app.title,
                version=app.version,
                summary=app.summary,
                routes=app.routes,
                tags=app.openapi_tags,
            )
            for model in (ProblemDetails, *app.state.body_models):
                schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
                described["components"]["schemas"] |= {**schema.pop("$defs", {}), model.__name__: schema}
            if app.state.keys is None:
                _leave_out_keys(described)
            app.openapi_schema = described
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _leave_out_keys(described: dict[str, Any]) -> None:
    """Take what is said of keys out of a description."""
    described["components"].pop("securitySchemes", None)
    for path in described["paths"].values():
        for operation in path.values():
            operation.pop("security", None)
            for status in _KEY_STATUSES:
                operation["responses"].pop(status, None)


def _add_middleware(app: FastAPI) -> None:
    """Around every request, the outermost last."""
    options: HttpOptions = app.state.options
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
