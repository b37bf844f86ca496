"""A trained model packed into a folder: it labels as the model does, it is whole, and what is damaged says so."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.numpy import load_file, save_file
from typer.testing import CliRunner

from invoicegen.console import app
from invoicegen.modeling import (
    ModelFolderError,
    ModelLoader,
    ParityError,
    TaxonomyMismatchError,
)
from invoicegen.modeling.encoding import WordTokenizer, collate, encode_page, page_windows
from invoicegen.modeling.export import Agreement, check_agreement, export_model
from invoicegen.modeling.onnx_export import quantise, write_onnx
from invoicegen.modeling.onnx_network import OnnxNetwork
from invoicegen.modeling.openvino_network import OpenVinoNetwork
from invoicegen.modeling.warm_start import starting_point
from invoicegen.weights import resolve_model


@pytest.fixture(scope="module")
def pages(fabricate_tables):
    return fabricate_tables(range(20, 28), rows=14)


@pytest.fixture(scope="module")
def exported(model_folder, pages, tmp_path_factory):
    return export_model(model_folder, tmp_path_factory.mktemp("out") / "fp16", pages)


@pytest.fixture(scope="module")
def packed(model_folder, pages, tmp_path_factory):
    return export_model(model_folder, tmp_path_factory.mktemp("out") / "w8a16", pages, precision="w8a16")


@pytest.fixture
def copied(exported, tmp_path):
    return shutil.copytree(exported.path, tmp_path / "copy")


def test_the_export_gives_the_model_s_labels_and_shares_its_weights(exported, model_folder):
    assert exported.agreement.words > 300
    assert min(exported.exact.argmax.values()) >= 0.999
    assert min(exported.agreement.argmax.values()) >= 0.99
    assert exported.agreement.f1_model > 0.9
    assert exported.exact.f1_export == pytest.approx(exported.exact.f1_model, abs=0.002)
    trained = (model_folder / "model.safetensors").stat().st_size
    assert exported.sizes["model.safetensors"] < 0.55 * trained


@pytest.mark.parametrize("rows", [[1], [2, 30], [5, 5, 9, 20]], ids=str)
def test_runtimes_give_the_same_logits_at_any_batch_and_length(exported, page_of, rows):
    by_torch, by_onnx = (ModelLoader(runtime=name).load(exported.path) for name in ("torch", "onnxruntime"))
    exact = OpenVinoNetwork(exported.path / "model.onnx", threads=1, precision="f32")
    encoded = [by_torch.encode(page_of(i, rows=n)) for i, n in enumerate(rows)]
    batch = collate(encoded, page_windows(encoded, 128, 10), by_torch.tokenizer).inputs
    kept = batch["attention_mask"].astype(bool)
    expected = by_torch.network(
        batch
    )  # of weights rounded to fp16, the exported bias tables are of the unrounded
    for network in (by_onnx.network, exact):
        logits = network(batch)
        assert logits.keys() == expected.keys()
        for head, values in expected.items():
            np.testing.assert_allclose(logits[head][kept], values[kept], atol=0.02)


def test_weights_of_eight_bits_take_less_and_give_the_same_labels(packed, exported, page_of):
    assert min(packed.exact.argmax.values()) >= 0.99
    assert packed.exact.f1_export == pytest.approx(packed.exact.f1_model, abs=0.01)
    assert packed.sizes["model.safetensors"] < 0.8 * exported.sizes["model.safetensors"]
    assert packed.sizes["model.onnx"] < 1.2 * exported.sizes["model.onnx"]  # none of them lies in the graph
    by_torch, by_onnx = (
        ModelLoader(runtime=name).load_model(packed.path) for name in ("torch", "onnxruntime")
    )
    exact = OpenVinoNetwork(packed.path / "model.onnx", threads=1, precision="f32")
    encoded = [by_torch.encode(page_of(i, rows=n)) for i, n in enumerate([2, 30])]
    batch = collate(encoded, page_windows(encoded, 128, 10), by_torch.tokenizer).inputs
    kept = batch["attention_mask"].astype(bool)
    expected = by_torch.network(batch)
    for network in (by_onnx.network, exact):
        for head, values in network(batch).items():
            np.testing.assert_allclose(values[kept], expected[head][kept], atol=0.05)


def test_training_goes_on_from_weights_of_eight_bits(packed, model_folder):
    start, original = (starting_point(str(folder), 0).model for folder in (packed.path, model_folder))
    changed = 0
    for one, other in zip(start.parameters(), original.parameters(), strict=True):
        assert one.dtype == torch.float32
        assert (one - other).abs().max() <= other.abs().max() / 200
        changed += int((one != other).sum())
    assert changed > 1000


def test_int8_products_are_near_those_of_the_model_and_smaller(tmp_path, page_of):
    start = starting_point("compact", 0)  # blocks of 128 inputs want a model that is wider
    model = start.model.eval()
    path = tmp_path / "model.onnx"
    write_onnx(model, path)
    exact, before = OnnxNetwork(path, threads=1), path.stat().st_size
    quantise(path)
    tokenizer = WordTokenizer(start.tokenizer, 8)
    words = [word.text for word in page_of(1).words]
    boxes = np.array([word.box for word in page_of(1).words]).astype(int) // 2
    page = encode_page(tokenizer, words, boxes)
    batch = collate([page], page_windows([page], 512, 0), tokenizer).inputs
    expected, found = exact(batch)["ner"], OnnxNetwork(path, threads=1)(batch)["ner"]
    assert np.abs(found - expected).max() < 0.1 * np.abs(expected).max()
    assert path.stat().st_size < 0.7 * before


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


def test_the_command_packs_a_folder_that_extract_reads(model_folder, pages, invoice_pdf, tmp_path):
    for name, table in pages.items():
        pq.write_table(table(), tmp_path / f"{name}.parquet")
    runner, out = CliRunner(), tmp_path / "out"
    command = ["export-model", str(model_folder), str(out), "--pages", str(tmp_path)]
    done = runner.invoke(app, command)
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["agreement"]["pages"] == 8
    read = runner.invoke(app, ["extract", str(invoice_pdf), "--model", str(out)])
    assert read.exit_code == 0, read.stderr
    assert len(json.loads(read.stdout)["pages"]) == 2
    again = runner.invoke(app, command)
    assert again.exit_code == 1
    assert "--overwrite" in again.stderr


def test_weights_are_averaged_with_those_of_other_models(model_folder, pages, tmp_path):
    def weights(folder):
        network = ModelLoader(runtime="torch").load_model(folder).network
        return {name: tensor.numpy() for name, tensor in network.model.state_dict().items()}

    before = weights(model_folder)
    other = tmp_path / "other"
    shutil.copytree(model_folder, other)
    moved = {name: value * 1.5 for name, value in load_file(other / "model.safetensors").items()}
    save_file(moved, other / "model.safetensors", {"format": "pt"})
    exported = export_model(model_folder, tmp_path / "out", pages, mean_with=[other]).path
    after = weights(exported)
    name = "layoutlmv3.embeddings.word_embeddings.weight"
    assert np.abs(before[name]).max() > 0
    np.testing.assert_allclose(after[name], before[name] * 1.25, rtol=2e-3, atol=1e-4)
    assert "mean of those that the training gave and those of `other`" in (exported / "README.md").read_text()


def test_weights_of_another_shape_are_not_averaged(model_folder, pages, tmp_path):
    with pytest.raises(ModelFolderError, match="its weights are not those of the model"):
        export_model(model_folder, tmp_path / "out", pages, mean_with=[resolve_model("shipped") / "compact"])
    assert not (tmp_path / "out").exists()


def test_too_many_other_labels_are_refused():
    agreement = Agreement(2, 1000, {"ner": 0.95, "table": 1.0, "cell": 1.0}, 0.95, 0.5, 0.9, 0.7)
    with pytest.raises(ParityError, match="ner head"):
        check_agreement(agreement, 0.99)
    check_agreement(agreement, 0.9)


def test_a_failed_export_leaves_nothing(tmp_path, untrained_model, pages, monkeypatch):
    monkeypatch.setattr("invoicegen.modeling.export.SERVED_AGREEMENT", 1.01)
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
