"""Decimal marks that an engine did not read: "1190" in a column where every other figure has two decimals.

Who prints an invoice prints the amounts of a document with as many decimals each, so a lone figure without any lost
its mark. Quantities and unit prices have a count of their own; what was paid in cash is often a round sum and left
alone.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final

from invoicegen.extraction.hints import DocumentHints
from invoicegen.schema.prediction import PagePrediction
from invoicegen.schema.taxonomy import VALUE_KINDS

LEAST: Final = 3
"""Figures with a mark from which the others are judged."""
FOR_EVERY_BARE: Final = 4
"""Figures with a mark for each without one, at least."""

GROUP: Final = 3
"""Digits of a group of thousands, which as many decimals look like."""

_AMOUNTS: Final = tuple(
    name
    for name, kind in VALUE_KINDS.items()
    if kind == "money" and name not in ("ITEM_UNIT_PRICE", "AMOUNT_PAID")
)
GROUPS: Final = (_AMOUNTS, ("ITEM_UNIT_PRICE",), ("ITEM_QUANTITY",))
"""Types that print the same number of decimals."""

_MARKED = re.compile(r"\d([.,])(\d{1,4})\D*$")
_BARE = re.compile(r"[^\d%]*?(\d+)(?![.,])[^\d%]*")


def learn_decimals(hints: DocumentHints, pages: Sequence[PagePrediction]) -> DocumentHints:
    """The hints, with the decimals of the types that print as many everywhere but in a few figures.

    Args:
        hints: Of the document.
        pages: Its pages, labelled.
    """
    texts: dict[str, list[str]] = {}
    for page in pages:
        for word, tag in zip(page.words, page.ner_tags, strict=True):
            texts.setdefault(tag[2:], []).append(word.text)
    known = []
    for group in GROUPS:
        places = _places([text for name in group for text in texts.get(name, ())], group, hints)
        known += [(name, places) for name in group if places is not None]
    return replace(hints, decimals=tuple(known))


def _places(texts: Sequence[str], group: Sequence[str], hints: DocumentHints) -> int | None:
    """How many decimals figures have; None where they differ, too many have none, or whole thousands are printed."""
    tails: Counter[int] = Counter()
    bare = []
    for text in texts:
        if (match := _BARE.fullmatch(text)) is not None:
            bare.append(len(match[1]))
        elif (marked := _MARKED.search(text)) is not None:
            if len(marked[2]) == GROUP and (group is _AMOUNTS or marked[1] != hints.decimal):
                return None
            tails[len(marked[2])] += 1
    (places, count), *others = tails.most_common(2) or [(0, 0)]
    if count < max(LEAST, FOR_EVERY_BARE * len(bare)) or any(FOR_EVERY_BARE * n > count for _, n in others):
        return None
    return places if all(digits > places for digits in bare) else None


def with_mark(value: str, text: str, places: int) -> str:
    """A value whose print has no mark, with the decimals that it should have; any other as it is.

    Args:
        value: A decimal with a point.
        text: As it is printed.
        places: Decimals of figures of its type.
    """
    match = _BARE.fullmatch(text)
    if match is None or len(match[1]) <= places:
        return value
    return format(Decimal(value).scaleb(-places), "f")
