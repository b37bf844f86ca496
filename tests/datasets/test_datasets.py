import json

import pyarrow as pa
import pytest
from kedro.io.core import DatasetError

from invoicegen.datasets import (
    JsonLinesDataset,
    ParquetTableDataset,
    ShardNamesDataset,
    ShardsDataset,
    TextFileDataset,
)


def shards(path, **kwargs):
    return ShardsDataset(
        path=str(path),
        filename_suffix=".jsonl",
        dataset={"type": "invoicegen.datasets.JsonLinesDataset"},
        **kwargs,
    )


@pytest.mark.parametrize(
    ("dataset", "data"),
    [
        (JsonLinesDataset, [{"a": 1}, {"b": "zwölf €"}]),
        (TextFileDataset, "Übertrag\n"),
        (ParquetTableDataset, pa.table({"n": [1, 2, 3]})),
    ],
)
def test_files_round_trip_and_leave_nothing_beside_them(tmp_path, dataset, data):
    path = tmp_path / "deep" / "file"
    file = dataset(filepath=str(path))
    assert not file.exists()
    file.save(data)
    assert file.load() == data
    assert [p.name for p in path.parent.iterdir()] == ["file"]


def test_a_save_that_fails_leaves_the_old_file(tmp_path):
    file = JsonLinesDataset(filepath=str(tmp_path / "rows.jsonl"))
    file.save([{"a": 1}])
    with pytest.raises(DatasetError):
        file.save([{"a": 2}, {"b": object()}])
    assert file.load() == [{"a": 1}]


def test_an_empty_folder_of_shards_loads_as_nothing(tmp_path):
    assert shards(tmp_path / "none").load() == {}


def test_shards_are_added_and_listed(tmp_path):
    folder = shards(tmp_path / "s")
    folder.save({"f1/docs-1": [{"n": 1}]})
    folder.save({"f1/docs-0": [{"n": 0}]})
    names = ShardNamesDataset(path=str(tmp_path / "s"), filename_suffix=".jsonl")
    assert names.load() == {"f1/docs-0", "f1/docs-1"}
    assert {name: load() for name, load in folder.load().items()} == {
        "f1/docs-0": [{"n": 0}],
        "f1/docs-1": [{"n": 1}],
    }


def test_a_half_written_shard_is_no_shard(tmp_path):
    (tmp_path / "f1").mkdir()
    (tmp_path / "f1" / "docs-0.jsonl.partial").write_text('{"n": ')
    assert shards(tmp_path).load() == {}
    assert ShardNamesDataset(path=str(tmp_path), filename_suffix=".jsonl").load() == frozenset()


def test_the_manifest_picks_the_current_generation(tmp_path):
    folder = tmp_path / "s"
    shards(folder).save({"old/docs-0": [{"n": 0}], "new/docs-0": [{"n": 1}]})
    manifest = tmp_path / "manifest.json"
    with pytest.raises(DatasetError, match="run `kedro run --pipeline=generate` first"):
        shards(folder, manifest=str(manifest)).load()
    manifest.write_text(json.dumps({"fingerprint": "new"}))
    assert list(shards(folder, manifest=str(manifest)).load()) == ["new/docs-0"]


def test_overwrite_is_refused(tmp_path):
    with pytest.raises(DatasetError, match="overwrite"):
        shards(tmp_path, overwrite=True)


def test_json_lines_preview_as_a_table_with_long_values_cut(tmp_path):
    dataset = JsonLinesDataset(filepath=str(tmp_path / "a.jsonl"))
    dataset.save([{"name": f"n{i}", "image": "x" * 5000} for i in range(30)] + [{"other": [1, 2]}])
    shown = dataset.preview(nrows=31)
    assert shown["columns"] == ["name", "image", "other"]
    assert shown["data"][0] == ["n0", "x" * 100 + " …", ""]
    assert shown["data"][30] == ["", "", "[1, 2]"]
    assert len(dataset.preview()["data"]) == 20
