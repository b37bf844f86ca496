"""Nodes of the pipelines ``evaluate`` and ``evaluate_real``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from invoicegen.evaluation.options import EvaluateOptions, RealOptions
from invoicegen.extraction.options import ExtractOptions
from invoicegen.tracking import MlflowRun, TrackingOptions

# Kedro resolves the hints of every node to build and check its options: a name that only a type checker knows, such
# as pyarrow.Table, would switch that off. So what is slow to import stands here as Any.
Tables = dict[str, Callable[[], Any]]
Figure = Any
Scores = dict[str, Any]
Records = list[dict[str, Any]]
RecordShards = dict[str, Callable[[], Records]]

TRACKED_SCORES: Final = (
    "documents", "pages", "words", "entities", "table", "cell", "fields", "intervals", "release", "calibration",
)  # fmt: skip
"""Scores of generated documents that MLflow is given; the report has those by group and the errors."""
TRACKED_REAL_SCORES: Final = (
    "documents", "all", "by_kind", "by_source", "by_language", "line_items", "intervals", "release",
)  # fmt: skip
"""The same of real documents."""


def evaluate_model(
    test_pages: Tables, model: Path, options: EvaluateOptions
) -> tuple[Scores, dict[str, Any], Records, dict[str, Records]]:
    """Scores, confusion matrix, wrong entities and outcomes by document of the model on the test pages.

    The outcomes are named after the model, so that those of others stay beside them.
    """
    from invoicegen.evaluation.fingerprint import model_fingerprint
    from invoicegen.evaluation.outcomes import outcome_rows
    from invoicegen.evaluation.run import evaluate
    from invoicegen.modeling import Predictor

    result = evaluate(test_pages, Predictor.from_pretrained(model, device=options.device), options)
    name = model_fingerprint(model)
    outcomes = {f"{name}/generated": outcome_rows(result.outcomes)}
    return {"model": name, **result.scores}, result.confusion, result.errors, outcomes


def describe_data(train_pages: Tables, validation_pages: Tables, test_pages: Tables) -> dict[str, Any]:
    """The data card: what the generated pages of each split are like."""
    from invoicegen.evaluation.data_card import describe_pages

    return describe_pages({"train": train_pages, "validation": validation_pages, "test": test_pages})


def plot_scores(scores: Scores, confusion: dict[str, Any]) -> tuple[Figure, Figure, Figure]:
    """Scores by entity, the heat map of the confusion of entity types, and what may be released without a look."""
    from invoicegen.evaluation.figures import plot_confusion, plot_entity_scores, plot_release

    entities, confused = scores["entities"], confusion["entities"]
    return plot_entity_scores(entities), plot_confusion(confused), plot_release(scores["release"])


def picture_errors(
    test_pages: Tables, errors: Records, confusion: dict[str, Any], options: EvaluateOptions
) -> Records:
    """Some errors of every sort, each with the part of the page where it happened."""
    from invoicegen.evaluation.crops import choose_errors, crop_errors

    pairs = confusion["entities"]["most_confused"]
    return crop_errors(test_pages, choose_errors(errors, pairs, options.pictured_errors))


def _of_pages(extract: ExtractOptions, model: Path) -> ExtractOptions:
    """Options that read pages with a model; XML in the files would tell what the pages are to be scored on."""
    return extract.model_copy(update={"model": str(model), "embedded_xml": False})


def extract_real_documents(
    extracted: RecordShards, model: Path, real: RealOptions, extract: ExtractOptions
) -> Iterator[dict[str, Records]]:
    """Extract the real documents that no earlier run extracted with this model, a shard at a time."""
    from invoicegen.evaluation.real import extract_real

    for name, records in extract_real(extracted, real, _of_pages(extract, model)):
        yield {name: records}


def score_real_documents(
    extractions: RecordShards, model: Path, real: RealOptions, extract: ExtractOptions
) -> tuple[Scores, dict[str, Records]]:
    """Scores of the real documents against their labels, and outcomes by document, named after the model."""
    from invoicegen.evaluation.real import score_folder

    scores = score_folder(extractions, real, _of_pages(extract, model))
    return scores, {f"{scores['model']}/real": scores.pop("outcomes")}


def picture_real_errors(
    scores: Scores, extractions: RecordShards, model: Path, real: RealOptions, extract: ExtractOptions
) -> Records:
    """Some wrong fields of real documents, each with the part of the page that its value was taken from."""
    from invoicegen.evaluation.real import folder_of, labelled_records
    from invoicegen.evaluation.real_crops import choose_wrong, picture_wrong

    _, records = labelled_records(extractions, real, _of_pages(extract, model))
    by_file = {record["file"]: record for record in records}
    chosen = choose_wrong(scores["wrong"], real.pictured_errors)
    return picture_wrong(chosen, by_file, folder_of(real), extract.dpi)


def write_report(
    scores: Scores | None,
    confusion: dict[str, Any] | None,
    examples: Records,
    real_scores: Scores | None,
    real_examples: Records,
    history: Records,
    data_card: dict[str, Any] | None,
    robustness: Scores | None,
    model: Path,
) -> str:
    """The HTML report; what has not been measured is None, and the report says so."""
    from invoicegen.evaluation.report import model_facts, render_report, training_curves

    return render_report(
        scores,
        confusion,
        examples,
        real_scores,
        training_curves(history),
        real_examples=real_examples,
        data_card=data_card,
        robustness=robustness,
        model_card=model_facts(model),
    )


def track_evaluation(
    scores: Scores,
    confusion: dict[str, Any],
    report: str,
    options: EvaluateOptions,
    tracking: TrackingOptions,
) -> None:
    """Log scores, figures and the report to MLflow, where the options ask for it."""
    if not tracking.mlflow:
        return
    run = MlflowRun(
        tracking, "evaluate", {"evaluate": options.model_dump(mode="json"), "model": scores["model"]}
    )
    run.log_scores({name: scores[name] for name in TRACKED_SCORES})
    names = ("entity_scores.png", "confusion_matrix.png", "release.png")
    figures = dict(zip(names, plot_scores(scores, confusion), strict=True))
    run.finish([], figures, {"report.html": report})


def track_real_evaluation(
    scores: Scores, report: str, real: RealOptions, extract: ExtractOptions, tracking: TrackingOptions
) -> None:
    """Log scores of real documents, a figure and the report to MLflow, where the options ask for it."""
    if not tracking.mlflow:
        return
    from invoicegen.evaluation.figures import plot_release

    parameters = {
        "real": {**real.model_dump(mode="json"), "path": scores["folder"]},
        "extract": extract.model_dump(mode="json", exclude={"documents", "model"}),
        "model": scores["model"],
    }
    run = MlflowRun(tracking, "evaluate_real", parameters)
    run.log_scores({name: scores[name] for name in TRACKED_REAL_SCORES})
    run.finish([], {"release.png": plot_release(scores["release"])}, {"report.html": report})
