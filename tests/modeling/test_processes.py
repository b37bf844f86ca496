"""Training in two processes, started by torchrun over Gloo on the CPU, is training in one.

All trainings share one start of the processes, in the fixture ``two``: starting takes longer than they do.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file

from invoicegen.modeling import ModelingError, TrainOptions, train_model
from invoicegen.modeling.checkpoints import STATE_FILE
from invoicegen.modeling.processes import Processes, launched, process_device

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "tests" / "support" / "train_in_processes.py"
TRAIN, VALIDATION = range(5), range(100, 103)
"""Five pages: the last step of an epoch, of one window, leaves nothing for the second process."""


@pytest.fixture(scope="module")
def options(stock_checkpoint):
    def make(**changes):
        defaults = {
            "init_from": str(stock_checkpoint),
            "epochs": 2,
            "batch_size": 2,
            "max_length": 96,
            "inference_max_length": 128,
            "precision": "fp32",
            "device": "cpu",
            "progress": False,
            "learning_rate": 3e-3,
            "new_parameter_learning_rate": 1e-2,
            "dropout": 0.0,
        }
        return TrainOptions(**(defaults | changes))

    return make


@pytest.fixture(scope="module")
def trainings(options):
    """Name, options, what happens to process 1 in its fourth step; a name of two words goes on in one's folder."""
    return [
        ("plain", options(), None),
        ("weighted", options(batch_size=1, gradient_accumulation=4, class_balance=0.5, dropout=0.1), None),
        ("chain", options(crf=True, visual=True, epochs=1), None),
        ("unlike", options(), "other seed"),
        ("poisoned", options(), "nan"),
        ("interrupted", options(), "interrupt"),
        ("interrupted resumed", options(), None),
        ("killed", options(checkpoint_steps=1), "kill"),
    ]


@pytest.fixture(scope="module")
def tables(fabricate_tables):
    return fabricate_tables(TRAIN), fabricate_tables(VALIDATION)


@pytest.fixture(scope="module")
def two(tmp_path_factory, trainings, tables):
    """What two processes made of all trainings, one after the other."""
    folder = tmp_path_factory.mktemp("two")
    for split, shards in zip(("train", "validation"), tables, strict=True):
        (folder / split).mkdir()
        for name, load in shards.items():
            pq.write_table(load(), folder / split / f"{name}.parquet")
    project = folder / "project"
    shutil.copytree(ROOT / "conf", project / "conf")
    (project / "src").mkdir()
    for name in ("pyproject.toml", ".telemetry", "src/invoicegen"):
        (project / name).symlink_to(ROOT / name)
    model_input = project / "data" / "05_model_input"
    for split in ("train", "validation"):
        shutil.copytree(folder / split, model_input / f"{split}_pages" / "abc")
    (model_input / "manifest.json").write_text(json.dumps({"fingerprint": "abc"}))
    plain = trainings[0][1].model_dump(mode="json")
    (folder / "parameters.json").write_text(json.dumps({"train": plain}))
    runs = [
        {"name": name, "output": name.split()[0], "options": given.model_dump(mode="json"), "fault": fault}
        for name, given, fault in trainings
    ]
    (folder / "runs.json").write_text(json.dumps(runs))
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*command, str(SCRIPT), str(folder)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=500,
    )
    return SimpleNamespace(
        folder=folder,
        log=done.stdout + done.stderr,
        said=lambda run, rank: json.loads((folder / f"{run}-{rank}.json").read_text()),
    )


@pytest.fixture(scope="module")
def one(tmp_path_factory, trainings, tables):
    """The same training in this process, by name."""
    given = {name: options for name, options, _ in trainings}

    def train(name):
        torch.set_num_threads(1)
        return train_model(*tables, given[name], tmp_path_factory.mktemp("one"))

    return train


def assert_same_weights(first, second):
    first, second = (
        load_file(Path(first) / "model.safetensors"),
        load_file(Path(second) / "model.safetensors"),
    )
    assert first.keys() == second.keys()
    for name in first:
        # Attention does not depend on the key's bias: its gradient is rounding alone, which AdamW makes large. To a
        # lesser degree that holds of embeddings that few words have.
        torch.testing.assert_close(
            first[name], second[name], rtol=1e-5, atol=1e-3 if "key.bias" in name else 5e-5
        )


@pytest.mark.parametrize("name", ["plain", "weighted", "chain"])
def test_two_processes_train_the_model_that_one_trains(one, two, name):
    alone, (first, second) = one(name), (two.said(name, rank) for rank in (0, 1))
    assert "error" not in first, two.log
    assert_same_weights(first["path"], alone.path)
    for key in ("step", "train_loss", "validation_loss", "validation_f1"):
        assert [row[key] for row in first["history"]] == pytest.approx([row[key] for row in alone.history])
    assert first["history"] == second["history"]


def test_the_first_process_alone_writes(two):
    for run in ("plain", "weighted", "chain", "interrupted", "killed"):
        assert not (two.folder / run / "rank-1").exists()
        assert (two.folder / run / "rank-0" / "metrics.jsonl").exists()


def test_the_pipeline_trains_in_two_processes(one, two):
    data = two.folder / "project" / "data"
    assert_same_weights(data / "06_models" / "model", one("plain").path)
    for name in ("training_summary.json", "training_metrics.jsonl", "training_curves.png"):
        assert (data / "08_reporting" / name).exists()


def test_processes_with_other_parameters_are_a_named_error(two):
    for rank in (0, 1):
        said = two.said("unlike", rank)
        assert said["error"] == "ModelingError"
        assert "process 1 has another seed than process 0" in said["message"]


def test_a_loss_that_is_not_finite_in_one_process_stops_all_and_keeps_its_batch(two):
    first, second = (two.said("poisoned", rank) for rank in (0, 1))
    assert first == second
    assert first["error"] == "NonFiniteLossError"
    batch = torch.load(two.folder / "poisoned" / "rank-0" / "non_finite_batch.pt", weights_only=False)
    assert batch["step"] == 3
    assert len(batch["windows"]) == 1


def test_a_signal_to_one_process_stops_all_and_the_training_goes_on_later(one, two):
    for rank in (0, 1):
        said = two.said("interrupted", rank)
        assert said["error"] == "KeyboardInterrupt"
        assert "run again to continue" in said["message"]
    assert_same_weights(two.said("interrupted resumed", 0)["path"], one("plain").path)


def test_a_process_that_is_killed_leaves_a_training_that_one_process_can_resume(one, two, trainings, tables):
    assert "exitcode  : -9" in two.log
    folder = two.folder / "killed" / "rank-0"
    assert torch.load(folder / STATE_FILE)["progress"]["step"] == 3
    (options,) = [given for name, given, _ in trainings if name == "killed"]
    resumed = train_model(*tables, options, folder)
    assert_same_weights(resumed.path, one("killed").path)


def test_what_the_launcher_says(monkeypatch):
    for name in ("RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    assert launched() == Processes(0, 1)
    monkeypatch.setenv("RANK", "3")
    monkeypatch.setenv("WORLD_SIZE", "8")
    assert launched() == Processes(3, 8)


@pytest.mark.parametrize(
    ("device", "message"),
    [("cuda:1", "set it to auto or cuda"), ("cuda", "start as many processes as GPUs")],
)
def test_processes_without_a_gpu_of_their_own_are_a_named_error(monkeypatch, device, message):
    monkeypatch.setenv("LOCAL_RANK", "7")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    with pytest.raises(ModelingError, match=message):
        process_device(torch.device(device), Processes(7, 8))
    assert process_device(torch.device("cpu"), Processes(7, 8)) == torch.device("cpu")
    monkeypatch.setenv("LOCAL_RANK", "2")
    assert process_device(torch.device("cuda"), Processes(6, 8)) == torch.device("cuda:2")
