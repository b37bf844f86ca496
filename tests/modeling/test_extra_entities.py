"""Entity types of a user's own: what a model knows is kept, what is new is learnt, and mismatches are named."""

import numpy as np
import pytest
import torch

from invoicegen.modeling import (
    CheckpointError,
    ModelingError,
    ModelLoader,
    PretrainOptions,
    TaxonomyMismatchError,
    TrainOptions,
    pretrain_model,
    train_model,
    training,
)
from invoicegen.modeling.decoding import Decoder, WordScores
from invoicegen.modeling.encoding import WordTokenizer
from invoicegen.modeling.export import export_model
from invoicegen.modeling.splits import read_split
from invoicegen.modeling.warm_start import starting_point
from invoicegen.modeling.word_features import COLUMNS
from invoicegen.schema.rows import rows_to_table
from invoicegen.schema.taxonomy import NER_IDS, NER_LABELS, LabelSet


def declared(*names):
    return LabelSet.model_validate({"extra_entities": [{"name": name} for name in names]})


ONE, TWO, SWAPPED = declared("SHAPE"), declared("SHAPE", "TOOL"), declared("TOOL", "SHAPE")


@pytest.fixture(scope="module")
def tables(fabricate_page):
    """Makes shards of pages on which the word "Hex" is a SHAPE, as ids of the given label set."""

    def make(labels, indices=range(6)):
        rows = []
        for index in indices:
            row = fabricate_page(index)
            shape = [i for i, text in enumerate(row["tokens"]) if text == "Hex"]
            for i in shape:
                row["ner_tags"][i], row["ner_tags"][i + 1] = (
                    labels.ner_ids["B-SHAPE"],
                    NER_IDS["B-ITEM_DESCRIPTION"],
                )
            rows.append(row)
        return {"shard-0": lambda: rows_to_table(rows, labels)}

    return make


@pytest.fixture(scope="module")
def fine_tuned(model_folder, tables, tmp_path_factory):
    """The tiny model after a few more epochs on pages with SHAPE, which are stored by another order of types."""
    options = TrainOptions(
        init_from=str(model_folder),
        epochs=20,
        batch_size=3,
        max_length=96,
        inference_max_length=128,
        new_parameter_learning_rate=3e-2,
        learning_rate=1e-3,
        early_stopping_patience=20,
        dropout=0.0,
        precision="fp32",
        device="cpu",
        progress=False,
    )
    folder = tmp_path_factory.mktemp("fine-tuned")
    return train_model(tables(SWAPPED), tables(ONE), options, folder, labels=TWO)


def test_weights_of_the_known_labels_are_carried_over_exactly_and_new_ones_are_fresh(model_folder, page_of):
    before, after = starting_point(str(model_folder), 0), starting_point(str(model_folder), 0, TWO)
    kept = after.model.state_dict()
    assert all(torch.equal(kept[name], tensor) for name, tensor in before.model.state_dict().items())
    assert after.new_parameters == {
        f"extra_heads.{name}.{part}" for name in ("SHAPE", "TOOL") for part in ("weight", "bias")
    }
    assert after.model.config.head_labels["ner"] == list(TWO.ner_labels)
    page = torch.arange(20)[None] % 50, torch.zeros(1, 20, 4, dtype=torch.long)
    features = torch.ones(1, 20, COLUMNS[after.model.config.word_features], dtype=torch.long)
    with torch.no_grad():
        logits, known = (
            start.model.eval()(*page, word_features=features).ner_logits for start in (after, before)
        )
        torch.testing.assert_close(logits[..., :73], known, rtol=0, atol=0)
    assert logits.shape[-1] == 77
    assert logits[..., 73:].std() > 0


def test_a_model_keeps_the_types_it_knows_whatever_their_order_and_number(fine_tuned):
    three = declared("COLOUR", "TOOL", "SHAPE")
    start = starting_point(str(fine_tuned.path), 0, three)
    kept = starting_point(str(fine_tuned.path), 0, TWO).model.state_dict()
    found = start.model.state_dict()
    assert all(torch.equal(found[name], tensor) for name, tensor in kept.items())
    assert start.new_parameters == {"extra_heads.COLOUR.weight", "extra_heads.COLOUR.bias"}


def test_transitions_between_known_labels_are_carried_over(model_folder, tmp_path):
    start = starting_point(str(model_folder), 0, ONE, crf=True)
    with torch.no_grad():
        start.model.crf.transitions.copy_(torch.arange(75.0**2).view(75, 75))
    start.model.save_pretrained(tmp_path)
    start.tokenizer.save_pretrained(tmp_path)
    wider = starting_point(str(tmp_path), 0, SWAPPED, crf=True).model.ner_transitions()
    places = [SWAPPED.ner_ids[label] for label in ONE.ner_labels]
    np.testing.assert_array_equal(wider[np.ix_(places, places)], np.arange(75.0**2).reshape(75, 75))
    assert not wider[73:75].any()  # TOOL is new


def test_a_new_type_is_learnt_beside_the_others_and_read_by_every_runtime(
    fine_tuned, tables, page_of, tmp_path
):
    assert fine_tuned.summary["extra_entities"] == ["SHAPE", "TOOL"]
    assert fine_tuned.summary["best"]["validation_f1"] > 0.9
    exported = export_model(fine_tuned.path, tmp_path / "served", tables(ONE, range(20, 26)))
    for folder in (fine_tuned.path, exported.path):
        predictor = ModelLoader().load(folder)
        assert predictor.labels == TWO
        (page,) = predictor.predict_pages([page_of(30)])
        assert page.labels == TWO
        tags = dict(zip((word.text for word in page.words), page.ner_tags, strict=True))
        assert (tags["Hex"], tags["Acme"]) == ("B-SHAPE", "B-SELLER_NAME")
    assert starting_point(str(exported.path), 0, TWO).new_parameters == frozenset()
    assert "`SHAPE`" in (fine_tuned.path / "README.md").read_text()


def test_decoding_keeps_to_bio_for_added_types():
    scores = WordScores(np.full((2, 75), -9.0, dtype=np.float32))
    scores.ner[0, NER_IDS["O"]], scores.ner[1, ONE.ner_ids["I-SHAPE"]] = -0.1, -0.1
    scores.ner[1, ONE.ner_ids["B-SHAPE"]] = -0.2
    assert Decoder(labels=ONE)(scores).ner_tags == ["O", "B-SHAPE"]


def test_a_run_without_the_types_of_its_pages_names_page_types_and_mend(model_folder, tables, tmp_path):
    options = TrainOptions(
        init_from=str(model_folder), progress=False, max_length=96, inference_max_length=96
    )
    with pytest.raises(
        ModelingError, match=r"shard-0, page d0-0: has labels of SHAPE.*taxonomy\.extra_entities"
    ):
        train_model(tables(TWO), tables(TWO), options, tmp_path, labels=declared("TOOL"))


def test_pretraining_takes_pages_and_a_model_with_added_types(fine_tuned, tables, tmp_path):
    options = PretrainOptions(
        init_from=str(fine_tuned.path),
        epochs=1,
        max_length=96,
        precision="fp32",
        device="cpu",
        progress=False,
    )
    trained = pretrain_model(tables(SWAPPED), tables(ONE), options, tmp_path / "pre", labels=TWO)
    start = starting_point(str(trained.path), 0, TWO)
    assert start.model.config.label_set == TWO
    assert {name.split(".")[0] for name in start.new_parameters} == {"heads", "extra_heads"}
    with pytest.raises(TaxonomyMismatchError, match=r"does not declare; add them .*\n  - \{name: TOOL"):
        pretrain_model(tables(ONE), tables(ONE), options, tmp_path / "fewer", labels=ONE)


def test_a_run_that_does_not_declare_what_its_model_knows_is_refused(fine_tuned):
    with pytest.raises(TaxonomyMismatchError, match=r"does not declare; add them .*\n  - \{name: SHAPE"):
        starting_point(str(fine_tuned.path), 0, declared("TOOL"))


def test_an_unfinished_training_with_other_types_is_not_taken_up(model_folder, tables, tmp_path, monkeypatch):
    options = TrainOptions(
        init_from=str(model_folder),
        progress=False,
        checkpoint_steps=1,
        batch_size=2,
        max_length=96,
        inference_max_length=96,
    )
    step = training._Training._train_step

    def deadly(self, *arguments):
        if self.progress.step == 2:
            raise KeyboardInterrupt
        return step(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(training._Training, "_train_step", deadly)
        with pytest.raises(KeyboardInterrupt):
            train_model(tables(ONE), tables(ONE), options, tmp_path, labels=ONE)
    with pytest.raises(CheckpointError, match=r"extra entities \(was \['SHAPE'\], is \['SHAPE', 'TOOL'\]\)"):
        train_model(tables(ONE), tables(ONE), options, tmp_path, labels=TWO)


def test_ids_of_a_shard_are_translated_by_name(model_folder, tables):
    start = starting_point(str(model_folder), 0, TWO)
    tokenizer = WordTokenizer(start.tokenizer, 8)
    by_order = [
        read_split("train", tables(stored), tokenizer, start.model.config)[0].labels["ner"]
        for stored in (ONE, TWO, SWAPPED)
    ]
    np.testing.assert_array_equal(by_order[0], by_order[1])
    np.testing.assert_array_equal(by_order[0], by_order[2])
    assert TWO.ner_ids["B-SHAPE"] in by_order[0]
    assert len(NER_LABELS) == 73
