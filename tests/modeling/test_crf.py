"""The CRF agrees with enumeration of all paths, trains, and decoding uses what it learnt."""

from itertools import pairwise, product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pydantic import ValidationError

from invoicegen.modeling import Predictor, TrainOptions, train_model
from invoicegen.modeling.crf import LinearChainCrf, word_sequences
from invoicegen.modeling.decoding import Decoder, WordScores, bio_transitions, log_marginals, viterbi
from invoicegen.modeling.warm_start import starting_point
from invoicegen.schema.taxonomy import NER_IDS

N = 5
LABELS = ["O", "B-X", "I-X", "B-Y", "I-Y"]
quarters = st.integers(-40, 40).map(lambda v: v / 4)
chains = st.integers(1, 4).flatmap(lambda n: arrays(np.float32, (n, N), elements=quarters))
tables = arrays(np.float32, (N, N), elements=quarters)


def path_scores(scores, transitions):
    """Every path of labels and its score, one by one."""
    return {
        path: sum(float(scores[i, label]) for i, label in enumerate(path))
        + sum(float(transitions[a, b]) for a, b in pairwise(path))
        for path in product(range(N), repeat=len(scores))
    }


def crf_of(transitions):
    crf = LinearChainCrf(N)
    crf.transitions.data = torch.from_numpy(transitions)
    return crf


@settings(max_examples=40, deadline=None)
@given(first=chains, second=chains, transitions=tables, data=st.data())
def test_loss_of_a_padded_batch_equals_enumeration(first, second, transitions, data):
    chosen = [
        data.draw(st.lists(st.integers(0, N - 1), min_size=len(s), max_size=len(s))) for s in (first, second)
    ]
    longest = max(len(first), len(second))
    scores, labels = torch.full((2, longest, N), 7.0), torch.full((2, longest), -100)
    for row, (own, path) in enumerate(zip((first, second), chosen, strict=True)):
        scores[row, : len(own)], labels[row, : len(own)] = torch.from_numpy(own), torch.tensor(path)
    expected = 0.0
    for own, path in zip((first, second), chosen, strict=True):
        every = path_scores(own, transitions)
        expected += np.logaddexp.reduce(list(every.values())) - every[tuple(path)]
    loss = crf_of(transitions)(scores, labels, labels >= 0)
    assert loss.item() == pytest.approx(expected / (len(first) + len(second)), abs=1e-3, rel=1e-4)


@settings(max_examples=40, deadline=None)
@given(scores=chains, transitions=tables, resumable=st.sampled_from([frozenset(), frozenset({"Y"})]))
def test_decoding_and_marginals_equal_enumeration(scores, transitions, resumable):
    every = path_scores(scores, transitions)
    allowed, first = bio_transitions(LABELS, resumable)
    valid = [path for path in every if first[path[0]] and all(allowed[a, b] for a, b in pairwise(path))]
    found = tuple(viterbi(scores, allowed, first, transitions))
    assert found in valid
    assert every[found] == pytest.approx(max(every[path] for path in valid), abs=1e-3)

    total = np.logaddexp.reduce(list(every.values()))
    expected = np.zeros((len(scores), N))
    for path, score in every.items():
        expected[np.arange(len(path)), path] += np.exp(score - total)
    np.testing.assert_allclose(np.exp(log_marginals(scores, transitions)), expected, atol=1e-4)


def test_without_transitions_the_loss_is_the_mean_cross_entropy_and_gradients_are_finite():
    generator = torch.Generator().manual_seed(0)
    logits = (torch.randn(3, 9, N, generator=generator) * 200).requires_grad_()
    labels = torch.full((3, 9), -100)
    labels[0, [1, 3, 4]], labels[2, 2:8] = torch.tensor([0, 4, 2]), 3  # the second row has no word
    kept = labels >= 0
    crf = LinearChainCrf(N)
    loss = crf(*word_sequences(logits, labels, -100))
    expected = torch.nn.functional.cross_entropy(logits[kept], labels[kept])
    torch.testing.assert_close(loss, expected)
    loss.backward()
    assert crf.transitions.grad.isfinite().all()
    assert ((logits.grad != 0).any(dim=2) <= kept).all()


def test_decoder_follows_learnt_transitions_and_gives_the_chains_confidence():
    scores = WordScores(*(np.full((2, k), -np.log(k), dtype=np.float32) for k in (73, 3, 3)))
    scores.ner[0, NER_IDS["B-INVOICE_DATE"]] = 2.0
    scores.ner[1, NER_IDS["B-DUE_DATE"]] = 0.5
    transitions = np.zeros((73, 73), dtype=np.float32)
    plain = Decoder()(scores)
    assert plain.ner_tags == ["B-INVOICE_DATE", "B-DUE_DATE"]
    transitions[NER_IDS["B-INVOICE_DATE"], NER_IDS["I-INVOICE_DATE"]] = 9.0
    chained = Decoder(transitions=transitions)(scores)
    assert chained.ner_tags == ["B-INVOICE_DATE", "I-INVOICE_DATE"]
    assert min(chained.ner_confidences) > 0.9


def test_crf_is_trained_saved_and_used(stock_checkpoint, tmp_path, fabricate_tables, page_of):
    options = TrainOptions(
        init_from=str(stock_checkpoint),
        crf=True,
        epochs=2,
        max_length=96,
        inference_max_length=128,
        learning_rate=3e-3,
        new_parameter_learning_rate=3e-2,
        progress=False,
        precision="bf16",
    )
    trained = train_model(fabricate_tables(range(6)), fabricate_tables(range(100, 103)), options, tmp_path)
    predictor = Predictor.from_pretrained(trained.path)
    transitions = np.array(predictor.inputs.transitions)
    assert transitions[NER_IDS["B-SELLER_NAME"], NER_IDS["I-SELLER_NAME"]] > 0.01
    assert np.isfinite(trained.history[-1]["validation_ner_loss"])
    (page,) = predictor.predict_pages([page_of(0)])
    assert len(page.ner_tags) == len(page.words)
    without = starting_point(str(trained.path), 0, crf=False).model
    assert without.ner_transitions() is None


def test_crf_and_class_balance_exclude_each_other():
    with pytest.raises(ValidationError, match="class_balance"):
        TrainOptions(crf=True, class_balance=0.5)
