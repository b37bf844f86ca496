"""Files to extraction records: open, read, label, assemble; a failure is a record, not an end."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from invoicegen.execution import Failure, map_items
from invoicegen.extraction.assemble import assemble
from invoicegen.extraction.duplicates import DuplicateFinder
from invoicegen.extraction.embedded import EmbeddedInvoice, read_embedded
from invoicegen.extraction.options import ExtractOptions
from invoicegen.extraction.review import add_review
from invoicegen.extraction.segmentation import split_pages
from invoicegen.geometry import box_coverage
from invoicegen.labeling import sort_words
from invoicegen.modeling.options import Runtime
from invoicegen.schema.prediction import PagePrediction

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from invoicegen.modeling import PageInput
    from invoicegen.ocr import OcrEngine
    from invoicegen.ocr.documents import PageSource
    from invoicegen.ocr.reading import PageWords
    from invoicegen.schema.annotation import Word

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


@dataclass(frozen=True, slots=True)
class FileReading:
    """The pages of a file as the model labelled them, not put together yet.

    Attributes:
        path: The file.
        predictions: Of the pages that could be read; at least one.
        pages: What records tell of these pages.
        page_errors: What they tell of the others.
        embedded: The electronic invoice in the file.
        timings_ms: By phase.
    """

    path: Path
    predictions: Sequence[PagePrediction]
    pages: Sequence[Record]
    page_errors: Sequence[Record]
    embedded: EmbeddedInvoice | None
    timings_ms: dict[str, float]

    def as_one(self, min_confidence: float) -> Record:
        """The record of the file, all pages of which are one document."""
        return self._record(self.predictions, self.page_errors, min_confidence)

    def apart(self, min_confidence: float) -> list[Record]:
        """The records of the documents in the file, each with its ``page_range`` where there are several.

        A file with an electronic invoice inside is that one document. A page that could not be read belongs to the
        document before it.
        """
        documents = [self.predictions] if self.embedded is not None else split_pages(self.predictions)
        if len(documents) == 1:
            return [self.as_one(min_confidence)]
        starts = [0, *(document[0].page for document in documents[1:])]
        count = 1 + max(one["page"] for one in (*self.pages, *self.page_errors))
        records = []
        for document, start, end in zip(documents, starts, [*starts[1:], count], strict=True):
            errors = [problem for problem in self.page_errors if start <= problem["page"] < end]
            records.append({**self._record(document, errors, min_confidence), "page_range": [start, end - 1]})
        return records

    def _record(
        self, predictions: Sequence[PagePrediction], page_errors: Sequence[Record], min_confidence: float
    ) -> Record:
        start = time.perf_counter()
        extraction = assemble(predictions, embedded=self.embedded)
        spent_ms = round(1000 * (time.perf_counter() - start), 1)
        there = {prediction.page for prediction in predictions}
        record: Record = {
            "file": str(self.path),
            "document_type": extraction["document_type"],
            "pages": [page for page in self.pages if page["page"] in there],
            "fields": extraction["fields"],
            "line_items": extraction["line_items"],
            "tax_lines": extraction["tax_lines"],
            "checks": extraction["checks"],
            "timings_ms": {
                **self.timings_ms,
                "checks": spent_ms,
                "total": round(self.timings_ms["total"] + spent_ms, 1),
            },
        }
        if self.embedded is not None:
            record["embedded_xml"] = self.embedded.file
        if page_errors:
            record["page_errors"] = list(page_errors)
        add_review(record, min_confidence)
        return record


def extract_file(
    path: str | Path,
    predictor: PagePredictor,
    engine: OcrEngine,
    options: ExtractOptions | None = None,
    *,
    with_documents: bool = False,
) -> Record:
    """Read a file as one document.

    Args:
        path: A PDF, PNG, JPEG or TIFF.
        predictor: The model.
        engine: What reads pages without a usable text layer.
        options: Resolution and limits; ``documents``, ``split``, ``model``, ``ocr`` and ``execution`` are not looked
            at.
        with_documents: Whether a file of several documents gets ``documents`` too, what :func:`extract_documents` says
            of it, and a reason for review.

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
    options = options or ExtractOptions()

    def read_as_one(read: FileReading) -> list[Record]:
        record = read.as_one(options.min_confidence)
        documents = read.apart(options.min_confidence) if with_documents else []
        if len(documents) > 1:
            record["documents"] = documents
            record["needs_review"] = True
            record["review_reasons"].insert(0, f"the file holds {len(documents)} documents")
        return [record]

    return _guarded(path, predictor, engine, options, read_as_one)[0]


def extract_documents(
    path: str | Path, predictor: PagePredictor, engine: OcrEngine, options: ExtractOptions | None = None
) -> list[Record]:
    """Read the documents of a file, told apart by :func:`invoicegen.extraction.segmentation.split_pages`.

    Returns:
        Records as of :func:`extract_file`, in the order of their pages; where there are several, each with its
        ``page_range``, the first and last page in the file, from 0. ``pages``, ``fields`` and ``checks`` are of the
        document, pages numbered as in the file; times of reading are those of the whole file. One record without
        ``options.split``, and of a file that could not be read.
    """
    options = options or ExtractOptions()
    if not options.split:
        return [extract_file(path, predictor, engine, options)]
    return _guarded(path, predictor, engine, options, lambda read: read.apart(options.min_confidence))


def _guarded(
    path: str | Path,
    predictor: PagePredictor,
    engine: OcrEngine,
    options: ExtractOptions,
    records: Callable[[FileReading], list[Record]],
) -> list[Record]:
    from invoicegen.ocr.documents import DocumentError

    try:
        return records(read_file(path, predictor, engine, options))
    except DocumentError as error:
        return [{"file": str(path), "error": str(error)}]
    except NoPageError as error:
        return [{"file": str(path), "error": str(error)}]
    except MemoryError:
        why = "it takes more memory than there is; scan it coarser or split it"
        return [{"file": str(path), "error": f"{path}: {why}"}]
    except Exception as error:  # a document must not end the run of all the others
        logger.exception("%s failed", path)
        return [{"file": str(path), "error": f"{path}: {type(error).__name__}: {error}"}]


class NoPageError(Exception):
    """No page of a file can be read; says why."""


def read_file(
    path: str | Path, predictor: PagePredictor, engine: OcrEngine, options: ExtractOptions
) -> FileReading:
    """Read and label the pages of a file.

    Raises:
        invoicegen.ocr.documents.DocumentError: If it cannot be opened.
        NoPageError: If none of its pages can be read.
    """
    from invoicegen.ocr.documents import DocumentLimits, open_document

    path = Path(path)
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
                    read, page = _read(source, timed, _needs_image(predictor))
                except MemoryError:
                    raise  # the next page would not fare better
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
                        "words": len(read.words),
                        "coverage": round(
                            box_coverage([word.box for word in read.words], page.width, page.height), 4
                        ),
                        "engine": read.engine,
                        **({"turned": read.turn} if read.turn else {}),
                    }
                )
            clock.lap("decode")
            predictions += predictor.predict_pages(batch) if batch else []
            clock.lap("model")
    if not predictions:
        reasons = "; ".join(dict.fromkeys(str(problem["error"]) for problem in page_errors))
        raise NoPageError(f"{path}: no page can be read: {reasons}")
    return FileReading(path, predictions, pages, page_errors, embedded, clock.timings())


def _needs_image(predictor: PagePredictor) -> bool:
    """Whether the model looks at pixels; text and layout models say nothing of it."""
    return bool(getattr(predictor, "needs_images", False))


def _read(source: PageSource, engine: OcrEngine, with_image: bool) -> tuple[PageWords, PageInput]:
    """A page as it was read, and as the model takes it: upright, its words in reading order."""
    from invoicegen.modeling import PageInput
    from invoicegen.ocr.orientation import turned
    from invoicegen.ocr.reading import read_page_upright

    read = read_page_upright(source, engine)
    image = turned(source.image, read.turn) if with_image else None
    return read, PageInput(source.page, read.width, read.height, sort_words(read.words), image)


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
    """:func:`extract_documents` with the model and engine that options name; picklable, loads them where it runs.

    Attributes:
        options: What to load, and how to read.
    """

    options: ExtractOptions

    def __call__(self, path: str) -> list[Record]:
        """The records of one file."""
        from invoicegen.ocr import create_engine

        threads = 1 if self.options.execution.n_workers > 1 else None
        predictor = _load_predictor(self.options.model, self.options.device, threads, self.options.runtime)
        return extract_documents(path, predictor, create_engine(self.options.ocr), self.options)


def extract_files(paths: Sequence[str], options: ExtractOptions) -> Iterator[Record]:
    """The records of many files, in their order, as they are done; several where a file holds several documents.

    The checks of each end with whether a document before it is the same
    (:class:`~invoicegen.extraction.duplicates.DuplicateFinder`).

    A process that cannot load the model or the engine gives error records; check both before a long run.
    """
    duplicates = DuplicateFinder()
    for path, records in zip(paths, map_items(FileExtractor(options), paths, options.execution), strict=True):
        if isinstance(records, Failure):
            logger.error("%s failed:\n%s", path, records.traceback)
            yield {"file": path, "error": f"{path}: {records.error}"}
            continue
        for record in records:
            if "error" not in record:
                record["checks"].append(duplicates.check(record))
                add_review(record, options.min_confidence)
            yield record
