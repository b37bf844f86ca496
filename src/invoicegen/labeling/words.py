"""Words that an engine glued together across what never stands inside a value, cut by their text alone.

Nothing here looks at labels or at who read the words, so words are cut the same way in training and in use.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np

from invoicegen.geometry import box_to_quad, quad_to_box
from invoicegen.schema.annotation import Word

_BULLETS: Final = re.compile(r"(?<=\w)[|](?=\w)|[•·]")
"""Between the parts of a footer; the dot in the middle of Catalan ``l·l`` is passed over below."""
_TIMES: Final = re.compile(r"(\d{1,4}[A-Za-z]{0,4})([x×X*@])(\D?\d[\d.,]*[.,]\d{2,3})")
"""Quantity, perhaps a unit, sign and price: ``2x1.50``, ``1pk*6,49``; a size such as ``12x80`` has no decimals."""
_AT: Final = re.compile(r"(\S*\d)(@)(\D?\d[\d.,]*[.,]\d{2,3})")
"""The same by ``@``, whatever the quantity is glued to: ``81.3461@12.41``."""

_PERCENT: Final = r"\d{1,2}(?:[.,]\d{1,3})?%"
_RATE: Final = re.compile(rf"([^\W\d]{{2,}}\.?|[^\W\d]+\.?(?=\())({_PERCENT}|\({_PERCENT}\)?:?)")
"""A caption and its rate: ``GST5%``, ``VAT(2%)``."""
_RATE_FIRST: Final = re.compile(rf"({_PERCENT})([^\W\d]{{2,}}\.?:?)")
"""The same the other way round: ``6%GST``."""
_CAPTION: Final = re.compile(r"([^\W\d_][^\d:#]*[:#]+)((?!//)[^:#]*\d[^:#]*|\d[^#]*)")
"""A caption that ends in a colon or number sign, and a value with a digit: ``Date:04/09/2017``, ``DOK.#00360163``."""
_CAPTION_OF_LETTERS: Final = re.compile(r"([^\W\d_]{2,}:)([^\W\d_]{2,})")
"""One whose value is a word: ``Zahlart:Rechnung``."""
_SIGN_FIRST: Final = re.compile(r"([$€£¥])(-?\d[\d.,']*)")
_SIGN_LAST: Final = re.compile(r"(-?\d[\d.,']*)([€£¥])")
"""An amount and its currency sign, which an engine may or may not read as one word: ``€4.99``."""


def cut_words(words: Sequence[Word]) -> list[Word]:
    """The words, those that were glued cut in pieces.

    Cut are bullets and middle dots off what stands beside them (``AG·Bernstrasse``), a quantity and its sign off the
    price (``2x1.50``), a caption off its rate (``GST5%``, ``6%GST``) or its value (``Date:04/09/2017``) and a currency
    sign off its amount (``€4.99``). A piece has its share of the box by characters; all else it has of its word.
    """
    cut: list[Word] = []
    for word in words:
        pieces = _pieces(word.text)
        cut += [word] if len(pieces) == 1 else _cut(word, pieces)
    return cut


def _pieces(text: str) -> list[str]:
    """The text in pieces that spell it."""
    if captioned := _CAPTION.fullmatch(text):
        return [captioned[1], *_pieces(captioned[2])]
    for pattern in (_CAPTION_OF_LETTERS, _TIMES, _AT, _RATE, _RATE_FIRST, _SIGN_FIRST, _SIGN_LAST):
        if glued := pattern.fullmatch(text):
            return list(glued.groups())
    places = {0, len(text)}
    for bullet in _BULLETS.finditer(text):
        at = bullet.start()
        if text[max(at - 1, 0) : at + 2].casefold() != "l·l":
            places |= {at, at + 1}
    ends = sorted(places)
    return [text[start:end] for start, end in pairwise(ends)] or [text]


def _cut(word: Word, pieces: Sequence[str]) -> list[Word]:
    corners = np.array(word.quad if word.quad is not None else box_to_quad(tuple(word.box))).reshape(4, 2)
    near, far = corners[1] - corners[0], corners[2] - corners[3]
    cut = []
    at = 0
    for piece in pieces:
        start, end = at / len(word.text), (at + len(piece)) / len(word.text)
        at += len(piece)
        quad = np.array(
            [
                corners[0] + start * near,
                corners[0] + end * near,
                corners[3] + end * far,
                corners[3] + start * far,
            ]
        )
        flat = [float(value) for value in quad.ravel()]
        cut.append(
            word.model_copy(
                update={
                    "text": piece,
                    "box": list(quad_to_box(flat)),
                    "quad": None if word.quad is None else flat,
                }
            )
        )
    return cut
