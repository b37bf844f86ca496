"""Calibration: the formulas, and that fitting finds what was done to the scores."""

import numpy as np
import pytest

from invoicegen.modeling.calibration import HOTTEST, calibrate, expected_calibration_error, fit_temperature
from invoicegen.modeling.network import log_softmax


def test_calibration_error_by_hand():
    # Bins of width 1/5: (0.1, 0.15) mean .125, none right; (0.9, 0.95, 1.0) mean .95, two of three right.
    confidences = np.array([0.1, 0.15, 0.9, 0.95, 1.0])
    right = np.array([False, False, True, True, False])
    expected = 2 / 5 * 0.125 + 3 / 5 * (0.95 - 2 / 3)
    assert expected_calibration_error(confidences, right, bins=5) == pytest.approx(expected)


def test_no_words_have_no_error():
    assert expected_calibration_error(np.zeros(0), np.zeros(0, dtype=bool)) == 0.0


@pytest.mark.parametrize("distortion", [0.25, 0.7, 1.0, 3.0])
def test_the_temperature_that_distorted_the_scores_is_found(distortion):
    rng = np.random.default_rng(0)
    honest = log_softmax(rng.normal(0, 2, (20_000, 7)).astype(np.float32))
    truth = (honest + rng.gumbel(size=honest.shape)).argmax(axis=1)  # drawn from the honest probabilities
    distorted = log_softmax(honest / np.float32(distortion))
    assert fit_temperature(distorted, truth) == pytest.approx(1 / distortion, rel=0.04)
    calibration = calibrate(distorted, truth)
    assert calibration.ece < 0.012
    assert distortion == 1.0 or calibration.ece_before > 2 * calibration.ece


def test_separable_scores_stop_at_the_bound():
    scores = np.array([[1.0, 0.0], [0.0, 1.0]], dtype=np.float32)
    assert fit_temperature(scores, np.array([0, 1])) == pytest.approx(1 / HOTTEST, rel=0.01)
    assert fit_temperature(scores, np.array([1, 0])) == pytest.approx(HOTTEST, rel=0.01)
