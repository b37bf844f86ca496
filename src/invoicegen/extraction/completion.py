"""Values of which a word was left out, made whole: a date that cannot be read, a number whose check digits are wrong,
and that can or are right with the words beside. And what is no part of a value, left out.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from invoicegen.extraction.addresses import whole_addresses
from invoicegen.extraction.chronology import DATE_TYPES
from invoicegen.extraction.entities import EntitySpan, span_of
from invoicegen.extraction.hints import DocumentHints
from invoicegen.extraction.layout import StraightWords, straighten
from invoicegen.extraction.tax_ids import is_proven
from invoicegen.extraction.values import is_iban, normalise_value, without_caption
from invoicegen.extraction.weighing import probabilities
from invoicegen.schema.prediction import PagePrediction
from invoicegen.schema.taxonomy import VALUE_KINDS

GAP: Final = 1.5
"""Line heights between a value and the word that completes it, at most."""
_NUMBER_WORDS: Final = 8  # an IBAN in groups of four
_DATE_WORDS: Final = 2  # on either side

_TAX_IDS: Final = ("SELLER_TAX_ID", "BUYER_TAX_ID")
_PREFIX: Final = re.compile(r"[A-Z]{2}")

_PRICE: Final = re.compile(r"-?\d+\.\d{4,}")

_PROOFS: Final[dict[str, Callable[[str], bool]]] = {
    "BANK_ACCOUNT": is_iban,
    "SELLER_TAX_ID": is_proven,
    "BUYER_TAX_ID": is_proven,
}


def complete_spans(
    spans: Sequence[EntitySpan], page: PagePrediction, hints: DocumentHints
) -> list[EntitySpan]:
    """The entities of a page, dates that cannot be read and numbers that do not prove themselves with more words of
    their line where that mends them; the words that are added were labelled nothing, or of the same type. Addresses are
    without the country's code, and prices are no sums.

    Args:
        spans: Entities of the page.
        page: Its words and labels.
        hints: How the document writes dates.
    """
    straight: StraightWords | None = None
    result = []
    for span in with_prefixes(whole_addresses(spans, page), page):
        is_whole = proof_of(span.type, hints)
        if is_whole is not None and not is_whole(span.text):
            straight = straight or straighten(page.words)
            tries = _around if span.type in DATE_TYPES else _onwards
            longer = (span_of(span.type, page, words) for words in tries(span, page, straight))
            mended = next((one for one in longer if is_whole(one.text)), span)
            span = replace(mended, confidence=span.confidence)
        if not is_price(span, hints):
            result.append(span)
    taken = [(span.type, set(span.words)) for span in result]
    return [
        span for span in result if not any(span.type == t and set(span.words) < words for t, words in taken)
    ]


def with_prefixes(spans: Sequence[EntitySpan], page: PagePrediction) -> list[EntitySpan]:
    """The entities, a country's prefix as part of the tax number behind it, of the party that both are likelier of.

    A model that is unsure whose a number is may give its prefix to one party and the rest to the other.
    """
    numbers = [span for span in spans if span.type in _TAX_IDS]
    prefixes = [span for span in numbers if _PREFIX.fullmatch(span.text)]
    if not prefixes or page.ner_probabilities is None:
        return list(spans)
    straight = straighten(page.words)
    result = list(spans)
    for prefix in prefixes:
        end, height = float(straight.x1[prefix.words[-1]]), float(straight.height[prefix.words[-1]])
        for number in numbers:
            first = number.words[0]
            beside = straight.y[first] == straight.y[prefix.words[-1]]
            if beside and 0 <= float(straight.x0[first]) - end <= GAP * height:
                words = [*prefix.words, *number.words]
                share = probabilities(span_of("O", page, words), page, _TAX_IDS)
                name = max(share, key=share.__getitem__)
                likely = replace(span_of(name, page, words), confidence=share[name])
                result = [likely if span == number else span for span in result if span != prefix]
                break
    return result


def is_price(span: EntitySpan, hints: DocumentHints) -> bool:
    """Whether a header's amount has four decimals or more, as prices have and no sum of a document has (EN 16931,
    BR-DEC-09 to BR-DEC-18; some currencies have three).
    """
    if VALUE_KINDS.get(span.type) != "money":
        return False
    return _PRICE.fullmatch(normalise_value(span.type, span.text, hints) or "") is not None


def proof_of(entity_type: str, hints: DocumentHints) -> Callable[[str], bool] | None:
    """Whether a text is a whole value of a type; None where nothing tells."""
    if entity_type in DATE_TYPES:
        return lambda text: normalise_value(entity_type, text, hints) is not None
    proof = _PROOFS.get(entity_type)
    return None if proof is None else lambda text: proof(without_caption(text))


def _around(span: EntitySpan, page: PagePrediction, straight: StraightWords) -> Iterator[list[int]]:
    """The words of a span with more words on its left or right, few first."""
    own = sorted(span.words, key=lambda word: float(straight.x0[word]))
    left = list(_neighbours(span, page, straight, own[0], -1, _DATE_WORDS))
    right = list(_neighbours(span, page, straight, own[-1], 1, _DATE_WORDS))
    counts = itertools.product(range(len(left) + 1), range(len(right) + 1))
    for before, after in sorted(counts, key=sum):
        if before or after:
            yield [*reversed(left[:before]), *own, *right[:after]]


def _onwards(span: EntitySpan, page: PagePrediction, straight: StraightWords) -> Iterator[list[int]]:
    """The first word of a span with more and more of the words behind it."""
    first = min(span.words, key=lambda word: float(straight.x0[word]))
    words = [first]
    for word in _neighbours(span, page, straight, first, 1, _NUMBER_WORDS):
        words.append(word)
        yield list(words)


def _neighbours(
    span: EntitySpan, page: PagePrediction, straight: StraightWords, word: int, step: int, limit: int
) -> Iterator[int]:
    """The words beside a word on its line, one after the other, as far as they may belong to a span."""
    line = [int(i) for i in np.flatnonzero(straight.y == straight.y[word])]
    line.sort(key=lambda i: step * float(straight.x0[i]))
    for following in itertools.islice(line, line.index(word) + 1, line.index(word) + 1 + limit):
        near, far = (word, following) if step > 0 else (following, word)
        apart = straight.x0[far] - straight.x1[near] > GAP * straight.height[word]
        if apart or page.ner_tags[following] not in ("O", f"B-{span.type}", f"I-{span.type}"):
            return
        yield following
        word = following
