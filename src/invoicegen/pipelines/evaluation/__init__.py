"""Pipelines ``evaluate`` and ``evaluate_real``: a model to scores, figures and the report."""

from invoicegen.pipelines.evaluation.pipeline import create_pipeline, create_real_pipeline

__all__ = ["create_pipeline", "create_real_pipeline"]
