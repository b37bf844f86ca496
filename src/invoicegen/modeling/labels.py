"""The heads of the model and their labels; imports neither torch nor transformers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from invoicegen.modeling.errors import TaxonomyMismatchError
from invoicegen.schema.taxonomy import CELL_LABELS, NER_LABELS, TABLE_LABELS, TAXONOMY_VERSION

HEADS: Final = ("ner", "table", "cell")
HEAD_LABELS: Final[dict[str, tuple[str, ...]]] = {
    "ner": NER_LABELS,
    "table": TABLE_LABELS,
    "cell": CELL_LABELS,
}
IGNORED: Final = -100
"""Label of a token that no loss counts: padding, special tokens, all but the first subword of a word."""


def check_head_labels(head_labels: Mapping[str, Sequence[str]], taxonomy: str) -> None:
    """Refuse labels that are not those of the installed taxonomy.

    Args:
        head_labels: Label names of each head, in the order of the logits.
        taxonomy: Version that the model says it was trained on; empty if it says none.

    Raises:
        TaxonomyMismatchError: Naming the first label that differs.
    """
    for head, expected in HEAD_LABELS.items():
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
            f"{len(found)} labels, this InvoiceGen has taxonomy {TAXONOMY_VERSION} with {len(expected)}: label "
            f"{position} is {found_label!r} there and {expected_label!r} here. "
            "Train a new model, or install the InvoiceGen version that the model was trained with."
        )
