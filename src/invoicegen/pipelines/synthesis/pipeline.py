"""plan -> synthesise."""

from __future__ import annotations

from typing import Any

from kedro.pipeline import Pipeline, node

from invoicegen.pipelines.synthesis.nodes import plan_documents, synthesise_documents


def create_pipeline(**kwargs: Any) -> Pipeline:
    """Plans, then records, of the documents that ``params:generate`` asks for."""
    return Pipeline(
        [
            node(
                plan_documents,
                ["document_plan_done", "params:generate"],
                ["document_plan", "planning_quarantine"],
                name="plan_documents",
            ),
            node(
                synthesise_documents,
                ["document_plan", "invoices_done", "params:generate", "params:execution"],
                ["invoices", "synthesis_quarantine"],
                name="synthesise_documents",
            ),
        ]
    )
