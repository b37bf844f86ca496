"""The ocr stage."""

from invoicegen.pipelines.ocr.pipeline import create_pipeline

__all__ = ["create_pipeline"]
