"""A trained model packed into a folder: it labels as the model does, it is whole, and what is damaged says so."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch

from invoicegen.modeling import ModelFolderError, ModelLoader, ParityError, TaxonomyMismatchError
from invoicegen.modeling.encoding import collate, page_windows
from invoicegen.modeling.export import Agreement, _check, export_model
from invoicegen.modeling.warm_start import starting_point


@pytest.fixture(scope="module")
def pages(fabricate_tables):
    return fabricate_tables(range(20, 28), rows=14)


@pytest.fixture(scope="module")
def exported(model_folder, pages, tmp_path_factory):
    return export_model(model_folder, tmp_path_factory.mktemp("out") / "int8", pages)


@pytest.fixture
def copied(exported, tmp_path):
    return shutil.copytree(exported.path, tmp_path / "copy")


def test_fp32_export_gives_the_model_s_labels_at_any_batch_and_length(model_folder, pages, page_of, tmp_path):
    export = export_model(model_folder, tmp_path / "fp32", pages, precision="fp32")
    assert min(export.agreement.argmax.values()) >= 0.999
    assert export.agreement.same_pages == 1.0
    torch_run, onnx_run = (
        ModelLoader(runtime=runtime).load(tmp_path / "fp32") for runtime in ("torch", "auto")
    )
    for rows in ([1], [2, 30], [5, 5, 9, 20]):  # one short page, a page of several windows, several pages
        inputs = [torch_run.encode(page_of(i, rows=n)) for i, n in enumerate(rows)]
        batch = collate(inputs, page_windows(inputs, 128, 10), torch_run.tokenizer).inputs
        logits = torch_run.network(batch), onnx_run.network(batch)
        for head in ("ner", "table", "cell"):
            kept = batch["attention_mask"].astype(bool)
            # The weights beside the network are fp16, the network's are the fp32 ones they were rounded from.
            np.testing.assert_allclose(logits[0][head][kept], logits[1][head][kept], atol=0.05)


def test_int8_export_agrees_and_is_smaller(exported, model_folder):
    assert exported.agreement.words > 300
    assert min(exported.agreement.argmax.values()) >= 0.98
    assert abs(exported.agreement.f1_export - exported.agreement.f1_model) < 0.05
    trained = (model_folder / "model.safetensors").stat().st_size
    assert exported.sizes["model.safetensors"] < 0.6 * trained


def test_an_exported_model_is_used_without_torch(exported):
    code = (
        "import sys\nfrom invoicegen.modeling import ModelLoader, PageInput\n"
        "from invoicegen.schema.annotation import Word\n"
        f"predictor = ModelLoader(threads=1).load({str(exported.path)!r})\n"
        "page = PageInput(0, 1000, 1400, [Word(text='Invoice', box=[10, 10, 90, 30])])\n"
        "(prediction,) = predictor.predict_pages([page])\n"
        "assert len(prediction.ner_tags) == 1\n"
        "print(sorted({'torch', 'transformers'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_training_goes_on_from_an_exported_folder_in_fp32(exported, model_folder):
    start = starting_point(str(exported.path), 0)
    original = starting_point(str(model_folder), 0)
    assert start.new_parameters == frozenset()
    assert {parameter.dtype for parameter in start.model.parameters()} == {torch.float32}
    pairs = zip(start.model.parameters(), original.model.parameters(), strict=True)
    assert all(torch.allclose(a, b, rtol=1e-3, atol=1e-4) for a, b in pairs)


def test_the_card_tells_of_the_export_and_settings_hold_its_temperatures(exported):
    card = (exported.path / "README.md").read_text()
    assert card.startswith("---\nlicense:")
    assert "## Exported network" in card
    assert f"{exported.agreement.f1_export:.4f}" in card
    settings = json.loads((exported.path / "invoicegen.json").read_text())
    fitted = {head: calibration.temperature for head, calibration in exported.calibration.items()}
    assert settings["temperatures"] == fitted
    assert set(fitted.values()) != {1.0}


def test_calibration_changes_confidences_and_no_label(copied, page_of):
    cool = ModelLoader().load(copied).predict_pages([page_of(3)])[0]
    settings = json.loads((copied / "invoicegen.json").read_text())
    settings["temperatures"] = dict.fromkeys(settings["temperatures"], 8.0)
    (copied / "invoicegen.json").write_text(json.dumps(settings))
    hot = ModelLoader().load(copied).predict_pages([page_of(3)])[0]
    assert (hot.ner_tags, hot.table_tags, hot.cell_tags) == (cool.ner_tags, cool.table_tags, cool.cell_tags)
    assert np.mean(hot.ner_confidences) < np.mean(cool.ner_confidences) - 0.1


def test_nothing_is_overwritten_without_being_told(exported, model_folder, pages):
    before = (exported.path / "model.onnx").read_bytes()
    with pytest.raises(ModelFolderError, match="--overwrite"):
        export_model(model_folder, exported.path, pages)
    assert (exported.path / "model.onnx").read_bytes() == before


def test_too_many_other_labels_are_refused():
    agreement = Agreement(2, 1000, {"ner": 0.95, "table": 1.0, "cell": 1.0}, 0.95, 0.5, 0.9, 0.7)
    with pytest.raises(ParityError, match="ner head"):
        _check(agreement, "int8")


def test_a_failed_export_leaves_nothing(tmp_path, untrained_model, pages, monkeypatch):
    monkeypatch.setattr("invoicegen.modeling.export.LOSSY_AGREEMENT", 1.01)
    with pytest.raises(ParityError):
        export_model(untrained_model, tmp_path / "out", pages)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("lost", ["model.onnx", "model.safetensors"])
def test_a_truncated_file_is_named(copied, lost):
    path = copied / lost
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])
    with pytest.raises(ModelFolderError, match=r"copy the whole folder"):
        ModelLoader().load(copied)


@pytest.mark.parametrize(
    ("lost", "message"),
    [
        ("tokenizer.json", "tokenizer is incomplete"),
        ("invoicegen.json", "not an InvoiceGen model"),
        ("model.safetensors", "copy the whole folder"),
    ],
)
def test_a_missing_file_is_named(copied, lost, message):
    (copied / lost).unlink()
    with pytest.raises(ModelFolderError, match=message):
        ModelLoader().load(copied)


def test_an_export_of_another_taxonomy_is_refused(copied):
    settings = json.loads((copied / "invoicegen.json").read_text())
    settings["inputs"]["head_labels"]["ner"][1] = "B-SOMETHING_ELSE"
    settings["inputs"]["taxonomy"] = "0.9"
    (copied / "invoicegen.json").write_text(json.dumps(settings))
    with pytest.raises(TaxonomyMismatchError, match=r"taxonomy 0\.9.*B-SOMETHING_ELSE"):
        ModelLoader().load(copied)


def test_onnx_runtime_needs_an_exported_network(model_folder):
    with pytest.raises(ModelFolderError, match="invoicegen export-model"):
        ModelLoader(runtime="onnxruntime").load(model_folder)
