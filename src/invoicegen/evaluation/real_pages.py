"""Pages of real documents as the model takes them: read once, kept, for the many models of a benchmark."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter

from invoicegen.evaluation.real import read_labels
from invoicegen.extraction import ExtractOptions
from invoicegen.modeling import PageInput
from invoicegen.schema.annotation import Word
from invoicegen.sources import file_sha256

_WORDS: Final = TypeAdapter(list[Word])


def read_real_pages(folder: Path, cache: Path) -> dict[str, list[PageInput]]:
    """The pages of each document of a folder with labels, by file name.

    Args:
        folder: Holds the documents and ``labels.jsonl``.
        cache: File of one JSON line a document; what it holds, by the document's bytes, is not read again, the
            rest is added to it.

    Raises:
        ValueError: As :func:`invoicegen.evaluation.real.read_labels`.
    """
    from tqdm import tqdm

    hashes = {label.file: file_sha256(folder / label.file) for label in read_labels(folder)}
    known: dict[str, Any] = {}
    if cache.exists():
        with cache.open(encoding="utf-8") as lines:
            known = {record["sha256"]: record["pages"] for record in map(json.loads, lines)}
    unread = {sha256: name for name, sha256 in hashes.items() if sha256 not in known}
    with cache.open("a", encoding="utf-8") as file:
        for sha256, name in tqdm(unread.items(), unit="doc", desc="read real", disable=None):
            known[sha256] = list(read_page_records(folder / name, ExtractOptions()))
            file.write(json.dumps({"sha256": sha256, "pages": known[sha256]}) + "\n")
            file.flush()
    return {
        name: [
            PageInput(page["page"], page["width"], page["height"], _WORDS.validate_python(page["words"]))
            for page in known[sha256]
        ]
        for name, sha256 in hashes.items()
    }


def read_page_records(path: Path, options: ExtractOptions) -> Iterator[dict[str, Any]]:
    """The pages of a document, read as ``invoicegen extract`` reads them.

    Args:
        path: Of the document.
        options: Engine, resolution and limits; the rest is not looked at.

    Yields:
        ``page`` from 0, ``width`` and ``height`` in pixels, ``words`` in reading order; ready for JSON.

    Raises:
        DocumentError: If it cannot be read.
    """
    from invoicegen.labeling import sort_words
    from invoicegen.ocr import create_engine
    from invoicegen.ocr.documents import DocumentLimits, open_document
    from invoicegen.ocr.reading import read_page

    limits = DocumentLimits(max_pages=options.max_pages)
    with open_document(path, dpi=options.dpi, limits=limits) as document:
        for source in document.pages:
            words, _ = read_page(source, create_engine(options.ocr))
            yield {
                "page": source.page,
                "width": source.width,
                "height": source.height,
                "words": _WORDS.dump_python(sort_words(words), mode="json"),
            }
