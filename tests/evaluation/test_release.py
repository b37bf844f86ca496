"""What may be released without a look."""

from __future__ import annotations

import numpy as np
import pytest

from invoicegen.evaluation.outcomes import DocumentOutcome, GivenValue
from invoicegen.evaluation.release import (
    lowest_threshold,
    release_report,
    reliability,
    score_values,
    unattended,
)


def outcome(number, pairs, *, all_right=None):
    return DocumentOutcome(
        document=f"d{number}",
        layout=f"l{number}",
        counts={"fields": (0, 0, 0)},
        values=[GivenValue(field="TOTAL_AMOUNT", confidence=c, right=r) for c, r in pairs],
        all_right=all_right,
    )


def arrays(pairs):
    return np.array([c for c, _ in pairs]), np.array([r for _, r in pairs])


def test_reliability_bins_and_their_error():
    bins = reliability(*arrays([(0.95, True), (0.97, False), (0.1, False), (1.0, True)]))
    assert [row["n"] for row in bins] == [1, 3]
    assert bins[1] == {"confidence": pytest.approx(2.92 / 3), "accuracy": pytest.approx(2 / 3), "n": 3}
    pairs = [(0.95, True), (0.97, False), (0.1, False), (1.0, True)]
    report = release_report([outcome(i, [pair]) for i, pair in enumerate(pairs)])["fields"]
    assert report["ece"] == pytest.approx((0.1 + 3 * (2.92 / 3 - 2 / 3)) / 4)
    assert release_report([])["fields"]["ece"] is None


def test_the_threshold_is_the_lowest_that_keeps_the_precision():
    confidences, right = arrays([(0.9, True), (0.8, True), (0.7, False), (0.6, True), (0.5, True)])
    assert lowest_threshold(confidences, right, 0.8) == 0.5  # 4 of 5, though 2 of 3 at .7
    assert lowest_threshold(confidences, right, 0.9) == 0.8
    assert lowest_threshold(confidences, ~right, 0.9) is None


def test_equal_confidences_are_released_together():
    confidences, right = arrays([(0.9, True), (0.9, False)])
    assert lowest_threshold(confidences, right, 1.0) is None
    (point,) = release_report([outcome(1, [(0.9, True), (0.9, False)])])["fields"]["curve"]
    assert point == {"threshold": 0.9, "released": 1.0, "precision": 0.5}


def test_the_curve_goes_from_few_to_all():
    rng = np.random.default_rng(0)
    confidences = rng.random(500)
    outcomes = [outcome(i, [(float(c), bool(rng.random() < c))]) for i, c in enumerate(confidences)]
    report = release_report(outcomes)["fields"]
    released = [point["released"] for point in report["curve"]]
    assert released == sorted(released)
    assert released[-1] == 1.0
    assert report["curve"][0]["precision"] > report["curve"][-1]["precision"]
    assert report["ece"] < 0.06  # right as often as they say
    overconfident = [outcome(i, [(0.99, i % 2 == 0)]) for i in range(100)]
    assert release_report(overconfident)["fields"]["ece"] == pytest.approx(0.49)


def test_no_document_chooses_its_own_threshold():
    # each half is right where the other is wrong: chosen on all alike, a threshold would promise what it cannot keep
    outcomes = [outcome(i, [(0.9, True)]) for i in range(40)]
    report = unattended(outcomes, score_values)
    assert (report["released"], report["precision"], report["threshold"]) == (1.0, 1.0, 0.9)
    wrong = [outcome(i, [(0.9, False)]) for i in range(40)]
    report = unattended(wrong, score_values)
    assert (report["released"], report["precision"], report["threshold"]) == (0.0, None, None)
    assert unattended([], score_values)["released"] is None


def test_a_document_is_as_confident_as_its_least_confident_value():
    outcomes = [
        outcome(1, [(0.9, True), (0.4, True)], all_right=True),
        outcome(2, [(0.8, True)], all_right=False),  # a field was missed
        outcome(3, [(0.7, True), (0.95, False)]),
        outcome(4, []),
    ]
    report = release_report(outcomes)["documents"]
    assert report["n"] == 3
    assert [(p["threshold"], p["precision"]) for p in report["curve"]] == [
        (0.8, 0.0),
        (0.7, 0.0),
        (0.4, pytest.approx(1 / 3)),
    ]
