"""Pre-training: an encoder learns pages without their labels, by guessing hidden words from the others and from places.

The loop is that of training: it resumes exactly, keeps to a time budget and keeps the best model. What it leaves is a
folder that ``train.init_from`` takes; it has no heads yet, so they start at random there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from invoicegen.modeling.encoding import Batch, EncodedPage, Window, WordTokenizer, collate, page_windows
from invoicegen.modeling.errors import ModelingError, WarmStartError
from invoicegen.modeling.labels import IGNORED
from invoicegen.modeling.masking import MaskedLanguageModel, Vocabulary, mask_words
from invoicegen.modeling.options import PretrainOptions
from invoicegen.modeling.processes import Processes
from invoicegen.modeling.quiet import quiet_transformers
from invoicegen.modeling.splits import Tables, read_split
from invoicegen.modeling.training import TrainedModel, TrainingRun, prepared
from invoicegen.modeling.warm_start import StartingPoint, starting_point
from invoicegen.schema.taxonomy import DEFAULT_LABELS, LabelSet


def pretrain_model(
    train_tables: Tables,
    validation_tables: Tables,
    options: PretrainOptions,
    output_dir: str | Path,
    metrics_path: str | Path | None = None,
    labels: LabelSet = DEFAULT_LABELS,
) -> TrainedModel:
    """Pre-train on the words and boxes of one split, watch another, keep the model that guesses most words of it.

    Args:
        train_tables: Shards of pages, see ``invoicegen.schema.rows``; their labels are not looked at.
        validation_tables: The same, of other layouts.
        options: How.
        output_dir: Folder of the state and of the best encoder so far.
        metrics_path: File of one JSON line an epoch; None for none.
        labels: Entity types of the pages and of the model to start from; what is left keeps to them.

    Raises:
        EmptySplitError: If a split has no page with words.
        WarmStartError: If the weights to start from are missing or do not fit, or their tokenizer has no mask token.
        TaxonomyMismatchError: If they are a model of ours with other labels, or with types that ``labels`` lacks.
        ModelingError: If a page has a label that is not in ``labels``.
        CheckpointError: If an unfinished pre-training in ``output_dir`` had other options or data.
        NonFiniteLossError: If the loss or its gradient became NaN or infinite.
        KeyboardInterrupt: After SIGINT or SIGTERM, once a checkpoint is saved.
    """
    with prepared(options) as (processes, device):
        start = starting_point(
            options.init_from,
            options.seed,
            labels,
            visual_embed=False,
            layout=options.layout,
            max_subwords_per_word=options.max_subwords_per_word,
            word_features=options.word_features,
            hidden_dropout_prob=options.dropout,
            attention_probs_dropout_prob=options.attention_dropout,
        )
        config = start.model.config
        if options.max_length > config.sequence_limit:
            raise ModelingError(
                f"{options.init_from} reads at most {config.sequence_limit} subwords at once; lower "
                f"pretrain.max_length ({options.max_length})"
            )
        if start.tokenizer.mask_token_id is None:
            raise WarmStartError(f"the tokenizer of {options.init_from} has no mask token to hide words with")
        tokenizer = WordTokenizer(start.tokenizer, config.max_subwords_per_word)
        run = _Pretraining(
            start,
            tokenizer,
            read_split("train", train_tables, tokenizer, config),
            read_split("validation", validation_tables, tokenizer, config),
            options,
            Path(output_dir),
            metrics_path,
            processes,
            device,
        )
        return run.run()


class _Pretraining(TrainingRun[PretrainOptions]):
    """Learns to guess hidden words; the best model is the one that guesses most subwords."""

    heads = ("mlm",)
    score = "accuracy"

    def __init__(
        self,
        start: StartingPoint,
        tokenizer: WordTokenizer,
        train_pages: list[EncodedPage],
        validation_pages: list[EncodedPage],
        options: PretrainOptions,
        folder: Path,
        metrics_path: str | Path | None,
        processes: Processes,
        device: torch.device,
    ) -> None:
        model = MaskedLanguageModel(start.model.layoutlmv3)
        from_start = {f"layoutlmv3.{name}": f"encoder.{name}" for name in start.model.layoutlmv3.state_dict()}
        known = {new for old, new in from_start.items() if old not in start.new_parameters}
        super().__init__(
            model,
            start,
            frozenset(name for name, _ in model.named_parameters() if name not in known),
            tokenizer,
            train_pages,
            validation_pages,
            options,
            folder,
            metrics_path,
            processes,
            device,
        )
        self.vocabulary = Vocabulary(start.tokenizer.mask_token_id, start.model.config.vocab_size)

    @property
    def loss_weights(self) -> Mapping[str, float]:
        """There is one loss."""
        return {"mlm": 1.0}

    def loss_mass(self, head: str, labels: torch.Tensor) -> float:
        """Hidden subwords."""
        return float((labels != IGNORED).sum())

    def inputs(
        self, windows: Sequence[Window], rngs: Sequence[np.random.Generator]
    ) -> dict[str, NDArray[Any]]:
        """Words, some of them hidden, and boxes."""
        batch = collate(self.train_pages, windows, self.tokenizer, (self.options.augmentation, rngs))
        return self._masked(batch, rngs)

    def _masked(self, batch: Batch, rngs: Sequence[np.random.Generator]) -> dict[str, NDArray[Any]]:
        return mask_words(batch, self.vocabulary, self.options.mask_share, rngs)

    @torch.inference_mode()
    def evaluate(self) -> dict[str, float]:
        """Mean loss and share of right guesses over hidden subwords, the same ones each time."""
        self.model.train(False)
        windows = page_windows(self.validation_pages, self.options.max_length, self.options.overlap_words)
        loss, right, hidden = 0.0, 0.0, 0.0
        for number, window in self.processes.deal(list(enumerate(windows))):
            batch = collate(self.validation_pages, [window], self.tokenizer)
            arrays = self._masked(batch, [self._rng(3, number)])
            output = self.model(**{name: torch.from_numpy(a).to(self.device) for name, a in arrays.items()})
            count = float((arrays["mlm_labels"] != IGNORED).sum())
            loss += float(output.head_losses["mlm"]) * count
            right += float(output.right)
            hidden += count
        self.model.train()
        loss, right, hidden = self.processes.total([loss, right, hidden])
        return {"loss": loss / hidden, "accuracy": right / hidden}

    def save_model(self, path: Path, record: dict[str, Any]) -> None:
        """The encoder alone, under the names and the configuration of the whole model, and the tokenizer."""
        model = self.start.model
        weights = {
            name: tensor for name, tensor in model.state_dict().items() if name.startswith("layoutlmv3.")
        }
        with quiet_transformers():
            model.save_pretrained(path, state_dict=weights)
        self.start.tokenizer.save_pretrained(path)
