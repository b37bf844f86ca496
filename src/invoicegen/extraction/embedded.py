"""Electronic invoices inside PDFs: Factur-X and ZUGFeRD (UN/CEFACT CII) read as fields, and compared with the page.

The XML is what the issuer's system says, so its values go first. What the page says stays beside it, and a check tells
where both differ: whoever reads the page sees other things than whoever reads the XML.

Source:
    Factur-X 1.0 (ZUGFeRD 2) and ZUGFeRD 1.0, whose elements have other names in places.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Final
from xml.etree import ElementTree

from invoicegen.extraction.checks import Check, not_applicable, verdict
from invoicegen.extraction.line_items import FieldValue
from invoicegen.schema.annotation import DocumentType
from invoicegen.schema.taxonomy import VALUE_KINDS

RULE: Final = "embedded XML = page"
_ROOTS: Final = ("CrossIndustryInvoice", "CrossIndustryDocument")
_DATES: Final = {"102": "%Y%m%d", "610": "%Y%m"}  # UNTDID 2379
_TITLES: Final = {"381": "381", "384": "384"}
_COMPOSED: Final = frozenset({"SELLER_ADDRESS", "BUYER_ADDRESS", "ITEM_DESCRIPTION"})
"""Types whose printed form the XML does not state, so that both are not compared."""


@dataclass(frozen=True, slots=True)
class EmbeddedInvoice:
    """What the XML says, under the names of the taxonomy; values normalised as those of pages are.

    Attributes:
        file: Name of the attachment.
        document_type: Invoice or credit note.
        fields: Header values; of a field with several the first is the document's.
        line_items: Values of each line.
        tax_lines: Rate, base and tax of each row of the VAT breakdown.
    """

    file: str
    document_type: DocumentType
    fields: Mapping[str, list[str]]
    line_items: list[dict[str, str]] = field(default_factory=list)
    tax_lines: list[dict[str, str]] = field(default_factory=list)


def read_embedded(attachments: Iterable[tuple[str, bytes]]) -> EmbeddedInvoice | None:
    """The electronic invoice among the files in a PDF; None where there is none that can be read.

    XML with a document type declaration is not read: invoices have none, and entities could be made to grow.
    """
    for name, content in attachments:
        if not name.lower().endswith(".xml") or b"<!DOCTYPE" in content:
            continue
        try:
            root = ElementTree.fromstring(content)
        except ElementTree.ParseError:
            continue
        for element in root.iter():
            element.tag = element.tag.rpartition("}")[2]
        if root.tag in _ROOTS:
            return _Reader(root).invoice(name)
    return None


class _Reader:
    """The paths of both generations of elements."""

    def __init__(self, root: ElementTree.Element) -> None:
        self.head = _first(root, "ExchangedDocument", "HeaderExchangedDocument")
        deal = _first(root, "SupplyChainTradeTransaction", "SpecifiedSupplyChainTradeTransaction")
        self.agreement = _first(deal, "ApplicableHeaderTradeAgreement", "ApplicableSupplyChainTradeAgreement")
        self.delivery = _first(deal, "ApplicableHeaderTradeDelivery", "ApplicableSupplyChainTradeDelivery")
        self.settlement = _first(
            deal, "ApplicableHeaderTradeSettlement", "ApplicableSupplyChainTradeSettlement"
        )
        self.sums = _first(
            self.settlement,
            "SpecifiedTradeSettlementHeaderMonetarySummation",
            "SpecifiedTradeSettlementMonetarySummation",
        )
        self.lines = [] if deal is None else deal.findall("IncludedSupplyChainTradeLineItem")

    def invoice(self, file: str) -> EmbeddedInvoice:
        """All of it."""
        code = _text(self.head, "TypeCode")
        taxes = [self._tax(row) for row in _all(self.settlement, "ApplicableTradeTax")]
        total, due = _amount(self.sums, "GrandTotalAmount"), _amount(self.sums, "DuePayableAmount")
        parties = {**self._party("SELLER"), **self._party("BUYER")}
        means, terms = "SpecifiedTradeSettlementPaymentMeans", "SpecifiedTradePaymentTerms"
        account = f"{means}/PayeePartyCreditorFinancialAccount"
        found: dict[str, list[str | None]] = {
            "DOCUMENT_TYPE": [_TITLES.get(code or "", "380")],
            "INVOICE_NUMBER": [_text(self.head, "ID")],
            "INVOICE_DATE": [_date(self.head, "IssueDateTime")],
            "DUE_DATE": [_date(self.settlement, f"{terms}/DueDateDateTime")],
            "DELIVERY_DATE": [_date(self.delivery, "ActualDeliverySupplyChainEvent/OccurrenceDateTime")],
            "PURCHASE_ORDER_NUMBER": [
                _text(
                    self.agreement,
                    "BuyerOrderReferencedDocument/IssuerAssignedID",
                    "BuyerOrderReferencedDocument/ID",
                )
            ],
            "PRECEDING_INVOICE_NUMBER": [
                _text(
                    self.settlement, "InvoiceReferencedDocument/IssuerAssignedID", "InvoiceReferencedDocument/ID"
                )
            ],
            **parties,
            "CURRENCY": [_text(self.settlement, "InvoiceCurrencyCode")],
            "SUBTOTAL_AMOUNT": [_amount(self.sums, "TaxBasisTotalAmount")],
            "DISCOUNT_AMOUNT": [_nonzero(_amount(self.sums, "AllowanceTotalAmount"))],
            "CHARGE_AMOUNT": [_nonzero(_amount(self.sums, "ChargeTotalAmount"))],
            "TAX_RATE": [tax.get("TAX_RATE") for tax in taxes],
            "TAX_BASE_AMOUNT": [tax.get("TAX_BASE_AMOUNT") for tax in taxes],
            "TAX_AMOUNT": [_amount(self.sums, "TaxTotalAmount"), *(tax.get("TAX_AMOUNT") for tax in taxes)],
            "TOTAL_AMOUNT": [total],
            "AMOUNT_PAID": [_nonzero(_amount(self.sums, "TotalPrepaidAmount"))],
            "AMOUNT_DUE": [due if due and total and Decimal(due) != Decimal(total) else None],
            "PAYMENT_TERMS": [_text(self.settlement, f"{terms}/Description")],
            "PAYMENT_REFERENCE": [_text(self.settlement, "PaymentReference")],
            "BANK_ACCOUNT": [_compact(_text(self.settlement, f"{account}/IBANID", f"{account}/ProprietaryID"))],
            "BANK_CODE": [
                _compact(_text(self.settlement, f"{means}/PayeeSpecifiedCreditorFinancialInstitution/BICID"))
            ],
        }  # fmt: skip
        fields = {name: list(dict.fromkeys(filter(None, values))) for name, values in found.items()}
        return EmbeddedInvoice(
            file=file,
            document_type="credit_note" if code == "381" else "invoice",
            fields={name: values for name, values in fields.items() if values},
            line_items=[item for line in self.lines if (item := self._line(line))],
            tax_lines=[tax for tax in taxes if len(tax) > 1],
        )

    def _party(self, side: str) -> dict[str, list[str | None]]:
        party = _first(self.agreement, f"{side.title()}TradeParty")
        numbers = {
            element.get("schemeID"): _compact(element.text)
            for element in _all(party, "SpecifiedTaxRegistration/ID")
        }
        address = _first(party, "PostalTradeAddress")
        place = " ".join(filter(None, (_text(address, "PostcodeCode"), _text(address, "CityName"))))
        lines = (_text(address, "LineOne"), _text(address, "LineTwo"), _text(address, "LineThree"), place)
        return {
            f"{side}_NAME": [_text(party, "Name")],
            f"{side}_ADDRESS": [", ".join(filter(None, lines))],
            f"{side}_TAX_ID": [numbers.get("VA"), numbers.get("FC")],
        }

    def _tax(self, row: ElementTree.Element) -> dict[str, str]:
        return _filled(
            {
                "TAX_RATE": _amount(row, "RateApplicablePercent", "ApplicablePercent"),
                "TAX_BASE_AMOUNT": _amount(row, "BasisAmount"),
                "TAX_AMOUNT": _amount(row, "CalculatedAmount"),
            }
        )

    def _line(self, line: ElementTree.Element) -> dict[str, str]:
        agreement = _first(line, "SpecifiedLineTradeAgreement", "SpecifiedSupplyChainTradeAgreement")
        delivery = _first(line, "SpecifiedLineTradeDelivery", "SpecifiedSupplyChainTradeDelivery")
        settlement = _first(line, "SpecifiedLineTradeSettlement", "SpecifiedSupplyChainTradeSettlement")
        quantity = _first(delivery, "BilledQuantity")
        price = _amount(agreement, "NetPriceProductTradePrice/ChargeAmount")
        return _filled(
            {
                "ITEM_DESCRIPTION": _text(line, "SpecifiedTradeProduct/Name"),
                "ITEM_CODE": _text(line, "SpecifiedTradeProduct/SellerAssignedID"),
                "ITEM_QUANTITY": _amount(delivery, "BilledQuantity"),
                "ITEM_UNIT": None if quantity is None else quantity.get("unitCode"),
                "ITEM_UNIT_PRICE": price,
                "ITEM_TAX_RATE": _amount(
                    settlement,
                    "ApplicableTradeTax/RateApplicablePercent",
                    "ApplicableTradeTax/ApplicablePercent",
                ),
                "ITEM_AMOUNT": _amount(
                    settlement,
                    "SpecifiedTradeSettlementLineMonetarySummation/LineTotalAmount",
                    "SpecifiedTradeSettlementMonetarySummation/LineTotalAmount",
                ),
            }
        )


def _first(element: ElementTree.Element | None, *paths: str) -> ElementTree.Element | None:
    if element is None:
        return None
    return next((found for path in paths if (found := element.find(path)) is not None), None)


def _all(element: ElementTree.Element | None, path: str) -> list[ElementTree.Element]:
    return [] if element is None else element.findall(path)


def _text(element: ElementTree.Element | None, *paths: str) -> str | None:
    found = _first(element, *paths)
    return " ".join((found.text or "").split()) or None if found is not None else None


def _amount(element: ElementTree.Element | None, *paths: str) -> str | None:
    text = _text(element, *paths)
    try:
        return None if text is None else f"{Decimal(text):f}"
    except InvalidOperation:
        return None


def _nonzero(amount: str | None) -> str | None:
    return amount if amount and Decimal(amount) else None


def _date(element: ElementTree.Element | None, path: str) -> str | None:
    found = _first(element, f"{path}/DateTimeString", f"{path}/DateString")
    if found is None or not found.text:
        return None
    try:
        read = dt.datetime.strptime(found.text.strip(), _DATES[found.get("format", "102")])
    except (KeyError, ValueError):
        return None
    return read.date().isoformat()


def _compact(text: str | None) -> str | None:
    return re.sub(r"\s", "", text).upper() or None if text else None


def _filled(values: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in values.items() if value}


def merge_fields(
    embedded: EmbeddedInvoice, printed: Mapping[str, list[FieldValue]]
) -> dict[str, list[FieldValue]]:
    """The values of the XML first, those of the page after them.

    A value that the page has too keeps its text, page and box.
    """
    merged = {name: list(found) for name, found in printed.items()}
    for name, values in embedded.fields.items():
        own = [_from_xml(name, value, printed.get(name, ())) for value in values]
        rest = [
            _less_sure(found)
            for found in printed.get(name, ())
            if not any(_same(name, value, found["value"]) for value in values)
        ]
        merged[name] = [*own, *rest]
    return merged


def merge_line_items(
    embedded: EmbeddedInvoice, printed: Sequence[dict[str, FieldValue]]
) -> list[dict[str, FieldValue]]:
    """The lines of the XML, each with the places of the printed row of its amount; without any the printed ones."""
    return _merge_rows(embedded.line_items, printed, "ITEM_AMOUNT")


def merge_tax_lines(
    embedded: EmbeddedInvoice, printed: Sequence[dict[str, FieldValue]]
) -> list[dict[str, FieldValue]]:
    """The VAT breakdown of the XML, likewise, by its tax."""
    return _merge_rows(embedded.tax_lines, printed, "TAX_AMOUNT")


def _merge_rows(
    rows: Sequence[Mapping[str, str]], printed: Sequence[dict[str, FieldValue]], known_by: str
) -> list[dict[str, FieldValue]]:
    left = list(printed)
    merged: list[dict[str, FieldValue]] = []
    for row in rows:
        amount = row.get(known_by)
        twins = (
            one
            for one in left
            if amount and known_by in one and _same(known_by, amount, one[known_by]["value"])
        )
        twin = next(twins, {})
        if twin:
            left.remove(twin)
        merged.append(
            {
                name: _from_xml(name, value, [twin[name]] if name in twin else ())
                for name, value in row.items()
            }
        )
    return merged or left


def compare_with_page(embedded: EmbeddedInvoice, printed: Mapping[str, Sequence[FieldValue]]) -> list[Check]:
    """For each field of the XML, whether the page says the same; addresses are composed and not compared."""
    checks = []
    for name, values in embedded.fields.items():
        if name in _COMPOSED:
            continue
        found = [one["value"] for one in printed.get(name, ()) if one["value"]]
        if not found:
            checks.append(not_applicable(RULE, name, f"no readable {name} on the page"))
        else:
            same = any(_same(name, values[0], one) for one in found)
            checks.append(verdict(RULE, name, same, values[0], values[0] if same else found[0]))
    return checks


def _less_sure(field: FieldValue) -> FieldValue:
    """A value of the page beside one of the XML, which is certain."""
    return {**field, "confidence": min(field["confidence"], 0.99)}


def _from_xml(name: str, value: str, printed: Sequence[FieldValue]) -> FieldValue:
    twin = next((found for found in printed if _same(name, value, found["value"])), None)
    if twin is not None:
        return {**twin, "value": value, "confidence": 1.0}
    return {"value": value, "text": value, "confidence": 1.0, "page": None, "box": None}


def _same(name: str, first: str, second: str | None) -> bool:
    """Whether two normalised values mean the same: numbers as such, texts as letters and digits without case."""
    if second is None:
        return False
    if VALUE_KINDS[name] in ("money", "decimal", "percent") and not second.endswith("%"):
        return abs(Decimal(first)) == abs(Decimal(second))
    return _plain(first) == _plain(second)


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKD", text).casefold()
    return "".join(character for character in folded if character.isalnum())
