"""What came of each document: the counts that every score is a sum of, and each value that was given.

Scores of all documents hide how much they owe to chance; from the outcomes of single documents follow intervals,
the comparison of two models (:mod:`invoicegen.evaluation.bootstrap`), and what may be released without a look
(:mod:`invoicegen.evaluation.release`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from invoicegen.evaluation.counts import Counts

Triple = tuple[int, int, int]
"""Correct, predicted, true."""


class GivenValue(BaseModel):
    """The value that was given for a field: the most confident one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    field: str
    confidence: float
    right: bool


class DocumentOutcome(BaseModel):
    """One document.

    Attributes:
        document: Its id, or its file.
        layout: What it shares its layout with: split group, or template of a real document.
        groups: What it is counted under, as ``{"locale": "de_DE"}``.
        counts: Correct, predicted and true of ``entities``, ``fields``, ``fields_soft``, ``line_items``,
            ``line_items_core``; what was not measured is absent.
        by_field: The same of each field that was given or is there.
        values: What was given.
        all_right: Every field that is there is exactly right, and none was given that is not there. None where
            the labels do not say what is not there.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    document: str
    layout: str
    groups: dict[str, str] = {}
    counts: dict[str, Triple]
    by_field: dict[str, Triple] = {}
    values: list[GivenValue] = []
    all_right: bool | None = None


class OutcomesError(ValueError):
    """Outcomes cannot be read, or not be compared; says why, and what to do."""


def triple(counts: Counts) -> Triple:
    """The counts as they are stored."""
    return (counts.correct, counts.predicted, counts.true)


def pooled(runs: Sequence[Sequence[DocumentOutcome]]) -> list[DocumentOutcome]:
    """The outcomes of several models on the same documents as those of one: the counts of each document added up.

    What is not a sum of counts (values, ``by_field``, ``all_right``) is left out.

    Args:
        runs: Of each model the outcomes, documents in the same order.

    Raises:
        OutcomesError: If the documents are not the same.
    """
    names = [[outcome.document for outcome in run] for run in runs]
    if any(other != names[0] for other in names):
        raise OutcomesError("the runs are not of the same documents: evaluate all models on the same pages")
    return [
        DocumentOutcome(
            document=same[0].document,
            layout=same[0].layout,
            groups=same[0].groups,
            counts={
                name: tuple(np.sum([outcome.counts[name] for outcome in same], axis=0).tolist())
                for name in same[0].counts
            },
        )
        for same in zip(*runs, strict=True)
    ]


def read_outcomes(path: str | Path) -> list[DocumentOutcome]:
    """Outcomes of one evaluation, a JSON object a line.

    Raises:
        OutcomesError: If there is no such file, it is empty, or a line is no outcome; names the file and line.
    """
    file = Path(path)
    if not file.is_file():
        raise OutcomesError(f"{file} does not exist: evaluate a model first (docs/evaluation.md)")
    outcomes = []
    with file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                outcomes.append(DocumentOutcome.model_validate_json(line))
            except ValidationError as error:
                first = error.errors()[0]
                place = ".".join(str(part) for part in first["loc"])
                raise OutcomesError(
                    f"{file}, line {number}: {place or 'the line'}: {first['msg']}; evaluate the model anew"
                ) from error
    if not outcomes:
        raise OutcomesError(f"{file} has no documents: evaluate the model anew")
    return outcomes


def outcome_rows(outcomes: Iterable[DocumentOutcome]) -> list[dict[str, Any]]:
    """Outcomes as JSON-ready objects, one a line of the file that :func:`read_outcomes` reads."""
    return [json.loads(outcome.model_dump_json()) for outcome in outcomes]
