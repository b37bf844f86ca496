"""The synthesis stage."""

from invoicegen.pipelines.synthesis.pipeline import create_pipeline

__all__ = ["create_pipeline"]
