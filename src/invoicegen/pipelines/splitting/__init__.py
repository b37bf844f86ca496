"""The splitting stage."""

from invoicegen.pipelines.splitting.pipeline import create_pipeline

__all__ = ["create_pipeline"]
