"""Pre-training learns to guess hidden words, and what it leaves is where training starts."""

import json

import numpy as np
import pytest
import torch
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner

from invoicegen.datasets.model_dataset import ModelDirectoryDataset
from invoicegen.modeling import (
    ModelFolderError,
    ModelLoader,
    PretrainOptions,
    TrainingFolders,
    TrainOptions,
    WarmStartError,
    pretrain_model,
    train_model,
)
from invoicegen.modeling.encoding import WordTokenizer, collate, encode_page, page_windows
from invoicegen.modeling.labels import IGNORED
from invoicegen.modeling.masking import MaskedLanguageModel, Vocabulary, mask_words
from invoicegen.modeling.warm_start import COMPACT_SOURCE, StartingPoint, starting_point
from invoicegen.pipelines.pretraining import create_pipeline
from invoicegen.schema.taxonomy import LabelSet


@pytest.fixture
def options(stock_checkpoint):
    def make(**changes):
        defaults = {
            "init_from": str(stock_checkpoint),
            "epochs": 20,
            "batch_size": 3,
            "max_length": 96,
            "overlap_words": 10,
            "precision": "fp32",
            "device": "cpu",
            "progress": False,
            "learning_rate": 3e-3,
            "new_parameter_learning_rate": 1e-2,
            "early_stopping_patience": 20,
            "dropout": 0.0,
        }
        return PretrainOptions(**(defaults | changes))

    return make


@pytest.fixture(scope="module")
def encoded(stock_checkpoint, page_of):
    start = starting_point(str(stock_checkpoint), 0, visual_embed=False)
    tokenizer = WordTokenizer(start.tokenizer, 8)
    pages = []
    for i in range(4):
        words = page_of(i, rows=8).words
        boxes = np.array([word.box for word in words]).astype(int) // 2
        pages.append(encode_page(tokenizer, [word.text for word in words], boxes, features="shape"))
    batch = collate(pages, page_windows(pages, 256, 8), tokenizer)
    return start, batch


def masked(encoded, share, seed=0):
    start, batch = encoded
    rngs = [np.random.default_rng([seed, row]) for row in range(len(batch.windows))]
    vocabulary = Vocabulary(start.tokenizer.mask_token_id, start.model.config.vocab_size)
    return mask_words(batch, vocabulary, share, rngs)


def test_words_are_hidden_whole_and_keep_their_boxes(encoded):
    start, batch = encoded
    hidden = masked(encoded, 0.5)
    before, after, labels = batch.inputs["input_ids"], hidden["input_ids"], hidden["mlm_labels"]
    guessed = labels != IGNORED
    np.testing.assert_array_equal(labels[guessed], before[guessed])
    np.testing.assert_array_equal(after[~guessed], before[~guessed])
    np.testing.assert_array_equal(hidden["bbox"], batch.inputs["bbox"])
    words = 0
    for row, first in enumerate(batch.first_subwords):
        end = batch.inputs["attention_mask"][row].sum() - 1
        for begin, stop in zip(first, [*first[1:], end], strict=True):
            assert len(set(guessed[row, begin:stop])) == 1  # whole words
            words += guessed[row, begin]
        assert not guessed[row, [0, *range(end, guessed.shape[1])]].any()
    assert words == pytest.approx(0.5 * sum(map(len, batch.first_subwords)), rel=0.2)
    masks = (after == start.tokenizer.mask_token_id)[guessed].mean()
    assert 0.65 < masks < 0.92
    assert not hidden["word_features"][after == start.tokenizer.mask_token_id].any()
    assert (hidden["word_features"] == batch.inputs["word_features"]).all(axis=-1)[~guessed].all()


def test_every_window_hides_a_word_and_the_same_seed_the_same_words(encoded):
    first, again, other = (masked(encoded, 1e-6, seed) for seed in (0, 0, 1))
    assert ((first["mlm_labels"] != IGNORED).sum(axis=1) > 0).all()
    np.testing.assert_array_equal(first["mlm_labels"], again["mlm_labels"])
    assert (first["mlm_labels"] != other["mlm_labels"]).any()


def test_the_loss_is_that_of_the_hidden_subwords_over_the_whole_vocabulary(encoded):
    start, _ = encoded
    inputs = {name: torch.from_numpy(array) for name, array in masked(encoded, 0.3).items()}
    inputs.pop("word_features")
    model = MaskedLanguageModel(start.model.layoutlmv3).eval()
    with torch.no_grad():
        states = model.encoder(inputs["input_ids"], inputs["bbox"], inputs["attention_mask"])
        table = start.model.layoutlmv3.embeddings.word_embeddings.weight
        logits = model.norm(torch.nn.functional.gelu(model.dense(states))) @ table.T + model.bias
        expected = torch.nn.functional.cross_entropy(logits.flatten(0, 1), inputs["mlm_labels"].flatten())
        torch.testing.assert_close(model(**inputs).head_losses["mlm"], expected)


def test_pretraining_learns_and_training_starts_from_what_it_leaves(options, tmp_path, fabricate_tables):
    pages = fabricate_tables(range(6), rows=6)
    settings = options(word_features="shape")
    trained = pretrain_model(pages, pages, settings, tmp_path / "pre", tmp_path / "metrics.jsonl")
    history = trained.history
    assert history[-1]["validation_loss"] < 0.75 * history[0]["validation_loss"]
    assert trained.summary["best"]["validation_accuracy"] > history[0]["validation_accuracy"]
    assert [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()] == history
    start = starting_point(str(trained.path), 0, word_features="shape")
    assert {name.split(".")[0] for name in start.new_parameters} == {"heads"}
    assert start.model.layoutlmv3.word_feature_embeddings.weight.abs().sum() > 0
    tuned = train_model(
        pages,
        pages,
        TrainOptions(
            init_from=str(trained.path),
            word_features="shape",
            epochs=1,
            max_length=96,
            inference_max_length=128,
            progress=False,
        ),
        tmp_path / "train",
    )
    assert tuned.summary["best"]["validation_loss"] > 0
    with pytest.raises(ModelFolderError, match=r"invoicegen\.json is missing"):
        ModelLoader().load(trained.path)  # no model yet


def test_an_unfinished_pretraining_goes_on_to_the_same_weights(
    options, tmp_path, fabricate_tables, monkeypatch
):
    from safetensors.torch import load_file

    from invoicegen.modeling import training

    pages = fabricate_tables(range(5))
    settings = options(epochs=3, batch_size=1, checkpoint_steps=2, dropout=0.1)
    whole = pretrain_model(pages, pages, settings, tmp_path / "whole")

    def stop_at_step_7(run, *given, step=training.TrainingRun._train_step):
        if run.progress.step == 7:
            run.interrupted = True
        return step(run, *given)

    with monkeypatch.context() as patch:
        patch.setattr(training.TrainingRun, "_train_step", stop_at_step_7)
        with pytest.raises(KeyboardInterrupt):
            pretrain_model(pages, pages, settings, tmp_path / "broken")
    resumed = pretrain_model(pages, pages, settings, tmp_path / "broken")
    expected, found = (load_file(path / "model.safetensors") for path in (whole.path, resumed.path))
    assert all(torch.equal(found[name], tensor) for name, tensor in expected.items())
    assert found.keys() == expected.keys()


def test_a_tokenizer_without_a_mask_token_is_refused(options, tmp_path, fabricate_tables, monkeypatch):
    from invoicegen.modeling import pretraining

    def without_mask(*given, **changes):
        start = starting_point(*given, **changes)
        start.tokenizer.mask_token = None
        return start

    monkeypatch.setattr(pretraining, "starting_point", without_mask)
    pages = fabricate_tables(range(2))
    with pytest.raises(WarmStartError, match="no mask token"):
        pretrain_model(pages, pages, options(), tmp_path)


def test_the_rate_is_high_until_the_heads_of_the_compact_model_are_trained():
    def rate(source, new):
        return StartingPoint(None, None, frozenset(new), source).learning_rate

    assert rate(COMPACT_SOURCE, {"heads.ner.weight", "layoutlmv3.rel_pos_bias.weight"}) == 2e-4
    assert rate(COMPACT_SOURCE, set()) == rate("microsoft/layoutlmv3-base", {"heads.ner.weight"}) == 5e-5


def test_pipeline_leaves_an_encoder(options, tmp_path, fabricate_tables):
    folders = TrainingFolders(
        checkpoints=str(tmp_path / "checkpoints"), metrics=str(tmp_path / "metrics.jsonl")
    )
    catalog = DataCatalog(
        {
            "train_pages": MemoryDataset(fabricate_tables(range(4)), copy_mode="assign"),
            "validation_pages": MemoryDataset(fabricate_tables(range(4, 6)), copy_mode="assign"),
            "params:pretrain": MemoryDataset(options(epochs=1)),
            "params:pretrain_folders": MemoryDataset(folders),
            "model_input_manifest": MemoryDataset({"fingerprint": "abc"}),
            "params:taxonomy": MemoryDataset(LabelSet()),
            "pretrained_model": ModelDirectoryDataset(filepath=str(tmp_path / "model")),
            "pretraining_summary": MemoryDataset(),
        }
    )
    SequentialRunner().run(create_pipeline(), catalog)
    assert catalog.load("pretraining_summary")["data"] == {"fingerprint": "abc"}
    assert starting_point(str(catalog.load("pretrained_model")), 0).new_parameters
