"""Which true words an engine's word stands for: geometry first, text where geometry leaves a choice.

Words that overlap are gathered in groups. A group of one and one is a pair. Any other group (a word cut in two, two
glued to one, a line cut at the wrong places) is aligned character by character, where a character's place counts as
well as its shape; so a word knows which characters of which true words it holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from invoicegen.geometry import quad_to_box
from invoicegen.schema.annotation import Word
from invoicegen.schema.truth import TrueWord

MIN_HEIGHT_OVERLAP = 0.4
"""Two words are on one line when they share this much of the lower one's height."""
MAX_HEIGHT_RATIO = 3.5
"""A word taller than this many times the other is a frame round several lines, not a reading of it."""
MIN_TOUCH = 0.15
"""Shared length, of the shorter word's, from which two words may have to do with each other."""
MIN_LENGTH = 0.4
"""Length, in heights, that the narrowest word is given before overlaps are measured."""
SURE_OVERLAP = 0.5
"""Shared length, of the shorter word's, from which geometry alone makes a pair, whatever was read."""
MIN_COVER = 0.5
"""Share of the smaller box that a true word and a word read must have in common for the engine to have read it."""

RULE_LENGTH = 4
"""Characters from which a word without a letter or digit is a rule."""

_GAP_COST = 0.8
_WAY_COST = 0.15  # for a way of one line height between a character read and the true one
_MAX_WAY_COST = 1.2


@dataclass(frozen=True, slots=True)
class Vote:
    """A share of a word: how many of its characters stand for true word ``true_word``, and from where in it."""

    true_word: int
    n_chars: int
    start: int


@dataclass(frozen=True, slots=True)
class Alignment:
    """What an engine's words stand for.

    Attributes:
        votes: For every word read, its shares of true words; empty for a word that is not on the page.
        char_errors: Characters wrong, missing or too many over the whole page; rules do not count.
        true_chars: Characters that are printed on the page, without rules.
        pairs: Characters that stand for each other: true word, place in it, word read, place in it.
    """

    votes: list[list[Vote]]
    char_errors: int
    true_chars: int
    pairs: list[tuple[int, int, int, int]] = field(default_factory=list)


def covered(true_words: Sequence[TrueWord], words: Sequence[Word]) -> set[int]:
    """True words that an engine gave something for: a word read shares MIN_COVER of the smaller box, whatever it says.

    Plain boxes decide, without the alignment's own idea of lines, so that what :func:`align` loses of these is its
    own loss and not the engine's.
    """
    if not true_words or not words:
        return set()
    true_boxes = np.array([quad_to_box(word.quad) for word in true_words])[:, None]
    boxes = np.array([word.box for word in words])[None]
    sides = np.minimum(true_boxes[..., 2:], boxes[..., 2:]) - np.maximum(true_boxes[..., :2], boxes[..., :2])
    shared = np.clip(sides, 0, None).prod(axis=-1)
    smaller = np.minimum(*((box[..., 2:] - box[..., :2]).prod(axis=-1) for box in (true_boxes, boxes)))
    return set(np.flatnonzero(((shared >= MIN_COVER * smaller) & (shared > 0)).any(axis=1)).tolist())


def align(true_words: Sequence[TrueWord], words: Sequence[Word]) -> Alignment:
    """Find what each of ``words`` stands for among ``true_words``.

    Both are in pixels of one page image. The order of either list does not matter.
    """
    votes: list[list[Vote]] = [[] for _ in words]
    true_chars = sum(_n_chars(word.text) for word in true_words)
    if not true_words or not words:
        return Alignment(votes, true_chars + sum(_n_chars(word.text) for word in words), true_chars)
    pairs: list[tuple[int, int, int, int]] = []
    true_frames, frames = _frames(true_words, words)
    touch = _length_overlap(true_frames, frames)
    char_errors = 0
    for group_true, group_read in _groups(touch):
        if not group_read:
            char_errors += sum(_n_chars(true_words[t].text) for t in group_true)
        elif not group_true:
            char_errors += sum(_n_chars(words[w].text) for w in group_read)
        elif (
            len(group_true) == len(group_read) == 1
            and true_words[group_true[0]].text == words[group_read[0]].text
        ):
            (t,), (w,) = group_true, group_read
            votes[w] = [Vote(t, len(words[w].text), 0)]
            pairs += [(t, place, w, place) for place in range(len(words[w].text))]
        else:
            char_errors += _align_group(
                [(t, true_words[t].text, true_frames[t]) for t in _line_order(group_true, true_frames)],
                [(w, words[w].text, frames[w]) for w in _line_order(group_read, frames)],
                touch,
                votes,
                pairs,
            )
    return Alignment(votes, char_errors, true_chars, pairs)


def is_rule(text: str) -> bool:
    """Whether a word is a line drawn with characters, such as ``--------`` on a receipt."""
    return len(text) >= RULE_LENGTH and not any(char.isalnum() for char in text)


def _n_chars(text: str) -> int:
    return 0 if is_rule(text) else len(text)


def _frames(
    true_words: Sequence[TrueWord], words: Sequence[Word]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Middle and sides of both sets of words in a frame turned so that the true text runs level; (n, 4) each."""
    quads = np.array([word.quad for word in true_words], dtype=np.float64).reshape(-1, 4, 2)
    direction = (quads[:, 1] - quads[:, 0]) + (quads[:, 2] - quads[:, 3])
    angles = np.arctan2(direction[:, 1], direction[:, 0])
    angle = float(np.median(angles))
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.array([[cos, -sin], [sin, cos]])  # points as rows, times this: turned back by the angle
    true_frames = _turned(quads @ turn)

    frames = np.empty((len(words), 4))
    boxes = np.array([word.box for word in words], dtype=np.float64)
    frames[:, :2] = (boxes[:, :2] + boxes[:, 2:]) / 2 @ turn
    sides = boxes[:, 2:] - boxes[:, :2]
    # Sides of a leaning rectangle from those of the box round it (l cos + h sin, l sin + h cos), where it leans less
    # than 30 degrees; the height is not let below a quarter, for boxes drawn round ink rather than round lines.
    if abs(angle) < np.radians(30):
        lean = abs(angle)
        length = (sides[:, 0] * np.cos(lean) - sides[:, 1] * np.sin(lean)) / np.cos(2 * lean)
        height = (sides[:, 1] * np.cos(lean) - sides[:, 0] * np.sin(lean)) / np.cos(2 * lean)
        frames[:, 2] = np.maximum(length, 0.5 * sides[:, 0])
        frames[:, 3] = np.maximum(height, 0.5 * sides[:, 1])
    else:
        frames[:, 2:] = sides
    tilted = [i for i, word in enumerate(words) if word.quad is not None]
    if tilted:
        corners = np.array([words[i].quad for i in tilted], dtype=np.float64).reshape(-1, 4, 2)
        frames[tilted] = _turned(corners @ turn)
    return true_frames, frames


def _turned(quads: NDArray[np.float64]) -> NDArray[np.float64]:
    """Middle, length and height of quads (n, 4, 2) that are about level; of the box round any that is not."""
    top, bottom = quads[:, 1] - quads[:, 0], quads[:, 2] - quads[:, 3]
    left, right = quads[:, 3] - quads[:, 0], quads[:, 2] - quads[:, 1]
    frames = np.column_stack(
        [
            quads.mean(axis=1),
            (np.hypot(*top.T) + np.hypot(*bottom.T)) / 2,
            (np.hypot(*left.T) + np.hypot(*right.T)) / 2,
        ]
    )
    across = np.abs(top[:, 1]) > np.abs(top[:, 0]) * np.tan(np.radians(30))
    frames[across, 2:] = np.ptp(quads[across], axis=1)
    return frames


def _length_overlap(true_frames: NDArray[np.float64], frames: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shared length over the shorter one's, shape (n_true, n_words); 0 for words that are not on one line."""
    x, y, length, height = (column[:, None] for column in true_frames.T)
    x2, y2, length2, height2 = frames.T
    height, height2 = np.maximum(height, 1), np.maximum(height2, 1)
    # A colon is 3 px wide and may well be read 3 px beside: a narrow word is taken for MIN_LENGTH heights long.
    length, length2 = np.maximum(length, MIN_LENGTH * height), np.maximum(length2, MIN_LENGTH * height2)
    shared_x = np.minimum(x + length / 2, x2 + length2 / 2) - np.maximum(x - length / 2, x2 - length2 / 2)
    shared_y = np.minimum(y + height / 2, y2 + height2 / 2) - np.maximum(y - height / 2, y2 - height2 / 2)
    lower, higher = np.minimum(height, height2), np.maximum(height, height2)
    on_line = (shared_y >= MIN_HEIGHT_OVERLAP * lower) & (higher <= MAX_HEIGHT_RATIO * lower)
    # Dashes and full stops are lower than their line in boxes drawn round ink.
    on_line |= (shared_y >= 0.9 * lower) & (lower == height2) & (length2 <= height)
    return np.asarray(np.where(on_line, np.clip(shared_x, 0, None) / np.minimum(length, length2), 0.0))


def _groups(touch: NDArray[np.float64]) -> list[tuple[list[int], list[int]]]:
    """Connected parts of the graph of touching words, as (true words, words); every word is in exactly one."""
    n_true, n_words = touch.shape
    parent = list(range(n_true + n_words))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for t, w in np.argwhere(touch >= MIN_TOUCH).tolist():
        parent[root(n_true + w)] = root(t)
    groups: dict[int, tuple[list[int], list[int]]] = {}
    for i in range(n_true + n_words):
        group = groups.setdefault(root(i), ([], []))
        group[i >= n_true].append(i if i < n_true else i - n_true)
    return list(groups.values())


def _line_order(indices: list[int], frames: NDArray[np.float64]) -> list[int]:
    """Indices by line, then from left to right."""
    by_height = sorted(indices, key=lambda i: float(frames[i, 1]))
    lines: list[list[int]] = []
    for i in by_height:
        if lines and frames[i, 1] - frames[lines[-1][0], 1] <= 0.5 * max(
            frames[i, 3], frames[lines[-1][0], 3]
        ):
            lines[-1].append(i)
        else:
            lines.append([i])
    return [i for line in lines for i in sorted(line, key=lambda i: float(frames[i, 0] - frames[i, 2] / 2))]


def _align_group(
    true_words: list[tuple[int, str, NDArray[np.float64]]],
    words: list[tuple[int, str, NDArray[np.float64]]],
    touch: NDArray[np.float64],
    votes: list[list[Vote]],
    all_pairs: list[tuple[int, int, int, int]],
) -> int:
    """Align a group character by character, write its votes and pairs, return the wrong characters."""
    true_chars, true_x, true_owner = _spread(true_words)
    chars, x, owner = _spread(words)
    height = max(float(np.mean([frame[3] for _, _, frame in true_words])), 1.0)
    way = np.minimum(_WAY_COST * np.abs(true_x[:, None] - x[None, :]) / height, _MAX_WAY_COST)
    pairs = _cheapest_path(true_chars, chars, way)
    all_pairs += [(*true_owner[i], *owner[j]) for i, j in pairs]
    right = [true_chars[i] == chars[j] for i, j in pairs]
    shares: dict[tuple[int, int], list[tuple[int, bool]]] = {}
    for (i, j), same in zip(pairs, right, strict=True):
        t, position = true_owner[i]
        shares.setdefault((t, owner[j][0]), []).append((position, same))
    text_of = {t: text for t, text, _ in true_words}
    for (t, w), matched in shares.items():
        n_right = sum(same for _, same in matched)
        shorter = min(len(text_of[t]), sum(1 for o in owner if o[0] == w))
        if touch[t, w] >= SURE_OVERLAP or n_right >= 0.5 * shorter:
            votes[w].append(Vote(t, len(matched), matched[0][0]))
    true_counts = [int(not is_rule(text)) for _, text, _ in true_words for _ in text]
    counts = [int(not is_rule(text)) for _, text, _ in words for _ in text]
    explained = sum(
        true_counts[i] + counts[j] - (0 if same else max(true_counts[i], counts[j]))
        for (i, j), same in zip(pairs, right, strict=True)
    )
    return sum(true_counts) + sum(counts) - explained


def _spread(
    words: list[tuple[int, str, NDArray[np.float64]]],
) -> tuple[str, NDArray[np.float64], list[tuple[int, int]]]:
    """All characters of words, where each stands, and the word and place in it that each belongs to."""
    owner = [(i, k) for i, text, _ in words for k in range(len(text))]
    x = [
        frame[0] + ((k + 0.5) / len(text) - 0.5) * frame[2]
        for _, text, frame in words
        for k in range(len(text))
    ]
    return "".join(text for _, text, _ in words), np.array(x), owner


def _cheapest_path(first: str, second: str, way: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Pairs of character positions in the cheapest monotone alignment of two texts.

    A pair costs its way, and 1 if the characters differ (0.3 if only their case does); a character without partner
    costs 0.8.

    Source:
        Needleman and Wunsch, J. Mol. Biol. 48(3), 1970
    """
    n, m = len(first), len(second)
    ways = way.tolist()
    folded_first, folded_second = ([c.casefold() for c in first], [c.casefold() for c in second])
    above = [j * _GAP_COST for j in range(m + 1)]
    choices: list[bytearray] = []
    for i in range(n):
        char, folded, row_ways = first[i], folded_first[i], ways[i]
        row = [above[0] + _GAP_COST]
        choice = bytearray(m + 1)
        choice[0] = 1
        for j in range(m):
            cost = 0.0 if char == second[j] else 0.3 if folded == folded_second[j] else 1.0
            pair = above[j] + cost + row_ways[j]
            skip_first = above[j + 1] + _GAP_COST
            skip_second = row[j] + _GAP_COST
            if pair <= skip_first and pair <= skip_second:
                row.append(pair)
            elif skip_first <= skip_second:
                row.append(skip_first)
                choice[j + 1] = 1
            else:
                row.append(skip_second)
                choice[j + 1] = 2
        choices.append(choice)
        above = row
    pairs = []
    i, j = n, m
    while i > 0 and j > 0:
        step = choices[i - 1][j]
        if step == 0:
            i, j = i - 1, j - 1
            pairs.append((i, j))
        elif step == 1:
            i -= 1
        else:
            j -= 1
    pairs.reverse()
    return pairs
