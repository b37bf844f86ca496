"""The command ``invoicegen convert``."""

from __future__ import annotations

import json

import annotation_samples as samples
import pytest
from typer.testing import CliRunner

from invoicegen.console import app
from invoicegen.interchange import read_shards


def run(*arguments):
    return CliRunner().invoke(app, ["convert", *map(str, arguments)])


@pytest.mark.parametrize(
    ("target", "file"),
    [
        ("hf", "data/train-00000.parquet"),
        ("label-studio", "tasks.json"),
        ("docile", "train.json"),
        ("coco", "annotations/instances_train.json"),
        ("cord", "train/metadata.jsonl"),
    ],
)
def test_our_pages_go_to_every_format(shards, labelled, tmp_path, target, file):
    done = run(shards, tmp_path / "out", "--to", target)
    assert done.exit_code == 0, done.output
    assert f"{len(labelled)} pages" in done.output
    assert (tmp_path / "out" / file).is_file()


def test_annotations_become_our_shards_and_go_on_from_there(tmp_path):
    assert run(samples.cord_metadata(tmp_path / "cord"), tmp_path / "ours", "--from", "cord").exit_code == 0
    (one,) = read_shards(tmp_path / "ours")
    assert one.page.provenance.label_source == "human"
    done = run(tmp_path / "ours", tmp_path / "tasks", "--to", "label-studio", "--image-prefix", "/x/")
    assert done.exit_code == 0, done.output
    (task,) = json.loads((tmp_path / "tasks/tasks.json").read_text())
    assert task["data"]["image"] == f"/x/{one.page.image}"
    done = run(tmp_path / "cord", tmp_path / "docile", "--from", "cord", "--to", "docile")
    assert done.exit_code == 0, done.output
    assert json.loads((tmp_path / "docile/train.json").read_text()) == ["receipt_0"]


def test_notes_are_told(tmp_path):
    folder = samples.sroie(tmp_path / "sroie")
    samples.put(folder / "train/entities/X51005255805.txt", {**samples.SROIE_VALUES, "date": "01/01/1999"})
    done = run(folder, tmp_path / "ours", "--from", "sroie")
    assert done.exit_code == 0, done.output
    assert "date '01/01/1999' was not found among the words" in done.output


@pytest.mark.parametrize("arguments", [(), ("--to", "pdf"), ("--from", "coco"), ("--from", "parquet")])
def test_the_command_says_what_it_wants(shards, tmp_path, arguments):
    done = run(shards, tmp_path / "out", *arguments)
    assert done.exit_code == 2
    assert "hf, label-studio, docile, coco, cord" in done.output
    assert "label-studio, hf, funsd, cord, sroie, docile" in done.output


def test_a_folder_that_is_full_is_left_alone(shards, tmp_path):
    samples.put(tmp_path / "out/mine.txt", "mine")
    for target in ("coco", "hf"):
        done = run(shards, tmp_path / "out", "--to", target)
        assert done.exit_code == 1
        assert "is there already; name a new or empty folder" in done.output
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]
