"""Letters that an engine took for something else: "ENTERPR1SE", "BLUETO0TH", "Dijou×".

In a word of letters a single 0 or 1, and the sign of multiplication, are letters. Nothing is looked up, so names and
made-up words are mended like others; words that hold other figures are left alone, as model numbers and post codes are.
"""

from __future__ import annotations

import re
from typing import Final

LEAST_LETTERS: Final = 4
"""Letters of a word in which a figure is taken for a letter; British and Canadian post codes have fewer in a word."""

_VOWELS: Final = frozenset("aeiouyäöüåæøéèêàáíóúõãâôąęěůűőāēīū")
_BEFORE_L: Final = frozenset("bcfgkp")
"""Consonants that an l follows at the beginning of a syllable."""
_WORD = re.compile(r"[^\W_]+")
_TIMES = re.compile(r"(?<=[^\W\d_])×(?!\d)|(?<!\d)×(?=[^\W\d_])")


def mend_letters(text: str) -> str:
    """``text`` with what can only be a misread letter replaced, in the case of the letters around it."""
    return _WORD.sub(lambda word: _mended(word[0]), _TIMES.sub(_x, text) if "×" in text else text)


def _x(match: re.Match[str]) -> str:
    around = match.string[max(match.start() - 1, 0) : match.end() + 1]
    return "x" if any(letter.islower() for letter in around) else "X"


def _mended(word: str) -> str:
    figures = [i for i, c in enumerate(word) if not c.isalpha()]
    if not figures:
        capitals = word[:-1].isupper() and word.endswith("l") and len(word) >= LEAST_LETTERS
        return word[:-1] + "I" if capitals else word
    at = figures[0]
    if len(figures) > 1 or word[at] not in "01" or len(word) - 1 < LEAST_LETTERS or at == len(word) - 1:
        return word
    after = word[at + 1]
    if at == 0:
        starts_with_o = word[0] == "0" and after.lower() not in _VOWELS
        return "O" + word[1:] if starts_with_o else word
    before = word[at - 1]
    if before.islower() and after.isupper():
        return word  # two words that were read as one
    letter = "o" if word[at] == "0" else _l_or_i(before.lower(), after.lower())
    return word[:at] + (letter.upper() if after.isupper() else letter) + word[at + 1 :]


def _l_or_i(before: str, after: str) -> str:
    """Which of the two letters that look like 1 can be spoken between these: the second where neither is a vowel, or
    no l begins a syllable there.
    """
    spoken = before in _VOWELS or "l" in (before, after) or (before in _BEFORE_L and after in _VOWELS)
    return "l" if spoken else "i"
