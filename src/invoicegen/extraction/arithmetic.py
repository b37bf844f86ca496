"""Which printed figures are subtotal, tax and total: what the model says, weighed with what adds up.

A model labels each word by itself; the sums of a document tie its figures together. All ways to choose a subtotal, a
tax and a total among the printed figures are weighed: a choice is as probable as the model makes it, times
:data:`WEIGHT` for every sum that it makes true. Sums that hold by chance are rare, so a figure that the model thought
little of wins where it is the one that adds up.
"""

from __future__ import annotations

import itertools
import math
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

import numpy as np

from invoicegen.extraction.checks import Fields, Item, document_adjustment, number, numbers
from invoicegen.extraction.entities import EntitySpan, span_of
from invoicegen.extraction.hints import DocumentHints
from invoicegen.extraction.values import normalise_value
from invoicegen.schema.prediction import PagePrediction
from invoicegen.schema.taxonomy import VALUE_KINDS

SUM_TYPES: Final = ("SUBTOTAL_AMOUNT", "TAX_AMOUNT", "TOTAL_AMOUNT")
WEIGHT: Final = 20.0
"""How much more probable a choice is for each sum that it makes true."""
FLOOR: Final = 0.01
"""Probability from which a figure that was labelled otherwise is a candidate."""
CANDIDATES: Final = 6
"""Figures of each type that are weighed: the most probable ones."""
NO_TOTAL: Final = 0.02
"""Largest probability that a document prints no total; subtotal and tax may well be absent."""
SLACK: Final = 2
"""Cents that a sum may be off, since its parts are rounded."""

_FIGURE: Final = re.compile(r"\D*\d[\d.,' ]*[.,]\s?\d{2}\D*")


@dataclass(frozen=True, slots=True)
class Figure:
    """A printed amount.

    Attributes:
        span: Where it stands; its type is what the model labelled it.
        cents: Its size, hundredths of the currency.
        probabilities: Of each type of :data:`SUM_TYPES` for it, 0 to 1.
    """

    span: EntitySpan
    cents: int
    probabilities: Mapping[str, float]


Weighed = dict[str, list[tuple[Figure | None, float]]]
"""Each type's candidates with the probability that they are it, the most probable first; None is for no figure."""


@dataclass(frozen=True, slots=True)
class Amounts:
    """What else a document says in figures.

    Attributes:
        adjustment: Document-level charges less discounts, cents.
        items: All line amounts together, cents; None where one cannot be read or there are none.
        tax_lines: Taxes of the printed tax lines, cents.
        paid: What was paid or tendered, cents.
        printed: All amounts of the totals, cents.
        rates: Tax rates, per cent.
    """

    adjustment: int = 0
    items: int | None = None
    tax_lines: tuple[int, ...] = ()
    paid: tuple[int, ...] = ()
    printed: frozenset[int] = frozenset()
    rates: tuple[Decimal, ...] = ()


def find_figures(
    pages: Sequence[PagePrediction], spans: Sequence[EntitySpan], hints: DocumentHints
) -> list[Figure]:
    """The amounts that are labelled as one of the header or totals, and words with cents that are labelled nothing."""
    by_page = {page.page: page for page in pages}
    candidates = [(span, by_page[span.page]) for span in spans if VALUE_KINDS.get(span.type) == "money"]
    for page in pages:
        if page.ner_probabilities is not None:
            candidates += [
                (span_of("O", page, [word]), page)
                for word, tag in enumerate(page.ner_tags)
                if tag == "O" and _FIGURE.fullmatch(page.words[word].text)
            ]
    figures = []
    for span, page in candidates:
        value = normalise_value("TOTAL_AMOUNT", span.text, hints)
        if value is not None:
            figures.append(Figure(span, _cents(Decimal(value)), _probabilities(span, page)))
    return figures


def _probabilities(span: EntitySpan, page: PagePrediction) -> dict[str, float]:
    """What the model gives each type of sum; for the type that it chose, the confidence of its words."""
    chosen = {span.type: span.confidence} if span.type in SUM_TYPES else {}
    if page.ner_probabilities is None:
        return chosen
    words, ids = page.ner_probabilities[list(span.words)], page.labels.ner_ids
    return {
        name: float(np.mean(words[:, ids[f"B-{name}"]] + words[:, ids[f"I-{name}"]])) for name in SUM_TYPES
    } | chosen


def _cents(value: Decimal) -> int:
    return round(abs(value) * 100)


def amounts_of(
    fields: Fields, line_items: Sequence[Item], tax_lines: Sequence[Item], figures: Sequence[Figure]
) -> Amounts:
    """The other figures of a document, from what was extracted of it."""
    items = [number(item.get("ITEM_AMOUNT")) for item in line_items]
    read = [amount for amount in items if amount is not None]
    taxes = [number(line.get("TAX_AMOUNT")) for line in tax_lines]
    return Amounts(
        adjustment=round(document_adjustment(fields) * 100),
        items=_cents(sum(read, Decimal(0))) if read and len(read) == len(items) else None,
        tax_lines=tuple(_cents(tax) for tax in taxes if tax is not None),
        paid=tuple(map(_cents, numbers(fields, "AMOUNT_PAID"))),
        printed=frozenset(figure.cents for figure in figures if figure.cents),
        rates=tuple(dict.fromkeys(numbers(fields, "TAX_RATE"))),
    )


def weigh(figures: Sequence[Figure], amounts: Amounts) -> Weighed:
    """How probable each figure is as subtotal, tax and total; a figure is one of them at most.

    Args:
        figures: Candidates.
        amounts: What they must agree with.
    """
    options: list[list[tuple[Figure | None, float]]] = []
    for name in SUM_TYPES:
        ranked = sorted(figures, key=lambda figure: -figure.probabilities.get(name, 0.0))[:CANDIDATES]
        probable: list[tuple[Figure | None, float]] = [
            (figure, p) for figure in ranked if (p := figure.probabilities.get(name, 0.0)) >= FLOOR
        ]
        none = max(1 - max((p for _, p in probable), default=0.0), 0.001)
        options.append([*probable, (None, min(none, NO_TOTAL) if name == "TOTAL_AMOUNT" else none)])
    mass: list[dict[int, float]] = [defaultdict(float) for _ in SUM_TYPES]
    for places in itertools.product(*map(range, map(len, options))):
        chosen = [option[place] for option, place in zip(options, places, strict=True)]
        present = [id(figure) for figure, _ in chosen if figure is not None]
        if len(set(present)) < len(present):
            continue
        subtotal, tax, total = (None if figure is None else figure.cents for figure, _ in chosen)
        weight = math.prod(p for _, p in chosen) * WEIGHT ** count_sums(subtotal, tax, total, amounts)
        for by_place, place in zip(mass, places, strict=True):
            by_place[place] += weight
    return {
        name: sorted(
            ((option[place][0], weight / sum(by_place.values())) for place, weight in by_place.items()),
            key=lambda pair: -pair[1],
        )
        for name, option, by_place in zip(SUM_TYPES, options, mass, strict=True)
    }


def count_sums(subtotal: int | None, tax: int | None, total: int | None, amounts: Amounts) -> int:
    """How many sums of a document hold with this subtotal, tax and total, in cents; zeros make none true.

    Subtotal and tax make the total; a rate makes the tax; the line items make the subtotal, or the total with or
    without tax; what was paid and the total differ by a printed amount, the change.
    """
    changes = {0, amounts.adjustment}
    count = 0
    if subtotal and tax and total:
        taxes = {tax, sum(amounts.tax_lines)} if tax in amounts.tax_lines else {tax}
        count += any(_close(subtotal + t + change, total) for t in taxes for change in changes)
    if tax:
        inside = [rate / (100 + rate) * total for rate in amounts.rates] if total else []
        on_top = (
            [(subtotal + change) * rate / 100 for rate in amounts.rates for change in changes]
            if subtotal
            else []
        )
        count += any(_close(product, tax) for product in [*inside, *on_top])
    if amounts.items:
        targets = [subtotal, total, total - tax if total and tax else None]
        count += any(
            _close(amounts.items + change, target) for target in targets if target for change in changes
        )
    if total:
        count += any(paid > total and paid - total in amounts.printed for paid in amounts.paid)
    return count


def _close(first: Decimal | int, second: int) -> bool:
    return abs(Decimal(first) - second) <= SLACK


def settled(spans: Sequence[EntitySpan], figures: Sequence[Figure], weighed: Weighed) -> list[EntitySpan]:
    """The entities with subtotal, tax and total as they were weighed.

    A type's most probable figure becomes its most confident entity, and is no longer another type's. Where an equal
    one was that already, nothing changes; nor where no figure is more probable than any.
    """
    cents = {figure.span: figure.cents for figure in figures}
    result = list(spans)
    for name, ranked in weighed.items():
        figure, probability = ranked[0]
        readable = [span for span in result if span.type == name and span in cents]
        first = max(readable, key=lambda span: span.confidence, default=None)
        if figure is None or (first is not None and cents[first] == figure.cents):
            continue
        result = [
            replace(span, confidence=min(span.confidence, probability)) if span.type == name else span
            for span in result
            if span != figure.span
        ]
        chosen = replace(figure.span, type=name, confidence=probability)
        cents[chosen] = figure.cents
        result.insert(0, chosen)
    return result
