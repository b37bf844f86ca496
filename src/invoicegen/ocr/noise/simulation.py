"""Pass true words through a noise model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from invoicegen.geometry import quad_to_box
from invoicegen.ocr.lines import in_reading_order, quad_or_none
from invoicegen.ocr.noise.model import (
    BASE_LETTER,
    OTHER_CASE,
    RULE,
    SHORT,
    Frames,
    NoiseModel,
    Pairs,
    Quantiles,
    Rate,
    UnfittedPresetError,
    boundary_level,
    char_class,
    gap_level,
    height_level,
    in_preset,
    length_level,
    room_of,
    runs_of,
    visible_level,
    without_accent,
)
from invoicegen.randomness import pick
from invoicegen.schema.annotation import Word
from invoicegen.schema.truth import TruePage, TrueWord

MOST: Final = 0.5
"""No rate goes above this, however bad the page."""


@dataclass(slots=True)
class _Piece:
    """What will be one word: its text, and the stretches of true words that it stands for."""

    text: str = ""
    parts: list[tuple[int, float, float]] = field(default_factory=list)
    """True word, and from where to where in it, 0 to 1."""


def simulate_words(
    page: TruePage, preset: str, model: NoiseModel, rng: np.random.Generator, min_visible: float = 0.3
) -> list[Word]:
    """The words that the engine of ``model`` might have read on a page.

    Args:
        page: The true words, where they lie on the page image after augmentation.
        preset: The augmentation preset that made the image.
        model: The behaviour of an engine.
        rng: The stream of this document, see :func:`invoicegen.randomness.document_rng`.
        min_visible: True words of which less can be seen are not there.

    Returns:
        Words as :meth:`invoicegen.ocr.engine.OcrEngine.recognise` gives them.

    Raises:
        UnfittedPresetError: If the model does not know the preset; says how to refit it.
    """
    if preset not in model.presets:
        raise UnfittedPresetError(
            f"the noise model of {model.provenance.engine} knows no preset {preset!r} (it knows "
            f"{', '.join(model.presets)}): fit it again with scripts/fit_noise.py"
        )
    words = [word for word in page.words if word.visible >= min_visible]
    noise = _PageNoise(model, preset, rng, words, page.width, page.height)
    runs = runs_of(words, noise.frames)
    rooms = room_of(runs, noise.frames).tolist()
    read = [noise.read_run(run, room) for run, room in zip(runs, rooms, strict=True)]
    read += [[word] for word in noise.spurious_words()]
    return in_reading_order(read)


def run_levels(words: Sequence[TrueWord], height_px: float, preset: str) -> dict[str, str]:
    """What the loss of a whole run depends on."""
    n_chars = sum(len(word.text) for word in words)
    plain = any(char.isalnum() for word in words for char in word.text)
    return {
        "kind": in_preset(preset, _kind(n_chars, plain)),
        "length": length_level(n_chars) if plain else RULE,
        "height": height_level(height_px),
        "visible": visible_level(min(word.visible for word in words)),
    }


def word_levels(word: TrueWord, preset: str) -> dict[str, str]:
    """What the loss of a word within a run depends on."""
    plain = any(char.isalnum() for char in word.text)
    return {
        "kind": in_preset(preset, _kind(len(word.text), plain)),
        "length": length_level(len(word.text)) if plain else RULE,
        "visible": visible_level(word.visible),
    }


def _kind(n_chars: int, plain: bool) -> str:
    if not plain:
        return RULE
    return "short" if n_chars < SHORT else "long"


def merge_levels(left: str, right: str, gap: float) -> dict[str, str]:
    """What the loss of the space between two words depends on, but for the preset; ``gap`` is in heights."""
    return {"gap": gap_level(gap), "between": boundary_level(left[-1], right[0])}


def char_levels(char: str, word_height: str, listed: Mapping[str, float], preset: str) -> dict[str, str]:
    """What a wrong or missing character depends on; a rare character counts as one of its class."""
    return {
        "kind": in_preset(preset, char_class(char)),
        "height": word_height,
        "char": char if char in listed else char_class(char),
    }


class _PageNoise:
    """One page on its way through the model."""

    def __init__(
        self,
        model: NoiseModel,
        preset: str,
        rng: np.random.Generator,
        words: Sequence[TrueWord],
        width: int,
        height: int,
    ) -> None:
        self.model, self.preset, self.rng, self.words = model, preset, rng, words
        self.width, self.height = width, height
        self.frames = Frames.of(words)
        self.severity = {
            name: self._gamma(getattr(model, name).page_spread)
            for name in ("run_drop", "word_drop", "merge", "split", "omit", "misread")
        }
        self._page_edges = _pair(model.jitter[preset].page, rng.random())
        self._rates: dict[tuple[str, ...], float] = {}

    def read_run(self, run: Sequence[int], room: Sequence[float]) -> list[Word]:
        """The words that a run is read as, left to right; ``room`` is that above and below it."""
        first = run[0]
        levels = run_levels([self.words[i] for i in run], float(self.frames.height[first]), self.preset)
        if self._happens("run_drop", self.model.run_drop.at(**levels)):
            return []
        pieces: list[_Piece] = []
        misread = False
        before: int | None = None
        for i in run:
            rate = self.model.word_drop.at(**word_levels(self.words[i], self.preset))
            if len(run) > 1 and self._happens("word_drop", rate):
                before = None
                continue
            if before is None or not self._joined(before, i):
                pieces.append(_Piece())
            misread |= self._read_word(i, pieces)
            before = i
        return self._placed([piece for piece in pieces if piece.text.strip()], misread, room)

    def spurious_words(self) -> list[Word]:
        """Words where nothing is printed, anywhere on the page, as high as its text."""
        texts, rng = self.model.spurious_texts, self.rng
        count = int(rng.poisson(self.model.spurious[self.preset])) if texts else 0
        height = min(float(np.median(self.frames.height)) if self.words else 20.0, self.height)
        found = []
        for _ in range(count):
            text = pick(rng, texts)
            width = min(0.5 * height * len(text), self.width)
            x, y = float(rng.random() * (self.width - width)), float(rng.random() * (self.height - height))
            confidence = _draw(self.model.confidence[self.preset].wrong, rng.random())
            found.append(_word(text, [x, y, x + width, y, x + width, y + height, x, y + height], confidence))
        return found

    def _happens(self, event: str, rate: float) -> bool:
        return bool(self.rng.random() < min(rate * self.severity[event], MOST))

    def _gamma(self, spread: float) -> float:
        """A gamma variable of mean 1 and this variance."""
        return float(self.rng.gamma(1 / spread, spread)) if spread > 0 else 1.0

    def _joined(self, left: int, right: int) -> bool:
        levels = merge_levels(self.words[left].text, self.words[right].text, self.frames.gap(left, right))
        return self._happens("merge", self.model.merge.at(preset=self.preset, **levels))

    def _split_rate(self, between: str) -> float:
        key = ("split", between)
        if key not in self._rates:
            self._rates[key] = self.model.split.at(preset=self.preset, between=between)
        return self._rates[key] * self.severity["split"]

    def _char_rate(self, event: str, height: str, char: str) -> float:
        """Of ``omit`` or ``misread``."""
        key = (event, height, char)
        if key not in self._rates:
            rate: Rate = getattr(self.model, event)
            self._rates[key] = rate.at(**char_levels(char, height, rate.factors["char"], self.preset))
        return self._rates[key] * self.severity[event]

    def _read_word(self, i: int, pieces: list[_Piece]) -> bool:
        """Add a word to the last piece, cut it into more, say whether a character is wrong or missing."""
        text = self.words[i].text
        height = height_level(float(self.frames.height[i]))
        faint = self._gamma(self.model.omit.word_spread)
        blurred = self._gamma(self.model.misread.word_spread)
        draws = self.rng.random((len(text), 3)).tolist()
        misread = False
        start = 0
        for place, char in enumerate(text):
            if place and draws[place][0] < min(self._split_rate(boundary_level(text[place - 1], char)), MOST):
                pieces[-1].parts.append((i, start / len(text), place / len(text)))
                pieces.append(_Piece())
                start = place
            if draws[place][1] < min(self._char_rate("omit", height, char) * faint, MOST):
                misread = True
            elif draws[place][2] < min(self._char_rate("misread", height, char) * blurred, MOST):
                misread = True
                pieces[-1].text += self._confused(char)
            else:
                pieces[-1].text += char
        pieces[-1].parts.append((i, start / len(text), 1.0))
        return misread

    def _confused(self, char: str) -> str:
        confusions = self.model.confusions
        chosen = pick(self.rng, confusions.get(char) or confusions[char_class(char)])
        if chosen == BASE_LETTER:
            return without_accent(char)
        return char.swapcase() if chosen == OTHER_CASE else chosen

    def _placed(self, pieces: Sequence[_Piece], misread: bool, room: Sequence[float]) -> list[Word]:
        """Words where the true words are, edges moved; upper and lower edge and confidence alike over the run."""
        jitter, confidences = self.model.jitter[self.preset], self.model.confidence[self.preset]
        draws = self.rng.random(2 + len(pieces)).tolist()
        top, bottom = (
            sum(edges) for edges in zip(self._page_edges, _pair(jitter.run, draws[0]), strict=True)
        )
        top = max(top, -max(room[0] + jitter.reach, 0.0))
        bottom = min(bottom, max(room[1] + jitter.reach, 0.0))
        confidence = _draw(confidences.wrong if misread else confidences.right, draws[1])
        placed = []
        for place, piece in enumerate(pieces):
            edges = jitter.short if len(piece.text) < SHORT else jitter.long
            left, right = _pair(edges, draws[2 + place])
            corners = self._moved(piece, left, top, right, bottom)
            x0, y0, x1, y1 = quad_to_box(corners)
            if x1 > x0 and y1 > y0:
                placed.append(_word(piece.text, corners, confidence))
        return placed

    def _moved(self, piece: _Piece, left: float, top: float, right: float, bottom: float) -> list[float]:
        """The quad from a place in one true word to a place in another, edges moved in heights, cut at the page."""
        (first, start, _), (last, _, end) = piece.parts[0], piece.parts[-1]
        near, far = self.frames.quads[first], self.frames.quads[last]
        height = self.frames.height[first]
        along, down = height * self.frames.along[first], height * self.frames.down[first]
        quad = np.array(
            [
                near[0] + start * (near[1] - near[0]) + left * along + top * down,
                far[0] + end * (far[1] - far[0]) + right * along + top * down,
                far[3] + end * (far[2] - far[3]) + right * along + bottom * down,
                near[3] + start * (near[2] - near[3]) + left * along + bottom * down,
            ]
        )
        return [float(value) for value in np.clip(quad, 0, (self.width, self.height)).ravel()]


def _word(text: str, corners: list[float], confidence: float) -> Word:
    return Word(
        text=text,
        box=list(quad_to_box(corners)),
        quad=quad_or_none(corners),
        source="ocr",
        confidence=round(min(max(confidence, 0.0), 1.0), 5),
    )


def _draw(quantiles: Quantiles, uniform: float) -> float:
    place = uniform * (len(quantiles) - 1)
    below = min(int(place), len(quantiles) - 2)
    return quantiles[below] + (place - below) * (quantiles[below + 1] - quantiles[below])


def _pair(pairs: Pairs, uniform: float) -> tuple[float, float]:
    return pairs[int(uniform * len(pairs))]
