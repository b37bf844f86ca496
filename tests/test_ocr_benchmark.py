import json
import re

import pytest
from typer.testing import CliRunner

from invoicegen.console import app

runner = CliRunner()


@pytest.fixture
def real_folder(tmp_path):
    """One document of each kind that carries truth, and one that carries none."""
    from PIL import Image, ImageDraw, ImageFont

    folder = tmp_path / "real"
    folder.mkdir()
    picture = Image.new("RGB", (700, 200), "white")
    font = ImageFont.load_default(28)
    ImageDraw.Draw(picture).text((30, 40), "Invoice 4711 total 99.00", font=font, fill="black")
    box = ImageDraw.Draw(picture).textbbox((30, 40), "Invoice 4711 total 99.00", font=font)
    picture.save(folder / "a.png")
    picture.save(folder / "b.png")
    records = [
        {"file": "b.png", "language": "en"},
        {"file": "a.png", "language": "en", "words": [["Invoice 4711 total 99.00", *box]]},
    ]
    (folder / "labels.jsonl").write_text(
        "".join(json.dumps(record) + "\n" for record in records), encoding="utf-8"
    )
    return folder


def test_engines_are_measured_on_generated_and_real_pages(real_folder, tmp_path):
    figures = tmp_path / "figures.json"
    arguments = [
        "--engine",
        "pdf_text",
        "--engine",
        "tesseract",
        "-n",
        "1",
        "--throughput",
        "-o",
        str(figures),
    ]
    result = runner.invoke(
        app,
        ["ocr-benchmark", *arguments, "--locale", "en_GB", "--real", str(real_folder)],
        env={"COLUMNS": "300"},
    )
    assert result.exit_code == 0, result.output
    record = json.loads(figures.read_text(encoding="utf-8"))
    text_layer, tesseract = record["pdf_text"], record["tesseract"]
    assert set(text_layer["groups"]) == {"clean"}
    counts = text_layer["groups"]["clean"]["counts"]
    assert counts["found_words"] / counts["known_words"] > 0.97
    assert set(tesseract["groups"]) == {"clean", "office_scan", "real"}
    assert tesseract["groups"]["real"]["pages"] == 1
    assert tesseract["groups"]["real"]["counts"]["found_words"] == 4
    # The program that it starts is counted: each page costs time there, and memory beyond Python's.
    assert tesseract["groups"]["clean"]["cpu_s"] > 0.05
    assert tesseract["peak_mb"] > text_layer["peak_mb"]
    assert tesseract["two_workers"]["ratio"] > 0
    assert re.search(r"\| tesseract \| clean, 1 \|", result.stdout)


def test_an_engine_that_cannot_run_is_named(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    result = runner.invoke(app, ["ocr-benchmark", "--engine", "tesseract", "-n", "1", "--preset", "clean"])
    assert result.exit_code == 1
    assert "tesseract | not available: OCR engine 'tesseract' needs the program tesseract" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--engine", "abbyy"], "choose among pdf_text, rapidocr"),
        (["--engine", "rapidocr", "-n", "1", "--real", "nowhere"], "labels.jsonl does not exist"),
    ],
)
def test_what_cannot_be_measured_is_refused(arguments, message):
    result = runner.invoke(app, ["ocr-benchmark", *arguments], env={"COLUMNS": "300"})
    assert result.exit_code == 2
    assert message in result.stderr
