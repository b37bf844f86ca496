"""split."""

from __future__ import annotations

from typing import Any

from kedro.pipeline import Pipeline, node

from invoicegen.pipelines.splitting.nodes import describe_model_input, draw_gallery, split_pages


def create_pipeline(**kwargs: Any) -> Pipeline:
    """Train, validation and test shards and their manifest."""
    return Pipeline(
        [
            node(
                split_pages,
                [
                    "document_plan",
                    "annotations",
                    "page_images",
                    "train_shards_done",
                    "validation_shards_done",
                    "test_shards_done",
                    "params:generate",
                ],
                ["train_shards", "validation_shards", "test_shards"],
                name="split_pages",
            ),
            node(
                describe_model_input,
                ["train_shards", "validation_shards", "test_shards", "params:generate"],
                "model_input_manifest",
                name="describe_model_input",
            ),
            node(
                draw_gallery,
                ["train_shards", "model_input_manifest", "params:generate"],
                ["gallery", "contact_sheet"],
                name="draw_gallery",
            ),
        ]
    )
