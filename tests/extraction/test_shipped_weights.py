"""What comes out of the box: the weights in the package, on a document with a text layer."""

from __future__ import annotations

import json

from typer.testing import CliRunner

from invoicegen.console import app
from invoicegen.modeling.packing import read_packed
from invoicegen.modeling.settings import read_ensemble
from invoicegen.modeling.warm_start import starting_point
from invoicegen.weights import shipped_model


def test_an_invoice_is_read_without_training_anything(invoice_pdf, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where no model was trained
    done = CliRunner().invoke(app, ["extract", str(invoice_pdf)])
    assert done.exit_code == 0, done.output
    assert "(shipped)" in done.stderr
    record = json.loads(done.stdout)
    best = {name: values[0]["value"] for name, values in record["fields"].items()}
    assert record["document_type"] == "invoice"
    assert best["INVOICE_NUMBER"] == "INV-2026-00042"
    assert best["INVOICE_DATE"] == "2026-10-14"
    assert best["TOTAL_AMOUNT"] == "400.00"
    amounts = [item["ITEM_AMOUNT"]["value"] for item in record["line_items"] if "ITEM_AMOUNT" in item]
    assert amounts == ["392.00", "8.00"]


def test_the_weights_stay_small_and_say_what_they_are():
    folder = shipped_model()
    assert folder is not None
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 60e6
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert card.startswith("---\nlicense: apache-2.0\n")
    assert "kedro run --env model --pipeline=generate" in card
    assert "invoicegen ensemble src/invoicegen/weights/compact" in card


def test_they_are_two_models_of_eight_bits_that_training_can_start_from():
    folder = shipped_model()
    members = read_ensemble(folder).members
    assert len(members) == 2
    for name in members:
        assert read_packed(folder / name / "model.safetensors")
        assert f"[{name}]({name}/README.md)" in (folder / "README.md").read_text(encoding="utf-8")
    assert starting_point("shipped", 0).new_parameters == frozenset()
