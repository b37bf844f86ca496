"""Nodes of the pipeline ``train``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from invoicegen.modeling.options import TrainingFolders, TrainOptions

if TYPE_CHECKING:
    import pyarrow as pa
    from matplotlib.figure import Figure

Tables = dict[str, Callable[[], "pa.Table"]]


def train(
    train_pages: Tables, validation_pages: Tables, options: TrainOptions, folders: TrainingFolders
) -> tuple[Path, dict[str, Any], list[dict[str, Any]]]:
    """Train, and give the best model's folder, the summary and the history of the epochs."""
    from invoicegen.modeling.training import train_model

    trained = train_model(train_pages, validation_pages, options, folders.checkpoints, folders.metrics)
    return trained.path, trained.summary, trained.history


def plot_training_curves(history: list[dict[str, Any]]) -> Figure:
    """Losses, entity scores and accuracies by epoch."""
    from invoicegen.modeling.reporting import plot_curves

    return plot_curves(history)
