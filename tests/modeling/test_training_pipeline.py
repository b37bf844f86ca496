"""The pipeline ``train`` as Kedro runs it, and the dataset of the model folder."""

from typing import get_type_hints

import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.io.core import DatasetError
from kedro.runner import SequentialRunner

from invoicegen.datasets.model_dataset import ModelDirectoryDataset
from invoicegen.modeling import Predictor, TrainingData, TrainingFolders, TrainOptions
from invoicegen.pipelines.training import create_pipeline
from invoicegen.schema.taxonomy import LabelSet
from invoicegen.tracking import TrackingOptions


def test_pipeline_leaves_a_model_that_predicts(stock_checkpoint, tmp_path, fabricate_tables, page_of):
    options = TrainOptions(
        init_from=str(stock_checkpoint), epochs=1, max_length=96, inference_max_length=96, progress=False
    )
    folders = TrainingFolders(
        checkpoints=str(tmp_path / "checkpoints"), metrics=str(tmp_path / "reporting" / "metrics.jsonl")
    )
    catalog = DataCatalog(
        {
            "train_pages": MemoryDataset(fabricate_tables(range(4)), copy_mode="assign"),
            "all_train_pages": MemoryDataset({}),
            "validation_pages": MemoryDataset(fabricate_tables(range(4, 6)), copy_mode="assign"),
            "params:train": MemoryDataset(options),
            "params:train_data": MemoryDataset(TrainingData()),
            "params:train_folders": MemoryDataset(folders),
            "params:tracking": MemoryDataset(TrackingOptions()),
            "params:taxonomy": MemoryDataset(LabelSet()),
            "model_input_manifest": MemoryDataset({"fingerprint": "abc"}),
            "model": ModelDirectoryDataset(filepath=str(tmp_path / "model")),
            "training_summary": MemoryDataset(),
            "training_curves": MemoryDataset(copy_mode="assign"),
        }
    )
    SequentialRunner().run(create_pipeline(), catalog)
    model = catalog.load("model")
    assert model == tmp_path / "model"
    assert len(Predictor.from_pretrained(model).predict_pages([page_of(0)])) == 1
    assert catalog.load("training_summary")["train_pages"] == 4
    assert catalog.load("training_summary")["data"] == {
        "fingerprint": "abc",
        "trained_on": sorted(fabricate_tables(range(4))),
    }
    catalog.load("training_curves").savefig(tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size > 1000
    assert (tmp_path / "reporting" / "metrics.jsonl").is_file()


def model_folder(path, text):
    path.mkdir()
    (path / "config.json").write_text(text)
    return path


def test_saved_model_replaces_the_former_one_whole(tmp_path):
    dataset = ModelDirectoryDataset(filepath=str(tmp_path / "models" / "model"))
    assert not dataset.exists()
    with pytest.raises(DatasetError, match="no model in"):
        dataset.load()
    first = model_folder(tmp_path / "first", "1")
    (first / "only_in_first").write_text("")
    dataset.save(first)
    dataset.save(model_folder(tmp_path / "second", "2"))
    folder = dataset.load()
    assert (folder / "config.json").read_text() == "2"
    assert [path.name for path in folder.iterdir()] == ["config.json"]
    assert [path.name for path in folder.parent.iterdir()] == ["model"]


def test_remote_model_folder_is_refused():
    with pytest.raises(DatasetError, match="local file system"):
        ModelDirectoryDataset(filepath="s3://bucket/model")


def test_hints_of_nodes_resolve_so_that_options_are_checked():
    for node in create_pipeline().nodes:
        hints = get_type_hints(node.func)
        if node.name == "train_model":
            assert hints["options"] is TrainOptions
            assert hints["folders"] is TrainingFolders
            assert hints["labels"] is LabelSet
