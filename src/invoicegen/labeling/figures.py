"""The labeling report as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLUMNS: Final = {
    "pages": "pages",
    "aligned": "true words\naligned",
    "lost": "lost",
    "spurious": "spurious",
    "cer": "character\nerror rate",
    "labels_kept": "labels\nkept",
    "labels_kept_of_read": "labels kept\nof words read",
    "entity_coverage": "entities\nwhole",
    "entity_coverage_any": "entities\nfound",
}
_LOSSES: Final = ("lost", "spurious", "cer")
_WORST: Final = 0.05
"""Loss that is painted in full colour."""


def plot_labeling(report: dict[str, Any]) -> Figure:
    """What became of words and labels, a row for every engine and preset and one for all; losses are shaded.

    Args:
        report: As :func:`invoicegen.labeling.report.summarise` gives.
    """
    from matplotlib.figure import Figure
    from matplotlib.transforms import Bbox

    rows = [
        (f"{engine}, {preset}", part)
        for engine, by_preset in report["by_engine_and_preset"].items()
        for preset, part in by_preset.items()
    ]
    rows.append(("all", report["all"]))
    figure = Figure(
        figsize=(13, 1.3 + 0.32 * (len(rows) + 2)), dpi=110, layout="constrained", facecolor="white"
    )
    axes = figure.add_subplot()
    axes.axis("off")
    axes.set_title("Labels on the words that were read", loc="left", fontsize=12)
    losses = [[_loss(name, part[name]) for name in _COLUMNS] for _, part in rows]
    table = axes.table(
        cellText=[[_text(name, part[name]) for name in _COLUMNS] for _, part in rows],
        cellColours=[[(1.0, 1.0 - 0.55 * loss, 1.0 - 0.75 * loss) for loss in row] for row in losses],
        rowLabels=[name for name, _ in rows],
        colLabels=list(_COLUMNS.values()),
        cellLoc="right",
        bbox=Bbox.unit(),
    )
    table.auto_set_font_size(False)
    table.set_fontsize(9)
    for cell in table.get_celld().values():
        cell.set_edgecolor("#e4e7eb")
    return figure


def _text(name: str, value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if name == "pages" else f"{value:.4f}"


def _loss(name: str, value: float | None) -> float:
    """How bad a cell is, 0 to 1."""
    if value is None or name == "pages":
        return 0.0
    return min((value if name in _LOSSES else 1 - value) / _WORST, 1.0)
