"""Which label is taken for which: 73 x 73 over BIO labels, 37 x 37 over entity types and O, word by word."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from invoicegen.evaluation.entities import entity_types


def count_labels(
    y_true: Iterable[Sequence[str]], y_pred: Iterable[Sequence[str]], labels: Sequence[str]
) -> NDArray[np.int64]:
    """Words by true label (row) and predicted label (column), shape (n_labels, n_labels).

    Raises:
        ValueError: If the sequences differ in number or length, or words have labels that are not in ``labels``; says
            where and how many.
    """
    ids = {label: i for i, label in enumerate(labels)}
    truth, predicted = list(y_true), list(y_pred)
    check_lengths(truth, predicted, "labels", "predicted ones")
    unknown: Counter[str] = Counter()
    for sequence in (*truth, *predicted):
        unknown.update(label for label in sequence if label not in ids)
    if unknown:
        raise ValueError(
            f"{unknown.total()} labels are not in the label list of {len(labels)}, which begins {list(labels[:3])}: "
            + ", ".join(f"{label} ({count})" for label, count in unknown.most_common(5))
        )
    matrix = np.zeros((len(labels), len(labels)), dtype=np.int64)
    for true, given in zip(truth, predicted, strict=True):
        np.add.at(matrix, ([ids[label] for label in true], [ids[label] for label in given]), 1)
    return matrix


def check_lengths(
    truth: Sequence[Sequence[str]], others: Sequence[Sequence[str]], true_name: str, other_name: str
) -> None:
    """Check that sequences of true labels and others belong together.

    Raises:
        ValueError: If they differ in number or length; says how many, and which is the first.
    """
    if len(truth) != len(others):
        raise ValueError(f"{len(truth)} sequences of true {true_name}, but {len(others)} of {other_name}")
    differ = [
        number
        for number, (true, other) in enumerate(zip(truth, others, strict=True))
        if len(true) != len(other)
    ]
    if differ:
        first = differ[0]
        raise ValueError(
            f"{len(differ)} of {len(truth)} sequences differ in length, the first is sequence {first}: "
            f"{len(truth[first])} true {true_name}, but {len(others[first])} {other_name}"
        )


def normalise_rows(matrix: NDArray[np.int64]) -> NDArray[np.float64]:
    """Each row divided by its sum, as shares of the true label; rows without words are NaN."""
    sums = matrix.sum(axis=1, keepdims=True)
    shares = np.full(matrix.shape, np.nan)
    np.divide(matrix, sums, out=shares, where=sums > 0)
    return shares


def fold_labels(matrix: NDArray[np.int64], labels: Sequence[str]) -> tuple[list[str], NDArray[np.int64]]:
    """The confusion over ``O`` and entity types, with ``B-`` and ``I-`` of a type taken together.

    Returns:
        Names (``O`` first) and counts, shape (n_types + 1, n_types + 1).
    """
    names = ["O", *entity_types(labels)]
    place = {name: i for i, name in enumerate(names)}
    group = np.array([place[label if label == "O" else label[2:]] for label in labels])
    folded = np.zeros((len(names), len(names)), dtype=np.int64)
    np.add.at(folded, (group[:, None], group[None, :]), matrix)
    return names, folded


def confused_pairs(matrix: NDArray[np.int64], names: Sequence[str], limit: int) -> list[dict[str, Any]]:
    """The most frequent confusions: ``{"true", "predicted", "words", "share"}``, most words first.

    ``share`` is the part of the true label's words that went to the predicted one.
    """
    wrong = matrix.copy()
    np.fill_diagonal(wrong, 0)
    sums = matrix.sum(axis=1)
    order = np.argsort(-wrong, axis=None, kind="stable")[:limit]
    return [
        {
            "true": names[row],
            "predicted": names[column],
            "words": int(wrong[row, column]),
            "share": float(wrong[row, column] / sums[row]),
        }
        for row, column in (divmod(int(place), len(names)) for place in order)
        if wrong[row, column]
    ]


def confusion_report(matrix: NDArray[np.int64], labels: Sequence[str], limit: int) -> dict[str, Any]:
    """Both confusions, as counts and row-normalised, and the most confused pairs; JSON-ready.

    Args:
        matrix: Words by true and predicted BIO label, as :func:`count_labels` gives.
        labels: BIO labels in the order of the matrix.
        limit: Pairs to list.

    Returns:
        ``{"labels": {"names", "counts", "row_shares"}, "entities": {…, "most_confused"}}``; rows are true
        labels. A row without words has None for its shares.
    """
    names, folded = fold_labels(matrix, labels)
    return {
        "labels": {"names": list(labels), "counts": matrix.tolist(), "row_shares": _shares(matrix)},
        "entities": {
            "names": names,
            "counts": folded.tolist(),
            "row_shares": _shares(folded),
            "most_confused": confused_pairs(folded, names, limit),
        },
    }


def _shares(matrix: NDArray[np.int64]) -> list[list[float | None]]:
    return [
        [None if np.isnan(share) else round(float(share), 6) for share in row]
        for row in normalise_rows(matrix)
    ]
