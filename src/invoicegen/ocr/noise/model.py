"""The parameters of a noise model, the classes that its rates depend on, and where they are kept."""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Annotated, Final

import numpy as np
import yaml
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from invoicegen.schema.truth import TrueWord

RUN_GAP: Final = 1.0
"""Words of one line with a gap below this many heights between them form a run: a detector finds them together."""

PREFIX: Final = "simulated_"

BASE_LETTER: Final = "<base>"
"""In the confusions of a class: the letter without its accent."""
OTHER_CASE: Final = "<case>"
"""In the confusions of a class: the same letter, large for small or small for large."""

RULE: Final = "rule"
SHORT: Final = 3
"""Words and runs of fewer characters are lost, and placed, in ways of their own."""
HEIGHTS_PX: Final = (16.0, 20.0, 26.0)
GAPS: Final = (0.15, 0.25, 0.35, 0.5)
VISIBLE: Final = (0.5, 0.95)

Quantiles = Annotated[tuple[float, ...], Field(min_length=2)]
"""Values at evenly spaced probabilities from 0 to 1."""
Pairs = Annotated[tuple[tuple[float, float], ...], Field(min_length=1)]
"""Pairs that are equally likely."""


class UnfittedPresetError(ValueError):
    """The model was fitted without pages of that augmentation preset."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Provenance(_Part):
    """What a model was fitted to."""

    engine: str
    engine_version: str
    generator_version: str
    seed: int
    documents: int = Field(description="the first of conf/base with that seed, presets in turn")
    pages: int
    words: int = Field(description="true words on those pages")
    dpi: int


class Rate(_Part):
    """Probability of an event at one place: ``base`` times one factor for every property of the place.

    Page by page (and word by word) the rate is multiplied by a gamma variable of mean 1, since errors come together:
    ``page_spread`` and ``word_spread`` are its variance.
    """

    base: float = Field(ge=0)
    factors: dict[str, dict[str, float]]
    page_spread: float = Field(0.0, ge=0)
    word_spread: float = Field(0.0, ge=0)

    def at(self, **levels: str) -> float:
        """The rate where the properties have these levels; a level that was never seen counts as an average one."""
        rate = self.base
        for name, level in levels.items():
            rate *= self.factors[name].get(level, 1.0)
        return rate


class Jitter(_Part):
    """Where the edges of a word read lie, from those of the true word, in its heights; right and down are positive.

    Opposite edges move together, so pairs that were seen are drawn: fonts decide how far boxes reach up and down over a
    page, and a word of one sign is cut more closely than a long one.

    Attributes:
        page: Upper and lower edge, medians of pages.
        run: Upper and lower edge, of runs from the median of their page.
        short: Left and right edge of words of fewer than SHORT characters.
        long: Left and right edge of the others.
        reach: How far a box reaches into the text above or below, at most: a detector keeps lines apart.
    """

    page: Pairs
    run: Pairs
    short: Pairs
    long: Pairs
    reach: float


class Confidence(_Part):
    """Confidence of words in runs that were read right, and in the others."""

    right: Quantiles
    wrong: Quantiles


class NoiseModel(_Part):
    """What an engine makes of true words.

    Attributes:
        provenance: What the model was fitted to.
        run_drop: A run is not found; by preset and kind (short, long, rule), characters in the run, height of the
            text, visible share.
        word_drop: A word is left out of a run that was found; by preset and kind, length of the word, visible share.
        merge: The space between two words of a run is lost; by preset, gap, and the characters beside it.
        split: A space is read between two characters of a word; by preset and the two characters.
        omit: A character of a word that was found is left out; by the same as misread, since a scan that confuses
            characters need not lose them as a fax does.
        misread: A character is read as something else; by preset and class of the character, height of the text and
            character.
        confusions: What a misread character (or one of a class, for characters that are not listed) is read as, with
            weights; more than one character for what is put in after it, and of a class BASE_LETTER and OTHER_CASE.
        jitter: By preset.
        confidence: By preset.
        spurious: Words read where nothing is printed, mean a page, by preset.
        spurious_texts: What such words say, with weights.
    """

    provenance: Provenance
    run_drop: Rate
    word_drop: Rate
    merge: Rate
    split: Rate
    omit: Rate
    misread: Rate
    confusions: dict[str, dict[str, float]]
    jitter: dict[str, Jitter]
    confidence: dict[str, Confidence]
    spurious: dict[str, float]
    spurious_texts: dict[str, float]

    @property
    def presets(self) -> tuple[str, ...]:
        """The augmentation presets that the model knows."""
        return tuple(self.jitter)


def _fitted_engines() -> tuple[str, ...]:
    folder = files(__package__)
    return tuple(
        sorted(file.name.removesuffix(".yml") for file in folder.iterdir() if file.name.endswith(".yml"))
    )


def simulated_engine_name(engine: str) -> str:
    """The name under which ``generate.engines`` asks for the noise model of ``engine``."""
    return f"{PREFIX}{engine}"


SIMULATED_ENGINE_NAMES: Final = tuple(simulated_engine_name(engine) for engine in _fitted_engines())
"""Engines that are simulated from true words: they generate, and cannot read a document."""


@cache
def load_noise_model(name: str) -> NoiseModel:
    """The noise model of a simulated engine.

    Raises:
        ValueError: If there is none of that name; lists those there are.
    """
    if name not in SIMULATED_ENGINE_NAMES:
        raise ValueError(f"no simulated engine {name!r}: choose one of {', '.join(SIMULATED_ENGINE_NAMES)}")
    file = files(__package__).joinpath(f"{name.removeprefix(PREFIX)}.yml")
    return NoiseModel.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))


@dataclass(frozen=True, slots=True)
class Frames:
    """Where words lie, as arrays: corners (n, 4, 2), unit vectors along and down the text (n, 2), heights in pixels."""

    quads: NDArray[np.float64]
    along: NDArray[np.float64]
    down: NDArray[np.float64]
    height: NDArray[np.float64]

    @classmethod
    def of(cls, words: Sequence[TrueWord]) -> Frames:
        """The frames of words; none is less than a pixel high."""
        quads = np.array([word.quad for word in words], dtype=np.float64).reshape(-1, 4, 2)
        along = quads[:, 1] - quads[:, 0] + quads[:, 2] - quads[:, 3]
        down = (quads[:, 3] - quads[:, 0] + quads[:, 2] - quads[:, 1]) / 2
        height = np.maximum(np.hypot(*down.T), 1.0)
        return cls(
            quads, along / np.maximum(np.hypot(*along.T), 1e-9)[:, None], down / height[:, None], height
        )

    def gap(self, first: int, second: int) -> float:
        """Room between two words of a line, in heights of the first."""
        right, left = self.quads[first, 1:3].sum(axis=0) / 2, self.quads[second, ::3].sum(axis=0) / 2
        return float((left - right) @ self.along[first] / self.height[first])


def runs_of(words: Sequence[TrueWord], frames: Frames) -> list[list[int]]:
    """Indices of words by run, left to right: stretches of one printed line without a gap of RUN_GAP heights."""
    lines: dict[int, list[int]] = {}
    for i, word in enumerate(words):
        lines.setdefault(word.line_id, []).append(i)
    runs: list[list[int]] = []
    for line in lines.values():
        places = (frames.quads[line, 0] @ frames.along[line[0]]).tolist()
        ordered = [i for _, i in sorted(zip(places, line, strict=True))]
        for place, i in enumerate(ordered):
            if place and frames.gap(ordered[place - 1], i) < RUN_GAP:
                runs[-1].append(i)
            else:
                runs.append([i])
    return runs


def room_of(runs: Sequence[Sequence[int]], frames: Frames) -> NDArray[np.float64]:
    """Room above and below runs up to the nearest other text over or under them, in their heights, shape (n, 2).

    Infinite where there is none. Text that the page has turned is taken as level.
    """
    if not runs:
        return np.empty((0, 2))
    across, down = frames.along.mean(axis=0), frames.down.mean(axis=0)
    x, y = frames.quads @ across, frames.quads @ down
    left = np.array([x[run].min() for run in runs])
    right = np.array([x[run].max() for run in runs])
    top = np.array([y[run, :2].mean() for run in runs])
    bottom = np.array([y[run, 2:].mean() for run in runs])
    beside = (left[:, None] < right) & (right[:, None] > left)
    above = beside & (top + bottom < (top + bottom)[:, None] - (bottom - top)[:, None])
    height = frames.height[[run[0] for run in runs]]
    up = np.where(above, top[:, None] - bottom, np.inf).min(axis=1)
    under = np.where(above, top[:, None] - bottom, np.inf).min(axis=0)
    return np.asarray(np.column_stack([up, under]) / height[:, None])


def _level(value: float, bounds: Sequence[float]) -> str:
    """``<a``, ``a-b`` or ``>=b``."""
    place = bisect_right(bounds, value)
    if place == 0:
        return f"<{bounds[0]:g}"
    return f">={bounds[-1]:g}" if place == len(bounds) else f"{bounds[place - 1]:g}-{bounds[place]:g}"


def height_level(height_px: float) -> str:
    """Class of the height of a word."""
    return _level(height_px, HEIGHTS_PX)


def gap_level(gap: float) -> str:
    """Class of the room between two words, in heights."""
    return _level(gap, GAPS)


def visible_level(share: float) -> str:
    """Class of the share of a word that can be seen."""
    return _level(share, VISIBLE)


def length_level(n_chars: int) -> str:
    """Class of the number of characters of a word or run."""
    return _level(n_chars, (2, 3, 6, 12, 25, 50))


def in_preset(preset: str, kind: str) -> str:
    """Class of a preset and a kind of word or character, since what one preset harms another leaves alone."""
    return f"{preset} {kind}"


@cache
def char_class(char: str) -> str:
    """``digit``, ``upper``, ``lower``, ``accented`` or ``sign``."""
    if char.isdigit():
        return "digit"
    if not char.isalpha():
        return "sign"
    if unicodedata.normalize("NFD", char) != char or not char.isascii():
        return "accented"
    return "upper" if char.isupper() else "lower"


def without_accent(char: str) -> str:
    """The base letter of an accented one; any other character as it is."""
    return unicodedata.normalize("NFD", char)[0]


@cache
def boundary_level(left: str, right: str) -> str:
    """Class of the place between two characters: what is on its left and on its right."""
    names = {"digit": "digit", "sign": "sign"}
    return f"{names.get(char_class(left), 'letter')}|{names.get(char_class(right), 'letter')}"
