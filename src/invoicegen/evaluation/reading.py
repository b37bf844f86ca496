"""How well an engine reads: words found, words made up, characters wrong, boxes apart; against known texts.

A known text is a printed word, or a whole line where a source boxes lines. Each read word belongs to the known text
that most of its box lies on. Then, printed line by printed line, words are compared as multisets, and characters, from
left to right without spaces, by Levenshtein distance; words on no known text are made up. Case and compatibility forms
(ligatures, full width) make no difference.

Source:
    Recall, precision and character error rate as in Huang et al., ICDAR 2019 Competition on Scanned Receipt OCR
    and Information Extraction (task 2), and Rice, Measuring the Accuracy of Page-Reading Systems, 1996.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from invoicegen.evaluation.matching import levenshtein
from invoicegen.geometry import Box, areas, intersection_areas, union
from invoicegen.schema.annotation import Word

# A read word with less than this share of its box on a known text is made up.
_LEAST_ON_TEXT = 0.25


@dataclass(frozen=True, slots=True)
class KnownText:
    """What a page says at a place.

    Attributes:
        text: A word, or several with spaces.
        box: Pixels of the page image.
        line: The same number for all texts of a printed line.
    """

    text: str
    box: Box
    line: int


@dataclass(frozen=True, slots=True)
class ReadingCounts:
    """Counts that add up over pages.

    Attributes:
        known_words: Words that the pages say.
        read_words: Words that the engine gave.
        found_words: Words in both.
        known_characters: Characters that the pages say, spaces left out.
        wrong_characters: Insertions, deletions and substitutions that make what was read of what is said.
        overlap: Sum of the intersection over union of the boxes of found words, where known texts are words.
        overlapping: Number of its terms.
    """

    known_words: int = 0
    read_words: int = 0
    found_words: int = 0
    known_characters: int = 0
    wrong_characters: int = 0
    overlap: float = 0.0
    overlapping: int = 0

    def __add__(self, other: ReadingCounts) -> ReadingCounts:
        return ReadingCounts(
            *(getattr(self, name) + getattr(other, name) for name in ReadingCounts.__dataclass_fields__)
        )

    @property
    def recall(self) -> float:
        """Share of the known words that were found."""
        return self.found_words / max(self.known_words, 1)

    @property
    def precision(self) -> float:
        """Share of the read words that are known."""
        return self.found_words / max(self.read_words, 1)

    @property
    def character_error_rate(self) -> float:
        """Wrong characters for each known one; above 1 where much is made up."""
        return self.wrong_characters / max(self.known_characters, 1)

    @property
    def mean_overlap(self) -> float | None:
        """Mean intersection over union of the boxes of found words; None where no known text is a word."""
        return self.overlap / self.overlapping if self.overlapping else None


def count_reading(known: Sequence[KnownText], words: Sequence[Word]) -> ReadingCounts:
    """Compare the words that an engine read of one page with what the page says.

    Args:
        known: All texts of the page.
        words: Boxes in the same pixels.
    """
    known_boxes = np.array([text.box for text in known], dtype=float).reshape(-1, 4)
    read_boxes = np.array([word.box for word in words], dtype=float).reshape(-1, 4)
    shared = intersection_areas(read_boxes, known_boxes)
    owner = np.full(len(words), -1)
    if shared.size:
        best = shared.argmax(axis=1)
        on_text = shared.max(axis=1) >= _LEAST_ON_TEXT * np.maximum(areas(read_boxes), 1e-9)
        owner[on_text] = best[on_text]
    said: dict[int, list[tuple[str, Box]]] = {}
    for text in known:
        said.setdefault(text.line, []).append((_plain(text.text), text.box))
    read: dict[int, list[tuple[str, Box]]] = {line: [] for line in said}
    made_up: list[str] = []
    for word, index in zip(words, owner, strict=True):
        if index >= 0:
            read[known[index].line].append((_plain(word.text), tuple(word.box)))  # type: ignore[arg-type]
        else:
            made_up.append(_plain(word.text))
    true_lines, read_lines = _in_order(said), _in_order(read)
    found = sum((Counter(true_lines[line]) & Counter(read_lines[line])).total() for line in said)
    wrong = sum(levenshtein("".join(true_lines[line]), "".join(read_lines[line])) for line in said)
    overlaps = [
        shared[i, j] / (areas(read_boxes)[i] + areas(known_boxes)[j] - shared[i, j])
        for i, j in enumerate(owner)
        if j >= 0 and _plain(words[i].text) == _plain(known[j].text) and " " not in known[j].text.strip()
    ]
    return ReadingCounts(
        known_words=sum(map(len, true_lines.values())),
        read_words=len(words),
        found_words=found,
        known_characters=sum(len(word) for line in true_lines.values() for word in line),
        wrong_characters=wrong + sum(map(len, made_up)),
        overlap=float(sum(overlaps)),
        overlapping=len(overlaps),
    )


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _in_order(lines: Mapping[int, list[tuple[str, Box]]]) -> dict[int, list[str]]:
    """The words of each line from left to right, of an upright one from top to bottom."""
    ordered = {}
    for line, texts in lines.items():
        x0, y0, x1, y1 = union([box for _, box in texts]) if texts else (0, 0, 0, 0)
        axis = 0 if x1 - x0 >= y1 - y0 else 1
        texts = sorted(texts, key=lambda text: text[1][axis] + text[1][axis + 2])
        ordered[line] = [word for text, _ in texts for word in text.split()]
    return ordered
