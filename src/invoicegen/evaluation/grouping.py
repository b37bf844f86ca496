"""What documents are counted under: conditions they were made and read under, and how long they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from invoicegen.evaluation.counts import Counts
from invoicegen.evaluation.outcomes import DocumentOutcome

if TYPE_CHECKING:
    from invoicegen.evaluation.run import LabeledPage

GROUPS: Final[tuple[str, ...]] = (
    "template_family",
    "locale",
    "document_type",
    "kind",
    "ocr_engine",
    "augmentation",
    "line_items",
    "pages",
    "words",
)
"""What documents are grouped by for scores of their own."""

STEPS: Final[dict[str, tuple[int, ...]]] = {
    "line_items": (0, 1, 6, 16, 41),
    "pages": (1, 2, 3),
    "words": (1, 101, 201, 401, 801),
}
"""Where the groups by number of printed line items, pages and words read begin."""


def document_groups(pages: Sequence[LabeledPage], line_items: int) -> dict[str, str]:
    """The value of each of :data:`GROUPS` for a document that prints so many line items."""
    first = pages[0]
    words = sum(len(page.page.words) for page in pages)
    return {
        "template_family": first.page.provenance.template_family,
        "locale": first.page.provenance.locale,
        "document_type": first.page.document_type,
        "kind": str(first.page.provenance.layout_params.get("kind", "unknown")),
        "ocr_engine": first.ocr_engine,
        "augmentation": first.augmentation,
        "line_items": step(line_items, STEPS["line_items"]),
        "pages": step(len(pages), STEPS["pages"]),
        "words": step(words, STEPS["words"]),
    }


def step(number: int, steps: Sequence[int]) -> str:
    """The step that a number is on, as ``6-15``, ``41+`` or, where a step has one number, ``1``."""
    for low, following in pairwise(steps):
        if number < following:
            return str(low) if following == low + 1 else f"{low}-{following - 1}"
    return f"{steps[-1]}+"


def layout_scores(outcomes: Sequence[DocumentOutcome]) -> dict[str, Any]:
    """How fields are read in each layout: ``layouts`` (how many), ``mean_f1``, ``worst``, worst first, ten of them.

    ``worst`` holds ``{"layout", "documents", "f1", "example"}``; a layout that prints no field is left out.
    """
    by_layout: dict[str, tuple[Counts, list[str]]] = {}
    for outcome in outcomes:
        counts, members = by_layout.setdefault(outcome.layout, (Counts(), []))
        counts.add(Counts(*outcome.counts["fields"]))
        members.append(outcome.document)
    rows: list[dict[str, Any]] = [
        {"layout": name, "documents": len(members), "f1": counts.f1, "example": members[0]}
        for name, (counts, members) in by_layout.items()
        if counts.f1 is not None
    ]
    rows.sort(key=lambda row: (row["f1"], row["layout"]))
    return {
        "layouts": len(rows),
        "mean_f1": sum(row["f1"] for row in rows) / len(rows) if rows else None,
        "worst": rows[:10],
    }


def error_groups(errors: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, dict[str, int]]]:
    """Errors by category in each value of each of :data:`GROUPS`."""
    counted: dict[str, dict[str, Counter[str]]] = {name: {} for name in GROUPS}
    for error in errors:
        for name in GROUPS:
            counted[name].setdefault(error[name], Counter())[error["category"]] += 1
    return {
        name: {value: dict(groups[value]) for value in sorted(groups, key=group_order)}
        for name, groups in counted.items()
    }


def group_order(value: str) -> tuple[int, str]:
    """Steps by their first number, names by the alphabet."""
    digits = value.split("-")[0].rstrip("+")
    return (int(digits), "") if digits.isdigit() else (0, value)
