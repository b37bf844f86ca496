"""Extraction records as electronic invoices of EN 16931: UBL 2.1 or CII, or what they lack for one.

Nothing is made up: a term that the standard demands and the document does not print is named, and no file is written.
Three things are worked out from what is printed: the country of an address (from the VAT number, else from words of the
address), a missing one of quantity, price and amount, and the one tax rate of a document whose lines print none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from invoicegen.einvoice import (
    EInvoiceError,
    MissingTerm,
    RefusedError,
    Syntax,
    broken_rules,
    write_xml,
)
from invoicegen.extraction.checks import CENT, best, number
from invoicegen.extraction.lexicon import COUNTRY_WORDS, fold
from invoicegen.extraction.line_items import FieldValue
from invoicegen.extraction.values import EU_VAT, is_iban

Record = Mapping[str, Any]
Terms = dict[str, Any]

_CREDIT_TRANSFER: Final = "30"  # UNTDID 4461
_SEPA_TRANSFER: Final = "58"
_PIECE: Final = "C62"  # UN/ECE Recommendation 20: one
_PRICE_DIGITS: Final = Decimal("0.000001")


def write_record(record: Record, syntax: Syntax) -> bytes:
    """The electronic invoice of an extraction record, valid by XSD and by the rules of EN 16931 (Schematron).

    Args:
        record: What was extracted of one document; no error record.
        syntax: CII (profile EN 16931 of Factur-X) or UBL 2.1.

    Returns:
        The XML, in UTF-8.

    Raises:
        RefusedError: If the document lacks terms that the standard demands; it lists them.
        EInvoiceError: If the figures break rules of the standard, such as sums; it lists them.
        SchematronError: If the rules could not be checked.
    """
    terms, missing = record_terms(record)
    if missing:
        raise RefusedError(record["file"], missing)
    xml = write_xml(terms, syntax)
    broken = broken_rules(xml, syntax)
    if broken:
        raise EInvoiceError(f"{record['file']} is no electronic invoice: {'; '.join(broken)}")
    return xml


def record_terms(record: Record) -> tuple[Terms, list[MissingTerm]]:
    """An extraction record keyed by business terms, and those that EN 16931 demands and it lacks.

    Amounts are without sign: the type code of a credit note (381) says it.

    Source:
        EN 16931-1:2017, semantic data model and business rules (6.4).
    """
    return _Terms(record).made()


class _Terms:
    def __init__(self, record: Record) -> None:
        self.record = record
        self.fields: Mapping[str, Sequence[FieldValue]] = record["fields"]
        self.missing: dict[str, MissingTerm] = {}

    def made(self) -> tuple[Terms, list[MissingTerm]]:
        """The terms and the missing ones."""
        code = {"credit_note": "381"}.get(self.record["document_type"], self.value("DOCUMENT_TYPE") or "380")
        breakdown = self.breakdown()
        lines = self.lines([Decimal(row["BT-119"]) for row in breakdown])
        allowances, charges = (
            self.adjustments("DISCOUNT_AMOUNT", "92"),
            self.adjustments("CHARGE_AMOUNT", "99"),
        )
        due, note = self.value("DUE_DATE"), self.value("PAYMENT_TERMS")
        totals = self.totals(lines, allowances, charges, breakdown)
        if not (due or note) and Decimal(totals["BT-115"]) > 0:
            self.lack("BT-9 or BT-20", "Payment due date or terms", "BR-CO-25")
        terms = {
            "BT-1": self.needed("INVOICE_NUMBER", "BT-1", "Invoice number", "BR-02"),
            "BT-2": self.needed("INVOICE_DATE", "BT-2", "Invoice issue date", "BR-03"),
            "BT-3": "380" if code == "rcpt" else code,
            "BT-5": self.needed("CURRENCY", "BT-5", "Invoice currency code", "BR-05"),
            "BT-9": due,
            "BT-13": self.value("PURCHASE_ORDER_NUMBER"),
            "BT-20": note,
            "BG-3": [{"BT-25": field["value"]} for field in self.fields.get("PRECEDING_INVOICE_NUMBER", ())],
            "BG-4": self.party("SELLER"),
            "BG-7": self.party("BUYER"),
            "BG-16": self.payment(),
            "BG-20": allowances,
            "BG-21": charges,
            "BG-22": totals,
            "BG-23": breakdown,
            "BG-25": lines,
        }
        return {name: value for name, value in terms.items() if value not in (None, [])}, list(
            self.missing.values()
        )

    def lack(self, term: str, name: str, rule: str) -> None:
        self.missing.setdefault(term, MissingTerm(term, name, rule))

    def value(self, field: str) -> str | None:
        return next((found["value"] for found in self.fields.get(field, ()) if found["value"]), None)

    def needed(self, field: str, term: str, name: str, rule: str) -> str | None:
        value = self.value(field)
        if value is None:
            self.lack(term, name, rule)
        return value

    def party(self, side: str) -> Terms:
        seller = side == "SELLER"
        first = 27 if seller else 44
        name = self.needed(
            f"{side}_NAME", f"BT-{first}", f"{side.title()} name", "BR-06" if seller else "BR-07"
        )
        tax_id = re.sub(r"[^A-Z0-9]", "", self.value(f"{side}_TAX_ID") or "")
        address = self.value(f"{side}_ADDRESS")
        vat = tax_id if re.fullmatch(rf"{EU_VAT.pattern}|GB\d{{9}}(\d{{3}})?", tax_id) else ""
        country = {"EL": "GR", "XI": "GB"}.get(vat[:2], vat[:2]) or _country(address or "")
        if not country:
            rule = "BR-09" if seller else "BR-11"
            self.lack(f"BT-{40 if seller else 55}", f"{side.title()} country code", rule)
        if seller and not tax_id:
            self.lack("BT-31 or BT-32", "Seller VAT identifier or tax number", "BR-S-02")
        number_term = ("BT-31" if vat else "BT-32") if seller else ("BT-48" if vat else "BT-47")
        terms = {
            f"BT-{first}": name,
            number_term: tax_id,
            "BT-29": tax_id if seller and not vat else None,
            "BG-5" if seller else "BG-8": {
                name: value
                for name, value in (
                    ("BT-35" if seller else "BT-50", address),
                    ("BT-40" if seller else "BT-55", country),
                )
                if value
            },
        }
        return {name: value for name, value in terms.items() if value}

    def payment(self) -> Terms | None:
        account = self.value("BANK_ACCOUNT")
        if account is None:
            return None
        terms = {
            "BT-81": _SEPA_TRANSFER if is_iban(account) else _CREDIT_TRANSFER,
            "BT-82": self.value("PAYMENT_METHOD"),
            "BT-83": self.value("PAYMENT_REFERENCE"),
        }
        transfer = {"BT-84": account} | ({"BT-86": code} if (code := self.value("BANK_CODE")) else {})
        return {**{name: value for name, value in terms.items() if value}, "BG-17": [transfer]}

    def breakdown(self) -> list[Terms]:
        """The VAT breakdown: printed tax lines, else the one rate and tax of the document."""
        rows = []
        lines = [line for line in self.record["tax_lines"] if number(line.get("TAX_RATE")) is not None]
        if not lines:
            names = ("TAX_RATE", "TAX_BASE_AMOUNT", "TAX_AMOUNT")
            lines = [{name: self.fields[name][0] for name in names if self.fields.get(name)}]
        subtotal, total = best(self.fields, "SUBTOTAL_AMOUNT"), best(self.fields, "TOTAL_AMOUNT")
        for line in lines:
            rate, base, tax = (number(line.get(n)) for n in ("TAX_RATE", "TAX_BASE_AMOUNT", "TAX_AMOUNT"))
            if base is None and len(lines) == 1:
                base = subtotal if subtotal is not None or total is None or tax is None else total - tax
            if rate is None:
                self.lack("BT-119", "VAT category rate", "BR-48")
            elif rate == 0:
                self.lack("BT-118", "VAT category code: why there is no tax", "BR-47")
            if base is None:
                self.lack("BT-116", "VAT category taxable amount", "BR-45")
            if tax is None:
                self.lack("BT-117", "VAT category tax amount", "BR-46")
            if rate is not None and base is not None and tax is not None:
                rows.append(
                    {"BT-116": _money(base), "BT-117": _money(tax), "BT-118": "S", "BT-119": f"{rate:f}"}
                )
        return rows

    def lines(self, rates: Sequence[Decimal]) -> list[Terms]:
        """The line items; one without quantity and unit price is one piece at its amount."""
        items = self.record["line_items"]
        if not items:
            self.lack("BG-25", "Invoice line", "BR-16")
        amounts = [number(item.get("ITEM_AMOUNT")) for item in items]
        total, subtotal = best(self.fields, "TOTAL_AMOUNT"), best(self.fields, "SUBTOTAL_AMOUNT")
        if None not in amounts and total is not None and subtotal != total:
            summed = sum((abs(amount) for amount in amounts if amount is not None), Decimal(0))
            if summed == abs(total):
                self.lack("BT-131", "Invoice line net amount: line amounts include the tax", "BR-24")
        return [self.line(i, item, rates) for i, item in enumerate(items, 1)]

    def line(self, place: int, item: Mapping[str, FieldValue], rates: Sequence[Decimal]) -> Terms:
        quantity, price, amount = (
            None if (value := number(item.get(name))) is None else abs(value)
            for name in ("ITEM_QUANTITY", "ITEM_UNIT_PRICE", "ITEM_AMOUNT")
        )
        discount = item.get("ITEM_DISCOUNT")
        if amount is None and quantity is not None and price is not None and discount is None:
            amount = (quantity * price).quantize(CENT)
        if amount is None:
            self.lack("BT-131", "Invoice line net amount", "BR-24")
            amount = Decimal(0)
        off = _reduction(discount, quantity, price)
        if price is None:
            quantity = quantity or Decimal(1)
            price = ((amount + off) / quantity).quantize(_PRICE_DIGITS).normalize()
        elif quantity is None:
            quantity = ((amount + off) / price).quantize(_PRICE_DIGITS).normalize() if price else Decimal(1)
        description = item.get("ITEM_DESCRIPTION")
        if description is None or not description["value"]:
            self.lack("BT-153", "Item name", "BR-25")
        rate = number(item.get("ITEM_TAX_RATE"))
        if rate is None and len(rates) == 1:
            rate = rates[0]
        if rate is None:
            self.lack("BT-152", "Invoiced item VAT rate: the document has several", "BR-S-05")
        unit, code = item.get("ITEM_UNIT"), item.get("ITEM_CODE")
        named = {
            "BT-153": description["value"] if description else None,
            "BT-155": code["value"] if code else None,
        }
        return {
            "BT-126": str(place),
            "BT-129": f"{quantity:f}",
            "BT-130": (unit["value"] if unit else None) or _PIECE,
            "BT-131": _money(amount),
            "BG-27": [{"BT-136": _money(off), "BT-140": "95"}] if off else [],
            "BG-29": {"BT-146": f"{price:f}"},
            "BG-30": {"BT-151": "S", "BT-152": f"{rate or 0:f}"},
            "BG-31": {name: value for name, value in named.items() if value},
        }

    def adjustments(self, field: str, term: str) -> list[Terms]:
        """Document-level discounts (BT-92) or charges (BT-99), of the document's one rate."""
        found = [value for one in self.fields.get(field, ()) if (value := number(one)) is not None]
        rates = {abs(rate) for one in self.fields.get("TAX_RATE", ()) if (rate := number(one)) is not None}
        if found and len(rates) != 1:
            first = int(term)
            self.lack(f"BT-{first + 4}", "VAT rate of a document level discount or charge", "BR-S-06")
        first = int(term)
        rate = next(iter(rates), Decimal(0))
        reason = "Discount" if field == "DISCOUNT_AMOUNT" else "Charge"
        return [
            {
                f"BT-{first}": _money(value),
                f"BT-{first + 3}": "S",
                f"BT-{first + 4}": f"{rate:f}",
                f"BT-{first + 5}": reason,
            }
            for value in found
        ]

    def totals(
        self,
        lines: Sequence[Terms],
        allowances: Sequence[Terms],
        charges: Sequence[Terms],
        taxes: Sequence[Terms],
    ) -> Terms:
        total = best(self.fields, "TOTAL_AMOUNT")
        if total is None:
            self.lack("BT-112", "Invoice total amount with VAT", "BR-14")
        gross = abs(total or Decimal(0))
        paid = sum(
            (abs(v) for f in self.fields.get("AMOUNT_PAID", ()) if (v := number(f)) is not None), Decimal(0)
        )
        summed = sum((Decimal(line["BT-131"]) for line in lines), Decimal(0))
        off = sum((Decimal(row["BT-92"]) for row in allowances), Decimal(0))
        more = sum((Decimal(row["BT-99"]) for row in charges), Decimal(0))
        amounts = {
            "BT-106": summed,
            "BT-107": off or None,
            "BT-108": more or None,
            "BT-109": summed - off + more,
            "BT-110": sum((Decimal(row["BT-117"]) for row in taxes), Decimal(0)),
            "BT-112": gross,
            "BT-113": paid or None,
            "BT-115": gross - paid,
        }
        return {name: f"{amount:.2f}" for name, amount in amounts.items() if amount is not None}


def _money(value: Decimal) -> str:
    return f"{abs(value):.2f}"


def _reduction(discount: FieldValue | None, quantity: Decimal | None, price: Decimal | None) -> Decimal:
    """What a line's discount takes off."""
    if discount is None or discount["value"] is None:
        return Decimal(0)
    off = abs(Decimal(discount["value"].rstrip("%")))
    if discount["value"].endswith("%"):
        return (
            Decimal(0) if quantity is None or price is None else (quantity * price * off / 100).quantize(CENT)
        )
    return off


def _country(address: str) -> str:
    """ISO code of the country that the words of an address name; empty where they name none or several."""
    found = {COUNTRY_WORDS[word] for word in re.findall(r"[^\W\d_]+", fold(address)) if word in COUNTRY_WORDS}
    return found.pop() if len(found) == 1 else ""
