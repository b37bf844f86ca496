"""Kedro hooks: parameters are known and well typed before the first node runs."""

from __future__ import annotations

from typing import Any

from kedro.framework.hooks import hook_impl
from pydantic import BaseModel, ValidationError


class ParameterError(ValueError):
    """A parameter that no pipeline knows, or whose value does not fit; names key, value and what is allowed."""


def _options() -> dict[str, type[BaseModel]]:
    from invoicegen.evaluation.options import EvaluateOptions, RealOptions
    from invoicegen.execution import ExecutionOptions
    from invoicegen.extraction.options import ExtractOptions
    from invoicegen.interchange.options import ExportOptions, ImportOptions
    from invoicegen.modeling.options import TrainingFolders, TrainOptions
    from invoicegen.ocr import OcrOptions
    from invoicegen.pipelines.options import GenerateOptions

    return {
        "generate": GenerateOptions,
        "ocr": OcrOptions,
        "execution": ExecutionOptions,
        "train": TrainOptions,
        "train_folders": TrainingFolders,
        "evaluate": EvaluateOptions,
        "real": RealOptions,
        "extract": ExtractOptions,
        "import": ImportOptions,
        "export": ExportOptions,
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
    """Checks all parameters once the configuration is read."""

    @hook_impl
    def after_context_created(self, context: Any) -> None:
        """Called by Kedro; see :func:`check_parameters`."""
        # As configured: Kedro would refuse ill-typed values too, but says less of them, and passes unknown keys.
        check_parameters(context.config_loader["parameters"])
