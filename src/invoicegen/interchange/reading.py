"""Files of annotations, read with errors that name file, line or record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from invoicegen.interchange.errors import InterchangeError

if TYPE_CHECKING:
    import pyarrow.parquet as pq

Model = TypeVar("Model", bound=BaseModel)


class Foreign(BaseModel):
    """A record of another tool's format; keys that we have no use for are passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True)


def read_text(path: Path) -> str:
    """The text of a file in UTF-8, a byte-order mark left out.

    Raises:
        InterchangeError: If it is not there, or in another encoding.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise InterchangeError(f"{path}, line {line}: not in UTF-8; save it as UTF-8") from None
    except OSError as error:
        raise InterchangeError(f"{path} cannot be read ({error.strerror}); check the path") from None


def parse_json(text: str, where: str, first_line: int | None = 1) -> Any:
    """What a JSON text holds.

    Args:
        text: The text.
        where: File or record, for messages.
        first_line: Line of the file on which the text begins; None where it is part of a record.

    Raises:
        InterchangeError: If it is no JSON.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        line = "" if first_line is None else f", line {error.lineno + first_line - 1}"
        raise InterchangeError(
            f"{where}{line}: broken JSON ({error.msg} at column {error.colno}); export it again"
        ) from None


def read_json(path: Path) -> Any:
    """What a JSON file holds; see :func:`parse_json`."""
    return parse_json(read_text(path), str(path))


def read_json_lines(path: Path) -> Iterator[tuple[str, Any]]:
    """The records of a JSON Lines file, each with its file and line for messages."""
    for number, line in enumerate(read_text(path).splitlines(), 1):
        if line.strip():
            yield f"{path}, line {number}", parse_json(line, str(path), number)


def open_parquet(path: Path) -> pq.ParquetFile:
    """A Parquet file.

    Raises:
        InterchangeError: If it is none, or damaged.
    """
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(path)
    except (OSError, ValueError) as error:
        raise InterchangeError(f"{path}: no Parquet file ({error}); write it again") from None


def validate(model: type[Model], record: Any, where: str) -> Model:
    """``record`` as what the format says it is.

    Raises:
        InterchangeError: If it is not; names the key.
    """
    try:
        return model.model_validate(record)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, one['loc'])) or 'record'}: {one['msg']}" for one in error.errors()[:3]
        )
        raise InterchangeError(f"{where}: {problems}; see the format in docs/annotation.md") from None
