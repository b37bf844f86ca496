"""Pipeline ``train``: annotated pages to a model."""

from invoicegen.pipelines.training.pipeline import create_pipeline

__all__ = ["create_pipeline"]
