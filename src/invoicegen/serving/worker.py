"""What runs in the processes that read documents: the model and the OCR engine are loaded once in each."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from invoicegen.ocr.documents import MediaType, open_document
from invoicegen.schema.annotation import Word
from invoicegen.schema.prediction import PagePrediction
from invoicegen.schema.taxonomy import LabelSet
from invoicegen.serving.documents import check_limits, prepare_process, reading, unreadable
from invoicegen.serving.logs import get_logger
from invoicegen.serving.options import ServiceOptions

if TYPE_CHECKING:
    from invoicegen.extraction.extractor import PagePredictor
    from invoicegen.modeling import PageInput
    from invoicegen.ocr import OcrEngine
    from invoicegen.ocr.orientation import Turn

_SHOWN_SIDE_PX: Final = 1800
"""Longer side of page images that are sent back."""
_SHOWN_QUALITY: Final = 80

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ReadDocument:
    """What a worker made of a document.

    Attributes:
        record: As :func:`invoicegen.extraction.extract_file` gives it.
        words: What was read of each page, with the labels of every word, where that was asked for.
        images: Each page as JPEG, where that was asked for.
    """

    record: Record
    words: list[Record] | None = None
    images: list[tuple[int, bytes]] | None = None


@dataclass(slots=True)
class _Recorder:
    """The model, and what it last said of each page."""

    model: PagePredictor
    pages: list[PagePrediction] = field(default_factory=list)

    @property
    def needs_images(self) -> bool:
        return bool(getattr(self.model, "needs_images", False))

    def predict_pages(self, pages: Sequence[PageInput]) -> list[PagePrediction]:
        predictions = self.model.predict_pages(pages)
        self.pages += predictions
        return predictions


@dataclass(frozen=True, slots=True)
class _Worker:
    options: ServiceOptions
    model: PagePredictor
    engine: OcrEngine


_worker: _Worker | None = None


def start_worker(options: ServiceOptions) -> None:
    """Load what documents are read with; called once in every process."""
    global _worker
    prepare_process(options)
    from invoicegen.modeling import ModelLoader
    from invoicegen.ocr import create_engine

    extraction = options.extraction
    model = ModelLoader(extraction.device, 1, extraction.runtime).load(extraction.model)
    _worker = _Worker(options, model, create_engine(extraction.ocr))
    get_logger(__name__).info("worker started", pid=os.getpid())


def _started() -> _Worker:
    assert _worker is not None, "start_worker has not run in this process"
    return _worker


def answer() -> LabelSet:
    """Have the engine read a small blank image and the model label a line.

    Returns:
        What the model can say.

    Raises:
        RuntimeError: If the model gives no labels.
    """
    import numpy as np

    from invoicegen.modeling import PageInput

    worker = _started()
    worker.engine.recognise(np.full((64, 256, 3), 255, np.uint8))
    words = [
        Word(text=text, box=[60.0 * i, 10.0, 60.0 * i + 50, 30.0], source="ocr")
        for i, text in enumerate(("Invoice", "number", "INV-1", "Total", "12.00"))
    ]
    (page,) = worker.model.predict_pages(
        [PageInput(0, 640, 480, words, np.full((480, 640, 3), 255, np.uint8))]
    )
    if len(page.ner_tags) != len(words):
        raise RuntimeError("the model does not label every word")
    return page.labels


def read_document(path: Path, name: str, media_type: MediaType, words: bool, images: bool) -> ReadDocument:
    """Read a document.

    Args:
        path: Where it is.
        name: What the record calls it.
        media_type: As its content says.
        words: Whether to give the words of its pages too.
        images: Whether to give its pages as pictures too.

    Raises:
        ApiError: If it is over a limit, or cannot be read.
    """
    from invoicegen.extraction import extract_file

    worker = _started()
    recorder = _Recorder(worker.model)
    with reading(path):
        check_limits(path, media_type, worker.options)
        record = extract_file(path, recorder, worker.engine, worker.options.extraction, with_documents=True)
        if "error" in record:
            raise unreadable(path, str(record["error"]))
        turns = {page["page"]: page.get("turned", 0) for page in record["pages"]}
        pictures = _pictures(path, worker.options, turns) if images else None
    for one in (record, *record.get("documents", ())):
        one["file"] = name
    for problem in record.get("page_errors", ()):
        problem["error"] = str(problem["error"]).replace(str(path), name)
    return ReadDocument(record, [_words(page) for page in recorder.pages] if words else None, pictures)


def _words(page: PagePrediction) -> Record:
    columns = (page.words, page.ner_tags, page.ner_confidences, page.table_tags, page.cell_tags)
    return {
        "page": page.page,
        "words": [
            {
                **word.model_dump(
                    include={"text", "box", "quad", "line_id", "segment_id", "source", "confidence"}
                ),
                "ner_tag": ner,
                "ner_confidence": round(confidence, 4),
                "table_tag": table,
                "cell_tag": cell,
            }
            for word, ner, confidence, table, cell in zip(*columns, strict=True)
        ],
    }


def _pictures(path: Path, options: ServiceOptions, turns: Mapping[int, Turn]) -> list[tuple[int, bytes]]:
    from PIL import Image

    from invoicegen.ocr.orientation import turned

    pictures = []
    with open_document(path, dpi=options.dpi) as document:
        for source in document:
            image = Image.fromarray(turned(source.image, turns.get(source.page, 0)))
            image.thumbnail((_SHOWN_SIDE_PX, _SHOWN_SIDE_PX))
            buffer = io.BytesIO()
            image.save(buffer, "JPEG", quality=_SHOWN_QUALITY)
            pictures.append((source.page, buffer.getvalue()))
    return pictures
