"""Words of a page: from its text layer, or read from its pixels by an OCR engine.

Importing this package costs nothing: engines and readers are imported when they are made.
"""

from __future__ import annotations

from invoicegen.ocr.engine import (
    ENGINE_NAMES,
    PDF_TEXT,
    EngineUnavailableError,
    OcrEngine,
    OcrOptions,
    UnknownEngineError,
    create_engine,
)
from invoicegen.ocr.privacy import forbid_usage_reports

__all__ = [
    "ENGINE_NAMES",
    "PDF_TEXT",
    "EngineUnavailableError",
    "OcrEngine",
    "OcrOptions",
    "UnknownEngineError",
    "create_engine",
]

# Before any engine is imported: what they run on would report its use at import.
forbid_usage_reports()
