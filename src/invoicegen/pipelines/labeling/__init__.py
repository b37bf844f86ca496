"""The labeling stage."""

from invoicegen.pipelines.labeling.pipeline import create_pipeline

__all__ = ["create_pipeline"]
