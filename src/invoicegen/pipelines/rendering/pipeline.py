"""render."""

from __future__ import annotations

from typing import Any

from kedro.pipeline import Pipeline, node

from invoicegen.pipelines.rendering.nodes import render_documents


def create_pipeline(**kwargs: Any) -> Pipeline:
    """PDFs and true words of the synthesised documents."""
    return Pipeline(
        [
            node(
                render_documents,
                ["invoices", "pdfs_done", "true_words_done", "params:generate", "params:execution"],
                ["pdfs", "true_words", "rendering_quarantine"],
                name="render_documents",
            )
        ]
    )
