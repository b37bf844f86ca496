"""Configuration of :class:`~invoicegen.modeling.model.LayoutLMv3MultiHead`."""

from __future__ import annotations

from dataclasses import field
from typing import Any

from transformers import LayoutLMv3Config

from invoicegen.modeling.labels import HEADS, check_head_labels, head_labels_of
from invoicegen.modeling.options import Layout
from invoicegen.modeling.settings import InputFormat
from invoicegen.modeling.word_features import WordFeatures
from invoicegen.schema.taxonomy import DEFAULT_LABELS, TAXONOMY_VERSION, LabelSet


class LayoutLMv3MultiHeadConfig(LayoutLMv3Config):
    """A LayoutLMv3 configuration with three heads over the labels of the taxonomy and of types that a user adds.

    Attributes:
        taxonomy: Version of the taxonomy the labels come from.
        head_labels: Label names of each head, in the order of the logits.
        extra_entities: Entity types beside those of the taxonomy, as :class:`~invoicegen.schema.taxonomy.LabelSet`
            dumps them.
        loss_weights: Weight of each head's cross entropy in the sum.
        crf: Whether a linear-chain CRF scores neighbouring NER labels.
        label_smoothing: Share of each target spread evenly over all labels, 0 to 1; not of the CRF's.
        ner_class_weights: Weight of each NER label in the loss, or None for equal weights.
        layout: ``word`` gives each word its own box, ``segment`` the box of its text segment; with ``none`` the
            encoder is not told where words stand.
        resumable: Entity types that training data interrupts in reading order; see
            :func:`~invoicegen.modeling.decoding.bio_transitions`.
        max_subwords_per_word: Subwords kept of each word; the rest of a very long word is not read.
        word_features: Features of whole words beside their subwords; see :mod:`~invoicegen.modeling.word_features`.
        initialised_from: Where the weights that training started from came from.

    The label fields are empty by default so that ``save_pretrained``, which leaves defaults out, always
    writes them; :func:`multi_head_config` fills them in.
    """

    model_type = "layoutlmv3-multihead"

    taxonomy: str = ""
    head_labels: dict[str, list[str]] = field(default_factory=dict)
    extra_entities: list[dict[str, str]] = field(default_factory=list)
    loss_weights: dict[str, float] = field(default_factory=lambda: dict.fromkeys(HEADS, 1.0))
    crf: bool = False
    label_smoothing: float = 0.0
    ner_class_weights: list[float] | None = None
    resumable: list[str] = field(default_factory=list)
    layout: Layout = "word"
    max_subwords_per_word: int = 8
    word_features: WordFeatures = "none"
    initialised_from: str = ""

    @property
    def label_set(self) -> LabelSet:
        """The entity types of the NER head."""
        return LabelSet.model_validate({"extra_entities": self.extra_entities})

    @property
    def sequence_limit(self) -> int:
        """Most subwords in one sequence, special tokens included.

        LayoutLMv3 numbers positions from ``pad_token_id + 1``, so that many rows of its table are never used.
        """
        return int(self.max_position_embeddings) - int(self.pad_token_id or 0) - 1


def multi_head_config(
    base: LayoutLMv3Config, labels: LabelSet = DEFAULT_LABELS, **changes: Any
) -> LayoutLMv3MultiHeadConfig:
    """The configuration of a multi-head model over the encoder that ``base`` describes, with these entity types."""
    settings = base.to_dict()
    for name in ("model_type", "architectures", "transformers_version", "id2label", "label2id", "dtype"):
        settings.pop(name, None)
    settings.update(
        taxonomy=TAXONOMY_VERSION,
        head_labels={head: list(names) for head, names in head_labels_of(labels).items()},
        extra_entities=labels.model_dump(mode="json")["extra_entities"],
    )
    settings.update(changes)
    return LayoutLMv3MultiHeadConfig(**settings)


def check_taxonomy(config: LayoutLMv3MultiHeadConfig) -> None:
    """Refuse a configuration whose labels are not those of the installed taxonomy and of the types that it adds.

    Raises:
        TaxonomyMismatchError: Naming the first label that differs.
    """
    check_head_labels(config.head_labels, config.taxonomy, config.label_set)


def input_format(config: LayoutLMv3MultiHeadConfig) -> InputFormat:
    """What the use of a model needs of its configuration."""
    return InputFormat(
        head_labels={head: tuple(labels) for head, labels in config.head_labels.items()},
        taxonomy=config.taxonomy,
        extra_entities=config.label_set.extra_entities,
        sequence_limit=config.sequence_limit,
        layout=config.layout,
        max_subwords_per_word=config.max_subwords_per_word,
        word_features=config.word_features,
        resumable=tuple(config.resumable),
        image_size=config.input_size if config.visual_embed else None,
    )
