"""The augmentation stage."""

from invoicegen.pipelines.augmentation.pipeline import create_pipeline

__all__ = ["create_pipeline"]
