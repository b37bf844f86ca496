"""Many models in one table and one figure."""

import pytest

from invoicegen.evaluation.bootstrap import intervals
from invoicegen.evaluation.figures import plot_learning_curves
from invoicegen.evaluation.outcomes import DocumentOutcome, OutcomesError, pooled
from invoicegen.evaluation.side_by_side import Line, markdown_table

FIELDS = "fields, micro F1"


def outcomes(*counts):
    return [
        DocumentOutcome(document=f"d{i}", layout="a", groups={"kind": "invoice"}, counts={"fields": one})
        for i, one in enumerate(counts)
    ]


def test_pooled_seeds_are_the_sum_of_their_counts():
    together = pooled([outcomes((1, 2, 2), (0, 1, 1)), outcomes((2, 2, 2), (1, 1, 1))])
    assert [one.counts["fields"] for one in together] == [(3, 4, 4), (1, 2, 2)]
    assert intervals(together)[FIELDS]["value"] == pytest.approx(2 * 4 / (6 + 6))
    with pytest.raises(OutcomesError, match="not of the same documents"):
        pooled([outcomes((1, 1, 1)), outcomes((1, 1, 1), (1, 1, 1))])


def test_a_table_has_intervals_or_gains_and_a_dash_for_what_was_not_measured():
    scored = {FIELDS: {"value": 0.5, "low": 0.4, "high": 0.625}}
    gain = {FIELDS: {"difference": -0.125, "low": -0.25, "high": 0.0}}
    table = markdown_table("real", ("documents",), [Line(["50"], scored, {}), Line(["100"], scored, gain)])
    head, rule, first, second = table.splitlines()
    assert (
        head
        == "| real: documents | invoice: fields, F1 by layout | receipt: fields, micro F1 | fields, micro F1 |"
    )
    assert rule == "| -- | -- | -- | -- |"
    assert first == "| 50 | – | – | 0.500 [0.400, 0.625] |"
    assert second == "| 100 | – | – | 0.500, -0.125 [-0.250, +0.000] |"


def test_learning_curves_have_a_panel_a_series_and_a_line_a_headline(tmp_path):
    points = [
        {
            "documents": size,
            "layouts": size,
            "generated": {"intervals": intervals(outcomes((1, 2, 2), (size, 60, 60), (2, 2, 2)))},
        }
        for size in (10, 20, 40)
    ]
    few = [{**point, "documents": 40} for point in points]
    figure = plot_learning_curves(
        {"documents": points, "layouts": few}, {"generated": [FIELDS], "real": [FIELDS]}
    )
    left, right = figure.axes
    assert [axis.get_xlabel() for axis in (left, right)] == ["documents", "layouts among 40 documents"]
    assert [text.get_text() for text in left.get_legend().get_texts()] == [f"generated: {FIELDS}"]
    assert [label.get_text() for label in right.get_xticklabels()] == ["10", "20", "40"]
    figure.savefig(tmp_path / "curve.svg")
    assert "<svg" in (tmp_path / "curve.svg").read_text()
