"""Nodes of the pipeline ``train``.

All type hints can be resolved at run time: Kedro builds and checks the options from them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from invoicegen.modeling.options import TrainingData, TrainingFolders, TrainOptions
from invoicegen.schema.taxonomy import LabelSet
from invoicegen.tracking import MlflowRun, TrackingOptions


def train(
    train_pages: dict[str, Callable[[], Any]],
    all_train_pages: dict[str, Callable[[], Any]],
    validation_pages: dict[str, Callable[[], Any]],
    options: TrainOptions,
    data: TrainingData,
    folders: TrainingFolders,
    tracking: TrackingOptions,
    manifest: dict[str, Any],
    labels: LabelSet,
) -> tuple[Path, dict[str, Any], list[dict[str, Any]]]:
    """Train, and give the best model's folder, the summary and the history of the epochs.

    Pages map partition ids to what loads a ``pyarrow.Table`` of annotated ones: the training pages of what was
    generated last, those of all that was generated, of which ``data`` chooses, and validation pages of the last. The
    manifest says what was generated last; it goes into the summary with the fingerprints of what was trained on.
    """
    from invoicegen.modeling.checkpoints import TRACKED_RUN_FILE
    from invoicegen.modeling.processes import launched
    from invoicegen.modeling.reporting import plot_curves
    from invoicegen.modeling.training import train_model

    pages = all_train_pages if data.generations == "all" else train_pages
    trained_on = manifest | {"trained_on": sorted({name.split("/")[0] for name in pages})}
    run = None
    if tracking.mlflow and launched().is_first:
        parameters = {"train": options.model_dump(mode="json"), "data": trained_on}
        run = MlflowRun(tracking, "train", parameters, Path(folders.checkpoints) / TRACKED_RUN_FILE)
    trained = train_model(
        pages,
        validation_pages,
        options,
        folders.checkpoints,
        folders.metrics,
        on_epoch=None if run is None else run.log_epochs,
        labels=labels,
    )
    if run is not None:
        run.finish(
            [trained.path / "README.md", Path(folders.metrics)],
            {"training_curves.png": plot_curves(trained.history)},
        )
    return trained.path, {**trained.summary, "data": trained_on}, trained.history


def plot_training_curves(history: list[dict[str, Any]]) -> Any:
    """A ``matplotlib`` figure of losses, entity scores and accuracies by epoch."""
    from invoicegen.modeling.reporting import plot_curves

    return plot_curves(history)
