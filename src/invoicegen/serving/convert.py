"""Results as files of other programs: Excel, and electronic invoices. What the page corrected comes back for this."""

from __future__ import annotations

import asyncio
import datetime as dt
import re
import tempfile
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import quote

from fastapi import Depends, FastAPI, Query, Request, Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from invoicegen.schema.annotation import DocumentType
from invoicegen.schema.taxonomy import VALUE_KINDS
from invoicegen.serving.access import Caller, needs
from invoicegen.serving.models import API_VERSION
from invoicegen.serving.options import ServiceOptions
from invoicegen.serving.pool import WorkerPool
from invoicegen.serving.problems import ApiError, responses

FileFormat = Literal["xlsx", "ubl", "cii"]
Record = dict[str, Any]

MAX_BYTES: Final = 2_000_000
"""Of a result without words and pictures; a thousand line items have a quarter of that."""
_MAX_ROWS: Final = 10_000
_MEDIA_TYPES: Final[dict[FileFormat, str]] = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "ubl": "application/xml",
    "cii": "application/xml",
}
_TYPED_LENGTH: Final = 64
"""Letters of a typed date or figure, at most; no longer text is looked at for one."""
_UNPRINTABLE: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 has no room for (section 2.2), nor has a cell of a workbook."""
_FIGURE: Final = re.compile(r"-?\d{1,15}(\.\d{1,10})?")
_REQUEST: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "description": "A result of `extract`, as it came or corrected; what it has besides these is passed over.",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/GivenResult"}}},
    }
}


def _printable(text: Any) -> Any:
    return _UNPRINTABLE.sub("", text) if isinstance(text, str) else text


Text = Annotated[str, BeforeValidator(_printable), Field(max_length=10_000)]


class GivenValue(BaseModel):
    """A value, as it was read or corrected."""

    model_config = ConfigDict(extra="ignore")

    value: Text | None = None
    text: Text = ""


class GivenCheck(BaseModel):
    """A rule that was applied."""

    model_config = ConfigDict(extra="ignore")

    rule: Text
    subject: Text
    status: Literal["ok", "failed", "not_applicable"]
    expected: Text | None = None
    got: Text | None = None
    reason: Text | None = None


class GivenResult(BaseModel):
    """A result that is to become a file."""

    model_config = ConfigDict(extra="ignore")

    file: Text = Field(description="its name names the file")
    document_type: DocumentType
    fields: dict[str, list[GivenValue]]
    line_items: list[dict[str, GivenValue]] = Field([], max_length=_MAX_ROWS)
    tax_lines: list[dict[str, GivenValue]] = Field([], max_length=_MAX_ROWS)
    checks: list[GivenCheck] = Field([], max_length=_MAX_ROWS)

    def record(self) -> Record:
        """As extraction gives it: only what the taxonomy has, values normalised or null."""

        def known(values: dict[str, GivenValue]) -> Record:
            return {name: _read(name, one) for name, one in values.items() if name in VALUE_KINDS}

        return {
            "file": self.file,
            "document_type": self.document_type,
            "fields": {
                name: [_read(name, one) for one in found]
                for name, found in self.fields.items()
                if name in VALUE_KINDS
            },
            "line_items": [known(item) for item in self.line_items],
            "tax_lines": [known(line) for line in self.tax_lines],
            "checks": [check.model_dump() for check in self.checks],
        }


def _read(name: str, given: GivenValue) -> Record:
    """A value as its type has it; people type dates and amounts as they are printed."""
    from invoicegen.extraction import infer_hints, normalise_value

    value = given.value
    if value is not None and not _is_normalised(name, value):
        value = normalise_value(name, value, infer_hints([value])) if len(value) <= _TYPED_LENGTH else None
        if value is not None and not _is_normalised(name, value):
            value = None
    return {"value": value, "text": given.text or given.value or ""}


def _is_normalised(name: str, value: str) -> bool:
    kind = VALUE_KINDS[name]
    if kind in ("money", "decimal", "percent"):
        return _FIGURE.fullmatch(value.removesuffix("%")) is not None
    if kind == "date":
        return all(_is_date(day) for day in value.split("/", 1))
    return bool(value)


def _is_date(text: str) -> bool:
    try:
        return dt.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def write_file(given: GivenResult, file_format: FileFormat) -> bytes:
    """The file of a result; runs in a worker.

    Raises:
        ApiError: 422 where the record is no electronic invoice, with the terms that it lacks; 501 where the libraries
            that write them are not installed.
    """
    from invoicegen.einvoice import EInvoiceError, RefusedError, SchematronError, require_libraries
    from invoicegen.extraction.einvoices import write_record
    from invoicegen.extraction.outputs import open_output

    record = given.record()
    if file_format == "xlsx":
        with tempfile.TemporaryDirectory(prefix="invoicegen-") as folder:
            path = Path(folder) / "result.xlsx"
            with open_output("xlsx", path) as write:
                write(record)
            return path.read_bytes()
    try:
        require_libraries()
    except EInvoiceError as error:
        raise ApiError(501, "einvoices-unavailable", str(error)) from None
    try:
        return write_record(record, file_format)
    except RefusedError as error:
        missing = [{"term": one.term, "name": one.name, "rule": one.rule} for one in error.missing]
        detail = "the document lacks terms that EN 16931 demands; add their values"
        raise ApiError(422, "terms-missing", detail, missing=missing) from None
    except (EInvoiceError, SchematronError) as error:
        raise ApiError(422, "no-electronic-invoice", str(error)) from None


def add_convert(app: FastAPI) -> None:
    """Add the operation that makes files of results."""
    options: ServiceOptions = app.state.options
    app.state.body_models += (GivenResult,)
    content: dict[str, Any] = {kind: {} for kind in dict.fromkeys(_MEDIA_TYPES.values())}

    @app.post(
        f"/{API_VERSION}/convert",
        tags=["documents"],
        response_class=Response,
        openapi_extra=_REQUEST,
        responses={
            200: {"description": "The file", "content": content},
            **responses(400, 401, 403, 408, 413, 415, 422, 429, 500, 501, 503, 504),
        },
    )
    async def convert(
        request: Request,
        caller: Annotated[Caller, Depends(needs("extract"))],
        file_format: Annotated[
            FileFormat,
            Query(
                alias="format", description="a workbook, or an electronic invoice of EN 16931: UBL 2.1 or CII"
            ),
        ],
    ) -> Response:
        """Make a file of a result, or say which terms it lacks for an electronic invoice; nothing of it is kept."""
        pool: WorkerPool[Any] = request.app.state.pool
        with pool.place():
            try:
                given = GivenResult.model_validate_json(await _body(request, options))
            except ValidationError as error:
                places = (
                    f"{'.'.join(map(str, one['loc'])) or 'body'}: {one['msg']}" for one in error.errors()
                )
                raise ApiError(422, "invalid-request", "; ".join(list(places)[:5])) from None
            made = await pool.run(write_file, given, file_format)
        suffix = ".xlsx" if file_format == "xlsx" else f".{file_format}.xml"
        name = quote(Path(given.file.replace("\\", "/")).stem or "result", safe="")
        return Response(
            made,
            media_type=_MEDIA_TYPES[file_format],
            headers={"Content-Disposition": f"attachment; filename*=UTF-8''{name}{suffix}"},
        )


async def _body(request: Request, options: ServiceOptions) -> bytes:
    """The body of a request, refused as soon as it is too large.

    Raises:
        ApiError: 408 too slow, 413 too large, 415 of another type.
    """
    close = {"Connection": "close"}
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
        raise ApiError(415, "unsupported-media-type", "send a result as application/json", close)
    body = bytearray()
    too_large = ApiError(
        413, "too-large", f"a result may have {MAX_BYTES:,} bytes; leave words and pictures out", close
    )
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > MAX_BYTES:
        raise too_large
    try:
        async with asyncio.timeout(options.upload_timeout_s):
            async for piece in request.stream():
                body += piece
                if len(body) > MAX_BYTES:
                    raise too_large
    except TimeoutError:
        seconds = f"{options.upload_timeout_s:g}"
        raise ApiError(408, "upload-too-slow", f"the body did not arrive in {seconds} s", close) from None
    return bytes(body)
