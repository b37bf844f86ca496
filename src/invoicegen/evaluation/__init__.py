"""Scores that say what a model is worth: on generated pages and on real documents, and the report of both.

Everything is imported on first use, so that pipelines can name the options without paying for the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from invoicegen.evaluation.options import EvaluateOptions, RealOptions, RobustnessOptions

if TYPE_CHECKING:
    from invoicegen.evaluation.evaluator import ModelEvaluator
    from invoicegen.evaluation.real import extract_real, read_labels, score_real
    from invoicegen.evaluation.report import render_report
    from invoicegen.evaluation.run import Evaluation, EvaluationResult, LabeledPage, evaluate

_LAZY = {
    "Evaluation": "run",
    "EvaluationResult": "run",
    "LabeledPage": "run",
    "ModelEvaluator": "evaluator",
    "evaluate": "run",
    "extract_real": "real",
    "read_labels": "real",
    "render_report": "report",
    "score_real": "real",
}

__all__ = [
    "EvaluateOptions",
    "Evaluation",
    "EvaluationResult",
    "LabeledPage",
    "ModelEvaluator",
    "RealOptions",
    "RobustnessOptions",
    "evaluate",
    "extract_real",
    "read_labels",
    "render_report",
    "score_real",
]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        from importlib import import_module

        return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
