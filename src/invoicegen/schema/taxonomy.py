"""The labels: 36 entity types (73 BIO labels), 3 table labels, 3 cell labels, and types that users add.

``taxonomy.json`` beside this module is the only place where a label of ours is named; everything else
derives from it. Ids: ``O`` is 0; entity type ``k`` (from 1) has ``B-`` at ``2k - 1`` and ``I-`` at ``2k``. A
:class:`LabelSet` has the types that a user declares behind ours; without any it is :data:`DEFAULT_LABELS`.
"""

from __future__ import annotations

import json
from functools import cached_property
from importlib.resources import files
from typing import Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

ValueKind = Literal["string", "date", "money", "decimal", "percent", "code", "address"]

TAXONOMY: Final[dict[str, Any]] = json.loads(
    files(__package__).joinpath("taxonomy.json").read_text(encoding="utf-8")
)
TAXONOMY_VERSION: Final[str] = TAXONOMY["version"]

ENTITY_TYPES: Final[tuple[str, ...]] = tuple(entity["name"] for entity in TAXONOMY["entities"])
ITEM_ENTITY_TYPES: Final[tuple[str, ...]] = tuple(
    entity["name"] for entity in TAXONOMY["entities"] if entity["name"].startswith("ITEM_")
)
NER_LABELS: Final[tuple[str, ...]] = (
    "O",
    *(f"{prefix}-{name}" for name in ENTITY_TYPES for prefix in ("B", "I")),
)
TABLE_LABELS: Final[tuple[str, ...]] = ("OUTSIDE", "INSIDE", "CELL")
CELL_LABELS: Final[tuple[str, ...]] = ("EMPTY", "HEADER", "DATA")

RUNNING_TEXT: Final = frozenset(
    (
        "SELLER_NAME",
        "SELLER_ADDRESS",
        "BUYER_NAME",
        "BUYER_ADDRESS",
        "PAYMENT_METHOD",
        "PAYMENT_TERMS",
        "ITEM_DESCRIPTION",
    )
)
"""Entity types of running text: compared softly, and what stands right beside a word of one mostly belongs to it."""

NER_IDS: Final[dict[str, int]] = {label: i for i, label in enumerate(NER_LABELS)}
TABLE_IDS: Final[dict[str, int]] = {label: i for i, label in enumerate(TABLE_LABELS)}
CELL_IDS: Final[dict[str, int]] = {label: i for i, label in enumerate(CELL_LABELS)}

_KINDS: Final[dict[str, ValueKind]] = {
    "code": "code",
    "string": "string",
    "date": "date",
    "address": "address",
    "ISO": "code",
    "money": "money",
    "percent": "percent",
    "IBAN": "string",
    "BIC": "string",
    "decimal": "decimal",
    "UN/ECE": "code",
}
VALUE_KINDS: Final[dict[str, ValueKind]] = {
    entity["name"]: _KINDS[entity["value"].split()[0]] for entity in TAXONOMY["entities"]
}
"""How the value of each entity type is normalised."""


class ExtraEntity(BaseModel):
    """An entity type of a user's own: a value of the document's head, totals or payment."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(
        pattern=r"^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$",
        max_length=60,
        description="capitals, digits and single underscores, such as PROJECT_CODE",
    )
    description: str = Field("", description="what it means, for those who annotate")
    value_kind: Literal["string", "date", "money", "decimal", "percent", "address"] = Field(
        "string", description="how its value is normalised and compared"
    )


class LabelSet(BaseModel):
    """The entity types of a run or a model: those of the taxonomy, and behind them those that a user adds.

    Raises:
        ValidationError: If an added type has a bad name, or one that is taken.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    extra_entities: tuple[ExtraEntity, ...] = Field(
        (), description="entity types beside those of the taxonomy"
    )

    @model_validator(mode="after")
    def _names_are_free(self) -> Self:
        names = [entity.name for entity in self.extra_entities]
        for position, name in enumerate(names):
            if name in VALUE_KINDS:
                raise ValueError(
                    f"{name} is a type of the taxonomy already; give the extra entity another name"
                )
            if name in names[:position]:
                raise ValueError(f"{name} is declared twice; leave one out")
            if name.startswith("ITEM_"):
                raise ValueError(
                    f"{name}: names that begin with ITEM_ are columns of the line-item table, which cannot be added "
                    "to; give it another name"
                )
        return self

    @property
    def title(self) -> str:
        """What the labels are, for messages."""
        names = ", ".join(entity.name for entity in self.extra_entities)
        return f"taxonomy {TAXONOMY_VERSION}" + (f" with {names}" if names else "")

    @cached_property
    def entity_types(self) -> tuple[str, ...]:
        """All entity types, in the order of their ids."""
        return (*ENTITY_TYPES, *(entity.name for entity in self.extra_entities))

    @cached_property
    def ner_labels(self) -> tuple[str, ...]:
        """All BIO labels, in the order of their ids; the first 73 are those of the taxonomy."""
        extra = (f"{prefix}-{entity.name}" for entity in self.extra_entities for prefix in ("B", "I"))
        return (*NER_LABELS, *extra)

    @cached_property
    def ner_ids(self) -> dict[str, int]:
        """The id of each BIO label."""
        return {label: i for i, label in enumerate(self.ner_labels)}

    @cached_property
    def value_kinds(self) -> dict[str, ValueKind]:
        """How the value of each entity type is normalised."""
        return {**VALUE_KINDS, **{entity.name: entity.value_kind for entity in self.extra_entities}}


DEFAULT_LABELS: Final = LabelSet()
"""The entity types of the taxonomy alone."""


def bio_tags(
    n_words: int, entities: list[tuple[str, list[int]]], labels: LabelSet = DEFAULT_LABELS
) -> list[str]:
    """BIO tags of ``n_words`` words from ``(entity type, word indices in reading order)`` pairs.

    The first index of an entity gets ``B-``, the others ``I-``, wherever they stand in the page's order.

    Raises:
        ValueError: If two entities claim one word or a type is not in the label set.
    """
    tags = ["O"] * n_words
    for name, words in entities:
        if name not in labels.value_kinds:
            raise ValueError(f"entity type {name!r} is not in {labels.title}")
        for position, word in enumerate(words):
            if tags[word] != "O":
                raise ValueError(f"word {word} is in two entities: {tags[word]} and {name}")
            tags[word] = f"{'B' if position == 0 else 'I'}-{name}"
    return tags
