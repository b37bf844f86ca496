"""The pipeline ``extract``: its node, its parameters and its catalog entry."""

import json
from pathlib import Path

import pytest
import yaml

from invoicegen.datasets import JsonLinesDataset
from invoicegen.extraction import ExtractOptions
from invoicegen.pipelines.extraction import create_pipeline
from invoicegen.pipelines.extraction.nodes import extract_documents

CONF = Path(__file__).parents[2] / "conf"


def test_wiring():
    (node,) = create_pipeline().nodes
    assert node.inputs == ["params:extract"]
    assert node.outputs == ["extractions"]


def test_the_parameters_are_options():
    base = yaml.safe_load((CONF / "base" / "parameters_extraction.yml").read_text())["extract"]
    assert ExtractOptions(**base).model == "data/06_models/model"


def test_the_catalog_entry_saves_what_the_node_gives(invoice_pdf, untrained_model, tmp_path):
    (tmp_path / "bad.pdf").write_bytes(b"")
    options = ExtractOptions(documents=(str(tmp_path), str(invoice_pdf)), model=str(untrained_model))
    records = extract_documents(options)
    assert ["error" in record for record in records] == [True, False]
    entry = yaml.safe_load((CONF / "base" / "catalog_extraction.yml").read_text())["extractions"]
    assert entry["type"].endswith(JsonLinesDataset.__name__)
    dataset = JsonLinesDataset(filepath=str(tmp_path / Path(entry["filepath"]).name))
    dataset.save(records)
    assert dataset.load() == json.loads(json.dumps(records))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "extract.documents is empty"),
        ({"documents": ("a.pdf",), "model": "nowhere"}, "kedro run --pipeline=train"),
    ],
)
def test_what_is_missing_is_said_before_anything_is_read(options, message):
    with pytest.raises(ValueError, match=message):
        extract_documents(ExtractOptions(**options))
