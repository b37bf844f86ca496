"""Confusion counts, and the accuracy of the table and the cell head."""

from __future__ import annotations

import numpy as np
import pytest

from invoicegen.evaluation.confusion import (
    confused_pairs,
    confusion_report,
    count_labels,
    fold_labels,
    normalise_rows,
)
from invoicegen.evaluation.figures import plot_confusion, plot_entity_scores
from invoicegen.evaluation.heads import head_scores
from invoicegen.schema.taxonomy import NER_LABELS

LABELS = ["O", "B-A", "I-A", "B-B", "I-B"]
TRUE = [["O", "B-A", "I-A", "O"], ["B-B", "O"]]
GIVEN = [["O", "B-A", "B-B", "B-A"], ["B-B", "O"]]


def test_count_labels_has_a_row_a_true_label():
    expected = np.zeros((5, 5), dtype=int)
    expected[0, 0], expected[0, 1], expected[1, 1], expected[2, 3], expected[3, 3] = 2, 1, 1, 1, 1
    np.testing.assert_array_equal(count_labels(TRUE, GIVEN, LABELS), expected)


def test_fold_labels_takes_beginnings_and_insides_together():
    names, folded = fold_labels(count_labels(TRUE, GIVEN, LABELS), LABELS)
    assert names == ["O", "A", "B"]
    np.testing.assert_array_equal(folded, [[2, 1, 0], [0, 1, 1], [0, 0, 1]])


def test_normalise_rows_leaves_rows_without_words_open():
    np.testing.assert_allclose(normalise_rows(np.array([[3, 1], [0, 0]])), [[0.75, 0.25], [np.nan, np.nan]])


def test_confused_pairs_are_the_most_frequent_first():
    matrix = np.array([[90, 9, 1], [0, 5, 5], [0, 0, 3]])
    assert confused_pairs(matrix, ["O", "A", "B"], limit=2) == [
        {"true": "O", "predicted": "A", "words": 9, "share": 0.09},
        {"true": "A", "predicted": "B", "words": 5, "share": 0.5},
    ]
    assert len(confused_pairs(matrix, ["O", "A", "B"], limit=9)) == 3  # not those that never happen


def test_confusion_report_of_the_taxonomy_is_73_and_37():
    tags = [list(NER_LABELS)]
    report = confusion_report(count_labels(tags, tags, NER_LABELS), NER_LABELS, limit=5)
    assert np.array(report["labels"]["counts"]).shape == (73, 73)
    assert np.array(report["entities"]["row_shares"]).shape == (37, 37)
    assert np.trace(report["entities"]["counts"]) == 73
    assert report["entities"]["most_confused"] == []


def test_head_scores_by_hand():
    scores = head_scores(
        [["OUTSIDE", "CELL", "INSIDE", "INSIDE"]],
        [["OUTSIDE", "CELL", "CELL", "INSIDE"]],
        ["OUTSIDE", "INSIDE", "CELL"],
    )
    assert scores["accuracy"] == 3 / 4
    assert scores["words"] == 4
    assert scores["confusion"] == [[1, 0, 0], [0, 1, 1], [0, 0, 1]]
    assert scores["by_label"]["INSIDE"] == pytest.approx(
        {"precision": 1.0, "recall": 1 / 2, "f1": 2 / 3, "support": 2, "predicted": 1, "correct": 1}
    )
    assert scores["by_label"]["CELL"]["precision"] == 1 / 2
    assert scores["macro_f1"] == pytest.approx((1 + 2 / 3 + 2 / 3) / 3)


def test_head_scores_of_a_label_that_never_occurs_are_open():
    scores = head_scores([["A"]], [["A"]], ["A", "B"])
    assert scores["by_label"]["B"] == {
        "precision": None,
        "recall": None,
        "f1": None,
        "support": 0,
        "predicted": 0,
        "correct": 0,
    }
    assert scores["macro_f1"] == 1.0


def test_figures_are_drawn_with_names_and_numbers(tmp_path):
    report = confusion_report(count_labels(TRUE, GIVEN, LABELS), LABELS, limit=5)
    figure = plot_confusion(report["entities"])
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["O", "A", "B"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["O  (3)", "A  (2)", "B  (1)"]
    figure.savefig(tmp_path / "confusion.png")
    row = {"precision": 0.5, "recall": 1.0, "f1": 2 / 3, "support": 7, "predicted": 14}
    nothing = {"precision": None, "recall": None, "f1": None, "support": 0, "predicted": 0}
    scores = plot_entity_scores({"micro": row, "by_entity": {"A": row, "B": nothing}})
    assert [label.get_text() for label in scores.axes[0].get_yticklabels()] == ["A  (7)"]
    scores.savefig(tmp_path / "scores.png")
    for name in ("confusion.png", "scores.png"):
        assert (tmp_path / name).read_bytes()[:4] == b"\x89PNG"
