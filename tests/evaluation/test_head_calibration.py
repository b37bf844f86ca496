"""The calibration errors of the heads, against numbers worked out by hand."""

import numpy as np
import pytest

from invoicegen.evaluation.head_calibration import HeadCalibration
from invoicegen.modeling.settings import Temperatures
from invoicegen.schema.taxonomy import DEFAULT_LABELS

FOUR_WORDS = [("one two three four", None, None, None)]


def test_a_temperature_takes_the_gap_away(make_page):
    # Right three times in four, and as sure as 9 to 1 of two labels; by temperature 2 as 3 to 1, which is right.
    row = np.log(np.array([0.9, 0.1, 1e-12], dtype=np.float32))
    scores = np.stack([row, row, row, row[[1, 0, 2]]])
    calibration = HeadCalibration(Temperatures(table=2.0), DEFAULT_LABELS)
    page = make_page(FOUR_WORDS)
    assert page.table_tags == ["OUTSIDE"] * 4
    calibration.add(page, {"table": scores})
    assert list(calibration.scores()) == ["table"]
    found = calibration.scores()["table"]
    assert (found["words"], found["accuracy"], found["temperature"]) == (4, 0.75, 2.0)
    assert found["ece_before"] == pytest.approx(0.15, abs=1e-5)
    assert found["ece"] == pytest.approx(0.0, abs=1e-5)
    (only,) = found["reliability_before"]
    assert (only["n"], only["accuracy"]) == (4, 0.75)
    assert only["confidence"] == pytest.approx(0.9, abs=1e-5)


def test_pages_without_words_say_nothing(make_page):
    calibration = HeadCalibration(Temperatures(), DEFAULT_LABELS)
    calibration.add(make_page([]), {"cell": np.zeros((0, 3), np.float32)})
    assert calibration.scores() == {}
