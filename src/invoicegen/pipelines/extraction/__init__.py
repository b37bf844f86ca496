"""Pipeline ``extract``: documents to fields and line items."""

from invoicegen.pipelines.extraction.pipeline import create_pipeline

__all__ = ["create_pipeline"]
