"""Wiring of the pipeline ``extract``."""

from __future__ import annotations

from typing import Any

from kedro.pipeline import Node, Pipeline

from invoicegen.pipelines.extraction.nodes import extract_documents


def create_pipeline(**kwargs: Any) -> Pipeline:
    """Documents in ``params:extract`` to ``extractions``."""
    return Pipeline([Node(extract_documents, "params:extract", "extractions", name="extract_documents")])
