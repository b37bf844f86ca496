"""What every invoice states, where nothing was labelled so: its number, its seller and its total (EN 16931, BR-02,
BR-06 and BR-14).

A model that is unsure of every word of a name labels none of it; that some word is the name is sure all the same.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from invoicegen.extraction.captions import sum_of_caption
from invoicegen.extraction.entities import EntitySpan, span_of
from invoicegen.extraction.hints import DocumentHints
from invoicegen.extraction.layout import printed_lines
from invoicegen.extraction.names import has_legal_form
from invoicegen.extraction.values import normalise_value
from invoicegen.schema.prediction import PagePrediction

PART: Final = 0.1
"""Probability from which a word is part of what is looked for."""
LEAST: Final = {"INVOICE_NUMBER": 0.4, "SELLER_NAME": 0.1}
"""Mean probability of its words from which a text is taken; set, not fitted. A seller's name has a legal form too:
without one, as many texts that are taken are wrong as right."""
OTHER_SUM: Final = 0.5
"""Factor on the confidence of a sum that was labelled as another; set, not measured."""
_FREE: Final = {
    "INVOICE_NUMBER": ("O", "SELLER_TAX_ID", "BUYER_TAX_ID", "PURCHASE_ORDER_NUMBER"),
    "SELLER_NAME": ("O",),
}
_FIGURE: Final = re.compile(r"\d")
_INSTEAD: Final = ("SUBTOTAL_AMOUNT", "AMOUNT_PAID")


def add_stated(spans: Sequence[EntitySpan], pages: Sequence[PagePrediction]) -> list[EntitySpan]:
    """The entities, with the likeliest words for an invoice number and a seller's name where none is labelled.

    Args:
        spans: Entities of the document.
        pages: All its pages; nothing is added where their probabilities are not known.
    """
    result = list(spans)
    for name, least in LEAST.items():
        if any(span.type == name for span in result):
            continue
        found = [span for page in pages for span in _runs(name, page)]
        best = max(found, key=lambda span: span.confidence, default=None)
        if best is not None and best.confidence >= least:
            taken = set(best.words)
            result = [span for span in result if span.page != best.page or not taken & set(span.words)]
            result.append(best)
    return result


def _runs(name: str, page: PagePrediction) -> Iterator[EntitySpan]:
    """Words beside each other that may be of a type, with the mean of its probabilities as their confidence."""
    if page.ner_probabilities is None or not page.words:
        return
    ids = page.labels.ner_ids
    given = page.ner_probabilities[:, ids[f"B-{name}"]] + page.ner_probabilities[:, ids[f"I-{name}"]]
    free = [tag.removeprefix("B-").removeprefix("I-") in _FREE[name] for tag in page.ner_tags]
    may_be = (given >= PART) & np.array(free)
    for line in printed_lines(page.words)[1]:
        for may, words in itertools.groupby(line, key=may_be.__getitem__):
            run = list(words)
            span = replace(span_of(name, page, run), confidence=float(np.mean(given[run])))
            if may and (name != "SELLER_NAME" or has_legal_form(span.text)):
                yield span


def state_total(
    spans: Sequence[EntitySpan], pages: Sequence[PagePrediction], hints: DocumentHints
) -> list[EntitySpan]:
    """The entities, with the only sum that is printed as the total where none is labelled so, though a caption names
    a total and none a subtotal.

    Args:
        spans: Entities of the document.
        pages: All its pages.
        hints: How it writes amounts.
    """
    if any(span.type in ("TOTAL_AMOUNT", "AMOUNT_DUE") for span in spans):
        return list(spans)
    sums = [span for span in spans if span.type in _INSTEAD]
    if len({normalise_value(span.type, span.text, hints) for span in sums}) != 1:
        return list(spans)
    named = set()
    for page in pages:
        for segment in printed_lines(page.words)[1]:
            words = itertools.takewhile(
                lambda text: not _FIGURE.search(text), (page.words[i].text for i in segment)
            )
            named.add(sum_of_caption(" ".join(words)))
    if "TOTAL_AMOUNT" not in named or "SUBTOTAL_AMOUNT" in named:
        return list(spans)
    total = replace(sums[0], type="TOTAL_AMOUNT", confidence=OTHER_SUM * sums[0].confidence)
    return [total if span == sums[0] else span for span in spans]
