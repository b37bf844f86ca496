"""Nodes of the pipeline ``train``.

All type hints can be resolved at run time: Kedro builds and checks the options from them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from invoicegen.modeling.options import TrainingFolders, TrainOptions
from invoicegen.schema.taxonomy import LabelSet
from invoicegen.tracking import MlflowRun, TrackingOptions


def train(
    train_pages: dict[str, Callable[[], Any]],
    validation_pages: dict[str, Callable[[], Any]],
    options: TrainOptions,
    folders: TrainingFolders,
    tracking: TrackingOptions,
    manifest: dict[str, Any],
    labels: LabelSet,
) -> tuple[Path, dict[str, Any], list[dict[str, Any]]]:
    """Train, and give the best model's folder, the summary and the history of the epochs.

    Both splits map partition ids to what loads a ``pyarrow.Table`` of annotated pages; the manifest says what was
    generated, and goes into the summary.
    """
    from invoicegen.modeling.checkpoints import TRACKED_RUN_FILE
    from invoicegen.modeling.processes import launched
    from invoicegen.modeling.reporting import plot_curves
    from invoicegen.modeling.training import train_model

    run = None
    if tracking.mlflow and launched().is_first:
        parameters = {"train": options.model_dump(mode="json"), "data": manifest}
        run = MlflowRun(tracking, "train", parameters, Path(folders.checkpoints) / TRACKED_RUN_FILE)
    trained = train_model(
        train_pages,
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
    return trained.path, {**trained.summary, "data": manifest}, trained.history


def plot_training_curves(history: list[dict[str, Any]]) -> Any:
    """A ``matplotlib`` figure of losses, entity scores and accuracies by epoch."""
    from invoicegen.modeling.reporting import plot_curves

    return plot_curves(history)
