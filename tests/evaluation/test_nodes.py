"""Nodes on tiny fabricated data, with a small model that is real."""

from __future__ import annotations

import base64
import io
import json
from typing import get_type_hints

import numpy as np
import pytest
from PIL import Image

from invoicegen.datasets.optional import OptionalJsonDataset, OptionalJsonLinesDataset
from invoicegen.evaluation import EvaluateOptions, RealOptions
from invoicegen.evaluation import fingerprint as fingerprint_module
from invoicegen.evaluation.fingerprint import extraction_fingerprint, model_fingerprint
from invoicegen.execution import ExecutionOptions
from invoicegen.extraction.options import ExtractOptions
from invoicegen.images import encode_image
from invoicegen.pipelines.evaluation import create_pipeline, create_real_pipeline
from invoicegen.pipelines.evaluation.nodes import (
    describe_data,
    evaluate_model,
    extract_real_documents,
    picture_errors,
    picture_real_errors,
    plot_scores,
    score_real_documents,
    write_report,
)
from invoicegen.schema.rows import page_to_row, rows_to_table

PARTS = [
    ("Mill Works Ltd", "SELLER_NAME", "Mill Works Ltd", None),
    ("Total", None, None, None),
    ("466.48", "TOTAL_AMOUNT", "466.48", None),
]


def test_a_model_is_evaluated_and_reported(make_page, model_folder):
    pages = [
        make_page(PARTS, doc_id="doc-1", page_count=2),
        make_page(PARTS, doc_id="doc-1", page=1, page_count=2),
        make_page(PARTS, doc_id="doc-2"),
    ]
    image = encode_image(np.full((1000, 1000, 3), 255, np.uint8), "png", 90, 150)
    shards = {"a": lambda: rows_to_table(page_to_row(page, image, "clean") for page in pages)}
    options = EvaluateOptions(device="cpu", batch_pages=2, pictured_errors=4)
    scores, confusion, errors, outcomes = evaluate_model(shards, model_folder, options)
    assert scores["model"] == model_fingerprint(model_folder)
    assert (scores["documents"], scores["pages"], scores["words"]) == (2, 3, 15)
    assert scores["entities"]["by_entity"]["SELLER_NAME"]["support"] == 3
    assert sum(map(sum, confusion["labels"]["counts"])) == 15
    assert len(errors) > 0
    assert [(head, row["words"]) for head, row in scores["calibration"].items()] == [
        ("ner", 15),
        ("table", 15),
        ("cell", 15),
    ]
    assert scores["calibration"]["table"]["temperature"] == 1.0
    again = json.loads(json.dumps([scores, confusion, errors]))  # what a JSON dataset would give back
    assert again == [scores, confusion, errors]
    (rows,) = outcomes.values()
    assert list(outcomes) == [f"{model_fingerprint(model_folder)}/generated"]
    assert [row["document"] for row in rows] == ["doc-1", "doc-2"]
    assert sum(row["counts"]["fields"][0] for row in rows) == scores["fields"]["micro"]["correct"]
    assert len(plot_scores(scores, confusion)) == 3
    examples = picture_errors(shards, errors, confusion, options)
    assert len(examples) == min(4, len(errors))
    with Image.open(io.BytesIO(base64.b64decode(examples[0]["image"]))) as picture:
        colours = {colour for _, colour in picture.convert("RGB").quantize(16).convert("RGB").getcolors()}
    assert any(max(colour) - min(colour) > 60 for colour in colours)  # boxes are drawn on the white page
    card = describe_data(shards, {}, shards)
    assert card["splits"]["train"] == {"documents": 2, "pages": 3, "layouts": 1}
    assert card["splits"]["validation"] == {"documents": 0, "pages": 0, "layouts": 0}
    (model_folder / "README.md").write_text("| | |\n|--|--|\n| started from | nothing |\n", encoding="utf-8")
    report = write_report(scores, confusion, examples, None, [], [], card, None, model_folder)
    assert "Data card" in report
    assert "started from" in report
    assert "calibration error before" in report
    assert "real documents: not measured" in report
    assert report.count("data:image/jpeg;base64,") == len(examples)
    with pytest.raises(ValueError, match="are not among the test pages"):
        picture_errors({}, errors, confusion, options)


def test_nothing_to_evaluate_is_a_clear_error(model_folder):
    with pytest.raises(ValueError, match="not one test page"):
        evaluate_model({}, model_folder, EvaluateOptions(device="cpu"))


@pytest.fixture
def folder(tmp_path, text_pdf):
    for name in ("a", "b"):
        (tmp_path / f"{name}.pdf").write_bytes(
            text_pdf([f"Invoice {name}", "Mill Works Ltd, Main Street 5", "Number 2026-17", "Total 466.48"])
        )
    (tmp_path / "broken.pdf").write_bytes(b"no PDF at all")
    labels = [
        {"file": name, "kind": "invoice", "source": "x", "fields": {"total": ["466.48"]}}
        for name in ("a.pdf", "b.pdf", "broken.pdf")
    ]
    (tmp_path / "labels.jsonl").write_text("".join(json.dumps(label) + "\n" for label in labels))
    return tmp_path


def test_real_documents_are_extracted_once_and_scored(folder, model_folder, caplog):
    real = RealOptions(
        path=str(folder), shard_documents=2, execution=ExecutionOptions(workers=1, progress=False)
    )
    extract = ExtractOptions()
    chunks = list(extract_real_documents({}, model_folder, real, extract))
    assert [len(records) for chunk in chunks for records in chunk.values()] == [2, 1]
    shards = {name: lambda r=records: r for chunk in chunks for name, records in chunk.items()}
    by_file = {record["file"].rsplit("/", 1)[1]: record for load in shards.values() for record in load()}
    assert by_file["a.pdf"]["pages"][0]["words"] > 5
    assert "error" in by_file["broken.pdf"]

    scores, outcomes = score_real_documents(shards, model_folder, real, extract)
    assert [len(rows) for rows in outcomes.values()] == [3]
    assert list(outcomes) == [f"{model_fingerprint(model_folder)}/real"]
    assert scores["documents"] == {"labelled": 3, "missing": 0, "failed": 1, "unlabelled": 0}
    assert scores["all"]["by_field"]["total"]["support"] == 3
    assert scores["model"] == model_fingerprint(model_folder)

    pictured = picture_real_errors(
        scores, shards, model_folder, real.model_copy(update={"pictured_errors": 2}), extract
    )
    assert len(pictured) == 2
    for row in pictured:
        assert {key: row[key] for key in scores["wrong"][0]} in scores["wrong"]
        assert (row["image"] is None) == (row["page"] is None)

    # what succeeded is not done again, what failed is
    (chunk,) = extract_real_documents(shards, model_folder, real, extract)
    (records,) = chunk.values()
    assert [record["file"] for record in records] == [str(folder / "broken.pdf")]
    # a changed document is another document
    (folder / "a.pdf").write_bytes((folder / "b.pdf").read_bytes() + b"\n")
    assert score_real_documents(shards, model_folder, real, extract)[0]["documents"]["missing"] == 1
    # a document without a label is counted and named
    (folder / "scan.JPG").write_bytes(b"x")
    again, _ = score_real_documents(shards, model_folder, real, extract)
    assert again["documents"]["unlabelled"] == 1
    assert "1 documents have no line in labels.jsonl and are not scored: scan.JPG" in caplog.text
    # another way of reading is other work
    finer = extract.model_copy(update={"dpi": 300.0})
    assert score_real_documents(shards, model_folder, real, finer)[0]["documents"]["missing"] == 3


def test_fingerprints_follow_what_decides(model_folder, tmp_path):
    options = ExtractOptions(model=str(model_folder))
    same = options.model_copy(update={"documents": ("a",), "execution": ExecutionOptions(workers=7)})
    assert extraction_fingerprint(options) == extraction_fingerprint(same)
    assert extraction_fingerprint(options) != extraction_fingerprint(
        options.model_copy(update={"dpi": 100.0})
    )
    with pytest.raises(ValueError, match="no model in"):
        model_fingerprint(tmp_path)


def test_what_other_code_extracted_is_extracted_again(model_folder, monkeypatch):
    options = ExtractOptions(model=str(model_folder))
    before = extraction_fingerprint(options)
    monkeypatch.setattr(fingerprint_module, "code_sha256", lambda parts: "of other code")
    assert extraction_fingerprint(options) != before


def test_real_documents_need_a_folder(model_folder):
    with pytest.raises(ValueError, match=r"real\.path is not set"):
        list(extract_real_documents({}, model_folder, RealOptions(), ExtractOptions()))


def test_pipelines_are_wired():
    evaluate, real = create_pipeline(), create_real_pipeline()
    assert evaluate.outputs() == {
        "entity_scores_plot",
        "confusion_matrix_plot",
        "release_plot",
        "evaluation_outcomes",
    }
    assert {"test_pages", "model", "params:evaluate", "real_scores"} <= evaluate.inputs()
    assert {"model", "params:real", "params:extract", "evaluation_scores"} <= real.inputs()
    assert len((evaluate + real).nodes) == 10  # the report is one node of both


def test_kedro_can_resolve_the_hints_of_every_node():
    # or it would hand the options over as plain dictionaries, unchecked
    for node in (create_pipeline() + create_real_pipeline()).nodes:
        hints = get_type_hints(node.func)
        for name, options in {
            "options": EvaluateOptions,
            "real": RealOptions,
            "extract": ExtractOptions,
        }.items():
            assert hints.get(name, options) is options


def test_optional_files_are_none_until_written(tmp_path):
    scores = OptionalJsonDataset(filepath=str(tmp_path / "scores.json"))
    assert scores.load() is None
    scores.save({"f1": 1.0})
    assert scores.load() == {"f1": 1.0}
    assert json.loads(str(scores.preview())) == {"f1": 1.0}
    lines = OptionalJsonLinesDataset(filepath=str(tmp_path / "lines.jsonl"))
    assert lines.load() == []
    lines.save([{"a": 1}])
    assert lines.load() == [{"a": 1}]
