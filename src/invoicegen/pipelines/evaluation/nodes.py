"""Nodes of the pipelines ``evaluate`` and ``evaluate_real``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from invoicegen.evaluation.options import EvaluateOptions, RealOptions
from invoicegen.extraction.options import ExtractOptions

# Kedro resolves the hints of every node to build and check its options: a name that only a type checker knows, such
# as pyarrow.Table, would switch that off. So what is slow to import stands here as Any.
Tables = dict[str, Callable[[], Any]]
Figure = Any
Scores = dict[str, Any]
Records = list[dict[str, Any]]
RecordShards = dict[str, Callable[[], Records]]


def evaluate_model(
    test_pages: Tables, model: Path, options: EvaluateOptions
) -> tuple[Scores, dict[str, Any], Records]:
    """Scores, confusion matrix and wrong entities of the model on the test pages."""
    from invoicegen.evaluation.fingerprint import model_fingerprint
    from invoicegen.evaluation.run import evaluate
    from invoicegen.modeling import Predictor

    result = evaluate(test_pages, Predictor.from_pretrained(model, device=options.device), options)
    return {"model": model_fingerprint(model), **result.scores}, result.confusion, result.errors


def plot_scores(scores: Scores, confusion: dict[str, Any]) -> tuple[Figure, Figure]:
    """Scores by entity, and the heat map of the confusion of entity types."""
    from invoicegen.evaluation.figures import plot_confusion, plot_entity_scores

    return plot_entity_scores(scores["entities"]), plot_confusion(confusion["entities"])


def extract_real_documents(
    extracted: RecordShards, model: Path, real: RealOptions, extract: ExtractOptions
) -> Iterator[dict[str, Records]]:
    """Extract the real documents that no earlier run extracted with this model, a shard at a time."""
    from invoicegen.evaluation.real import extract_real

    for name, records in extract_real(extracted, real, extract.model_copy(update={"model": str(model)})):
        yield {name: records}


def score_real_documents(
    extractions: RecordShards, model: Path, real: RealOptions, extract: ExtractOptions
) -> Scores:
    """Scores of the real documents against their labels."""
    from invoicegen.evaluation.real import score_folder

    return score_folder(extractions, real, extract.model_copy(update={"model": str(model)}))


def write_report(
    scores: Scores | None,
    confusion: dict[str, Any] | None,
    errors: Records,
    real_scores: Scores | None,
    history: Records,
) -> str:
    """The HTML report; what has not been measured is None, and the report says so."""
    from invoicegen.evaluation.report import render_report, training_curves

    return render_report(scores, confusion, errors, real_scores, training_curves(history))
