"""Dates of issue, payment and delivery are those in the best order, as far as the model allows."""

from dataclasses import replace

import numpy as np
import pytest

from invoicegen.extraction import assemble
from invoicegen.extraction.chronology import count_breaches
from invoicegen.schema.taxonomy import NER_IDS


@pytest.fixture
def values_of(make_page):
    """Values by date field of a page of dates: ``(text, label, confidence, {type: probability} of other labels)``."""

    def values(*dates, **options):
        rows = [
            (text, 60, 100 + 30 * i, label, confidence)
            for i, (text, label, confidence, _) in enumerate(dates)
        ]
        probabilities = np.zeros((len(rows), len(NER_IDS)), dtype=np.float32)
        for row, (_, label, confidence, others) in zip(probabilities, dates, strict=True):
            row[NER_IDS[label]] = confidence
            for name, probability in others.items():
                row[NER_IDS[f"B-{name}"]] = probability
        page = replace(make_page(rows), ner_probabilities=probabilities)
        return {
            name: [one["value"] for one in found]
            for name, found in assemble([page], **options)["fields"].items()
        }

    return values


ISSUED = ("20.05.2026", "B-INVOICE_DATE", 0.95, {})


def test_nothing_is_due_before_it_is_issued(values_of):
    early, late = ("03.05.2026", "B-DUE_DATE", 0.7, {}), ("19.06.2026", "B-DUE_DATE", 0.4, {})
    assert values_of(ISSUED, early, late, weigh_choices=False)["DUE_DATE"] == ["2026-05-03", "2026-06-19"]
    assert values_of(ISSUED, early, late)["DUE_DATE"] == ["2026-06-19", "2026-05-03"]
    assert "DUE_DATE" not in values_of(ISSUED, early)
    sure = ("03.05.2026", "B-DUE_DATE", 0.95, {})
    assert values_of(ISSUED, sure)["DUE_DATE"] == ["2026-05-03"]  # its check fails


def test_an_early_due_date_is_that_of_delivery_if_the_model_thinks_so(values_of):
    found = values_of(ISSUED, ("03.05.2026", "B-DUE_DATE", 0.4, {"DELIVERY_DATE": 0.55}))
    assert found == {"INVOICE_DATE": ["2026-05-20"], "DELIVERY_DATE": ["2026-05-03"]}


def test_a_document_has_a_date_though_the_model_was_not_sure(values_of):
    assert values_of(("20.05.2026", "O", 0.8, {"INVOICE_DATE": 0.2})) == {"INVOICE_DATE": ["2026-05-20"]}
    assert values_of(("20.05.2026", "O", 0.999, {"INVOICE_DATE": 0.001})) == {}


def test_dates_in_order_stay_however_unsure_the_model_is(values_of):
    dates = ISSUED, ("19.06.2026", "B-DUE_DATE", 0.3, {}), ("01.05.2026", "B-DELIVERY_DATE", 0.3, {})
    assert values_of(*dates) == values_of(*dates, weigh_choices=False)


@pytest.mark.parametrize(
    ("issued", "due", "delivered", "breaches"),
    [
        (100, 100, 100, 0),
        (100, 99, None, 1),
        (1000, None, 634, 0),
        (1000, None, 633, 1),
        (1000, 999, 1367, 2),
        (None, 5, 5000, 0),
    ],
)
def test_breaches_are_counted(issued, due, delivered, breaches):
    assert count_breaches(issued, due, delivered) == breaches
