"""Documents out of request bodies, written to disk as they arrive and refused as soon as they can be.

A body is not read to its end once it is known to be too large, of a type that cannot be read, or an image of too
many pixels.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path, PurePosixPath, PureWindowsPath
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self, get_args
from uuid import uuid4

from fastapi import Request
from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from invoicegen.ocr.documents import SNIFFED_BYTES, MediaType, sniff_media_type
from invoicegen.serving.options import HttpOptions
from invoicegen.serving.problems import ApiError

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

DOCUMENT_TYPES: Final[tuple[MediaType, ...]] = get_args(MediaType)
RAW_TYPES: Final = (*DOCUMENT_TYPES, "application/octet-stream")
"""Media types of bodies that are one document."""

_PIXELS_KNOWN_BYTES: Final = 64 * 1024
"""By here the header of nearly every PNG and JPEG has been seen."""
_OVERHEAD_BYTES: Final = 4096
"""What a multipart body may have beside each document."""
_CLOSE: Final = {"Connection": "close"}
"""The rest of the body is not read, so the connection cannot be used again."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A document on disk.

    Attributes:
        path: Where it is.
        name: As the client calls it; the last part of a path, printable characters.
        media_type: What its content says that it is.
        size: Bytes.
    """

    path: Path
    name: str
    media_type: MediaType
    size: int


def too_large(options: HttpOptions) -> ApiError:
    """The problem of a document that has too many bytes."""
    return ApiError(
        413,
        "too-large",
        f"a document may have {options.max_file_bytes:,} bytes; split it, or scan it coarser",
        _CLOSE,
    )


def _wrong_type() -> ApiError:
    return ApiError(
        415,
        "unsupported-media-type",
        "PDF, PNG, JPEG and TIFF can be read; this document is none of them",
        _CLOSE,
    )


def _clean_name(given: str) -> str:
    last = PurePosixPath(PureWindowsPath(given).name).name
    return "".join(char for char in last if char.isprintable())[:200] or "document"


class _Document:
    """A document that is arriving."""

    def __init__(self, folder: Path, name: str, options: HttpOptions) -> None:
        self._path = folder / uuid4().hex
        self._name = _clean_name(name)
        self._options = options
        self._file = self._path.open("xb")
        self._head = bytearray()
        self._size = 0
        self._media_type: MediaType | None = None
        self._pixels_checked = False

    def write(self, data: bytes) -> None:
        """Take a piece.

        Raises:
            ApiError: If the document cannot be taken whatever else comes.
        """
        self._size += len(data)
        if self._size > self._options.max_file_bytes:
            raise too_large(self._options)
        if len(self._head) < _PIXELS_KNOWN_BYTES:
            self._head += data[: _PIXELS_KNOWN_BYTES - len(self._head)]
        if self._media_type is None and self._size >= SNIFFED_BYTES:
            self._sniff()
        if not self._pixels_checked and len(self._head) == _PIXELS_KNOWN_BYTES:
            self._check_pixels()
        self._file.write(data)

    def finish(self) -> Upload:
        """The document, all of which has arrived.

        Raises:
            ApiError: If it cannot be taken.
        """
        if self._size == 0:
            raise ApiError(422, "unreadable-document", "the document has no bytes")
        media_type = self._media_type or self._sniff()
        if not self._pixels_checked:
            self._check_pixels()
        self._file.close()
        return Upload(self._path, self._name, media_type, self._size)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def delete(self) -> None:
        """Let go of the file, and remove it."""
        self._file.close()
        self._path.unlink(missing_ok=True)

    def _sniff(self) -> MediaType:
        self._media_type = sniff_media_type(bytes(self._head))
        if self._media_type is None:
            raise _wrong_type()
        return self._media_type

    def _check_pixels(self) -> None:
        """Refuse an image whose header, so far as it has arrived, promises too many pixels."""
        self._pixels_checked = True
        if self._media_type not in ("image/png", "image/jpeg"):
            return  # pages of PDF and TIFF may be described anywhere in the file: the worker looks at them
        size = image_size(bytes(self._head))
        if size is not None and size[0] * size[1] > self._options.max_image_pixels:
            raise too_many_pixels(size, self._options)


def too_many_pixels(size: tuple[int, int], options: HttpOptions) -> ApiError:
    """The problem of an image that is too large."""
    return ApiError(
        413,
        "too-many-pixels",
        f"the image has {size[0]:,} x {size[1]:,} px, at most {options.max_image_pixels:,} are read; scan it coarser",
        _CLOSE,
    )


def image_size(head: bytes) -> tuple[int, int] | None:
    """Width and height by the header of a PNG or JPEG; None where it cannot be made out."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(head), formats=("PNG", "JPEG")) as image:
            return image.size
    except Image.DecompressionBombError:
        return 2**31, 2**31  # Pillow refuses what is far beyond its own limit
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, OverflowError):
        return None  # cut off or damaged: the worker will say so


@dataclass(slots=True)
class _Part:
    headers: dict[str, str] = field(default_factory=dict)
    name: bytearray = field(default_factory=bytearray)
    value: bytearray = field(default_factory=bytearray)


class _Multipart:
    """Documents of a multipart body, each in a part named ``file``; other parts are short texts."""

    def __init__(self, boundary: bytes, start: Callable[[str], _Document], fields: frozenset[str]) -> None:
        self._start = start
        self._known = fields
        self._part = _Part()
        self._document: _Document | None = None
        self._field: str | None = None
        self.uploads: list[Upload] = []
        self.fields: dict[str, str] = {}
        self.ended = False
        callbacks: MultipartCallbacks = {
            "on_part_begin": self._on_begin,
            "on_header_field": lambda data, start, end: self._part.name.extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._part.value.extend(data[start:end]),
            "on_header_end": self._on_header,
            "on_headers_finished": self._on_headers,
            "on_part_data": self._on_data,
            "on_part_end": self._on_part_end,
            "on_end": self._on_end,
        }
        self._parser = MultipartParser(boundary, callbacks)

    def write(self, data: bytes) -> None:
        """Take a piece of the body."""
        self._parser.write(data)

    def _on_begin(self) -> None:
        self._part = _Part()

    def _on_header(self) -> None:
        self._part.headers[self._part.name.decode("latin-1").lower()] = self._part.value.decode("latin-1")
        self._part.name.clear()
        self._part.value.clear()

    def _on_headers(self) -> None:
        _, given = parse_options_header(self._part.headers.get("content-disposition"))
        name = given.get(b"name", b"").decode("utf-8", "replace")
        if name == "file":
            self._document = self._start(given.get(b"filename", b"").decode("utf-8", "replace"))
        elif name in self._known and name not in self.fields:
            self._field = name
            self.fields[name] = ""
        else:
            known = ", ".join(sorted({"file", *self._known}))
            raise ApiError(
                400, "malformed-body", f"a part has an unknown or repeated name; known: {known}", _CLOSE
            )

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        if self._document is not None:
            self._document.write(data[start:end])
        elif self._field is not None:
            self.fields[self._field] += data[start:end].decode("utf-8", "replace")
            if len(self.fields[self._field]) > _OVERHEAD_BYTES:
                raise ApiError(413, "too-large", f"the part {self._field} is too long", _CLOSE)

    def _on_part_end(self) -> None:
        if self._document is not None:
            self.uploads.append(self._document.finish())
        self._document = self._field = None

    def _on_end(self) -> None:
        self.ended = True


class Receiver:
    """Receives the documents of a request into a folder; use it in ``with``: on leaving, documents are removed.

    Documents that :meth:`keep` was called for stay.

    Args:
        request: Whose body has not been read.
        folder: Where the documents go.
        options: Limits.
        max_documents: More are refused.
        fields: Names of texts that a multipart body may hold beside the documents.
    """

    def __init__(
        self,
        request: Request,
        folder: Path,
        options: HttpOptions,
        *,
        max_documents: int = 1,
        fields: frozenset[str] = frozenset(),
    ) -> None:
        self._request = request
        self._folder = folder
        self._options = options
        self._max_documents = max_documents
        self._field_names = fields
        self._documents: list[_Document] = []
        self.fields: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        for document in self._documents:
            document.delete()

    def keep(self) -> None:
        """Leave the documents where they are."""
        self._documents.clear()

    async def receive(self) -> list[Upload]:
        """The documents of the body, at least one.

        Raises:
            ApiError: 400 malformed, 408 too slow, 413 too large, 415 of another type.
        """
        kind, given = parse_options_header(self._request.headers.get("content-type"))
        most = self._max_documents * (self._options.max_file_bytes + _OVERHEAD_BYTES)
        length = self._request.headers.get("content-length", "")
        if length.isdigit() and int(length) > most:
            raise too_large(self._options)
        try:
            async with asyncio.timeout(self._options.upload_timeout_s):
                if kind == b"multipart/form-data":
                    return await self._receive_parts(given.get(b"boundary", b""), most)
                if kind.decode("latin-1") in RAW_TYPES:
                    return [await self._receive_raw()]
        except TimeoutError:
            seconds = f"{self._options.upload_timeout_s:g}"
            raise ApiError(
                408, "upload-too-slow", f"the body did not arrive in {seconds} s", _CLOSE
            ) from None
        raise ApiError(
            415,
            "unsupported-media-type",
            f"send multipart/form-data with a part named file, or the document as {', '.join(RAW_TYPES)}",
            _CLOSE,
        )

    def _start(self, name: str) -> _Document:
        if len(self._documents) == self._max_documents:
            raise ApiError(
                413, "too-many-documents", f"at most {self._max_documents} documents a request", _CLOSE
            )
        document = _Document(self._folder, name, self._options)
        self._documents.append(document)
        return document

    async def _receive_raw(self) -> Upload:
        disposition = Message()
        disposition["content-disposition"] = self._request.headers.get("content-disposition", "")
        document = self._start(disposition.get_filename() or "")
        async for piece in self._request.stream():
            document.write(piece)
        return document.finish()

    async def _receive_parts(self, boundary: bytes, most: int) -> list[Upload]:
        size = 0
        try:
            parts = _Multipart(boundary, self._start, self._field_names)
            async for piece in self._request.stream():
                size += len(piece)
                if size > most:
                    raise too_large(self._options)
                parts.write(piece)
        except FormParserError as error:
            raise ApiError(
                400, "malformed-body", f"the multipart body is malformed: {error}", _CLOSE
            ) from None
        if not parts.ended or not parts.uploads:
            raise ApiError(400, "malformed-body", "the multipart body ends early or has no part named file")
        self.fields = parts.fields
        return parts.uploads
