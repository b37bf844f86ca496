"""Nodes of the pipeline ``extract``."""

from __future__ import annotations

import logging
import sys
from typing import Any

from invoicegen.extraction import ExtractOptions, extract_files, find_documents
from invoicegen.weights import resolve_model

logger = logging.getLogger(__name__)


def extract_documents(options: ExtractOptions) -> list[dict[str, Any]]:
    """Read the documents that the options name; one that fails gives ``{"file", "error"}``.

    Raises:
        ValueError: If the options name no document, or the model is not there.
    """
    from tqdm import tqdm

    if not options.documents:
        raise ValueError(
            "extract.documents is empty: name files, folders or globs, e.g. documents: [inbox/*.pdf]"
        )
    if not resolve_model(options.model).is_dir():
        raise ValueError(
            f"no model in {options.model}: train one with `kedro run --pipeline=train`, or set extract.model "
            "(shipped: the weights that come with the package)"
        )
    paths = find_documents(options.documents)
    bar = None if options.execution.progress else True
    records = list(
        tqdm(extract_files(paths, options), total=len(paths), unit="doc", file=sys.stderr, disable=bar)
    )
    failed = [record["file"] for record in records if "error" in record]
    logger.info(
        "%d documents read, %d failed%s",
        len(records),
        len(failed),
        ": " + ", ".join(failed) if failed else "",
    )
    return records
