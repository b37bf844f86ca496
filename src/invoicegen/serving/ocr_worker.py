"""What runs in the processes of the annotation service: every enabled OCR engine is loaded once in each."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

from invoicegen.ocr import OcrEngine, OcrOptions, create_engine
from invoicegen.ocr.documents import DocumentError, MediaType, PageSource, open_document
from invoicegen.ocr.languages import DEFAULT_LANGUAGE
from invoicegen.ocr.reading import read_page
from invoicegen.serving.documents import check_limits, prepare_process, reading, unreadable
from invoicegen.serving.logs import get_logger
from invoicegen.serving.options import OcrServiceOptions

Record = dict[str, Any]


class EngineAnswer(TypedDict):
    """What an engine says of itself when it answers."""

    name: str
    version: str
    languages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Worker:
    options: OcrServiceOptions
    engines: dict[str, OcrEngine]


_worker: _Worker | None = None


def start_worker(options: OcrServiceOptions) -> None:
    """Load the engines; called once in every process."""
    global _worker
    prepare_process(options)
    engines = {
        name: create_engine(OcrOptions(engine=name, languages=options.languages)) for name in options.engines
    }
    _worker = _Worker(options, engines)
    get_logger(__name__).info("worker started", pid=os.getpid(), engines=list(engines))


def _started() -> _Worker:
    assert _worker is not None, "start_worker has not run in this process"
    return _worker


def answer() -> list[EngineAnswer]:
    """Have every engine read a small blank image.

    Returns:
        The engines, the default first.
    """
    import numpy as np

    worker = _started()
    blank = np.full((64, 256, 3), 255, np.uint8)
    for engine in worker.engines.values():
        engine.recognise(blank)
    languages = worker.options.languages or (DEFAULT_LANGUAGE,)
    return [
        {"name": engine.name, "version": engine.version, "languages": languages}
        for engine in worker.engines.values()
    ]


def read_words(path: Path, name: str, media_type: MediaType, engine: str, text_layer: bool) -> Record:
    """Read the words of a document.

    Args:
        path: Where it is.
        name: What the record calls it.
        media_type: As its content says.
        engine: Reads pages without a text layer; one of the enabled ones.
        text_layer: Whether a page's text layer is taken where it is of use.

    Returns:
        As :class:`invoicegen.serving.models.OcrResult` describes it.

    Raises:
        ApiError: If it is over a limit, or none of its pages can be read.
    """
    worker = _started()
    start = time.perf_counter()
    pages: list[Record] = []
    errors: list[Record] = []
    with reading(path):
        check_limits(path, media_type, worker.options)
        with open_document(path, dpi=worker.options.dpi) as document:
            opened = time.perf_counter()
            for source in document:
                try:
                    pages.append(_read_page(source, worker.engines[engine], text_layer))
                except DocumentError as error:
                    errors.append({"page": source.page, "error": f"{error.reason}; {error.mend}"})
            read_s = time.perf_counter() - opened
    if not pages:
        raise unreadable(path, errors[0]["error"])
    timings_ms = {"ocr": round(1000 * read_s, 1), "total": round(1000 * (time.perf_counter() - start), 1)}
    return {"file": name, "pages": pages, "page_errors": errors, "timings_ms": timings_ms}


def _read_page(source: PageSource, engine: OcrEngine, text_layer: bool) -> Record:
    words, name = read_page(source, engine) if text_layer else (engine.recognise(source.image), engine.name)
    return {
        "page": source.page,
        "width": source.width,
        "height": source.height,
        "dpi": source.dpi,
        "engine": name,
        "words": [
            word.model_dump(include={"text", "box", "quad", "line_id", "segment_id", "source", "confidence"})
            for word in words
        ],
    }
