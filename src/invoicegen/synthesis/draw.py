"""Draws from one document's stream of random numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from random import Random
from typing import TypeVar

import numpy as np

T = TypeVar("T")

_DIGITS = "0123456789"
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_MASKS = {"#": _DIGITS, "%": _DIGITS[1:], "@": _LETTERS}
_SEED_BITS = 63


class Draw:
    """Picks, chances, masks and names for one document; two of them with one seed draw the same.

    Args:
        rng: The synthesis stream of the document. Everything drawn here derives from it.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self.random = Random(int(rng.integers(2**_SEED_BITS)))

    def seed(self) -> int:
        """A seed for a generator of its own."""
        return self.random.getrandbits(_SEED_BITS)

    def pick(self, items: Sequence[T]) -> T:
        """One of the items, all equally likely."""
        return items[int(self.random.random() * len(items))]

    def weighted(self, weights: Mapping[T, float]) -> T:
        """A key, as likely as its weight."""
        mark = self.random.random() * sum(weights.values())
        for key, weight in weights.items():
            mark -= weight
            if mark < 0:
                return key
        return next(key for key, weight in reversed(list(weights.items())) if weight > 0)

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self.random.random() < probability

    def between(self, low: int, high: int) -> int:
        """A whole number from ``low`` to ``high``, both included."""
        return self.random.randint(low, high)

    def log_uniform(self, low: float, high: float) -> float:
        """A number whose logarithm is uniform: small ones are as frequent as large ones."""
        return low * math.exp(self.random.random() * math.log(high / low))

    def geometric(self, probability: float) -> int:
        """Number of trials up to the first success, from 1."""
        return 1 + int(math.log(1.0 - self.random.random()) / math.log(1.0 - probability))

    def stepped(self, low: Decimal, high: Decimal, step: Decimal) -> Decimal:
        """A log-uniform multiple of ``step`` in [low, high], at least one step."""
        value = Decimal(repr(self.log_uniform(float(low), float(high)))) if high > low else low
        return max(step, (value / step).to_integral_value() * step)

    def digits(self, count: int) -> str:
        """A string of decimal digits."""
        return "".join(self.pick(_DIGITS) for _ in range(count))

    def mask(self, pattern: str) -> str:
        """``pattern`` with every ``#`` a digit, every ``%`` a digit from 1 and every ``@`` a capital letter."""
        return "".join(self.pick(_MASKS[sign]) if sign in _MASKS else sign for sign in pattern)
