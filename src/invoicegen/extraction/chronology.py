"""Which printed dates are those of issue, payment and delivery: what the model says, weighed with their order."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final

from invoicegen.extraction.entities import EntitySpan, span_of
from invoicegen.extraction.hints import DocumentHints
from invoicegen.extraction.values import normalise_value
from invoicegen.extraction.weighing import Figure, Weighed, probabilities, values_of, weigh
from invoicegen.schema.prediction import PagePrediction

DATE_TYPES: Final = ("INVOICE_DATE", "DUE_DATE", "DELIVERY_DATE")
WEIGHT: Final = 20.0
"""How much less probable a choice is for each rule that it breaks."""
FAR: Final = 366
"""Days between issue and delivery that are too many."""


def find_dates(
    pages: Sequence[PagePrediction], spans: Sequence[EntitySpan], hints: DocumentHints
) -> list[Figure]:
    """The dates that are labelled as one of the types, and words that are dates and labelled nothing."""
    by_page = {page.page: page for page in pages}
    candidates = [(span, by_page[span.page]) for span in spans if span.type in DATE_TYPES]
    for page in pages:
        if page.ner_probabilities is not None:
            candidates += [
                (span_of("O", page, [word]), page)
                for word, tag in enumerate(page.ner_tags)
                if tag == "O" and sum(char.isdigit() for char in page.words[word].text) >= 4
            ]
    dates = []
    for span, page in candidates:
        value = normalise_value("DELIVERY_DATE", span.text, hints)
        if value is not None:
            last_day = dt.date.fromisoformat(value[-10:])  # of a period
            dates.append(Figure(span, last_day.toordinal(), probabilities(span, page, DATE_TYPES)))
    return dates


def weigh_dates(dates: Sequence[Figure]) -> Weighed:
    """How probable each date is as that of issue, payment and delivery."""

    def evidence(chosen: Sequence[Figure | None]) -> float:
        issued, due, delivered = values_of(chosen)
        return float(WEIGHT ** -count_breaches(issued, due, delivered))

    return weigh(dates, DATE_TYPES, evidence, required="INVOICE_DATE")


def count_breaches(issued: int | None, due: int | None, delivered: int | None) -> int:
    """How many rules days break: nothing is due before it is issued, nor delivered a year from it."""
    if issued is None:
        return 0
    early = due is not None and due < issued
    far = delivered is not None and abs(delivered - issued) > FAR
    return int(early) + int(far)
