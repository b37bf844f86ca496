"""What may be released without a look: confidences against how often they are right.

Source:
    Reliability diagram and expected calibration error: Guo et al., On calibration of modern neural networks, 2017,
    https://arxiv.org/abs/1706.04599. Coverage against precision: El-Yaniv and Wiener, On the foundations of noise-free
    selective classification, 2010, https://jmlr.org/papers/v11/el-yaniv10a.html
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from invoicegen.evaluation.outcomes import DocumentOutcome
from invoicegen.modeling.calibration import BINS, expected_calibration_error

PRECISION: Final = 0.99
"""What a business asks of values that nobody looks at."""
CURVE_POINTS: Final = 60

Scored = tuple[NDArray[np.float64], NDArray[np.bool_]]
"""Confidences and whether each is right, both of shape (n,)."""


def release_report(outcomes: Sequence[DocumentOutcome]) -> dict[str, Any]:
    """How far confidences can be trusted, of values and of whole documents.

    The confidence of a document is that of its least confident value. A document is right when all its fields
    are; where labels do not say what is not there, when no value given is wrong.

    Returns:
        For ``fields`` and ``documents`` each: ``n``; ``ece``; ``reliability`` as :func:`reliability`; ``curve``:
        ``{"threshold", "released", "precision"}``, from few released to all; and ``at_99``, see
        :func:`unattended`.
    """
    return {
        name: {**_report(scored(outcomes)), "at_99": unattended(outcomes, scored)}
        for name, scored in (("fields", score_values), ("documents", score_documents))
    }


def score_values(outcomes: Iterable[DocumentOutcome]) -> Scored:
    """Every value that was given."""
    return _scored((value.confidence, value.right) for outcome in outcomes for value in outcome.values)


def score_documents(outcomes: Iterable[DocumentOutcome]) -> Scored:
    """Every document that a value was given for; see :func:`release_report`."""
    return _scored(
        (min(value.confidence for value in outcome.values), _right(outcome))
        for outcome in outcomes
        if outcome.values
    )


def reliability(confidences: NDArray[np.float64], right: NDArray[np.bool_]) -> list[dict[str, Any]]:
    """Bins of equal width over [0, 1] that hold anything: ``{"confidence", "accuracy", "n"}``, means of each."""
    place = np.minimum((confidences * BINS).astype(int), BINS - 1)
    return [
        {
            "confidence": float(confidences[place == bin_].mean()),
            "accuracy": float(right[place == bin_].mean()),
            "n": int((place == bin_).sum()),
        }
        for bin_ in range(BINS)
        if (place == bin_).any()
    ]


def lowest_threshold(
    confidences: NDArray[np.float64], right: NDArray[np.bool_], precision: float = PRECISION
) -> float | None:
    """The lowest confidence from which on the values, taken together, are right often enough; None: there is none."""
    order, precisions = _cumulated(confidences, right)
    enough = np.flatnonzero(precisions >= precision)
    return float(confidences[order[enough[-1]]]) if len(enough) else None


def unattended(
    outcomes: Sequence[DocumentOutcome],
    scored: Callable[[Sequence[DocumentOutcome]], Scored],
    precision: float = PRECISION,
) -> dict[str, Any]:
    """What is released at a threshold that was not chosen on what it is measured on.

    Layouts are dealt to two halves by a hash; the threshold of each half is :func:`lowest_threshold` of the other.

    Returns:
        ``threshold`` (of all together, for use), ``released`` (share of both halves above the other's threshold) and
        ``precision`` of what is released so; None where there is none.
    """
    halves: tuple[list[DocumentOutcome], list[DocumentOutcome]] = ([], [])
    for outcome in outcomes:
        halves[hashlib.sha256(outcome.layout.encode()).digest()[0] % 2].append(outcome)
    released = right_ones = count = 0
    for half, other in (halves, halves[::-1]):
        confidences, right = scored(half)
        threshold = lowest_threshold(*scored(other), precision)
        count += len(right)
        if threshold is not None:
            kept = confidences >= threshold
            released += int(kept.sum())
            right_ones += int(right[kept].sum())
    return {
        "asked": precision,
        "threshold": lowest_threshold(*scored(outcomes), precision),
        "released": released / count if count else None,
        "precision": right_ones / released if released else None,
    }


def _report(scored: Scored) -> dict[str, Any]:
    confidences, right = scored
    order, precisions = _cumulated(confidences, right)
    kept = (
        sorted({round(place) for place in np.linspace(0, len(order) - 1, CURVE_POINTS)}) if len(order) else []
    )
    # Of equal confidences all are released or none: the last of them stands for them.
    last = {float(confidences[order[place]]): int(place) for place in range(len(order))}
    places = sorted({last[float(confidences[order[place]])] for place in kept})
    return {
        "n": len(right),
        "ece": expected_calibration_error(confidences, right) if len(right) else None,
        "reliability": reliability(confidences, right),
        "curve": [
            {
                "threshold": float(confidences[order[place]]),
                "released": (place + 1) / len(order),
                "precision": float(precisions[place]),
            }
            for place in places
        ],
    }


def _cumulated(
    confidences: NDArray[np.float64], right: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Places by falling confidence, and the precision of all that are at least as confident."""
    order = np.argsort(-confidences, kind="stable")
    ordered = confidences[order]
    precisions = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    # Equal confidences are released together: each has the precision at the last of its equals.
    ends = np.searchsorted(-ordered, -ordered, side="right") - 1
    return order, precisions[ends] if len(order) else precisions


def _right(outcome: DocumentOutcome) -> bool:
    return (
        outcome.all_right if outcome.all_right is not None else all(value.right for value in outcome.values)
    )


def _scored(pairs: Iterable[tuple[float, bool]]) -> Scored:
    rows = list(pairs)
    return np.array([row[0] for row in rows], dtype=float), np.array([row[1] for row in rows], dtype=bool)
