"""Training: one loop that resumes exactly, keeps to a time budget and keeps the best model.

The loop is our own because three things together are what it is for, and trainers give only some of them:
the same weights after a kill and a resume as without (order, layout changes and dropout depend on the seed and the
step alone), a learning rate that reaches zero when the *time* is up, and checkpoints that are whole or absent.

A step is ``batch_size`` x ``gradient_accumulation`` windows, and its loss their mean over words, however they are dealt
over forward passes and processes: the same parameters train the same model on one process or many.
"""

from __future__ import annotations

import json
import logging
import signal
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from invoicegen.modeling import checkpoints
from invoicegen.modeling.batch_replay import BATCH_FILE, forward_pass, save_batch
from invoicegen.modeling.calibration import calibrate
from invoicegen.modeling.cohesion import choose_cohesion
from invoicegen.modeling.decoding import Decoder, WordScores, resumed_types
from invoicegen.modeling.encoding import (
    EncodedPage,
    Window,
    WordTokenizer,
    collate,
    page_windows,
    shuffled_batches,
)
from invoicegen.modeling.errors import ModelingError, NonFiniteLossError
from invoicegen.modeling.inference import score_words
from invoicegen.modeling.labels import HEADS
from invoicegen.modeling.memory import freed_memory_kept
from invoicegen.modeling.options import LoopOptions, TrainOptions
from invoicegen.modeling.processes import Processes, join, launched, process_device
from invoicegen.modeling.quiet import quiet_transformers
from invoicegen.modeling.reporting import model_card
from invoicegen.modeling.settings import ModelSettings, Temperatures, write_settings
from invoicegen.modeling.splits import Tables, class_weights, fingerprint, read_split
from invoicegen.modeling.torch_network import TorchNetwork, resolve_device
from invoicegen.modeling.warm_start import StartingPoint, starting_point
from invoicegen.schema.taxonomy import DEFAULT_LABELS, TAXONOMY_VERSION, LabelSet

logger = logging.getLogger(__name__)

Options = TypeVar("Options", bound=LoopOptions)

_IDENTITY_EXCLUDES = {"resume", "progress", "threads", "device", "checkpoint_steps"}
_FORWARD_SHARE = 0.4
"""Time of an evaluation pass per subword over that of a training step: a third is the forward pass, plus decoding."""


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """What a training leaves.

    Attributes:
        path: Folder of the best model: weights, tokenizer, model card, settings.
        summary: Scores, counts and options, ready for JSON.
        history: One record an epoch, as in the metrics file.
    """

    path: Path
    summary: dict[str, Any]
    history: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class _ForwardPass:
    """Windows that go through the model at once.

    Attributes:
        windows: Where they are from.
        inputs: Tensors of the model's arguments.
        masses: For each head, what its mean loss over these windows weighs in that of the step.
        seed: Of dropout.
    """

    windows: list[Window]
    inputs: dict[str, torch.Tensor]
    masses: list[float]
    seed: int


@dataclass(frozen=True, slots=True)
class _NonFinite:
    """What of a step is NaN or infinite.

    Attributes:
        loss: The first pass of this process whose loss is; None for none.
        gradient: A pass of the step, where only the gradient is.
    """

    loss: _ForwardPass | None
    gradient: _ForwardPass


@dataclass
class _Progress:
    """How far a training has come: everything a checkpoint holds beside weights."""

    epoch: int = 0
    step_in_epoch: int = 0
    step: int = 0
    seconds: float = 0.0
    best: str = ""
    best_score: float = -1.0
    best_loss: float = float("inf")
    epochs_without_gain: int = 0
    recomputed_steps: int = 0
    loss_sums: dict[str, float] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)


def resolve_precision(precision: str, device: torch.device) -> torch.dtype:
    """The dtype of matrix products; ``auto`` is bf16 where the hardware multiplies it natively."""
    if precision == "auto":
        capable = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
        if device.type == "cpu":
            capabilities = torch.cpu.get_capabilities()
            capable = bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
        precision = "bf16" if capable else "fp32"
    return torch.bfloat16 if precision == "bf16" else torch.float32


def schedule(progress: float, warmup_ratio: float) -> float:
    """Factor of the learning rate: a linear rise over ``warmup_ratio``, then a linear fall to 0.

    Args:
        progress: Share of the training that is done, 0 to 1.
        warmup_ratio: Share in which the rate rises, below 1.
    """
    if progress < warmup_ratio:
        return progress / warmup_ratio
    return max(0.0, (1 - progress) / (1 - warmup_ratio))


def train_model(
    train_tables: Tables,
    validation_tables: Tables,
    options: TrainOptions,
    output_dir: str | Path,
    metrics_path: str | Path | None = None,
    on_epoch: Callable[[list[dict[str, Any]]], None] | None = None,
    labels: LabelSet = DEFAULT_LABELS,
) -> TrainedModel:
    """Train on one split, watch another, keep the best model by entity F1 on the latter.

    Under ``torchrun`` or ``accelerate launch`` all processes call this with the same arguments, and the first alone
    writes.

    Args:
        train_tables: Shards of annotated pages, see ``invoicegen.schema.rows``.
        validation_tables: The same, of other layouts.
        options: How.
        output_dir: Folder of the training state and of the best model so far.
        metrics_path: File of one JSON line an epoch; None for none.
        on_epoch: Is given the records of all epochs so far after each, in the process that writes.
        labels: The entity types to learn.

    Raises:
        EmptySplitError: If a split has no page with words.
        WarmStartError: If the weights to start from are missing or do not fit.
        TaxonomyMismatchError: If they are a model of ours with other labels, or with types that ``labels`` lacks.
        ModelingError: If a page has a label that is not in ``labels``.
        CheckpointError: If an unfinished training in ``output_dir`` had other options or data.
        NonFiniteLossError: If the loss or its gradient became NaN or infinite.
        KeyboardInterrupt: After SIGINT or SIGTERM, once a checkpoint is saved.
    """
    with prepared(options) as (processes, device):
        start = starting_point(
            options.init_from,
            options.seed,
            labels,
            visual_embed=options.visual,
            layout=options.layout,
            max_subwords_per_word=options.max_subwords_per_word,
            word_features=options.word_features,
            hidden_dropout_prob=options.dropout,
            attention_probs_dropout_prob=options.attention_dropout,
            loss_weights=options.loss_weights.model_dump(),
            label_smoothing=options.label_smoothing,
            crf=options.crf,
        )
        config = start.model.config
        limit = config.sequence_limit
        if max(options.max_length, options.inference_max_length) > limit:
            raise ModelingError(
                f"{options.init_from} reads at most {limit} subwords at once; lower train.max_length "
                f"({options.max_length}) and train.inference_max_length ({options.inference_max_length})"
            )
        tokenizer = WordTokenizer(start.tokenizer, config.max_subwords_per_word)
        train_pages = read_split("train", train_tables, tokenizer, config)
        validation_pages = read_split("validation", validation_tables, tokenizer, config)
        config.ner_class_weights = class_weights(train_pages, len(labels.ner_labels), options.class_balance)
        config.resumable = sorted(
            set().union(
                *(resumed_types([labels.ner_labels[i] for i in page.labels["ner"]]) for page in train_pages)
            )
        )
        run = _Training(
            start,
            tokenizer,
            train_pages,
            validation_pages,
            options,
            Path(output_dir),
            metrics_path,
            processes,
            device,
        )
        run.on_epoch = on_epoch
        return run.run()


@contextmanager
def prepared(options: LoopOptions) -> Iterator[tuple[Processes, torch.device]]:
    """The processes of a training and the device of this one; threads are as ``options`` say while the block runs."""
    processes = launched()
    device = process_device(resolve_device(options.device), processes)
    join(processes, device)
    threads = torch.get_num_threads()
    if options.threads is not None:
        torch.set_num_threads(options.threads)
    try:
        with freed_memory_kept():
            yield processes, device
    finally:
        torch.set_num_threads(threads)


class TrainingRun(ABC, Generic[Options]):
    """One run over windows of pages: a model, its data and how far it has come; subclasses say what is learnt.

    Args:
        model: What is trained; called with what :meth:`inputs` gives, it gives ``head_losses``.
        start: Where its weights came from.
        new_parameters: Names of those of its parameters that start at random.
        tokenizer: Of the pages.
        train_pages: Pages to learn from.
        validation_pages: Others, to see how far it has come.
        options: How.
        folder: Of the state and of the best model so far.
        metrics_path: File of one JSON line an epoch; None for none.
        processes: Those that train together.
        device: Of this process.
    """

    heads: ClassVar[tuple[str, ...]]
    """Names of the losses."""
    score: ClassVar[str]
    """Which of the scores of :meth:`evaluate` says that one model is better than another."""

    def __init__(
        self,
        model: nn.Module,
        start: StartingPoint,
        new_parameters: frozenset[str],
        tokenizer: WordTokenizer,
        train_pages: list[EncodedPage],
        validation_pages: list[EncodedPage],
        options: Options,
        folder: Path,
        metrics_path: str | Path | None,
        processes: Processes,
        device: torch.device,
    ) -> None:
        self.options = options
        self.processes = processes
        self.folder = folder
        self.metrics_path = None if metrics_path is None else Path(metrics_path)
        self.on_epoch: Callable[[list[dict[str, Any]]], None] | None = None
        self.start = start
        self.new_parameters = new_parameters
        self.tokenizer = tokenizer
        self.train_pages = train_pages
        self.validation_pages = validation_pages
        self.windows = page_windows(train_pages, options.max_length, options.overlap_words)
        self.device = device
        self.dtype = resolve_precision(options.precision, self.device)
        self.model = model
        nn.Module.to(self.model, self.device)
        self.model.train()
        self.network: nn.Module = self.model
        if processes.size > 1:
            self.network = DistributedDataParallel(
                self.model,
                device_ids=[device] if device.type == "cuda" else None,
                gradient_as_bucket_view=True,
            )
            self.network.broadcast_buffers = False  # they never change
        self.optimizer = torch.optim.AdamW(self._parameter_groups(), fused=True)
        self.progress = _Progress()
        self.interrupted = False
        self.identity = {
            **options.model_dump(mode="json", exclude=_IDENTITY_EXCLUDES),
            "training data": fingerprint(train_pages),
            "validation data": fingerprint(validation_pages),
            "extra entities": [entity.name for entity in start.model.config.label_set.extra_entities],
        }
        batches = -(-len(self.windows) // options.batch_size)
        self.steps_per_epoch = -(-batches // options.gradient_accumulation)
        self.seconds_per_subword = 0.0

    # -- what is learnt -------------------------------------------------------------------------------------------

    @property
    @abstractmethod
    def loss_weights(self) -> Mapping[str, float]:
        """Weight of each head's loss in the sum."""

    @abstractmethod
    def loss_mass(self, head: str, labels: torch.Tensor) -> float:
        """What a head's mean loss over ``labels`` weighs in a mean over several batches."""

    @abstractmethod
    def inputs(
        self, windows: Sequence[Window], rngs: Sequence[np.random.Generator]
    ) -> dict[str, NDArray[Any]]:
        """Arguments of the model for some training windows, changed at random by one generator each.

        The labels of each head are called ``<head>_labels``.
        """

    @abstractmethod
    def evaluate(self) -> dict[str, float]:
        """Scores on the validation pages; ``loss`` and :attr:`score` among them."""

    @abstractmethod
    def save_model(self, path: Path, record: dict[str, Any]) -> None:
        """Write the model as it is to a folder; ``record`` is that of the epoch."""

    def _parameter_groups(self) -> list[dict[str, Any]]:
        options = self.options
        pretrained_rate = options.learning_rate or self.start.learning_rate
        groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
        for name, parameter in self.model.named_parameters():
            decays = parameter.ndim > 1 and "rel_pos" not in name
            groups.setdefault((name in self.new_parameters, decays), []).append(parameter)
        return [
            {
                "params": parameters,
                "peak": options.new_parameter_learning_rate if new else pretrained_rate,
                "weight_decay": options.weight_decay if decays else 0.0,
            }
            for (new, decays), parameters in sorted(groups.items())
        ]

    # -- time and progress ------------------------------------------------------------------------------------

    @property
    def _time_for_steps(self) -> float:
        """Seconds that training steps may take: the budget less one last evaluation."""
        if self.options.max_minutes is None:
            return float("inf")
        subwords = sum(len(page.subwords) for page in self.validation_pages)
        reserve = subwords * self.seconds_per_subword * _FORWARD_SHARE
        return max(self.options.max_minutes * 60 - reserve, 1e-9)

    def _share_done(self) -> float:
        by_steps = self.progress.step / (self.steps_per_epoch * self.options.epochs)
        return min(1.0, max(by_steps, self.progress.seconds / self._time_for_steps))

    # -- the loop -----------------------------------------------------------------------------------------------

    def run(self) -> TrainedModel:
        """Train until the epochs, the time or the patience are over."""
        self._check_processes_agree()
        self._resume_or_clear()
        options = self.options
        if self.processes.is_first:
            logger.info(
                "training on %d pages (%d windows), validating on %d; %s, %s, %d threads, %d process(es)",
                len(self.train_pages),
                len(self.windows),
                len(self.validation_pages),
                self.device,
                str(self.dtype).removeprefix("torch."),
                torch.get_num_threads(),
                self.processes.size,
            )
        stopped = "epochs"
        with _signals(self):
            while self.progress.epoch < options.epochs:
                out_of_time = self._train_epoch()
                if self.progress.step_in_epoch or not self.progress.history:
                    self._end_epoch()
                if out_of_time:
                    stopped = "time"
                    break
                if self.progress.epochs_without_gain >= options.early_stopping_patience:
                    stopped = "patience"
                    break
        best = self.folder / self.progress.best
        if self.processes.is_first:
            checkpoints.keep_only(self.folder, self.progress.best)
            (self.folder / checkpoints.STATE_FILE).unlink(missing_ok=True)
        return TrainedModel(best, self._summary(stopped), self.progress.history)

    def _check_processes_agree(self) -> None:
        first, *others = self.processes.gather(self.identity)
        for rank, identity in enumerate(others, start=1):
            different = sorted(key for key in first if first[key] != identity[key])
            if different:
                raise ModelingError(
                    f"process {rank} has another {', '.join(different)} than process 0: start all processes with "
                    "the same parameters, and let all machines read the same pages"
                )

    def _resume_or_clear(self) -> None:
        state = self.processes.from_first(self._stored_state)
        if state is None:
            return
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.progress = _Progress(**state["progress"])
        if self.processes.is_first:
            logger.info("resuming at epoch %d, step %d", self.progress.epoch + 1, self.progress.step)

    def _stored_state(self) -> dict[str, Any] | None:
        """The state to go on from; None, and a folder without leftovers, to begin anew."""
        self.folder.mkdir(parents=True, exist_ok=True)
        state = checkpoints.load_state(self.folder) if self.options.resume else None
        if state is None:
            checkpoints.clear(self.folder)
        else:
            checkpoints.check_same_training(self.folder, state, self.identity)
        return state

    def _save_state(self) -> None:
        checkpoints.save_state(
            self.folder,
            {
                "identity": self.identity,
                "model": self.model.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "progress": vars(self.progress),
            },
        )

    def _rng(self, *key: int) -> np.random.Generator:
        return np.random.default_rng([self.options.seed, *key])

    def _train_epoch(self) -> bool:
        """Run the rest of the current epoch; True if the time was up before its end."""
        from tqdm.auto import tqdm

        progress, options = self.progress, self.options
        batches = shuffled_batches(self.windows, options.batch_size, self._rng(0, progress.epoch))
        accumulation = options.gradient_accumulation
        steps = [batches[i : i + accumulation] for i in range(0, len(batches), accumulation)]
        bar = tqdm(
            total=len(steps),
            initial=progress.step_in_epoch,
            desc=f"epoch {progress.epoch + 1}/{options.epochs}",
            unit="step",
            disable=None if options.progress and self.processes.is_first else True,
            leave=False,
        )
        begun, trained = time.monotonic(), 0
        self.model.train()
        with bar:
            while progress.step_in_epoch < len(steps):
                interrupted, out_of_time, share_done = self._agree()
                if interrupted:
                    self.processes.from_first(self._save_state)
                    raise KeyboardInterrupt(f"training state saved in {self.folder}; run again to continue")
                if out_of_time:
                    return True
                step_begun = time.monotonic()
                step = steps[progress.step_in_epoch]
                losses = self._train_step(step, share_done)
                taken = time.monotonic() - step_begun
                progress.seconds += taken
                progress.step += 1
                progress.step_in_epoch += 1
                for head, loss in losses.items():
                    progress.loss_sums[head] = progress.loss_sums.get(head, 0.0) + loss
                subwords = sum(window.length for batch in step for window in batch)
                rate = taken / subwords
                self.seconds_per_subword = 0.9 * self.seconds_per_subword + 0.1 * rate or rate
                trained += sum(len(batch) for batch in step)
                pages_per_second = (
                    trained / (time.monotonic() - begun) * len(self.train_pages) / len(self.windows)
                )
                bar.update()
                bar.set_postfix(
                    loss=f"{losses['total']:.3f}",
                    best=f"{max(progress.best_score, 0):.3f}",
                    pages_s=f"{pages_per_second:.1f}",
                )
                if progress.step % options.checkpoint_steps == 0 and progress.step_in_epoch < len(steps):
                    self.processes.from_first(self._save_state)
        return False

    def _agree(self) -> tuple[bool, bool, float]:
        """Whether a process was interrupted; by the first one's clock, whether time is up, and the share done."""
        first = self.processes.is_first
        interrupted, out_of_time, share_done = self.processes.total(
            [
                self.interrupted,
                first and self.progress.seconds >= self._time_for_steps,
                self._share_done() if first else 0.0,
            ]
        )
        return bool(interrupted), bool(out_of_time), share_done

    def _train_step(self, batches: list[list[Window]], share_done: float) -> dict[str, float]:
        """One optimiser step; its losses over all processes."""
        factor = schedule(share_done, self.options.warmup_ratio)
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak"] * factor
        weights = torch.tensor([self.loss_weights[head] for head in self.heads], device=self.device)
        passes = self._forward_passes(batches)
        by_head, non_finite = self._gradients(passes, weights)
        if non_finite is not None:
            # The same seed gives the same result: what is finite now was no property of the data.
            said = self._say_what(non_finite)
            self.optimizer.zero_grad()
            by_head, non_finite = self._gradients(passes, weights)
            if non_finite is not None:
                raise self._non_finite(non_finite)
            self.progress.recomputed_steps += 1
            logger.warning(
                "%s at step %d and not when computed again: a fault of a library or of the machine, not of the data; "
                "the second result is used",
                said,
                self.progress.step,
            )
        self.optimizer.step()
        self.optimizer.zero_grad()
        total = sum(loss * weight for loss, weight in zip(by_head, weights.tolist(), strict=True))
        return {"total": total, **dict(zip(self.heads, by_head, strict=True))}

    def _gradients(
        self, passes: list[_ForwardPass], weights: torch.Tensor
    ) -> tuple[list[float], _NonFinite | None]:
        """Leave the clipped gradients of a step with the parameters.

        Returns:
            Loss by head over all processes, and what is not finite in any of them; then nothing is clipped.
        """
        size = self.processes.size
        masses = self.processes.total(np.sum([forward.masses for forward in passes], axis=0).tolist())
        sums = torch.zeros(len(self.heads), device=self.device)
        guilty: _ForwardPass | None = None
        for number, forward in enumerate(passes):
            torch.manual_seed(forward.seed)
            shares = torch.tensor(
                [mass / max(whole, 1e-9) for mass, whole in zip(forward.masses, masses, strict=True)],
                dtype=torch.float32,
                device=self.device,
            )
            with self._gradients_exchanged(number == len(passes) - 1):
                with torch.autocast(self.device.type, dtype=self.dtype, enabled=self.dtype != torch.float32):
                    output = self.network(**forward.inputs)
                losses = torch.stack([output.head_losses[head] for head in self.heads]) * shares
                loss = (losses * weights).sum()
                # The exchange gives the mean over processes; the shares ask for the sum.
                torch.autograd.backward(loss * size)
            if not torch.isfinite(loss):
                guilty = guilty or forward
            sums += losses.detach()
        by_head = self.processes.total(sums.tolist())
        gradients = [parameter.grad for parameter in self.model.parameters() if parameter.grad is not None]
        norm = nn.utils.get_total_norm(gradients)
        if not (np.isfinite(by_head).all() and torch.isfinite(norm)):
            return by_head, _NonFinite(guilty, passes[-1])
        nn.utils.clip_grads_with_norm_(self.model.parameters(), self.options.clip_norm, norm)
        return by_head, None

    def _forward_passes(self, batches: list[list[Window]]) -> list[_ForwardPass]:
        """This process's windows of a step, like lengths together; one of no weight where none are left for it."""
        options = self.options
        ordered = sorted((window for batch in batches for window in batch), key=lambda window: window.length)
        mine = self.processes.deal(list(enumerate(ordered)))
        idle = not mine
        mine = mine or [(0, ordered[0])]
        passes = []
        for first in range(0, len(mine), options.batch_size):
            numbers, windows = zip(*mine[first : first + options.batch_size], strict=True)
            rngs = [self._rng(1, self.progress.step, number) for number in numbers]
            tensors = {name: torch.from_numpy(array) for name, array in self.inputs(windows, rngs).items()}
            masses = [0.0 if idle else self.loss_mass(head, tensors[f"{head}_labels"]) for head in self.heads]
            inputs = {name: tensor.to(self.device) for name, tensor in tensors.items()}
            seed = self._rng(2, self.progress.step, numbers[0]).integers(2**63).item()
            passes.append(_ForwardPass(list(windows), inputs, masses, seed))
        return passes

    def _gradients_exchanged(self, last: bool) -> AbstractContextManager[Any]:
        """The context of a backward pass: the last one of a step brings the processes' gradients together."""
        if last or not isinstance(self.network, DistributedDataParallel):
            return nullcontext()
        return self.network.no_sync()

    def _say_what(self, found: _NonFinite) -> str:
        """What is not finite, and in which parameters' gradients; as the backward pass met them."""
        bad = [
            name
            for name, parameter in self.model.named_parameters()
            if parameter.grad is not None and not torch.isfinite(parameter.grad).all()
        ]
        what = "the gradient" if found.loss is None else "the loss"
        few = ", ".join(bad[-3:][::-1])
        return f"{what} was NaN or infinite (gradients of {len(bad)} parameters: {few})"

    def _non_finite(self, found: _NonFinite) -> NonFiniteLossError:
        """Saves the first batch whose loss is not finite, or one of the step if only the gradient is not."""
        losses = self.processes.gather(found.loss)
        guilty = next((forward for forward in losses if forward is not None), None)
        what = "gradient" if guilty is None else "loss"
        return self.processes.from_first(lambda: self._save_batch(what, guilty or found.gradient))

    def _save_batch(self, what: str, batch: _ForwardPass) -> NonFiniteLossError:
        path = self.folder / BATCH_FILE
        places = [(window.page, window.first, window.end) for window in batch.windows]
        inputs = {name: tensor.cpu() for name, tensor in batch.inputs.items()}
        saved = {"inputs": inputs, "windows": places, "step": self.progress.step}
        save_batch(path, self.model, {**saved, "seed": batch.seed, "dtype": self.dtype})
        return NonFiniteLossError(
            f"the {what} is NaN or infinite at step {self.progress.step}, twice over{self._where(batch)}; the batch is "
            f"in {path}. "
            f"Lower train.learning_rate, or train with precision fp32; `invoicegen replay-batch {path}` says where "
            "it began"
        )

    def _where(self, batch: _ForwardPass) -> str:
        """Where a forward pass goes wrong in this very process: as it was, on one thread, and in fp32."""
        threads = torch.get_num_threads()
        found = []
        try:
            for name, count, dtype in (
                ("here", threads, self.dtype),
                ("on one thread", 1, self.dtype),
                ("in fp32", threads, torch.float32),
            ):
                torch.set_num_threads(count)
                first, losses = forward_pass(self.model, batch.inputs, batch.seed, dtype)
                begun = f"begins in {first}" if first else f"all is finite ({sum(losses.values()):.3f})"
                found.append(f"{name} {begun}")
        finally:
            torch.set_num_threads(threads)
        return f" ({'; '.join(found)})"

    def _end_epoch(self) -> None:
        """Evaluate, record, keep the model if it is the best, save the state."""
        begun = time.monotonic()
        scores = self.evaluate()
        self.progress.seconds += time.monotonic() - begun
        self.progress = self.processes.from_first(lambda: self._record_epoch(scores))

    def _record_epoch(self, scores: dict[str, float]) -> _Progress:
        progress, options = self.progress, self.options
        steps = max(progress.step_in_epoch, 1)
        progress.epoch += 1
        record = {
            "epoch": progress.epoch,
            "step": progress.step,
            "seconds": round(progress.seconds, 2),
            "learning_rate_factor": round(schedule(self._share_done(), options.warmup_ratio), 4),
            "train_loss": progress.loss_sums.get("total", 0.0) / steps,
            **{f"train_{head}_loss": progress.loss_sums.get(head, 0.0) / steps for head in self.heads},
            **{f"validation_{name}": value for name, value in scores.items()},
        }
        progress.history.append(record)
        gained = (scores[self.score], -scores["loss"]) > (progress.best_score, -progress.best_loss)
        progress.epochs_without_gain = 0 if gained else progress.epochs_without_gain + 1
        if gained:
            progress.best, progress.best_score, progress.best_loss = (
                f"best-{progress.step:06d}",
                scores[self.score],
                scores["loss"],
            )
            self.save_model(self.folder / progress.best, record)
        progress.step_in_epoch, progress.loss_sums = 0, {}
        self._save_state()
        checkpoints.keep_only(self.folder, progress.best)
        self._write_metrics()
        if self.on_epoch is not None:
            self.on_epoch(progress.history)
        logger.info(
            "epoch %d: loss %.3f, validation loss %.3f, %s %.3f (best %.3f), %.0f s",
            progress.epoch,
            record["train_loss"],
            scores["loss"],
            self.score,
            scores[self.score],
            progress.best_score,
            progress.seconds,
        )
        return progress

    # -- what is left behind --------------------------------------------------------------------------------------

    def _write_metrics(self) -> None:
        if self.metrics_path is None:
            return
        self.metrics_path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.metrics_path.with_name(f"{self.metrics_path.name}.partial")
        lines = [json.dumps(record) + "\n" for record in self.progress.history]
        partial.write_text("".join(lines), encoding="utf-8")
        partial.replace(self.metrics_path)

    def _summary(self, stopped: str) -> dict[str, Any]:
        progress = self.progress
        best = next(record for record in progress.history if progress.best == f"best-{record['step']:06d}")
        return {
            "stopped_by": stopped,
            "best": best,
            "epochs": progress.epoch,
            "steps": progress.step,
            "recomputed_steps": progress.recomputed_steps,
            "seconds": round(progress.seconds, 1),
            "train_pages": len(self.train_pages),
            "train_windows": len(self.windows),
            "validation_pages": len(self.validation_pages),
            "parameters": sum(parameter.numel() for parameter in self.model.parameters()),
            "initialised_from": self.start.source,
            "device": str(self.device),
            "precision": str(self.dtype).removeprefix("torch."),
            "threads": torch.get_num_threads(),
            "options": self.options.model_dump(mode="json"),
        }


class _Training(TrainingRun[TrainOptions]):
    """Learns labels; the best model is that of the highest entity F1."""

    heads = HEADS
    score = "f1"

    def __init__(
        self,
        start: StartingPoint,
        tokenizer: WordTokenizer,
        train_pages: list[EncodedPage],
        validation_pages: list[EncodedPage],
        options: TrainOptions,
        folder: Path,
        metrics_path: str | Path | None,
        processes: Processes,
        device: torch.device,
    ) -> None:
        super().__init__(
            start.model,
            start,
            start.new_parameters,
            tokenizer,
            train_pages,
            validation_pages,
            options,
            folder,
            metrics_path,
            processes,
            device,
        )
        self.extractor = start.model
        self.labels = start.model.config.label_set
        self.truth = [[self.labels.ner_labels[i] for i in page.labels["ner"]] for page in validation_pages]

    @property
    def loss_weights(self) -> Mapping[str, float]:
        """As the options say."""
        return self.extractor.config.loss_weights

    def loss_mass(self, head: str, labels: torch.Tensor) -> float:
        """Words, or their class weights."""
        return self.extractor.loss_mass(head, labels)

    def inputs(
        self, windows: Sequence[Window], rngs: Sequence[np.random.Generator]
    ) -> dict[str, NDArray[Any]]:
        """Words, boxes and labels."""
        jitter = (self.options.augmentation, rngs)
        return collate(self.train_pages, windows, self.tokenizer, jitter).inputs

    def evaluate(self) -> dict[str, float]:
        """Scores on the validation pages, decoded as in use."""
        self.extractor.train(False)
        scores = score_words(
            TorchNetwork(self.extractor),
            self.processes.deal(self.validation_pages),
            self.tokenizer,
            max_length=self.options.inference_max_length,
            overlap_words=self.options.overlap_words,
            labels=self.labels,
        )
        self.extractor.train()
        page_scores = self.processes.collect(scores)
        return self.processes.from_first(lambda: self._validation_scores(page_scores))

    def _validation_scores(self, scores: Sequence[WordScores]) -> dict[str, float]:
        decoder = Decoder(
            self.extractor.config.resumable,
            transitions=self.extractor.ner_transitions(),
            labels=self.labels,
        )
        chosen = choose_cohesion(scores, self.truth, decoder)
        result = chosen.scores | {"cohesion": chosen.cohesion}
        loss = 0.0
        for head in HEADS:
            truth = np.concatenate([page.labels[head] for page in self.validation_pages]).astype(np.int64)
            by_page = [getattr(page_scores, head) for page_scores in scores]
            if head == "ner":
                by_page = [decoder.log_probabilities(page_scores) for page_scores in by_page]
            log_probabilities = np.concatenate(by_page)
            head_loss = -float(log_probabilities[np.arange(len(truth)), truth].mean())
            result[f"{head}_loss"] = head_loss
            result[f"{head}_accuracy"] = float((log_probabilities.argmax(axis=1) == truth).mean())
            calibration = calibrate(log_probabilities, truth)
            result |= {f"{head}_{name}": value for name, value in asdict(calibration).items()}
            loss += self.extractor.config.loss_weights[head] * head_loss
        result["loss"] = loss
        return result

    def save_model(self, path: Path, record: dict[str, Any]) -> None:
        """Weights, tokenizer, settings and model card."""
        from invoicegen import __version__

        with quiet_transformers():
            self.extractor.save_pretrained(path)
        self.start.tokenizer.save_pretrained(path)
        settings = ModelSettings(
            invoicegen=__version__,
            taxonomy=TAXONOMY_VERSION,
            max_length=self.options.inference_max_length,
            overlap_words=self.options.overlap_words,
            temperatures=Temperatures(**{head: record[f"validation_{head}_temperature"] for head in HEADS}),
            cohesion=record["validation_cohesion"],
        )
        write_settings(path, settings)
        card = model_card(
            self.extractor.config,
            self.options,
            record,
            n_train=len(self.train_pages),
            n_validation=len(self.validation_pages),
            n_parameters=self.extractor.num_parameters(),
        )
        (path / "README.md").write_text(card, encoding="utf-8")

    def _summary(self, stopped: str) -> dict[str, Any]:
        return super()._summary(stopped) | {
            "extra_entities": [entity.name for entity in self.labels.extra_entities],
            "resumable_types": list(self.extractor.config.resumable),
        }


@contextmanager
def _signals(training: TrainingRun[Any]) -> Iterator[None]:
    """Let the first SIGINT or SIGTERM end the training at the next step; a second one ends it at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, _: object) -> None:
        training.interrupted = True
        signal.signal(number, previous[number])
        logger.warning("stopping after this step; once more to stop at once")

    previous: dict[int, Any] = {}
    for stopping in (signal.SIGINT, signal.SIGTERM):
        previous[stopping] = signal.signal(stopping, stop)
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
