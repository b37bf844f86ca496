"""Pages that lie on their side or stand on their head: noticed by how they read, turned, and read again.

Engines find the lines of a turned page, but the boxes of sideways text are taller than wide, and text upside down is
read with little confidence. So an upright page costs nothing more; a turned one is read once or twice again, and the
way up that reads best is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from invoicegen.ocr.engine import OcrEngine
from invoicegen.schema.annotation import Word

Turn = Literal[0, 90, 180, 270]
"""Degrees clockwise by which a page is turned to stand upright."""

MIN_WORDS: Final = 5
"""With fewer words of :data:`LONG` letters nothing is said of a page's orientation."""
LONG: Final = 3
SURE: Final = 0.85
"""Mean confidence of letters below which a page may be upside down: generated pages have .99 upright, .70 turned."""
BETTER: Final = 1.15
"""How much better than the page as it came another way up must read."""


def turned(image: NDArray[np.uint8], turn: Turn) -> NDArray[np.uint8]:
    """An image, shape (height, width, 3), turned clockwise."""
    return np.ascontiguousarray(np.rot90(image, -turn // 90))


def read_upright(image: NDArray[np.uint8], engine: OcrEngine) -> tuple[list[Word], Turn]:
    """The words of a page image, and how it is turned to stand upright; boxes in pixels of the turned image."""
    words = engine.recognise(image)
    # Sideways lines are read too, by engines that turn them, but no layout can be seen in them.
    best: tuple[float, list[Word], Turn] = (
        0.0 if _lies_sideways(words) else BETTER * _quality(words),
        words,
        0,
    )
    for turn in _suspected(words):
        read = engine.recognise(turned(image, turn))
        if not _lies_sideways(read) and _quality(read) > best[0]:
            best = (_quality(read), read, turn)
    return best[1], best[2]


def _suspected(words: Sequence[Word]) -> tuple[Turn, ...]:
    if sum(len(word.text) >= LONG for word in words) < MIN_WORDS:
        return ()
    if _lies_sideways(words):
        return (90, 270)
    letters = sum(len(word.text) for word in words)
    return (180,) if _quality(words) < SURE * letters else ()


def _lies_sideways(words: Sequence[Word]) -> bool:
    """Whether most words of several letters are taller than wide."""
    long = [word.box for word in words if len(word.text) >= LONG]
    tall = sum(y1 - y0 > x1 - x0 for x0, y0, x1, y1 in long)
    return 2 * tall > len(long)


def _quality(words: Sequence[Word]) -> float:
    """How many letters were read, each counted with its confidence."""
    return sum(len(word.text) * (1.0 if word.confidence is None else word.confidence) for word in words)
