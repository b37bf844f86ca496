"""Pipeline ``pretrain``: pages without their labels to an encoder that training starts from."""

from invoicegen.pipelines.pretraining.pipeline import create_pipeline

__all__ = ["create_pipeline"]
