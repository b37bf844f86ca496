"""Configuration of :class:`~invoicegen.modeling.model.LayoutLMv3MultiHead`."""

from __future__ import annotations

from dataclasses import field
from typing import Any

from transformers import LayoutLMv3Config

from invoicegen.modeling.errors import TaxonomyMismatchError
from invoicegen.schema.taxonomy import CELL_LABELS, NER_LABELS, TABLE_LABELS, TAXONOMY_VERSION

HEADS = ("ner", "table", "cell")
HEAD_LABELS: dict[str, tuple[str, ...]] = {"ner": NER_LABELS, "table": TABLE_LABELS, "cell": CELL_LABELS}


class LayoutLMv3MultiHeadConfig(LayoutLMv3Config):
    """A LayoutLMv3 configuration with three heads over the taxonomy's label sets.

    Attributes:
        taxonomy: Version of the taxonomy the labels come from.
        head_labels: Label names of each head, in the order of the logits.
        loss_weights: Weight of each head's cross entropy in the sum.
        crf: Whether a linear-chain CRF scores neighbouring NER labels.
        label_smoothing: Share of each target spread evenly over all labels, 0 to 1; not of the CRF's.
        ner_class_weights: Weight of each NER label in the loss, or None for equal weights.
        layout: ``word`` gives each word its own box, ``segment`` the box of its text segment.
        resumable: Entity types that training data interrupts in reading order; see
            :func:`~invoicegen.modeling.decoding.bio_transitions`.
        max_subwords_per_word: Subwords kept of each word; the rest of a very long word is not read.
        initialised_from: Where the weights that training started from came from.

    The label fields are empty by default so that ``save_pretrained``, which leaves defaults out, always
    writes them; :func:`multi_head_config` fills them in.
    """

    model_type = "layoutlmv3-multihead"

    taxonomy: str = ""
    head_labels: dict[str, list[str]] = field(default_factory=dict)
    loss_weights: dict[str, float] = field(default_factory=lambda: dict.fromkeys(HEADS, 1.0))
    crf: bool = False
    label_smoothing: float = 0.0
    ner_class_weights: list[float] | None = None
    resumable: list[str] = field(default_factory=list)
    layout: str = "word"
    max_subwords_per_word: int = 8
    initialised_from: str = ""

    @property
    def sequence_limit(self) -> int:
        """Most subwords in one sequence, special tokens included.

        LayoutLMv3 numbers positions from ``pad_token_id + 1``, so that many rows of its table are never used.
        """
        return int(self.max_position_embeddings) - int(self.pad_token_id or 0) - 1


def multi_head_config(base: LayoutLMv3Config, **changes: Any) -> LayoutLMv3MultiHeadConfig:
    """The configuration of a multi-head model over the encoder that ``base`` describes, with today's taxonomy."""
    settings = base.to_dict()
    for name in ("model_type", "architectures", "transformers_version", "id2label", "label2id", "dtype"):
        settings.pop(name, None)
    settings.update(
        taxonomy=TAXONOMY_VERSION,
        head_labels={head: list(labels) for head, labels in HEAD_LABELS.items()},
    )
    settings.update(changes)
    return LayoutLMv3MultiHeadConfig(**settings)


def check_taxonomy(config: LayoutLMv3MultiHeadConfig) -> None:
    """Refuse a configuration whose labels are not those of the installed taxonomy.

    Raises:
        TaxonomyMismatchError: Naming the first label that differs.
    """
    for head, expected in HEAD_LABELS.items():
        found = tuple(config.head_labels.get(head, ()))
        if found == expected:
            continue
        position = next(
            (i for i, (a, b) in enumerate(zip(found, expected, strict=False)) if a != b),
            min(len(found), len(expected)),
        )
        found_label = found[position] if position < len(found) else "(none)"
        expected_label = expected[position] if position < len(expected) else "(none)"
        raise TaxonomyMismatchError(
            f"the model's {head} head was trained on taxonomy {config.taxonomy or '(unknown)'} with "
            f"{len(found)} labels, this InvoiceGen has taxonomy {TAXONOMY_VERSION} with {len(expected)}: label "
            f"{position} is {found_label!r} there and {expected_label!r} here. "
            "Train a new model, or install the InvoiceGen version that the model was trained with."
        )
