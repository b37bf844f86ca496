"""Currency signs that are words of their own: what they are follows from the amount beside them.

Whether a page printed a space between a sign and its amount cannot be told from words that were read, so signs are cut
off (:func:`invoicegen.labeling.cut_words`), and labelled alike with and without: CURRENCY beside an amount of header or
totals, nothing beside one of a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from invoicegen.schema.taxonomy import DEFAULT_LABELS, LabelSet

SIGNS: Final = frozenset("$€£¥")


def settle_signs(
    words: Sequence[str],
    tags: Sequence[str],
    confidences: Sequence[float],
    beside: NDArray[np.bool_],
    labels: LabelSet = DEFAULT_LABELS,
) -> tuple[list[str], list[float]]:
    """The labels of words, signs labelled as the amount is that they stand beside.

    A sign beside no word that is labelled as an amount keeps its label, unless that says it is an amount itself. It has
    the confidence of its amount.

    Args:
        words: In reading order.
        tags: Their entity labels.
        confidences: Of the labels.
        beside: Whether each word stands right beside the one before it, shape (n_words,).
        labels: What the labels are of.

    Returns:
        Labels and confidences; an entity that a sign began begins with the word after it.
    """
    settled, sure = list(tags), list(confidences)

    def amount(word: int) -> str | None:
        """The type of a word that is labelled as an amount and has a digit in it."""
        name = tags[word][2:]
        is_amount = labels.value_kinds.get(name) == "money" and any(map(str.isdigit, words[word]))
        return name if is_amount else None

    for word, text in enumerate(words):
        if text not in SIGNS:
            continue
        after = word + 1 if word + 1 < len(words) and beside[word + 1] else None
        before = word - 1 if word and beside[word] else None
        amounts = [(near, name) for near in (after, before) if near is not None and (name := amount(near))]
        if amounts:
            near, name = amounts[0]
            settled[word] = "O" if name.startswith("ITEM_") else "B-CURRENCY"
            sure[word] = confidences[near]
        elif labels.value_kinds.get(tags[word][2:]) == "money":
            settled[word] = "O"
        began = f"I-{tags[word][2:]}" if tags[word].startswith("B-") and settled[word] != tags[word] else None
        if word + 1 < len(words) and tags[word + 1] == began:
            settled[word + 1] = f"B-{tags[word][2:]}"
    return settled, sure
