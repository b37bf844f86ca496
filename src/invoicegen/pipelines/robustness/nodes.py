"""Nodes of the pipeline ``robustness``."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from invoicegen.evaluation.options import RobustnessOptions
from invoicegen.execution import ExecutionOptions
from invoicegen.ocr import OcrOptions
from invoicegen.pipelines.options import GenerateOptions

Records = list[dict[str, Any]]


def measure_robustness(
    model: Path,
    options: RobustnessOptions,
    generate: GenerateOptions,
    ocr: OcrOptions,
    execution: ExecutionOptions,
) -> Iterator[dict[str, Records]]:
    """Outcomes of the same documents, one shard a preset and engine: ``<model>/<preset>/<engine>``.

    They come after those of the run and have layouts of the test split, which training saw none of.
    """
    from tqdm import tqdm

    from invoicegen.evaluation.fingerprint import model_fingerprint
    from invoicegen.evaluation.outcomes import outcome_rows
    from invoicegen.evaluation.robustness import outcomes_by_engine
    from invoicegen.modeling import Predictor
    from invoicegen.pipelines.measuring import labelled_readings, plan_with, plans_of_split

    unseen = plans_of_split("test", generate, start=generate.documents)
    indices = [plan.index for plan in itertools.islice(unseen, options.documents)]
    name = model_fingerprint(model)
    predictor = Predictor.from_pretrained(model, device=options.device)
    for preset in options.presets:
        plans = [plan_with(generate, index, preset) for index in indices]
        readings = labelled_readings(plans, options.engines_of(preset), generate, ocr, execution)
        documents = tqdm(
            readings, total=len(plans), unit="doc", desc=preset, disable=None if options.progress else True
        )
        for engine, outcomes in outcomes_by_engine(documents, predictor).items():
            yield {f"{name}/{preset}/{engine}": outcome_rows(outcomes)}


def score_robustness(outcomes: dict[str, Any], model: Path, options: RobustnessOptions) -> dict[str, Any]:
    """Scores by preset and engine, each with its interval and beside the first preset and engine."""
    from invoicegen.evaluation.fingerprint import model_fingerprint
    from invoicegen.evaluation.outcomes import DocumentOutcome
    from invoicegen.evaluation.robustness import robustness_scores

    name = model_fingerprint(model)
    conditions = [(preset, engine) for preset in options.presets for engine in options.engines_of(preset)]
    measured = {
        (preset, engine): [
            DocumentOutcome.model_validate(row) for row in outcomes[f"{name}/{preset}/{engine}"]()
        ]
        for preset, engine in conditions
    }
    return {"model": name, **robustness_scores(measured)}


def plot_robustness(scores: dict[str, Any]) -> Any:
    """A bar with its interval for every preset and engine."""
    from invoicegen.evaluation.figures import plot_robustness as plot

    return plot(scores)
