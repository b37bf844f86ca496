"""Runs the service until it is told to stop; then requests in hand are answered before it ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import uvicorn
from fastapi import FastAPI

from invoicegen.serving.logs import configure_logs
from invoicegen.serving.options import HttpOptions

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint

Options = TypeVar("Options", bound=HttpOptions)

_BACKLOG = 128
_MOST_CONNECTIONS = 1000


def serve(create: Callable[[Options], FastAPI], options: Options) -> None:
    """Serve what ``create`` makes of ``options`` until SIGTERM or SIGINT."""
    configure_logs(options.log_level)
    track_errors(options)
    uvicorn.run(
        create(options),
        host=options.host,
        port=options.port,
        log_config=None,
        access_log=False,
        server_header=False,
        backlog=_BACKLOG,
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_graceful_shutdown=options.drain_timeout_s,
    )


def track_errors(options: HttpOptions) -> None:
    """Report errors to Sentry where a DSN is set: types and places, nothing of requests, variables or messages."""
    if options.sentry_dsn is None:
        return
    import sentry_sdk

    sentry_sdk.init(
        dsn=options.sentry_dsn.get_secret_value(),
        send_default_pii=False,
        include_local_variables=False,
        include_source_context=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        server_name="",
        before_send=_without_content,
    )


def _without_content(event: Event, hint: Hint) -> Event:
    """A report without what may quote a document or name a file: headers, messages of errors, arguments of logs."""
    request = event.get("request", {})
    event["request"] = {key: request[key] for key in ("method",) if key in request}
    for error in event.get("exception", {}).get("values", ()):
        error.pop("value", None)
    for part in ("logentry", "message", "extra", "user"):
        event.pop(part, None)  # type: ignore[misc] # keys of a TypedDict that need not be there
    return event
