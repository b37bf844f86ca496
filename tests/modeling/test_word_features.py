"""Features of whole words: what they say, and that a model which has them starts as one without, and keeps them."""

import numpy as np
import pytest
import torch
from transformers import AutoModel

from invoicegen.modeling import ModelLoader, TrainOptions, train_model
from invoicegen.modeling.encoding import WordTokenizer, collate, encode_page, page_windows
from invoicegen.modeling.export import export_model
from invoicegen.modeling.openvino_network import OpenVinoNetwork
from invoicegen.modeling.warm_start import COMPACT, starting_point
from invoicegen.modeling.word_features import COLUMNS, ROWS, kind_of, word_features

KINDS_OF = {
    "amount": [
        "1.234,56",
        "1,234.56",
        "€12.00",
        "12,50€",
        "(3.00)",
        "-5.00",
        "4.89A",
        "EUR100,00",
        "1'200.00",
    ],
    "integer": ["12", "#4711", "2026", "30,"],
    "decimal": ["1,0000", "19.5", "RM500", ".5", "12,-"],
    "percentage": ["19%", "19,00%", "(7%)"],
    "date": ["31.12.2025", "2025-12-31", "12/31/25", "1-2-2026,", "2026-01-05T10:00:00", "02/2026"],
    "time": ["14:30", "2:05pm", "23:59:59"],
    "currency": ["€", "EUR", "kr", "(RM)"],
    "email": ["info@example.org"],
    "url": ["https://example.org/a", "www.example.org", "example.com"],
    "iban": ["DE75512108001245126199"],
    "tax_id": ["DE123456789", "ATU12345678", "NO123456789MVA", "27AAPFU0939F1ZV"],
    "phone": ["+49891234567", "(406)656-8000", "016-7867868"],
    "code": ["INV-2026-0042", "A4711", "75g"],
    "number": ["1/2", "1234-5"],
    "letter": ["A", "x:"],
    "punctuation": ["-", "::", "•"],
    "lower": ["total", "netto:"],
    "upper": ["TOTAL", "VAT-NO."],
    "capitalised": ["Invoice", "Zahlbar."],
    "mixed": ["GmbH", "MwSt."],
}


@pytest.mark.parametrize(("kind", "words"), KINDS_OF.items())
def test_kind_of_a_word(kind, words):
    assert {word: kind_of(word) for word in words} == dict.fromkeys(words, kind)


def test_amounts_that_add_up_are_told_from_those_that_do_not():
    words = ["Net", "100,00", "VAT", "19%", "19,00", "Total", "119,00", "EUR", "7,50", "119,00"]
    rows = word_features(words, "arithmetic")
    assert rows.shape == (10, COLUMNS["arithmetic"])
    assert rows.min() >= 1
    assert rows.max() < ROWS["arithmetic"]
    size, role = rows[:, 3], rows[:, 4]
    assert len({role[6], role[9]}) == 1  # the total, twice
    assert role[1] == role[4]  # its parts
    assert len({role[6], role[1], role[8], role[0]}) == 3  # a stray amount counts as no part, like a word
    assert role[8] == role[0]
    assert len({size[6], size[1], size[4], size[8], size[0]}) == 5
    np.testing.assert_array_equal(rows[:, :3], word_features(words, "shape"))


@pytest.mark.parametrize("which", ["none", "shape", "arithmetic"])
def test_a_page_without_words_has_features_of_none(which):
    assert word_features([], which).shape == (0, COLUMNS[which])


def test_a_model_with_features_starts_as_the_one_without(page_of):
    plain = starting_point(COMPACT, seed=0)
    start = starting_point(COMPACT, seed=0, word_features="arithmetic")
    assert "layoutlmv3.word_feature_embeddings.weight" in start.new_parameters - plain.new_parameters
    tokenizer = WordTokenizer(start.tokenizer, 8)
    words = [word.text for word in page_of(1).words]
    boxes = np.array([word.box for word in page_of(1).words]).astype(int) // 2

    def hidden(model, features):
        pages = [encode_page(tokenizer, words, boxes, features=features)]
        batch = collate(pages, page_windows(pages, 128, 8), tokenizer).inputs
        with torch.no_grad():
            return model.eval().layoutlmv3(**{name: torch.from_numpy(array) for name, array in batch.items()})

    states = hidden(start.model, "arithmetic")
    start.model.layoutlmv3.load_state_dict(plain.model.layoutlmv3.state_dict(), strict=False)
    torch.testing.assert_close(hidden(start.model, "arithmetic"), hidden(plain.model, "none"), atol=0, rtol=0)
    assert states.shape[-1] == 384
    with pytest.raises(ValueError, match="needs word_features"):
        hidden(start.model, "none")
    with pytest.raises(ValueError, match="takes no word_features"):
        hidden(plain.model, "shape")


@pytest.fixture(scope="module")
def with_features(model_folder, tmp_path_factory, fabricate_tables):
    """The tiny model, trained on with features that it did not have."""
    options = TrainOptions(
        init_from=str(model_folder),
        word_features="arithmetic",
        epochs=4,
        batch_size=3,
        max_length=96,
        inference_max_length=128,
        overlap_words=10,
        new_parameter_learning_rate=1e-2,
        early_stopping_patience=4,
        progress=False,
        device="cpu",
        precision="fp32",
    )
    torch.set_num_threads(1)
    pages = fabricate_tables(range(6), rows=12)
    return train_model(pages, pages, options, tmp_path_factory.mktemp("features")).path


def test_features_are_learnt_saved_and_exported(with_features, fabricate_tables, page_of, tmp_path):
    table = AutoModel.from_pretrained(with_features).layoutlmv3.word_feature_embeddings.weight
    assert table.abs().sum() > 0
    exported = export_model(with_features, tmp_path / "out", fabricate_tables(range(20, 26), rows=14))
    assert min(exported.exact.argmax.values()) >= 0.999
    by_torch, by_onnx = (ModelLoader(runtime=name).load(exported.path) for name in ("torch", "onnxruntime"))
    encoded = [by_onnx.encode(page_of(i, rows=n)) for i, n in enumerate((2, 30))]  # the second in windows
    batch = collate(encoded, page_windows(encoded, 128, 10), by_onnx.tokenizer).inputs
    assert batch["word_features"].shape[-1] == COLUMNS["arithmetic"]
    kept = batch["attention_mask"].astype(bool)
    expected = by_torch.network(batch)
    exact = OpenVinoNetwork(exported.path / "model.onnx", threads=1, precision="f32")
    for network in (by_onnx.network, exact):
        for head, logits in network(batch).items():
            np.testing.assert_allclose(logits[kept], expected[head][kept], atol=0.02)
    other = {**batch, "word_features": np.zeros_like(batch["word_features"])}
    assert not np.allclose(by_onnx.network(other)["ner"], by_onnx.network(batch)["ner"])
