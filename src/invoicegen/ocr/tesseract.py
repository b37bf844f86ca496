"""Tesseract by pytesseract: an extra; needs Debian's tesseract-ocr and its language packs."""

from __future__ import annotations

import os
import shutil
from functools import lru_cache
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from invoicegen.ocr.base import PixelEngine
from invoicegen.ocr.engine import EngineUnavailableError, OcrOptions
from invoicegen.ocr.languages import language_names
from invoicegen.schema.annotation import Word

# Page segmentation 6 (one block of text) reads invoices and receipts best; its layout analysis loses columns.
_CONFIG = "--oem 1 --psm 6"


class TesseractEngine(PixelEngine):
    """Tesseract's LSTM models; its word confidences are its own."""

    name = "tesseract"

    def __init__(self, options: OcrOptions) -> None:
        """Find the program and its languages.

        Raises:
            EngineUnavailableError: If the program or the data of a language is missing.
            UnknownLanguageError: If a language has no name in :data:`invoicegen.ocr.languages.LANGUAGES`.
        """
        super().__init__(options)
        program, available = _program()
        self.version = f"{program}+pytesseract{version('pytesseract')}"
        self._languages = [names.tesseract for names in language_names(options.languages)]
        missing = [language for language in self._languages if language not in available]
        if missing:
            packages = " ".join(f"tesseract-ocr-{language}" for language in missing)
            raise EngineUnavailableError(
                f"tesseract has no data for {', '.join(missing)} (it has {', '.join(sorted(available))}): "
                f"apt-get install {packages}"
            )

    def read_pieces(self, image: NDArray[np.uint8]) -> list[list[Word]]:
        """One piece a line that Tesseract found."""
        import pytesseract
        from PIL import Image

        # More threads than this make Tesseract wait for its neighbours: 6 to 32 s a page on a busy machine.
        os.environ["OMP_THREAD_LIMIT"] = str(self.options.threads)
        found: dict[str, list[Any]] = pytesseract.image_to_data(
            Image.fromarray(image),
            lang="+".join(self._languages),
            config=_CONFIG,
            output_type=pytesseract.Output.DICT,
        )
        lines: dict[tuple[int, int, int], list[Word]] = {}
        for index, text in enumerate(found["text"]):
            confidence = float(found["conf"][index]) / 100
            if not text.strip() or confidence < self.min_confidence:
                continue
            x0, y0 = float(found["left"][index]), float(found["top"][index])
            word = Word(
                text=text.strip(),
                box=[
                    x0,
                    y0,
                    x0 + float(found["width"][index]),
                    y0 + float(found["height"][index]),
                ],
                source="ocr",
                confidence=min(confidence, 1.0),
            )
            line = (
                found["block_num"][index],
                found["par_num"][index],
                found["line_num"][index],
            )
            lines.setdefault(line, []).append(word)
        return list(lines.values())


@lru_cache(maxsize=1)
def _program() -> tuple[str, frozenset[str]]:
    """Version and languages of the installed program."""
    import pytesseract

    if shutil.which(pytesseract.pytesseract.tesseract_cmd) is None:
        raise EngineUnavailableError(
            "OCR engine 'tesseract' needs the program tesseract, which is not on PATH: "
            "apt-get install tesseract-ocr"
        )
    return str(pytesseract.get_tesseract_version()), frozenset(pytesseract.get_languages(config=""))
