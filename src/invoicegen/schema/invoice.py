"""What an invoice says, before it has a look: records named after EN 16931 business terms.

Money is in integer minor units of ``Invoice.currency`` (cents, pence); quantities, unit prices and rates are
decimals. Every total follows from its parts; :meth:`Invoice.check_totals` proves it.

Source of terms: EN 16931-1:2017, semantic data model (BT and BG numbers in the field descriptions).
"""

from __future__ import annotations

import datetime as dt
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from invoicegen.schema.annotation import DocumentType

DocumentKind = Literal[
    "commercial_invoice",
    "tax_invoice",
    "proforma_invoice",
    "self_billed_invoice",
    "corrective_invoice",
    "utility_bill",
    "telecom_bill",
    "hotel_bill",
    "freight_invoice",
    "service_invoice",
    "subscription_invoice",
    "advertising_invoice",
    "credit_note",
    "supermarket_receipt",
    "shop_receipt",
    "restaurant_receipt",
    "fuel_receipt",
    "card_slip",
]
RECEIPT_KINDS = frozenset(
    {"supermarket_receipt", "shop_receipt", "restaurant_receipt", "fuel_receipt", "card_slip"}
)
_TYPE_CODES: dict[str, str] = {
    "proforma_invoice": "325",
    "self_billed_invoice": "389",
    "corrective_invoice": "384",
    "credit_note": "381",
}


QR_BILLS_SINCE = dt.date(2020, 6, 30)
"""First day of Swiss QR-bills (SIX); before it, references stood on orange payment slips (ESR)."""


def type_code_of(kind: DocumentKind) -> str:
    """The code of BT-3 (UNCL1001): 380 invoice, 325 pro-forma, 389 self-billed, 384 corrected, 381 credit note."""
    return _TYPE_CODES.get(kind, "380")


def document_type_of(kind: DocumentKind) -> DocumentType:
    """The document type (BT-3 group) that a kind belongs to."""
    if kind in RECEIPT_KINDS:
        return "receipt"
    return "credit_note" if kind == "credit_note" else "invoice"


def round_half_up(value: Decimal) -> int:
    """A whole number of minor units; halves away from zero, as invoices are commonly rounded."""
    return int(value.quantize(Decimal(1), rounding=ROUND_HALF_UP))


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Address(_Record):
    """A postal address (BG-5, BG-8)."""

    lines: list[str] = Field(
        min_length=1,
        description="printed lines without the name, in the order and form of the country, country line excluded",
    )
    city: str = Field(description="BT-37, BT-52")
    post_code: str = Field(default="", description="BT-38, BT-53")
    subdivision: str | None = Field(default=None, description="BT-39, BT-54")
    country_code: str = Field(description="BT-40, BT-55; ISO 3166-1 alpha-2")
    country: str = Field(description="country name in the language of the document")


class Party(_Record):
    """Seller (BG-4) or buyer (BG-7)."""

    name: str = Field(description="BT-27, BT-44")
    trading_name: str | None = Field(default=None, description="BT-28, BT-45; beside the name, always O")
    slogan: str | None = Field(default=None, description="printed under the name, always O")
    contact_person: str | None = Field(default=None, description="BT-41, BT-56")
    address: Address
    tax_id: str | None = Field(
        default=None, description="BT-31, BT-48; VAT, GST or sales tax number as printed"
    )
    tax_number: str | None = Field(default=None, description="BT-32; local tax number beside the VAT id")
    registration_id: str | None = Field(default=None, description="BT-30; company register, always O")
    phone: str | None = None
    fax: str | None = None
    email: str | None = None
    website: str | None = None


class LinePart(_Record):
    """What a set holds (not of EN 16931), printed below its line without an amount; always O."""

    name: str
    item_code: str | None = None
    quantity: Decimal = Field(description="in all, not of one set")


class InvoiceLine(_Record):
    """Invoice line (BG-25)."""

    line_id: str = Field(description="BT-126, printed position")
    name: str = Field(description="BT-153")
    section: str | None = Field(
        default=None, description="caption of the group of lines that starts with this one; always O"
    )
    service_date: dt.date | None = Field(default=None, description="BT-134, printed in a column; always O")
    description: str | None = Field(default=None, description="BT-154; further printed text of the same cell")
    item_code: str | None = Field(default=None, description="BT-155 or BT-157 (EAN)")
    standard_id: str | None = Field(
        default=None, description="BT-157 beside a code of the seller's; printed below the name, always O"
    )
    commodity_code: str | None = Field(
        default=None, description="BT-158, Harmonised System, as printed; always O"
    )
    origin_country: str | None = Field(default=None, description="BT-159, ISO 3166-1 alpha-2; always O")
    net_weight: Decimal | None = Field(default=None, description="kilograms, printed in a column; always O")
    quantity: Decimal = Field(description="BT-129")
    unit_code: str = Field(default="C62", description="BT-130, UN/ECE Recommendation 20")
    unit: str | None = Field(default=None, description="the unit as printed in the language: Stk., hrs, kg")
    unit_price: Decimal = Field(
        description="BT-146 or BT-148, in major units (may have more than two decimals)"
    )
    discount_percent: Decimal | None = Field(default=None, description="BT-138")
    discount: int = Field(default=0, description="BT-136, minor units, positive reduces the amount")
    tax_rate: Decimal = Field(description="BT-152, percent")
    tax_code: str | None = Field(default=None, description="code letter of the rate on a receipt")
    net_amount: int = Field(description="BT-131, minor units; tax included when Invoice.prices_include_tax")
    parts: list[LinePart] = Field([], description="what a set holds")


class AllowanceCharge(_Record):
    """Document-level allowance (BG-20) or charge (BG-21)."""

    is_charge: bool
    reason: str = Field(description="BT-97, BT-104, as printed")
    percent: Decimal | None = Field(default=None, description="BT-94, BT-101")
    amount: int = Field(
        description="BT-92, BT-99, minor units; below zero only on a document whose amounts all are"
    )
    tax_rate: Decimal = Field(description="BT-96, BT-103")


class TaxLine(_Record):
    """Tax breakdown (BG-23)."""

    rate: Decimal = Field(description="BT-119, percent")
    category: Literal["S", "Z", "E", "AE", "O"] = Field(default="S", description="BT-118, UNCL5305")
    name: str = Field(description="name of the tax as printed: VAT, MwSt., TVA, GST, Sales Tax")
    code: str | None = Field(default=None, description="code letter on a receipt")
    base: int = Field(description="BT-116, minor units, always without tax")
    amount: int = Field(description="BT-117, minor units")


class Totals(_Record):
    """Document totals (BG-22), minor units."""

    line_sum: int = Field(description="BT-106; sum of line amounts")
    allowances: int = Field(default=0, description="BT-107")
    charges: int = Field(default=0, description="BT-108")
    net: int = Field(description="BT-109; total without tax")
    tax: int = Field(description="BT-110")
    gross: int = Field(description="BT-112; total with tax")
    rounding: int = Field(default=0, description="BT-114; added to the gross total before payment")
    paid: int = Field(default=0, description="BT-113")
    due: int = Field(description="BT-115")


class Payment(_Record):
    """Payment instructions (BG-16) and terms."""

    means_code: str | None = Field(
        default=None, description="BT-81, UNCL4461: 30 transfer, 58 SEPA transfer, …"
    )
    method: str | None = Field(default=None, description="BT-82, as printed")
    terms: str | None = Field(default=None, description="BT-20, as printed")
    reference: str | None = Field(default=None, description="BT-83, as printed")
    reference_scheme: Literal["RF", "OGM", "KID", "ESR", "QRR", "VS", "FI", "SE"] | None = Field(
        default=None, description="whose check digits the reference carries; None for a free reference"
    )
    iban: str | None = Field(default=None, description="BT-84 without spaces")
    account_number: str | None = Field(default=None, description="BT-84 where the country has no IBAN")
    bic: str | None = Field(default=None, description="BT-86")
    bank_code: str | None = Field(default=None, description="sort code, routing number, BSB, IFSC, BLZ")
    bank_name: str | None = Field(default=None, description="always O")


class Tender(_Record):
    """Money handed over at a till."""

    method: str = Field(description="as printed: CASH, VISA, Karte")
    amount: int = Field(description="minor units")
    card_number: str | None = Field(default=None, description="masked, always O")


class AccountStatement(_Record):
    """What a customer's account held before this bill (utilities, telecom); minor units, not of EN 16931."""

    previous_balance: int = Field(description="balance of the bill before; always O")
    payments: int = Field(description="received since, positive; always O")
    due: int = Field(description="previous_balance - payments + BT-115; printed as AMOUNT_DUE")


class SecondCurrency(_Record):
    """The totals once more in another currency (BT-6, BT-111); always O."""

    currency: str = Field(description="BT-6, ISO 4217")
    currency_digits: int
    rate: Decimal = Field(description="units of this currency for one of the document's")
    net: int
    tax: int
    gross: int


class Invoice(_Record):
    """Everything a document says."""

    doc_id: str
    seed: int
    index: int
    kind: DocumentKind
    document_type: DocumentType
    locale: str = Field(description="xx_YY")
    currency: str = Field(description="BT-5, ISO 4217")
    currency_digits: int = Field(default=2, description="minor-unit digits of the currency")
    industry: str
    number: str = Field(description="BT-1")
    issue_date: dt.date = Field(description="BT-2")
    issue_time: dt.time | None = None
    due_date: dt.date | None = Field(default=None, description="BT-9")
    delivery_date: dt.date | None = Field(default=None, description="BT-72 or BT-73, start of the period")
    delivery_end: dt.date | None = Field(default=None, description="BT-74, end of the period")
    purchase_order_number: str | None = Field(default=None, description="BT-13")
    preceding_invoice_number: str | None = Field(default=None, description="BT-25")
    seller: Party
    buyer: Party | None = None
    ship_to: Party | None = Field(default=None, description="BG-13; always O")
    remit_to: Party | None = Field(default=None, description="where to send a cheque to; always O")
    prices_include_tax: bool = False
    tax_name: str = Field(description="VAT, MwSt., TVA, GST, Sales Tax, …")
    lines: list[InvoiceLine] = Field(min_length=1)
    allowances_charges: list[AllowanceCharge] = []
    tax_lines: list[TaxLine] = []
    value_added_tax: bool = Field(
        default=True, description="whether the tax is a VAT or GST, not a sales tax"
    )
    zero_category: Literal["Z", "E", "AE", "O"] = Field(
        default="Z", description="BT-118, BT-151 of what is charged no tax, UNCL5305"
    )
    exemption_reason: str | None = Field(
        default=None, description="BT-120; why no tax is charged, as printed"
    )
    totals: Totals
    account: AccountStatement | None = None
    second_currency: SecondCurrency | None = None
    payment: Payment = Payment()
    tenders: list[Tender] = []
    change: int = Field(default=0, description="change given, minor units; always O")
    extras: dict[str, str] = Field(
        default={},
        description="hard negatives, always O: customer_number, order_date, contract_number, cashier, till, "
        "table, loyalty_points, bank_name, terminal, approval_code, meter_number, … key to printed value",
    )
    notes: list[str] = Field(default=[], description="free text: thanks, short notices; always O")
    fine_print: str | None = Field(default=None, description="a paragraph of conditions; always O")
    advert: str | None = Field(default=None, description="a promotion on the document; always O")
    invalid_identifiers: list[str] = Field(
        default=[], description="paths of identifiers whose check digits are wrong on purpose (an option)"
    )

    @property
    def prints_lines(self) -> bool:
        """Whether a layout prints the lines: a card slip states its total alone."""
        return self.kind != "card_slip"

    def check_totals(self) -> list[str]:
        """What does not add up; empty when everything does."""
        t = self.totals
        problems = []
        for line in self.lines:
            exact = line.quantity * line.unit_price * Decimal(10) ** self.currency_digits
            expected = round_half_up(exact) - line.discount
            if expected != line.net_amount:
                problems.append(f"line {line.line_id}: amount {line.net_amount}, parts give {expected}")
        rules = {
            "BT-106 line_sum": (t.line_sum, sum(line.net_amount for line in self.lines)),
            "BT-107 allowances": (
                t.allowances,
                sum(a.amount for a in self.allowances_charges if not a.is_charge),
            ),
            "BT-108 charges": (t.charges, sum(a.amount for a in self.allowances_charges if a.is_charge)),
            "BT-110 tax": (t.tax, sum(line.amount for line in self.tax_lines)),
            "BT-112 gross": (t.gross, t.net + t.tax),
            "BT-115 due": (t.due, t.gross + t.rounding - t.paid),
        }
        before_tax = t.line_sum - t.allowances + t.charges
        if self.prices_include_tax:
            rules["gross from lines"] = (t.gross, before_tax)
        else:
            rules["BT-109 net"] = (t.net, before_tax)
        for name in {line.name: None for line in self.tax_lines}:
            # Taxes that share a rate (CGST and SGST, state and county) stand each on the whole base.
            rules[f"BT-116 bases of {name}"] = (
                t.net,
                sum(line.base for line in self.tax_lines if line.name == name),
            )
        if self.account:
            owed = self.account.previous_balance - self.account.payments + t.due
            rules["account due"] = (self.account.due, owed)
        if self.second_currency:
            second = self.second_currency
            rules["BT-111 in the second currency"] = (second.gross, second.net + second.tax)
        if self.tenders:
            rules["tenders less change"] = (sum(item.amount for item in self.tenders) - self.change, t.due)
        problems += [
            f"{name}: {got}, parts give {want}" for name, (got, want) in rules.items() if got != want
        ]
        return problems
