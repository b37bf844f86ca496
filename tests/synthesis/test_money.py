"""Taxes and totals in minor units."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoicegen.schema.invoice import AllowanceCharge, InvoiceLine
from invoicegen.synthesis.money import amounts_by_rate, split_tax, tax_breakdown, total_up


def line(amount: int, rate: str) -> InvoiceLine:
    return InvoiceLine(
        line_id="1",
        name="x",
        quantity=Decimal(1),
        unit_price=Decimal(amount) / 100,
        tax_rate=Decimal(rate),
        net_amount=amount,
    )


@pytest.mark.parametrize(
    ("amount", "rate", "inclusive", "expected"),
    [
        (39200, "19", False, (39200, 7448)),
        (50, "5", False, (50, 3)),  # 2.5 is rounded up
        (-50, "5", False, (-50, -3)),  # and away from zero
        (11900, "19", True, (10000, 1900)),
        (100, "7", True, (93, 7)),
        (100, "0", True, (100, 0)),
    ],
)
def test_split_tax(amount, rate, inclusive, expected):
    assert split_tax(amount, Decimal(rate), inclusive) == expected


@given(
    amounts=st.lists(
        st.tuples(st.integers(1, 10**7), st.sampled_from(["0", "5.5", "7", "19", "20"])), min_size=1
    ),
    inclusive=st.booleans(),
    charge=st.integers(0, 10**5),
    coin=st.sampled_from([1, 5, 10]),
    parts=st.sampled_from([{}, {"CGST": Fraction(1, 2), "SGST": Fraction(1, 2)}]),
)
def test_totals_follow_from_their_parts(amounts, inclusive, charge, coin, parts):
    lines = [line(*amount) for amount in amounts]
    items = [AllowanceCharge(is_charge=True, reason="x", amount=charge, tax_rate=lines[0].tax_rate)]
    by_rate = amounts_by_rate(lines, items)
    tax_lines = tax_breakdown(
        by_rate, inclusive=inclusive, name="VAT", parts=parts, zero_category="Z", codes={}
    )
    totals = total_up(lines, items, tax_lines, inclusive=inclusive, cash_rounding=coin)
    assert totals.gross == totals.net + totals.tax
    assert (totals.gross if inclusive else totals.net) == sum(item.net_amount for item in lines) + charge
    assert totals.due % coin == 0
    assert abs(totals.rounding) <= coin / 2
    for name in {item.name for item in tax_lines}:
        assert sum(item.base for item in tax_lines if item.name == name) == totals.net
