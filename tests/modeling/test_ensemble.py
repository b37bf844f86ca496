"""Several models as one: the mean of what they say, out of one folder."""

import json
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from invoicegen.console import app
from invoicegen.datasets.model_dataset import ModelDirectoryDataset
from invoicegen.doctor import _model
from invoicegen.modeling import (
    Ensemble,
    ModelFolderError,
    ModelLoader,
    TaxonomyMismatchError,
    TrainOptions,
    train_model,
)
from invoicegen.modeling.decoding import WordScores
from invoicegen.modeling.ensemble import make_ensemble
from invoicegen.modeling.export import export_model
from invoicegen.modeling.network import log_softmax
from invoicegen.modeling.settings import Temperatures
from invoicegen.modeling.warm_start import starting_point


@pytest.fixture(scope="module")
def pages(fabricate_tables):
    return fabricate_tables(range(20, 26), rows=14)


@pytest.fixture(scope="module")
def members(model_folder, stock_checkpoint, pages, fabricate_tables, tmp_path_factory):
    """A model as it was trained, and one that knows less, packed."""
    folder = tmp_path_factory.mktemp("members")
    first = shutil.copytree(model_folder, folder / "first")
    options = TrainOptions(
        init_from=str(stock_checkpoint), epochs=5, learning_rate=3e-3, new_parameter_learning_rate=1e-2, batch_size=3,
        max_length=96, inference_max_length=64, overlap_words=5, seed=3, progress=False, device="cpu", precision="fp32",
    )  # fmt: skip
    tables = fabricate_tables(range(6), rows=12)
    trained = train_model(tables, tables, options, tmp_path_factory.mktemp("second")).path
    second = export_model(trained, folder / "second", pages, precision="w8a16").path
    return [first, second]


@pytest.fixture(scope="module")
def made(members, pages, tmp_path_factory):
    return make_ensemble(members, tmp_path_factory.mktemp("out") / "both", pages)


@pytest.fixture
def read_by(made):
    return ModelLoader().load(made.path)


def test_the_probability_of_a_label_is_the_mean_of_the_calibrated_ones(read_by, members, page_of):
    page = page_of(3, rows=9)
    assert isinstance(read_by, Ensemble)
    (mean,) = read_by.score([page])
    by_member = []
    for folder in members:
        model = ModelLoader().load_model(folder)
        (scores,) = model.score([page])
        by_member.append(np.exp(log_softmax(scores.ner, model.temperatures.ner)))
    assert np.abs(by_member[0] - by_member[1]).max() > 0.05
    np.testing.assert_allclose(np.exp(mean.ner), (by_member[0] + by_member[1]) / 2, atol=1e-5)
    assert {mean.table.shape, mean.cell.shape} == {(len(page.words), 3)}


def test_the_order_of_the_members_changes_no_probability(members, page_of):
    there, back = (
        Ensemble([ModelLoader().load_model(folder) for folder in order], Temperatures(), 2.0)
        for order in (members, members[::-1])
    )
    for one, other in zip(there.score([page_of(5)]), back.score([page_of(5)]), strict=True):
        np.testing.assert_allclose(one.ner, other.ner, atol=1e-6)


def test_a_page_without_words_and_no_page_at_all(read_by, page_of):
    empty = page_of(1, rows=1)
    empty = type(empty)(0, empty.width, empty.height, [])
    (prediction, other) = read_by.predict_pages([empty, page_of(1)])
    assert prediction.ner_tags == []
    assert len(other.ner_tags) == len(page_of(1).words)
    assert read_by.predict_pages([]) == []


def test_what_is_fitted_and_measured_stands_in_the_folder(made, read_by):
    settings = json.loads((made.path / "ensemble.json").read_text())
    assert settings["members"] == ["first", "second"]
    assert settings["temperatures"] == {head: one.temperature for head, one in made.calibration.items()}
    assert read_by.temperatures.ner == made.calibration["ner"].temperature
    card = (made.path / "README.md").read_text()
    for name, f1 in made.f1_members.items():
        assert f"| [{name}]({name}/README.md) | {f1:.4f} |" in card
    assert made.f1_members["first"] > made.f1_members["second"]
    assert f"| together | {made.f1:.4f} |" in card


def test_it_is_a_model_to_the_catalog(made):
    assert ModelDirectoryDataset(filepath=str(made.path)).load() == made.path


def test_training_goes_on_from_its_first_member(made, members):
    start, first = starting_point(str(made.path), 0), starting_point(str(members[0]), 0)
    pairs = zip(start.model.state_dict().values(), first.model.state_dict().values(), strict=True)
    assert all((one == other).all() for one, other in pairs)
    assert start.new_parameters == frozenset()


def test_the_doctor_knows_it(made):
    finding = _model(made.path)
    assert finding.ok
    assert str(made.path) in finding.found


def test_where_one_model_is_wanted_members_are_named(made, pages, tmp_path):
    with pytest.raises(ModelFolderError, match=r"holds an ensemble.*both/first, .*both/second"):
        ModelLoader().load_model(made.path)
    with pytest.raises(ModelFolderError, match="name a member"):
        export_model(made.path, tmp_path / "out", pages)


def test_one_model_or_two_of_a_name_are_no_ensemble(members, pages, tmp_path):
    for given in ([members[0]], [members[0], members[0]]):
        with pytest.raises(ModelFolderError, match="two or more models, in folders of different names"):
            make_ensemble(given, tmp_path / "out", pages)
    assert not any(tmp_path.iterdir())


def test_members_of_other_labels_are_refused(members):
    first, second = (ModelLoader().load_model(folder) for folder in members)
    labels = {**second.inputs.head_labels, "ner": second.inputs.head_labels["ner"][::-1]}
    second.inputs = second.inputs.model_copy(update={"head_labels": labels})
    with pytest.raises(TaxonomyMismatchError, match="cannot be averaged"):
        Ensemble([first, second], Temperatures(), 0.0)


def test_what_one_member_has_seen_interrupted_may_be(members):
    first, second = (ModelLoader().load_model(folder) for folder in members)
    first.inputs = first.inputs.model_copy(update={"resumable": ()})
    second.inputs = second.inputs.model_copy(update={"resumable": ("SELLER_NAME",)})
    ids = first.labels.ner_ids
    scores = np.full((3, len(ids)), -20.0, dtype=np.float32)
    for word, label in enumerate(("B-SELLER_NAME", "O", "I-SELLER_NAME")):
        scores[word, ids[label]] = 0.0
    both = Ensemble([first, second], Temperatures(), 0.0)
    neither = Ensemble([first, first], Temperatures(), 0.0)
    assert both.decode(WordScores(scores)).ner_tags == ["B-SELLER_NAME", "O", "I-SELLER_NAME"]
    assert neither.decode(WordScores(scores)).ner_tags != ["B-SELLER_NAME", "O", "I-SELLER_NAME"]


def test_nothing_is_overwritten_without_being_told(made, members, pages):
    with pytest.raises(ModelFolderError, match="--overwrite"):
        make_ensemble(members, made.path, pages)
    assert (made.path / "ensemble.json").is_file()


@pytest.mark.parametrize(
    "text",
    ['{"members": ["first"]}', '{"members": ["../first", "second"]}', "{", '{"members": ["a", "b"], "x": 1}'],
)
def test_a_damaged_description_is_named(made, tmp_path, text):
    folder = shutil.copytree(made.path, tmp_path / "copy")
    (folder / "ensemble.json").write_text(text)
    with pytest.raises(ModelFolderError, match=r"copy/ensemble\.json cannot be used"):
        ModelLoader().load(folder)


def test_a_member_that_is_not_there_is_named(made, tmp_path):
    folder = shutil.copytree(made.path, tmp_path / "copy")
    shutil.rmtree(folder / "second")
    with pytest.raises(ModelFolderError, match="copy/second"):
        ModelLoader().load(folder)


def test_the_command_makes_a_folder_that_extract_reads(members, pages, invoice_pdf, tmp_path):
    for name, table in pages.items():
        pq.write_table(table(), tmp_path / f"{name}.parquet")
    out = tmp_path / "both"
    arguments = ["ensemble", str(out), *map(str, members), "--pages", str(tmp_path)]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    assert (out / "baseline.json").is_file()
    assert json.loads(done.stdout)["f1_members"].keys() == {"first", "second"}
    again = CliRunner().invoke(app, arguments)
    assert again.exit_code == 1
    assert "--overwrite" in again.output
    read = CliRunner().invoke(app, ["extract", str(invoice_pdf), "--model", str(out)])
    assert read.exit_code == 0, read.output
    assert json.loads(read.stdout)["fields"]
