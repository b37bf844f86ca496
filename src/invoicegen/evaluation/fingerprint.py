"""Names for what was measured: hashes of models and files."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Final

import invoicegen
from invoicegen.extraction.baseline import BASELINE_FILE
from invoicegen.extraction.options import ExtractOptions
from invoicegen.weights import resolve_model

READING: Final = ("extraction", "labeling", "modeling", "ocr", "schema")
"""Subpackages that decide what is read from a document."""


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def model_fingerprint(folder: str | Path) -> str:
    """Twelve hexadecimal digits that name a model: a hash of the names and bytes of its folder's files, what was
    measured of it (``baseline.json``) apart.

    Raises:
        ValueError: If the folder is not there or empty.
    """
    directory = resolve_model(folder)
    files = sorted(path for path in directory.rglob("*") if path.is_file() and path.name != BASELINE_FILE)
    if not files:
        raise ValueError(f"no model in {directory}: train one with `kedro run --pipeline=train`")
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path.relative_to(directory).as_posix()}\0{file_sha256(path)}\n".encode())
    return digest.hexdigest()[:12]


@cache
def code_sha256(package: Path, parts: tuple[str, ...] = READING) -> str:
    """SHA-256 of the names and texts of a package's Python files, hexadecimal.

    Args:
        package: Its folder.
        parts: Subpackages that count.
    """
    digest = hashlib.sha256()
    for file in sorted(file for part in parts for file in (package / part).rglob("*.py")):
        digest.update(f"{file.relative_to(package).as_posix()}\0{file_sha256(file)}\n".encode())
    return digest.hexdigest()


def extraction_fingerprint(options: ExtractOptions) -> str:
    """Twelve hexadecimal digits that name a way of extraction: the model, what reads pages, and the code that does.

    How documents are spread over processes, which they are, and where the model lies do not count.
    """
    decided = options.model_dump(mode="json", exclude={"documents", "execution", "model"})
    code = code_sha256(Path(invoicegen.__file__).parent)
    canonical = json.dumps(
        {"code": code, "model": model_fingerprint(options.model), **decided}, sort_keys=True
    )
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]
