"""Scores of the table and the cell head: one label of three for every word."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from invoicegen.evaluation.confusion import count_labels
from invoicegen.evaluation.counts import Counts, macro_f1


def head_scores(
    y_true: Iterable[Sequence[str]], y_pred: Iterable[Sequence[str]], labels: Sequence[str]
) -> dict[str, Any]:
    """Accuracy over words, precision, recall and F1 of each label, and the confusion of labels.

    Args:
        y_true: True labels, one sequence a page.
        y_pred: Predicted labels, as long.
        labels: All labels of the head, in the order of their ids.

    Returns:
        ``{"accuracy", "macro_f1", "words", "by_label": {label: …}, "labels", "confusion"}``; ``confusion``
        has a row a true label and a column a predicted one. Accuracy is None where there are no words.

    Raises:
        ValueError: As :func:`invoicegen.evaluation.confusion.count_labels`.
    """
    matrix = count_labels(y_true, y_pred, labels)
    counts = {
        label: Counts(correct=int(matrix[i, i]), predicted=int(matrix[:, i].sum()), true=int(matrix[i].sum()))
        for i, label in enumerate(labels)
    }
    words = int(matrix.sum())
    return {
        "accuracy": float(np.trace(matrix)) / words if words else None,
        "macro_f1": macro_f1(counts.values()),
        "words": words,
        "by_label": {label: count.scores() for label, count in counts.items()},
        "labels": list(labels),
        "confusion": matrix.tolist(),
    }
