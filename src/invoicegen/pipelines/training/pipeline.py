"""Wiring of the pipeline ``train``."""

from __future__ import annotations

from typing import Any, Final

from kedro.pipeline import Node, Pipeline

from invoicegen.pipelines.training.nodes import plot_training_curves, train

SEVERAL_PROCESSES: Final = "several_processes"
"""Tag of nodes that the processes of ``torchrun`` or ``accelerate launch`` run together."""


def create_pipeline(**kwargs: Any) -> Pipeline:
    """``train_pages`` and ``validation_pages`` to ``model``, ``training_summary`` and ``training_curves``."""
    return Pipeline(
        [
            Node(
                train,
                [
                    "train_pages",
                    "all_train_pages",
                    "validation_pages",
                    "params:train",
                    "params:train_data",
                    "params:train_folders",
                    "params:tracking",
                    "model_input_manifest",
                    "params:taxonomy",
                ],
                ["model", "training_summary", "training_metrics"],
                name="train_model",
            ),
            Node(plot_training_curves, "training_metrics", "training_curves", name="plot_training_curves"),
        ],
        tags=SEVERAL_PROCESSES,
    )
