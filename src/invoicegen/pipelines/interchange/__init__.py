"""Pipelines ``import`` and ``export``: annotated pages from other tools, and for them."""

from invoicegen.pipelines.interchange.pipeline import create_export_pipeline, create_import_pipeline

__all__ = ["create_export_pipeline", "create_import_pipeline"]
