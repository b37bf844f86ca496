"""Sums that their captions name and that add up: net, tax and gross, each with a caption of its own, and what is due;
and the number of the buyer's order.

A model that met few documents which state every sum (EN 16931, BG-22) may take one for another; their captions are the
standard's terms, and net and tax make the gross.
"""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final

from invoicegen.extraction.arithmetic import FOOT, SLACK
from invoicegen.extraction.entities import EntitySpan, span_of, whole_figure
from invoicegen.extraction.hints import DocumentHints
from invoicegen.extraction.layout import printed_lines
from invoicegen.extraction.lexicon import SUM_CAPTIONS, SumType, currency_of, fold
from invoicegen.extraction.values import normalise_value
from invoicegen.schema.prediction import PagePrediction

_FIGURE: Final = re.compile(r"\D*\d[\d.,']*[.,]\d{2}\D*")
_TERM: Final = re.compile(r"\(?b[tg] ?-? ?\d+\)?")
_NUMBER: Final = re.compile(r"(?=.*\d)[\w/.-]{4,}")
ORDER: Final = 0.5
"""Confidence of an order's number that its caption alone tells; set, not measured."""
ORDER_CAPTION: Final = 4
"""Words before a number that may be its caption, at most."""
_ORDER: Final = re.compile(
    r"\b(?:bestell(?:ungs?)?[ -]?(?:nr|nummer)|purchase order|p\.?o\.? ?(?:no|number|nr|#)|commande n|bon de commande|"
    r"inkooporder|inkoopordernummer|bestelnummer|pedido|ordine d'acquisto|numero ordine|zamowienia?|objednavk[ay])"
    r"(?:[\s.:#°º]|\b(?:no?|nr|number|numero|kunde|customer|client|ref|reference|referenz)\b)*$"
)
"""What ends in a caption of a buyer's order, folded; a date's goes on behind it."""
_NAMES: Final[tuple[SumType, ...]] = ("SUBTOTAL_AMOUNT", "TAX_AMOUNT", "TOTAL_AMOUNT")


def sum_of_caption(text: str) -> SumType | None:
    """The sum that a caption names, None where it names none; terms of EN 16931 and currencies in it are left out."""
    words = re.sub(r"[^\w\s]", " ", _TERM.sub(" ", fold(text))).split()
    while words and (words[-1] == "in" or currency_of(words[-1])):
        words.pop()
    return SUM_CAPTIONS.get(" ".join(words))


def find_captioned_sums(page: PagePrediction) -> dict[SumType, list[EntitySpan]]:
    """The figures with cents of a page by what the caption on their left says they are, top to bottom.

    A caption stands by itself in its column, or in that of its figure; the confidence is that of the words' labels.
    """
    straight, segments = printed_lines(page.words)
    found: dict[SumType, list[EntitySpan]] = defaultdict(list)
    for n, segment in enumerate(segments):
        for place, word in enumerate(segment):
            if not _FIGURE.fullmatch(page.words[word].text):
                continue
            figure = whole_figure(page, straight, word, set(segment).__contains__)
            level = [other for other in segments[:n] if straight.y[other[0]] == straight.y[word]]
            beside = [i for i in segment[:place] if i not in figure]
            texts = (" ".join(page.words[i].text for i in part) for part in (beside, *reversed(level)))
            caption = next((text for text in texts if text and not currency_of(text)), "")
            name = sum_of_caption(caption)
            if name is not None:
                found[name].append(span_of(name, page, figure))
    return found


def state_sums(
    spans: Sequence[EntitySpan], pages: Sequence[PagePrediction], hints: DocumentHints
) -> list[EntitySpan]:
    """The entities, subtotal, tax and total as captions name them where all three are named on a page and the first two
    make the third; an amount due that is named there is that. They have the probability
    :data:`~invoicegen.extraction.arithmetic.FOOT`, and others of their types what is left.
    """
    stated: list[EntitySpan] = []
    for page in pages:
        found = find_captioned_sums(page)
        if proven := _proven(found, hints):
            stated = [*proven, *found["AMOUNT_DUE"][-1:]]
    types = {span.type for span in stated}
    taken = {(span.page, word) for span in stated for word in span.words}
    result = []
    for span in stated:
        known = (one.confidence for one in spans if (one.type, one.words) == (span.type, span.words))
        result.append(replace(span, confidence=max([FOOT, *known])))
    for span in spans:
        if not any((span.page, word) in taken for word in span.words):
            share = 1 - FOOT if span.type in types else 1.0
            result.append(replace(span, confidence=span.confidence * share))
    return result


def settle_due(spans: Sequence[EntitySpan], pages: Sequence[PagePrediction]) -> list[EntitySpan]:
    """The entities, what was labelled as paid as due where its caption says so."""
    due = {
        (span.page, span.words) for page in pages for span in find_captioned_sums(page).get("AMOUNT_DUE", [])
    }
    return [
        replace(span, type="AMOUNT_DUE")
        if span.type == "AMOUNT_PAID" and (span.page, span.words) in due
        else span
        for span in spans
    ]


def add_order_number(spans: Sequence[EntitySpan], pages: Sequence[PagePrediction]) -> list[EntitySpan]:
    """The entities, with the number that a caption calls the buyer's order's where none is labelled so."""
    if any(span.type == "PURCHASE_ORDER_NUMBER" for span in spans):
        return list(spans)
    found = [span for page in pages for span in _order_numbers(page)]
    if len({span.text for span in found}) != 1:
        return list(spans)
    order = found[0]
    return [*(s for s in spans if s.page != order.page or not set(s.words) & set(order.words)), order]


def _order_numbers(page: PagePrediction) -> Iterator[EntitySpan]:
    """Numbers right behind a caption of an order's, labelled nothing or another document's."""
    straight, segments = printed_lines(page.words)
    for n, segment in enumerate(segments):
        for place, word in enumerate(segment):
            tag, text = page.ner_tags[word].removeprefix("B-"), page.words[word].text
            if tag not in ("O", "PRECEDING_INVOICE_NUMBER") or not _NUMBER.fullmatch(text):
                continue
            before = segment[:place]
            if not before and n and straight.y[segments[n - 1][0]] == straight.y[word]:
                before = segments[n - 1]
            caption = fold(" ".join(page.words[i].text for i in before[-ORDER_CAPTION:]))
            if _ORDER.search(caption):
                span = span_of("PURCHASE_ORDER_NUMBER", page, [word])
                yield replace(span, confidence=ORDER)


def _proven(found: Mapping[SumType, Sequence[EntitySpan]], hints: DocumentHints) -> list[EntitySpan]:
    """Net, tax and gross that add up, the last such; empty where none do."""
    known = {
        name: [(span, cents) for span in found.get(name, []) if (cents := _cents(span, hints)) is not None]
        for name in _NAMES
    }
    gross_of = {total: span for span, total in known["TOTAL_AMOUNT"] if total}
    proven: list[EntitySpan] = []
    for (net_span, net), (tax_span, tax) in itertools.product(known["SUBTOTAL_AMOUNT"], known["TAX_AMOUNT"]):
        for total in range(net + tax - SLACK, net + tax + SLACK + 1):
            if net and total in gross_of:
                proven = [net_span, tax_span, gross_of[total]]
    return proven


def _cents(span: EntitySpan, hints: DocumentHints) -> int | None:
    value = normalise_value("TOTAL_AMOUNT", span.text, hints)
    return None if value is None else round(abs(Decimal(value)) * 100)
