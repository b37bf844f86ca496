"""Wiring of the pipeline ``robustness``."""

from __future__ import annotations

from typing import Any

from kedro.pipeline import Node, Pipeline

from invoicegen.pipelines.robustness.nodes import measure_robustness, plot_robustness, score_robustness


def create_pipeline(**kwargs: Any) -> Pipeline:
    """``model`` and documents made on the way to ``robustness_scores``, which later reports show."""
    return Pipeline(
        [
            Node(
                measure_robustness,
                ["model", "params:robustness", "params:generate", "params:ocr", "params:execution"],
                "robustness_outcomes",
                name="measure_robustness",
            ),
            Node(
                score_robustness,
                ["robustness_outcomes", "model", "params:robustness"],
                "robustness_scores",
                name="score_robustness",
            ),
            Node(plot_robustness, "robustness_scores", "robustness_plot", name="plot_robustness"),
        ]
    )
