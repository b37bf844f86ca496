"""The stage of electronic invoices."""

from invoicegen.pipelines.einvoices.pipeline import create_pipeline

__all__ = ["create_pipeline"]
