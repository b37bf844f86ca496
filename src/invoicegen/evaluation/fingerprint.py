"""Names for what was measured: hashes of models and of ways to read with them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from invoicegen.extraction.baseline import BASELINE_FILE
from invoicegen.extraction.options import ExtractOptions
from invoicegen.sources import READING, code_sha256, files_sha256
from invoicegen.weights import resolve_model


def model_fingerprint(folder: str | Path) -> str:
    """Twelve hexadecimal digits that name a model: a hash of the names and bytes of its folder's files, what was
    measured of it (``baseline.json``) apart.

    Raises:
        ValueError: If the folder is not there or empty.
    """
    directory = resolve_model(folder)
    files = [path for path in directory.rglob("*") if path.is_file() and path.name != BASELINE_FILE]
    if not files:
        raise ValueError(f"no model in {directory}: train one with `kedro run --pipeline=train`")
    return files_sha256(directory, files)[:12]


def extraction_fingerprint(options: ExtractOptions) -> str:
    """Twelve hexadecimal digits that name a way of extraction: the model, what reads pages, and the code that does.

    How documents are spread over processes, which they are, and where the model lies do not count.
    """
    decided = options.model_dump(mode="json", exclude={"documents", "execution", "model"})
    canonical = json.dumps(
        {**decided, "code": code_sha256(READING), "model": model_fingerprint(options.model)}, sort_keys=True
    )
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]
