"""How far the probabilities of each head can be trusted on pages that its temperature was not fitted to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from invoicegen.evaluation.release import reliability
from invoicegen.modeling.calibration import expected_calibration_error
from invoicegen.modeling.network import log_softmax
from invoicegen.modeling.settings import Temperatures
from invoicegen.schema.annotation import Page
from invoicegen.schema.taxonomy import CELL_IDS, TABLE_IDS, LabelSet

HEADS: Final = ("ner", "table", "cell")


class HeadCalibration:
    """Collects, word by word, the probability of each head's likeliest label and whether it is the true one.

    That is what a temperature is fitted to; the labels that a user gets obey the taxonomy besides.

    Args:
        temperatures: Those of the model.
        labels: Of its NER head.
    """

    def __init__(self, temperatures: Temperatures, labels: LabelSet) -> None:
        self._temperatures: dict[str, float] = temperatures.model_dump()
        self._ids: dict[str, Mapping[str, int]] = {
            "ner": labels.ner_ids,
            "table": TABLE_IDS,
            "cell": CELL_IDS,
        }
        self._before: dict[str, list[NDArray[np.floating[Any]]]] = {head: [] for head in HEADS}
        self._after: dict[str, list[NDArray[np.floating[Any]]]] = {head: [] for head in HEADS}
        self._right: dict[str, list[NDArray[np.bool_]]] = {head: [] for head in HEADS}

    def add(self, page: Page, log_probabilities: Mapping[str, NDArray[np.float32]]) -> None:
        """Add a page.

        Args:
            page: With its true labels, which the model knows.
            log_probabilities: Of every word by head, shape (n_words, labels), not yet divided by a temperature;
                without the heads that the model has not.
        """
        truth = {"ner": page.ner_tags, "table": page.table_tags, "cell": page.cell_tags}
        for head, scores in log_probabilities.items():
            ids = np.array([self._ids[head][label] for label in truth[head]], dtype=np.int64)
            self._right[head].append(scores.argmax(axis=1) == ids)
            for kept, temperature in ((self._before, 1.0), (self._after, self._temperatures[head])):
                kept[head].append(np.exp(log_softmax(scores, temperature)).max(axis=1))

    def scores(self) -> dict[str, Any]:
        """For each head that words were added of: ``words``, ``accuracy`` of its likeliest label, ``temperature``.

        ``ece_before`` and ``ece`` are the expected calibration errors without and with the temperature;
        ``reliability_before`` and ``reliability`` the bins as :func:`invoicegen.evaluation.release.reliability`.
        """
        found: dict[str, Any] = {}
        for head in HEADS:
            right = np.concatenate([np.zeros(0, dtype=bool), *self._right[head]])
            if not len(right):
                continue
            before, after = np.concatenate(self._before[head]), np.concatenate(self._after[head])
            found[head] = {
                "words": len(right),
                "accuracy": float(right.mean()),
                "temperature": self._temperatures[head],
                "ece_before": expected_calibration_error(before, right),
                "ece": expected_calibration_error(after, right),
                "reliability_before": reliability(before, right),
                "reliability": reliability(after, right),
            }
        return found
