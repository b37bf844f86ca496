"""Files to extraction records: open, read, label, assemble; a failure is a record, not an end."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from invoicegen.execution import Failure, map_items
from invoicegen.extraction.assemble import assemble
from invoicegen.extraction.duplicates import DuplicateFinder
from invoicegen.extraction.embedded import read_embedded
from invoicegen.extraction.options import ExtractOptions
from invoicegen.extraction.review import add_review
from invoicegen.geometry import box_coverage
from invoicegen.labeling import sort_words
from invoicegen.modeling.options import Runtime
from invoicegen.schema.annotation import Word
from invoicegen.schema.prediction import PagePrediction

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from invoicegen.modeling import PageInput
    from invoicegen.ocr import OcrEngine
    from invoicegen.ocr.documents import PageSource

logger = logging.getLogger(__name__)

SUFFIXES: Final = frozenset({".pdf", ".png", ".jpg", ".jpeg", ".tif", ".tiff"})
"""Names by which documents are found in folders; what a named file is, its content says."""

Record = dict[str, Any]


class PagePredictor(Protocol):
    """What labels pages: :class:`invoicegen.modeling.Predictor`."""

    def predict_pages(self, pages: Sequence[PageInput]) -> list[PagePrediction]:
        """Labels of the words of each page."""
        ...


class _Clock:
    """Milliseconds by phase."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}
        self._start = self._last = time.perf_counter()

    def lap(self, phase: str) -> None:
        """Book the time since the last lap to a phase."""
        now = time.perf_counter()
        self.spent[phase] = self.spent.get(phase, 0.0) + 1000 * (now - self._last)
        self._last = now

    def timings(self) -> dict[str, float]:
        """All phases and their total, rounded to 0.1 ms."""
        total = 1000 * (time.perf_counter() - self._start)
        return {name: round(spent, 1) for name, spent in {**self.spent, "total": total}.items()}


class _TimedEngine:
    """An OCR engine whose time is booked apart from that of making the pixels it reads."""

    def __init__(self, engine: OcrEngine, clock: _Clock) -> None:
        self._engine = engine
        self._clock = clock

    @property
    def name(self) -> str:
        """The engine's."""
        return self._engine.name

    @property
    def version(self) -> str:
        """The engine's."""
        return self._engine.version

    def recognise(self, image: NDArray[np.uint8]) -> list[Word]:
        """As the engine does."""
        self._clock.lap("decode")
        words = self._engine.recognise(image)
        self._clock.lap("ocr")
        return words


def extract_file(
    path: str | Path, predictor: PagePredictor, engine: OcrEngine, options: ExtractOptions | None = None
) -> Record:
    """Read one document.

    Args:
        path: A PDF, PNG, JPEG or TIFF.
        predictor: The model.
        engine: What reads pages without a usable text layer.
        options: Resolution and limits; ``documents``, ``model``, ``ocr`` and ``execution`` are not looked at.

    Returns:
        ``{"file", "document_type", "pages", "fields", "line_items", "tax_lines", "checks", "timings_ms",
        "needs_review", "review_reasons"}``. ``pages``
        tells ``page`` (from 0), ``width`` and ``height`` in pixels (the frame of all boxes of that page), the
        number of ``words``, the share of the page's area that their boxes have (``coverage``) and the
        ``engine`` that read them. ``embedded_xml`` names the electronic invoice in the file, where there is one that
        was read. Where single pages could not be read,
        ``page_errors`` has ``{"page", "error"}`` for each, and the record is that of the others. Where
        nothing could be read: ``{"file", "error"}``. Nothing is raised for what is wrong with a document.
    """
    from invoicegen.ocr.documents import DocumentError

    try:
        return _extract(Path(path), predictor, engine, options or ExtractOptions())
    except DocumentError as error:
        return {"file": str(path), "error": str(error)}
    except Exception as error:  # a document must not end the run of all the others
        logger.exception("%s failed", path)
        return {"file": str(path), "error": f"{path}: {type(error).__name__}: {error}"}


def _extract(path: Path, predictor: PagePredictor, engine: OcrEngine, options: ExtractOptions) -> Record:
    from invoicegen.ocr.documents import DocumentLimits, open_document

    clock = _Clock()
    timed = _TimedEngine(engine, clock)
    predictions: list[PagePrediction] = []
    pages: list[Record] = []
    page_errors: list[Record] = []
    limits = DocumentLimits(max_pages=options.max_pages)
    with open_document(path, dpi=options.dpi, limits=limits) as document:
        embedded = read_embedded(document.attachments()) if options.embedded_xml else None
        for start in range(0, len(document.pages), options.batch_pages):
            batch: list[PageInput] = []
            for source in document.pages[start : start + options.batch_pages]:
                try:
                    words, name, page = _read(source, timed, _needs_image(predictor))
                except Exception as error:  # the other pages of the document go on
                    logger.warning("%s: page %d cannot be read: %s", path, source.page + 1, error)
                    page_errors.append({"page": source.page, "error": str(error) or type(error).__name__})
                    continue
                batch.append(page)
                pages.append(
                    {
                        "page": source.page,
                        "width": page.width,
                        "height": page.height,
                        "words": len(words),
                        "coverage": round(
                            box_coverage([word.box for word in words], page.width, page.height), 4
                        ),
                        "engine": name,
                    }
                )
            clock.lap("decode")
            predictions += predictor.predict_pages(batch) if batch else []
            clock.lap("model")
    if not predictions:
        reasons = "; ".join(dict.fromkeys(str(problem["error"]) for problem in page_errors))
        return {"file": str(path), "error": f"{path}: no page can be read: {reasons}"}
    extraction = assemble(predictions, embedded=embedded)
    clock.lap("checks")
    record: Record = {
        "file": str(path),
        "document_type": extraction["document_type"],
        "pages": pages,
        "fields": extraction["fields"],
        "line_items": extraction["line_items"],
        "tax_lines": extraction["tax_lines"],
        "checks": extraction["checks"],
        "timings_ms": clock.timings(),
    }
    if embedded is not None:
        record["embedded_xml"] = embedded.file
    if page_errors:
        record["page_errors"] = page_errors
    add_review(record, options.min_confidence)
    return record


def _needs_image(predictor: PagePredictor) -> bool:
    """Whether the model looks at pixels; text and layout models say nothing of it."""
    return bool(getattr(predictor, "needs_images", False))


def _read(source: PageSource, engine: OcrEngine, with_image: bool) -> tuple[list[Word], str, PageInput]:
    """The words of a page in reading order, what read them, and the page as the model takes it."""
    from invoicegen.modeling import PageInput
    from invoicegen.ocr.reading import read_page

    words, name = read_page(source, engine)
    words = sort_words(words)
    image = source.image if with_image else None
    return words, name, PageInput(source.page, source.width, source.height, words, image)


def find_documents(patterns: Iterable[str | Path]) -> list[str]:
    """The files that paths, folders and globs name, each once, in the order given; folders and globs sorted.

    A path that does not exist stays in the list, so that it is reported; so does a folder without documents.
    """
    found: dict[str, None] = {}
    for pattern in map(str, patterns):
        path = Path(pattern)
        if path.is_dir():
            inside = sorted(str(p) for p in path.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
            found.update(dict.fromkeys(inside or [pattern]))
        elif not path.exists() and any(sign in pattern for sign in "*?["):
            root = Path(path.anchor)
            matches = sorted(str(p) for p in root.glob(str(path.relative_to(root))) if p.is_file())
            found.update(dict.fromkeys(matches or [pattern]))
        else:
            found[pattern] = None
    return list(found)


@lru_cache(maxsize=1)
def _load_predictor(model: str, device: str, threads: int | None, runtime: Runtime) -> PagePredictor:
    """The model of this process; kept, since a worker reads many documents."""
    from invoicegen.modeling import ModelLoader

    return ModelLoader(device, threads, runtime).load(model)


@dataclass(frozen=True, slots=True)
class FileExtractor:
    """:func:`extract_file` with the model and engine that options name; picklable, loads them where it runs.

    Attributes:
        options: What to load, and how to read.
    """

    options: ExtractOptions

    def __call__(self, path: str) -> Record:
        """The record of one file."""
        from invoicegen.ocr import create_engine

        threads = 1 if self.options.execution.n_workers > 1 else None
        predictor = _load_predictor(self.options.model, self.options.device, threads, self.options.runtime)
        return extract_file(path, predictor, create_engine(self.options.ocr), self.options)


def extract_files(paths: Sequence[str], options: ExtractOptions) -> Iterator[Record]:
    """The records of many files, in their order, as they are done.

    The checks of each end with whether a file before it is the same document
    (:class:`~invoicegen.extraction.duplicates.DuplicateFinder`).

    A process that cannot load the model or the engine gives error records; check both before a long run.
    """
    duplicates = DuplicateFinder()
    for path, record in zip(paths, map_items(FileExtractor(options), paths, options.execution), strict=True):
        if isinstance(record, Failure):
            logger.error("%s failed:\n%s", path, record.traceback)
            yield {"file": path, "error": f"{path}: {record.error}"}
        else:
            if "error" not in record:
                record["checks"].append(duplicates.check(record))
                add_review(record, options.min_confidence)
            yield record
