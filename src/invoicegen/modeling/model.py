"""LayoutLMv3 with three heads over one encoder: entities, table cells, cell roles."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoConfig, AutoModel, PreTrainedModel
from transformers.models.layoutlmv3.modeling_layoutlmv3 import LayoutLMv3TextEmbeddings
from transformers.utils.generic import ModelOutput

from invoicegen.modeling.configuration import LayoutLMv3MultiHeadConfig, check_taxonomy
from invoicegen.modeling.crf import LinearChainCrf, word_sequences
from invoicegen.modeling.encoder import (
    Dropout,
    Encoder,
    LayoutLMv3Encoder,
    RelativeBias,
    WordFeatureEmbeddings,
    relative_position_buckets,
)
from invoicegen.modeling.labels import HEADS, IGNORED, head_labels_of
from invoicegen.modeling.packing import read_packed
from invoicegen.modeling.settings import WEIGHTS_FILE


@dataclass
class MultiHeadOutput(ModelOutput):
    """What one forward pass gives.

    Attributes:
        loss: Weighted sum of the heads' losses; None without labels.
        ner_logits: Shape (batch, length, labels).
        table_logits: Shape (batch, length, 3).
        cell_logits: Shape (batch, length, 3).
        head_losses: The unweighted loss of each head; None without labels.
    """

    loss: Tensor | None = None
    ner_logits: Tensor | None = None
    table_logits: Tensor | None = None
    cell_logits: Tensor | None = None
    head_losses: dict[str, Tensor] | None = None


class LayoutLMv3MultiHead(PreTrainedModel):
    """The project's model.

    Raises:
        TaxonomyMismatchError: If the configuration holds other labels than the installed taxonomy and the types that
            it adds.
    """

    config_class = LayoutLMv3MultiHeadConfig
    config: LayoutLMv3MultiHeadConfig
    base_model_prefix = "layoutlmv3"

    def __init__(self, config: LayoutLMv3MultiHeadConfig) -> None:
        check_taxonomy(config)
        super().__init__(config)
        self.layoutlmv3 = LayoutLMv3Encoder(config)
        self.dropout = Dropout(config.hidden_dropout_prob)
        self.heads = nn.ModuleDict(
            {head: nn.Linear(config.hidden_size, len(names)) for head, names in head_labels_of().items()}
        )
        # One small head a type, by its name: weights fit whatever other types a model has.
        self.extra_heads = nn.ModuleDict(
            {entity.name: nn.Linear(config.hidden_size, 2) for entity in config.label_set.extra_entities}
        )
        if config.crf:
            self.crf = LinearChainCrf(len(config.head_labels["ner"]))
        self.post_init()  # type: ignore[no-untyped-call]

    @classmethod
    def from_pretrained(  # type: ignore[override]
        cls, pretrained_model_name_or_path: str | Path, *model_args: Any, **options: Any
    ) -> Any:
        """As of transformers, for folders with packed weights too (:mod:`invoicegen.modeling.packing`)."""
        name = pretrained_model_name_or_path
        weights = Path(name) / WEIGHTS_FILE
        packed = read_packed(weights) if weights.is_file() else None
        if packed is None:
            return super().from_pretrained(name, *model_args, **options)
        config = options.pop("config", None) or LayoutLMv3MultiHeadConfig.from_pretrained(name)
        state = {parameter: torch.from_numpy(array) for parameter, array in packed.items()}
        return super().from_pretrained(None, *model_args, config=config, state_dict=state, **options)

    def get_input_embeddings(self) -> nn.Module:
        """The subword embedding table."""
        return self.layoutlmv3.embeddings.word_embeddings

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        from transformers import initialization as init

        super()._init_weights(module)  # type: ignore[no-untyped-call]
        if isinstance(module, RelativeBias):
            init.normal_(module.weight, std=self.config.initializer_range)
        elif isinstance(module, LayoutLMv3Encoder) and module.visual:
            init.zeros_(module.cls_token)
            init.zeros_(module.pos_embed)
        elif isinstance(module, WordFeatureEmbeddings):
            init.zeros_(module.weight)
        elif isinstance(module, LinearChainCrf):
            init.zeros_(module.transitions)
        elif isinstance(module, LayoutLMv3TextEmbeddings):
            init.copy_(module.position_ids, torch.arange(module.position_ids.shape[-1]).expand((1, -1)))
        elif isinstance(module, Encoder):
            config = self.config
            if module.has_sequential:
                init.copy_(
                    module.sequential_buckets,
                    relative_position_buckets(config.rel_pos_bins, config.max_rel_pos),
                )
            if module.has_spatial:
                init.copy_(
                    module.spatial_buckets,
                    relative_position_buckets(config.rel_2d_pos_bins, config.max_rel_2d_pos),
                )

    def forward(
        self,
        input_ids: Tensor,
        bbox: Tensor,
        attention_mask: Tensor | None = None,
        pixel_values: Tensor | None = None,
        word_features: Tensor | None = None,
        ner_labels: Tensor | None = None,
        table_labels: Tensor | None = None,
        cell_labels: Tensor | None = None,
        **_: Any,
    ) -> MultiHeadOutput:
        """Logits of all heads, and their loss where labels are given.

        In training mode, the logits of tokens without a label say nothing: what leads to them alone is left out.

        Args:
            input_ids: Subwords, shape (batch, length).
            bbox: Boxes on the 0-1000 grid, shape (batch, length, 4).
            attention_mask: 1 for real tokens, shape (batch, length).
            pixel_values: Page images, shape (batch, 3, size, size), for a model with patches.
            word_features: Features of the word of each subword, shape (batch, length, columns), for a model with
                them; see :mod:`~invoicegen.modeling.word_features`.
            ner_labels: Shape (batch, length); :data:`IGNORED` where nothing is to be learnt.
            table_labels: As ``ner_labels``.
            cell_labels: As ``ner_labels``.
        """
        labels = {"ner": ner_labels, "table": table_labels, "cell": cell_labels}
        given = [target != IGNORED for target in labels.values() if target is not None]
        wanted = torch.stack(given).any(dim=0) if self.training and given else None
        states = self.dropout(
            self.layoutlmv3(input_ids, bbox, attention_mask, pixel_values, word_features, wanted)
        )
        logits = {head: self.heads[head](states).float() for head in HEADS}
        if self.extra_heads:
            extra = [head(states).float() for head in self.extra_heads.values()]
            logits["ner"] = torch.cat([logits["ner"], *extra], dim=-1)
        losses = {
            head: self._head_loss(head, logits[head], target)
            for head, target in labels.items()
            if target is not None
        }
        weighted = [self.config.loss_weights[head] * loss for head, loss in losses.items()]
        return MultiHeadOutput(
            loss=torch.stack(weighted).sum() if weighted else None,
            ner_logits=logits["ner"],
            table_logits=logits["table"],
            cell_logits=logits["cell"],
            head_losses=losses or None,
        )

    def ner_transitions(self) -> NDArray[np.float32] | None:
        """Learnt scores of neighbouring NER labels, shape (labels, labels), ``[before, after]``; None without CRF."""
        if not self.config.crf:
            return None
        transitions: NDArray[np.float32] = self.crf.transitions.detach().float().cpu().numpy()
        return transitions

    def loss_mass(self, head: str, labels: Tensor) -> float:
        """What a head's mean loss over ``labels`` weighs in a mean over several batches: words, or their class weights.

        Args:
            head: Of the model.
            labels: Any shape; :data:`IGNORED` where nothing is to be learnt.
        """
        kept = labels[labels != IGNORED]
        if head == "ner" and self.config.ner_class_weights is not None:
            return float(torch.tensor(self.config.ner_class_weights)[kept.cpu()].sum())
        return float(len(kept))

    def _head_loss(self, head: str, logits: Tensor, labels: Tensor) -> Tensor:
        """Mean loss over the labelled tokens; 0 where a batch has none."""
        kept = labels != IGNORED
        if not kept.any():
            unused = self.crf.transitions.sum() if head == "ner" and self.config.crf else 0.0
            return (logits.sum() + unused) * 0.0
        if head == "ner" and self.config.crf:
            likelihood: Tensor = self.crf(*word_sequences(logits, labels, IGNORED))
            return likelihood
        class_weights = self.config.ner_class_weights if head == "ner" else None
        return functional.cross_entropy(
            logits[kept],
            labels[kept],
            weight=None if class_weights is None else torch.tensor(class_weights, device=logits.device),
            label_smoothing=self.config.label_smoothing,
        )


AutoConfig.register(LayoutLMv3MultiHeadConfig.model_type, LayoutLMv3MultiHeadConfig, exist_ok=True)
AutoModel.register(LayoutLMv3MultiHeadConfig, LayoutLMv3MultiHead, exist_ok=True)
