"""The notebooks run from their first cell to their last, with models and numbers that make them quick.

Those on generated data and on errors run in test_generate.py and test_train_to_extract.py, on what is there.
"""

import nbformat
import pytest
from notebooks import FOLDER, count_pictures, outputs_of, run_notebook
from PIL import Image


def test_the_tutorial_on_fine_tuning_runs(untrained_model, tmp_path):
    given = {"INIT_FROM": str(untrained_model), "DOCUMENTS": 12, "MINUTES": 0.2, "EPOCHS": 1, "LENGTH": 128}
    notebook = run_notebook("03_fine_tune_on_your_documents", tmp_path, **given)
    assert count_pictures(notebook) >= 5
    (refused,) = [
        output.text
        for output in outputs_of(notebook)
        if output.output_type == "stream" and output.name == "stdout"
    ]
    assert "has labels of CUSTOMER_NUMBER, which the model does not know" in refused
    scores = notebook.cells[-5].outputs[-1].data["text/plain"]
    assert "customer number" in scores


def test_the_tutorial_on_fine_tuning_draws_what_has_a_place(tmp_path):
    """A model that is hardly trained gives a currency by the country alone now and then, which has no box."""
    Image.new("RGB", (100, 140), "white").save(tmp_path / "invoice.jpg")
    placed = {"value": "7.00", "text": "7.00", "confidence": 0.9, "page": 1, "box": [10.0, 20.0, 30.0, 40.0]}
    currency = {"value": "EUR", "text": "", "confidence": 0.01, "page": None, "box": None}
    record = {"fields": {"CURRENCY": [currency], "TOTAL": [placed]}}
    notebook = nbformat.read(FOLDER / "03_fine_tune_on_your_documents.ipynb", as_version=4)
    (drawing,) = (cell.source for cell in notebook.cells if "add_patch" in cell.source)
    given = {"folder": tmp_path, "record": record}
    exec(drawing, given)
    (axis,) = given["figure"].axes
    assert [patch.get_bbox().extents.tolist() for patch in axis.patches] == [placed["box"]]
    assert [text.get_text() for text in axis.texts] == ["TOTAL"]


def test_the_notebook_on_the_service_runs(tmp_path):
    notebook = run_notebook("04_serve_and_call", tmp_path, timeout_s=600)
    shown = ["".join(str(output) for output in cell.get("outputs", [])) for cell in notebook.cells]
    (read,) = (text for text in shown if "invoice-2.pdf" in text)  # the results of the batch
    assert "invoice-0.pdf" in read
    assert any("urn:invoicegen:problem:unsupported-media-type" in text for text in shown)
    assert any('invoicegen_documents_total{outcome="read"} 4.0' in text for text in shown)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.ipynb")), ids=lambda path: path.stem)
def test_notebooks_are_kept_without_outputs(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert [cell.id for cell in notebook.cells if cell.get("outputs") or cell.get("execution_count")] == []
