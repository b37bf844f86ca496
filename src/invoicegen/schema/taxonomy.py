"""The label set: 36 entity types (73 BIO labels), 3 table labels, 3 cell labels.

``taxonomy.json`` beside this module is the only place where a label is named; everything else
derives from it. Ids: ``O`` is 0; entity type ``k`` (from 1) has ``B-`` at ``2k - 1`` and ``I-`` at ``2k``.
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any, Final, Literal

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


def bio_tags(n_words: int, entities: list[tuple[str, list[int]]]) -> list[str]:
    """BIO tags of ``n_words`` words from ``(entity type, word indices in reading order)`` pairs.

    The first index of an entity gets ``B-``, the others ``I-``, wherever they stand in the page's order.

    Raises:
        ValueError: If two entities claim one word or a type is not in the taxonomy.
    """
    tags = ["O"] * n_words
    for name, words in entities:
        if name not in VALUE_KINDS:
            raise ValueError(f"entity type {name!r} is not in taxonomy {TAXONOMY_VERSION}")
        for position, word in enumerate(words):
            if tags[word] != "O":
                raise ValueError(f"word {word} is in two entities: {tags[word]} and {name}")
            tags[word] = f"{'B' if position == 0 else 'I'}-{name}"
    return tags
