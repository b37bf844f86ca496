"""Intervals and paired comparisons of document outcomes."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from invoicegen.console import app
from invoicegen.evaluation.bootstrap import (
    compare,
    draw_weights,
    intervals,
    mean_f1_by_layout,
    micro_f1,
)
from invoicegen.evaluation.outcomes import DocumentOutcome, OutcomesError, outcome_rows, read_outcomes


def outcome(number, fields, *, layout="a", kind="invoice", right=None):
    return DocumentOutcome(
        document=f"d{number}",
        layout=layout,
        groups={"kind": kind},
        counts={"fields": fields},
        all_right=right,
    )


def test_draws_hold_as_many_documents_as_there_are():
    weights = draw_weights(7, draws=50, seed=3)
    assert weights.shape == (50, 7)
    assert (weights.sum(axis=1) == 7).all()
    assert (weights == draw_weights(7, draws=50, seed=3)).all()


def test_f1_is_of_summed_counts_and_nan_where_nothing_is_true():
    counts = np.array([[1, 2, 3], [4, 4, 4], [0, 1, 0]])
    scores = micro_f1(counts, np.array([[1, 1, 1], [2, 0, 0], [0, 0, 1]]))
    assert scores[:2] == pytest.approx([2 * 5 / (7 + 7), 2 * 2 / (4 + 6)])
    assert np.isnan(scores[2])


def test_layouts_weigh_alike_and_those_not_drawn_are_left_out():
    counts = np.array([[1, 1, 1], [1, 1, 1], [0, 1, 1]])
    weights = np.array([[1, 1, 1], [3, 0, 0]])
    assert mean_f1_by_layout(counts, ["a", "a", "b"], weights) == pytest.approx([0.5, 1.0])


def test_the_interval_of_a_mean_is_that_of_the_textbook():
    rng = np.random.default_rng(0)
    right = rng.random(400) < 0.8
    outcomes = [outcome(i, (int(r), 1, 1), right=bool(r)) for i, r in enumerate(right)]
    row = intervals(outcomes)["documents with all fields right"]
    share = right.mean()
    half = 1.96 * np.sqrt(share * (1 - share) / 400)
    assert row["value"] == pytest.approx(share)
    assert (row["low"], row["high"]) == pytest.approx((share - half, share + half), abs=0.006)
    assert intervals(outcomes[:1])["fields, micro F1"]["low"] is None


def test_headlines_are_those_that_the_outcomes_can_say():
    rows = intervals(
        [
            outcome(1, (2, 2, 2), layout="a"),
            outcome(2, (0, 2, 2), layout="b"),
            outcome(3, (2, 2, 2), layout="a"),
            outcome(4, (1, 2, 2), kind="receipt", layout="c"),
        ]
    )
    assert {title: row["value"] for title, row in rows.items()} == {
        "fields, micro F1": pytest.approx(5 / 8),
        "invoice: fields, micro F1": pytest.approx(4 / 6),
        "invoice: fields, F1 by layout": pytest.approx(0.5),
        "receipt: fields, micro F1": pytest.approx(0.5),
        "receipt: fields, F1 by layout": pytest.approx(0.5),
    }


def test_a_small_difference_on_every_document_is_seen_only_in_pairs():
    rng = np.random.default_rng(1)
    hard = rng.integers(0, 9, size=60)
    first = [outcome(i, (int(n), 10, 10)) for i, n in enumerate(hard)]
    second = [outcome(i, (int(n) + 1, 10, 10)) for i, n in enumerate(hard)]
    row = next(row for row in compare(first, second) if row["headline"] == "fields, micro F1")
    assert row["difference"] == pytest.approx(0.1)
    assert row["low"] == pytest.approx(0.1)
    assert row["verdict"] == "better"
    assert row["second_better"] == 1.0
    alone = intervals(first)["fields, micro F1"]
    assert alone["high"] - alone["low"] > 0.1  # unpaired, the difference would be lost in this
    back = next(row for row in compare(second, first) if row["headline"] == "fields, micro F1")
    assert back["verdict"] == "worse"
    same = next(iter(compare(first, first)))
    assert (same["difference"], same["second_better"], same["verdict"]) == (0.0, 0.5, "undecided")


def test_runs_of_other_documents_are_not_compared():
    first = [outcome(1, (1, 1, 1)), outcome(2, (1, 1, 1))]
    with pytest.raises(
        OutcomesError, match=r"1 are in the first alone, 0 in the second alone, 1 in both \(as d2"
    ):
        compare(first, first[:1])
    with pytest.raises(OutcomesError, match="occurs twice"):
        compare(first + first, first)


def write(path, outcomes):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in outcome_rows(outcomes)))


def test_outcomes_are_read_as_they_were_written(tmp_path):
    outcomes = [outcome(1, (1, 2, 3), right=False)]
    write(tmp_path / "a.jsonl", outcomes)
    assert read_outcomes(tmp_path / "a.jsonl") == outcomes
    (tmp_path / "a.jsonl").write_text('{"document": "x"}\n')
    with pytest.raises(
        OutcomesError, match=r"a\.jsonl, line 1: layout: Field required; evaluate the model anew"
    ):
        read_outcomes(tmp_path / "a.jsonl")
    (tmp_path / "a.jsonl").write_text("")
    with pytest.raises(OutcomesError, match="has no documents"):
        read_outcomes(tmp_path / "a.jsonl")


def test_the_command_compares_runs_by_name(tmp_path, monkeypatch):
    runs = tmp_path / "data/08_reporting/runs"
    old = [outcome(i, (i % 3, 3, 3)) for i in range(30)]
    new = [outcome(i, (i % 3 + 1, 3, 3)) for i in range(30)]
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()
    empty = runner.invoke(app, ["compare"])
    assert empty.exit_code == 2
    assert "kedro run --pipeline=evaluate" in empty.stderr
    for name, outcomes in (("old", old), ("new", new)):
        write(runs / name / "generated.jsonl", outcomes)
        write(runs / name / "real.jsonl", outcomes[:9])
    listed = runner.invoke(app, ["compare"])
    assert listed.stdout.count("generated: 30 documents, real: 9 documents") == 2
    shown = runner.invoke(app, ["compare", "old", "new"])
    assert shown.exit_code == 0, shown.output
    assert "generated, 30 documents" in shown.stdout
    assert "real, 9 documents" in shown.stdout
    assert "fields, micro F1" in shown.stdout
    assert "+0.333" in shown.stdout
    as_json = runner.invoke(app, ["compare", str(runs / "old"), "new", "--json"])
    (row, *_) = json.loads(as_json.stdout)["datasets"]["real"]["rows"]
    assert row["difference"] == pytest.approx(1 / 3)
    file = runner.invoke(app, ["compare", str(runs / "old/real.jsonl"), str(runs / "new/real.jsonl")])
    assert "documents, 9 documents" in file.stdout
    missing = runner.invoke(app, ["compare", "old", "newer"])
    assert missing.exit_code == 2
    assert "no run 'newer'" in missing.stderr
    alone = runner.invoke(app, ["compare", "old"])
    assert "name RUN_B too" in alone.stderr
