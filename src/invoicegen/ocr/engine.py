"""One protocol for all OCR engines, and the registry that makes them by name."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from invoicegen.schema.annotation import Word

#: What :func:`invoicegen.ocr.reading.read_page` names as the source of words from a PDF's text layer.
PDF_TEXT = "pdf_text"


class OcrOptions(BaseModel):
    """Which engine reads pixels, and how."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    engine: str = Field("rapidocr", description="name of the engine, one of ENGINE_NAMES")
    languages: tuple[str, ...] = Field(
        ("eng",),
        min_length=1,
        description="tesseract only: traineddata names, such as eng or deu; rapidocr reads all Latin script",
    )
    threads: int = Field(
        1,
        ge=1,
        description="threads of one engine; run more processes rather than threads",
    )
    max_side: int = Field(
        2000,
        ge=320,
        description="px; larger images are shrunk to this for recognition, boxes mapped back",
    )
    min_side: int = Field(
        960,
        ge=0,
        description="px; images whose longer side is below are enlarged up to it, three-fold at most",
    )
    detector_side: int = Field(1280, ge=320, description="rapidocr: px, longer side at which lines are found")
    min_confidence: float = Field(0.5, ge=0, le=1, description="lines (tesseract: words) below are dropped")
    cache_dir: Path | None = Field(None, description="folder that keeps results for images read before")


@runtime_checkable
class OcrEngine(Protocol):
    """Reads the words of a page image."""

    @property
    def name(self) -> str:
        """The engine's name in the registry."""
        ...

    @property
    def version(self) -> str:
        """Versions of the engine and of what runs its models; part of provenance and of cache keys."""
        ...

    def recognise(self, image: NDArray[np.uint8]) -> list[Word]:
        """The words on ``image``.

        Args:
            image: RGB, shape (height, width, 3).

        Returns:
            Words in reading order (lines top to bottom, within a line left to right) with ``source="ocr"``,
            ``confidence`` in [0, 1], ``line_id`` and ``segment_id`` from 0, boxes in pixels of ``image`` and
            ``quad`` where the line is not axis-parallel. No words when there is no text.

        Raises:
            ValueError: If ``image`` is not RGB of 8 bits, or has no area.
        """
        ...


class UnknownEngineError(ValueError):
    """No engine has that name."""


class EngineUnavailableError(RuntimeError):
    """The engine is known, but what it needs is not installed."""


@dataclass(frozen=True, slots=True)
class _Registered:
    module: str
    factory: str
    requires: tuple[str, ...]
    mend: str


_REGISTRY = {
    "rapidocr": _Registered(
        "invoicegen.ocr.rapid",
        "RapidOcrEngine",
        ("rapidocr", "openvino"),
        "install InvoiceGen's own dependencies: pip install 'rapidocr>=3.10' openvino",
    ),
    "tesseract": _Registered(
        "invoicegen.ocr.tesseract",
        "TesseractEngine",
        ("pytesseract",),
        "pip install 'invoicegen[tesseract]', and the program itself: apt-get install tesseract-ocr",
    ),
}

#: Engines that read pixels, the default first.
ENGINE_NAMES: tuple[str, ...] = tuple(_REGISTRY)


def create_engine(options: OcrOptions | str | None = None) -> OcrEngine:
    """The engine that ``options`` (or just a name; nothing means the default) ask for.

    Models are loaded once a process, however often an engine with the same options is made.

    Raises:
        UnknownEngineError: If there is no engine of that name; the message lists those there are.
        EngineUnavailableError: If the engine needs something that is not installed; the message says what.
    """
    if options is None:
        options = OcrOptions()
    elif isinstance(options, str):
        options = OcrOptions(engine=options)
    registered = _REGISTRY.get(options.engine)
    if registered is None:
        allowed = ", ".join(ENGINE_NAMES)
        hint = (
            "; a text layer is not read from pixels: invoicegen.ocr.reading.read_page takes it where it can"
            if options.engine == PDF_TEXT
            else ""
        )
        raise UnknownEngineError(f"no OCR engine {options.engine!r}: choose one of {allowed}{hint}")
    for package in registered.requires:
        try:
            importlib.import_module(package)
        except ImportError as error:
            raise EngineUnavailableError(
                f"OCR engine {options.engine!r} needs {package}, which cannot be imported ({error}): "
                f"{registered.mend}"
            ) from error
    engine: OcrEngine = getattr(importlib.import_module(registered.module), registered.factory)(options)
    if options.cache_dir is None:
        return engine
    from invoicegen.ocr.cache import CachedEngine

    return CachedEngine(engine, options)
