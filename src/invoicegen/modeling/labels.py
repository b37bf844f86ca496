"""The heads of the model and their labels; imports neither torch nor transformers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from invoicegen.modeling.errors import TaxonomyMismatchError
from invoicegen.schema.taxonomy import CELL_LABELS, DEFAULT_LABELS, TABLE_LABELS, LabelSet

HEADS: Final = ("ner", "table", "cell")
IGNORED: Final = -100
"""Label of a token that no loss counts: padding, special tokens, all but the first subword of a word."""


def head_labels_of(labels: LabelSet = DEFAULT_LABELS) -> dict[str, tuple[str, ...]]:
    """Label names of each head of a model with these entity types, in the order of the logits."""
    return {"ner": labels.ner_labels, "table": TABLE_LABELS, "cell": CELL_LABELS}


def check_head_labels(
    head_labels: Mapping[str, Sequence[str]], taxonomy: str, labels: LabelSet = DEFAULT_LABELS
) -> None:
    """Refuse labels that are not those of the installed taxonomy and of the types that the model adds.

    Args:
        head_labels: Label names of each head, in the order of the logits.
        taxonomy: Version that the model says it was trained on; empty if it says none.
        labels: The entity types that the model says it has.

    Raises:
        TaxonomyMismatchError: Naming the first label that differs.
    """
    for head, expected in head_labels_of(labels).items():
        found = tuple(head_labels.get(head, ()))
        if found == expected:
            continue
        position = next(
            (i for i, (a, b) in enumerate(zip(found, expected, strict=False)) if a != b),
            min(len(found), len(expected)),
        )
        found_label = found[position] if position < len(found) else "(none)"
        expected_label = expected[position] if position < len(expected) else "(none)"
        raise TaxonomyMismatchError(
            f"the model's {head} head was trained on taxonomy {taxonomy or '(unknown)'} with "
            f"{len(found)} labels, this InvoiceGen has {labels.title} with {len(expected)}: label "
            f"{position} is {found_label!r} there and {expected_label!r} here. "
            "Train a new model, or install the InvoiceGen version that the model was trained with."
        )
