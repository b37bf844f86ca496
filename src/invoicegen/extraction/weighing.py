"""Which printed value is which field: what the model says of each, weighed with how well a choice fits together.

All ways to choose a value for each of some fields are weighed: a choice is as probable as the model makes it, times
what the fit of its values says. Shares of the weight of all choices are the probabilities of each value as each field.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from invoicegen.extraction.entities import EntitySpan
from invoicegen.schema.prediction import PagePrediction

FLOOR: Final = 0.01
"""Probability from which a value that was labelled otherwise is a candidate."""
CANDIDATES: Final = 6
"""Values of each field that are weighed: the most probable ones."""
NONE_OF_REQUIRED: Final = 0.02
"""Largest probability that a field which every document prints is absent."""
REMOVED: Final = 0.8
"""Probability that a field is absent from which what was labelled so is removed; below, checks tell of the doubt."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A printed amount or date.

    Attributes:
        span: Where it stands; its type is what the model labelled it.
        value: Amount in hundredths of the currency, or number of the day (``date.toordinal``).
        probabilities: Of the types that are weighed for it, 0 to 1.
    """

    span: EntitySpan
    value: int
    probabilities: Mapping[str, float]


def values_of(figures: Sequence[Figure | None]) -> list[int | None]:
    """The value of each; None for none."""
    return [None if figure is None else figure.value for figure in figures]


Weighed = dict[str, list[tuple[Figure | None, float]]]
"""Each type's values with the probability that they are it, the most probable first; None is for no figure."""


def probabilities(span: EntitySpan, page: PagePrediction, types: Sequence[str]) -> dict[str, float]:
    """What the model gives each type for the words of a span; for the type that it chose, their confidence."""
    chosen = {span.type: span.confidence} if span.type in types else {}
    if page.ner_probabilities is None:
        return chosen
    words, ids = page.ner_probabilities[list(span.words)], page.labels.ner_ids
    given = {name: float(np.mean(words[:, ids[f"B-{name}"]] + words[:, ids[f"I-{name}"]])) for name in types}
    return given | chosen


def weigh(
    figures: Sequence[Figure],
    types: Sequence[str],
    evidence: Callable[[Sequence[Figure | None]], float],
    *,
    required: str,
) -> Weighed:
    """How probable each figure is as each type; a figure is one of them at most.

    Args:
        figures: Candidates.
        types: What they may be.
        evidence: What the fit of one figure for each type (None for none) multiplies their probability by.
        required: The type that every document prints.
    """
    options: list[list[tuple[Figure | None, float]]] = []
    for name in types:
        ranked = sorted(figures, key=lambda figure: -figure.probabilities.get(name, 0.0))[:CANDIDATES]
        probable: list[tuple[Figure | None, float]] = [
            (figure, p) for figure in ranked if (p := figure.probabilities.get(name, 0.0)) >= FLOOR
        ]
        none = max(1 - max((p for _, p in probable), default=0.0), 0.001)
        # What the model labelled so is there, as far as it can tell, however unsure it is.
        none = min([none, *(p / 2 for figure, p in probable if figure and figure.span.type == name)])
        options.append([*probable, (None, min(none, NONE_OF_REQUIRED) if name == required else none)])
    mass: list[dict[int, float]] = [defaultdict(float) for _ in types]
    for places in itertools.product(*map(range, map(len, options))):
        chosen = [option[place] for option, place in zip(options, places, strict=True)]
        present = [id(figure) for figure, _ in chosen if figure is not None]
        if len(set(present)) < len(present):
            continue
        weight = math.prod(p for _, p in chosen) * evidence([figure for figure, _ in chosen])
        for by_place, place in zip(mass, places, strict=True):
            by_place[place] += weight
    return {
        name: _by_value([option[place][0] for place in by_place], list(by_place.values()))
        for name, option, by_place in zip(types, options, mass, strict=True)
    }


def _by_value(
    figures: Sequence[Figure | None], weights: Sequence[float]
) -> list[tuple[Figure | None, float]]:
    """Candidates with their shares of the weight, the most probable value first: one that is printed twice has both
    shares, and stands where it is more probable.
    """
    shares: dict[int | None, float] = defaultdict(float)
    best: dict[int | None, tuple[float, Figure | None]] = {}
    for figure, weight in zip(figures, weights, strict=True):
        value = None if figure is None else figure.value
        shares[value] += weight / sum(weights)
        if value not in best or weight > best[value][0]:
            best[value] = (weight, figure)
    return sorted(((best[value][1], share) for value, share in shares.items()), key=lambda pair: -pair[1])


def settled(
    spans: Sequence[EntitySpan], figures: Sequence[Figure], weighed: Weighed, *, remove: bool = False
) -> list[EntitySpan]:
    """The entities with the weighed types as they were weighed.

    A type's most probable figure becomes its most confident entity, and is no longer another type's. Where an equal
    one was that already, nothing changes. Where no figure is more probable than any, the type's entities stay, or, if
    asked for and by far more probable, are removed.
    """
    values = {figure.span: figure.value for figure in figures}
    result = list(spans)
    for name, ranked in weighed.items():
        figure, probability = ranked[0]
        readable = [span for span in result if span.type == name and span in values]
        first = max(readable, key=lambda span: span.confidence, default=None)
        if figure is None:
            if remove and probability > REMOVED:
                result = [span for span in result if span not in readable]
            continue
        if first is not None and values[first] == figure.value:
            continue
        result = [
            replace(span, confidence=min(span.confidence, probability)) if span.type == name else span
            for span in result
            if span != figure.span
        ]
        chosen = replace(figure.span, type=name, confidence=probability)
        values[chosen] = figure.value
        result.insert(0, chosen)
    return result
