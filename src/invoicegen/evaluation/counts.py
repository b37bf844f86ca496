"""Precision, recall and F1 from counts; what cannot be said is None, never 0 or 1."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Counts:
    """How many were right, how many were given, how many there are."""

    correct: int = 0
    predicted: int = 0
    true: int = 0

    def add(self, other: Counts) -> None:
        """Add the counts of ``other`` to these."""
        self.correct += other.correct
        self.predicted += other.predicted
        self.true += other.true

    @property
    def precision(self) -> float | None:
        """Share of what was given that is right; None if nothing was given."""
        return self.correct / self.predicted if self.predicted else None

    @property
    def recall(self) -> float | None:
        """Share of what there is that was given right; None if there is nothing."""
        return self.correct / self.true if self.true else None

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall, ``2 correct / (predicted + true)``; None if nothing is."""
        return 2 * self.correct / (self.predicted + self.true) if self.true else None

    def scores(self) -> dict[str, Any]:
        """Scores and counts, JSON-ready: ``precision, recall, f1, support, predicted, correct``."""
        return {
            "precision": self.precision,
            "recall": self.recall,
            "f1": self.f1,
            "support": self.true,
            "predicted": self.predicted,
            "correct": self.correct,
        }


def total(counts: Iterable[Counts]) -> Counts:
    """The sum of ``counts``: what a micro average is taken of."""
    result = Counts()
    for item in counts:
        result.add(item)
    return result


def macro_f1(counts: Iterable[Counts]) -> float | None:
    """Mean F1 over those that occur in the truth; None if none does."""
    values = [item.f1 for item in counts if item.f1 is not None]
    return sum(values) / len(values) if values else None
