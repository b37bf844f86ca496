"""Errors as RFC 9457 problem details (``application/problem+json``)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from asgi_correlation_id import correlation_id
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route

MEDIA_TYPE: Final = "application/problem+json"


class LackingTerm(BaseModel):
    """A term of EN 16931 that a document lacks."""

    model_config = ConfigDict(extra="forbid")

    term: str = Field(description="its number", examples=["BT-44"])
    name: str = Field(description="its name in the standard")
    rule: str = Field(description="the business rule that demands it")


class ProblemDetails(BaseModel):
    """What went wrong with a request (RFC 9457)."""

    model_config = ConfigDict(extra="forbid")

    type: str = Field(
        description="identifies the kind of problem", examples=["urn:invoicegen:problem:too-large"]
    )
    title: str = Field(description="the kind of problem in words; the same for every occurrence")
    status: int = Field(description="the HTTP status", ge=400, le=599)
    detail: str = Field(description="this occurrence, and what to do about it")
    request_id: str = Field(description="names this request in the logs")
    missing: list[LackingTerm] | None = Field(
        None, description="what a document lacks for an electronic invoice"
    )


class ApiError(Exception):
    """An error that the client is told.

    Attributes:
        status: HTTP status.
        kind: What went wrong, as in ``too-large``; its words make the title.
        detail: This occurrence, and what to do about it. Says nothing of a document's content.
        headers: Of the response.
        missing: What the document lacks for an electronic invoice: ``term``, ``name`` and ``rule`` of each.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        detail: str,
        headers: dict[str, str] | None = None,
        missing: list[dict[str, str]] | None = None,
    ) -> None:
        super().__init__(f"{status} {kind}: {detail}")
        self.status = status
        self.kind = kind
        self.detail = detail
        self.headers = headers or {}
        self.missing = missing

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.status, self.kind, self.detail, self.headers, self.missing))

    @property
    def title(self) -> str:
        """The kind in words."""
        return self.kind.replace("-", " ").capitalize()

    def response(self) -> JSONResponse:
        """The problem as it goes over the wire."""
        details = ProblemDetails(
            type=f"urn:invoicegen:problem:{self.kind}",
            title=self.title,
            status=self.status,
            detail=self.detail,
            request_id=correlation_id.get() or "",
            missing=None if self.missing is None else [LackingTerm(**term) for term in self.missing],
        )
        return JSONResponse(details.model_dump(exclude_none=True), self.status, self.headers, MEDIA_TYPE)


def counted(app: FastAPI, error: ApiError) -> JSONResponse:
    """The answer to an error of an app, counted in its metrics."""
    app.state.metrics.problems.labels(error.kind).inc()
    return error.response()


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What an operation's OpenAPI says of the problems it may answer with."""
    schema = {"$ref": "#/components/schemas/ProblemDetails"}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": {MEDIA_TYPE: {"schema": schema}}}
        for status in statuses
    }


def add_handlers(app: FastAPI) -> None:
    """Make every error of an app a problem."""

    @app.exception_handler(ApiError)
    async def _problem(request: Request, error: ApiError) -> JSONResponse:
        return counted(request.app, error)

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> JSONResponse:
        kind = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
        headers = dict(error.headers or {})
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            headers["Allow"] = ", ".join(sorted(_methods(request)))
        return counted(request.app, ApiError(error.status_code, kind, str(error.detail), headers))

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        return counted(request.app, ApiError(422, "invalid-request", wrong))


def _methods(request: Request) -> set[str]:
    """The methods of all routes of a path; Starlette names those of the first."""
    return {
        method
        for route in request.app.routes
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE
        for method in route.methods or ()
    }
