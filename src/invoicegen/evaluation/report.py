"""One HTML page of an evaluation: inline styles and figures, no network, readable by those who pay for invoices."""

from __future__ import annotations

import base64
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from invoicegen.evaluation.crops import error_pair
from invoicegen.evaluation.data_card import QUANTILES, STATISTICS
from invoicegen.evaluation.entities import ERROR_CATEGORIES
from invoicegen.evaluation.fields import field_types
from invoicegen.evaluation.figures import plot_confusion
from invoicegen.evaluation.matching import match_kind
from invoicegen.evaluation.real import REAL_FIELDS
from invoicegen.weights import resolve_model

MEANINGS: Final[dict[str, str]] = {
    "missed": "a true entity that nothing was predicted for",
    "spurious": "predicted where there is none",
    "wrong_type": "found, but taken for another type",
    "wrong_boundary": "right type, but words too many or too few",
    "split": "one true entity predicted as several of its type",
    "merged": "several true entities predicted as one of their type",
    "ocr": "marked rightly, but the words themselves were misread",
}
"""Error categories in a few words; :func:`invoicegen.evaluation.entities.classify_errors` has the definitions."""

GROUP_TITLES: Final[dict[str, str]] = {
    "template_family": "Template family",
    "locale": "Locale",
    "document_type": "Document type",
    "kind": "Kind of document",
    "ocr_engine": "Words read by",
    "augmentation": "Augmentation preset",
    "line_items": "Printed line items",
    "pages": "Pages",
    "words": "Words read",
}

CATEGORIES: Final = (*ERROR_CATEGORIES, "ocr")
_WRONG_PER_FIELD: Final = 4
_LINE_COLOURS: Final = ("#2563a8", "#a8660b", "#178a78", "#7c3aed", "#be185d", "#52606d")


def render_report(
    scores: Mapping[str, Any] | None,
    confusion: Mapping[str, Any] | None,
    examples: Sequence[Mapping[str, Any]],
    real: Mapping[str, Any] | None,
    curves: Sequence[Mapping[str, Any]],
    *,
    real_examples: Sequence[Mapping[str, Any]] = (),
    data_card: Mapping[str, Any] | None = None,
    robustness: Mapping[str, Any] | None = None,
    model_card: Sequence[tuple[str, str]] = (),
) -> str:
    """The report as one HTML document.

    Args:
        scores: As :class:`invoicegen.evaluation.run.EvaluationResult` has them; None where the generated
            documents were not measured, which the report then says.
        confusion: As there; given together with ``scores``.
        examples: Errors to show, as :func:`invoicegen.evaluation.crops.crop_errors` gives; may be empty.
        real: As :func:`invoicegen.evaluation.real.score_real` gives; None where no real documents were measured.
        curves: ``{"title", "x_label", "lines": {name: [[x, y], …]}}`` for each diagram of the training; may be
            empty.
        real_examples: Wrong fields of real documents to show, as
            :func:`invoicegen.evaluation.real_crops.picture_wrong` gives.
        data_card: As :func:`invoicegen.evaluation.data_card.describe_pages` gives.
        robustness: As :func:`invoicegen.evaluation.robustness.robustness_scores` gives, with ``model``.
        model_card: As :func:`model_facts` gives.

    Raises:
        ValueError: If there are scores without a confusion, or the reverse.
    """
    import jinja2
    from markupsafe import Markup

    if (scores is None) != (confusion is None):
        raise ValueError("scores and confusion of one evaluation go together: give both or neither")
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("invoicegen.evaluation", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    drawn = [{"title": curve["title"], "svg": Markup(draw_curves(curve))} for curve in curves]
    field_rows = _field_rows(scores, real)
    sections = [
        (anchor, title)
        for anchor, title, present in (
            ("headline", "At a glance", True),
            ("fields", "Fields", bool(field_rows)),
            ("items", "Line items", scores is not None),
            ("groups", "By group", scores is not None),
            ("real", "Real documents", real is not None),
            ("entities", "Entities", scores is not None),
            ("errors", "Errors", scores is not None),
            ("confidence", "Confidence", scores is not None or real is not None),
            ("confusion", "Confusion", scores is not None),
            ("robustness", "Robustness", robustness is not None),
            ("curves", "Learning curves", bool(drawn)),
            ("data", "Data card", data_card is not None),
            ("model", "Model card", bool(model_card)),
            ("reading", "How to read this", True),
        )
        if present
    ]
    return environment.get_template("report.html.j2").render(
        scores=scores,
        confusion=confusion,
        confusion_png=None if confusion is None else _png(confusion["entities"]),
        real=real,
        real_groups=[]
        if real is None
        else [
            (title, real[key])
            for title, key in (("Kind", "by_kind"), ("Language", "by_language"), ("Source", "by_source"))
        ],
        wrong=[] if real is None else _first_of_each(real["wrong"], "field", _WRONG_PER_FIELD),
        examples=examples,
        real_examples=real_examples,
        wrong_fields=sorted({row["field"] for row in real_examples}),
        shown_types=sorted({name for error in examples for name in error_pair(error)} - {"O"}),
        pictured_pairs=Counter(error_pair(error) for error in examples),
        release=_release_rows(scores, real),
        calibration=(scores or {}).get("calibration"),
        release_curves=[
            {"title": curve["title"], "svg": Markup(draw_curves(curve))}
            for curve in release_curves(scores, real)
        ],
        model=(scores or real or {}).get("model"),
        other_model=len({part["model"] for part in (scores, real, robustness) if part and "model" in part})
        > 1,
        curves=drawn,
        data_card=data_card,
        robustness=robustness,
        model_card=model_card,
        statistics=STATISTICS,
        quantiles=[f"{100 * share:g} %" for share in QUANTILES],
        field_rows=field_rows,
        sections=sections,
        categories=CATEGORIES,
        meanings=MEANINGS,
        group_titles=GROUP_TITLES,
    )


def model_facts(folder: str | Path) -> list[tuple[str, str]]:
    """The table of a model's card: rows of two cells of ``README.md`` in its folder; empty where there is none.

    Args:
        folder: Of a trained or exported model; ``shipped`` for the weights that come with the package.
    """
    card = resolve_model(folder) / "README.md"
    if not card.is_file():
        return []
    rows = [line.strip().strip("|").split("|") for line in card.read_text(encoding="utf-8").splitlines()]
    cells = [(row[0].strip(), row[1].strip()) for row in rows if len(row) == 2]
    return [(name, value) for name, value in cells if name and not name.startswith("--")]


def draw_curves(curve: Mapping[str, Any]) -> str:
    """A line diagram as inline SVG.

    Args:
        curve: ``{"title", "x_label", "lines": {name: [[x, y], …]}}``; with ``unit_square`` both axes go from 0 to 1.
    """
    from html import escape

    width, height, left, right, top, bottom = 520, 270, 48, 12, 14, 58
    points: list[list[float]] = [point for line in curve["lines"].values() for point in line]
    if not points:
        raise ValueError(f"curve {curve['title']!r} has no points: leave it out")
    x0, x1 = min(p[0] for p in points), max(p[0] for p in points)
    y0, y1 = min(0.0, *(p[1] for p in points)), max(p[1] for p in points)
    x1, y1 = (x1 if x1 > x0 else x0 + 1), (y1 if y1 > y0 else y0 + 1)
    if curve.get("unit_square"):
        x0, y0, x1, y1 = 0.0, 0.0, 1.0, 1.0

    def x(value: float) -> float:
        return round(left + (value - x0) / (x1 - x0) * (width - left - right), 1)

    def y(value: float) -> float:
        return round(height - bottom - (value - y0) / (y1 - y0) * (height - top - bottom), 1)

    parts = [
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(curve["title"])}" '
        'font-family="system-ui,sans-serif" font-size="11" fill="#52606d">'
    ]
    for step in range(5):
        value = y0 + step * (y1 - y0) / 4
        parts.append(f'<path d="M{left} {y(value)}H{width - right}" stroke="#e4e7eb"/>')
        parts.append(f'<text x="{left - 6}" y="{y(value) + 4}" text-anchor="end">{value:.3g}</text>')
        place = x0 + step * (x1 - x0) / 4
        parts.append(
            f'<text x="{x(place)}" y="{height - bottom + 16}" text-anchor="middle">{place:.3g}</text>'
        )
    middle = (left + width - right) / 2
    parts.append(
        f'<text x="{middle}" y="{height - bottom + 31}" text-anchor="middle">{escape(curve["x_label"])}</text>'
    )
    for number, (name, line) in enumerate(curve["lines"].items()):
        colour = _LINE_COLOURS[number % len(_LINE_COLOURS)]
        path = " ".join(f"{x(px)},{y(py)}" for px, py in line)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x(px)}" cy="{y(py)}" r="2.5" fill="{colour}"/>' for px, py in line]
        place = left + number * (width - left - right) / len(curve["lines"])
        parts.append(
            f'<rect x="{place:.0f}" y="{height - 14}" width="10" height="10" rx="2" fill="{colour}"/>'
        )
        parts.append(f'<text x="{place + 15:.0f}" y="{height - 5}">{escape(name)}</text>')
    return "".join([*parts, "</svg>"])


def training_curves(history: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Diagrams of a training for :func:`render_report`.

    Args:
        history: One record an epoch with ``epoch``, ``train_loss`` and ``validation_*``; values may be missing.
    """
    panels = {
        "Loss": {"training": "train_loss", "validation": "validation_loss"},
        "Scores on validation pages": {
            "entity F1": "validation_f1",
            "table accuracy": "validation_table_accuracy",
            "cell accuracy": "validation_cell_accuracy",
        },
    }
    curves = []
    for title, lines in panels.items():
        drawn = {
            name: [[record["epoch"], record[key]] for record in history if record.get(key) is not None]
            for name, key in lines.items()
        }
        drawn = {name: points for name, points in drawn.items() if points}
        if drawn:
            curves.append({"title": title, "x_label": "epoch", "lines": drawn})
    return curves


def release_curves(scores: Mapping[str, Any] | None, real: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Diagrams of :func:`~invoicegen.evaluation.release.release_report`, generated and real documents together."""
    measured = [(name, part) for name, part in (("generated", scores), ("real", real)) if part is not None]
    curves = []
    for title, key, x_label, x, y in (
        ("Values: how often right, by confidence", "fields", "confidence", "confidence", "accuracy"),
        ("Values: how often right, by share released", "fields", "share released", "released", "precision"),
        (
            "Documents: how often right, by share released",
            "documents",
            "share released",
            "released",
            "precision",
        ),
    ):
        points = "reliability" if y == "accuracy" else "curve"
        lines = {
            name: [[row[x], row[y]] for row in part["release"][key][points]]
            for name, part in measured
            if part["release"][key][points]
        }
        if lines:
            curves.append({"title": title, "x_label": x_label, "lines": lines, "unit_square": True})
    return curves


def _release_rows(scores: Mapping[str, Any] | None, real: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    return [
        {"what": key, "of": name, **part["release"][key]}
        for key in ("fields", "documents")
        for name, part in (("generated", scores), ("real", real))
        if part is not None
    ]


def _field_rows(scores: Mapping[str, Any] | None, real: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    generated = {} if scores is None else scores["fields"]["by_field"]
    measured = {
        entity_type: real["all"]["by_field"][name]
        for name, (entity_type, _) in REAL_FIELDS.items()
        if real is not None and name in real["all"]["by_field"]
    }
    known = field_types()
    return [
        {
            "name": name,
            "text": name in known and match_kind(name) == "text",
            "generated": generated.get(name),
            "real": measured.get(name),
        }
        for name in [*known, *(added for added in generated if added not in known)]
        if name in generated or name in measured
    ]


def _first_of_each(rows: Sequence[Mapping[str, Any]], key: str, limit: int) -> list[Mapping[str, Any]]:
    seen: Counter[str] = Counter()
    chosen = []
    for row in rows:
        seen[row[key]] += 1
        if seen[row[key]] <= limit:
            chosen.append(row)
    return sorted(chosen, key=lambda row: str(row[key]))


def _png(confusion: dict[str, Any]) -> str:
    file = io.BytesIO()
    plot_confusion(confusion).savefig(file, format="png")
    return base64.b64encode(file.getvalue()).decode("ascii")
