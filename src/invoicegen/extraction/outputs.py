"""Extraction records as files: JSON, JSON lines, CSV, Excel, and electronic invoices."""

from __future__ import annotations

import csv
import datetime as dt
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, Final, Literal, get_args

from invoicegen.extraction.line_items import FieldValue
from invoicegen.schema.taxonomy import ENTITY_TYPES, ITEM_ENTITY_TYPES, VALUE_KINDS

OutputFormat = Literal["json", "jsonl", "csv", "xlsx", "ubl", "cii"]
FORMATS: Final[tuple[OutputFormat, ...]] = get_args(OutputFormat)
Record = Mapping[str, Any]
Write = Callable[[Record], str | None]
"""Writes one record; says why it could not, where it could not."""

_HEADER_TYPES: Final = tuple(name for name in ENTITY_TYPES if name not in ITEM_ENTITY_TYPES)
DOCUMENT_COLUMNS: Final = ("file", "pages", "document_type", *_HEADER_TYPES, "failed_checks", "error")
ITEM_COLUMNS: Final = ("file", "pages", "line", *ITEM_ENTITY_TYPES)
CHECK_COLUMNS: Final = ("file", "pages", "rule", "subject", "status", "expected", "got", "reason")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""What a cell must not begin with: a spreadsheet would run it. Source: OWASP, CSV injection."""

Cell = str | int | Decimal | dt.date | None


@contextmanager
def open_output(kind: OutputFormat, output: Path | None, *, indent: bool = False) -> Iterator[Write]:
    """What writes records in a format.

    Files are filled beside their places and put there at the end, so that what exists is complete; an interruption or
    an error puts what is finished there too.

    Args:
        kind: ``json`` (one array), ``jsonl`` (an object a line), ``csv`` (documents, and line items in
            ``<name>.line_items.csv`` beside), ``xlsx`` (sheets of documents, line items and checks), ``ubl`` and
            ``cii`` (one XML file a document, named after it).
        output: File to write; a folder for ``ubl`` and ``cii``; None for standard output, which takes text of one
            stream: JSON, JSON lines, and an electronic invoice of a single document.
        indent: Whether JSON lines are indented, for people.

    Raises:
        ValueError: If the format needs an output and there is none.
    """
    if output is None and kind in ("csv", "xlsx"):
        raise ValueError(f"{kind} has several tables: name a file with --output")
    if kind in ("ubl", "cii"):
        yield _EInvoices(kind, output)
    elif kind == "xlsx":
        assert output is not None
        with _workbook(output) as write:
            yield write
    else:
        with ExitStack() as stack:
            file = stack.enter_context(_text_file(output))
            if kind == "csv":
                assert output is not None
                items = stack.enter_context(_text_file(output.with_name(f"{output.stem}.line_items.csv")))
                yield _csv(file, items)
            elif kind == "json":
                with _array(file) as write:
                    yield write
            else:
                yield _lines(file, 2 if indent else None)


@contextmanager
def _text_file(path: Path | None) -> Iterator[IO[str]]:
    if path is None:
        yield sys.stdout
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    with partial.open("w", encoding="utf-8", newline="") as file:
        try:
            yield file
        finally:
            file.close()
            partial.replace(path)


def _lines(file: IO[str], indent: int | None) -> Write:
    def write(record: Record) -> None:
        file.write(json.dumps(record, ensure_ascii=False, indent=indent) + "\n")
        file.flush()

    return write


@contextmanager
def _array(file: IO[str]) -> Iterator[Write]:
    written = 0

    def write(record: Record) -> None:
        nonlocal written
        file.write(("[\n" if written == 0 else ",\n") + json.dumps(record, ensure_ascii=False, indent=1))
        written += 1

    try:
        yield write
    finally:
        file.write("\n]\n" if written else "[]\n")


def _csv(documents: IO[str], items: IO[str]) -> Write:
    tables = csv.writer(documents), csv.writer(items)
    for table, columns in zip(tables, (DOCUMENT_COLUMNS, ITEM_COLUMNS), strict=True):
        table.writerow(columns)

    def write(record: Record) -> None:
        tables[0].writerow([_harmless(cell) for cell in document_row(record)])
        tables[1].writerows([_harmless(cell) for cell in row] for row in item_rows(record))

    return write


@contextmanager
def _workbook(path: Path) -> Iterator[Write]:
    from openpyxl import Workbook  # type: ignore[import-untyped]
    from openpyxl.cell import WriteOnlyCell  # type: ignore[import-untyped]

    book = Workbook(write_only=True)
    sheets = [book.create_sheet(name) for name in ("documents", "line_items", "checks")]

    def append(sheet: Any, row: tuple[Cell, ...]) -> None:
        cells = [WriteOnlyCell(sheet, cell) for cell in row]
        for cell in cells:
            if cell.data_type == "f":
                cell.data_type = "s"  # a text that begins with "=" is a text
        sheet.append(cells)

    for sheet, columns in zip(sheets, (DOCUMENT_COLUMNS, ITEM_COLUMNS, CHECK_COLUMNS), strict=True):
        sheet.freeze_panes = "B2"
        append(sheet, columns)

    def write(record: Record) -> None:
        append(sheets[0], document_row(record))
        for sheet, rows in zip(sheets[1:], (item_rows(record), check_rows(record)), strict=True):
            for row in rows:
                append(sheet, row)

    try:
        yield write
    finally:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(path.name + ".partial")
        book.save(partial)
        partial.replace(path)


class _EInvoices:
    """One XML file a document; a document that lacks terms gives none, and what it lacks is said."""

    def __init__(self, syntax: Literal["ubl", "cii"], folder: Path | None) -> None:
        self._syntax: Literal["ubl", "cii"] = syntax
        self._folder = folder
        self._names: dict[str, int] = {}

    def __call__(self, record: Record) -> str | None:
        from invoicegen.einvoice import EInvoiceError, SchematronError
        from invoicegen.extraction.einvoices import write_record

        if "error" in record:
            return None  # said already
        try:
            xml = write_record(record, self._syntax)
        except (EInvoiceError, SchematronError) as error:
            return str(error)
        if self._folder is None:
            sys.stdout.write(xml.decode("utf-8"))
            return None
        self._folder.mkdir(parents=True, exist_ok=True)
        stem = Path(record["file"]).stem
        self._names[stem] = self._names.get(stem, 0) + 1
        suffix = f"-{self._names[stem]}" if self._names[stem] > 1 else ""
        path = self._folder / f"{stem}{suffix}.xml"
        partial = path.with_name(path.name + ".partial")
        partial.write_bytes(xml)
        partial.replace(path)
        return None


def document_row(record: Record) -> tuple[Cell, ...]:
    """The best value of each header field, under :data:`DOCUMENT_COLUMNS`."""
    fields = record.get("fields", {})
    failed = [check["rule"] for check in record.get("checks", ()) if check["status"] == "failed"]
    values = [_cell(name, fields[name][0]) if fields.get(name) else None for name in _HEADER_TYPES]
    return (
        record["file"], _pages(record), record.get("document_type"), *values, "; ".join(dict.fromkeys(failed)),
        record.get("error"),
    )  # fmt: skip


def item_rows(record: Record) -> list[tuple[Cell, ...]]:
    """The line items, numbered from 1, under :data:`ITEM_COLUMNS`."""
    return [
        (record["file"], _pages(record), line, *(_cell(name, item.get(name)) for name in ITEM_ENTITY_TYPES))
        for line, item in enumerate(record.get("line_items", ()), 1)
    ]


def check_rows(record: Record) -> list[tuple[Cell, ...]]:
    """The checks, under :data:`CHECK_COLUMNS`."""
    return [
        (record["file"], _pages(record), *(check[column] for column in CHECK_COLUMNS[2:]))
        for check in record.get("checks", ())
    ]


def _pages(record: Record) -> str | None:
    """First and last page, from 1, of a document that came with others in one file: "2-3"."""
    if "page_range" not in record:
        return None
    first, last = record["page_range"]
    return f"{first + 1}-{last + 1}"


def _cell(name: str, field: FieldValue | None) -> Cell:
    """A value as a number or date where it is one; what is printed where that cannot be read as its type."""
    if field is None:
        return None
    value = field["value"]
    if value is None:
        return field["text"]
    kind = VALUE_KINDS[name]
    if kind in ("money", "decimal", "percent") and not value.endswith("%"):
        return Decimal(value)
    if kind == "date" and "/" not in value:
        return dt.date.fromisoformat(value)
    return value


def _harmless(cell: Cell) -> Cell:
    """A text that no spreadsheet takes for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
