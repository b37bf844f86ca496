"""Strict entity scores and the category of every error."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.scheme import IOB2, Entities

from invoicegen.evaluation import ModelEvaluator
from invoicegen.evaluation.counts import total
from invoicegen.evaluation.entities import (
    ERROR_CATEGORIES,
    classify_errors,
    count_entities,
    count_errors,
    entity_scores,
    entity_types,
    spans,
)
from invoicegen.schema.taxonomy import ENTITY_TYPES, NER_LABELS

LABELS = ["O", "B-A", "I-A", "B-B", "I-B", "B-C", "I-C"]
TAGS = st.lists(st.sampled_from(LABELS), min_size=0, max_size=12)
PAIRS = TAGS.flatmap(
    lambda tags: st.tuples(
        st.just(tags), st.lists(st.sampled_from(LABELS), min_size=len(tags), max_size=len(tags))
    )
)


def tags_of(text: str) -> list[str]:
    """Tags written short: ``A`` begins an entity of type A, ``a`` goes on with it, ``.`` is O."""
    return ["O" if c == "." else f"B-{c}" if c.isupper() else f"I-{c.upper()}" for c in text]


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ("", []),
        ("..", []),
        ("Aa.B", [("A", 0, 2), ("B", 3, 4)]),
        ("AaA", [("A", 0, 2), ("A", 2, 3)]),  # the second one begins at once
        (".aa", []),  # no beginning
        ("Ab", [("A", 0, 1)]),  # goes on with nothing of its type
        ("A.a", [("A", 0, 1)]),  # does not go on over a gap
    ],
)
def test_spans_are_strict(tags, expected):
    assert spans(tags_of(tags)) == expected


@given(TAGS)
def test_spans_are_those_of_seqeval(tags):
    expected = {(entity.tag, entity.start, entity.end) for entity in Entities([tags], IOB2).entities[0]}
    assert set(spans(tags)) == expected


@pytest.mark.parametrize(
    ("true", "predicted", "expected"),
    [
        ("Aa.", "Aa.", []),
        ("Aa.", "...", [("missed", ["A02"], [])]),
        ("...", ".Bb", [("spurious", [], ["B13"])]),
        ("Aa.", "Bb.", [("wrong_type", ["A02"], ["B02"])]),
        ("Aa.", "Bbb", [("wrong_type", ["A02"], ["B03"])]),  # type and boundary: the type counts
        ("Aaa", ".Aa", [("wrong_boundary", ["A03"], ["A13"])]),
        ("Aa.", "Aaa", [("wrong_boundary", ["A02"], ["A03"])]),
        ("Aaaa", "AaAa", [("split", ["A04"], ["A02", "A24"])]),
        ("AaAa", "Aaaa", [("merged", ["A02", "A24"], ["A04"])]),
        ("AaBb", "Aaaa", [("wrong_boundary", ["A02"], ["A04"]), ("missed", ["B24"], [])]),
        ("Aaaa", "AaBb", [("wrong_boundary", ["A04"], ["A02"]), ("spurious", [], ["B24"])]),
        ("Aaaa", "CcBb", [("wrong_type", ["A04"], ["C02"]), ("spurious", [], ["B24"])]),
        ("AAa", "AAA", [("split", ["A13"], ["A12", "A23"])]),  # the first is right and takes no part
        ("AaAa.", "A.aAa", [("wrong_boundary", ["A02"], ["A01"]), ("wrong_boundary", ["A24"], ["A35"])]),
        ("A.Bb", "..Bb", [("missed", ["A01"], [])]),
    ],
)
def test_every_error_has_its_category(true, predicted, expected):
    found = [
        (e.category, ["{}{}{}".format(*s) for s in e.true], ["{}{}{}".format(*s) for s in e.predicted])
        for e in classify_errors(tags_of(true), tags_of(predicted))
    ]
    assert found == expected


@given(PAIRS)
def test_every_wrong_entity_is_in_one_error(pair):
    true, predicted = pair
    errors = classify_errors(true, predicted)
    right = set(spans(true)) & set(spans(predicted))
    assert sorted(s for e in errors for s in e.true) == sorted(set(spans(true)) - right)
    assert sorted(s for e in errors for s in e.predicted) == sorted(set(spans(predicted)) - right)


@given(PAIRS)
def test_support_is_right_plus_errors(pair):
    true, predicted = pair
    table = count_errors(classify_errors(true, predicted), ["A", "B", "C"])
    counts = count_entities(true, predicted)
    for name, row in table.items():
        if name in counts:
            wrong = sum(number for category, number in row.items() if category != "spurious")
            assert counts[name].true == counts[name].correct + wrong


def test_merged_counts_every_true_entity():
    table = count_errors(classify_errors(tags_of("AaAaA"), tags_of("Aaaaa")), ["A", "B"])
    assert table["A"] == {
        "missed": 0,
        "spurious": 0,
        "wrong_type": 0,
        "wrong_boundary": 0,
        "split": 0,
        "merged": 3,
    }
    assert table["B"] == dict.fromkeys(ERROR_CATEGORIES, 0)


def test_entity_scores_by_hand():
    # A: 3 true, 2 predicted, 1 right. B: 1 true, 2 predicted, 1 right. C: nowhere.
    true, predicted = [tags_of("Aa.A.B"), tags_of("Aa..")], [tags_of("Aa.B.B"), tags_of("A...")]
    scores = entity_scores(true, predicted, ["A", "B", "C"])
    assert scores["by_entity"]["A"] == pytest.approx(
        {"precision": 1 / 2, "recall": 1 / 3, "f1": 2 / 5, "support": 3, "predicted": 2}
    )
    assert scores["by_entity"]["B"] == pytest.approx(
        {"precision": 1 / 2, "recall": 1.0, "f1": 2 / 3, "support": 1, "predicted": 2}
    )
    assert scores["by_entity"]["C"] == {
        "precision": None,
        "recall": None,
        "f1": None,
        "support": 0,
        "predicted": 0,
    }
    assert scores["micro"] == pytest.approx({"precision": 1 / 2, "recall": 1 / 2, "f1": 1 / 2, "support": 4})
    assert scores["macro"]["f1"] == pytest.approx((2 / 5 + 2 / 3) / 2)
    assert scores["weighted"]["f1"] == pytest.approx((3 * 2 / 5 + 2 / 3) / 4)


@settings(max_examples=25)
@given(st.lists(PAIRS, min_size=1, max_size=4))
def test_own_counts_agree_with_seqeval(pairs):
    scores = entity_scores([true for true, _ in pairs], [given for _, given in pairs], ["A", "B", "C"])
    counts = total(c for true, given in pairs for c in count_entities(true, given).values())
    given = scores["micro"]["f1"]
    if counts.true:
        assert given == pytest.approx(counts.f1)
    else:  # seqeval calls it 0 where there is a prediction and no truth; our counts leave it open
        assert counts.f1 is None
        assert given == (0.0 if counts.predicted else None)


def test_no_entities_at_all_is_not_a_score():
    scores = entity_scores([["O", "O"]], [["O", "O"]], ["A"])
    assert scores["micro"] == {"precision": None, "recall": None, "f1": None, "support": 0}


def test_entity_types_of_the_taxonomy():
    assert entity_types(NER_LABELS) == list(ENTITY_TYPES)


class TestModelEvaluator:
    def test_writes_what_it_returns(self, tmp_path):
        result = ModelEvaluator(LABELS, tmp_path).evaluate_full(
            [tags_of("Aa.B")], [tags_of("A..B")], [["Mill", "Ltd", "x", "9"]]
        )
        assert result["entities"]["micro"]["f1"] == pytest.approx(1 / 2)
        assert result["errors"]["by_category"]["wrong_boundary"] == 1
        assert result["errors"]["listed"] == [
            {
                "sequence": 0,
                "category": "wrong_boundary",
                "true": [{"type": "A", "start": 0, "end": 2, "text": "Mill Ltd"}],
                "predicted": [{"type": "A", "start": 0, "end": 1, "text": "Mill"}],
            }
        ]
        assert json.loads((tmp_path / "scores.json").read_text())["entities"] == result["entities"]
        assert json.loads((tmp_path / "confusion_matrix.json").read_text()) == result["confusion"]
        assert len((tmp_path / "errors.jsonl").read_text().splitlines()) == 1
        for name in ("entity_scores.png", "confusion_matrix.png"):
            assert (tmp_path / name).read_bytes()[:4] == b"\x89PNG"

    @pytest.mark.parametrize(
        ("true", "predicted", "tokens", "message"),
        [
            ([], [], [], "nothing to evaluate"),
            ([["O"]], [["O"], ["O"]], [["a"]], "1 sequences of true labels, but 2 of predicted ones"),
            (
                [["O"], ["O"], ["O"]],
                [["O"], ["O", "O"], []],
                [["a"]] * 3,
                "2 of 3 sequences differ in length, the first is sequence 1: 1 true labels, but 2 predicted ones",
            ),
            ([["O"]], [["O"]], [["a", "b"]], "1 of 1 .* sequence 0: 1 true labels, but 2 tokens"),
            ([["O"]], [["O"]], [], "1 sequences of true labels, but 0 of tokens"),
            (
                [["O", "B-TOTAL"]],
                [["B-TOTAL", "X"]],
                [["a", "b"]],
                r"3 labels are not in the label list of 7, .*: B-TOTAL \(2\), X \(1\)",
            ),
        ],
    )
    def test_refuses_what_does_not_fit(self, true, predicted, tokens, message):
        with pytest.raises(ValueError, match=message):
            ModelEvaluator(LABELS).evaluate_full(true, predicted, tokens)

    @pytest.mark.parametrize("labels", [["B-A", "I-A"], ["O", "O"], ["O", "E-A"]])
    def test_refuses_labels_that_are_not_bio(self, labels):
        with pytest.raises(ValueError, match="the label list must name O"):
            ModelEvaluator(labels)
