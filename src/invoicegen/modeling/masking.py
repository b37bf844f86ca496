"""Masked language modelling on pages: words are hidden, their boxes stay, and the model says which words they were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from invoicegen.modeling.encoder import LayoutLMv3Encoder
from invoicegen.modeling.encoding import Batch
from invoicegen.modeling.labels import IGNORED

_HIDDEN, _REPLACED = 0.8, 0.1
"""Of the words to guess, shares that are masked, and that are replaced by random subwords; the rest stays as it is."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What masking needs of a tokenizer.

    Attributes:
        mask_id: Of the mask token.
        size: Number of subwords; a random one is below.
    """

    mask_id: int
    size: int


def mask_words(
    batch: Batch, vocabulary: Vocabulary, share: float, rngs: Sequence[np.random.Generator]
) -> dict[str, NDArray[Any]]:
    """Inputs with some words hidden, all subwords of a word alike, and ``mlm_labels`` of what was there.

    A hidden or replaced word loses its features with its subwords; every word keeps its box. Each window hides one word
    at least.

    Args:
        batch: Of :func:`~invoicegen.modeling.encoding.collate`; its labels are left out.
        vocabulary: What words are replaced by.
        share: Of the words to guess.
        rngs: One generator a window.

    Returns:
        Arguments of :class:`MaskedLanguageModel`.

    Source:
        Devlin et al., BERT, https://arxiv.org/abs/1810.04805, section 3.1; masked visual-language modelling of Xu et
        al., LayoutLM, https://arxiv.org/abs/1912.13318, section 2.3.
    """
    inputs = {name: array.copy() for name, array in batch.inputs.items() if not name.endswith("_labels")}
    input_ids = inputs["input_ids"]
    labels = np.full(input_ids.shape, IGNORED, dtype=np.int64)
    ends = inputs["attention_mask"].sum(axis=1) - 1
    for row, (first, end, rng) in enumerate(zip(batch.first_subwords, ends, rngs, strict=True)):
        chosen = rng.random(len(first)) < share
        chosen[rng.integers(len(first))] |= not chosen.any()
        treatment = rng.random(len(first))
        lengths = np.diff(first, append=end)
        places = np.arange(first[0], end)[np.repeat(chosen, lengths)]
        treatment = np.repeat(treatment, lengths)[np.repeat(chosen, lengths)]
        labels[row, places] = input_ids[row, places]
        input_ids[row, places[treatment < _HIDDEN + _REPLACED]] = vocabulary.mask_id
        replaced = places[(treatment >= _HIDDEN) & (treatment < _HIDDEN + _REPLACED)]
        input_ids[row, replaced] = rng.integers(vocabulary.size, size=len(replaced))
        if "word_features" in inputs:
            inputs["word_features"][row, places[treatment < _HIDDEN + _REPLACED]] = 0
    return {**inputs, "mlm_labels": labels}


@dataclass(frozen=True, slots=True)
class MaskedOutput:
    """What one forward pass gives.

    Attributes:
        head_losses: Mean cross entropy of the hidden subwords, as ``mlm``.
        right: Number of hidden subwords that were guessed.
    """

    head_losses: dict[str, Tensor]
    right: Tensor


class MaskedLanguageModel(nn.Module):
    """An encoder and a head that guesses hidden subwords; its last layer is the table of the subword embeddings.

    Only hidden places are projected onto the vocabulary, a seventh of the page or so: with 30,000 subwords all of them
    would cost more than the encoder.

    Args:
        encoder: Trained in place.
    """

    def __init__(self, encoder: LayoutLMv3Encoder) -> None:
        super().__init__()
        self.encoder = encoder
        table = encoder.embeddings.word_embeddings
        self.dense = nn.Linear(table.embedding_dim, table.embedding_dim)
        self.norm = nn.LayerNorm(table.embedding_dim)
        self.bias = nn.Parameter(torch.zeros(table.num_embeddings))

    def forward(
        self,
        input_ids: Tensor,
        bbox: Tensor,
        attention_mask: Tensor,
        mlm_labels: Tensor,
        word_features: Tensor | None = None,
    ) -> MaskedOutput:
        """The loss of guessing.

        Args:
            input_ids: Shape (batch, length).
            bbox: Shape (batch, length, 4), 0-1000 grid.
            attention_mask: Shape (batch, length), 1 for real tokens.
            mlm_labels: Shape (batch, length): the subword that was hidden, :data:`IGNORED` where none was; one at
                least is.
            word_features: Shape (batch, length, columns), for an encoder that takes them.
        """
        hidden = mlm_labels != IGNORED
        states = self.encoder(input_ids, bbox, attention_mask, word_features=word_features, wanted=hidden)
        guesses = self.norm(functional.gelu(self.dense(states[hidden])))
        logits = functional.linear(guesses, self.encoder.embeddings.word_embeddings.weight, self.bias).float()
        loss = functional.cross_entropy(logits, mlm_labels[hidden])
        right = (logits.argmax(dim=-1) == mlm_labels[hidden]).sum()
        return MaskedOutput({"mlm": loss}, right)
