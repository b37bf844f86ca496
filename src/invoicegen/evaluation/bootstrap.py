"""How sure a score is, and whether one model is better than another: bootstrap over documents.

Documents are drawn with replacement, as many as there are, and every headline is computed anew; the middle 95 % of its
values are its interval. Two models are compared on the same draws, so that what makes a document easy or hard for both
cancels out.

Source:
    Efron and Tibshirani, An introduction to the bootstrap, 1993, chapter 13 (percentile intervals); Berg-Kirkpatrick,
    Burkett and Klein, An empirical investigation of statistical significance in NLP, 2012,
    https://aclanthology.org/D12-1091/ (paired comparison).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from invoicegen.evaluation.outcomes import DocumentOutcome, OutcomesError

DRAWS: Final = 2000
LEVEL: Final = 0.95

Weights = NDArray[np.int64]
"""How often each document is in each draw, shape (draws, documents)."""
Headline = Callable[[Weights], NDArray[np.float64]]
"""A score of each draw, shape (draws,); NaN where a draw cannot say."""

COUNT_TITLES: Final[dict[str, str]] = {
    "fields": "fields, micro F1",
    "fields_soft": "fields, soft micro F1",
    "line_items": "line items, F1",
    "line_items_core": "line items, core values, F1",
    "entities": "entities, strict micro F1",
}
"""Headlines of every count of :class:`~invoicegen.evaluation.outcomes.DocumentOutcome`."""


def draw_weights(documents: int, draws: int = DRAWS, seed: int = 0) -> Weights:
    """Bootstrap draws: each row says how often each document is drawn, and adds up to ``documents``."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(documents, np.full(documents, 1 / documents), size=draws)


def micro_f1(counts: NDArray[np.int64], weights: Weights) -> NDArray[np.float64]:
    """F1 of summed counts.

    Args:
        counts: Correct, predicted and true of each document, shape (documents, 3).
        weights: Shape (draws, documents).

    Returns:
        Shape (draws,); NaN where nothing is true in a draw.
    """
    correct, predicted, true = (weights @ counts).T.astype(float)
    scores = np.full(len(weights), np.nan)
    np.divide(2 * correct, predicted + true, out=scores, where=true > 0)
    return scores


def mean_f1_by_layout(
    counts: NDArray[np.int64], layout: Sequence[str], weights: Weights
) -> NDArray[np.float64]:
    """Mean over the layouts in a draw of their micro F1; shapes as :func:`micro_f1`."""
    names = {name: number for number, name in enumerate(dict.fromkeys(layout))}
    member = np.array([names[name] for name in layout])
    sums = np.zeros((len(weights), len(names)))
    drawn = np.zeros_like(sums, dtype=bool)
    for number in range(len(names)):
        of = member == number
        scores = micro_f1(counts[of], weights[:, of])
        drawn[:, number] = ~np.isnan(scores)
        sums[:, number] = np.nan_to_num(scores)
    means = np.full(len(weights), np.nan)
    np.divide(sums.sum(axis=1), drawn.sum(axis=1), out=means, where=drawn.any(axis=1))
    return means


def headlines(outcomes: Sequence[DocumentOutcome]) -> dict[str, Headline]:
    """The scores that stand at the top of a report, by title; only those that the outcomes can say.

    F1 of every count over all documents; the share of documents that are wholly right; and for every kind of
    document (``document_type`` or ``kind`` in its groups) F1 of its fields, all documents alike and all layouts
    alike.
    """
    found: dict[str, Headline] = {}
    for name, title in COUNT_TITLES.items():
        counts = _counts(outcomes, name)
        if counts[:, 2].any():
            found[title] = _micro(counts)
    right = [outcome.all_right for outcome in outcomes]
    if right and None not in right:
        found["documents with all fields right"] = _share(np.array(right, dtype=float))
    fields = _counts(outcomes, "fields")
    kinds = [outcome.groups.get("document_type") or outcome.groups.get("kind") or "" for outcome in outcomes]
    for kind in sorted(set(kinds) - {""}):
        of = np.array([name == kind for name in kinds])
        counts = np.where(of[:, None], fields, 0)
        if not counts[:, 2].any():
            continue
        found[f"{kind}: fields, micro F1"] = _micro(counts)
        found[f"{kind}: fields, F1 by layout"] = _by_layout(counts, [outcome.layout for outcome in outcomes])
    return found


def intervals(
    outcomes: Sequence[DocumentOutcome], *, draws: int = DRAWS, seed: int = 0
) -> dict[str, dict[str, Any]]:
    """Each headline with its 95 % interval.

    Returns:
        ``{title: {"value", "low", "high"}}``; the bounds are None where fewer than two documents say anything.
    """
    weights = draw_weights(len(outcomes), draws, seed)
    once = np.ones((1, len(outcomes)), dtype=np.int64)
    rows = {}
    for title, headline in headlines(outcomes).items():
        low, high = _bounds(headline(weights)) if len(outcomes) > 1 else (None, None)
        rows[title] = {"value": float(headline(once)[0]), "low": low, "high": high}
    return rows


def compare(
    first: Sequence[DocumentOutcome], second: Sequence[DocumentOutcome], *, draws: int = DRAWS, seed: int = 0
) -> list[dict[str, Any]]:
    """Two models on the same documents, paired.

    Returns:
        A row for each headline that both have: ``headline, first, second, difference`` (second less first), its
        interval ``low, high``, ``second_better`` (share of draws in which the second is better, ties half), and
        ``verdict``: ``better`` or ``worse`` where the interval leaves out 0, else ``undecided``.

    Raises:
        OutcomesError: If the documents are not the same; says how many, and some of them.
    """
    mine = {outcome.document: outcome for outcome in first}
    other = {outcome.document: outcome for outcome in second}
    if len(mine) != len(first) or len(other) != len(second):
        raise OutcomesError("a document occurs twice in one of the runs: evaluate the model anew")
    only = [sorted(mine.keys() - other.keys()), sorted(other.keys() - mine.keys())]
    if any(only):
        raise OutcomesError(
            f"the runs are not of the same documents: {len(only[0])} are in the first alone, {len(only[1])} in the "
            f"second alone, {len(mine.keys() & other.keys())} in both "
            f"(as {', '.join((only[0] + only[1])[:3])}); evaluate both models on the same pages"
        )
    names = sorted(mine)
    pair = [headlines([run[name] for name in names]) for run in (mine, other)]
    weights = draw_weights(len(names), draws, seed)
    once = np.ones((1, len(names)), dtype=np.int64)
    rows = []
    for title in pair[0]:
        if title not in pair[1]:
            continue
        values = [float(side[title](once)[0]) for side in pair]
        gaps = pair[1][title](weights) - pair[0][title](weights)
        gaps = gaps[~np.isnan(gaps)]
        low, high = _bounds(gaps) if len(names) > 1 else (None, None)
        verdict = "undecided"
        if low is not None and high is not None and (low > 0 or high < 0):
            verdict = "better" if low > 0 else "worse"
        rows.append(
            {
                "headline": title,
                "first": values[0],
                "second": values[1],
                "difference": values[1] - values[0],
                "low": low,
                "high": high,
                "second_better": float((gaps > 0).mean() + (gaps == 0).mean() / 2) if len(gaps) else None,
                "verdict": verdict,
            }
        )
    return rows


def _counts(outcomes: Sequence[DocumentOutcome], name: str) -> NDArray[np.int64]:
    rows = [outcome.counts.get(name, (0, 0, 0)) for outcome in outcomes]
    return np.array(rows, dtype=np.int64).reshape(-1, 3)


def _micro(counts: NDArray[np.int64]) -> Headline:
    return lambda weights: micro_f1(counts, weights)


def _by_layout(counts: NDArray[np.int64], layout: Sequence[str]) -> Headline:
    return lambda weights: mean_f1_by_layout(counts, layout, weights)


def _share(right: NDArray[np.float64]) -> Headline:
    return lambda weights: (weights @ right) / weights.sum(axis=1)


def _bounds(values: NDArray[np.float64]) -> tuple[float | None, float | None]:
    known = values[~np.isnan(values)]
    if not len(known):
        return None, None
    low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
