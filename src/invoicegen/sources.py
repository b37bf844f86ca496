"""Hashes of what decides a result besides its options: our own code and data, and the folders of a user.

Work is kept in folders named by a hash of all that decides it, and what is there is not made again. Code counts: what
older code made is not what this code would make.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Final

GENERATING: Final = (
    "augmentation", "einvoice", "geometry.py", "images.py", "labeling", "ocr", "randomness.py", "rendering", "schema",
    "splitting", "synthesis", "templates",
)  # fmt: skip
"""What decides a generated document: parts of this package."""
READING: Final = (
    "einvoice", "extraction", "geometry.py", "images.py", "labeling", "modeling", "ocr", "randomness.py", "schema",
)  # fmt: skip
"""What decides what is read from a document, the weights apart."""

_PACKAGE: Final = Path(__file__).parent
_MADE: Final = "__pycache__"


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def files_sha256(root: Path, files: Iterable[Path]) -> str:
    """SHA-256 of the names, relative to a folder, and the bytes of files in it, hexadecimal."""
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(f"{file.relative_to(root).as_posix()}\0{file_sha256(file)}\n".encode())
    return digest.hexdigest()


def folder_sha256(root: Path, parts: Iterable[str] = (".",)) -> str:
    """SHA-256 of the files of a folder, or of some files and folders in it; compiled Python apart.

    Raises:
        FileNotFoundError: If a part is not there.
    """
    return files_sha256(root, (file for part in parts for file in _files(root / part)))


def _files(path: Path) -> Iterator[Path]:
    if not path.exists():
        raise FileNotFoundError(f"{path} is not there")
    if path.is_file():
        yield path
    yield from (file for file in path.rglob("*") if file.is_file() and _MADE not in file.parts)


@cache
def code_sha256(parts: tuple[str, ...]) -> str:
    """SHA-256 of parts of this package (:data:`GENERATING`, :data:`READING`), as they are when it is first asked."""
    return folder_sha256(_PACKAGE, parts)
