"""Fit a noise model to what an engine made of pages whose true words are known."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from invoicegen.geometry import box_to_quad
from invoicegen.labeling.alignment import Alignment, align, is_rule
from invoicegen.ocr.noise.model import (
    BASE_LETTER,
    OTHER_CASE,
    SHORT,
    Confidence,
    Frames,
    Jitter,
    NoiseModel,
    Provenance,
    Rate,
    boundary_level,
    char_class,
    height_level,
    room_of,
    runs_of,
    without_accent,
)
from invoicegen.ocr.noise.simulation import char_levels, merge_levels, run_levels, word_levels
from invoicegen.schema.annotation import Word
from invoicegen.schema.truth import TruePage, TrueWord

MIN_SEEN: Final = 150
"""Characters seen less often share the rate and the confusions of their class."""
MIN_MISREAD: Final = 8
"""Characters misread less often share the confusions of their class."""
CONFUSIONS: Final = 8
"""Readings kept for a character."""
SPURIOUS_TEXTS: Final = 40
ROUNDS: Final = 60
PAIRS: Final = 48
"""Pairs of edges kept."""
REACH: Final = 0.95
"""Share of words that reach no further into other lines than simulated ones may."""
TRIMMED: Final = 0.05
"""Share of the pages of a preset, those with the highest character error rates, that are left out: one page in twenty
that failed would otherwise make the others worse than they are, since rates are means."""
PRIOR: Final = 0.2
"""Events, as many as expected, that every level is given beside its own."""


@dataclass(frozen=True, slots=True)
class Observation:
    """A page and what an engine read of it."""

    page: TruePage
    words: Sequence[Word]
    preset: str


@dataclass(slots=True)
class WordReading:
    """What became of a true word.

    Attributes:
        chars: What each character was read as: itself, something else, more, or nothing.
        owners: The word read that each character stands in; None for one that was left out.
    """

    chars: list[str]
    owners: list[int | None]

    @property
    def words(self) -> set[int]:
        """The words read that hold characters of it; empty for a word that was lost."""
        return {owner for owner in self.owners if owner is not None}


def readings_of(
    printed: Sequence[TrueWord], words: Sequence[Word], alignment: Alignment
) -> list[WordReading]:
    """What became of every true word, by the character pairs of its alignment.

    Characters that are read behind a true one and stand for none are put to it: ``1`` read as ``11``.
    """
    standing = {(vote.true_word, w) for w, votes in enumerate(alignment.votes) for vote in votes}
    readings = [WordReading([""] * len(word.text), [None] * len(word.text)) for word in printed]
    taken: dict[int, dict[int, tuple[int, int]]] = defaultdict(dict)
    for t, place, w, at in alignment.pairs:
        if (t, w) in standing:
            readings[t].chars[place] = words[w].text[at]
            readings[t].owners[place] = w
            taken[w][at] = (t, place)
    for w, places in taken.items():
        last: tuple[int, int] | None = None
        for at, char in enumerate(words[w].text):
            if at in places:
                last = places[at]
            elif last is not None:
                readings[last[0]].chars[last[1]] += char
    return readings


@dataclass(slots=True)
class _Counts:
    """How often an event could have happened and did, by the levels of its place, page by page and word by word."""

    names: tuple[str, ...]
    places: Counter[tuple[str, ...]] = field(default_factory=Counter)
    events: Counter[tuple[str, ...]] = field(default_factory=Counter)
    pages: list[Counter[tuple[str, ...]]] = field(default_factory=list)
    page_events: list[int] = field(default_factory=list)
    words: list[Counter[tuple[str, ...]]] = field(default_factory=list)
    word_events: list[int] = field(default_factory=list)

    def open_page(self) -> None:
        self.pages.append(Counter())
        self.page_events.append(0)

    def open_word(self) -> None:
        self.words.append(Counter())
        self.word_events.append(0)

    def add(self, happened: bool, **levels: str) -> None:
        key = tuple(levels[name] for name in self.names)
        self.places[key] += 1
        self.events[key] += happened
        self.pages[-1][key] += 1
        self.page_events[-1] += happened
        if self.words:
            self.words[-1][key] += 1
            self.word_events[-1] += happened


def fit_rate(counts: _Counts) -> Rate:
    """A log-linear rate of main effects: base times one factor a property.

    Factors are fitted in turn, each with a gamma prior of mean 1 and shape PRIOR, so that a level with few places stays
    near 1. Spreads are those of the gamma variables that give the pages, and the words in
    them, the variance they have beyond a Poisson variable's.

    Source:
        Bishop, Fienberg and Holland, Discrete Multivariate Analysis, 1975, section 3.5 (iterative proportional
        fitting, here with a prior); spreads by the method of moments.
    """
    total, happened = sum(counts.places.values()), sum(counts.events.values())
    if not happened:
        return Rate(base=0.0, factors={name: {} for name in counts.names})
    base = happened / total
    keys = list(counts.places)
    factors = [dict.fromkeys(sorted({key[k] for key in keys}), 1.0) for k in range(len(counts.names))]

    def rate(key: tuple[str, ...]) -> float:
        value = base
        for factor, level in zip(factors, key, strict=True):
            value *= factor[level]
        return value

    for _ in range(ROUNDS):
        for k, factor in enumerate(factors):
            seen, expected = dict.fromkeys(factor, PRIOR), dict.fromkeys(factor, PRIOR)
            for key in keys:
                seen[key[k]] += counts.events[key]
                expected[key[k]] += counts.places[key] * rate(key) / factor[key[k]]
            for level in factor:
                factor[level] = seen[level] / expected[level]
        base *= happened / sum(count * rate(key) for key, count in counts.places.items())

    word_spread = 0.0
    if counts.words:
        means = np.array([sum(n * rate(key) for key, n in places.items()) for places in counts.words])
        found = np.array(counts.word_events)
        word_spread = max(float((((found - means) ** 2) - found).sum() / (means**2).sum()), 0.0)
    page_means = np.array([sum(n * rate(key) for key, n in places.items()) for places in counts.pages])
    page_found = np.array(counts.page_events)
    within = word_spread * sum(
        sum(n * rate(key) for key, n in places.items()) ** 2 for places in counts.words
    )
    page_spread = float(((page_found - page_means) ** 2 - page_found).sum() - within) / float(
        (page_means**2).sum()
    )
    return Rate(
        base=_short(base),
        factors={
            name: {level: _short(value) for level, value in factor.items()}
            for name, factor in zip(counts.names, factors, strict=True)
        },
        page_spread=_short(max(page_spread, 0.0)),
        word_spread=_short(word_spread),
    )


def fit_noise(
    observations: Iterable[Observation], provenance: Provenance, min_visible: float = 0.3
) -> NoiseModel:
    """Estimate all parameters from pages that an engine read.

    Args:
        observations: Pages, each with its preset; every preset that the model shall know, several pages each.
        provenance: What they are.
        min_visible: True words of which less can be seen count as not printed.

    Raises:
        ValueError: If a preset has too few words read to say where boxes lie.
    """
    seen = _without_failed_pages(list(observations), min_visible)
    run_drop = _Counts(("kind", "length", "height", "visible"))
    word_drop = _Counts(("kind", "length", "visible"))
    merge = _Counts(("preset", "gap", "between"))
    split = _Counts(("preset", "between"))
    omit = _Counts(("kind", "height", "char"))
    misread = _Counts(("kind", "height", "char"))
    counted: Counter[str] = Counter(
        char for one in seen for word in one.page.words if not is_rule(word.text) for char in word.text
    )
    listed = {char: 1.0 for char, n in counted.items() if n >= MIN_SEEN}
    confused: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    edges: dict[str, list[_Edges]] = defaultdict(list)
    confidences: dict[tuple[str, bool], list[float]] = defaultdict(list)
    spurious: Counter[str] = Counter()
    pages: Counter[str] = Counter()
    spurious_texts: Counter[str] = Counter()

    for one in seen:
        preset = one.preset
        printed = [word for word in one.page.words if word.visible >= min_visible]
        words = list(one.words)
        frames = Frames.of(printed)
        alignment = align(printed, words)
        readings = readings_of(printed, words, alignment)
        pages[preset] += 1
        for counts in (run_drop, word_drop, merge, split, omit, misread):
            counts.open_page()
        for w, votes in enumerate(alignment.votes):
            if not votes and not is_rule(words[w].text):
                spurious[preset] += 1
                spurious_texts[words[w].text] += 1
        runs = runs_of(printed, frames)
        for run, room in zip(runs, room_of(runs, frames).tolist(), strict=True):
            found = [i for i in run if readings[i].words]
            run_drop.add(
                not found, **run_levels([printed[i] for i in run], float(frames.height[run[0]]), preset)
            )
            if not found:
                continue
            wrong = False
            for place, i in enumerate(run):
                word, reading = printed[i], readings[i]
                height = height_level(float(frames.height[i]))
                if len(run) > 1:
                    word_drop.add(not reading.words, **word_levels(word, preset))
                if not reading.words:
                    continue
                if place and readings[run[place - 1]].words:
                    before = run[place - 1]
                    merge.add(
                        bool(reading.words & readings[before].words),
                        preset=preset,
                        **merge_levels(printed[before].text, word.text, frames.gap(before, i)),
                    )
                for k in range(1, len(word.text)):
                    left, right = reading.owners[k - 1], reading.owners[k]
                    if left is not None and right is not None:
                        between = boundary_level(word.text[k - 1], word.text[k])
                        split.add(left != right, preset=preset, between=between)
                if not is_rule(word.text):
                    wrong |= _count_chars(
                        word, height, reading, preset, omit, misread, listed, confused[preset]
                    )
                if len(reading.words) == 1:
                    (w,) = reading.words
                    if len(alignment.votes[w]) == 1:
                        edges[preset].append(
                            _edges(frames, i, words[w], len(word.text), pages[preset], run[0], room)
                        )
            confidence = [
                value
                for w in set().union(*(readings[i].words for i in found))
                if (value := words[w].confidence) is not None
            ]
            if confidence:
                confidences[preset, wrong].append(float(np.median(confidence)))

    few = sorted(preset for preset in pages if len(edges[preset]) < 100)
    if few:
        raise ValueError(f"too few words were read on pages with {', '.join(few)}: give more pages")
    return NoiseModel(
        provenance=provenance,
        run_drop=fit_rate(run_drop),
        word_drop=fit_rate(word_drop),
        merge=fit_rate(merge),
        split=fit_rate(split),
        omit=fit_rate(omit),
        misread=fit_rate(misread),
        confusions=_confusions(confused),
        jitter={preset: _jitter(edges[preset]) for preset in pages},
        confidence={
            preset: Confidence(
                right=_quantiles(confidences[preset, False] or confidences[preset, True]),
                wrong=_quantiles(confidences[preset, True] or confidences[preset, False]),
            )
            for preset in pages
        },
        spurious={preset: _short(spurious[preset] / pages[preset]) for preset in pages},
        spurious_texts=dict(sorted(spurious_texts.most_common(SPURIOUS_TEXTS))),
    )


def _without_failed_pages(pages: Sequence[Observation], min_visible: float) -> list[Observation]:
    """All pages but the worst of each preset, TRIMMED of them (rounded to whole pages)."""
    rates: dict[str, list[tuple[float, int]]] = defaultdict(list)
    for place, one in enumerate(pages):
        alignment = align([word for word in one.page.words if word.visible >= min_visible], list(one.words))
        rates[one.preset].append((alignment.char_errors / max(alignment.true_chars, 1), place))
    failed = {
        place
        for of_preset in rates.values()
        for _, place in sorted(of_preset, reverse=True)[: round(TRIMMED * len(of_preset))]
    }
    return [one for place, one in enumerate(pages) if place not in failed]


def _count_chars(
    word: TrueWord,
    height: str,
    reading: WordReading,
    preset: str,
    omit: _Counts,
    misread: _Counts,
    listed: Mapping[str, float],
    confused: dict[str, Counter[str]],
) -> bool:
    """Count the characters of a word that was read; whether any of them is wrong or missing."""
    omit.open_word()
    misread.open_word()
    for char, read in zip(word.text, reading.chars, strict=True):
        levels = char_levels(char, height, listed, preset)
        omit.add(not read, **levels)
        if read:
            misread.add(char != read, **levels)
            if char != read:
                confused[char][read] += 1
    return reading.chars != list(word.text)


@dataclass(frozen=True, slots=True)
class _Edges:
    """Edges of a word read from those of its true word, in its heights."""

    left: float
    top: float
    right: float
    bottom: float
    n_chars: int
    page: int
    run: int
    room: Sequence[float]

    @property
    def reach(self) -> float:
        """How far the word reaches into the text above or below; negative if it leaves room."""
        return max(-self.top - self.room[0], self.bottom - self.room[1])


def _edges(
    frames: Frames, i: int, read: Word, n_chars: int, page: int, run: int, room: Sequence[float]
) -> _Edges:
    corners = read.quad if read.quad is not None else box_to_quad(read.box)
    step = (np.asarray(corners, dtype=np.float64).reshape(4, 2) - frames.quads[i]) / frames.height[i]
    along, down = step @ frames.along[i], step @ frames.down[i]
    return _Edges(
        left=float(along[[0, 3]].mean()),
        top=float(down[[0, 1]].mean()),
        right=float(along[[1, 2]].mean()),
        bottom=float(down[[2, 3]].mean()),
        n_chars=n_chars,
        page=page,
        run=run,
        room=room,
    )


def _jitter(edges: Sequence[_Edges]) -> Jitter:
    """Pairs of edges as they were seen together, those of pages and runs as medians."""
    by_page: dict[int, list[_Edges]] = defaultdict(list)
    by_run: dict[tuple[int, int], list[_Edges]] = defaultdict(list)
    for one in edges:
        by_page[one.page].append(one)
        by_run[one.page, one.run].append(one)
    pages = {page: _heights(found) for page, found in by_page.items()}
    runs = [
        (top - pages[page][0], bottom - pages[page][1])
        for (page, _), found in by_run.items()
        for top, bottom in [_heights(found)]
    ]
    short = [(one.left, one.right) for one in edges if one.n_chars < SHORT]
    long = [(one.left, one.right) for one in edges if one.n_chars >= SHORT]
    return Jitter(
        page=_pairs(list(pages.values())),
        run=_pairs(runs),
        short=_pairs(short or long),
        long=_pairs(long or short),
        reach=_short(float(np.quantile([one.reach for one in edges], REACH))),
    )


def _heights(edges: Sequence[_Edges]) -> tuple[float, float]:
    top, bottom = np.median([(one.top, one.bottom) for one in edges], axis=0)
    return float(top), float(bottom)


def _pairs(values: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """PAIRS of them, evenly spaced by their sum, the outermost hundredths left out; all if they are few."""
    ordered = sorted(values, key=sum)
    if len(ordered) > PAIRS:
        places = np.linspace(0.01, 0.99, PAIRS) * (len(ordered) - 1)
        ordered = [ordered[round(place)] for place in places.tolist()]
    return tuple((round(first, 3), round(second, 3)) for first, second in ordered)


def _quantiles(values: Sequence[float]) -> tuple[float, ...]:
    """Twenty-one quantiles; the outermost are the first and last of a hundred, so that one freak has no say."""
    at = np.clip(np.linspace(0, 1, 21), 0.01, 0.99)
    return tuple(round(float(value), 4) for value in np.quantile(values, at))


def _confusions(confused: Mapping[str, Mapping[str, Counter[str]]]) -> dict[str, dict[str, float]]:
    """Readings by character, and by class for those misread seldom; a class without any changes its case at most.

    Every preset has the same weight, however much of it was misread: a fax loses characters that a scan confuses.
    """
    seen: Counter[str] = Counter()
    weights: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    by_class: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for by_char in confused.values():
        total = sum(readings.total() for readings in by_char.values())
        for char, readings in by_char.items():
            seen[char] += readings.total()
            for read, n in readings.items():
                weights[char][read] += n / total
                by_class[char_class(char)][_of_class(char, read)] += n / total
    result = {}
    for name in ("digit", "upper", "lower", "accented", "sign"):
        result[name] = _most(by_class[name] or {OTHER_CASE: 1.0})
    for char in sorted(seen):
        if seen[char] >= MIN_MISREAD:
            result[char] = _most(weights[char])
    return result


def _of_class(char: str, read: str) -> str:
    """A confusion as any character of the class would have it."""
    if read == without_accent(char):
        return BASE_LETTER
    return OTHER_CASE if read == char.swapcase() else read


def _most(readings: Mapping[str, float]) -> dict[str, float]:
    kept = sorted(readings.items(), key=lambda item: (-item[1], item[0]))[:CONFUSIONS]
    total = sum(weight for _, weight in kept)
    return {text: _short(weight / total) for text, weight in kept}


def _short(value: float) -> float:
    """Four significant digits: a file to be read by people."""
    return float(f"{value:.4g}")
