"""Many models on generated and on real documents: what came of each document, and tables of the headlines."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from invoicegen.evaluation.options import EvaluateOptions
from invoicegen.evaluation.outcomes import outcome_rows
from invoicegen.evaluation.real import RealLabel, score_real
from invoicegen.evaluation.run import evaluate
from invoicegen.extraction import assemble
from invoicegen.modeling import PageInput, PageLabeler

if TYPE_CHECKING:
    import pyarrow as pa

SHOWN: Final = {
    "generated": ("entities, strict micro F1", "fields, micro F1", "line items, F1"),
    "real": ("invoice: fields, F1 by layout", "receipt: fields, micro F1", "fields, micro F1"),
}
"""Headlines of a table by dataset, of those of :func:`invoicegen.evaluation.bootstrap.headlines`."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a table.

    Attributes:
        cells: What stands before the scores.
        intervals: As :func:`invoicegen.evaluation.bootstrap.intervals` gives.
        gains: Rows of :func:`invoicegen.evaluation.bootstrap.compare` by headline; empty where there is nothing to
            compare with.
    """

    cells: Sequence[str]
    intervals: Mapping[str, Mapping[str, Any]]
    gains: Mapping[str, Mapping[str, Any]]


def write_outcomes(
    predictor: PageLabeler,
    folder: Path,
    test: Mapping[str, Callable[[], pa.Table]],
    labels: Sequence[RealLabel],
    real: Mapping[str, Sequence[PageInput]],
) -> None:
    """Write what came of each document, under the names that ``invoicegen compare`` looks for.

    Args:
        predictor: The model.
        folder: Gets ``generated.jsonl`` and, where there are labels, ``real.jsonl``.
        test: Shards of generated pages.
        labels: Of the real documents; empty for none.
        real: Their pages by file, as :func:`invoicegen.evaluation.real_pages.read_real_pages` gives.
    """
    outcomes = {
        "generated": outcome_rows(evaluate(test, predictor, EvaluateOptions(progress=False)).outcomes)
    }
    if labels:
        records = [
            {"file": label.file, **assemble(predictor.predict_pages(real[label.file]))} for label in labels
        ]
        outcomes["real"] = score_real(labels, records)["outcomes"]
    for name, rows in outcomes.items():
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(lines, encoding="utf-8")


def markdown_table(dataset: str, names: Sequence[str], lines: Iterable[Line]) -> str:
    """Scores of a dataset with their intervals, or with gains and theirs where there are gains; a dash for none.

    Args:
        dataset: A key of :data:`SHOWN`.
        names: Of the cells before the scores.
        lines: Of the table.
    """
    titles = SHOWN[dataset]
    rows = [[f"{dataset}: {names[0]}", *names[1:], *titles], ["--"] * (len(names) + len(titles))]
    for line in lines:
        cells = list(line.cells)
        for title in titles:
            one, gain = line.intervals.get(title), line.gains.get(title)
            if one is None:
                cells.append("–")
                continue
            around = (
                f" [{one['low']:.3f}, {one['high']:.3f}]"
                if gain is None
                else f", {gain['difference']:+.3f} [{gain['low']:+.3f}, {gain['high']:+.3f}]"
            )
            cells.append(f"{one['value']:.3f}{around}")
        rows.append(cells)
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)
