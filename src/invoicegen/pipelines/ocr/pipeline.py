"""recognise."""

from __future__ import annotations

from typing import Any

from kedro.pipeline import Pipeline, node

from invoicegen.pipelines.ocr.nodes import recognise_words


def create_pipeline(**kwargs: Any) -> Pipeline:
    """Words of the page images."""
    return Pipeline(
        [
            node(
                recognise_words,
                [
                    "document_plan",
                    "pdfs",
                    "page_images",
                    "page_words",
                    "ocr_words_done",
                    "params:generate",
                    "params:ocr",
                    "params:execution",
                ],
                ["ocr_words", "ocr_quarantine"],
                name="recognise_words",
            )
        ]
    )
