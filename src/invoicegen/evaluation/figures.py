"""Figures of an evaluation, drawn from its scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK: Final = "#1f2933"
QUIET: Final = "#7b8794"
RULE: Final = "#e4e7eb"
BLUE: Final = "#2563a8"
SAND: Final = "#c9871f"
TEAL: Final = "#178a78"


def _figure(width_in: float, height_in: float) -> Figure:
    from matplotlib.figure import Figure

    return Figure(figsize=(width_in, height_in), dpi=110, layout="constrained", facecolor="white")


def plot_entity_scores(entities: dict[str, Any]) -> Figure:
    """Precision, recall and F1 of every entity type that occurs, best F1 on top.

    Args:
        entities: As :func:`invoicegen.evaluation.entities.entity_scores` gives.

    Returns:
        A bar for F1, marks for precision and recall; the support stands beside the name.
    """
    rows = [(name, row) for name, row in entities["by_entity"].items() if row["f1"] is not None]
    rows.sort(key=lambda item: (item[1]["f1"], item[1]["support"]))
    figure = _figure(9, 1.6 + 0.27 * max(1, len(rows)))
    axes = figure.add_subplot()
    places = np.arange(len(rows))
    axes.barh(places, [row["f1"] for _, row in rows], height=0.66, color=BLUE, alpha=0.85, label="F1")
    axes.plot([row["precision"] for _, row in rows], places, "o", color=SAND, ms=5, label="precision")
    axes.plot([row["recall"] for _, row in rows], places, "D", color=TEAL, ms=4.5, label="recall")
    axes.set_yticks(places, [f"{name}  ({row['support']:,})" for name, row in rows], fontsize=8.5)
    for place, (_, row) in zip(places, rows, strict=True):
        axes.text(1.015, float(place), f"{row['f1']:.3f}", va="center", fontsize=8.5, color=INK)
    micro = entities["micro"]["f1"]
    title = "Strict scores by entity, true entities in brackets"
    if micro is not None:
        axes.axvline(micro, color=INK, lw=1, ls="--", label=f"micro F1 {micro:.3f}")
    axes.set_title(title, fontsize=11, color=INK, loc="left", pad=26)
    axes.set_xlim(0, 1.0)
    axes.set_ylim(-0.7, len(rows) - 0.3)
    axes.xaxis.grid(True, color=RULE)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, colors=INK)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=4, frameon=False, fontsize=8.5)
    return figure


def plot_confusion(confusion: dict[str, Any]) -> Figure:
    """Heat map of a confusion over names, coloured by the share of the true row's words.

    Colours grow with the square root of the share, so that a confusion of one word in a hundred can be seen.
    Shares of 1 % and more of small matrices, 5 % and more of large ones, are printed in per cent.

    Args:
        confusion: ``{"names", "counts", "row_shares"}`` as
            :func:`invoicegen.evaluation.confusion.confusion_report` gives for labels or entities.
    """
    from matplotlib.colors import LinearSegmentedColormap, PowerNorm

    names = confusion["names"]
    counts = np.array(confusion["counts"])
    shares = np.array(
        [[np.nan if share is None else share for share in row] for row in confusion["row_shares"]]
    )
    size = max(4.0, 2.6 + 0.3 * len(names))
    figure = _figure(size + 0.8, size)
    axes = figure.add_subplot()
    scale = ["#ffffff", "#bcd6ee", BLUE, "#0b2545"]
    colours = LinearSegmentedColormap.from_list("paper_to_ink", scale, bad="#f1f3f5")
    image = axes.imshow(shares, cmap=colours, norm=PowerNorm(0.5, vmin=0, vmax=1), aspect="equal")
    places = np.arange(len(names))
    row_names = [
        f"{name}  ({words:,})" for name, words in zip(names, counts.sum(axis=1).tolist(), strict=True)
    ]
    axes.set_yticks(places, row_names, fontsize=8)
    axes.set_xticks(places, names, fontsize=8, rotation=90)
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    axes.set_xlabel("predicted", color=QUIET)
    axes.set_ylabel("true  (words)", color=QUIET)
    axes.set_xticks(places[:-1] + 0.5, minor=True)
    axes.set_yticks(places[:-1] + 0.5, minor=True)
    axes.grid(which="minor", color=RULE, lw=0.5)
    axes.tick_params(which="both", length=0, colors=INK)
    for side in axes.spines.values():
        side.set_color(RULE)
    smallest = 0.01 if len(names) <= 5 else 0.05
    for row, column in np.argwhere(np.nan_to_num(shares) >= smallest):
        share = shares[row, column]
        axes.text(
            column,
            row,
            f"{100 * share:.0f}",
            ha="center",
            va="center",
            fontsize=7,
            color="white" if share > 0.35 else INK,
        )
    bar = figure.colorbar(image, ax=axes, shrink=0.5, pad=0.015, ticks=[0, 0.01, 0.05, 0.2, 0.5, 1])
    bar.ax.set_yticklabels(["0", "1 %", "5 %", "20 %", "50 %", "100 %"])
    bar.ax.tick_params(labelsize=8, length=0, colors=INK)
    bar.outline.set_visible(False)
    bar.set_label("share of the true row's words", color=QUIET, fontsize=8.5)
    return figure


def plot_release(release: dict[str, Any]) -> Figure:
    """How often values are right that are so confident, and how much may be released at which precision.

    Args:
        release: As :func:`invoicegen.evaluation.release.release_report` gives.

    Returns:
        Left a reliability diagram, right precision against the share that is released.
    """
    figure = _figure(10, 4.4)
    left, right = figure.subplots(1, 2)
    left.plot([0, 1], [0, 1], color=QUIET, lw=1, ls="--", label="as it should be")
    for (name, part), colour in zip(release.items(), (BLUE, SAND), strict=True):
        bins = part["reliability"]
        ece = "" if part["ece"] is None else f", calibration error {part['ece']:.3f}"
        left.plot(
            [row["confidence"] for row in bins],
            [row["accuracy"] for row in bins],
            "o-",
            color=colour,
            ms=4,
            label=f"{name} ({part['n']:,}{ece})",
        )
        curve = part["curve"]
        right.plot(
            [row["released"] for row in curve],
            [row["precision"] for row in curve],
            color=colour,
            label=name,
        )
    right.axhline(0.99, color=INK, lw=1, ls="--", label="99 %")
    left.set_xlabel("confidence")
    left.set_ylabel("share that is right")
    right.set_xlabel("share released without a look, most confident first")
    right.set_ylabel("share of it that is right")
    for axes in (left, right):
        axes.set_xlim(0, 1.01)
        axes.set_ylim(0, 1.02)
        axes.grid(True, color=RULE)
        axes.set_axisbelow(True)
        axes.tick_params(length=0, colors=INK)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        axes.legend(frameon=False, fontsize=8.5, loc="lower right")
    return figure


def plot_robustness(scores: dict[str, Any]) -> Figure:
    """A bar for fields and for line items of every preset and engine, with its 95 % interval.

    Args:
        scores: As :func:`invoicegen.evaluation.robustness.robustness_scores` gives.
    """
    rows = scores["rows"]
    figure = _figure(9, 1.4 + 0.5 * len(rows))
    axes = figure.add_subplot()
    places = np.arange(len(rows))
    for name, title, offset, colour in (
        ("fields", "fields, micro F1", 0.19, BLUE),
        ("line_items", "line items, F1", -0.19, SAND),
    ):
        values = [row[name]["value"] or 0.0 for row in rows]
        axes.barh(places + offset, values, height=0.36, color=colour, alpha=0.85, label=title)
        for place, row, value in zip(places, rows, values, strict=True):
            if row[name]["low"] is not None:
                ends = [row[name]["low"], row[name]["high"]]
                axes.plot(ends, [place + offset] * 2, color=INK, lw=1.2)
            axes.text(1.01, float(place + offset), f"{value:.3f}", va="center", fontsize=8.5, color=INK)
    axes.set_yticks(places, [f"{row['preset']}, {row['engine']}" for row in rows], fontsize=9)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlim(0, 1)
    axes.xaxis.grid(True, color=RULE)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, colors=INK)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.set_title(f"The same {scores['documents']} documents", fontsize=11, color=INK, loc="left", pad=24)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False, fontsize=8.5)
    return figure


def plot_learning_curves(
    series: Mapping[str, Sequence[Mapping[str, Any]]], headlines: Mapping[str, Sequence[str]]
) -> Figure:
    """Scores against the size of the training set, one panel a series, with their 95 % intervals.

    Args:
        series: Points by what grows along the axis, ``documents`` or ``layouts``. A point has this number under
            this name, and by dataset ``intervals`` (:func:`invoicegen.evaluation.bootstrap.intervals`).
        headlines: Those that are drawn, by dataset.
    """
    from matplotlib.ticker import NullLocator

    figure = _figure(5.2 * len(series), 4.4)
    panels = figure.subplots(1, len(series), sharey=True, squeeze=False)[0]
    for axes, (name, points) in zip(panels, series.items(), strict=True):
        sizes = [point[name] for point in points]
        drawn = [
            (dataset, title)
            for dataset, titles in headlines.items()
            if dataset in points[0]
            for title in titles
        ]
        for (dataset, title), colour in zip(drawn, (BLUE, TEAL, SAND), strict=False):
            scores = [point[dataset]["intervals"][title] for point in points]
            values = np.array([score["value"] for score in scores])
            ends = np.array([[score["low"], score["high"]] for score in scores])
            axes.errorbar(
                sizes,
                values,
                yerr=np.abs(ends.T - values),
                marker="o",
                ms=4,
                capsize=2.5,
                lw=1.4,
                color=colour,
                label=f"{dataset}: {title}",
            )
        axes.set_xscale("log")
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xticks(sizes, [str(size) for size in sizes])
        others = {point["documents"] for point in points}
        of = f" among {others.pop()} documents" if name == "layouts" and len(others) == 1 else ""
        axes.set_xlabel(f"{name}{of}")
        axes.set_ylim(0, 1)
        axes.grid(True, color=RULE)
        axes.set_axisbelow(True)
        axes.tick_params(length=0, colors=INK)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
    panels[0].legend(frameon=False, fontsize=8.5, loc="lower right")
    return figure
