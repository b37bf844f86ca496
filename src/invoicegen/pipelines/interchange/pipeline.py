"""Wiring of the pipelines ``import`` and ``export``."""

from __future__ import annotations

from typing import Any

from kedro.pipeline import Node, Pipeline

from invoicegen.pipelines.interchange.nodes import (
    describe_imported_pages,
    export_pages,
    read_annotations,
    write_imported_pages,
)


def create_import_pipeline(**kwargs: Any) -> Pipeline:
    """Annotations of another tool to the shards and the manifest that ``train`` and ``evaluate`` read."""
    return Pipeline(
        [
            Node(
                read_annotations,
                ["params:import", "params:taxonomy"],
                ["imported_pages", "import_report"],
                name="read_annotations",
            ),
            Node(
                write_imported_pages,
                ["imported_pages", "params:import", "params:taxonomy"],
                ["train_shards", "validation_shards", "test_shards"],
                name="write_imported_pages",
            ),
            Node(
                describe_imported_pages,
                [
                    "imported_pages",
                    "train_shards",
                    "validation_shards",
                    "test_shards",
                    "params:import",
                    "params:taxonomy",
                ],
                "model_input_manifest",
                name="describe_imported_pages",
            ),
        ]
    )


def create_export_pipeline(**kwargs: Any) -> Pipeline:
    """The current pages to the format of another tool."""
    return Pipeline(
        [
            Node(
                export_pages,
                [
                    "train_pages",
                    "validation_pages",
                    "test_pages",
                    "model_input_manifest",
                    "params:export",
                    "params:taxonomy",
                ],
                "export_summary",
                name="export_pages",
            )
        ]
    )
