"""The notebooks run from their first cell to their last, with models and numbers that make them quick."""

from pathlib import Path

import nbformat
from nbclient import NotebookClient

TUTORIAL = Path(__file__).parents[2] / "notebooks/fine_tune_on_your_documents.ipynb"
SERVICE = Path(__file__).parents[2] / "notebooks/04_serve_and_call.ipynb"


def test_the_tutorial_on_fine_tuning_runs(untrained_model, tmp_path):
    notebook = nbformat.read(TUTORIAL, as_version=4)
    (parameters,) = (
        cell for cell in notebook.cells if "parameters" in cell.get("metadata", {}).get("tags", [])
    )
    given = {"INIT_FROM": str(untrained_model), "DOCUMENTS": 12, "MINUTES": 0.2, "EPOCHS": 1, "LENGTH": 128}
    assert all(f"{name} = " in parameters.source for name in given)
    parameters.source = "\n".join(f"{name} = {value!r}" for name, value in given.items())
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    assert len(pictures) >= 5
    (refused,) = [
        output.text for output in outputs if output.output_type == "stream" and output.name == "stdout"
    ]
    assert "has labels of CUSTOMER_NUMBER, which the model does not know" in refused
    scores = notebook.cells[-5].outputs[-1].data["text/plain"]
    assert "customer number" in scores


def test_the_notebook_on_the_service_runs(tmp_path):
    notebook = nbformat.read(SERVICE, as_version=4)
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = ["".join(str(output) for output in cell.get("outputs", [])) for cell in notebook.cells]
    (read,) = (text for text in shown if "invoice-2.pdf" in text)  # the results of the batch
    assert "invoice-0.pdf" in read
    assert any("urn:invoicegen:problem:unsupported-media-type" in text for text in shown)
    assert any('invoicegen_documents_total{outcome="read"} 4.0' in text for text in shown)
