"""Nodes of the pipeline ``robustness``."""

from __future__ import annotations

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
    """Outcomes of the same documents, one shard a preset and engine: ``<model>/<preset>/<engine>``."""
    from tqdm import tqdm

    from invoicegen.evaluation.fingerprint import model_fingerprint
    from invoicegen.evaluation.outcomes import outcome_rows
    from invoicegen.evaluation.run import Evaluation, LabeledPage
    from invoicegen.extraction import assemble
    from invoicegen.modeling import PageInput, Predictor
    from invoicegen.pipelines.labeling.nodes import label_document
    from invoicegen.pipelines.measuring import plan_with, read_documents
    from invoicegen.schema.annotation import Page

    indices = unseen_documents(generate, options.documents)
    name = model_fingerprint(model)
    predictor = Predictor.from_pretrained(model, device=options.device)
    total = len(indices) * sum(len(options.engines_of(preset)) for preset in options.presets)
    with tqdm(total=total, unit="doc", desc="robustness", disable=None if options.progress else True) as bar:
        for preset in options.presets:
            engines = options.engines_of(preset)
            evaluations = {engine: Evaluation(labels=predictor.labels) for engine in engines}
            plans = [plan_with(generate, index, preset) for index in indices]
            for items in read_documents(plans, engines, generate, ocr, execution):
                for engine, item in zip(engines, items, strict=True):
                    rows = label_document(item, generate.dpi)["pages"]
                    pages = [
                        LabeledPage(Page.model_validate({**row, "split": "test"}), engine, preset)
                        for row in rows
                    ]
                    found = predictor.predict_pages(
                        [PageInput(p.page.page, p.page.width, p.page.height, p.page.words) for p in pages]
                    )
                    evaluations[engine].add_document(pages, found, assemble(found))
                    bar.update()
            for engine, evaluation in evaluations.items():
                yield {f"{name}/{preset}/{engine}": outcome_rows(evaluation.outcomes)}


def unseen_documents(generate: GenerateOptions, count: int) -> list[int]:
    """Indices of the first documents after those of the run whose layouts belong to the test split.

    Raises:
        ValueError: If there is no test split, so that all layouts may have been trained on.
    """
    from invoicegen.splitting import assign_split
    from invoicegen.templates import plan_document

    shares = generate.split.model_dump()
    if not shares["test"]:
        raise ValueError(
            "generate.split.test is 0: no layout is kept from training, give the test split a share"
        )
    found: list[int] = []
    index = generate.documents
    while len(found) < count:
        plan = plan_document(index, generate)
        if assign_split(plan.split_group, generate.seed, shares) == "test":
            found.append(index)
        index += 1
    return found


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
