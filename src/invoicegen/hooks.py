"""Kedro hooks: parameters are known and well typed before the first node runs; of several processes one saves;
runs leave metrics.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.io import MemoryDataset
from pydantic import BaseModel, ValidationError


class ParameterError(ValueError):
    """A parameter that no pipeline knows, or whose value does not fit; names key, value and what is allowed."""


class ProcessesError(RuntimeError):
    """A pipeline whose nodes do not share their work was started in several processes."""


def _options() -> dict[str, type[BaseModel]]:
    from invoicegen.evaluation.options import EvaluateOptions, RealOptions, RobustnessOptions
    from invoicegen.execution import ExecutionOptions
    from invoicegen.extraction.options import ExtractOptions
    from invoicegen.interchange.options import ExportOptions, ImportOptions
    from invoicegen.modeling.options import PretrainOptions, TrainingData, TrainingFolders, TrainOptions
    from invoicegen.ocr import OcrOptions
    from invoicegen.pipelines.options import GenerateOptions
    from invoicegen.schema.taxonomy import LabelSet
    from invoicegen.tracking import TrackingOptions

    return {
        "generate": GenerateOptions,
        "ocr": OcrOptions,
        "execution": ExecutionOptions,
        "pretrain": PretrainOptions,
        "pretrain_folders": TrainingFolders,
        "train": TrainOptions,
        "train_data": TrainingData,
        "train_folders": TrainingFolders,
        "tracking": TrackingOptions,
        "evaluate": EvaluateOptions,
        "real": RealOptions,
        "robustness": RobustnessOptions,
        "extract": ExtractOptions,
        "import": ImportOptions,
        "export": ExportOptions,
        "taxonomy": LabelSet,
    }


def check_parameters(parameters: dict[str, Any]) -> None:
    """Refuse unknown and ill-typed parameters.

    Raises:
        ParameterError: With one line a problem: the key, the value, and what is allowed.
    """
    options = _options()
    problems = []
    for key, value in parameters.items():
        if key not in options:
            problems.append(f"{key}: unknown parameter (value {value!r}); there are {', '.join(options)}")
            continue
        try:
            options[key].model_validate(value)
        except ValidationError as error:
            for detail in error.errors():
                place = ".".join([key, *(str(part) for part in detail["loc"])])
                message = detail["msg"].removeprefix("Value error, ")
                if detail["type"] == "extra_forbidden":
                    known = ", ".join(options[key].model_fields)
                    message = f"unknown parameter; {key} has {known}"
                given = "" if detail["type"] == "value_error" else f" (value {detail['input']!r})"
                problems.append(f"{place}: {message}{given}")
    if problems:
        raise ParameterError("parameters refused before any work:\n  " + "\n  ".join(problems))


class ParameterHooks:
    """Checks all parameters once the configuration is read, before other hooks look at them."""

    @hook_impl(tryfirst=True)
    def after_context_created(self, context: Any) -> None:
        """Called by Kedro; see :func:`check_parameters`."""
        # As configured: Kedro would refuse ill-typed values too, but says less of them, and passes unknown keys.
        check_parameters(context.config_loader["parameters"])


class ProcessHooks:
    """A run that ``torchrun`` or ``accelerate launch`` starts in several processes saves in the first alone."""

    @hook_impl
    def before_pipeline_run(self, pipeline: Any, catalog: Any) -> None:
        """Called by Kedro; in all processes but the first, outputs stay in memory.

        Raises:
            ProcessesError: If there are nodes that would do the same work in each process.
        """
        from invoicegen.modeling.processes import launched
        from invoicegen.pipelines.training.pipeline import SEVERAL_PROCESSES

        processes = launched()
        if processes.size == 1:
            return
        others = [node.name for node in pipeline.nodes if SEVERAL_PROCESSES not in node.tags]
        if others:
            raise ProcessesError(
                f"this run was started in {processes.size} processes, among which only training is shared; "
                f"{', '.join(others[:3])}{' …' if len(others) > 3 else ''} would run in each: start those pipelines "
                "by `kedro run` (execution.workers says in how many processes), and `--pipeline=train` by torchrun"
            )
        if not processes.is_first:
            for name in pipeline.all_outputs():
                catalog[name] = MemoryDataset(copy_mode="assign")


class RunMetricsHooks:
    """Every run leaves its metrics for Prometheus, where ``tracking.textfile`` names a folder."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._start = 0.0

    @hook_impl
    def after_context_created(self, context: Any) -> None:
        """Called by Kedro."""
        from invoicegen.tracking import TrackingOptions

        self._folder = TrackingOptions.model_validate(context.params.get("tracking", {})).textfile

    @hook_impl
    def before_pipeline_run(self) -> None:
        """Called by Kedro."""
        self._start = time.perf_counter()

    @hook_impl
    def after_pipeline_run(self, run_params: dict[str, Any], pipeline: Any, catalog: Any) -> None:
        """Called by Kedro; see :class:`invoicegen.run_metrics.RunMetrics`."""
        self._write(run_params, pipeline, catalog, succeeded=True)

    @hook_impl
    def on_pipeline_error(self, run_params: dict[str, Any], pipeline: Any, catalog: Any) -> None:
        """Called by Kedro."""
        self._write(run_params, pipeline, catalog, succeeded=False)

    def _write(self, run_params: dict[str, Any], pipeline: Any, catalog: Any, *, succeeded: bool) -> None:
        from invoicegen.modeling.processes import launched

        if self._folder is None or not launched().is_first:
            return
        from invoicegen.run_metrics import RunMetrics

        metrics = RunMetrics("_".join(run_params["pipeline_names"] or ["default"]))
        metrics.finish(time.perf_counter() - self._start, succeeded=succeeded)
        if succeeded:
            made = pipeline.all_outputs()
            for name, add in (
                ("labeling_report", metrics.add_labels),
                ("model_input_manifest", metrics.add_splits),
                ("training_summary", metrics.add_training),
                ("evaluation_scores", metrics.add_evaluation),
            ):
                if name in made:
                    add(catalog[name].load())
            if "model_input_manifest" in made:
                folder = catalog["model_input_manifest"].load()["fingerprint"]
                for name in sorted(name for name in made if name.endswith("_quarantine")):
                    failed = [
                        load()
                        for shard, load in catalog[name].load().items()
                        if shard.startswith(f"{folder}/")
                    ]
                    metrics.add_quarantined(name.removesuffix("_quarantine"), sum(map(len, failed)))
        metrics.write(self._folder)
