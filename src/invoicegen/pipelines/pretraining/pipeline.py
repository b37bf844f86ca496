"""Wiring of the pipeline ``pretrain``."""

from __future__ import annotations

from typing import Any

from kedro.pipeline import Node, Pipeline

from invoicegen.pipelines.pretraining.nodes import pretrain
from invoicegen.pipelines.training.pipeline import SEVERAL_PROCESSES


def create_pipeline(**kwargs: Any) -> Pipeline:
    """``train_pages`` and ``validation_pages`` to ``pretrained_model`` and ``pretraining_summary``."""
    return Pipeline(
        [
            Node(
                pretrain,
                [
                    "train_pages",
                    "validation_pages",
                    "params:pretrain",
                    "params:pretrain_folders",
                    "model_input_manifest",
                    "params:taxonomy",
                ],
                ["pretrained_model", "pretraining_summary", "pretraining_metrics"],
                name="pretrain_model",
            )
        ],
        tags=SEVERAL_PROCESSES,
    )
