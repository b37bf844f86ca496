"""What evaluations leave in a real MLflow store."""

import importlib.util
import json

import pytest

from invoicegen.evaluation import EvaluateOptions, RealOptions
from invoicegen.evaluation.real import RealLabel, score_real
from invoicegen.extraction.options import ExtractOptions
from invoicegen.images import encode_image
from invoicegen.pipelines.evaluation.nodes import evaluate_model, track_evaluation, track_real_evaluation
from invoicegen.schema.rows import page_to_row, rows_to_table
from invoicegen.tracking import TrackingOptions

needs_mlflow = pytest.mark.skipif(
    importlib.util.find_spec("mlflow") is None, reason="needs MLflow: make test-mlflow"
)
PARTS = [
    ("Mill Works Ltd", "SELLER_NAME", "Mill Works Ltd", None),
    ("466.48", "TOTAL_AMOUNT", "466.48", None),
]


@pytest.fixture
def logged(tmp_path, monkeypatch):
    """The one run in the local store: its parameters, its metrics and the names of its files."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)

    def load():
        import mlflow

        client = mlflow.MlflowClient(f"sqlite:///{tmp_path}/data/08_reporting/mlflow/runs.db")
        (run,) = client.search_runs([client.get_experiment_by_name("invoicegen").experiment_id])
        assert run.info.status == "FINISHED"
        files = {file.path for file in client.list_artifacts(run.info.run_id)}
        return run.data.params, run.data.metrics, files

    return load


@needs_mlflow
def test_an_evaluation_is_logged(logged, make_page, untrained_model, tmp_path):
    import numpy as np

    image = encode_image(np.full((20, 20, 3), 255, np.uint8), "png", 90, 150)
    pages = [make_page(PARTS, doc_id=f"doc-{i}") for i in range(3)]
    shards = {"a": lambda: rows_to_table(page_to_row(page, image, "clean") for page in pages)}
    options = EvaluateOptions(device="cpu")
    scores, confusion, _, _ = evaluate_model(shards, untrained_model, options)
    track_evaluation(scores, confusion, "<html>", options, TrackingOptions(mlflow=True))
    parameters, metrics, files = logged()
    assert parameters["model"] == scores["model"]
    assert parameters["evaluate.batch_pages"] == str(options.batch_pages)
    assert metrics["entities.by_entity.SELLER_NAME.support"] == 3
    assert metrics["intervals.entities strict micro F1.value"] == scores["entities"]["micro"]["f1"]
    assert metrics["calibration.ner.ece"] == pytest.approx(scores["calibration"]["ner"]["ece"])
    assert not [name for name in metrics if name.startswith("groups")]
    assert files == {"confusion_matrix.png", "entity_scores.png", "release.png", "report.html"}


@needs_mlflow
def test_an_evaluation_of_real_documents_is_logged(logged):
    labels = [
        RealLabel(file=f"{i}.pdf", kind="invoice", source="x", fields={"total": ["1.00"]}) for i in range(4)
    ]
    records = [
        {"file": label.file, "fields": {"TOTAL_AMOUNT": [{"value": "1.00", "confidence": 0.9}]}}
        for label in labels[:3]
    ]
    scores = json.loads(json.dumps({"folder": "mine", "model": "abc", **score_real(labels, records)}))
    track_real_evaluation(
        scores, "<html>", RealOptions(path="/elsewhere/mine"), ExtractOptions(), TrackingOptions(mlflow=True)
    )
    parameters, metrics, files = logged()
    assert (parameters["model"], parameters["real.path"]) == ("abc", "mine")
    assert metrics["documents.missing"] == 1
    assert metrics["by_kind.invoice.micro.recall"] == 0.75
    assert files == {"release.png", "report.html"}


def test_nothing_is_logged_unless_asked_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    track_evaluation({}, {}, "", EvaluateOptions(), TrackingOptions())
    track_real_evaluation({}, "", RealOptions(), ExtractOptions(), TrackingOptions())
    assert list(tmp_path.iterdir()) == []
