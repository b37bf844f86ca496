"""Words to subwords, windows and batches."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invoicegen.modeling.encoding import (
    Window,
    WordTokenizer,
    beside,
    collate,
    encode_page,
    packed_batches,
    page_windows,
    segment_boxes,
    shuffled_batches,
    split_windows,
)
from invoicegen.modeling.errors import WarmStartError
from invoicegen.modeling.options import LayoutJitter
from invoicegen.modeling.warm_start import compact_folder


@pytest.fixture(scope="module")
def hf_tokenizer():
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(compact_folder())


@pytest.fixture(scope="module")
def tokenizer(hf_tokenizer):
    return WordTokenizer(hf_tokenizer, max_subwords=8)


def boxes_for(n):
    return np.array([[i % 900, 10, i % 900 + 20, 30] for i in range(n)])


words_strategy = st.lists(st.text(min_size=0, max_size=30), max_size=60)


@settings(max_examples=50, deadline=None)
@given(words=words_strategy)
def test_every_word_gets_one_to_eight_subwords(tokenizer, words):
    page = encode_page(tokenizer, words, boxes_for(len(words)))
    lengths = np.diff(page.starts)
    assert page.n_words == len(words) == len(page.boxes)
    assert ((lengths >= 1) & (lengths <= 8)).all()
    assert page.starts[-1] == len(page.subwords)


@pytest.mark.parametrize(
    ("word", "n_subwords"),
    [("total", 1), ("Total", 1), ("12.50", 3), ("", 1), ("\u200b", 1), ("x" * 90, 8), ("x" * 5000, 1)],
)
def test_subwords_of_a_word(tokenizer, word, n_subwords):
    (ids,) = tokenizer([word])
    assert len(ids) == n_subwords
    assert tokenizer.pad_id not in ids


def test_subwords_agree_with_word_ids_of_the_hugging_face_tokenizer(hf_tokenizer, tokenizer):
    words = ["Rechnungsnummer", "INV-2026-00042", "1.234,56", "€", "Müller"]
    expected = hf_tokenizer(words, is_split_into_words=True)
    page = encode_page(tokenizer, words, boxes_for(len(words)))
    batch = collate([page], page_windows([page], 512, 0), tokenizer)
    n = int(batch.inputs["attention_mask"].sum())
    assert batch.inputs["input_ids"][0, :n].tolist() == expected["input_ids"]
    first = [expected.word_ids().index(word) for word in range(len(words))]
    assert batch.first_subwords[0].tolist() == first


@settings(max_examples=200, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 8), max_size=300),
    max_length=st.integers(10, 80),
    overlap=st.integers(0, 40),
)
def test_windows_cover_every_word_in_order_and_fit(lengths, max_length, overlap):
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    windows = split_windows(starts, max_length, overlap)
    covered = {word for first, end in windows for word in range(first, end)}
    assert covered == set(range(len(lengths)))
    assert all(starts[end] - starts[first] + 2 <= max_length for first, end in windows)
    for (first, end), (following, following_end) in pairwise(windows):
        assert first < following <= end < following_end
        assert end - following <= min(overlap, (end - first) // 2)


def test_neighbouring_windows_share_the_overlap():
    starts = np.arange(0, 101, dtype=np.int32)
    assert split_windows(starts, 42, 10) == [(0, 40), (30, 70), (60, 100)]
    assert split_windows(starts, 42, 99) == [(0, 40), (20, 60), (40, 80), (60, 100)]
    assert split_windows(starts, 102, 10) == [(0, 100)]


def test_a_word_longer_than_a_window_is_an_error():
    with pytest.raises(ValueError, match="8 subwords exceeds a window of 6"):
        split_windows(np.array([0, 8], dtype=np.int32), 8, 0)


def test_collate_labels_first_subwords_only_and_pads_to_eight(tokenizer):
    words = ["Rechnungsnummer", "42", "Gesamtbetrag"]
    labels = {"ner": [3, 4, 0], "table": [0, 1, 2], "cell": [0, 1, 2]}
    page = encode_page(tokenizer, words, np.array([[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]]), labels)
    batch = collate([page], page_windows([page], 64, 0), tokenizer)
    inputs = {name: array[0] for name, array in batch.inputs.items()}
    assert inputs["input_ids"].shape[0] % 8 == 0
    for head, ids in labels.items():
        labelled = np.flatnonzero(inputs[f"{head}_labels"] != -100)
        assert labelled.tolist() == batch.first_subwords[0].tolist()
        assert inputs[f"{head}_labels"][labelled].tolist() == ids
    word_of = np.repeat(np.arange(3), np.diff(page.starts))
    assert (inputs["bbox"][1 : 1 + len(word_of)] == page.boxes[word_of]).all()
    assert inputs["attention_mask"].sum() == len(word_of) + 2
    assert inputs["input_ids"][0] == tokenizer.cls_id
    assert inputs["input_ids"][len(word_of) + 1] == tokenizer.sep_id
    assert (inputs["bbox"][[0, len(word_of) + 1]] == 0).all()


def test_jitter_keeps_labels_on_their_words_and_boxes_on_the_page(tokenizer):
    n = 50
    words = [f"word{i}" for i in range(n)]
    ner = [i % 3 for i in range(n)]
    labels = {"ner": ner, "table": [0] * n, "cell": [0] * n}
    page = encode_page(tokenizer, words, boxes_for(n), labels)
    options = LayoutJitter(scale=0.3, shift=300, jitter=20, word_drop=0.5, word_mask=0.0)
    window = page_windows([page], 512, 0)

    def jittered(seed):
        return collate([page], window, tokenizer, (options, [np.random.default_rng(seed)]))

    batch = jittered(1)
    first = batch.first_subwords[0]
    left = batch.inputs["ner_labels"][0, first].tolist()
    ids = batch.inputs["input_ids"][0]
    kept = [
        i
        for i in range(n)
        if any((ids[k : k + len(t)] == t).all() for k in first for t in [tokenizer([words[i]])[0]])
    ]
    assert [label for label in left if label] == [label for label in ner if label]  # only plain words go
    assert left == [ner[i] for i in kept]
    assert 0 < sum(label == 0 for label in left) < sum(label == 0 for label in ner)
    boxes = batch.inputs["bbox"][0]
    assert boxes.min() >= 0
    assert boxes.max() <= 1000
    assert (boxes[:, 2:] >= boxes[:, :2]).all()
    assert np.array_equal(jittered(1).inputs["bbox"], jittered(1).inputs["bbox"])
    assert jittered(1).inputs["bbox"].shape != jittered(2).inputs["bbox"].shape or not np.array_equal(
        jittered(1).inputs["bbox"], jittered(2).inputs["bbox"]
    )


def test_no_jitter_changes_nothing(tokenizer):
    words = ["Total", "12.50"]
    page = encode_page(tokenizer, words, boxes_for(2), {"ner": [0, 41], "table": [0, 0], "cell": [0, 0]})
    window = page_windows([page], 64, 0)
    still = LayoutJitter(scale=0, shift=0, jitter=0, word_drop=0, word_mask=0)
    plain = collate([page], window, tokenizer)
    same = collate([page], window, tokenizer, (still, [np.random.default_rng(0)]))
    for name, tensor in plain.inputs.items():
        assert np.array_equal(tensor, same.inputs[name]), name


windows_strategy = st.lists(st.integers(3, 512), min_size=1, max_size=200).map(
    lambda lengths: [Window(i, 0, 1, length) for i, length in enumerate(lengths)]
)


@given(windows=windows_strategy, batch_size=st.integers(1, 9), seed=st.integers(0, 99))
def test_shuffled_batches_hold_every_window_once(windows, batch_size, seed):
    batches = shuffled_batches(windows, batch_size, np.random.default_rng(seed))
    assert sorted(window.page for batch in batches for window in batch) == list(range(len(windows)))
    assert all(len(batch) <= batch_size for batch in batches)
    assert len(batches) == -(-len(windows) // batch_size)


@given(windows=windows_strategy, tokens=st.integers(1, 4096))
def test_packed_batches_hold_every_window_once_within_the_budget(windows, tokens):
    batches = list(packed_batches(windows, tokens))
    assert sorted(window.page for batch in batches for window in batch) == list(range(len(windows)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(window.length for window in batch) <= tokens


def test_segment_boxes_surround_their_words():
    boxes = np.array([[0, 0, 10, 10], [20, 2, 30, 12], [50, 50, 60, 60], [70, 70, 80, 80]])
    result = segment_boxes(boxes, [0, 0, -1, -1])
    assert result.tolist() == [[0, 0, 30, 12], [0, 0, 30, 12], [50, 50, 60, 60], [70, 70, 80, 80]]


def test_slow_tokenizer_is_a_named_error():
    with pytest.raises(WarmStartError, match="not a fast tokenizer"):
        WordTokenizer(object(), 8)


def test_words_are_beside_each_other_on_a_line_without_a_column_gap():
    words = ["12", "Long", "Lane", "Total", "Leeds"]
    boxes = [
        [100, 50, 120, 60],
        [126, 50, 166, 60],
        [172, 51, 212, 61],
        [700, 50, 750, 60],
        [100, 70, 150, 80],
    ]
    assert beside(words, np.array(boxes)).tolist() == [False, True, True, False, False]
    assert beside([], np.zeros((0, 4))).tolist() == []
