"""Backups of batches from a service that runs, and of models; and what a restored service answers."""

from __future__ import annotations

import json
import shutil
import sqlite3
import tarfile
import threading

import pytest
from batches import add, finished
from service import running_service
from typer.testing import CliRunner

from invoicegen.console import app
from invoicegen.serving import backups
from invoicegen.serving.backups import BackupError, back_up_jobs, back_up_models, restore
from invoicegen.serving.jobs import JobStore

runner = CliRunner()


def test_a_restored_service_answers_what_the_saved_one_did_and_reads_what_waited(tmp_path, invoice_pdf):
    document = ("file", ("a.pdf", invoice_pdf.read_bytes()))
    first, second, archives = tmp_path / "first", tmp_path / "second", tmp_path / "archives"
    for folder in (first, second):
        folder.mkdir()
    with running_service(first / "log.jsonl") as service:
        client = service.client()
        done = client.post("/v1/batches", files=[document]).json()["id"]
        finished(client, done)
        results = client.get(f"/v1/batches/{done}/results").json()
        waiting = client.post("/v1/batches", files=[document] * 8).json()["id"]
        made = runner.invoke(
            app, ["backup", "create", "--state", str(first / "state"), "--to", str(archives)]
        )
        assert made.exit_code == 0, made.output
        service.process.kill()  # whatever it does from here on is not in the backup
        service.process.wait()

    with tarfile.open(made.stdout.strip()) as archive:
        read_later = [name for name in archive.getnames() if name.startswith(f"documents/{waiting}/")]
    assert read_later
    shutil.rmtree(first)
    store = JobStore(second / "state")  # as a service has it that runs
    lost = add(store, 1)
    refused = runner.invoke(app, ["backup", "restore", str(archives), "--state", str(second / "state")])
    assert (refused.exit_code, "a service uses" in refused.stderr) == (1, True)
    store.close()
    refused = runner.invoke(app, ["backup", "restore", str(archives), "--state", str(second / "state")])
    assert (refused.exit_code, "is there already" in refused.stderr) == (1, True)
    put_back = runner.invoke(
        app,
        ["backup", "restore", str(archives), "--replace"],
        env={"INVOICEGEN_STATE": str(second / "state")},
    )
    assert put_back.exit_code == 0, put_back.output

    with running_service(second / "log.jsonl") as service:
        client = service.client()
        assert client.get(f"/v1/batches/{done}/results").json() == results
        assert client.get(f"/v1/batches/{lost}").status_code == 404
        status = finished(client, waiting)
        assert [one["status"] for one in status["documents"]] == ["done"] * 8


def test_every_backup_is_of_one_moment_whatever_the_service_writes(tmp_path):
    """Each document that waits has its file, and each batch all of its documents."""
    state, begun, stop = tmp_path / "state", threading.Event(), threading.Event()
    problems = []

    def serve():
        store = JobStore(state)
        try:
            while not stop.is_set():
                add(store, 3)
                begun.set()
                for _ in range(2):
                    store.finish(store.claim(), {"fields": {}}, failed=False, pages=1)
        except Exception as error:
            problems.append(error)
        finally:
            store.close()

    service = threading.Thread(target=serve)
    service.start()
    try:
        assert begun.wait(30)
        archives = [back_up_jobs(state, tmp_path / "archives", keep=100) for _ in range(8)]
    finally:
        stop.set()
        service.join()
    assert not problems
    counts = []
    for number, archive in enumerate(archives):
        folder = tmp_path / f"restored-{number}"
        restore(archive, state=folder, models=None, replace=False)
        with sqlite3.connect(folder / "jobs.sqlite") as database:
            waiting = set(database.execute("SELECT batch, number FROM documents WHERE result IS NULL"))
            sizes = database.execute("SELECT count(*) FROM documents GROUP BY batch").fetchall()
        files = {(path.parent.name, int(path.name)) for path in (folder / "documents").glob("*/*")}
        assert waiting == files
        assert set(sizes) <= {(3,)}
        counts.append(len(sizes))
    assert counts == sorted(counts)
    assert counts[-1] > counts[0]


def test_only_the_newest_archives_are_kept_and_nothing_is_left_in_the_state(tmp_path):
    store = JobStore(tmp_path / "state")
    add(store, 2)
    before = sorted(path.name for path in (tmp_path / "state").iterdir())
    archives = [back_up_jobs(tmp_path / "state", tmp_path / "archives", keep=2) for _ in range(3)]
    store.close()
    assert sorted((tmp_path / "archives").iterdir()) == archives[1:]
    left = {path.name for path in (tmp_path / "state").iterdir()} - set(before)
    assert left == {"backup-lock"}
    assert archives[-1].stat().st_mode & 0o077 == 0


@pytest.fixture
def model(tmp_path):
    folder = tmp_path / "models" / "first"
    folder.mkdir(parents=True)
    (folder / "invoicegen.json").write_text("{}")
    (folder / "model.onnx").write_bytes(bytes(range(256)) * 100)
    return folder


def test_models_are_saved_once_and_restored_byte_by_byte(tmp_path, model):
    archives = tmp_path / "archives"
    (first,) = back_up_models(model.parent, archives)
    saved = first.stat().st_mtime_ns
    assert back_up_models(model.parent, archives) == [first]
    assert first.stat().st_mtime_ns == saved
    restored = restore(first, state=None, models=tmp_path / "others", replace=False)
    assert restored.files == 2
    for name in ("invoicegen.json", "model.onnx"):
        assert (tmp_path / "others" / "first" / name).read_bytes() == (model / name).read_bytes()
    (model / "model.onnx").write_bytes(b"another")
    (second,) = back_up_models(model.parent, archives)
    assert second != first
    with pytest.raises(BackupError, match="first is there already"):
        restore(second, state=None, models=tmp_path / "others", replace=False)
    replaced = restore(second, state=None, models=tmp_path / "others", replace=True).replaced
    assert (tmp_path / "others" / "first" / "model.onnx").read_bytes() == b"another"
    assert (replaced / "first" / "model.onnx").stat().st_size == 25_600


@pytest.mark.parametrize("damage", ["cut", "changed", "foreign"])
def test_a_damaged_archive_changes_nothing(tmp_path, model, damage):
    (archive,) = back_up_models(model.parent, tmp_path / "archives")
    content = bytearray(archive.read_bytes())
    if damage == "cut":
        archive.write_bytes(content[: len(content) // 2])
    elif damage == "changed":
        with tarfile.open(archive) as tar:
            tar.extractall(tmp_path / "unpacked", filter="data")
        (tmp_path / "unpacked" / "model.onnx").write_bytes(b"something else")
        with tarfile.open(archive, "w:gz") as tar:
            for path in sorted((tmp_path / "unpacked").iterdir()):
                tar.add(path, path.name)
    else:
        archive.write_text(json.dumps({"kind": "jobs"}))
    with pytest.raises(BackupError, match=r"no whole archive|is damaged: model\.onnx"):
        restore(archive, state=None, models=model.parent, replace=True)
    assert [path.name for path in model.parent.iterdir()] == ["first"]
    assert (model / "model.onnx").stat().st_size == 25_600


def test_a_folder_without_a_service_is_not_backed_up(tmp_path):
    with pytest.raises(BackupError, match="has no jobs"):
        back_up_jobs(tmp_path, tmp_path / "archives", keep=1)
    with pytest.raises(BackupError, match="has no jobs"):
        backups.newest_jobs(tmp_path)


@pytest.mark.parametrize("content", [b"", b"no database" * 100], ids=["without tables", "no database"])
def test_a_database_that_cannot_be_read_is_an_error_that_names_it(tmp_path, content):
    (tmp_path / "jobs.sqlite").write_bytes(content)
    with pytest.raises(BackupError, match=r"jobs\.sqlite cannot be read .*just started"):
        back_up_jobs(tmp_path, tmp_path / "archives", keep=1)
    assert not (tmp_path / "backup.partial").exists()
