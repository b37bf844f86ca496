"""What is done around every request: its log line, its metrics, and the answer where the service itself fails."""

from __future__ import annotations

import time
from typing import Final

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from invoicegen.serving.logs import get_logger
from invoicegen.serving.metrics import Metrics
from invoicegen.serving.problems import ApiError

logger = get_logger(__name__)

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_PROBES: Final = frozenset({"/health", "/ready", "/metrics"})
"""Routes that are asked every few seconds, for ever."""
_CLIENT_CLOSED: Final = 499
"""Status, in logs only, of requests whose client went away before their end."""


class AccessLog:
    """Logs and counts requests by the template of their route, not by their path, which may name anything.

    Args:
        app: What answers.
        metrics: Where requests are counted.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and note what became of it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        structlog.contextvars.clear_contextvars()
        start = time.perf_counter()
        status, received = 0, 0

        async def counted_receive() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            return message

        async def noted_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, counted_receive, noted_send)
        except ClientDisconnect:
            status = _CLIENT_CLOSED
        except Exception:
            logger.exception("internal error")
            if status:
                raise  # the answer has begun: the server cuts it off
            failed = ApiError(500, "internal-error", "an error of the service; it is in its log")
            self._metrics.problems.labels(failed.kind).inc()
            await failed.response()(scope, receive, noted_send)
        seconds = time.perf_counter() - start
        route = getattr(scope.get("route"), "path", "none")
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._metrics.requests.labels(method, route, str(status)).inc()
        self._metrics.seconds.labels(method, route).observe(seconds)
        log = logger.debug if route in _PROBES else logger.info
        log(
            "request",
            method=method,
            route=route,
            status=status,
            ms=round(1000 * seconds, 1),
            bytes_in=received,
        )
