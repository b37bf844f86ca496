"""label."""

from __future__ import annotations

from typing import Any

from kedro.pipeline import Pipeline, node

from invoicegen.pipelines.labeling.nodes import label_pages, report_labeling


def create_pipeline(**kwargs: Any) -> Pipeline:
    """Annotated pages and the labeling report."""
    return Pipeline(
        [
            node(
                label_pages,
                [
                    "invoices",
                    "true_words",
                    "page_words",
                    "page_images",
                    "ocr_words",
                    "annotations_done",
                    "alignment_stats_done",
                    "params:generate",
                    "params:execution",
                ],
                ["annotations", "alignment_stats", "labeling_quarantine"],
                name="label_pages",
            ),
            node(
                report_labeling,
                ["alignment_stats", "params:generate"],
                ["labeling_report", "labeling_table"],
                name="report_labeling",
            ),
        ]
    )
