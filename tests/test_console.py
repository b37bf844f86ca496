"""The command line as a user meets it: output, exit status, messages."""

import json
import re
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from invoicegen import __version__
from invoicegen.console import app, default_model
from invoicegen.ocr import ENGINE_NAMES
from invoicegen.project import generate_options, ocr_options
from invoicegen.replay import read_plan
from invoicegen.templates import plan_document

runner = CliRunner()


def lines_of(text):
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def test_version():
    result = runner.invoke(app, ["--version"])
    assert (result.exit_code, result.stdout) == (0, f"invoicegen {__version__}\n")


@pytest.mark.parametrize("command", [["--help"], ["extract", "--help"]])
def test_help_teaches_by_example(command):
    result = runner.invoke(app, command, env={"COLUMNS": "200"})
    assert result.exit_code == 0
    assert "invoicegen extract" in result.stdout
    assert "Examples" in result.stdout


def test_help_imports_nothing_slow():
    code = (
        "import sys\nfrom typer.testing import CliRunner\nfrom invoicegen.console import app\n"
        "CliRunner().invoke(app, ['--help'])\n"
        "print(sorted({'torch', 'numpy', 'transformers', 'cv2', 'kedro', 'pydantic'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_kedro_runs_beside_the_console():
    # Kedro takes a module `cli` of the package for its own and fails over one that is not made for it.
    from kedro.framework.cli.utils import find_run_command

    assert find_run_command("invoicegen").name == "run"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--format", "yaml"], "choose one of jsonl|no format 'yaml'"),
        (["--format", "csv"], "csv writes several tables: name where with --output"),
        (["--format", "ubl"], "ubl writes several files: name where with --output"),
    ],
)
def test_formats_that_cannot_be_written_are_refused_at_once(tmp_path, untrained_model, options, message):
    files = [str(tmp_path / "a.pdf"), str(tmp_path / "b.pdf")]
    result = runner.invoke(app, ["extract", *files, "--model", str(untrained_model), *options])
    assert result.exit_code == 2
    assert re.search(message, result.stderr)


def test_a_document_by_standard_input(invoice_pdf, untrained_model):
    content = invoice_pdf.read_bytes()
    result = runner.invoke(app, ["extract", "-", "--model", str(untrained_model)], input=content)
    assert result.exit_code == 0, result.stderr
    (record,) = lines_of(result.stdout)
    assert record["file"] == "stdin"
    assert [page["page"] for page in record["pages"]] == [0, 1]
    result = runner.invoke(app, ["extract", "-", "--model", str(untrained_model)], input=b"")
    assert lines_of(result.stdout) == [
        {"file": "stdin", "error": "stdin: the file is empty; save or download it again"}
    ]


def test_a_workbook_of_documents(invoice_pdf, untrained_model, tmp_path):
    from openpyxl import load_workbook

    options = ["--model", str(untrained_model), "--format", "xlsx", "-o", str(tmp_path / "out.xlsx")]
    result = runner.invoke(app, ["extract", str(invoice_pdf), str(tmp_path / "none.pdf"), *options])
    assert result.exit_code == 1
    files = [row[0].value for row in load_workbook(tmp_path / "out.xlsx")["documents"].iter_rows(min_row=2)]
    assert files == [str(invoice_pdf), str(tmp_path / "none.pdf")]


def test_one_json_object_a_document(invoice_pdf, untrained_model):
    result = runner.invoke(
        app, ["extract", str(invoice_pdf), str(invoice_pdf.parent), "--model", str(untrained_model)]
    )
    assert result.exit_code == 0, result.stderr
    (record,) = lines_of(result.stdout)  # the same file twice is read once
    assert record["file"] == str(invoice_pdf)
    assert len(record["pages"]) == 2


def test_pretty_is_indented(invoice_pdf, untrained_model):
    result = runner.invoke(app, ["extract", str(invoice_pdf), "--pretty", "--model", str(untrained_model)])
    assert result.stdout.startswith('{\n  "file"')
    assert json.loads(result.stdout)["document_type"]


def test_a_failing_file_leaves_the_others_and_exits_1(invoice_pdf, untrained_model, tmp_path):
    bad = tmp_path / "bad.pdf"
    bad.write_bytes(b"")
    output = tmp_path / "out" / "results.jsonl"
    result = runner.invoke(
        app, ["extract", str(bad), str(invoice_pdf), "--output", str(output), "--model", str(untrained_model)]
    )
    assert result.exit_code == 1
    assert result.stdout == ""
    assert str(bad) in result.stderr
    records = lines_of(output.read_text(encoding="utf-8"))
    assert ["error" in record for record in records] == [True, False]
    assert not output.with_name("results.jsonl.partial").exists()


def test_an_interruption_keeps_what_is_finished(invoice_pdf, untrained_model, tmp_path, monkeypatch):
    def interrupted(paths, options):
        yield {"file": "first.pdf"}
        raise KeyboardInterrupt

    monkeypatch.setattr("invoicegen.extraction.extractor.extract_files", interrupted)
    output = tmp_path / "results.jsonl"
    result = runner.invoke(
        app, ["extract", "a.pdf", "b.pdf", "-o", str(output), "--model", str(untrained_model)]
    )
    assert result.exit_code != 0
    assert lines_of(output.read_text(encoding="utf-8")) == [{"file": "first.pdf"}]


def test_without_a_model_the_command_that_trains_one_is_named(invoice_pdf, tmp_path):
    result = runner.invoke(app, ["extract", str(invoice_pdf), "--model", str(tmp_path / "none")])
    assert result.exit_code == 2
    assert "kedro run --pipeline=train" in result.stderr


def test_an_unknown_engine_is_refused_with_the_known_ones(invoice_pdf, untrained_model):
    result = runner.invoke(
        app, ["extract", str(invoice_pdf), "--engine", "magic", "--model", str(untrained_model)]
    )
    assert result.exit_code == 2
    assert "rapidocr" in result.stderr


def test_help_names_all_engines():
    result = runner.invoke(app, ["extract", "--help"], env={"COLUMNS": "200"})
    assert all(name in result.stdout for name in ENGINE_NAMES)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--engine", "tesseract", "--language", "klingon"],
            "no OCR language 'klingon': choose among cs, da",
        ),
        (["--engine", "easyocr"], "OCR engine 'easyocr' needs easyocr.*pip install 'invoicegen.easyocr.'"),
    ],
)
def test_an_engine_that_cannot_run_is_refused_before_any_work(
    invoice_pdf, untrained_model, monkeypatch, arguments, message
):
    monkeypatch.setattr("invoicegen.ocr.engine.find_spec", lambda name: None if name == "easyocr" else name)
    result = runner.invoke(app, ["extract", str(invoice_pdf), *arguments, "--model", str(untrained_model)])
    assert result.exit_code == 2
    assert re.search(message, result.stderr)


def test_the_model_of_the_project_is_found_from_its_folders(tmp_path, monkeypatch):
    (tmp_path / "conf" / "base").mkdir(parents=True)
    (tmp_path / "src" / "deep").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "src" / "deep")
    monkeypatch.setattr("invoicegen.weights.shipped_model", lambda: tmp_path / "shipped")
    assert default_model() == tmp_path / "shipped"
    (tmp_path / "data" / "06_models" / "model").mkdir(parents=True)
    assert default_model() == tmp_path / "data" / "06_models" / "model"


def test_without_a_model_of_its_own_extract_says_which_it_takes(
    invoice_pdf, untrained_model, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("invoicegen.weights.shipped_model", lambda: untrained_model)
    result = runner.invoke(app, ["extract", str(invoice_pdf)])
    assert result.exit_code == 0, result.stderr
    assert f"model: {untrained_model} (shipped)" in result.stderr


def test_export_without_pages_to_compare_on_says_how(untrained_model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = runner.invoke(app, ["export-model", str(untrained_model), str(tmp_path / "out")])
    assert result.exit_code == 2
    assert "--pages" in result.stderr
    assert not (tmp_path / "out").exists()


def test_doctor_lists_what_it_finds(untrained_model):
    result = runner.invoke(app, ["doctor", "--model", str(untrained_model)], env={"COLUMNS": "300"})
    for name in (
        "Python",
        "pango",
        "harfbuzz-subset",
        "fonts",
        "PDF text layer",
        *(f"OCR engine {name}" for name in ENGINE_NAMES),
        str(untrained_model),
    ):
        assert name in result.stdout
    for name in ENGINE_NAMES:  # each runs, or is said to be mended how
        usable = re.search(rf"ok +OCR engine {name} +\d", result.stdout)
        assert usable or f"To mend OCR engine {name}: OCR engine '{name}' needs" in result.stdout
    assert result.exit_code == ("MISSING" in result.stdout)


def test_doctor_says_how_to_mend(tmp_path, monkeypatch):
    monkeypatch.setattr("ctypes.util.find_library", lambda name: None)
    result = runner.invoke(app, ["doctor", "--model", str(tmp_path)], env={"COLUMNS": "300"})
    assert result.exit_code == 1
    assert "apt-get install libharfbuzz-subset0" in result.stdout
    assert "kedro run --pipeline=train" in result.stdout


def test_the_gallery_shows_the_documents_of_the_parameters(tmp_path):
    page = tmp_path / "deep" / "gallery.html"
    arguments = ["-n", "2", "--dpi", "60", "--workers", "1", "--locale", "de_DE"]
    result = runner.invoke(app, ["gallery", "-o", str(page), *arguments])
    assert result.exit_code == 0, result.output
    text = page.read_text(encoding="utf-8")
    assert "synth-20261122-0000000" in text
    assert "synth-20261122-0000001" in text
    assert set(re.findall(r'data-locale="(\w+)"', text)) == {"de_DE"}
    assert "TOTAL_AMOUNT" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--params", "generate.seed"], "write key=value"),
        (["--locale", "xx_XX"], "unknown xx_XX"),
        (["--params", "generate.dpi=9999"], "generate.dpi"),
        (["--env", "nowhere"], "no environment 'nowhere'"),
    ],
)
def test_parameters_that_cannot_be_used_are_refused_with_the_mend(arguments, message, tmp_path):
    result = runner.invoke(app, ["gallery", "-o", str(tmp_path / "g.html"), *arguments])
    assert result.exit_code == 2
    assert message in result.output


def test_a_replay_takes_the_options_of_its_run_and_then_those_of_the_command(
    tmp_path, monkeypatch, pytestconfig
):
    monkeypatch.chdir(pytestconfig.rootpath)
    run = generate_options(overrides={"generate": {"dpi": 96, "split": {"train": 0.6, "validation": 0.3}}})
    settings = {"generate": run.model_dump(mode="json"), "ocr": {"engine": "tesseract", "threads": 2}}
    plan = plan_document(3, run).model_dump(mode="json")
    file = tmp_path / "docs-0000000.jsonl"
    file.write_text(json.dumps({"stage": "label", "plan": plan, "settings": settings}) + "\n")
    planned, found = read_plan(file, None)
    assert planned.index == 3
    assert generate_options(of_run=found["generate"]) == run
    changed = generate_options(
        overrides={"generate": {"split": {"train": 0.5, "test": 0.2}}}, of_run=found["generate"]
    )
    assert (changed.dpi, changed.split.train, changed.split.validation) == (96, 0.5, 0.3)
    assert ocr_options(overrides={"ocr": {"threads": 1}}, of_run=found["ocr"]).engine == "tesseract"


def test_a_document_that_failed_before_it_had_a_plan_is_replayed_by_its_index(tmp_path):
    file = tmp_path / "docs-0000000.jsonl"
    file.write_text(json.dumps({"stage": "plan", "doc_id": "synth-1-0000003", "index": 3}) + "\n")
    with pytest.raises(ValueError, match="failed before they had a plan; replay one by its INDEX"):
        read_plan(file, None)
