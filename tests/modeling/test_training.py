"""Training learns, resumes exactly, keeps to its time, and says what is wrong."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from pydantic import ValidationError

from invoicegen.modeling import (
    CheckpointError,
    EmptySplitError,
    LayoutJitter,
    ModelingError,
    NonFiniteLossError,
    Predictor,
    TaxonomyMismatchError,
    TrainOptions,
    train_model,
)
from invoicegen.modeling import training as training_module
from invoicegen.modeling.batch_replay import replay_batch, save_batch
from invoicegen.modeling.checkpoints import STATE_FILE
from invoicegen.modeling.encoding import WordTokenizer
from invoicegen.modeling.reporting import licence_of, plot_curves
from invoicegen.modeling.splits import class_weights, read_split
from invoicegen.modeling.training import resolve_precision, schedule
from invoicegen.modeling.warm_start import COMPACT_SOURCE, starting_point
from invoicegen.schema.rows import rows_to_table

STILL = LayoutJitter(scale=0, shift=0, jitter=0, word_drop=0, word_mask=0)
TRAIN, VALIDATION = range(6), range(100, 103)


@pytest.fixture
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
        }
        return TrainOptions(**(defaults | changes))

    return make


def weights(folder):
    from safetensors.torch import load_file

    return load_file(folder / "model.safetensors")


def same(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def test_a_handful_of_pages_is_learnt_by_heart(options, tmp_path, fabricate_tables):
    pages = fabricate_tables(TRAIN)
    settings = options(epochs=40, batch_size=3, dropout=0.0, augmentation=STILL, early_stopping_patience=40)
    trained = train_model(pages, pages, settings, tmp_path, tmp_path / "metrics.jsonl")
    history = trained.history
    assert history[-1]["train_loss"] < 0.2 * history[0]["train_loss"]
    assert trained.summary["best"]["validation_f1"] > 0.9
    assert trained.summary["best"]["validation_cell_accuracy"] > 0.95
    assert [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()] == history
    assert json.loads(json.dumps(trained.summary))["stopped_by"] == "epochs"
    card = (trained.path / "README.md").read_text()
    assert f"{trained.summary['best']['validation_f1']:.3f}" in card
    assert len(plot_curves(history).axes) == 3
    assert not (tmp_path / STATE_FILE).exists()
    assert [path.name for path in tmp_path.glob("best-*")] == [trained.path.name]


class Killed(BaseException):
    """Ends a training between two steps: nothing catches it."""


@pytest.mark.parametrize("accumulation", [1, 2])
def test_resuming_after_a_kill_gives_the_weights_of_an_unbroken_run(
    options, tmp_path, monkeypatch, accumulation, fabricate_tables
):
    settings = options(epochs=3, checkpoint_steps=2, gradient_accumulation=accumulation, batch_size=1)
    tables = fabricate_tables(TRAIN), fabricate_tables(VALIDATION)
    unbroken = train_model(*tables, settings, tmp_path / "unbroken")

    step = training_module._Training._train_step
    kill_at = 9 // accumulation

    def deadly(self, *arguments):
        if self.progress.step == kill_at:
            raise Killed
        return step(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(training_module._Training, "_train_step", deadly)
        with pytest.raises(Killed):
            train_model(*tables, settings, tmp_path / "broken")
    assert (tmp_path / "broken" / STATE_FILE).exists()
    resumed = train_model(*tables, settings, tmp_path / "broken")
    assert same(weights(unbroken.path), weights(resumed.path))
    assert [row["train_loss"] for row in unbroken.history] == [row["train_loss"] for row in resumed.history]


TRAIN_IN_A_PROCESS = """
import sys
from pathlib import Path

import pyarrow.parquet as pq

from invoicegen.modeling import TrainOptions, train_model


def shards(split):
    return {file.stem: lambda file=file: pq.read_table(file) for file in (folder / split).glob("*.parquet")}


folder = Path(sys.argv[1])
train_model(shards("train"), shards("validation"), TrainOptions.model_validate_json(sys.argv[2]), folder / "broken")
"""


def test_a_process_killed_in_the_middle_is_resumed_to_the_weights_of_an_unbroken_run(
    options, tmp_path, fabricate_tables
):
    settings = options(epochs=25, early_stopping_patience=25, checkpoint_steps=2, batch_size=1, threads=1)
    splits = {"train": fabricate_tables(TRAIN), "validation": fabricate_tables(VALIDATION)}
    for split, tables in splits.items():
        (tmp_path / split).mkdir()
        for name, load in tables.items():
            pq.write_table(load(), tmp_path / split / f"{name}.parquet")
    command = [sys.executable, "-c", TRAIN_IN_A_PROCESS, str(tmp_path), settings.model_dump_json()]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    state = tmp_path / "broken" / STATE_FILE
    deadline = time.monotonic() + 120
    while not state.exists() and running.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(
        float(np.random.default_rng().uniform(0, 0.3))
    )  # anywhere in a step, or while a state is saved
    running.kill()
    assert running.wait() == -signal.SIGKILL, "the training was over before it was killed"
    assert state.exists()
    resumed = train_model(splits["train"], splits["validation"], settings, tmp_path / "broken")
    unbroken = train_model(splits["train"], splits["validation"], settings, tmp_path / "unbroken")
    assert same(weights(unbroken.path), weights(resumed.path))


def test_interrupt_saves_and_a_second_run_goes_on(options, tmp_path, monkeypatch, fabricate_tables):
    settings = options(epochs=2)
    tables = fabricate_tables(TRAIN), fabricate_tables(VALIDATION)
    unbroken = train_model(*tables, settings, tmp_path / "unbroken")
    step = training_module._Training._train_step

    def interrupting(self, *arguments):
        if self.progress.step == 4:
            os.kill(os.getpid(), signal.SIGINT)
        return step(self, *arguments)

    handler = signal.getsignal(signal.SIGINT)
    with monkeypatch.context() as patch:
        patch.setattr(training_module._Training, "_train_step", interrupting)
        with pytest.raises(KeyboardInterrupt, match="run again to continue"):
            train_model(*tables, settings, tmp_path / "broken")
    assert signal.getsignal(signal.SIGINT) is handler
    assert torch.load(tmp_path / "broken" / STATE_FILE)["progress"]["step"] == 5
    assert same(weights(unbroken.path), weights(train_model(*tables, settings, tmp_path / "broken").path))


def leave_unfinished(options, folder, monkeypatch, fabricate_tables):
    def deadly(self):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(training_module._Training, "_end_epoch", deadly)
        with pytest.raises(Killed):
            train_model(fabricate_tables(TRAIN), fabricate_tables(VALIDATION), options, folder)


def test_other_options_or_data_do_not_continue_a_training(options, tmp_path, monkeypatch, fabricate_tables):
    leave_unfinished(options(checkpoint_steps=1), tmp_path, monkeypatch, fabricate_tables)
    with pytest.raises(CheckpointError, match=r"weight_decay \(was 0.01, is 0.5\)"):
        train_model(
            fabricate_tables(TRAIN), fabricate_tables(VALIDATION), options(weight_decay=0.5), tmp_path
        )
    with pytest.raises(CheckpointError, match="training data"):
        train_model(fabricate_tables(range(1, 5)), fabricate_tables(VALIDATION), options(), tmp_path)
    fresh = train_model(
        fabricate_tables(TRAIN),
        fabricate_tables(VALIDATION),
        options(weight_decay=0.5, resume=False),
        tmp_path,
    )
    assert fresh.summary["epochs"] == 2


def test_unreadable_state_is_a_named_error(options, tmp_path, fabricate_tables):
    (tmp_path / STATE_FILE).write_bytes(b"half a file")
    with pytest.raises(CheckpointError, match="delete it"):
        train_model(fabricate_tables(TRAIN), fabricate_tables(VALIDATION), options(), tmp_path)


def test_non_finite_loss_stops_and_keeps_the_batch(options, tmp_path, fabricate_tables):
    wrong = r"\(here begins in .*; on one thread begins in .*; in fp32 begins in .*\); the batch is in"
    with pytest.raises(NonFiniteLossError, match=wrong):
        train_model(
            fabricate_tables(TRAIN),
            fabricate_tables(VALIDATION),
            options(learning_rate=1e38, new_parameter_learning_rate=1e38, warmup_ratio=0.0, epochs=5),
            tmp_path,
        )
    replayed = replay_batch(tmp_path / "non_finite_batch.pt")
    assert len(replayed.windows) == 2
    assert set(replayed.losses) == {"ner", "table", "cell"}
    assert replayed.first_module is not None


@pytest.mark.parametrize("where", ["loss", "gradient"])
def test_a_step_that_was_nan_once_is_computed_again(
    options, tmp_path, fabricate_tables, monkeypatch, caplog, where
):
    """The weights at the end are those of a training in which nothing went wrong."""
    data = fabricate_tables(TRAIN), fabricate_tables(VALIDATION)
    undisturbed = train_model(*data, options(epochs=1), tmp_path / "undisturbed")
    assert undisturbed.summary["recomputed_steps"] == 0
    forward, calls = training_module._Training._gradients, []

    def disturbed(self, passes, weights):
        calls.append(self.progress.step)
        if len(calls) != 2:
            return forward(self, passes, weights)
        if where == "gradient":
            hook = self.model.heads["cell"].bias.register_hook(lambda gradient: gradient * torch.nan)
        else:
            hook = self.model.heads["cell"].register_forward_hook(lambda *given: given[2] * torch.nan)
        try:
            return forward(self, passes, weights)
        finally:
            hook.remove()

    monkeypatch.setattr(training_module._Training, "_gradients", disturbed)
    trained = train_model(*data, options(epochs=1), tmp_path / "disturbed")
    assert calls[:4] == [0, 1, 1, 2]
    assert trained.summary["recomputed_steps"] == 1
    (said,) = [record.getMessage() for record in caplog.records if "computed again" in record.getMessage()]
    assert f"the {where} was NaN or infinite" in said
    assert "heads.cell.bias" in said
    assert "at step 1 and" in said
    if where == "gradient":
        assert "gradients of 1 parameters" in said
    weights = (trained.path / "model.safetensors").read_bytes()
    assert weights == (undisturbed.path / "model.safetensors").read_bytes()


def test_a_replayed_batch_names_the_first_module_that_went_wrong(tmp_path, stock_checkpoint):
    model = starting_point(str(stock_checkpoint), 0, visual_embed=False).model
    words = torch.full((1, 5), 7)
    inputs = {
        "input_ids": words,
        "attention_mask": torch.ones_like(words),
        "bbox": torch.zeros(1, 5, 4, dtype=int),
    }
    inputs |= {f"{head}_labels": torch.zeros_like(words) for head in ("ner", "table", "cell")}
    path = tmp_path / "non_finite_batch.pt"
    batch = {"inputs": inputs, "windows": [("d0-0", 0, 5)], "step": 3, "seed": 1, "dtype": torch.float32}
    save_batch(path, model, batch)
    sound = replay_batch(path)
    assert (sound.first_module, sound.bad_parameters) == (None, [])
    assert all(np.isfinite(loss) for loss in sound.losses.values())
    with torch.no_grad():
        model.heads["table"].weight.fill_(torch.nan)
    save_batch(path, model, batch)
    broken = replay_batch(path)
    assert (broken.first_module, broken.bad_parameters) == ("heads.table", ["heads.table.weight"])
    assert [head for head, loss in broken.losses.items() if not np.isfinite(loss)] == ["table"]
    path.write_bytes(b"nothing")
    with pytest.raises(ModelingError, match="is no saved batch"):
        replay_batch(path)


def test_empty_split_is_a_named_error(options, tmp_path, fabricate_tables):
    with pytest.raises(EmptySplitError, match="validation split has no page with words in 0 shards"):
        train_model(fabricate_tables(TRAIN), {}, options(), tmp_path)


def test_labels_outside_the_taxonomy_are_refused_by_page(stock_checkpoint, fabricate_page):
    row = fabricate_page(3)
    row["ner_tags"][2] = 73
    start = starting_point(str(stock_checkpoint), 0)
    tokenizer = WordTokenizer(start.tokenizer, 8)
    with pytest.raises(ModelingError, match=r"shard-0, page d3-0: ner labels \[73\] are not of taxonomy"):
        read_split("train", {"shard-0": lambda: rows_to_table([row])}, tokenizer, start.model.config)


def test_a_page_without_words_is_passed_over(stock_checkpoint, fabricate_page):
    empty = fabricate_page(4)
    for column in ("tokens", "boxes", "bboxes", "segment_ids", "ner_tags", "table_tags", "cell_tags"):
        empty[column] = []
    start = starting_point(str(stock_checkpoint), 0)
    tables = {"shard-0": lambda: rows_to_table([empty, fabricate_page(5)])}
    pages = read_split("train", tables, WordTokenizer(start.tokenizer, 8), start.model.config)
    assert [page.n_words for page in pages] == [len(fabricate_page(5)["tokens"])]


def test_model_of_another_taxonomy_is_a_named_error(options, tmp_path, fabricate_tables):
    trained = train_model(
        fabricate_tables(TRAIN), fabricate_tables(VALIDATION), options(epochs=1), tmp_path / "a"
    )
    config = json.loads((trained.path / "config.json").read_text())
    config["head_labels"]["ner"].pop()
    (trained.path / "config.json").write_text(json.dumps(config))
    with pytest.raises(TaxonomyMismatchError, match="72 labels"):
        train_model(
            fabricate_tables(TRAIN),
            fabricate_tables(VALIDATION),
            options(init_from=str(trained.path)),
            tmp_path / "b",
        )
    with pytest.raises(TaxonomyMismatchError, match="72 labels"):
        Predictor.from_pretrained(trained.path)


def test_fine_tuning_goes_on_from_a_model_of_ours(options, tmp_path, fabricate_tables):
    first = train_model(
        fabricate_tables(TRAIN), fabricate_tables(VALIDATION), options(epochs=3), tmp_path / "a"
    )
    second = train_model(
        fabricate_tables(TRAIN),
        fabricate_tables(VALIDATION),
        options(epochs=1, init_from=str(first.path), learning_rate=1e-5, dropout=0.0, augmentation=STILL),
        tmp_path / "b",
    )
    assert second.history[0]["train_loss"] < first.history[0]["train_loss"]
    assert second.summary["initialised_from"] == first.summary["initialised_from"]


def test_sequences_longer_than_the_model_reads_are_refused(options, tmp_path, fabricate_tables):
    with pytest.raises(ModelingError, match="at most 129 subwords"):
        train_model(fabricate_tables(TRAIN), fabricate_tables(VALIDATION), options(max_length=130), tmp_path)


def test_training_with_image_patches(options, tmp_path, fabricate_tables):
    trained = train_model(
        fabricate_tables(TRAIN), fabricate_tables(VALIDATION), options(visual=True, epochs=1), tmp_path
    )
    assert "layoutlmv3.patch_embed.proj.weight" in weights(trained.path)


def test_training_stops_in_time_with_the_rate_run_down(options, tmp_path, fabricate_tables):
    settings = options(epochs=10_000, max_minutes=0.03, early_stopping_patience=10_000)
    trained = train_model(fabricate_tables(TRAIN), fabricate_tables(VALIDATION), settings, tmp_path)
    assert trained.summary["stopped_by"] == "time"
    assert trained.summary["seconds"] < 1.8 + 1.5
    factors = [row["learning_rate_factor"] for row in trained.history]
    assert factors[-1] < 0.1
    steps = [row["step"] for row in trained.history]
    assert steps == sorted(set(steps))
    assert trained.path.is_dir()


def test_early_stopping_after_patience(options, tmp_path, monkeypatch, fabricate_tables):
    monkeypatch.setattr(training_module._Training, "evaluate", lambda self: stuck)
    names = ("f1", "precision", "recall", "loss", "cohesion")
    names += tuple(
        f"{head}_{name}"
        for head in ("ner", "table", "cell")
        for name in ("accuracy", "temperature", "ece_before", "ece")
    )
    stuck = dict.fromkeys(names, 0.5)
    settings = options(epochs=50, early_stopping_patience=2)
    trained = train_model(fabricate_tables(TRAIN), fabricate_tables(VALIDATION), settings, tmp_path)
    assert trained.summary["stopped_by"] == "patience"
    assert trained.summary["epochs"] == 3
    assert trained.summary["best"]["epoch"] == 1
    # What validation chose is what the model is used with.
    predictor = Predictor.from_pretrained(trained.path)
    assert predictor.settings.cohesion == 0.5
    assert predictor.decode._penalties is not None
    assert predictor.decode._penalties.max() == 0.5


@pytest.mark.parametrize(
    ("progress", "factor"), [(0.0, 0.0), (0.05, 0.5), (0.1, 1.0), (0.55, 0.5), (1.0, 0.0)]
)
def test_schedule_rises_then_falls(progress, factor):
    assert schedule(progress, 0.1) == pytest.approx(factor)


def test_precision_by_name_and_by_hardware():
    cpu = torch.device("cpu")
    assert resolve_precision("fp32", cpu) == torch.float32
    assert resolve_precision("bf16", cpu) == torch.bfloat16
    flags = torch.cpu.get_capabilities()
    native = flags.get("avx512_bf16") or flags.get("amx_bf16")
    assert resolve_precision("auto", cpu) == (torch.bfloat16 if native else torch.float32)


def test_class_weights_raise_rare_labels_and_average_one(stock_checkpoint, fabricate_tables):
    start = starting_point(str(stock_checkpoint), 0, visual_embed=False)
    pages = read_split(
        "train", fabricate_tables(TRAIN), WordTokenizer(start.tokenizer, 8), start.model.config
    )
    assert class_weights(pages, 73, 0.0) is None
    balanced = np.array(class_weights(pages, 73, 0.5))
    counts = np.bincount(np.concatenate([page.labels["ner"] for page in pages]), minlength=73)
    assert balanced[0] == balanced.min()
    assert balanced[counts == 0].min() == balanced.max()
    assert ((balanced >= 0.2) & (balanced <= 5)).all()


@pytest.mark.parametrize(
    ("origin", "licence"),
    [
        (COMPACT_SOURCE, "apache-2.0"),
        ("microsoft/layoutlmv3-base", "cc-by-nc-sa-4.0"),
        ("someone/layoutlmv3-else", "other"),
    ],
)
def test_licence_follows_the_weights(origin, licence):
    assert licence_of(origin) == licence


def test_options_reject_unknown_keys():
    with pytest.raises(ValidationError, match="lerning_rate"):
        TrainOptions(lerning_rate=1)


def test_pretrained_parameters_are_trained_gently_unless_said_otherwise(
    stock_checkpoint, tmp_path, monkeypatch, fabricate_tables
):
    monkeypatch.setattr(training_module._Training, "run", lambda self: self)
    options = TrainOptions(
        init_from=str(stock_checkpoint), max_length=96, inference_max_length=96, device="cpu"
    )
    pages = fabricate_tables(TRAIN)
    training = train_model(pages, pages, options, tmp_path)
    rates = {}
    for group in training.optimizer.param_groups:
        rates.setdefault(group["peak"], []).extend(group["params"])
    names = {id(parameter): name for name, parameter in training.model.named_parameters()}
    assert set(rates) == {5e-5, 1e-3}
    new = {names[id(parameter)] for parameter in rates[1e-3]}
    assert {name.split(".")[0] for name in new if "word_feature_embeddings" not in name} == {"heads"}
    assert len(rates[5e-5]) + len(rates[1e-3]) == len(names)
    assert isinstance(training.optimizer, torch.optim.AdamW)
    assert (options.epochs, options.early_stopping_patience, options.clip_norm) == (20, 3, 1.0)
