import json
import subprocess
import sys

import pyarrow.parquet as pq
import pytest
from notebooks import count_pictures, run_notebook

from invoicegen.images import encode_image
from invoicegen.rendering import rasterise
from invoicegen.schema.taxonomy import ENTITY_TYPES, NER_LABELS


@pytest.fixture(scope="module")
def generated_pdf(trained):
    """A generated one-page invoice PDF."""
    for file in sorted(trained.data("02_intermediate/pdfs").rglob("*.parquet")):
        words = trained.data("02_intermediate/true_words") / file.parent.name / f"{file.stem}.jsonl"
        one_page = {
            r["doc_id"] for r in map(json.loads, words.read_text().splitlines()) if len(r["pages"]) == 1
        }
        for row in pq.read_table(file).to_pylist():
            if row["doc_id"] in one_page:
                return row["pdf"]
    raise AssertionError("no one-page document was generated")


def extract(project, *arguments, fails=False):
    model = project.data("06_models/model")
    done = subprocess.run(
        [sys.executable, "-m", "invoicegen.console", "extract", *map(str, arguments), "--model", str(model)],
        capture_output=True,
        text=True,
    )
    assert (done.returncode != 0) == fails, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_training_leaves_model_metrics_and_curves(trained):
    for name in ("config.json", "model.safetensors", "tokenizer.json", "README.md"):
        assert (trained.data("06_models/model") / name).is_file()
    summary = trained.json("08_reporting/training_summary.json")
    assert summary["data"]["splits"]["train"]["pages"] > 0
    figures = (trained.folder / "textfile" / "invoicegen_train.prom").read_text()
    assert f'invoicegen_training_steps{{pipeline="train"}} {summary["steps"]:.1f}' in figures
    assert trained.data("08_reporting/training_curves.png").read_bytes().startswith(b"\x89PNG")
    assert trained.data("08_reporting/training_metrics.jsonl").read_text().splitlines()


def test_evaluation_scores_every_head_and_draws(trained):
    trained.run("evaluate", f"tracking.textfile={trained.folder / 'textfile'}")
    scores = trained.json("08_reporting/evaluation_scores.json")
    figures = (trained.folder / "textfile" / "invoicegen_evaluate.prom").read_text()
    for score, f1 in (
        ("entities", scores["entities"]["micro"]["f1"]),
        ("fields", scores["fields"]["micro"]["f1"]),
    ):
        assert f'invoicegen_evaluation_f1_ratio{{pipeline="evaluate",score="{score}"}} {f1}' in figures
    assert 0 <= scores["entities"]["micro"]["f1"] <= 1
    assert 0 <= scores["table"]["accuracy"] <= 1
    assert 0 <= scores["cell"]["accuracy"] <= 1
    confusion = trained.json("08_reporting/confusion_matrix.json")
    assert len(confusion["labels"]["counts"]) == len(NER_LABELS)
    assert len(confusion["entities"]["counts"]) == len(ENTITY_TYPES) + 1
    for name in ("confusion_matrix.png", "entity_scores.png"):
        assert trained.data(f"08_reporting/{name}").read_bytes().startswith(b"\x89PNG")
    report = trained.data("08_reporting/report.html").read_text()
    assert "not measured" in report  # no real documents were scored here
    assert 'id="data"' in report
    assert 'id="model"' in report
    (run,) = trained.data("08_reporting/runs").iterdir()
    assert run.name == scores["model"]
    compared = trained.invoicegen("compare", run.name, run.name)
    assert compared.returncode == 0, compared.stderr
    assert f"generated, {scores['documents']} documents" in compared.stdout
    assert "undecided" in compared.stdout  # a model is not better than itself
    notebook = run_notebook("02_look_at_errors", trained.folder, CATEGORY="missed", ENTITY=None, SHOWN=3)
    assert count_pictures(notebook) == 6


def test_robustness_reads_the_same_documents_under_every_condition(trained):
    trained.run("robustness")
    scores = trained.json("08_reporting/robustness_scores.json")
    assert scores["documents"] == 2
    assert [(row["preset"], row["engine"]) for row in scores["rows"]] == [
        ("clean", "pdf_text"),
        ("clean", "simulated_rapidocr"),
        ("office_scan", "simulated_rapidocr"),
    ]
    assert scores["rows"][0]["fields"]["difference"] == 0.0
    outcomes = [path.read_text() for path in trained.data("08_reporting/robustness").rglob("*.jsonl")]
    assert len(outcomes) == 3
    assert len({json.loads(line)["document"] for text in outcomes for line in text.splitlines()}) == 2
    assert trained.data("08_reporting/robustness.png").read_bytes().startswith(b"\x89PNG")


def test_extract_reads_a_generated_pdf_and_its_scan(trained, generated_pdf, tmp_path):
    pdf, scan = tmp_path / "invoice.pdf", tmp_path / "scan.jpg"
    pdf.write_bytes(generated_pdf)
    scan.write_bytes(encode_image(rasterise(generated_pdf, 0, 200), "jpeg", 90, 200))
    born_digital, scanned = extract(trained, pdf, scan)
    assert [page["engine"] for page in born_digital["pages"]] == ["pdf_text"]
    assert [page["engine"] for page in scanned["pages"]] == ["rapidocr"]
    assert (
        abs(born_digital["pages"][0]["words"] - scanned["pages"][0]["words"])
        <= 0.15 * born_digital["pages"][0]["words"]
    )
    for record in (born_digital, scanned):
        assert {"file", "document_type", "fields", "line_items", "checks", "timings_ms"} <= record.keys()
        assert set(record["fields"]) <= set(ENTITY_TYPES)
        for values in record["fields"].values():
            for value in values:
                assert {"value", "text", "confidence", "page", "box"} <= value.keys()


def test_a_file_that_fails_is_reported_and_the_rest_go_on(trained, generated_pdf, tmp_path):
    good, bad = tmp_path / "good.pdf", tmp_path / "bad.pdf"
    good.write_bytes(generated_pdf)
    bad.write_bytes(b"%PDF-1.7 truncated")
    first, second = extract(trained, bad, good, fails=True)
    assert first.keys() == {"file", "error"}
    assert "fields" in second


def test_the_extract_pipeline_reads_a_folder(trained, generated_pdf):
    folder = trained.data("01_raw/documents")
    folder.mkdir(parents=True)
    (folder / "invoice.pdf").write_bytes(generated_pdf)
    trained.run("extract")
    (record,) = map(json.loads, trained.data("08_reporting/extractions.jsonl").read_text().splitlines())
    assert record["file"].endswith("invoice.pdf")


def test_real_documents_are_scored_from_any_folder_with_labels(trained, generated_pdf, tmp_path):
    folder = tmp_path / "real"
    folder.mkdir()
    (folder / "a.pdf").write_bytes(generated_pdf)
    label = {
        "id": "a", "file": "a.pdf", "source": "test", "kind": "invoice", "template": "a", "fields": {"total": ["1.00"]},
    }  # fmt: skip
    (folder / "labels.jsonl").write_text(json.dumps(label) + "\n")
    trained.run("evaluate_real", f"real.path={folder}")
    scores = trained.json("08_reporting/real_scores.json")
    assert scores["documents"]["labelled"] == 1
    assert "not measured" not in trained.data("08_reporting/report.html").read_text()


def test_real_evaluation_without_a_folder_says_how(generated):
    done = generated.run("evaluate_real", fails=True)
    assert "--params=real.path=" in " ".join((done.stdout + done.stderr).split())
