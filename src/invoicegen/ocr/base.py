"""What all pixel engines share: checks of the image, its size for recognition, boxes mapped back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from invoicegen.ocr.engine import OcrOptions
from invoicegen.ocr.lines import in_reading_order
from invoicegen.schema.annotation import Word

_MOST_ENLARGED = 3.0


class PixelEngine(ABC):
    """An engine that reads pixels; subclasses say how one image of sensible size is read.

    Attributes:
        min_confidence: What is less certain is dropped; the options', or else what suits the engine.
    """

    name: str
    version: str
    default_min_confidence: ClassVar[float] = 0.5

    def __init__(self, options: OcrOptions) -> None:
        self.options = options
        asked = options.min_confidence
        self.min_confidence = self.default_min_confidence if asked is None else asked

    @abstractmethod
    def read_pieces(self, image: NDArray[np.uint8]) -> list[list[Word]]:
        """Words of an RGB image, by pieces of a line, boxes in its pixels."""

    def recognise(self, image: NDArray[np.uint8]) -> list[Word]:
        """See :meth:`invoicegen.ocr.engine.OcrEngine.recognise`."""
        check_image(image)
        height, width = image.shape[:2]
        scale = recognition_scale(width, height, self.options)
        pieces = self.read_pieces(image if scale == 1 else _resized(image, scale))
        return in_reading_order(
            [[word for raw in piece if (word := _on_page(raw, scale, width, height))] for piece in pieces]
        )


def check_image(image: NDArray[np.uint8]) -> None:
    """Raise ``ValueError`` unless ``image`` is RGB of 8 bits, shape (height, width, 3), with area."""
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise ValueError(
            f"an OCR engine takes RGB uint8 of shape (height, width, 3), got {image.dtype} {image.shape}"
        )


def recognition_scale(width: int, height: int, options: OcrOptions) -> float:
    """Factor by which an image is scaled before recognition: between ``min_side`` and ``max_side``."""
    longer = max(width, height)
    if longer > options.max_side:
        return options.max_side / longer
    if longer < options.min_side:
        return min(options.min_side / longer, _MOST_ENLARGED)
    return 1.0


def _resized(image: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    import cv2

    height, width = image.shape[:2]
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, size, interpolation=how), dtype=np.uint8)


def _on_page(word: Word, scale: float, width: int, height: int) -> Word | None:
    """The word in pixels of the original image, its box cut at the edges; None when nothing is left of it."""
    x0, y0, x1, y1 = (value / scale for value in word.box)
    box = [
        min(max(x0, 0.0), width),
        min(max(y0, 0.0), height),
        min(max(x1, 0.0), width),
        min(max(y1, 0.0), height),
    ]
    if box[2] <= box[0] or box[3] <= box[1]:
        return None
    quad = [value / scale for value in word.quad] if word.quad else None
    return word.model_copy(update={"box": box, "quad": quad})
