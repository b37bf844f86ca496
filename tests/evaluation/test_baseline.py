"""What a model gives on labelled pages, and what the service makes of the file."""

import shutil

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from invoicegen.console import app
from invoicegen.evaluation.baseline import measure_baseline
from invoicegen.extraction.baseline import BaselineError, read_baseline
from invoicegen.schema.rows import page_to_row, rows_to_table
from invoicegen.serving.metrics import ExtractionMetrics

SELLER = ("Mill Works Ltd", "SELLER_NAME", "Mill Works Ltd", None)
TOTAL = ("466.48", "TOTAL_AMOUNT", "466.48", None)


class Knows:
    """Predicts what is true, with a confidence for each page."""

    def __init__(self, predictions):
        self._predictions = iter(predictions)

    def predict_pages(self, pages):
        return [next(self._predictions) for _ in pages]


def test_presence_confidence_and_review_are_measured_written_and_shown(make_page, predict, tmp_path):
    pages = [make_page([SELLER, TOTAL], doc_id="a"), make_page([SELLER], doc_id="b")]
    table = rows_to_table([page_to_row(page, b"", "clean") for page in pages])
    model = Knows([predict(pages[0], confidence=0.9), predict(pages[1], confidence=0.7)])
    measured = measure_baseline({"docs": lambda: table}, model, 0.5)
    (kind,) = measured.documents
    assert measured.documents[kind] == 2
    assert measured.presence == {"SELLER_NAME": {kind: 1.0}, "TOTAL_AMOUNT": {kind: 0.5}}
    assert measured.confidence == {"SELLER_NAME": 0.8, "TOTAL_AMOUNT": 0.9}
    assert measured.review == {kind: 1.0}  # neither has a date
    measured.write(tmp_path)
    assert read_baseline(tmp_path) == measured
    metrics = ExtractionMetrics()
    metrics.show(measured)
    shown = metrics.registry.get_sample_value(
        "invoicegen_baseline_field_presence_ratio", {"entity_type": "TOTAL_AMOUNT", "document_type": kind}
    )
    assert shown == 0.5


def test_a_model_without_a_baseline_has_none_and_a_damaged_one_is_named(tmp_path):
    assert read_baseline(tmp_path) is None
    (tmp_path / "baseline.json").write_text('{"documents": 3}')
    with pytest.raises(BaselineError, match=r"baseline.json: .*invoicegen baseline"):
        read_baseline(tmp_path)


def test_the_command_measures_a_model_on_the_pages_that_are_named(make_page, untrained_model, tmp_path):
    model = shutil.copytree(untrained_model, tmp_path / "model")
    pages = [make_page([SELLER, TOTAL], doc_id=name) for name in "abc"]
    pq.write_table(rows_to_table([page_to_row(page, b"", "clean") for page in pages]), tmp_path / "p.parquet")
    done = CliRunner().invoke(app, ["baseline", str(model), "--pages", str(tmp_path / "p.parquet")])
    assert done.exit_code == 0, done.output
    assert done.stdout.strip() == str(model / "baseline.json")
    measured = read_baseline(model)
    assert sum(measured.documents.values()) == 3
