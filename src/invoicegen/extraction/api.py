"""Extraction from Python: a model that is loaded once and reads documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import cast

from invoicegen.extraction.duplicates import DuplicateFinder
from invoicegen.extraction.extractor import extract_documents, extract_file, find_documents
from invoicegen.extraction.options import ExtractOptions
from invoicegen.extraction.records import DocumentRecord, ErrorRecord
from invoicegen.extraction.review import add_review
from invoicegen.weights import SHIPPED


class ExtractionError(Exception):
    """A document that cannot be read; says which, why, and what to do."""


class Extractor:
    """Reads documents with a model and an OCR engine that stay loaded; not for use from several threads at once.

    Args:
        options: Model, engine, resolution and limits; ``documents`` and ``execution`` are not looked at.

    Raises:
        ModelFolderError: If the options name no model, or a damaged one.
        EngineUnavailableError: If the OCR engine cannot run here.
    """

    def __init__(self, options: ExtractOptions) -> None:
        from invoicegen.modeling import ModelLoader
        from invoicegen.ocr import create_engine

        self.options = options
        self._predictor = ModelLoader(options.device, runtime=options.runtime).load(options.model)
        self._engine = create_engine(options.ocr)

    def extract(self, path: str | Path) -> DocumentRecord:
        """What a file says that is one document.

        Args:
            path: A PDF, PNG, JPEG or TIFF.

        Raises:
            ExtractionError: If it cannot be read.
        """
        record = extract_file(path, self._predictor, self._engine, self.options)
        if "error" in record:
            raise ExtractionError(record["error"])
        return cast(DocumentRecord, record)

    def extract_documents(self, path: str | Path) -> list[DocumentRecord]:
        """What each document in a file says, with its ``page_range`` where there are several.

        Args:
            path: A PDF, PNG, JPEG or TIFF.

        Raises:
            ExtractionError: If it cannot be read.
        """
        records = extract_documents(path, self._predictor, self._engine, self.options)
        if "error" in records[0]:
            raise ExtractionError(records[0]["error"])
        return cast(list[DocumentRecord], records)

    def extract_many(self, paths: Iterable[str | Path]) -> Iterator[DocumentRecord | ErrorRecord]:
        """What each document in many files says, as they are done; a file that cannot be read gives an error record.

        Args:
            paths: Files, folders and globs. The same document a second time fails a check of the later one.
        """
        duplicates = DuplicateFinder()
        for path in find_documents(paths):
            for record in extract_documents(path, self._predictor, self._engine, self.options):
                if "error" in record:
                    yield cast(ErrorRecord, record)
                    continue
                record["checks"].append(duplicates.check(record))
                add_review(record, self.options.min_confidence)
                yield cast(DocumentRecord, record)


def load_extractor(
    model: str | Path = SHIPPED,
    *,
    engine: str = "rapidocr",
    languages: Sequence[str] = (),
    device: str = "cpu",
    min_confidence: float = 0.5,
) -> Extractor:
    """An extractor, ready to read.

    Args:
        model: Folder of a trained or exported model; ``shipped`` for the weights of the package.
        engine: What reads pages without a usable text layer: rapidocr, paddleocr, tesseract or easyocr.
        languages: What tesseract and easyocr read, as ISO 639-1 codes; English when left out.
        device: ``cpu``, ``cuda`` or ``auto``.
        min_confidence: A document with a value of less needs review.

    Raises:
        ModelFolderError: If ``model`` is no model.
        EngineUnavailableError: If the OCR engine cannot run here.

    Example:
        >>> extractor = load_extractor()
        >>> record = extractor.extract("invoice.pdf")  # doctest: +SKIP
        >>> record["fields"]["TOTAL_AMOUNT"][0]["value"]  # doctest: +SKIP
        '466.48'
    """
    from invoicegen.ocr import OcrOptions

    return Extractor(
        ExtractOptions(
            model=str(model),
            ocr=OcrOptions(engine=engine, languages=tuple(languages)),
            device=device,
            min_confidence=min_confidence,
        )
    )
