"""The tutorial runs from its first cell to its last, on a model and with numbers that make it quick."""

from pathlib import Path

import nbformat
from nbclient import NotebookClient

TUTORIAL = Path(__file__).parents[2] / "notebooks/fine_tune_on_your_documents.ipynb"


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
