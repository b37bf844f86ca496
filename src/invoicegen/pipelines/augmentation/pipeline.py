"""rasterise, augment."""

from __future__ import annotations

from typing import Any

from kedro.pipeline import Pipeline, node

from invoicegen.pipelines.augmentation.nodes import augment_pages


def create_pipeline(**kwargs: Any) -> Pipeline:
    """Page images and moved words of the rendered documents."""
    return Pipeline(
        [
            node(
                augment_pages,
                [
                    "document_plan",
                    "pdfs",
                    "true_words",
                    "page_images_done",
                    "page_words_done",
                    "params:generate",
                    "params:execution",
                ],
                ["page_images", "page_words", "augmentation_quarantine"],
                name="augment_pages",
            )
        ]
    )
