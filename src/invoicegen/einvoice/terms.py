"""The record of a document keyed by the business terms (BT) and groups (BG) of EN 16931-1:2017."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Any, Final

from invoicegen.schema.invoice import (
    Address,
    AllowanceCharge,
    Invoice,
    InvoiceLine,
    Party,
    TaxLine,
    round_half_up,
    type_code_of,
)

Terms = dict[str, Any]
"""Business terms as JSON: amounts, quantities and rates are decimal strings, dates are ISO 8601."""

_PACKAGES: Final = {"PK": "XPK", "BX": "XBX", "CS": "XCS", "BG": "XBG", "PF": "XPF", "GB": "E34", "NT": "DAY"}
"""UN/ECE Recommendation 20 codes of units that the record names by their short (Recommendation 21) codes."""
_PRICE_DIGITS: Final = Decimal("0.000001")
_EXEMPTION_CODES: Final = {"AE": "VATEX-EU-AE", "O": "VATEX-EU-O"}
_DISCOUNT: Final = "95"  # UNTDID 5189
_EAN_SCHEME: Final = "0160"  # ISO/IEC 6523 code of GTIN


@dataclass(frozen=True, slots=True)
class MissingTerm:
    """A term that EN 16931 demands and a document lacks.

    Attributes:
        term: Its number, such as ``BT-44``.
        name: Its name in the standard.
        rule: The business rule that demands it.
    """

    term: str
    name: str
    rule: str


def business_terms(invoice: Invoice) -> Terms:
    """What a document says, keyed by EN 16931 business terms.

    Amounts are net of tax and of the sign that EN 16931 wants: prices that include tax are taken apart (the parts
    of one rate sum to its taxable amount to the minor unit, and a unit price has up to six decimals), and a credit
    note that prints amounts below zero has them above. Taxes that share a rate (state and county, CGST and SGST)
    make one row of the breakdown. What was paid at a till is BT-113. A balance carried over from bills before and
    where to send cheques have no term and are left out.

    Args:
        invoice: The record; its totals must add up.

    Returns:
        Terms by number, those of a group under the group's number. A term that the document lacks is absent.

    Source:
        EN 16931-1:2017, semantic data model; VAT category codes of UNCL5305.
    """
    return _Writer(invoice).terms()


class _Writer:
    def __init__(self, invoice: Invoice) -> None:
        self.invoice = invoice
        negative = invoice.document_type == "credit_note" and invoice.totals.gross < 0
        self.sign = -1 if negative else 1
        rates = {line.tax_rate for line in invoice.lines}
        rates |= {item.tax_rate for item in invoice.allowances_charges}
        self.breakdown = _breakdown(invoice, sorted(rates, reverse=True), self.sign)
        self.net = self._net_amounts()

    def terms(self) -> Terms:
        invoice, extras = self.invoice, self.invoice.extras
        second = invoice.second_currency
        preceding = invoice.preceding_invoice_number
        return _filled(
            {
                "BT-1": invoice.number,
                "BT-2": invoice.issue_date.isoformat(),
                "BT-3": type_code_of(invoice.kind),
                "BT-5": invoice.currency,
                "BT-6": second.currency if second else None,
                "BT-9": invoice.due_date.isoformat() if invoice.due_date else None,
                "BT-10": extras.get("your_reference"),
                "BT-11": extras.get("project_number"),
                "BT-12": extras.get("contract_number"),
                "BT-13": invoice.purchase_order_number,
                "BT-16": extras.get("delivery_note_number"),
                "BT-20": invoice.payment.terms,
                "BG-1": [{"BT-22": note} for note in invoice.notes],
                "BG-3": [{"BT-25": preceding}] if preceding else [],
                "BG-4": self._seller(),
                "BG-7": self._buyer(),
                "BG-13": self._delivery(),
                "BG-16": self._payment(),
                "BG-20": [self._allowance(item) for item in invoice.allowances_charges if not item.is_charge],
                "BG-21": [self._charge(item) for item in invoice.allowances_charges if item.is_charge],
                "BG-22": self._totals(),
                "BG-23": [self._tax(rate, base, tax) for rate, (base, tax) in self.breakdown.items()],
                "BG-25": [self._line(line) for line in invoice.lines],
            }
        )

    def _money(self, minor: int) -> str:
        return _money(minor, self.invoice.currency_digits)

    def _category(self, rate: Decimal) -> str:
        return "S" if rate else self.invoice.zero_category

    def _rate(self, rate: Decimal) -> str | None:
        # BR-O-05: what is outside the scope of VAT has no rate, not even 0.
        return None if self._category(rate) == "O" else f"{rate:f}"

    def _net_amounts(self) -> dict[int, int]:
        """Amounts without tax of all lines and document allowances and charges, by ``id``."""
        invoice = self.invoice
        amounts: list[tuple[Decimal, int, int]] = [
            (line.tax_rate, id(line), self.sign * line.net_amount) for line in invoice.lines
        ]
        for item in invoice.allowances_charges:
            amounts.append(
                (item.tax_rate, id(item), self.sign * (item.amount if item.is_charge else -item.amount))
            )
        if not invoice.prices_include_tax:
            return {key: amount for _, key, amount in amounts}
        net: dict[int, int] = {}
        for rate, (base, _) in self.breakdown.items():
            rows = [(key, amount) for own, key, amount in amounts if own == rate]
            parts = _apportion([amount for _, amount in rows], rate, base)
            net.update(zip((key for key, _ in rows), parts, strict=True))
        return net

    def _seller(self) -> Terms:
        party = self.invoice.seller
        vat, tax = self._tax_identifiers(party)
        return _filled(
            {
                "BT-27": party.name,
                "BT-28": party.trading_name,
                # BR-CO-26 wants one of these: a tax number that is no VAT identifier tells sellers apart, too.
                "BT-29": tax if not (vat or party.registration_id) else None,
                "BT-30": party.registration_id,
                "BT-31": vat,
                "BT-32": tax,
                "BG-5": _address(party.address, ("BT-35", "BT-36", "BT-162"), 37),
                "BG-6": _contact(party, 41),
            }
        )

    def _buyer(self) -> Terms | None:
        party = self.invoice.buyer
        if party is None:
            return None
        vat, tax = self._tax_identifiers(party)
        return _filled(
            {
                "BT-44": party.name,
                "BT-45": party.trading_name,
                "BT-46": self.invoice.extras.get("customer_number"),
                "BT-47": party.registration_id or tax,
                "BT-48": vat,
                "BG-8": _address(party.address, ("BT-50", "BT-51", "BT-163"), 52),
                "BG-9": _contact(party, 56),
            }
        )

    def _tax_identifiers(self, party: Party) -> tuple[str | None, str | None]:
        """VAT identifier with its country prefix (BT-31, BT-48), and another tax number (BT-32)."""
        vat = _vat_identifier(party.tax_id, party.address.country_code) if party.tax_id else None
        other = party.tax_number if vat else party.tax_id or party.tax_number
        # BR-O-02: no VAT identifiers where VAT is out of the question.
        outside = any(self._category(rate) == "O" for rate in self.breakdown)
        return (None, other or party.tax_id) if outside else (vat, other)

    def _delivery(self) -> Terms | None:
        invoice, place = self.invoice, self.invoice.ship_to
        start, end = invoice.delivery_date, invoice.delivery_end
        return _filled(
            {
                "BT-70": place.name if place else None,
                "BT-72": start.isoformat() if start and not end else None,
                "BG-14": {"BT-73": start.isoformat(), "BT-74": end.isoformat()} if start and end else None,
                "BG-15": _address(place.address, ("BT-75", "BT-76", "BT-165"), 77) if place else None,
            }
        )

    def _payment(self) -> Terms | None:
        payment = self.invoice.payment
        account = payment.iban or payment.account_number
        if not payment.means_code:
            return None
        return _filled(
            {
                "BT-81": payment.means_code,
                "BT-82": payment.method,
                "BT-83": payment.reference,
                "BG-17": [_filled({"BT-84": account, "BT-86": payment.bic})] if account else [],
            }
        )

    def _allowance(self, item: AllowanceCharge) -> Terms:
        return _filled(
            {
                "BT-92": self._money(-self.net[id(item)]),
                "BT-94": f"{item.percent:f}" if item.percent is not None else None,
                "BT-95": self._category(item.tax_rate),
                "BT-96": self._rate(item.tax_rate),
                "BT-97": item.reason,
            }
        )

    def _charge(self, item: AllowanceCharge) -> Terms:
        return _filled(
            {
                "BT-99": self._money(self.net[id(item)]),
                "BT-101": f"{item.percent:f}" if item.percent is not None else None,
                "BT-102": self._category(item.tax_rate),
                "BT-103": self._rate(item.tax_rate),
                "BT-104": item.reason,
            }
        )

    def _totals(self) -> Terms:
        invoice, totals, sign = self.invoice, self.invoice.totals, self.sign
        lines = sum(self.net[id(line)] for line in invoice.lines)
        charges = [self.net[id(item)] for item in invoice.allowances_charges if item.is_charge]
        allowances = [-self.net[id(item)] for item in invoice.allowances_charges if not item.is_charge]
        payable = sign * (totals.gross + totals.rounding)
        paid = payable if invoice.tenders else sign * totals.paid
        second = invoice.second_currency
        return _filled(
            {
                "BT-106": self._money(lines),
                "BT-107": self._money(sum(allowances)) if allowances else None,
                "BT-108": self._money(sum(charges)) if charges else None,
                "BT-109": self._money(sign * totals.net),
                "BT-110": self._money(sign * totals.tax),
                "BT-111": _money(sign * second.tax, second.currency_digits) if second else None,
                "BT-112": self._money(sign * totals.gross),
                "BT-113": self._money(paid) if paid else None,
                "BT-114": self._money(sign * totals.rounding) if totals.rounding else None,
                "BT-115": self._money(payable - paid),
            }
        )

    def _tax(self, rate: Decimal, base: int, tax: int) -> Terms:
        category = self._category(rate)
        excused = category in ("E", "AE", "O")
        return _filled(
            {
                "BT-116": self._money(base),
                "BT-117": self._money(tax),
                "BT-118": category,
                "BT-119": self._rate(rate),
                "BT-120": self.invoice.exemption_reason if excused else None,
                "BT-121": _EXEMPTION_CODES.get(category),
            }
        )

    def _line(self, line: InvoiceLine) -> Terms:
        quantity, price = line.quantity, line.unit_price
        if self.sign < 0:
            quantity, price = abs(quantity), abs(price)
        discount = self.sign * line.discount
        net = self.net[id(line)]
        scale = Decimal(10) ** self.invoice.currency_digits
        if self.invoice.prices_include_tax and line.tax_rate:
            discount = round_half_up(Decimal(discount) * 100 / (100 + line.tax_rate))
            price = ((net + discount) / quantity / scale).quantize(_PRICE_DIGITS)
        ean = line.item_code is not None and _is_ean(line.item_code)
        standard = line.item_code if ean else line.standard_id
        day = line.service_date.isoformat() if line.service_date else None
        percent = f"{line.discount_percent:f}" if line.discount_percent is not None else None
        return _filled(
            {
                "BT-126": line.line_id,
                "BT-129": _decimal(quantity),
                "BT-130": _PACKAGES.get(line.unit_code, line.unit_code),
                "BT-131": self._money(net),
                "BG-26": {"BT-134": day, "BT-135": day} if day else None,
                "BG-27": [
                    _filled(
                        {
                            "BT-136": self._money(discount),
                            "BT-137": self._money(net + discount),
                            "BT-138": percent,
                            "BT-140": _DISCOUNT,
                        }
                    )
                ]
                if discount
                else [],
                "BG-29": {"BT-146": _decimal(price)},
                "BG-30": _filled(
                    {"BT-151": self._category(line.tax_rate), "BT-152": self._rate(line.tax_rate)}
                ),
                "BG-31": _filled(
                    {
                        "BT-153": line.name,
                        "BT-154": line.description,
                        "BT-155": None if ean else line.item_code,
                        "BT-157": standard,
                        "BT-157-1": _EAN_SCHEME if standard else None,
                        "BT-158": line.commodity_code,
                        "BT-158-1": "HS" if line.commodity_code else None,
                        "BT-159": line.origin_country,
                    }
                ),
            }
        )


def missing_terms(invoice: Invoice, terms: Terms) -> list[MissingTerm]:
    """What EN 16931 demands of an electronic invoice and this document does not say; empty if nothing.

    Args:
        invoice: The record.
        terms: Its :func:`business_terms`.

    Source:
        EN 16931-1:2017, 6.4: business rules.
    """
    seller, buyer = terms["BG-4"], terms.get("BG-7")
    categories = {row["BT-118"] for row in terms["BG-23"]}
    identified = "BT-31" in seller or "BT-32" in seller
    payable = Decimal(terms["BG-22"]["BT-115"])
    known = any(term in seller for term in ("BT-29", "BT-30", "BT-31"))
    needed = [
        (buyer is not None, "BT-44", "Buyer name", "BR-07"),
        (buyer is not None, "BG-8", "Buyer postal address", "BR-10"),
        (known, "BT-29, BT-30 or BT-31", "Seller identifier, registration or VAT identifier", "BR-CO-26"),
        (
            payable <= 0 or "BT-9" in terms or "BT-20" in terms,
            "BT-9 or BT-20",
            "Payment due date or terms",
            "BR-CO-25",
        ),
        (
            invoice.value_added_tax or "S" not in categories,
            "BG-23",
            "VAT breakdown: its tax is no VAT",
            "BR-CO-18",
        ),
    ]
    for category in sorted(categories & {"S", "Z", "E", "AE"}):
        needed.append(
            (identified, "BT-31 or BT-32", "Seller VAT identifier or tax number", f"BR-{category}-02")
        )
    if "AE" in categories:
        known = buyer is not None and ("BT-47" in buyer or "BT-48" in buyer)
        needed.append((known, "BT-47 or BT-48", "Buyer VAT identifier or legal registration", "BR-AE-02"))
    for row in terms["BG-23"]:
        if row["BT-118"] == "E":
            needed.append(("BT-120" in row, "BT-120", "VAT exemption reason", "BR-E-10"))
    absent = [MissingTerm(term, name, rule) for has, term, name, rule in needed if not has]
    return list({item.term: item for item in absent}.values())


def _breakdown(invoice: Invoice, rates: Sequence[Decimal], sign: int) -> dict[Decimal, tuple[int, int]]:
    """Taxable amount and tax in minor units, by rate; the record's rows of one rate are put together."""
    if not invoice.tax_lines:
        return {rate: (_taxable(invoice, rate) * sign, 0) for rate in rates}
    parts = len({row.name for row in invoice.tax_lines})
    groups: list[Sequence[TaxLine]] = [
        invoice.tax_lines[start : start + parts] for start in range(0, len(invoice.tax_lines), parts)
    ]
    return {
        rate: (sign * group[0].base, sign * sum(row.amount for row in group))
        for rate, group in zip(rates, groups, strict=True)
    }


def _taxable(invoice: Invoice, rate: Decimal) -> int:
    lines = sum(line.net_amount for line in invoice.lines if line.tax_rate == rate)
    own = [item for item in invoice.allowances_charges if item.tax_rate == rate]
    return lines + sum(item.amount if item.is_charge else -item.amount for item in own)


def _apportion(amounts: Sequence[int], rate: Decimal, total: int) -> list[int]:
    """Amounts with their tax taken out, in whole minor units that sum to ``total``: largest remainders first."""
    exact = [Fraction(amount) * 100 / (100 + Fraction(rate)) for amount in amounts]
    whole = [floor(value) for value in exact]
    by_remainder = sorted(range(len(exact)), key=lambda place: whole[place] - exact[place])
    for place in by_remainder[: total - sum(whole)]:
        whole[place] += 1
    return whole


def _vat_identifier(printed: str, country: str) -> str | None:
    """The identifier with its country's prefix; None where the country has no VAT numbers of this form."""
    from stdnum import get_cc_module

    module = get_cc_module(country.lower(), "vat")
    compact = re.sub(r"[^0-9A-Z]", "", printed.upper())
    if module is None or not module.is_valid(compact):
        return None
    return compact if compact.startswith(country) else country + compact


def _is_ean(code: str) -> bool:
    from stdnum import ean

    return bool(ean.is_valid(code))


def _address(address: Address, streets: tuple[str, str, str], city: int) -> Terms:
    """An address group: up to three lines before the town, then BT numbers from ``city`` on."""
    place = {address.city.casefold(), address.post_code.casefold()} - {""}
    lines = [line for line in address.lines if not any(part in line.casefold() for part in place)]
    named = dict(zip(streets, lines or address.lines[:1], strict=False))
    rest = (address.city, address.post_code, address.subdivision, address.country_code)
    return _filled(named | {f"BT-{city + offset}": value for offset, value in enumerate(rest)})


def _contact(party: Party, first: int) -> Terms:
    values = (party.contact_person, party.phone, party.email)
    return _filled({f"BT-{first + offset}": value for offset, value in enumerate(values)})


def _money(minor: int, digits: int) -> str:
    return f"{Decimal(minor).scaleb(-digits):f}"


def _decimal(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _filled(terms: dict[str, Any]) -> Terms:
    return {name: value for name, value in terms.items() if value not in (None, "", [], {})}
