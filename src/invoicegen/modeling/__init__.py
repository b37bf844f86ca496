"""The model: LayoutLMv3 with three heads, its training and its use.

What is slow to import is imported on first use; ``Predictor`` and ``ModelLoader`` need torch and transformers only for
models that are not exported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from invoicegen.modeling.errors import (
    CheckpointError,
    EmptySplitError,
    ModelFolderError,
    ModelingError,
    NonFiniteLossError,
    ParityError,
    TaxonomyMismatchError,
    WarmStartError,
)
from invoicegen.modeling.options import (
    LayoutJitter,
    LossWeights,
    PretrainOptions,
    TrainingData,
    TrainingFolders,
    TrainOptions,
)

if TYPE_CHECKING:
    from invoicegen.modeling.inference import Ensemble, PageInput, PageLabeler, Predictor
    from invoicegen.modeling.loading import ModelLoader
    from invoicegen.modeling.pretraining import pretrain_model
    from invoicegen.modeling.training import TrainedModel, train_model

_LAZY = {
    "Ensemble": "inference",
    "ModelLoader": "loading",
    "PageInput": "inference",
    "PageLabeler": "inference",
    "Predictor": "inference",
    "TrainedModel": "training",
    "pretrain_model": "pretraining",
    "train_model": "training",
}

__all__ = [
    "CheckpointError",
    "EmptySplitError",
    "Ensemble",
    "LayoutJitter",
    "LossWeights",
    "ModelFolderError",
    "ModelLoader",
    "ModelingError",
    "NonFiniteLossError",
    "PageInput",
    "PageLabeler",
    "ParityError",
    "Predictor",
    "PretrainOptions",
    "TaxonomyMismatchError",
    "TrainOptions",
    "TrainedModel",
    "TrainingData",
    "TrainingFolders",
    "WarmStartError",
    "pretrain_model",
    "train_model",
]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        from importlib import import_module

        return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
