"""What runs in the processes that read documents: the model and the OCR engine are loaded once in each."""

from __future__ import annotations

import io
import resource
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from invoicegen.ocr.documents import DocumentError, DocumentLimits, MediaType, open_document
from invoicegen.schema.annotation import Word
from invoicegen.schema.prediction import PagePrediction
from invoicegen.schema.taxonomy import LabelSet
from invoicegen.serving.logs import configure_logs, get_logger
from invoicegen.serving.options import ServiceOptions
from invoicegen.serving.problems import ApiError
from invoicegen.serving.uploads import too_many_pixels

if TYPE_CHECKING:
    from invoicegen.extraction.extractor import PagePredictor
    from invoicegen.modeling import PageInput
    from invoicegen.ocr import OcrEngine

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
    import os

    os.environ.setdefault("OMP_NUM_THREADS", "1")  # processes share the cores
    configure_logs(options.log_level)
    limit = options.worker_memory_bytes
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
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
    try:
        check_limits(path, media_type, worker.options)
        record = extract_file(path, recorder, worker.engine, worker.options.extraction)
        if "error" in record:
            raise _unreadable(
                str(record["error"]).replace(f"{path}: ", "").replace(str(path), "the document")
            )
        pictures = _pictures(path, worker.options) if images else None
    except DocumentError as error:
        raise _unreadable(f"{error.reason}; {error.mend}") from None
    except MemoryError:
        raise _unreadable("it takes more memory than a document may; scan it coarser or split it") from None
    record["file"] = name
    for problem in record.get("page_errors", ()):
        problem["error"] = str(problem["error"]).replace(str(path), name)
    return ReadDocument(record, [_words(page) for page in recorder.pages] if words else None, pictures)


def _unreadable(why: str) -> ApiError:
    return ApiError(422, "unreadable-document", why)


def check_limits(path: Path, media_type: MediaType, options: ServiceOptions) -> int:
    """The number of pages of a document, none of which is decoded.

    Raises:
        ApiError: 413 if it has too many pages or pixels.
        DocumentError: If it cannot be read.
    """
    from PIL import Image

    if media_type == "application/pdf":
        unlimited = DocumentLimits(max_pages=2**31)
        with open_document(path, dpi=options.dpi, limits=unlimited) as document:
            count = len(document)
    else:
        Image.MAX_IMAGE_PIXELS = None  # our own limit is exact
        count = 0
        try:
            with Image.open(path, formats=("PNG", "JPEG", "TIFF")) as image:
                count = getattr(image, "n_frames", 1) if media_type == "image/tiff" else 1
                for frame in range(min(count, options.max_pages)):
                    image.seek(frame)
                    if image.width * image.height > options.max_image_pixels:
                        raise too_many_pixels(image.size, options)
        except (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, OverflowError):
            raise DocumentError(
                path, "the image is truncated or damaged, or has no pixels", "scan or save it again"
            ) from None
    if count > options.max_pages:
        raise ApiError(
            413,
            "too-many-pages",
            f"the document has {count:,} pages, at most {options.max_pages:,} are read; split it",
        )
    return count


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


def _pictures(path: Path, options: ServiceOptions) -> list[tuple[int, bytes]]:
    from PIL import Image

    pictures = []
    with open_document(path, dpi=options.dpi) as document:
        for source in document:
            image = Image.fromarray(source.image)
            image.thumbnail((_SHOWN_SIDE_PX, _SHOWN_SIDE_PX))
            buffer = io.BytesIO()
            image.save(buffer, "JPEG", quality=_SHOWN_QUALITY)
            pictures.append((source.page, buffer.getvalue()))
    return pictures
