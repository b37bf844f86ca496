"""Logs as JSON lines, each with the id of its request. Nothing of a document's content gets into them.

Messages of the libraries that see documents are logged without their arguments, and errors as their type and place:
either could quote what is printed on a page.
"""

from __future__ import annotations

import logging
import sys
import traceback
from typing import Any, Final

import structlog
from asgi_correlation_id import correlation_id
from structlog.typing import EventDict, Processor, WrappedLogger

_SAFE: Final = ("invoicegen.serving", "uvicorn")
"""Loggers whose messages are written here and hold no content."""


def _add_request_id(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    if identifier := correlation_id.get():
        event["request_id"] = identifier
    return event


def _without_content(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    record: logging.LogRecord | None = event.get("_record")
    if record is not None and not record.name.startswith(_SAFE):
        event["event"] = str(record.msg)
    return event


def _errors_without_messages(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    given = event.pop("exc_info", None)
    if given is True:
        given = sys.exc_info()
    error = given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        frames = traceback.extract_tb(error.__traceback__)
        event["error"] = f"{type(error).__module__}.{type(error).__qualname__}"
        event["trace"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-12:]]
    return event


def configure_logs(level: str) -> None:
    """Send everything that this process logs to standard error, a JSON object a line."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_request_id,
        _errors_without_messages,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, _without_content],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = name != "uvicorn.access"  # the app logs requests itself, with their ids


def get_logger(name: str) -> Any:
    """A logger whose events are names with fields."""
    return structlog.stdlib.get_logger(name)
