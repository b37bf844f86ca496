"""What a training leaves in a real MLflow store, and what is said where MLflow is lacking."""

import importlib.util
import os
import sys

import pytest

from invoicegen.modeling import TrainingData, TrainingFolders, TrainOptions
from invoicegen.pipelines.training.nodes import train
from invoicegen.schema.taxonomy import LabelSet
from invoicegen.tracking import MlflowRun, TrackingError, TrackingOptions

needs_mlflow = pytest.mark.skipif(
    importlib.util.find_spec("mlflow") is None, reason="needs MLflow: make test-mlflow"
)
HISTORY = [
    {"epoch": epoch, "step": 10 * epoch, "validation_f1": epoch / 4, "note": "x"} for epoch in (1, 2, 3)
]


def test_without_mlflow_the_extra_is_named(monkeypatch, tmp_path):
    monkeypatch.delenv("MLFLOW_DISABLE_TELEMETRY", raising=False)
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(TrackingError, match=r"pip install 'invoicegen\[mlflow\]'"):
        MlflowRun(TrackingOptions(mlflow=True), "train", {}, tmp_path / "run")
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"


@pytest.fixture
def client(tmp_path, monkeypatch):
    """A client of the local store that is used where nothing else is said."""
    import mlflow

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return lambda uri=f"sqlite:///{tmp_path}/data/08_reporting/mlflow/runs.db": mlflow.MlflowClient(uri)


def runs(client, experiment="invoicegen"):
    return client.search_runs([client.get_experiment_by_name(experiment).experiment_id])


@needs_mlflow
def test_a_training_is_logged_to_the_local_store(client, stock_checkpoint, fabricate_tables, tmp_path):
    options = TrainOptions(
        init_from=str(stock_checkpoint),
        epochs=2,
        max_length=64,
        inference_max_length=64,
        progress=False,
        device="cpu",
    )
    folders = TrainingFolders(
        checkpoints=str(tmp_path / "checkpoints"), metrics=str(tmp_path / "metrics.jsonl")
    )
    tables = fabricate_tables(range(3))
    _, _, history = train(
        tables,
        {},
        tables,
        options,
        TrainingData(),
        folders,
        TrackingOptions(mlflow=True),
        {"fingerprint": "abc"},
        LabelSet(),
    )
    (run,) = runs(client())
    assert run.info.status == "FINISHED"
    assert run.data.params["train.epochs"] == "2"
    assert run.data.params["train.augmentation.shift"] == "20"
    assert run.data.params["data.fingerprint"] == "abc"
    for name in ("train_loss", "validation_f1", "validation_ner_ece"):
        logged = client().get_metric_history(run.info.run_id, name)
        assert {metric.step: metric.value for metric in logged} == {
            row["epoch"]: row[name] for row in history
        }
    files = {file.path for file in client().list_artifacts(run.info.run_id)}
    assert files == {"README.md", "metrics.jsonl", "training_curves.png"}
    assert len(list((tmp_path / "data/08_reporting/mlflow/files").rglob("training_curves.png"))) == 1


@needs_mlflow
def test_an_unfinished_run_is_taken_up_again(client, tmp_path):
    def run():
        return MlflowRun(TrackingOptions(mlflow=True), "train", {"seed": 0}, tmp_path / "run")

    run().log_epochs(HISTORY[:2])
    run().log_epochs(HISTORY)
    (found,) = runs(client())
    assert found.info.status == "RUNNING"
    logged = client().get_metric_history(found.info.run_id, "validation_f1")
    assert [(metric.step, metric.value) for metric in logged] == [(1, 0.25), (2, 0.5), (3, 0.75)]
    last = run()
    last.finish([], {})
    assert not (tmp_path / "run").exists()
    run().log_epochs(HISTORY[:1])
    assert sorted(found.info.status for found in runs(client())) == ["FINISHED", "RUNNING"]


@needs_mlflow
@pytest.mark.parametrize("by", ["parameter", "environment"])
def test_another_store_and_experiment(client, by, tmp_path, monkeypatch):
    uri = f"sqlite:///{tmp_path}/elsewhere.db"
    options = TrackingOptions(mlflow=True, uri=uri if by == "parameter" else None, experiment="other")
    if by == "environment":
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    MlflowRun(options, "train", {}, tmp_path / "run").log_epochs(HISTORY)
    assert len(runs(client(uri), "other")) == 1
    assert not (tmp_path / "data").exists()
