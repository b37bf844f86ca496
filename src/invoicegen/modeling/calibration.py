"""Confidences that mean what they say: temperature scaling, and the error that it lowers.

Source:
    Guo et al., On calibration of modern neural networks, 2017, https://arxiv.org/abs/1706.04599
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from invoicegen.modeling.network import log_softmax

BINS: Final = 15
HOTTEST: Final = 20.0
"""Temperatures are sought between this and its inverse."""


def expected_calibration_error(
    confidences: NDArray[np.floating[Any]], right: NDArray[np.bool_], bins: int = BINS
) -> float:
    """Mean gap between confidence and accuracy over bins of equal width, weighted by their words.

    Args:
        confidences: Probability of the label that was chosen, shape (n,).
        right: Whether it is the true one, shape (n,).
        bins: Number of bins of [0, 1].

    Returns:
        0 (calibrated) to 1; 0 for no words.

    Source:
        Guo et al., equation 3.
    """
    if len(confidences) == 0:
        return 0.0
    placed = np.minimum((np.asarray(confidences) * bins).astype(int), bins - 1)
    gap = np.bincount(placed, weights=confidences - right.astype(float), minlength=bins)
    return float(np.abs(gap).sum() / len(confidences))


def fit_temperature(log_probabilities: NDArray[np.float32], truth: NDArray[np.int64]) -> float:
    """The temperature under which the true labels are likeliest.

    The mean negative log-likelihood is convex in the inverse temperature, and its slope the mean expected score less
    the true label's; the root is found by halving in log scale.

    Args:
        log_probabilities: Or logits, shape (n, labels); n > 0.
        truth: Label ids, shape (n,).

    Returns:
        Between 1 / :data:`HOTTEST` and :data:`HOTTEST`, to a thousandth.
    """
    scores = log_probabilities.astype(np.float64)
    true_score = float(scores[np.arange(len(truth)), truth].mean())

    def slope(inverse: float) -> float:
        expected = (np.exp(log_softmax(scores, 1 / inverse)) * scores).sum(axis=1)
        return float(expected.mean()) - true_score

    low, high = -np.log(HOTTEST), np.log(HOTTEST)
    while high - low > 1e-3:
        middle = (low + high) / 2
        if slope(float(np.exp(middle))) <= 0:
            low = middle
        else:
            high = middle
    return float(np.exp(-(low + high) / 2))


@dataclass(frozen=True, slots=True)
class Calibration:
    """What calibration did to a head.

    Attributes:
        temperature: What its logits are divided by.
        ece_before: Expected calibration error of its most probable labels without.
        ece: The same with.
    """

    temperature: float
    ece_before: float
    ece: float


def calibrate(log_probabilities: NDArray[np.float32], truth: NDArray[np.int64]) -> Calibration:
    """Fit a head's temperature; the errors are those on the words it was fitted to.

    Args:
        log_probabilities: Shape (n, labels); n > 0.
        truth: Label ids, shape (n,).
    """
    temperature = fit_temperature(log_probabilities, truth)
    right = log_probabilities.argmax(axis=1) == truth

    def error(at: float) -> float:
        return expected_calibration_error(np.exp(log_softmax(log_probabilities, at)).max(axis=1), right)

    return Calibration(temperature, error(1.0), error(temperature))
