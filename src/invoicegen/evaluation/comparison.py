"""Two evaluated models side by side: what ``invoicegen compare`` prints."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from invoicegen.evaluation.bootstrap import compare
from invoicegen.evaluation.outcomes import OutcomesError, read_outcomes

DATASETS: Final = ("generated", "real")


def list_runs(folder: Path) -> dict[str, dict[str, int]]:
    """Runs in a folder, the newest last: how many documents of each dataset were evaluated, by run.

    Raises:
        OutcomesError: If there are none, or one cannot be read.
    """
    found = sorted(
        (path for path in folder.glob("*") if any((path / f"{name}.jsonl").is_file() for name in DATASETS)),
        key=lambda path: path.stat().st_mtime,
    )
    if not found:
        raise OutcomesError(f"no runs in {folder}: evaluate a model with `kedro run --pipeline=evaluate`")
    return {path.name: {key: len(rows) for key, rows in _read(path).items()} for path in found}


def compare_runs(first: str, second: str, folder: Path, *, draws: int, seed: int) -> dict[str, Any]:
    """Compare two runs, dataset by dataset.

    Args:
        first: Name of a run in ``folder``, path of a folder of outcomes, or path of one file of outcomes.
        second: Likewise, and of the same sort.
        folder: Where named runs are.
        draws: Bootstrap draws.
        seed: Of the draws.

    Returns:
        ``{"first", "second", "datasets": {name: {"documents", "rows"}}}``; rows as
        :func:`invoicegen.evaluation.bootstrap.compare`.

    Raises:
        OutcomesError: If a run is not there or cannot be read, or both have no dataset in common, or the documents
            of a dataset differ.
    """
    one, other = (_read(_find(name, folder)) for name in (first, second))
    shared = [name for name in one if name in other]
    if not shared:
        raise OutcomesError(
            f"{first} has {', '.join(one)}, {second} has {', '.join(other)}: evaluate both models on the same pages"
        )
    return {
        "first": first,
        "second": second,
        "datasets": {
            name: {
                "documents": len(one[name]),
                "rows": compare(one[name], other[name], draws=draws, seed=seed),
            }
            for name in shared
        },
    }


def render_comparison(compared: dict[str, Any]) -> str:
    """The comparison as tables, one a dataset."""
    lines = [f"A: {compared['first']}", f"B: {compared['second']}"]
    for name, part in compared["datasets"].items():
        width = max(len(row["headline"]) for row in part["rows"])
        lines += [
            "",
            f"{name}, {part['documents']} documents",
            f"{'':{width}}      A      B   B - A   95 % interval    B better",
        ]
        for row in part["rows"]:
            interval = "" if row["low"] is None else f"[{row['low']:+.3f}, {row['high']:+.3f}]"
            share = "" if row["second_better"] is None else f"{100 * row['second_better']:5.1f} %"
            lines.append(
                f"{row['headline']:{width}}  {row['first']:.3f}  {row['second']:.3f}  {row['difference']:+.3f}  "
                f"{interval:17} {share}  {row['verdict']}"
            )
    return "\n".join(lines)


def _find(name: str, folder: Path) -> Path:
    for path in (Path(name), folder / name):
        if path.exists():
            return path
    raise OutcomesError(
        f"no run {name!r}: it is neither a file, a folder, nor one of {folder}; `invoicegen compare` lists the runs"
    )


def _read(path: Path) -> dict[str, Any]:
    if path.is_file():
        return {"documents": read_outcomes(path)}
    found = {name: path / f"{name}.jsonl" for name in DATASETS}
    outcomes = {name: read_outcomes(file) for name, file in found.items() if file.is_file()}
    if not outcomes:
        raise OutcomesError(f"{path} has neither generated.jsonl nor real.jsonl: evaluate the model anew")
    return outcomes
