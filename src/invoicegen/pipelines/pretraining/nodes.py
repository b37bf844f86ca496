"""Nodes of the pipeline ``pretrain``.

All type hints can be resolved at run time: Kedro builds and checks the options from them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from invoicegen.modeling.options import PretrainOptions, TrainingFolders
from invoicegen.schema.taxonomy import LabelSet


def pretrain(
    train_pages: dict[str, Callable[[], Any]],
    validation_pages: dict[str, Callable[[], Any]],
    options: PretrainOptions,
    folders: TrainingFolders,
    manifest: dict[str, Any],
    labels: LabelSet,
) -> tuple[Path, dict[str, Any], list[dict[str, Any]]]:
    """Pre-train, and give the encoder's folder, the summary and the history of the epochs.

    Both splits map partition ids to what loads a ``pyarrow.Table`` of pages; the manifest says what was generated, and
    goes into the summary.
    """
    from invoicegen.modeling.pretraining import pretrain_model

    trained = pretrain_model(
        train_pages, validation_pages, options, folders.checkpoints, folders.metrics, labels
    )
    return trained.path, {**trained.summary, "data": manifest}, trained.history
