"""einvoices."""

from __future__ import annotations

from typing import Any

from kedro.pipeline import Pipeline, node

from invoicegen.pipelines.einvoices.nodes import write_einvoices


def create_pipeline(**kwargs: Any) -> Pipeline:
    """Electronic invoices of the synthesised documents, by ``generate.einvoice``."""
    return Pipeline(
        [
            node(
                write_einvoices,
                [
                    "invoices",
                    "einvoices_done",
                    "einvoice_refusals_done",
                    "params:generate",
                    "params:execution",
                ],
                ["einvoices", "einvoice_refusals", "einvoice_quarantine"],
                name="write_einvoices",
            )
        ]
    )
