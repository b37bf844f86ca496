"""The HTTP API of the annotation service: the words of documents, by the OCR engines that are enabled.

Annotations are not postponed here: those of a parameter name the options of the service.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI, Query, Request

from invoicegen.serving.access import Caller, needs
from invoicegen.serving.base import (
    DOCUMENT_BODY,
    add_operations,
    create_service,
    read_upload,
    running_workers,
)
from invoicegen.serving.metrics import Metrics
from invoicegen.serving.models import API_VERSION, Engines, OcrResult
from invoicegen.serving.ocr_worker import EngineAnswer, answer, read_words, start_worker
from invoicegen.serving.options import OcrServiceOptions
from invoicegen.serving.pool import WorkerPool
from invoicegen.serving.problems import ApiError, responses


def create_ocr_app(options: OcrServiceOptions) -> FastAPI:
    """The annotation service; its workers are started and ended with the app's lifespan."""
    metrics = Metrics()
    metrics.describe("none")

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with running_workers(app, WorkerPool(options, metrics, start_worker, answer)):
            yield

    app = create_service(
        options,
        metrics,
        title="InvoiceGen OCR",
        summary="Reads the words of documents, for annotation.",
        lifespan=lifespan,
    )
    _add_reading(app, options)
    _add_engines(app)
    add_operations(app)
    return app


def _add_reading(app: FastAPI, options: OcrServiceOptions) -> None:
    @app.post(
        f"/{API_VERSION}/ocr",
        tags=["documents"],
        openapi_extra=DOCUMENT_BODY,
        responses=responses(400, 401, 403, 408, 413, 415, 422, 429, 500, 503, 504),
        response_model_exclude_unset=True,
    )
    async def ocr(
        request: Request,
        caller: Annotated[Caller, Depends(needs("ocr"))],
        engine: Annotated[
            str,
            Query(
                description="what reads pages without a text layer: one of /v1/engines",
                json_schema_extra={"enum": list(options.engines)},
            ),
        ] = options.engine,
        text_layer: Annotated[
            bool,
            Query(
                description="whether the text layer of a PDF page is taken where it is of use; else pixels are read"
            ),
        ] = True,
    ) -> OcrResult:
        """Read the words of one document, with box and confidence of each; nothing of it is kept."""
        if engine not in options.engines:
            enabled = ", ".join(options.engines)
            raise ApiError(
                422, "invalid-request", f"engine {engine} is not enabled here; choose among {enabled}"
            )
        read = await read_upload(request, read_words, engine, text_layer)
        metrics: Metrics = request.app.state.metrics
        metrics.documents.labels("read").inc()
        for phase, spent_ms in read["timings_ms"].items():
            metrics.phases.labels(phase).observe(spent_ms / 1000)
        for page in read["pages"]:
            metrics.pages.labels(page["engine"]).inc()
        return OcrResult.model_validate(read)


def _add_engines(app: FastAPI) -> None:
    @app.get(f"/{API_VERSION}/engines", tags=["documents"], responses=responses(401, 403, 429, 503))
    async def engines(request: Request, caller: Annotated[Caller, Depends(needs("ocr"))]) -> Engines:
        """Which OCR engines a request may ask for, the default first."""
        pool: WorkerPool[list[EngineAnswer]] = request.app.state.pool
        if pool.answer is None:
            raise ApiError(503, "not-ready", "the engines do not answer yet", {"Retry-After": "2"})
        return Engines.model_validate({"engines": pool.answer})
