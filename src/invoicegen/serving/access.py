"""Who may do what, and how often."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

import structlog
from fastapi import Depends, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from invoicegen.serving.keys import KeysError, KeyStore, Scope
from invoicegen.serving.logs import get_logger
from invoicegen.serving.problems import ApiError
from invoicegen.serving.rates import RateLimiter

logger = get_logger(__name__)

_bearer = HTTPBearer(auto_error=False, description="A key made by `invoicegen keys create`.")
_CLOSE = {"Connection": "close"}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a request.

    Attributes:
        id: Of the key; ``open`` where the service has none.
    """

    id: str


def needs(scope: Scope) -> Callable[..., Awaitable[Caller]]:
    """A dependency that lets through who may do ``scope``, as often as the rate limit allows.

    It runs before any of the body is read.
    """

    async def authorise(
        request: Request,
        response: Response,
        given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    ) -> Caller:
        keys: KeyStore | None = request.app.state.keys
        rates: RateLimiter = request.app.state.rates
        if keys is None:
            caller = Caller("open")
            counted = request.client.host if request.client else "unknown"
        else:
            caller = Caller(counted := _identify(keys, given, scope))
        structlog.contextvars.bind_contextvars(key=caller.id)
        response.headers.update(await rates.take(counted))
        return caller

    return authorise


def _identify(keys: KeyStore, given: HTTPAuthorizationCredentials | None, scope: Scope) -> str:
    """The id of the key of a request."""
    try:
        key = None if given is None else keys.find(given.credentials)
    except KeysError as error:
        logger.error("keys cannot be read", reason=str(error))
        raise ApiError(
            503, "keys-unavailable", "keys cannot be checked now", {**_CLOSE, "Retry-After": "30"}
        ) from None
    if key is None:
        raise ApiError(
            401,
            "unauthorized",
            "send a valid key as `Authorization: Bearer KEY`",
            {**_CLOSE, "WWW-Authenticate": "Bearer"},
        )
    if scope not in key.scopes:
        raise ApiError(403, "forbidden", f"this key has no scope {scope}", _CLOSE)
    return key.id
