"""Named pipelines.

They are named one by one: Kedro's ``find_pipelines`` looks for the names asked for among the folders, and knows
nothing of pipelines composed of several.
"""

from __future__ import annotations

from kedro.pipeline import Pipeline

from invoicegen.pipelines import (
    augmentation,
    einvoices,
    evaluation,
    extraction,
    interchange,
    labeling,
    ocr,
    pretraining,
    rendering,
    robustness,
    splitting,
    synthesis,
)
from invoicegen.pipelines import training as training_stage
from invoicegen.pipelines.evaluation.pipeline import create_real_pipeline


def register_pipelines() -> dict[str, Pipeline]:
    """Every stage by its own name; ``generate``, ``pretrain``, ``train``, ``evaluate``, ``robustness``, ``extract``,
    ``import``, ``export`` by what they are for.

    ``__default__`` is generate, train and evaluate in one go.
    """
    stages = {
        "synthesis": synthesis.create_pipeline(),
        "rendering": rendering.create_pipeline(),
        "einvoices": einvoices.create_pipeline(),
        "augmentation": augmentation.create_pipeline(),
        "ocr": ocr.create_pipeline(),
        "labeling": labeling.create_pipeline(),
        "splitting": splitting.create_pipeline(),
    }
    generate = sum(stages.values(), Pipeline([]))
    train = training_stage.create_pipeline()
    evaluate = evaluation.create_pipeline()
    return {
        "__default__": generate + train + evaluate,
        "generate": generate,
        "pretrain": pretraining.create_pipeline(),
        "train": train,
        "evaluate": evaluate,
        "evaluate_real": create_real_pipeline(),
        "robustness": robustness.create_pipeline(),
        "extract": extraction.create_pipeline(),
        "import": interchange.create_import_pipeline(),
        "export": interchange.create_export_pipeline(),
        **stages,
    }
