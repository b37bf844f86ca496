"""The notebooks run from their first cell to their last, with models and numbers that make them quick.

Those on generated data and on errors run in test_generate.py and test_train_to_extract.py, on what is there.
"""

import nbformat
import pytest
from notebooks import FOLDER, count_pictures, outputs_of, run_notebook


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
