"""The same documents under other conditions: what scans, photos and other OCR engines cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from invoicegen.evaluation.bootstrap import COUNT_TITLES, compare, intervals
from invoicegen.evaluation.outcomes import DocumentOutcome
from invoicegen.evaluation.run import Evaluation, LabeledPage, page_input
from invoicegen.extraction import assemble
from invoicegen.modeling import PageLabeler

SHOWN: Final = ("fields", "line_items", "entities")
"""Counts of outcomes that are compared between conditions."""


def outcomes_by_engine(
    documents: Iterable[Mapping[str, Sequence[LabeledPage]]], predictor: PageLabeler
) -> dict[str, list[DocumentOutcome]]:
    """What came of each document, by the engine that read it.

    Args:
        documents: Of each document its labelled pages by engine; every document by the same engines.
        predictor: The model.
    """
    evaluations: dict[str, Evaluation] = {}
    for readings in documents:
        for engine, pages in readings.items():
            found = predictor.predict_pages([page_input(page) for page in pages])
            evaluation = evaluations.setdefault(engine, Evaluation(labels=predictor.labels))
            evaluation.add_document(pages, found, assemble(found))
    return {engine: evaluation.outcomes for engine, evaluation in evaluations.items()}


def robustness_scores(
    measured: Mapping[tuple[str, str], Sequence[DocumentOutcome]],
) -> dict[str, Any]:
    """Scores by condition.

    Args:
        measured: Outcomes of the same documents by preset and engine; the first is what the others are
            compared with.

    Returns:
        ``documents``, ``reference`` (preset and engine), and ``rows``: ``preset``, ``engine``, and for each of
        :data:`SHOWN` the ``value`` with its interval ``low, high``, and ``difference`` from the reference with its
        interval ``difference_low, difference_high`` (paired by document). What cannot be said is None.

    Raises:
        OutcomesError: If the documents of two conditions are not the same.
    """
    reference, first = next(iter(measured.items()))
    rows: list[dict[str, Any]] = []
    for (preset, engine), outcomes in measured.items():
        scored = intervals(outcomes)
        gaps = {row["headline"]: row for row in compare(first, outcomes)}
        row: dict[str, Any] = {"preset": preset, "engine": engine}
        for name in SHOWN:
            title = COUNT_TITLES[name]
            value = scored.get(title, {"value": None, "low": None, "high": None})
            gap = gaps.get(title, {"difference": None, "low": None, "high": None})
            row[name] = {
                **value,
                "difference": gap["difference"],
                "difference_low": gap["low"],
                "difference_high": gap["high"],
            }
        rows.append(row)
    return {
        "documents": len(first),
        "reference": {"preset": reference[0], "engine": reference[1]},
        "rows": rows,
    }
