"""Taxes, allowances and totals in whole minor units: every total follows from its parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from invoicegen.schema.invoice import AllowanceCharge, InvoiceLine, TaxLine, Totals, round_half_up


def amounts_by_rate(
    lines: Sequence[InvoiceLine], allowances_charges: Sequence[AllowanceCharge]
) -> dict[Decimal, int]:
    """Minor units to be taxed at each rate, the highest first; tax is in them where prices include it."""
    amounts: dict[Decimal, int] = {}
    for line in lines:
        amounts[line.tax_rate] = amounts.get(line.tax_rate, 0) + line.net_amount
    for item in allowances_charges:
        signed = item.amount if item.is_charge else -item.amount
        amounts[item.tax_rate] = amounts.get(item.tax_rate, 0) + signed
    return dict(sorted(amounts.items(), reverse=True))


def split_tax(amount: int, rate: Decimal, inclusive: bool) -> tuple[int, int]:
    """Base and tax of an amount in minor units.

    Args:
        amount: What the rows at this rate come to.
        rate: Percent.
        inclusive: Whether the tax is in the amount.

    Source:
        EN 16931-1, BR-CO-17: tax = base x rate / 100, rounded to minor units.
    """
    if not inclusive:
        return amount, round_half_up(Decimal(amount) * rate / 100)
    base = round_half_up(Decimal(amount) * 100 / (100 + rate))
    return base, amount - base


def tax_breakdown(
    amounts: Mapping[Decimal, int],
    *,
    inclusive: bool,
    name: str,
    parts: Mapping[str, Fraction],
    zero_category: Literal["Z", "E", "AE", "O"],
    codes: Mapping[Decimal, str],
) -> list[TaxLine]:
    """Tax lines, the highest rate first.

    A rate made of several taxes gives one line each over the same base, so that the bases of each tax sum to the net
    total.

    Args:
        amounts: Minor units by rate, see :func:`amounts_by_rate`.
        inclusive: Whether the tax is in the amounts.
        name: Printed name of the tax.
        parts: Names of the taxes that share the rate, with their shares; empty for one tax.
        zero_category: UNCL5305 code of the rate 0.
        codes: Code letter of each rate, where rows have them.
    """
    lines = []
    for rate, amount in amounts.items():
        base, tax = split_tax(amount, rate, inclusive)
        category = "S" if rate else zero_category
        shares = parts or {name: Fraction(1)}
        left = tax
        for place, (part, share) in enumerate(shares.items()):
            part_rate = (rate * share.numerator / share.denominator).normalize()
            # The last part takes what rounding leaves when the whole is fixed by prices that include the tax.
            whole = round_half_up(Decimal(base) * part_rate / 100)
            part_tax = left if inclusive and place == len(shares) - 1 else tax if len(shares) == 1 else whole
            left -= part_tax
            lines.append(
                TaxLine(
                    rate=plain(part_rate),
                    category=category,
                    name=part,
                    code=codes.get(rate),
                    base=base,
                    amount=part_tax,
                )
            )
    return lines


def total_up(
    lines: Sequence[InvoiceLine],
    allowances_charges: Sequence[AllowanceCharge],
    tax_lines: Sequence[TaxLine],
    *,
    inclusive: bool,
    cash_rounding: int = 1,
    paid: int = 0,
) -> Totals:
    """The document totals (EN 16931 BG-22).

    Args:
        lines: Rows.
        allowances_charges: Document-level allowances and charges.
        tax_lines: The breakdown.
        inclusive: Whether the rows' amounts have tax in them.
        cash_rounding: Minor units that the amount due is rounded to.
        paid: Minor units that were paid before.
    """
    line_sum = sum(line.net_amount for line in lines)
    allowances = sum(item.amount for item in allowances_charges if not item.is_charge)
    charges = sum(item.amount for item in allowances_charges if item.is_charge)
    tax = sum(line.amount for line in tax_lines)
    sum_before = line_sum - allowances + charges
    net, gross = (sum_before - tax, sum_before) if inclusive else (sum_before, sum_before + tax)
    rounded = round_half_up(Decimal(gross) / cash_rounding) * cash_rounding
    return Totals(
        line_sum=line_sum,
        allowances=allowances,
        charges=charges,
        net=net,
        tax=tax,
        gross=gross,
        rounding=rounded - gross,
        paid=paid,
        due=rounded - paid,
    )


def plain(rate: Decimal) -> Decimal:
    """A rate without exponent: ``2E+1`` is 20."""
    return rate.quantize(Decimal(1)) if rate == rate.to_integral_value() else rate.normalize()
