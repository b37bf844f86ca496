"""Batches: accepted at once, read as workers are free, kept over restarts; their owners are told by webhook."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Annotated, Any, Final, TypeVar
from urllib.parse import urlsplit

import httpx
from fastapi import Depends, FastAPI, Header, Path, Query, Request, Response
from standardwebhooks import Webhook

from invoicegen.schema.taxonomy import LabelSet
from invoicegen.serving.access import Caller, needs
from invoicegen.serving.jobs import (
    MAX_ATTEMPTS,
    BatchStatus,
    Delivery,
    IdempotencyError,
    JobStore,
    QueuedDocument,
)
from invoicegen.serving.logs import get_logger
from invoicegen.serving.metrics import ExtractionMetrics
from invoicegen.serving.models import API_VERSION, Batch, BatchDocument, BatchResult, BatchResults
from invoicegen.serving.options import ServiceOptions
from invoicegen.serving.pool import WorkerDiedError, WorkerPool, WorkersLostError
from invoicegen.serving.problems import ApiError, responses
from invoicegen.serving.results import count_document, to_result
from invoicegen.serving.uploads import Receiver, Upload
from invoicegen.serving.worker import read_document

logger = get_logger(__name__)

Result = TypeVar("Result")

_RETRIES_S: Final = (2, 30, 120, 600, 3600, 6 * 3600)
"""Seconds between tries to tell an owner."""
_WEBHOOK_TIMEOUT_S: Final = 10
_PURGE_EVERY_S: Final = 60
_POLL_S: Final = 1.0
MayBatch = Annotated[Caller, Depends(needs("batches"))]
BatchId = Annotated[str, Path(pattern="^[0-9a-f]{32}$")]
_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "description": "Documents: PDF, PNG, JPEG or TIFF, each in a part named file.",
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {
                            "type": "array",
                            "minItems": 1,
                            "items": {"type": "string", "format": "binary"},
                        },
                        "webhook": {
                            "type": "string",
                            "format": "uri",
                            "description": "who is told when all is done, by a POST signed after Standard Webhooks; "
                            "only hosts that the service allows",
                        },
                    },
                    "additionalProperties": False,
                }
            }
        },
    }
}


class BatchRunner:
    """Reads the documents of batches, one for each worker at a time, and tells owners when batches are done.

    Args:
        options: Retention and webhooks.
        store: Batches and results; closed with the runner.
        pool: What reads.
        metrics: Where documents are counted.
    """

    def __init__(
        self,
        options: ServiceOptions,
        store: JobStore,
        pool: WorkerPool[LabelSet],
        metrics: ExtractionMetrics,
    ) -> None:
        self._options = options
        self._pool = pool
        self._metrics = metrics
        self._store = store
        self._thread = ThreadPoolExecutor(1, "jobs")  # one connection, one thread
        self._more = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def call(self, method: Callable[..., Result], *args: object, **more: object) -> Result:
        """What a method of the store gives, without holding up the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, partial(method, *args, **more))

    @property
    def store(self) -> JobStore:
        """Batches and results; its methods are called by :meth:`call`."""
        return self._store

    def start(self) -> None:
        """Begin to read what waits."""
        readers = [self._read_documents() for _ in range(self._options.workers)]
        self._tasks = [asyncio.create_task(work) for work in (*readers, self._tell_owners(), self._purge())]

    def wake(self) -> None:
        """There is something to read."""
        self._more.set()

    async def close(self) -> None:
        """Stop; what is being read goes back into the queue."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task
        self._thread.shutdown()
        self._store.close()

    async def _read_documents(self) -> None:
        while True:
            document = await self.call(self._store.claim)
            if document is None:
                self._more.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._more.wait(), _POLL_S)
                continue
            try:
                await self._read(document)
            except asyncio.CancelledError:
                await self.call(self._store.release, document)
                raise
            except Exception:
                logger.exception("a document of a batch failed", batch=document.batch, number=document.number)
                failure = {"file": document.name, "error": "an error of the service; it is in its log"}
                await self.call(self._store.finish, document, failure, failed=True, pages=0)

    async def _read(self, document: QueuedDocument) -> None:
        if document.attempts > MAX_ATTEMPTS:
            failure = {
                "file": document.name,
                "error": f"the service ended {MAX_ATTEMPTS} times while reading it",
            }
            await self.call(self._store.finish, document, failure, failed=True, pages=0)
            return
        try:
            read = await self._pool.run(
                read_document, document.path, document.name, document.media_type, False, False
            )
        except (WorkerDiedError, WorkersLostError) as error:
            if document.attempts < MAX_ATTEMPTS:
                await self.call(self._store.release, document)
                return
            problem: ApiError = error
        except ApiError as error:
            problem = error
        else:
            count_document(self._metrics, read, self._options.min_confidence)
            result = to_result(read).model_dump(mode="json", exclude_unset=True)
            pages = len(read.record["pages"])
            await self.call(self._store.finish, document, result, failed=False, pages=pages)
            return
        self._metrics.documents.labels(problem.kind).inc()
        failure = {"file": document.name, "error": f"{problem.title}: {problem.detail}"}
        await self.call(self._store.finish, document, failure, failed=True, pages=0)

    async def _tell_owners(self) -> None:
        async with httpx.AsyncClient(timeout=_WEBHOOK_TIMEOUT_S, follow_redirects=False) as client:
            while True:
                for delivery in await self.call(self._store.due_deliveries):
                    delivered = await self._tell(client, delivery)
                    again = None if delivery.attempts >= len(_RETRIES_S) else _RETRIES_S[delivery.attempts]
                    outcome = "delivered" if delivered else "gave_up" if again is None else "failed"
                    self._metrics.webhooks.labels(outcome).inc()
                    await self.call(
                        self._store.note_delivery, delivery.batch, delivered=delivered, retry_in_s=again
                    )
                await asyncio.sleep(_POLL_S)

    async def _tell(self, client: httpx.AsyncClient, delivery: Delivery) -> bool:
        """Tell an owner that a batch is finished; whether that was taken note of."""
        secret = self._options.webhook_secret
        if secret is None or not is_allowed(delivery.webhook, self._options):
            return False  # settings have changed since the batch was accepted
        now = dt.datetime.now(dt.UTC)
        body = json.dumps(
            {"type": "batch.finished", "timestamp": now.isoformat(), "data": {"id": delivery.batch}}
        )
        headers = {
            "Content-Type": "application/json",
            "Webhook-Id": delivery.batch,
            "Webhook-Timestamp": str(int(now.timestamp())),
            "Webhook-Signature": Webhook(secret.get_secret_value()).sign(delivery.batch, now, body),
        }
        try:
            answer = await client.post(delivery.webhook, content=body, headers=headers)
        except httpx.HTTPError as error:
            logger.warning("webhook failed", batch=delivery.batch, reason=type(error).__name__)
            return False
        logger.info("webhook", batch=delivery.batch, status=answer.status_code)
        return answer.is_success

    async def _purge(self) -> None:
        while True:
            before = time.time() - self._options.results_retention_s
            if purged := await self.call(self._store.purge, before):
                logger.info("results deleted", batches=purged)
            await asyncio.sleep(_PURGE_EVERY_S)


def is_allowed(webhook: str, options: ServiceOptions) -> bool:
    """Whether a webhook goes where the service may send."""
    try:
        url = urlsplit(webhook)
        port = url.port
    except ValueError:
        return False
    schemes = ("https", "http") if options.webhook_http else ("https",)
    named = url.hostname if port is None else f"{url.hostname}:{port}"
    return url.scheme in schemes and url.username is None and named in options.webhook_hosts


def _fingerprint(uploads: Sequence[Upload], webhook: str | None) -> str:
    """Of what a request asks for."""
    digest = hashlib.sha256((webhook or "").encode())
    for upload in uploads:
        with upload.path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        digest.update(f"\n{upload.name}\n{content}".encode())
    return digest.hexdigest()


def _batch(status: BatchStatus, options: ServiceOptions) -> Batch:
    def at(seconds: float) -> dt.datetime:
        return dt.datetime.fromtimestamp(seconds, dt.UTC)

    return Batch(
        id=status.id,
        status="running" if status.finished is None else "finished",
        created=at(status.created),
        finished=None if status.finished is None else at(status.finished),
        expires=None if status.finished is None else at(status.finished + options.results_retention_s),
        documents=[
            BatchDocument(number=one.number, file=one.name, status=one.state) for one in status.documents
        ],
        webhook=status.delivery,
    )


def _unknown() -> ApiError:
    return ApiError(404, "not-found", "there is no such batch, or it was deleted")


def add_batches(app: FastAPI) -> None:
    """Add the operations on batches."""
    options: ServiceOptions = app.state.options

    @app.post(
        f"/{API_VERSION}/batches",
        tags=["batches"],
        status_code=202,
        openapi_extra=_BODY,
        responses=responses(400, 401, 403, 408, 413, 415, 422, 429, 500, 503),
    )
    async def create_batch(
        request: Request,
        response: Response,
        caller: MayBatch,
        idempotency_key: Annotated[
            str | None,
            Header(
                min_length=1, max_length=200, description="a second request with the same key is the first"
            ),
        ] = None,
    ) -> Batch:
        """Accept documents, to be read as soon as workers are free."""
        runner: BatchRunner = request.app.state.batches
        store = runner.store
        if await runner.call(store.pages_today, caller.id) >= options.pages_per_day:
            now = dt.datetime.now(dt.UTC)
            midnight = dt.datetime.combine(now.date() + dt.timedelta(days=1), dt.time(), dt.UTC)
            wait = str(int((midnight - now).total_seconds()) + 1)
            raise ApiError(
                429,
                "page-quota",
                f"{options.pages_per_day:,} pages a day are used up; wait until midnight UTC",
                {"Retry-After": wait, "Connection": "close"},
            )
        folder = await runner.call(store.receiving_folder)
        kept = False
        try:
            with Receiver(
                request,
                folder,
                options,
                max_documents=options.max_batch_documents,
                fields=frozenset({"webhook"}),
            ) as receiver:
                uploads = await receiver.receive()
                webhook = receiver.fields.get("webhook")
                if webhook is not None and not is_allowed(webhook, options):
                    raise ApiError(
                        422, "webhook-not-allowed", "the service sends no webhooks to this address"
                    )
                fingerprint = await asyncio.to_thread(_fingerprint, uploads, webhook)
                batch, kept = await runner.call(
                    store.add, folder, uploads, caller.id, fingerprint, idempotency_key, webhook
                )
                if kept:
                    receiver.keep()
        except IdempotencyError:
            raise ApiError(
                422, "idempotency-key-reused", "this Idempotency-Key belongs to a request with other content"
            ) from None
        finally:
            if not kept:
                await runner.call(store.discard, folder)
        runner.wake()
        response.headers["Location"] = f"/{API_VERSION}/batches/{batch}"
        return await _status(runner, batch, caller)

    async def _status(runner: BatchRunner, batch: str, caller: Caller) -> Batch:
        status = await runner.call(runner.store.status, batch, caller.id)
        if status is None:
            raise _unknown()
        return _batch(status, options)

    @app.get(
        f"/{API_VERSION}/batches/{{batch}}",
        tags=["batches"],
        responses=responses(401, 403, 404, 422, 429, 500),
    )
    async def get_batch(request: Request, caller: MayBatch, batch: BatchId) -> Batch:
        """How far a batch is."""
        return await _status(request.app.state.batches, batch, caller)

    @app.get(
        f"/{API_VERSION}/batches/{{batch}}/results",
        tags=["batches"],
        response_model_exclude_unset=True,
        responses=responses(401, 403, 404, 422, 429, 500),
    )
    async def get_results(
        request: Request,
        caller: MayBatch,
        batch: BatchId,
        start: Annotated[int, Query(ge=0, le=2**31, description="number of the first document")] = 0,
        limit: Annotated[int, Query(ge=1, le=100, description="results at most")] = 100,
    ) -> BatchResults:
        """Results so far."""
        runner: BatchRunner = request.app.state.batches
        if await runner.call(runner.store.status, batch, caller.id) is None:
            raise _unknown()
        found = await runner.call(runner.store.results, batch, start, limit)
        following = found[-1][0] + 1 if len(found) == limit else None
        return BatchResults(
            results=[BatchResult.model_validate({"number": n, "result": result}) for n, result in found],
            next=following,
        )

    @app.delete(
        f"/{API_VERSION}/batches/{{batch}}",
        tags=["batches"],
        status_code=204,
        responses=responses(401, 403, 404, 422, 429, 500),
    )
    async def delete_batch(request: Request, caller: MayBatch, batch: BatchId) -> None:
        """Delete a batch with its documents and results."""
        runner: BatchRunner = request.app.state.batches
        if not await runner.call(runner.store.delete, batch, caller.id):
            raise _unknown()
