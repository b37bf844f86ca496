"""Tax numbers that prove themselves: what stands on the page with a country's prefix and the right check digits.

A model that has not seen a caption, or sees it misread, misses the number beside it. A number whose check digits are
right says by itself what it is, and most documents print one party's alone: the seller's.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from invoicegen.extraction.entities import EntitySpan, span_of
from invoicegen.extraction.hints import DocumentHints
from invoicegen.extraction.layout import StraightWords, straighten
from invoicegen.extraction.values import normalise_value, tax_id_rule
from invoicegen.schema.prediction import PagePrediction

PROVEN: Final = 0.9
"""Confidence that the only such number of a document is its seller's: so it is in 508 of 560 generated documents."""

_MOST_WORDS: Final = 5
_GAP: Final = 1.5
"""Line heights between the groups of a number, at most."""
_GROUP: Final = r"[0-9A-Z]*\d[0-9A-Z]*(?:[.-][0-9A-Z]*\d[0-9A-Z]*)*"
_START: Final = re.compile(rf"(?:.*[^A-Z0-9])?([A-Z]{{2,3}}|{_GROUP})(?:[.,;:)].*)?")
"""A country's prefix, alone or with what follows, or the whole number, behind a caption without a space."""
_FURTHER: Final = re.compile(rf"({_GROUP}|MVA|MWST|TVA|IVA)(?:[.,;:)].*)?")
_NEVER_SELLERS: Final = frozenset({"BUYER_TAX_ID", "BANK_ACCOUNT", "PAYMENT_REFERENCE"})


def is_proven(value: str) -> bool:
    """Whether a number of capital letters and digits has a country's form and the right check digits."""
    rule = tax_id_rule(value)
    return rule is not None and rule[1](value)


def find_proven(page: PagePrediction, taken: set[int]) -> Iterator[tuple[str, tuple[int, ...]]]:
    """The tax numbers of a page that prove themselves, with the words that make them, each number as long as it gets.

    Args:
        page: Words and labels.
        taken: Words that are something else.
    """
    straight = straighten(page.words)
    lines: dict[float, list[int]] = defaultdict(list)
    for i in range(len(page.words)):
        lines[float(straight.y[i])].append(i)
    for line in lines.values():
        line.sort(key=lambda i: float(straight.x0[i]))
        while line:
            found = _number_at_start(page, straight, line[:_MOST_WORDS], taken)
            if found is not None:
                yield found
            line = line[len(found[1]) if found else 1 :]


def _number_at_start(
    page: PagePrediction, straight: StraightWords, words: Sequence[int], taken: set[int]
) -> tuple[str, tuple[int, ...]] | None:
    """The longest number that proves itself and begins with the first of these words of a line."""
    found, text = None, ""
    for n, word in enumerate(words):
        match = (_FURTHER if n else _START).fullmatch(page.words[word].text)
        apart = n > 0 and straight.x0[word] - straight.x1[words[n - 1]] > _GAP * straight.height[word]
        if match is None or word in taken or apart:
            break
        text += _compact(match[1])
        if is_proven(text):
            found = (text, tuple(words[: n + 1]))
    return found


def add_proven_seller(spans: Sequence[EntitySpan], pages: Sequence[PagePrediction]) -> list[EntitySpan]:
    """The entities, and first among the seller's tax numbers the one of the document that proves itself.

    Nothing changes where the seller has such a number already, where there are several, or where it is the buyer's.
    """
    taken: dict[int, set[int]] = defaultdict(set)
    for span in spans:
        if span.type in _NEVER_SELLERS:
            taken[span.page].update(span.words)
    buyers = {_compact(span.text) for span in spans if span.type == "BUYER_TAX_ID"}
    proven = {
        value: span_of("SELLER_TAX_ID", page, words)
        for page in reversed(pages)
        for value, words in find_proven(page, taken[page.page])
        if not any(value in buyer for buyer in buyers)
    }
    sellers = [span for span in spans if span.type == "SELLER_TAX_ID"]
    if len(proven) != 1 or any(is_proven(_compact(_printed(span))) for span in sellers):
        return list(spans)
    ((value, span),) = proven.items()
    if _compact(_printed(span)) != value:  # more is printed in the same word
        span = replace(span, text=value)
    others = [
        replace(other, confidence=min(other.confidence, 1 - PROVEN)) if other in sellers else other
        for other in spans
        if other.page != span.page or not set(other.words) <= set(span.words)
    ]
    return [*others, replace(span, confidence=PROVEN)]


def _printed(span: EntitySpan) -> str:
    return normalise_value(span.type, span.text, DocumentHints()) or span.text


def _compact(text: str) -> str:
    return re.sub(r"[^A-Z0-9]", "", text.upper())
