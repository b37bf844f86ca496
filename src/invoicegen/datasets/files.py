"""Single-file datasets that are written beside their place and moved into it: what exists is complete."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING, Any, Final, TypeVar, cast

import fsspec
from kedro.io.core import AbstractDataset, get_protocol_and_path

if TYPE_CHECKING:
    import pyarrow as pa
    from kedro_datasets._typing import TablePreview

SHOWN_CHARACTERS: Final = 100
"""Characters of a value that a preview shows."""

Saved = TypeVar("Saved")
Loaded = TypeVar("Loaded")


class _AtomicFileDataset(AbstractDataset[Saved, Loaded]):
    """A file on any fsspec filesystem; saving replaces it in one move."""

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        protocol, path = get_protocol_and_path(filepath)
        self._path = path
        self._fs = fsspec.filesystem(protocol)
        self.metadata = metadata

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._path}

    def _exists(self) -> bool:
        return bool(self._fs.exists(self._path))

    @contextmanager
    def _replacing(self, mode: str, **options: Any) -> Iterator[IO[Any]]:
        """The file that will take the place of this one when the block ends without an error."""
        self._fs.makedirs(str(PurePosixPath(self._path).parent), exist_ok=True)
        partial = f"{self._path}.partial"
        with self._fs.open(partial, mode, **options) as file:
            yield file
        self._fs.mv(partial, self._path)


class JsonLinesDataset(_AtomicFileDataset[list[dict[str, Any]], list[dict[str, Any]]]):
    """One JSON object a line."""

    def load(self) -> list[dict[str, Any]]:
        """All records, in order."""
        with self._fs.open(self._path, "rt", encoding="utf-8") as file:
            return [json.loads(line) for line in file if line.strip()]

    def save(self, data: list[dict[str, Any]]) -> None:
        """Write all records."""
        with self._replacing("wt", encoding="utf-8") as file:
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in data)

    def preview(self, nrows: int = 20) -> TablePreview:
        """The first records as a table, for Kedro-Viz; long values are cut."""
        with self._fs.open(self._path, "rt", encoding="utf-8") as file:
            rows = [json.loads(line) for line in itertools.islice(file, nrows) if line.strip()]
        columns = list(dict.fromkeys(name for row in rows for name in row))
        cells = [[_shown(row[name]) if name in row else "" for name in columns] for row in rows]
        # Kedro-Viz knows a table by the name of the return type; the type itself is a NewType of a dictionary.
        return cast("TablePreview", {"index": list(range(len(rows))), "columns": columns, "data": cells})


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]} …"


class ParquetTableDataset(_AtomicFileDataset["pa.Table", "pa.Table"]):
    """A ``pyarrow.Table`` with its schema metadata."""

    def load(self) -> pa.Table:
        """The whole table."""
        import pyarrow.parquet as pq

        with self._fs.open(self._path, "rb") as file:
            return pq.read_table(file)

    def save(self, data: pa.Table) -> None:
        """Write the table, zstd-compressed, in row groups of 100 so that readers can stream it."""
        import pyarrow.parquet as pq

        with self._replacing("wb") as file:
            pq.write_table(data, file, compression="zstd", row_group_size=100)


class TextFileDataset(_AtomicFileDataset[str, str]):
    """A text file, such as an HTML report."""

    def load(self) -> str:
        """The whole text."""
        with self._fs.open(self._path, "rt", encoding="utf-8") as file:
            return str(file.read())

    def save(self, data: str) -> None:
        """Write the text."""
        with self._replacing("wt", encoding="utf-8") as file:
            file.write(data)
