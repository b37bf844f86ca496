"""Wiring of the pipelines ``evaluate`` and ``evaluate_real``."""

from __future__ import annotations

from typing import Any

from kedro.pipeline import Node, Pipeline

from invoicegen.pipelines.evaluation.nodes import (
    describe_data,
    evaluate_model,
    extract_real_documents,
    picture_errors,
    picture_real_errors,
    plot_scores,
    score_real_documents,
    track_evaluation,
    track_real_evaluation,
    write_report,
)


def _report_node() -> Node:
    return Node(
        write_report,
        [
            "evaluation_scores",
            "confusion_matrix",
            "error_examples",
            "real_scores",
            "real_error_examples",
            "training_history_so_far",
            "data_card",
            "robustness_scores",
            "model",
        ],
        "evaluation_report",
        name="write_evaluation_report",
    )


def create_pipeline(**kwargs: Any) -> Pipeline:
    """``test_pages`` and ``model`` to scores, figures and the report; earlier scores of real documents join in."""
    return Pipeline(
        [
            Node(
                evaluate_model,
                ["test_pages", "model", "params:evaluate"],
                ["evaluation_scores", "confusion_matrix", "evaluation_errors", "evaluation_outcomes"],
                name="evaluate_model",
            ),
            Node(
                describe_data,
                ["train_pages", "validation_pages", "test_pages"],
                "data_card",
                name="describe_data",
            ),
            Node(
                plot_scores,
                ["evaluation_scores", "confusion_matrix"],
                ["entity_scores_plot", "confusion_matrix_plot", "release_plot"],
                name="plot_evaluation_scores",
            ),
            Node(
                picture_errors,
                ["test_pages", "evaluation_errors", "confusion_matrix", "params:evaluate"],
                "error_examples",
                name="picture_errors",
            ),
            _report_node(),
            Node(
                track_evaluation,
                [
                    "evaluation_scores",
                    "confusion_matrix",
                    "evaluation_report",
                    "params:evaluate",
                    "params:tracking",
                ],
                None,
                name="track_evaluation",
            ),
        ]
    )


def create_real_pipeline(**kwargs: Any) -> Pipeline:
    """``model`` and the folder ``params:real`` names to ``real_extractions``, ``real_scores`` and the report."""
    return Pipeline(
        [
            Node(
                extract_real_documents,
                ["real_extractions_so_far", "model", "params:real", "params:extract"],
                "real_extractions",
                name="extract_real_documents",
            ),
            Node(
                score_real_documents,
                ["real_extractions", "model", "params:real", "params:extract"],
                ["real_scores", "real_outcomes"],
                name="score_real_documents",
            ),
            Node(
                picture_real_errors,
                ["real_scores", "real_extractions", "model", "params:real", "params:extract"],
                "real_error_examples",
                name="picture_real_errors",
            ),
            _report_node(),
            Node(
                track_real_evaluation,
                ["real_scores", "evaluation_report", "params:real", "params:extract", "params:tracking"],
                None,
                name="track_real_evaluation",
            ),
        ]
    )
