"""The rendering stage."""

from invoicegen.pipelines.rendering.pipeline import create_pipeline

__all__ = ["create_pipeline"]
