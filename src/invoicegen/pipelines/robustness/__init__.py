"""Pipeline ``robustness``: the same documents under every augmentation preset, read by every engine."""

from invoicegen.pipelines.robustness.pipeline import create_pipeline

__all__ = ["create_pipeline"]
