"""Which printed figures are subtotal, tax and total: what the model says, weighed with what adds up.

A model labels each word by itself; the sums of a document tie its figures together. All ways to choose a subtotal, a
tax and a total among the printed figures are weighed: a choice is as probable as the model makes it, times
:data:`WEIGHT` for every sum that it makes true. Sums that hold by chance are rare, so a figure that the model thought
little of wins where it is the one that adds up.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from invoicegen.extraction.checks import Fields, Item, document_adjustment, number, numbers
from invoicegen.extraction.entities import EntitySpan, span_of, whole_figure
from invoicegen.extraction.hints import DocumentHints
from invoicegen.extraction.layout import straighten
from invoicegen.extraction.values import normalise_value
from invoicegen.extraction.weighing import Figure, Weighed, probabilities, values_of, weigh
from invoicegen.schema.prediction import PagePrediction
from invoicegen.schema.taxonomy import VALUE_KINDS

SUM_TYPES: Final = ("SUBTOTAL_AMOUNT", "TAX_AMOUNT", "TOTAL_AMOUNT")
WEIGHT: Final = 20.0
"""How much more probable a choice is for each sum that it makes true."""
APART: Final = 10.0
"""How much less probable a choice is for each page that its figures stand on beyond one: of 96 generated documents of
several pages 8 have their sums on two."""
EARLY: Final = 10.0
"""How much less probable a total is where another may stand on a later page; set, not fitted: on generated documents of
several pages 1, 3 and 10 give the same."""
PLAUSIBLE: Final = 0.1
"""Probability from which a figure may be another total."""
SLACK: Final = 2
"""Cents that a sum may be off, since its parts are rounded."""
FOOT: Final = 0.99
"""Probability that what stands at the foot of columns of net, tax and gross, and is what the columns add up to, is the
document's; set, not fitted."""
FOOT_LINES: Final = 4.0
"""Line heights between the centres of two lines of such a table, at most."""
ALIGNED: Final = 1.5
"""Line heights between the right edges of amounts of one column, at most."""

_FIGURE: Final = re.compile(r"\D*\d[\d.,' ]*[.,]\s?\d{2}\D*")


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
            candidates += [(span_of("O", page, words), page) for words in _unlabelled(page)]
    figures = []
    for span, page in candidates:
        value = normalise_value("TOTAL_AMOUNT", span.text, hints)
        if value is not None:
            figures.append(Figure(span, _cents(Decimal(value)), probabilities(span, page, SUM_TYPES)))
    return settle_feet(figures)


def settle_feet(figures: Sequence[Figure]) -> list[Figure]:
    """The figures, those at the foot of a table of totals with the probability :data:`FOOT` of what they are, and
    others with what is left.

    Such a table has a row a tax rate, with net, tax and gross in columns, and below a row of what the columns add up
    to. In every row net and tax make the gross; that all this holds by chance is next to impossible. Two equal rows may
    be of two taxes on one base, so a foot has two rows above it at least.
    """
    feet: dict[int, str] = {}
    for page in {figure.span.page for figure in figures}:
        lines = _lines_of([figure for figure in figures if figure.span.page == page and figure.value])
        for n, line in enumerate(lines):
            for foot in _triples(line):
                rows = list(_rows_above(foot, lines[:n]))
                sums = [sum(row[column].value for row in rows) for column in range(3)]
                if len(rows) > 1 and all(
                    _close(total, figure.value) for total, figure in zip(sums, foot, strict=True)
                ):
                    feet |= {id(figure): name for figure, name in zip(foot, SUM_TYPES, strict=True)}
    if not feet:
        return list(figures)
    given = (
        {feet[id(figure)]: FOOT}
        if id(figure) in feet
        else {name: p * (1 - FOOT) for name, p in figure.probabilities.items()}
        for figure in figures
    )
    return [replace(figure, probabilities=p) for figure, p in zip(figures, given, strict=True)]


Triple = tuple[Figure, Figure, Figure]


def _lines_of(figures: Sequence[Figure]) -> list[list[Figure]]:
    """Figures by line, top to bottom and left to right."""
    lines: list[list[Figure]] = []
    for figure in sorted(figures, key=_level):
        if lines and _level(figure) - _level(lines[-1][0]) < 0.5 * _height(figure):
            lines[-1].append(figure)
        else:
            lines.append([figure])
    return [sorted(line, key=lambda figure: figure.span.box[0]) for line in lines]


def _triples(line: Sequence[Figure]) -> Iterator[Triple]:
    """Net, tax and gross, left to right, where the first two make the third."""
    for net, tax, gross in itertools.combinations(line, 3):
        if net.value > tax.value and _close(net.value + tax.value, gross.value):
            yield net, tax, gross


def _rows_above(foot: Triple, lines: Sequence[Sequence[Figure]]) -> Iterator[Triple]:
    """The rows of the same columns right above, from the bottom up."""
    below = foot
    for line in reversed(lines):
        if _level(below[0]) - _level(line[0]) > FOOT_LINES * _height(below[0]):
            return
        row = next((row for row in _triples(line) if all(map(_in_one_column, row, foot))), None)
        if row is None:
            return
        yield row
        below = row


def _level(figure: Figure) -> float:
    return (figure.span.box[1] + figure.span.box[3]) / 2


def _height(figure: Figure) -> float:
    return figure.span.box[3] - figure.span.box[1]


def _in_one_column(first: Figure, second: Figure) -> bool:
    return abs(first.span.box[2] - second.span.box[2]) < ALIGNED * _height(first)


def _unlabelled(page: PagePrediction) -> Iterator[list[int]]:
    """Words with cents that are labelled nothing; and the same with the thousands that stand apart before them."""

    def is_free(word: int) -> bool:
        return page.ner_tags[word] == "O" or page.ner_tags[word][2:] in SUM_TYPES

    straight = straighten(page.words)
    for word, tag in enumerate(page.ner_tags):
        if tag == "O" and _FIGURE.fullmatch(page.words[word].text):
            yield [word]
            whole = whole_figure(page, straight, word, is_free)
            if len(whole) > 1:
                yield whole


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
        printed=frozenset(figure.value for figure in figures if figure.value),
        rates=tuple(dict.fromkeys(numbers(fields, "TAX_RATE"))),
    )


def weigh_sums(figures: Sequence[Figure], amounts: Amounts) -> Weighed:
    """How probable each figure is as subtotal, tax and total.

    Args:
        figures: Candidates.
        amounts: What they must agree with.
    """

    def evidence(chosen: Sequence[Figure | None]) -> float:
        subtotal, tax, total = values_of(chosen)
        breaks, early = page_breaches(chosen, figures)
        return float(WEIGHT ** count_sums(subtotal, tax, total, amounts) / APART**breaks / EARLY**early)

    return weigh(figures, SUM_TYPES, evidence, required="TOTAL_AMOUNT")


def page_breaches(chosen: Sequence[Figure | None], figures: Sequence[Figure]) -> tuple[int, int]:
    """How subtotal, tax and total stand on the pages of a document.

    Args:
        chosen: Subtotal, tax and total.
        figures: All that are weighed.

    Returns:
        Pages that they stand on beyond one; and 1 if what may be another total stands on a later page than the total
        (what earlier pages say in its place are amounts of rows, and sums that are carried over), else 0.
    """
    pages = {figure.span.page for figure in chosen if figure is not None}
    total = chosen[-1]
    early = total is not None and any(
        figure.span.page > total.span.page and figure.probabilities.get("TOTAL_AMOUNT", 0.0) >= PLAUSIBLE
        for figure in figures
    )
    return max(len(pages) - 1, 0), int(early)


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
        change = [paid - total for paid in amounts.paid if paid > total and paid - total != tax]
        count += any(given in amounts.printed for given in change)
    return count


def _close(first: Decimal | int, second: int) -> bool:
    return abs(Decimal(first) - second) <= SLACK
