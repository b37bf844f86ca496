"""Decoding finds the best valid labels."""

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from invoicegen.modeling.decoding import (
    Decoder,
    WordScores,
    as_runs,
    bio_transitions,
    open_entities,
    resumed_types,
    viterbi,
)
from invoicegen.modeling.scoring import entity_scores
from invoicegen.schema.taxonomy import CELL_IDS, NER_IDS, NER_LABELS, TABLE_IDS

LABELS = ["O", "B-X", "I-X", "B-Y", "I-Y"]


@settings(max_examples=60, deadline=None)
@given(
    scores=arrays(
        np.float32,
        st.tuples(st.integers(1, 5), st.just(5)),
        elements=st.integers(-60, 0).map(lambda v: v / 4),
    ),
    resumable=st.sampled_from([frozenset(), frozenset({"Y"})]),
    beside=arrays(np.bool_, 5),
    cost=st.sampled_from([0.0, 1.5]),
)
def test_viterbi_equals_brute_force(scores, resumable, beside, cost):
    allowed, first = bio_transitions(LABELS, resumable)
    penalties = np.array([[cost * (a[2:] != b[2:]) for b in LABELS] for a in LABELS], dtype=np.float32)

    def score(path):
        apart = sum(penalties[a, b] for i, (a, b) in enumerate(pairwise(path), 1) if beside[i])
        return sum(scores[i, label] for i, label in enumerate(path)) - apart

    valid = [
        path
        for path in product(range(5), repeat=len(scores))
        if first[path[0]] and all(allowed[a, b] for a, b in pairwise(path))
    ]
    found = viterbi(scores, allowed, first, beside=beside[: len(scores)], penalties=penalties)
    assert tuple(found) in set(valid)
    assert score(found) == pytest.approx(max(map(score, valid)))


def doubtful(entity, beside):
    """A page "B I ? I" of one entity, whose third word is more likely nothing."""
    ner = np.full((4, len(NER_LABELS)), -9.0, dtype=np.float32)
    ner[0, NER_IDS[f"B-{entity}"]] = ner[1, NER_IDS[f"I-{entity}"]] = ner[3, NER_IDS[f"I-{entity}"]] = -0.1
    ner[2, NER_IDS["O"]], ner[2, NER_IDS[f"I-{entity}"]] = -0.2, -2.0
    return WordScores(ner=ner, beside=np.array(beside))


@pytest.mark.parametrize(
    ("entity", "beside", "cohesion", "third"),
    [
        ("SELLER_ADDRESS", [False, True, True, True], 1.0, "I-SELLER_ADDRESS"),
        ("SELLER_ADDRESS", [False, True, True, True], 0.0, "O"),
        ("SELLER_ADDRESS", [False, True, False, False], 1.0, "O"),  # another column
        ("INVOICE_NUMBER", [False, True, True, True], 1.0, "O"),  # a caption may stand in a code
    ],
)
def test_running_text_holds_together_on_its_line(entity, beside, cohesion, third):
    decode = Decoder((entity,), cohesion=cohesion)
    assert decode(doubtful(entity, beside)).ner_tags[2] == third


def test_viterbi_of_nothing_is_nothing():
    allowed, first = bio_transitions(LABELS)
    assert viterbi(np.zeros((0, 5), dtype=np.float32), allowed, first).tolist() == []


@pytest.mark.parametrize(
    ("before", "after", "strict", "resuming"),
    [
        ("B-X", "I-X", True, True),
        ("I-X", "I-X", True, True),
        ("O", "I-X", False, True),
        ("B-Y", "I-X", False, True),
        ("B-X", "I-Y", False, False),
        ("O", "B-Y", True, True),
    ],
)
def test_transitions(before, after, strict, resuming):
    pair = LABELS.index(before), LABELS.index(after)
    assert bio_transitions(LABELS)[0][pair] == strict
    assert bio_transitions(LABELS, frozenset({"X"}))[0][pair] == resuming


@pytest.mark.parametrize(
    ("tags", "runs", "resumed"),
    [
        (["B-X", "I-X", "O"], ["B-X", "I-X", "O"], set()),
        (["B-X", "O", "I-X", "I-X"], ["B-X", "O", "B-X", "I-X"], {"X"}),
        (["B-X", "B-Y", "I-X"], ["B-X", "B-Y", "B-X"], {"X"}),
        ([], [], set()),
    ],
)
def test_runs_and_resumed_types(tags, runs, resumed):
    assert as_runs(tags) == runs
    assert resumed_types(tags) == resumed


def test_nothing_is_resumed_unopened():
    assert open_entities(["O", "I-X", "I-X", "B-Y", "I-X"]) == ["O", "B-X", "I-X", "B-Y", "I-X"]


def test_what_opens_an_entity_has_the_probability_of_what_it_was_labelled():
    scores = uniform(2)
    scores.ner[:] = -9
    scores.ner[0, NER_IDS["O"]] = scores.ner[1, NER_IDS["I-SELLER_ADDRESS"]] = np.log(0.9)
    page = Decoder(["SELLER_ADDRESS"])(scores)
    assert page.ner_tags == ["O", "B-SELLER_ADDRESS"]
    assert page.ner_confidences[1] > 0.9


def uniform(n):
    return WordScores(*(np.full((n, k), -np.log(k), dtype=np.float32) for k in (73, 3, 3)))


def test_labels_of_three_heads_agree_with_the_taxonomy():
    rng = np.random.default_rng(0)
    scores = WordScores(*(np.log(rng.dirichlet(np.full(k, 0.3), 400)).astype(np.float32) for k in (73, 3, 3)))
    page = Decoder()(scores)
    for ner, table, cell in zip(page.ner_tags, page.table_tags, page.cell_tags, strict=True):
        assert (table == "OUTSIDE") == (cell == "EMPTY")
        assert not ner[2:].startswith("ITEM_") or cell == "DATA"
    for before, tag in zip(["O", *page.ner_tags], page.ner_tags, strict=False):
        assert not tag.startswith("I-") or before[2:] == tag[2:]
    ids = [NER_IDS[tag] for tag in page.ner_tags]
    np.testing.assert_allclose(page.ner_confidences, np.exp(scores.ner)[np.arange(400), ids], rtol=1e-6)


def test_table_and_cell_heads_decide_between_like_amounts():
    scores = uniform(1)
    scores.ner[:] = -20
    scores.ner[0, NER_IDS["B-TOTAL_AMOUNT"]], scores.ner[0, NER_IDS["B-ITEM_AMOUNT"]] = -0.6, -0.7
    assert Decoder()(scores).ner_tags == ["B-TOTAL_AMOUNT"]
    scores.table[0] = scores.cell[0] = -6.0
    scores.table[0, TABLE_IDS["CELL"]] = scores.cell[0, CELL_IDS["DATA"]] = -0.01
    assert Decoder()(scores).ner_tags == ["B-TOTAL_AMOUNT"]  # a header entity may stand in the table
    scores.ner[0, NER_IDS["B-ITEM_AMOUNT"]] = -0.5
    assert Decoder()(scores).ner_tags == ["B-ITEM_AMOUNT"]
    scores.table[0] = scores.cell[0] = -6.0
    scores.table[0, TABLE_IDS["OUTSIDE"]] = scores.cell[0, CELL_IDS["EMPTY"]] = -0.01
    assert Decoder()(scores).ner_tags == ["B-TOTAL_AMOUNT"]  # an item cell outside the table may not


def test_address_beside_another_column_goes_on():
    tags = ["B-SELLER_ADDRESS", "B-INVOICE_NUMBER", "I-SELLER_ADDRESS", "B-INVOICE_DATE"]
    scores = uniform(4)
    scores.ner[:] = -9
    for word, tag in enumerate(tags):
        scores.ner[word, NER_IDS[tag]] = -0.01
    assert Decoder(["SELLER_ADDRESS"])(scores).ner_tags == tags
    assert Decoder()(scores).ner_tags != tags
    assert set(Decoder()(scores).ner_tags) <= set(NER_LABELS)


def test_entity_scores_need_type_and_all_words():
    truth = [["B-X", "I-X", "O", "B-Y"], ["B-X", "O", "O"]]
    found = [["B-X", "O", "O", "B-Y"], ["B-X", "O", "B-Y"]]
    scores = entity_scores(truth, found)
    assert scores == pytest.approx({"precision": 2 / 4, "recall": 2 / 3, "f1": 4 / 7})
    assert entity_scores([["O"]], [["O"]])["f1"] == 0
