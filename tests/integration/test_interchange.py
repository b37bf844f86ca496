"""The pipelines `import` and `export`, run by Kedro: annotations of others become what training reads."""

import json

import annotation_samples as samples
import pyarrow.parquet as pq
import pytest

from invoicegen.hooks import ParameterError, check_parameters
from invoicegen.schema.annotation import Page, check_page
from invoicegen.schema.rows import row_to_page

SPLITS = ("train", "validation", "test")


def receipts(folder, count):
    """CORD receipts, each of another seller's layout as far as anyone knows."""
    lines = []
    for number in range(count):
        name = f"receipt_{number}.jpg"
        samples.put(folder / name, samples.image_bytes())
        lines.append(json.dumps({"file_name": name, "ground_truth": json.dumps(samples.cord_truth())}) + "\n")
    samples.put(folder / "metadata.jsonl", "".join(lines))
    return folder


def shards(project, split):
    return sorted(project.data(f"05_model_input/{split}_pages").rglob("*.parquet"))


def rows(project, split):
    return [row for file in shards(project, split) for row in pq.read_table(file).to_pylist()]


def said(done):
    return " ".join((done.stdout + done.stderr).split())


@pytest.fixture(scope="module")
def imported(tmp_path_factory, make_project):
    folder = tmp_path_factory.mktemp("imported")
    project = make_project(folder / "project")
    cord = receipts(folder / "cord", 30)
    project.run("import", f"import.path={cord},import.format=cord,import.seed=1,import.shard_size=10")
    return project


def test_imported_pages_are_dealt_to_splits_and_are_of_the_schema(imported):
    manifest = imported.json("05_model_input/manifest.json")
    found = {split: rows(imported, split) for split in SPLITS}
    assert sum(map(len, found.values())) == 30
    for split, there in found.items():
        assert len(there) == manifest["splits"][split]["pages"] > 0
        for row in there:
            page = row_to_page(row)
            assert (page.split, page.provenance.label_source) == (split, "human")
            assert check_page(Page.model_validate(page.model_dump())) == []
            assert row["image"]["bytes"] == samples.image_bytes()
    assert len(shards(imported, "train")) > 1
    assert {file.parent.name for split in SPLITS for file in shards(imported, split)} == {
        manifest["fingerprint"]
    }
    report = imported.json("08_reporting/import_report.json")
    assert (report["pages"], report["notes"]) == (30, [])
    assert report["entities"]["TOTAL_AMOUNT"] == 30


def test_training_reads_what_was_imported(imported):
    imported.run("train", "train.epochs=1,train.max_minutes=0.05")
    summary = imported.json("08_reporting/training_summary.json")
    manifest = imported.json("05_model_input/manifest.json")
    assert summary["data"] == manifest | {"trained_on": [manifest["fingerprint"]]}
    assert imported.data("06_models/model/model.safetensors").is_file()


def test_what_was_imported_is_exported_split_by_split(imported, tmp_path):
    imported.run("export", f"export.format=cord,export.path={tmp_path / 'cord'}")
    summary = imported.json("08_reporting/export_summary.json")
    assert (summary["format"], summary["pages"]) == ("cord", 30)
    for split in SPLITS:
        written = (tmp_path / "cord" / split / "metadata.jsonl").read_text().splitlines()
        assert len(written) == len(rows(imported, split))


def test_one_bad_record_stops_the_import_before_anything_is_written(project, tmp_path):
    cord = receipts(tmp_path / "cord", 3)
    file = cord / "metadata.jsonl"
    file.write_text(file.read_text().replace("menu.nm", "menu.colour", 3))
    done = project.run("import", f"import.path={cord},import.format=cord", fails=True)
    assert "'menu.colour'" in said(done)
    assert "metadata.jsonl, line 1, valid_line 2" in said(done)
    assert not list(project.data("05_model_input").rglob("*.parquet"))
    assert not project.data("05_model_input/manifest.json").exists()


def test_options_are_checked_before_any_work():
    with pytest.raises(
        ParameterError, match=r"import.format: .*'funsd', 'cord', 'sroie' or 'docile' \(value 'xml'\)"
    ):
        check_parameters({"import": {"path": "x", "format": "xml"}})
    with pytest.raises(ParameterError, match=r"export.splits.0: .*'train', 'validation' or 'test'"):
        check_parameters({"export": {"splits": ["dev"]}})
