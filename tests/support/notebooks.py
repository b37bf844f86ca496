"""Notebooks run from their first cell to their last, as a reader would run them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[2] / "notebooks"


def run_notebook(name: str, folder: Path, timeout_s: int = 300, **parameters: Any) -> nbformat.NotebookNode:
    """The notebook ``name`` with its outputs, run in ``folder``; an error in a cell is raised.

    ``parameters`` take the place of all that the cell tagged ``parameters`` sets.
    """
    notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    if parameters:
        (cell,) = (
            cell for cell in notebook.cells if "parameters" in cell.get("metadata", {}).get("tags", [])
        )
        assert all(f"{parameter} = " in cell.source for parameter in parameters)
        cell.source = "\n".join(f"{parameter} = {value!r}" for parameter, value in parameters.items())
    client = NotebookClient(notebook, timeout=timeout_s, resources={"metadata": {"path": str(folder)}})
    return client.execute()


def outputs_of(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    """Outputs of all cells."""
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def count_pictures(notebook: nbformat.NotebookNode) -> int:
    """Pictures among the outputs."""
    return sum("image/png" in output.get("data", {}) for output in outputs_of(notebook))
