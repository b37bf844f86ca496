"""Arithmetic, checksums, currency and order of dates: which values of a document bear each other out.

Every rule gives a record for every document. A rule that lacks what it needs says so (``not_applicable`` and a
reason); none is passed over in silence.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Final, Literal, TypedDict

from invoicegen.extraction.line_items import FieldValue
from invoicegen.extraction.values import is_iban, tax_id_rule

Fields = Mapping[str, Sequence[FieldValue]]
Item = Mapping[str, FieldValue]

CENT: Final = Decimal("0.01")
ROUNDING: Final = CENT
"""What a product or a sum may be off for each number in it that was rounded to minor units."""


CheckStatus = Literal["ok", "failed", "not_applicable"]


class Check(TypedDict):
    """One rule applied to a document, or to one part of it.

    Attributes:
        rule: What should hold.
        subject: What it is about: a field, a line item, a tax line.
        status: ``ok``, ``failed``, or ``not_applicable`` where it could not run.
        expected: What the other values ask for; None where the rule could not run.
        got: What is there; None where the rule could not run.
        reason: Why it could not run; None where it ran.
    """

    rule: str
    subject: str
    status: CheckStatus
    expected: str | None
    got: str | None
    reason: str | None


def verdict(rule: str, subject: str, holds: bool, expected: str, got: str) -> Check:
    """A rule that ran."""
    status: CheckStatus = "ok" if holds else "failed"
    return {
        "rule": rule, "subject": subject, "status": status, "expected": expected, "got": got, "reason": None
    }  # fmt: skip


def not_applicable(rule: str, subject: str, reason: str) -> Check:
    """A rule that could not run."""
    return {
        "rule": rule, "subject": subject, "status": "not_applicable", "expected": None, "got": None,
        "reason": reason,
    }  # fmt: skip


def _check(rule: str, subject: str, expected: Decimal, got: Decimal, tolerance: Decimal = ROUNDING) -> Check:
    holds = abs(abs(expected) - abs(got)) <= tolerance
    return verdict(rule, subject, holds, format(expected, "f"), format(got, "f"))


def number(field: FieldValue | None) -> Decimal | None:
    """The decimal value of a field; None without one or where it is a rate that stands for an amount."""
    if field is None or field["value"] is None or field["value"].endswith("%"):
        return None
    return Decimal(field["value"])


def best(fields: Fields, name: str) -> Decimal | None:
    """The most confident number of a field that could be read."""
    return next((value for field in fields.get(name, ()) if (value := number(field)) is not None), None)


def numbers(fields: Fields, name: str) -> list[Decimal]:
    """All numbers of a field that could be read."""
    return [value for field in fields.get(name, ()) if (value := number(field)) is not None]


def _missing(**given: Decimal | None) -> str:
    """Which of the fields have no number."""
    return "no readable " + " or ".join(name.upper() for name, value in given.items() if value is None)


def _money(value: Decimal) -> Decimal:
    return value.quantize(CENT, rounding=ROUND_HALF_UP)


def document_adjustment(fields: Fields) -> Decimal:
    """Document-level charges less document-level discounts."""
    discounts = sum(map(abs, numbers(fields, "DISCOUNT_AMOUNT")), Decimal(0))
    return sum(numbers(fields, "CHARGE_AMOUNT"), Decimal(0)) - discounts


def _tax_of_lines(tax_lines: Sequence[Item]) -> Decimal:
    """The tax of all tax lines together."""
    read = (number(line.get("TAX_AMOUNT")) for line in tax_lines)
    return sum((value for value in read if value is not None), Decimal(0))


def _first_ok(tries: Sequence[Check]) -> Check:
    """The first reading of the figures that holds, else the plainest."""
    return next((check for check in tries if check["status"] == "ok"), tries[0])


def _cash_rounding(total: Decimal) -> Decimal:
    """Half the coin that a total may have been rounded to: 1 or 0.05 of the currency, if the total is that even."""
    return next((coin / 2 for coin in (Decimal(1), Decimal("0.05")) if total % coin == 0), Decimal(0))


def check_total(fields: Fields, tax_lines: Sequence[Item]) -> Check:
    """Subtotal and tax make the total.

    The subtotal may stand before document-level discounts and charges, and may have the tax in it already. A total that
    is a multiple of a coin may have been rounded to it.
    """
    rule, subject = "subtotal + tax = total", "TOTAL_AMOUNT"
    subtotal, total = best(fields, "SUBTOTAL_AMOUNT"), best(fields, "TOTAL_AMOUNT")
    taxes = numbers(fields, "TAX_AMOUNT")
    if subtotal is None or total is None or not taxes:
        reason = _missing(
            subtotal_amount=subtotal, tax_amount=taxes[0] if taxes else None, total_amount=total
        )
        return not_applicable(rule, subject, reason)
    by_line = [value for line in tax_lines if (value := number(line.get("TAX_AMOUNT"))) is not None]
    sums = (taxes[0], sum(by_line, Decimal(0)), sum(taxes, Decimal(0)), Decimal(0))
    tolerance = max(ROUNDING * (1 + max(len(by_line), 1)), _cash_rounding(total))
    more = (Decimal(0), document_adjustment(fields))
    return _first_ok(
        [_check(rule, subject, subtotal + tax + m, total, tolerance) for tax in sums for m in more]
    )


def check_tax_lines(fields: Fields, tax_lines: Sequence[Item]) -> list[Check]:
    """Base times rate makes the tax, for every printed tax line; for the document where no line could be made out.

    Where one line prints no base, the subtotal stands for it, or what the total leaves without the tax.
    """
    rule = "base × rate = tax"
    lines = [(f"tax_lines[{i}]", line) for i, line in enumerate(tax_lines)]
    if not lines:
        names = ("TAX_RATE", "TAX_BASE_AMOUNT", "TAX_AMOUNT")
        lines = [("document", {name: fields[name][0] for name in names if fields.get(name)})]
    checks = []
    for subject, line in lines:
        rate, base, tax = (number(line.get(name)) for name in ("TAX_RATE", "TAX_BASE_AMOUNT", "TAX_AMOUNT"))
        bases = [] if base is None else [base]
        if base is None and tax is not None and len(lines) == 1:
            subtotal, total = best(fields, "SUBTOTAL_AMOUNT"), best(fields, "TOTAL_AMOUNT")
            bases = [] if subtotal is None else [subtotal, subtotal + document_adjustment(fields)]
            bases += [] if total is None else [total - tax]
        if rate is None or tax is None or not bases:
            reason = _missing(tax_rate=rate, tax_base_amount=bases[0] if bases else None, tax_amount=tax)
            checks.append(not_applicable(rule, subject, reason))
            continue
        checks.append(
            _first_ok([_check(rule, subject, _money(b * rate / 100), tax, 2 * ROUNDING) for b in bases])
        )
    return checks


def check_tax_bases(fields: Fields, tax_lines: Sequence[Item]) -> Check:
    """The bases of the tax lines make the subtotal, or the total less the tax.

    Two taxes on the same goods print the same base twice.
    """
    rule, subject = "sum of tax bases = subtotal", "SUBTOTAL_AMOUNT"
    bases = [value for line in tax_lines if (value := number(line.get("TAX_BASE_AMOUNT"))) is not None]
    taxes = numbers(fields, "TAX_AMOUNT")
    subtotal, total = best(fields, "SUBTOTAL_AMOUNT"), best(fields, "TOTAL_AMOUNT")
    if subtotal is None or not bases:
        reason = _missing(tax_base_amount=bases[0] if bases else None, subtotal_amount=subtotal)
        return not_applicable(rule, subject, reason)
    targets = [subtotal, subtotal + document_adjustment(fields)]
    if total is not None and taxes:
        targets += [total - taxes[0], total - sum(taxes, Decimal(0)), total - _tax_of_lines(tax_lines)]
    sums = (sum(bases, Decimal(0)), sum(set(bases), Decimal(0)))
    tolerance = ROUNDING * len(bases)
    return _first_ok([_check(rule, subject, got, target, tolerance) for target in targets for got in sums])


def check_items(items: Sequence[Item]) -> list[Check]:
    """Quantity times unit price, less the discount, makes the amount of each line item."""
    rule = "quantity × unit price - discount = amount"
    if not items:
        return [not_applicable(rule, "line_items", "no line items")]
    checks = []
    for i, item in enumerate(items):
        quantity, price, amount = (
            number(item.get(n)) for n in ("ITEM_QUANTITY", "ITEM_UNIT_PRICE", "ITEM_AMOUNT")
        )
        subject = f"line_items[{i}]"
        if quantity is None or price is None or amount is None:
            reason = _missing(item_quantity=quantity, item_unit_price=price, item_amount=amount)
            checks.append(not_applicable(rule, subject, reason))
            continue
        product = quantity * price
        reductions = [Decimal(0)]
        discount = item.get("ITEM_DISCOUNT")
        if discount is not None and (printed := discount["value"]) is not None:
            # A rate may be printed without its sign, which stands in the column's caption.
            off = abs(Decimal(printed.rstrip("%")))
            reductions = (
                [product * off / 100]
                if printed.endswith("%")
                else [off.copy_sign(product), product * off / 100]
            )
        # A unit price is rounded too: half a unit of its last digit weighs as many times as the quantity says.
        unit = Decimal(1).scaleb(min(int(price.as_tuple().exponent), 0))
        tolerance = ROUNDING + abs(quantity) * unit / 2
        checks.append(
            _first_ok([_check(rule, subject, _money(product - r), amount, tolerance) for r in reductions])
        )
    return checks


def check_item_sum(fields: Fields, items: Sequence[Item], tax_lines: Sequence[Item]) -> Check:
    """The line amounts make the subtotal, or the total with or without tax; discounts and charges apart."""
    rule, subject = "sum of line amounts = subtotal", "line_items"
    amounts = [number(item.get("ITEM_AMOUNT")) for item in items]
    read = [amount for amount in amounts if amount is not None]
    if not items:
        return not_applicable(rule, subject, "no line items")
    if len(read) < len(items):
        return not_applicable(
            rule,
            subject,
            f"{len(items) - len(read)} of {len(items)} line items without a readable ITEM_AMOUNT",
        )
    subtotal, total = best(fields, "SUBTOTAL_AMOUNT"), best(fields, "TOTAL_AMOUNT")
    targets = [target for target in (subtotal, total) if target is not None]
    if not targets:
        return not_applicable(rule, subject, "no readable SUBTOTAL_AMOUNT or TOTAL_AMOUNT")
    taxes = numbers(fields, "TAX_AMOUNT")
    if total is not None and taxes:
        targets += [total - taxes[0], total - sum(taxes, Decimal(0)), total - _tax_of_lines(tax_lines)]
    summed = sum(read, Decimal(0))
    sums = (summed, summed + document_adjustment(fields))
    return _first_ok([_check(rule, subject, target, got) for got in sums for target in targets])


def check_due(fields: Fields) -> Check:
    """What was paid and what is due make the total."""
    rule, subject = "total - paid = due", "AMOUNT_DUE"
    total, due, paid = (
        best(fields, "TOTAL_AMOUNT"),
        best(fields, "AMOUNT_DUE"),
        numbers(fields, "AMOUNT_PAID"),
    )
    if total is None or due is None or not paid:
        reason = _missing(total_amount=total, amount_paid=paid[0] if paid else None, amount_due=due)
        return not_applicable(rule, subject, reason)
    return _check(rule, subject, total - sum(map(abs, paid), Decimal(0)), due)


def check_dates(fields: Fields) -> list[Check]:
    """A document is not due before it is issued, and not issued years away from its delivery."""
    issued = _date(fields, "INVOICE_DATE")
    checks: list[Check] = []
    due = _date(fields, "DUE_DATE")
    rule = "invoice date <= due date"
    if issued is None or due is None:
        absent = " or ".join(n for n, d in (("INVOICE_DATE", issued), ("DUE_DATE", due)) if d is None)
        checks.append(not_applicable(rule, "DUE_DATE", f"no readable {absent}"))
    else:
        checks.append(verdict(rule, "DUE_DATE", issued <= due, f">= {issued}", due.isoformat()))
    delivered = _date(fields, "DELIVERY_DATE")
    rule = "delivery within a year of invoice date"
    if issued is None or delivered is None:
        absent = " or ".join(
            n for n, d in (("INVOICE_DATE", issued), ("DELIVERY_DATE", delivered)) if d is None
        )
        checks.append(not_applicable(rule, "DELIVERY_DATE", f"no readable {absent}"))
    else:
        near = abs((delivered - issued).days) <= 366
        expected = f"{issued} +- 366 days"
        checks.append(verdict(rule, "DELIVERY_DATE", near, expected, delivered.isoformat()))
    return checks


def _date(fields: Fields, name: str) -> dt.date | None:
    printed = next((field["value"] for field in fields.get(name, ()) if field["value"]), None)
    return dt.date.fromisoformat(printed[:10]) if printed else None


def check_ids(fields: Fields) -> list[Check]:
    """Checksums of IBANs and of VAT numbers whose country shows."""
    checks: list[Check] = []
    for i, account in enumerate(fields.get("BANK_ACCOUNT", ())):
        value = account["value"] or ""
        subject = f"BANK_ACCOUNT[{i}]"
        if not re.match(r"[A-Z]{2}\d{2}[A-Z0-9]{10}", value):
            checks.append(
                not_applicable(
                    "IBAN checksum", subject, f"{account['text']!r} is not an IBAN but a local number"
                )
            )
        else:
            checks.append(verdict("IBAN checksum", subject, is_iban(value), "valid IBAN", value))
    if not fields.get("BANK_ACCOUNT"):
        checks.append(not_applicable("IBAN checksum", "BANK_ACCOUNT", "no BANK_ACCOUNT"))
    for name in ("SELLER_TAX_ID", "BUYER_TAX_ID"):
        for i, tax_id in enumerate(fields.get(name, ())):
            value = re.sub(r"[^A-Z0-9]", "", tax_id["value"] or "")
            rule = tax_id_rule(value)
            if rule is None:
                reason = f"{tax_id['text']!r} shows no country whose checksum is known"
                checks.append(not_applicable("VAT id checksum", f"{name}[{i}]", reason))
            else:
                expected = f"valid {rule[0]} number"
                checks.append(verdict("VAT id checksum", f"{name}[{i}]", rule[1](value), expected, value))
        if not fields.get(name):
            checks.append(not_applicable("VAT id checksum", name, f"no {name}"))
    return checks


def check_currency(fields: Fields, signs: Sequence[str]) -> Check:
    """Signs and codes printed in amounts are of the currency that the document states, and it states one.

    Args:
        fields: Header fields.
        signs: ISO 4217 codes of the signs that stand in amounts, as often as they do.
    """
    rule, subject = "one currency", "CURRENCY"
    stated = [field["value"] for field in fields.get("CURRENCY", ()) if field["value"]]
    if not stated:
        return not_applicable(rule, subject, "no readable CURRENCY")
    found = list(dict.fromkeys([*stated, *signs]))
    return verdict(rule, subject, found == stated[:1], stated[0], ", ".join(found))


def run_checks(
    fields: Fields, line_items: Sequence[Item], tax_lines: Sequence[Item], signs: Sequence[str] = ()
) -> list[Check]:
    """All rules over a document.

    Args:
        fields: Header fields, most confident first.
        line_items: Rows of the line-item table.
        tax_lines: ``TAX_RATE``, ``TAX_BASE_AMOUNT`` and ``TAX_AMOUNT`` that stand on one printed row.
        signs: ISO 4217 codes of the currency signs that stand in amounts.
    """
    return [
        check_total(fields, tax_lines),
        *check_tax_lines(fields, tax_lines),
        check_tax_bases(fields, tax_lines),
        *check_items(line_items),
        check_item_sum(fields, line_items, tax_lines),
        check_due(fields),
        *check_dates(fields),
        *check_ids(fields),
        check_currency(fields, signs),
    ]
