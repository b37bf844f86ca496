"""Scores that training watches: entity F1, and accuracy of the table and cell heads."""

from __future__ import annotations

from collections.abc import Sequence

from invoicegen.modeling.decoding import as_runs


def entity_scores(truth: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]) -> dict[str, float]:
    """Precision, recall and F1 of entities, averaged over entities (micro).

    An entity is an unbroken run of words with one type, and counts as found when type and all its words agree.
    All three are 0 when there is nothing to find and nothing was found.

    Args:
        truth: BIO tags of each page.
        predicted: BIO tags of each page, as many.

    Source:
        Strict IOB2 scores of seqeval, https://github.com/chakki-works/seqeval
    """
    from seqeval.metrics.v1 import precision_recall_fscore_support
    from seqeval.scheme import IOB2

    precision, recall, f1, _ = precision_recall_fscore_support(
        [as_runs(tags) for tags in truth],
        [as_runs(tags) for tags in predicted],
        average="micro",
        scheme=IOB2,
        zero_division=0,
    )
    return {"precision": float(precision), "recall": float(recall), "f1": float(f1)}
