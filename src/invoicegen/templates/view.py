"""The invoice as its layout sees it: captions chosen, values formatted, each value tied to its field."""

from __future__ import annotations

import datetime as dt
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

import numpy as np
from markupsafe import Markup, escape

from invoicegen.randomness import Stage, document_rng
from invoicegen.schema.invoice import Address, Invoice, InvoiceLine, Party, round_half_up
from invoicegen.schema.plan import DocumentPlan
from invoicegen.synthesis import load_locale
from invoicegen.synthesis.currencies import names_currency
from invoicegen.synthesis.draw import Draw
from invoicegen.synthesis.identifiers import draw_ean
from invoicegen.synthesis.locales import load_language
from invoicegen.synthesis.parties import country_name
from invoicegen.templates.artwork import bar_code, epc_payload, logo, qr_code, swiss_code, swiss_payload
from invoicegen.templates.formats import currency_symbols, format_number, print_date
from invoicegen.templates.lexicon import Lexicon, load_lexicon
from invoicegen.templates.printed import Printed
from invoicegen.templates.wording import fitting

Place = Literal["items", "totals"]

_TITLES = {
    "proforma_invoice": ("title_proforma", 1.0),
    "credit_note": ("title_credit_note", 1.0),
    "self_billed_invoice": ("title_self_billed", 0.9),
    "corrective_invoice": ("title_corrective", 0.9),
    "tax_invoice": ("title_tax_invoice", 0.6),
    "utility_bill": ("title_utility", 0.6),
    "telecom_bill": ("title_telecom", 0.5),
    "hotel_bill": ("title_hotel", 0.5),
    "freight_invoice": ("title_freight", 0.5),
    "advertising_invoice": ("title_advertising", 0.25),
    "subscription_invoice": ("title_subscription", 0.25),
    "service_invoice": ("title_service", 0.35),
    "card_slip": ("title_card_slip", 0.9),
}
"""Caption key of a kind's own title, and how often it is printed in place of plain "Invoice" or "Receipt"."""
_ROOM_FOR_FACTS = 7  # columns beside which customs codes, origins and weights still fit
_BETWEEN_WORDS: dict[str, Any] = {"break_long_words": False, "break_on_hyphens": False}
"""How programs break descriptions that are longer than their field."""
SIDEBAR_MM = 42
"""Width of a sidebar, with the space beside it."""
_TITLE_CODES = {"credit_note": "381", "corrective_invoice": "384"}
EXTRA_CAPTIONS = {"store_number": "store", "project_number": "project"}
"""Captions of those ``Invoice.extras`` whose caption key has another name."""

_PREFIXED_ID = re.compile(r"[A-Z]{2}\d{6,}")
_OWN_WORDS = re.compile(r"[^\W\d_][^\d_]*[ :]")
"""How a number starts that says itself what it is: ``Company No. 104548``."""
_PARTY_CAPTIONS = ("bill_to", "ship_to", "from")
_LISTED = {"from": "listed_seller", "bill_to": "listed_buyer", "ship_to": "listed_ship_to"}
"""What listings of electronic invoices have over a party: mostly its name in EN 16931."""
_COUNTRY_CODES = {"US": "USA", "GB": "UK"}
"""Countries that go by another short name than their code."""
_COUNTRY_SPELLINGS = {
    "name": 0.62,
    "upper": 0.15,
    "spaced": 0.08,
    "english": 0.08,
    "both": 0.02,
    "code": 0.05,
}
_PROFILES = (
    "urn:cen.eu:en16931:2017",
    "urn:cen.eu:en16931:2017#compliant#urn:factur-x.eu:1p0:basic",
    "urn:cen.eu:en16931:2017#conformant#urn:factur-x.eu:1p0:extended",
    "urn:cen.eu:en16931:2017#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0",
    "urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0",
    "urn:cen.eu:en16931:2017#compliant#urn:fdc:nen.nl:nlcius:v1.0",
)
"""Specification identifiers (BT-24) of core invoice usage specifications and extensions of EN 16931."""
_SYNTAXES = (
    "UBL 2.1",
    "UN/CEFACT CII D16B",
    "CII",
    "Factur-X 1.0 EXTENDED",
    "XRechnung 3.0",
    "Peppol BIS Billing 3.0",
)
_APART_BEFORE = frozenset("$€£¥")
_APART_AFTER = frozenset("€£¥")
"""Signs that are words of their own even where no space is printed: ``invoicegen.labeling.cut_words`` cuts them off."""
_MOST_TIMES = 5  # lines of a schedule under one row
_UNFILLED = (
    "your_reference", "our_reference", "project", "contract_number", "cost_centre", "quote_number",
    "delivery_note_number", "ship_via", "sales_rep", "vendor_number",
)  # fmt: skip
"""Captions that a printed form has though nothing is filled in."""
_DATES = frozenset({"order_date", "print_date", "ship_date", "tax_point_date", "arrival", "departure"})
"""Those ``Invoice.extras`` that are dates, ISO 8601."""
_SIDES: dict[str, dict[str, str]] = {
    "before": {"after": "before", "glued_after": "glued"},
    "after": {"before": "after", "glued": "glued_after"},
    "either": {},
}
"""Where a country puts the sign of a currency, in place of where the genome would."""
_COLUMN_CAPTIONS = {
    "position": "position",
    "item_date": "item_date",
    "commodity_code": "commodity_code",
    "origin_country": "origin",
    "net_weight": "net_weight",
    "tax_amount": "tax_total",
    "gross_amount": "tax_table_gross",
    "ITEM_CODE": "item_code",
    "ITEM_DESCRIPTION": "description",
    "ITEM_QUANTITY": "quantity",
    "ITEM_UNIT": "unit",
    "ITEM_UNIT_PRICE": "unit_price",
    "ITEM_DISCOUNT": "discount",
    "ITEM_TAX_RATE": "tax_rate",
    "ITEM_AMOUNT": "amount",
}


@dataclass(frozen=True, slots=True)
class Row:
    """A caption and the value or values beside it."""

    caption: Markup
    value: Printed | Markup
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a row was broadcast or delivered: one line a time, of day, date, length, time, code and rate; always O."""

    times: list[list[Printed]]


@dataclass(frozen=True, slots=True)
class PartRow:
    """A thing that the set in the row above holds, a cell a column; always O."""

    part: list[Markup]


Entry = Markup | list[Markup] | Row | Schedule | PartRow


@dataclass(frozen=True, slots=True)
class ItemTable:
    """A stretch of the line-item table: sections with captions and sums, rows, parts, schedules, sums carried."""

    entries: list[Entry]
    brought: Row | None
    carried: Row | None


@dataclass(slots=True)
class PartyView:
    """The printed parts of a seller, buyer or other party."""

    name: Printed
    address: Printed
    address_inline: Printed
    with_country: bool = False
    trading_name: Printed | None = None
    slogan: Printed | None = None
    contact: Row | None = None
    broken_name: Printed | None = None
    numbers: list[Row] = field(default_factory=list)
    ids: list[Row] = field(default_factory=list)
    contacts: list[Row] = field(default_factory=list)


class View:
    """Everything a layout may print, in the wording and formats of one genome."""

    def __init__(self, invoice: Invoice, plan: DocumentPlan) -> None:
        self.invoice = invoice
        self.structure: dict[str, Any] = plan.genome["structure"]
        self.style: dict[str, Any] = plan.genome["style"]
        country = load_locale(plan.locale, plan.extensions)
        self.language = country.language
        self.country = country.country
        self.locale = f"{country.language}_{country.country}"
        self.lexicon: Lexicon = load_lexicon(self.language, plan.extensions, plan.locale)
        self.rng: np.random.Generator = document_rng(plan.seed, plan.index, Stage.TEMPLATE)
        self._wordings: dict[str, str] = {}
        honorifics = load_language(self.language, plan.extensions).honorifics
        self._honorifics = sorted(honorifics, key=len, reverse=True)
        self._by_rate: tuple[list[Markup], list[list[Printed | Markup]]] | None = None
        self.symbol_side = country.symbol_side
        symbols = currency_symbols(invoice.currency, country)
        self.symbol = symbols[self.style["currency_pick"] % len(symbols)]
        self.standard_id_caption = self.choose(["GTIN:", "GTIN", "EAN:", "EAN", "EAN-13"])
        # What is outside the tax's scope completes the record's bases, but nobody prints a line for it.
        self.tax_lines = [line for line in invoice.tax_lines if line.category != "O"]

    # -- captions ------------------------------------------------------------------------------------------

    def choose(self, items: list[Any]) -> Any:
        """One of ``items``, drawn from the document's own stream."""
        return items[int(self.rng.integers(len(items)))]

    def chance(self, probability: float) -> bool:
        """True with this probability, drawn from the document's own stream."""
        return bool(self.rng.random() < probability)

    def phrase(self, key: str) -> str:
        """The wording of a key as the lexicon has it, the same everywhere in the document."""
        if key not in self._wordings:
            self._wordings[key] = self.choose(self.wordings(key))
            if key in _PARTY_CAPTIONS and self.chance(0.08):
                self._wordings[key] = self._two_in_one(key)
        return self._wordings[key]

    def _two_in_one(self, key: str) -> str:
        """Two wordings of a party in one caption, such as "Buyer/Customer"; one where the lexicon has but one word."""
        nouns = [word for word in self.wordings(key) if len(word) > 3 and not set(word) & set(" /")]
        if len(nouns) < 2:
            return self._wordings[key]
        first, second = (nouns[int(i)] for i in self.rng.choice(len(nouns), 2, replace=False))
        return f"{first}{self.choose(['/', '/', ' / '])}{second}"

    def wordings(self, key: str) -> list[str]:
        """The wordings of a key that contradict nothing in the record."""
        wordings = fitting(key, self.lexicon[key], self.invoice)
        if key == "discount" and not self._discounts_in_percent():
            return [wording for wording in wordings if "%" not in wording] or wordings
        return wordings

    def _discounts_in_percent(self) -> bool:
        percents = any(line.discount_percent is not None for line in self.invoice.lines)
        return bool(percents and self.style["discount_negative"])

    def wording(self, key: str) -> str:
        """The wording of a caption, in the document's letter case."""
        text = self.phrase(key)
        case = self.style["caption_case"]
        return text.upper() if case == "upper" else text.lower() if case == "lower" else text

    def caption(self, key: str, *, end: bool = True) -> Markup:
        """A caption with the document's punctuation behind it."""
        text = self.wording(key)
        place = self.structure.get("caption_place", "left")
        ending = self.structure["caption_end"] if end and text and place == "left" else ""
        return escape(text.rstrip(":") + ending if ending else text)

    # -- values --------------------------------------------------------------------------------------------

    def decimal_value(self, minor: int) -> str:
        """Minor units as a decimal string, the normalised value of money."""
        digits = self.invoice.currency_digits
        return f"{Decimal(minor).scaleb(-digits):.{digits}f}"

    def _signed(self, text: str, negative: bool) -> str:
        if not negative:
            return text
        return {"-1": f"-{text}", "1-": f"{text}-", "(1)": f"({text})"}[self.style["negative"]]

    def money(
        self, minor: int, path: str, entity: str | None, *, place: Place = "totals", group: str | None = None
    ) -> Printed:
        """An amount of money in minor units."""
        digits = self.invoice.currency_digits
        amount = Decimal(abs(minor)).scaleb(-digits)
        return self._with_currency(
            format_number(amount, self.style["number_style"], digits),
            minor < 0, path, entity, self.decimal_value(minor), place, group,
        )  # fmt: skip

    def price(self, price: Decimal, path: str, entity: str | None, *, group: str | None = None) -> Printed:
        """A unit price in major units, with as many decimals as it needs."""
        exponent = price.normalize().as_tuple().exponent
        needed = max(self.invoice.currency_digits, -exponent if isinstance(exponent, int) else 0)
        digits = max(needed, int(self.style["price_digits"]) if self.invoice.currency_digits else 0)
        text = format_number(abs(price), self.style["number_style"], digits)
        return self._with_currency(text, price < 0, path, entity, f"{price:.{needed}f}", "items", group)

    def _with_currency(
        self,
        text: str,
        negative: bool,
        path: str,
        entity: str | None,
        value: str,
        place: Place,
        group: str | None,
    ) -> Printed:
        symbol = self.symbol
        how = self.style[f"currency_{place}"]
        if not (len(symbol) == 3 and symbol.isalpha()):
            how = _SIDES[self.symbol_side].get(how, how)
        # A sign beside an amount of the table is no header entity: it stays O (taxonomy, valid triples).
        currency = self.invoice.currency if place == "totals" and entity is not None else None
        if how == "glued" and len(symbol) == 3 and symbol.isalpha():
            how = "before"
        if how == "glued" and (negative or symbol not in _APART_BEFORE):  # a minus may stand before the sign
            return Printed(self._signed(f"{symbol}{text}", negative), path, entity, value, group)
        if how == "glued_after" and symbol not in _APART_AFTER:
            return Printed(self._signed(text, negative) + symbol, path, entity, value, group)
        place_of = {"before": "before", "glued": "before", "after": "after", "glued_after": "after"}.get(how)
        signs = {place_of: symbol, "currency": currency} if place_of else {}
        printed = self._signed(text, negative)
        return Printed(printed, path, entity, value, group, glued=how.startswith("glued"), **signs)

    def number(self, value: Decimal, path: str, entity: str | None, *, group: str | None = None) -> Printed:
        """A quantity."""
        exponent = value.normalize().as_tuple().exponent
        decimals = max(0, -exponent) if isinstance(exponent, int) else 0
        wanted = self.style["quantity_digits"]
        digits = decimals if wanted == "min" else max(decimals, int(wanted))
        text = format_number(value, self.style["number_style"], digits)
        return Printed(text, path, entity, f"{value.normalize():f}", group)

    def rate(self, rate: Decimal, path: str, entity: str | None, *, group: str | None = None) -> Printed:
        """A tax rate in percent."""
        style = self.style["rate_style"]
        decimals = {"19%": 0, "19 %": 0, "19.00%": 2, "19.0%": 1, "19.00": 2, "19": 0}[style]
        exponent = rate.normalize().as_tuple().exponent
        needed = max(0, -exponent) if isinstance(exponent, int) else 0
        style_of_number = self.style["number_style"]
        text = format_number(rate, style_of_number, max(decimals, needed))
        text += "\u00a0%" if style == "19 %" else "%" if style.endswith("%") else ""
        return Printed(text, path, entity, f"{rate.normalize():f}", group)

    def date(self, date: dt.date, path: str, entity: str | None) -> Printed:
        """A date in the document's format."""
        text = print_date(date, self.style["date_pattern"], self.locale)
        return Printed(text.upper() if self.style["date_upper"] else text, path, entity, date.isoformat())

    # -- parties -------------------------------------------------------------------------------------------

    def party(self, role: str, party: Party, prefix: str | None) -> PartyView:
        """A party; ``prefix`` is ``SELLER``, ``BUYER`` or None for a party that is always O."""
        lines = self._address_lines(party.address)
        with_country = self.chance(0.4 if party.address.country_code == self.country else 0.85)
        with_country &= lines == party.address.lines
        if with_country:
            lines.append(self.country_line(party.address))
        value = ", ".join(line.removeprefix(f"{party.address.country_code} ") for line in lines)
        inline = [line.rstrip(",") for line in lines]
        name_entity = f"{prefix}_NAME" if prefix else None
        address_entity = f"{prefix}_ADDRESS" if prefix else None
        view = PartyView(
            name=Printed(party.name, f"{role}.name", name_entity, party.name),
            address=Printed(tuple(lines), f"{role}.address", address_entity, value),
            address_inline=Printed(
                self.choose([", ", ", ", " - ", " · "]).join(inline), f"{role}.address", address_entity, value
            ),
            with_country=with_country,
            numbers=self._party_numbers(role),
        )
        words = party.name.split()
        if prefix == "SELLER" and len(words) > 2 and self.chance(0.05):
            cut = int(self.rng.integers(1, len(words)))
            lines_of_name = (" ".join(words[:cut]), " ".join(words[cut:]))
            view.broken_name = Printed(lines_of_name, f"{role}.name", name_entity, party.name)
        honorific = next((h for h in self._honorifics if party.name.startswith(f"{h} ")), None)
        if prefix == "BUYER" and honorific and self.chance(0.4):
            lines_of_name = (honorific, party.name.removeprefix(f"{honorific} "))
            view.broken_name = Printed(lines_of_name, f"{role}.name", name_entity, party.name)
        if party.trading_name and self.chance(0.7):
            view.trading_name = Printed(party.trading_name, f"{role}.trading_name")
        if party.slogan:
            view.slogan = Printed(party.slogan, f"{role}.slogan")
        if party.contact_person and self.chance(0.6):
            caption = self.caption("contact") if self.chance(0.7) else Markup("")
            view.contact = Row(caption, Printed(party.contact_person, f"{role}.contact_person"))
        if party.tax_id:
            key = "buyer_tax_id" if prefix == "BUYER" else "seller_tax_id"
            entity = f"{prefix}_TAX_ID" if prefix else None
            printed_id = party.tax_id
            if _PREFIXED_ID.fullmatch(printed_id) and self.chance(0.15):
                printed_id = f"{printed_id[:2]} {printed_id[2:]}"
            view.ids.append(
                Row(self.caption(key), Printed(printed_id, f"{role}.tax_id", entity, party.tax_id))
            )
        if party.tax_number and "tax_number" in self.lexicon:
            entity = "SELLER_TAX_ID" if prefix == "SELLER" else None
            printed = Printed(party.tax_number, f"{role}.tax_number", entity, party.tax_number)
            view.ids.append(Row(self.caption("tax_number"), printed))
        if party.registration_id:
            printed = Printed(party.registration_id, f"{role}.registration_id")
            named = _OWN_WORDS.match(party.registration_id)
            view.ids.append(Row(Markup("") if named else self.caption("registration"), printed))
        for key in ("phone", "fax", "email", "website"):
            text = getattr(party, key)
            if text:
                view.contacts.append(Row(self.caption(key), Printed(text, f"{role}.{key}")))
        return view

    def _address_lines(self, address: Address) -> list[str]:
        """Lines of an address; with the country's code before the post code where the layout has it there."""
        if not self.structure.get("city_country") or not address.post_code:
            return list(address.lines)
        code = address.country_code + self.choose([" ", " ", "-"])
        return [f"{code}{line}" if line.startswith(address.post_code) else line for line in address.lines]

    def _party_numbers(self, role: str) -> list[Row]:
        """What a party is called in the books of the other, and its Global Location Number; always O."""
        which = self.structure.get("party_number", "none")
        rows = []
        if which in ("number", "both"):
            known = self.invoice.extras.get(
                {"seller": "vendor_number", "buyer": "customer_number"}.get(role, "")
            )
            number = known or str(self.rng.integers(10**3, 10**7))
            rows.append(Row(self.caption("party_number"), Printed(number, f"{role}.number")))
        if which in ("gln", "both"):
            number = draw_ean(Draw(self.rng))
            number += self.choose(["", "", " (GLN)"])
            rows.append(
                Row(Markup(self.choose(["GLN", "GLN", "ILN", "Global ID"])), Printed(number, f"{role}.gln"))
            )
        return rows

    def country_line(self, address: Address) -> str:
        """The country as the last line of an address: mostly its name in the document's language."""
        name, english = address.country, country_name(address.country_code, "en")
        spellings = {
            "name": name,
            "upper": name.upper(),
            "spaced": name.replace("-", " "),
            "english": english,
            "both": name if name == english else f"{name} / {english}",
            "code": _COUNTRY_CODES.get(address.country_code, address.country_code),
        }
        ways = list(_COUNTRY_SPELLINGS)
        return spellings[ways[int(self.rng.choice(len(ways), p=list(_COUNTRY_SPELLINGS.values())))]]

    def party_rows(self, party: PartyView) -> list[Row]:
        """Name and address of a party with a caption each, or a caption for every line of the address."""
        name = [self.named("party_name", party.name)]
        if party.contact and self.structure["contact_between"]:
            name.append(party.contact)
        lines = party.address.text
        line_by_line = self.structure["party_table"] == "lines" and self.structure["caption_place"] == "left"
        if isinstance(lines, str) or not line_by_line:
            return [*name, self.named("party_address", party.address)]
        keys = ["party_street", *[""] * len(lines)][: len(lines)]
        city = len(lines) - 1 - (len(lines) > 1 and party.with_country)
        keys[city] = "party_city"
        if city < len(lines) - 1:
            keys[-1] = "party_country"
        captions = [self.caption(key) if key else Markup("&#160;") for key in keys]
        return [
            *name,
            Row(Markup('<span class="nb">{}</span>').format(Markup("<br/>").join(captions)), party.address),
        ]

    def party_caption(self, key: str) -> Markup:
        """The caption over a party."""
        listed = self.structure["listing"] and key in _LISTED and self.chance(0.7)
        return self.caption(_LISTED[key] if listed else key)

    def office_hours(self) -> list[str]:
        """When an office is open, in two lines at most; always O."""
        lines = []
        for opens in (8, 13)[: int(self.rng.integers(0, 3))]:
            sign = self.choose([":", ".", ":"])
            opening = f"{opens}{sign}{self.choose(['00', '30'])}"
            closing = f"{opens + int(self.rng.integers(4, 6))}{sign}{self.choose(['00', '30'])}"
            lines.append(self.phrase("office_hours").replace("{from}", opening).replace("{to}", closing))
        return lines

    def seller_caption(self) -> str | None:
        """Key of the caption over the seller; where to pay to only where no other address says it."""
        wanted = self.structure["seller_caption"]
        if wanted == "remit_to":
            wanted = "remit_to" if self.language == "en" and self.invoice.remit_to is None else "none"
        if wanted == "none":
            return "from" if self.structure["party_caption"] == "bar" else None
        return str(wanted)

    def named(self, key: str, value: Printed) -> Row:
        """A value with the caption of a key."""
        return Row(self.caption(key), value)

    # -- blocks --------------------------------------------------------------------------------------------

    def title(self) -> Printed:
        """The words that name the kind of document."""
        invoice = self.invoice
        receipt = invoice.document_type == "receipt"
        key, share = _TITLES.get(invoice.kind, ("", 0.0))
        if not self.chance(share):
            key = "title_receipt" if receipt else "title_invoice"
        text = self.phrase(key)
        text = text.upper() if self.style["title_upper"] else text
        code = "rcpt" if receipt else _TITLE_CODES.get(invoice.kind, "380")
        return Printed(text, "kind", "DOCUMENT_TYPE", code)

    def number_row(self) -> Row:
        """The document's number."""
        key = {"invoice": "number", "credit_note": "credit_number", "receipt": "receipt_number"}
        printed = Printed(self.invoice.number, "number", "INVOICE_NUMBER", self.invoice.number)
        return Row(self.caption(key[self.invoice.document_type]), printed)

    def date_row(self) -> Row:
        """The date of issue."""
        return Row(self.caption("date"), self.date(self.invoice.issue_date, "issue_date", "INVOICE_DATE"))

    def references(self, limit: int) -> list[Row]:
        """Number, date and further references, labelled and not, in an order of the document's own."""
        invoice = self.invoice
        first = [self.number_row(), self.date_row()]
        if self.chance(0.25):
            first.reverse()
        more: list[Row] = []
        if invoice.due_date:
            more.append(Row(self.caption("due_date"), self.date(invoice.due_date, "due_date", "DUE_DATE")))
        if invoice.delivery_date:
            start = self.date(invoice.delivery_date, "delivery_date", "DELIVERY_DATE")
            if invoice.delivery_end:
                end = self.date(invoice.delivery_end, "delivery_end", None)
                dash = self.choose([" - ", " – ", " to " if self.language == "en" else " - "])
                text = f"{start.text}{dash}{end.text}"
                period = Printed(text, "delivery_date", "DELIVERY_DATE", f"{start.value}/{end.value}")
                more.append(Row(self.caption("service_period"), period))
            else:
                more.append(Row(self.caption("delivery_date"), start))
        extras = [self.extra(key) for key in invoice.extras if EXTRA_CAPTIONS.get(key, key) in self.lexicon]
        if invoice.payment.terms and self.chance(0.35):
            more.append(self._terms())
        if invoice.buyer and invoice.buyer.tax_id and self.chance(0.3):
            tax_id = invoice.buyer.tax_id
            printed = Printed(tax_id, "buyer.tax_id", "BUYER_TAX_ID", tax_id)
            more.append(Row(self.caption("buyer_tax_id"), printed))
        more += extras
        order = self.rng.permutation(len(more))
        more = [more[int(i)] for i in order][: max(0, limit - 2)]
        if invoice.purchase_order_number and not self._order_in_table():
            more.insert(int(self.rng.integers(len(more) + 1)), self._order())
        if invoice.preceding_invoice_number:
            number = invoice.preceding_invoice_number
            printed = Printed(number, "preceding_invoice_number", "PRECEDING_INVOICE_NUMBER", number)
            more.append(Row(self.caption("preceding"), printed))
        if self.chance(0.2):
            first, more = more[:2], [*first, *more[2:]]
        if self.structure["refs"] in ("boxes", "table", "form", "grid"):
            filled = invoice.extras.keys() | {EXTRA_CAPTIONS.get(key, key) for key in invoice.extras}
            empty = [key for key in _UNFILLED if key not in filled][: self.structure["refs_blank"]]
            for key in empty:
                row = Row(self.caption(key), Markup(""))
                more.insert(int(self.rng.integers(len(more) + 1)), row)
        return [*first, *more]

    def _order_in_table(self) -> bool:
        """Whether the order's number stands over the rows of the table and not among the references."""
        return bool(self.structure["order_in_table"] and self.invoice.purchase_order_number)

    def _order(self) -> Row:
        number = self.invoice.purchase_order_number or ""
        printed = Printed(number, "purchase_order_number", "PURCHASE_ORDER_NUMBER", number)
        return Row(self.caption("order_number"), printed)

    def extra(self, key: str) -> Row:
        """A hard negative of ``Invoice.extras`` with its caption; always O."""
        text, path = self.invoice.extras[key], f"extras.{key}"
        printed = self.date(dt.date.fromisoformat(text), path, None) if key in _DATES else Printed(text, path)
        return Row(self.caption(EXTRA_CAPTIONS.get(key, key)), printed)

    def _terms(self) -> Row:
        terms = self.invoice.payment.terms or ""
        return Row(self.caption("payment_terms"), Printed(terms, "payment.terms", "PAYMENT_TERMS", terms))

    def terms(self) -> Row | None:
        """The terms of payment, when the document has any."""
        return self._terms() if self.invoice.payment.terms else None

    def columns(self) -> list[str]:
        """The columns that will be printed: those of the genome that this invoice can fill."""
        lines = self.invoice.lines
        have = {
            "ITEM_CODE": any(line.item_code for line in lines),
            "ITEM_UNIT": any(line.unit for line in lines),
            "ITEM_DISCOUNT": any(line.discount for line in lines),
            "ITEM_TAX_RATE": bool(self.tax_lines),
            "tax_amount": bool(self.tax_lines),
            "gross_amount": bool(self.tax_lines) and not self.invoice.prices_include_tax,
            "item_date": any(line.service_date for line in lines),
            "commodity_code": any(line.commodity_code for line in lines),
            "origin_country": any(line.origin_country for line in lines),
            "net_weight": any(line.net_weight for line in lines),
        }
        columns = [name for name in self.structure["columns"] if have.get(name, True)]
        for fact in ("net_weight", "origin_country", "commodity_code"):
            if have[fact] and fact not in columns and len(columns) < _ROOM_FOR_FACTS:
                columns.insert(columns.index("ITEM_DESCRIPTION") + 1, fact)
        if have["item_date"] and "item_date" not in columns:
            columns.insert(0, "item_date")
        if have["ITEM_DISCOUNT"] and "ITEM_DISCOUNT" not in columns and "ITEM_UNIT_PRICE" in columns:
            columns.insert(columns.index("ITEM_UNIT_PRICE") + 1, "ITEM_DISCOUNT")
        return columns

    def header_cell(self, column: str) -> Markup:
        """The caption of a column as a header cell of the line-item table."""
        text = self.wording(_COLUMN_CAPTIONS[column])
        in_caption = column == "ITEM_AMOUNT" and self.style["currency_in_caption"]
        if in_caption and not names_currency(text):
            text = f"{text} ({self.symbol})" if self.chance(0.5) else f"{text} {self.symbol}"
        text = text.upper() if self.style.get("header_case") == "upper" else text
        return Markup('<span data-cell="header" data-column="{}">{}</span>').format(column, text)

    def item_value(self, line: InvoiceLine, row: int, column: str) -> Printed | None:
        """What a line prints in a column; None where the cell stays empty."""
        path, group = f"lines.{row}", f"line-{row}"
        match column:
            case "position":
                return Printed(line.line_id, f"{path}.line_id")
            case "item_date":
                date = line.service_date
                return self.date(date, f"{path}.service_date", None) if date else None
            case "commodity_code" | "origin_country":
                fact = getattr(line, column)
                return Printed(fact, f"{path}.{column}") if fact else None
            case "net_weight":
                weight = line.net_weight
                return self.number(weight, f"{path}.net_weight", None) if weight else None
            case "ITEM_CODE":
                code = line.item_code
                return Printed(code, f"{path}.item_code", column, code, group) if code else None
            case "ITEM_DESCRIPTION":
                return self._description(line, path, group)
            case "ITEM_QUANTITY":
                return self.number(line.quantity, f"{path}.quantity", column, group=group)
            case "ITEM_UNIT":
                return (
                    Printed(line.unit, f"{path}.unit", column, line.unit_code, group) if line.unit else None
                )
            case "ITEM_UNIT_PRICE":
                return self.price(line.unit_price, f"{path}.unit_price", column, group=group)
            case "ITEM_DISCOUNT":
                if not line.discount:
                    return None
                if line.discount_percent is not None and self.style["discount_negative"]:
                    return self.rate(line.discount_percent, f"{path}.discount_percent", column, group=group)
                return self.money(line.discount, f"{path}.discount", column, place="items", group=group)
            case "ITEM_TAX_RATE":
                return self.rate(line.tax_rate, f"{path}.tax_rate", column, group=group)
            case "tax_amount":
                return self.money(_tax_on_top(line), f"{path}.tax_amount", None, place="items")
            case "gross_amount":
                gross = line.net_amount + _tax_on_top(line)
                return self.money(gross, f"{path}.gross_amount", None, place="items")
            case "ITEM_AMOUNT":
                return self.money(line.net_amount, f"{path}.net_amount", column, place="items", group=group)
        raise ValueError(f"no column {column!r}")

    def _description(self, line: InvoiceLine, path: str, group: str) -> Printed:
        how = self.structure.get("second_line", "none")
        lines = [line.name] if not line.description or how == "none" else [line.name, line.description]
        value = " ".join(lines)
        if how == "inline":
            lines = [value]
        if signs := self.style.get("description_signs"):
            lines = [part for whole in lines for part in textwrap.wrap(whole, signs, **_BETWEEN_WORDS)]
        if self.style.get("upper"):
            lines = [part.upper() for part in lines]
        return Printed(tuple(lines), f"{path}.name", "ITEM_DESCRIPTION", value, group)

    def cell(self, printed: Printed | None, row: int, column: str) -> Markup:
        """A value as a data cell of the line-item table."""
        if printed is None:
            return Markup("")
        return Markup(
            f'<span data-cell="data" data-column="{column}" data-row="{row}">{printed.__html__()}</span>'
        )

    def item_rows(self, columns: list[str]) -> Iterator[list[Markup]]:
        """The rows of the line-item table, a cell a column."""
        for row, line in enumerate(self.invoice.lines):
            cells = [self.cell(self.item_value(line, row, column), row, column) for column in columns]
            if self.structure["unit_in_quantity"] and line.unit and "ITEM_QUANTITY" in columns:
                place, unit = columns.index("ITEM_QUANTITY"), self.item_value(line, row, "ITEM_UNIT")
                cells[place] = Markup("{} {}").format(cells[place], self.cell(unit, row, "ITEM_UNIT"))
            if line.standard_id and "ITEM_CODE" in columns:
                place = columns.index("ITEM_DESCRIPTION")
                number = Printed(line.standard_id, f"lines.{row}.standard_id")
                cells[place] = Markup("{}<br/>{} {}").format(cells[place], self.standard_id_caption, number)
            yield cells

    def item_tables(self, columns: list[str]) -> list[ItemTable]:
        """The line items in one table, or on long documents in several with the sum carried over between them."""
        lines, size = self.invoice.lines, int(self.structure["carry_rows"])
        if not size or len(lines) <= size or len(columns) < 2:
            size = len(lines)
        tables = []
        rows = list(self.item_rows(columns))
        for start in range(0, len(lines), size):
            entries: list[Entry] = []
            if start == 0 and self._order_in_table():
                order = self._order()
                entries.append(Markup("{} {}").format(order.caption, order.value))
            for row in range(start, min(start + size, len(lines))):
                section = lines[row].section
                if section:
                    entries.append(Printed(section, f"lines.{row}.section").__html__())
                entries.append(rows[row])
                entries += self._parts(lines[row], row, columns)
                if self.structure["schedule"]:
                    entries.append(self._schedule(lines[row], row))
                if self.structure["section_sums"] and self._ends_section(row):
                    entries.append(self._section_sum(row))
            before = sum(line.net_amount for line in lines[:start])
            after = sum(line.net_amount for line in lines[: start + size])
            last = start + size >= len(lines)
            tables.append(
                ItemTable(
                    entries,
                    self._carried("brought_forward", before, start) if start else None,
                    None if last else self._carried("carried_forward", after, start),
                )
            )
        return tables

    def _parts(self, line: InvoiceLine, row: int, columns: list[str]) -> Iterator[PartRow]:
        """What a set holds, with code and quantity in their columns, or before the name, or without either."""
        how = self.structure["parts"]
        for i, part in enumerate(line.parts):
            path = f"lines.{row}.parts.{i}"
            quantity = self.number(part.quantity, f"{path}.quantity", None)
            name = Printed(part.name, f"{path}.name")
            counted = Markup("{} x {}").format(quantity, name) if how == "counted" else name
            cells = {"ITEM_DESCRIPTION": Markup("{}{}").format(self.style["part_mark"], counted)}
            if how == "columns":
                cells["ITEM_QUANTITY"] = quantity.__html__()
                cells["ITEM_CODE"] = Printed(part.item_code or "", f"{path}.item_code").__html__()
            yield PartRow([cells.get(column, Markup("")) for column in columns])

    def _schedule(self, line: InvoiceLine, row: int) -> Schedule:
        """Some of the times that a row of airtime was broadcast."""
        path, count = f"lines.{row}.times", min(max(int(abs(line.quantity)), 1), _MOST_TIMES)
        last = self.invoice.delivery_end or self.invoice.issue_date
        days = sorted((int(day) for day in self.rng.integers(0, 28, count)), reverse=True)
        clock = "%I:%M %p" if self.language == "en" else "%H:%M"
        length = self.choose([":30", ":15", ":60", "30 s", "0:30"])
        code = "".join(self.choose(list("BCDFGKMPRSTV")) for _ in range(4))
        times = []
        for back in days:
            date = last - dt.timedelta(days=back)
            hour, minute = int(self.rng.integers(6, 24)), int(self.rng.integers(60))
            texts = (
                print_date(date, "EEE", self.locale),
                str(self.date(date, path, None).text),
                length,
                dt.time(hour, minute).strftime(clock).lstrip("0"),
                f"{code}{int(self.rng.integers(1000, 9999))}",
            )
            rate = self.price(line.unit_price, path, None)
            times.append([*(Printed(text, path) for text in texts), rate])
        return Schedule(times)

    def _ends_section(self, row: int) -> bool:
        lines = self.invoice.lines
        if not any(line.section for line in lines):
            return False
        return row + 1 == len(lines) or lines[row + 1].section is not None

    def _section_sum(self, last: int) -> Row:
        lines = self.invoice.lines
        first = max(row for row in range(last + 1) if lines[row].section)
        amount = sum(line.net_amount for line in lines[first : last + 1])
        printed = self.money(amount, f"lines.{first}.section_sum", None, place="items")
        return Row(self.caption("section_subtotal"), printed)

    def _carried(self, key: str, minor: int, start: int) -> Row:
        return Row(self.caption(key), self.money(minor, f"{key}.{start}", None, place="items"))

    def discount_rows(self) -> list[Row]:
        """Document-level allowances and charges."""
        rows = []
        for i, entry in enumerate(self.invoice.allowances_charges):
            entity = "CHARGE_AMOUNT" if entry.is_charge else "DISCOUNT_AMOUNT"
            negative = not entry.is_charge and self.style["discount_negative"]
            reason = entry.reason.upper() if self.style["caption_case"] == "upper" else entry.reason
            if entry.percent is not None:
                reason = f"{reason} {self.rate(entry.percent, '', None).text}"
            amount = self.money(
                -entry.amount if negative else entry.amount, f"allowances_charges.{i}.amount", entity
            )
            rows.append(Row(escape(reason + self.structure["caption_end"]), amount))
        return rows

    def tax_rows(self, how: str) -> list[Row]:
        """Tax in the totals block: a row a rate, or one sum."""
        invoice = self.invoice
        if not self.tax_lines:
            return []
        if how == "sum" or (how == "columns" and len(self.tax_lines) > 1 and self.chance(0.3)):
            return [
                Row(self.caption("tax_total"), self.money(invoice.totals.tax, "totals.tax", "TAX_AMOUNT"))
            ]
        at = ["{name} @ {rate}"] if self.language == "en" else []
        shape = self.choose(["{name} {rate}", "{name} {rate}", "{rate} {name}", "{name} ({rate})", *at])
        if how == "columns":
            shape = "{name} {rate} {of} {base}"
        rows = []
        for i, line in enumerate(self.tax_lines):
            group, path = f"tax-{i}", f"tax_lines.{i}"
            caption = Markup(shape).format(
                name=line.name,
                rate=self.rate(line.rate, f"{path}.rate", "TAX_RATE", group=group),
                of=self.phrase("tax_of"),
                base=self.money(line.base, f"{path}.base", "TAX_BASE_AMOUNT", group=group),
            )
            end = self.structure["caption_end"]
            rows.append(
                Row(caption + end, self.money(line.amount, f"{path}.amount", "TAX_AMOUNT", group=group))
            )
        return rows

    def totals(self) -> list[Row]:
        """The totals block of an invoice or credit note, top to bottom."""
        t, structure = self.invoice.totals, self.structure
        if self.every_sum():
            return self._every_sum() + self.second_currency_rows()
        if self.totals_by_rate():
            return self._after_total() + self.second_currency_rows()
        rows = []
        adjusted = bool(self.invoice.allowances_charges)
        if structure["subtotal"] or adjusted:
            if self.invoice.prices_include_tax and not adjusted:
                rows.append(
                    Row(self.caption("total_excluded"), self.money(t.net, "totals.net", "SUBTOTAL_AMOUNT"))
                )
            else:
                path = "totals.line_sum" if adjusted else "totals.net"
                amount = t.line_sum if adjusted else t.net
                rows.append(Row(self.caption("subtotal"), self.money(amount, path, "SUBTOTAL_AMOUNT")))
        rows += self.discount_rows()
        rows += self.tax_rows(structure["tax_lines"])
        rows.append(Row(self.caption("total"), self.money(t.gross, "totals.gross", "TOTAL_AMOUNT"), "total"))
        return rows + self._after_total() + self.second_currency_rows()

    def _after_total(self) -> list[Row]:
        """What stands below the total: rounding, what was paid, what is due, the customer's account."""
        t = self.invoice.totals
        rows = []
        if t.rounding:
            rows.append(Row(self.caption("rounding"), self.money(t.rounding, "totals.rounding", None)))
        if t.paid:
            paid = self.money(
                -t.paid if self.style["discount_negative"] else t.paid, "totals.paid", "AMOUNT_PAID"
            )
            rows.append(Row(self.caption("paid"), paid))
        if t.paid or t.rounding:
            rows.append(Row(self.caption("due"), self.money(t.due, "totals.due", "AMOUNT_DUE"), "total"))
        if self.invoice.account and not self.structure["account_box"]:
            rows += self.account_rows()
        return rows

    def every_sum(self) -> bool:
        """Whether the totals block states every sum of an electronic invoice, those of nothing too."""
        plain = not (self.invoice.prices_include_tax or self.invoice.totals.rounding or self.invoice.account)
        return bool(self.structure.get("every_sum") and plain and self.tax_lines)

    def _every_sum(self) -> list[Row]:
        """The document totals of EN 16931 (BG-22) in its order; a sum of nothing is O, and the sum of the lines where
        the total without tax is another.
        """
        t = self.invoice.totals
        less = -t.allowances if self.style["discount_negative"] else t.allowances
        sums = (
            ("listed_line_sum", "line_sum", t.line_sum, "SUBTOTAL_AMOUNT" if t.line_sum == t.net else None),
            ("listed_charges", "charges", t.charges, "CHARGE_AMOUNT" if t.charges else None),
            ("listed_allowances", "allowances", less, "DISCOUNT_AMOUNT" if less else None),
            ("listed_net", "net", t.net, "SUBTOTAL_AMOUNT"),
            ("listed_tax", "tax", t.tax, "TAX_AMOUNT"),
            ("listed_gross", "gross", t.gross, "TOTAL_AMOUNT"),
            ("listed_paid", "paid", t.paid, "AMOUNT_PAID" if t.paid else None),
            ("listed_due", "due", t.due, "AMOUNT_DUE"),
        )
        left_out = {name for name in ("line_sum", "charges", "allowances", "paid") if self.chance(0.12)}
        return [
            Row(
                self.caption(key),
                self.money(minor, f"totals.{name}", entity),
                "total" if name in ("gross", "due") else "",
            )
            for key, name, minor, entity in sums
            if name not in left_out or (entity and entity != "SUBTOTAL_AMOUNT")
        ]

    def totals_by_rate(self) -> tuple[list[Markup], list[list[Printed | Markup]]] | None:
        """Captions and rows of a totals block with a row a tax rate and a column a sum, the last row of all rates; None
        where the layout has another.
        """
        if self.structure["totals_place"] != "by_rate" or not self.tax_lines or self.every_sum():
            return None
        if self._by_rate is None:
            self._by_rate = self._totals_by_rate()
        return self._by_rate

    def _totals_by_rate(self) -> tuple[list[Markup], list[list[Printed | Markup]]]:
        t, empty = self.invoice.totals, Markup("")
        adjusted = bool(self.invoice.allowances_charges) and not self.invoice.prices_include_tax
        goods = adjusted or (not self.invoice.prices_include_tax and self.chance(0.3))
        rows: list[list[Printed | Markup]] = []
        one_row = [line.base for line in self.tax_lines] == [t.net] and self.chance(0.5)
        for i, line in enumerate(self.tax_lines):
            group, path = f"tax-{i}", f"tax_lines.{i}"
            sold = sum(item.net_amount for item in self.invoice.lines if item.tax_rate == line.rate)
            rows.append(
                [
                    self.money(sold, f"{path}.goods", None),
                    self.money(line.base - sold, f"{path}.adjustments", None) if line.base != sold else empty,
                    self.money(
                        line.base,
                        f"{path}.base",
                        "SUBTOTAL_AMOUNT" if one_row else "TAX_BASE_AMOUNT",
                        group=group,
                    ),
                    self.rate(line.rate, f"{path}.rate", "TAX_RATE", group=group),
                    self.money(line.amount, f"{path}.amount", "TAX_AMOUNT", group=group),
                    self.money(line.base + line.amount, f"{path}.gross", "TOTAL_AMOUNT" if one_row else None),
                ]
            )
        if not one_row:
            entity = (
                None if t.charges and t.allowances else "CHARGE_AMOUNT" if t.charges else "DISCOUNT_AMOUNT"
            )
            printed = Printed(self.invoice.currency, "currency", "CURRENCY", self.invoice.currency)
            rows.append(
                [
                    self.money(t.line_sum, "totals.line_sum", None),
                    self.money(t.charges - t.allowances, "totals.adjustments", entity)
                    if t.charges != t.allowances
                    else empty,
                    self.money(t.net, "totals.net", "SUBTOTAL_AMOUNT"),
                    printed if self.chance(0.5) else empty,
                    self.money(t.tax, "totals.tax", "TAX_AMOUNT"),
                    self.money(t.gross, "totals.gross", "TOTAL_AMOUNT"),
                ]
            )
        keys = [
            "goods_value",
            "adjustments",
            "tax_table_base",
            "tax_table_rate",
            "tax_table_amount",
            "tax_table_gross",
        ]
        order = [0] * goods + [1] * adjusted + ([2, 3, 4] if self.chance(0.6) else [2, 4, 3]) + [5]
        captions = [self.caption(keys[column], end=False) for column in order]
        if self.chance(0.5):
            captions[-1] = self.caption("total", end=False)
        return captions, [[row[column] for column in order] for row in rows]

    def account_rows(self) -> list[Row]:
        """The customer's account: balance before, payments, what this bill adds, what is to be paid in all."""
        account = self.invoice.account
        if account is None:
            return []
        payments = -account.payments if self.style["discount_negative"] else account.payments
        path, due = "account", self.money(account.due, "account.due", "AMOUNT_DUE")
        rows = [
            Row(
                self.caption("previous_balance"),
                self.money(account.previous_balance, f"{path}.previous_balance", None),
            ),
            Row(self.caption("payments_received"), self.money(payments, f"{path}.payments", None)),
        ]
        if self.structure["account_box"]:
            charges = self.money(self.invoice.totals.gross, "totals.gross", "TOTAL_AMOUNT")
            rows.append(Row(self.caption("current_charges"), charges))
        return [*rows, Row(self.caption("account_due"), due, "total")]

    def second_currency_rows(self) -> list[Row]:
        """The totals once more in a second currency; always O."""
        second = self.invoice.second_currency
        if second is None:
            return []

        def amount(minor: int, path: str) -> Printed:
            value = Decimal(minor).scaleb(-second.currency_digits)
            text = format_number(value, self.style["number_style"], second.currency_digits)
            sign = "-" if minor < 0 else ""
            return Printed(f"{sign}{text}", path)

        def named(key: str) -> Markup:
            return escape(
                self.wording(key)
                .replace("{currency}", second.currency)
                .replace("{CURRENCY}", second.currency)
            )

        rate = format_number(second.rate, self.style["number_style"], 4)
        rows = [Row(self.caption("exchange_rate"), Printed(rate, "second_currency.rate"))]
        if second.tax and self.chance(0.5):
            rows.append(Row(named("tax_in_currency"), amount(second.tax, "second_currency.tax")))
        return [*rows, Row(named("total_in_currency"), amount(second.gross, "second_currency.gross"))]

    def tax_table(self) -> tuple[list[Markup], list[list[Printed | Markup]]]:
        """Captions and rows of a tax breakdown table."""
        codes = any(line.code for line in self.tax_lines)
        gross = self.chance(0.4)
        keys = [
            *(["tax_table_code"] if codes else []),
            "tax_table_rate",
            "tax_table_base",
            "tax_table_amount",
        ]
        keys += ["tax_table_gross"] if gross else []
        rows: list[list[Printed | Markup]] = []
        for i, line in enumerate(self.tax_lines):
            group, path = f"tax-{i}", f"tax_lines.{i}"
            row: list[Printed | Markup] = [
                self.rate(line.rate, f"{path}.rate", "TAX_RATE", group=group),
                self.money(line.base, f"{path}.base", "TAX_BASE_AMOUNT", group=group),
                self.money(line.amount, f"{path}.amount", "TAX_AMOUNT", group=group),
            ]
            if codes:
                row.insert(0, Printed(line.code or "", f"{path}.code"))
            if gross:
                row.append(self.money(line.base + line.amount, f"{path}.gross", None))
            rows.append(row)
        return [self.caption(key, end=False) for key in keys], rows

    def payment(self) -> list[Row]:
        """How to pay: method, account, bank, reference."""
        p = self.invoice.payment
        rows: list[Row] = []
        if p.bank_name:
            rows.append(Row(self.caption("bank_name"), Printed(p.bank_name, "payment.bank_name")))
        if (p.iban or p.account_number) and self.chance(0.35):
            holder = Printed(self.invoice.seller.name, "payment.account_holder")
            rows.append(Row(self.caption("account_holder"), holder))
        if p.iban:
            spaced = " ".join(p.iban[i : i + 4] for i in range(0, len(p.iban), 4))
            printed = Printed(
                spaced if self.style["iban_spaced"] else p.iban, "payment.iban", "BANK_ACCOUNT", p.iban
            )
            rows.append(Row(self.caption("iban"), printed))
        if p.account_number:
            printed = Printed(p.account_number, "payment.account_number", "BANK_ACCOUNT", p.account_number)
            rows.append(Row(self.caption("account_number"), printed))
        if p.bank_code:
            rows.append(
                Row(
                    self.caption("bank_code"),
                    Printed(p.bank_code, "payment.bank_code", "BANK_CODE", p.bank_code),
                )
            )
        if p.bic:
            rows.append(Row(self.caption("bic"), Printed(p.bic, "payment.bic", "BANK_CODE", p.bic)))
        if self.chance(0.2):
            order = self.rng.permutation(len(rows))
            rows = [rows[int(i)] for i in order]
        if p.reference:
            printed = Printed(p.reference, "payment.reference", "PAYMENT_REFERENCE", p.reference)
            rows.append(Row(self.caption("payment_reference"), printed))
        if p.method:
            method = Row(
                self.caption("payment_method"),
                Printed(p.method, "payment.method", "PAYMENT_METHOD", p.method),
            )
            rows.insert(0 if self.chance(0.6) else len(rows), method)
        return rows

    def sentence(self, key: str, **values: Printed | Markup) -> Markup:
        """A sentence of the lexicon with values in its places."""
        return Markup(escape(self.phrase(key)).format(**values))

    def due_sentence(self) -> Markup | None:
        """A sentence that asks for the amount by the due date."""
        if not self.invoice.due_date:
            return None
        t = self.invoice.totals
        due = (
            self.money(t.due, "totals.due", "AMOUNT_DUE")
            if t.paid or t.rounding
            else self.money(t.gross, "totals.gross", "TOTAL_AMOUNT")
        )
        return self.sentence(
            "sentence_due", due=due, due_date=self.date(self.invoice.due_date, "due_date", "DUE_DATE")
        )

    def logo(self, on_band: bool = False) -> Markup:
        """A drawn mark in the colours of the document, in white on a band of them."""
        colour, second = self.style["accent"], self.style["second_colour"]
        if on_band:
            colour, second = "#ffffff", "#dddddd"
        return logo(self.rng, colour, second, float(self.style["logo_mm"]))

    def payment_code(self) -> Markup | None:
        """A payment code with the document's own account and amount; None where it cannot have one."""
        swiss = swiss_payload(self.invoice)
        if swiss:
            return swiss_code(swiss)
        payload = epc_payload(self.invoice)
        return qr_code(payload, 26) if payload else None

    def stamp(self) -> str:
        """The word of a stamp; "paid" only where nothing is left to pay."""
        key = self.structure["stamp"]
        settled = self.invoice.totals.due == 0
        return self.phrase("stamp_received" if key == "stamp_paid" and not settled else key)

    def watermark(self) -> str:
        """The word across the page, behind what it says."""
        draft = self.invoice.kind == "proforma_invoice"
        return self.phrase("watermark_draft" if draft else "watermark_copy")

    def margin_text(self) -> str:
        """Small print up the margin: what form this is, or what the printer prints; always O."""
        words = [
            self.phrase("masthead"),
            f"{self.choose(['Form', 'Rev.', 'V'])} {self.rng.integers(1, 99):02d}/{self.rng.integers(10, 27)}",
        ]
        return " ".join(self.choose([words, words[:1], words[::-1]]))

    def signature(self) -> Printed | None:
        """The name of who signs for the seller; always O."""
        person = self.invoice.seller.contact_person
        return Printed(person, "seller.contact_person") if person and self.chance(0.6) else None

    def closing(self) -> list[Markup]:
        """The end of a letter: a phrase, and the seller or who writes for it."""
        seller = self.invoice.seller
        lines = [escape(self.phrase("closing"))]
        if self.chance(0.5):
            lines.append(Printed(seller.name, "seller.name", "SELLER_NAME", seller.name).__html__())
        if seller.contact_person and self.chance(0.5):
            lines.append(Printed(seller.contact_person, "seller.contact_person").__html__())
        return lines

    def title_line(self) -> Markup:
        """Number and date as they go on from the title, with the code of the document's type now and then."""
        line = self.sentence("title_line", number=self.number_row().value, date=self.date_row().value)
        if self.chance(0.3):
            return Markup("({}) {}").format(_TITLE_CODES.get(self.invoice.kind, "380"), line)
        return line

    def specification(self) -> list[Row]:
        """What a viewer of electronic invoices says of the file it shows; always O."""
        number = self.invoice.number
        name = "".join(sign if sign.isalnum() else "_" for sign in number)
        rows = [
            Row(
                Markup(self.choose(["Profile", "Customization ID", "Specification", "URN", "BT-24"])),
                Markup(self.choose(list(_PROFILES))),
            ),
            Row(Markup(self.choose(["Syntax", "Format", "Standard"])), Markup(self.choose(list(_SYNTAXES)))),
            Row(
                Markup(self.choose(["XML", "File", "Input"])),
                Markup(self.choose(["", "invoice_", "EN16931_"]) + name + ".xml"),
            ),
            Row(Markup("Version"), Markup(f"{self.rng.integers(1, 5)}.{self.rng.integers(0, 20)}")),
        ]
        return [rows[int(i)] for i in sorted(self.rng.permutation(len(rows))[: self.rng.integers(1, 5)])]

    def number_bars(self) -> Markup:
        """The document's number as a bar code."""
        return bar_code(self.invoice.number, 45, 9)

    def stamp_date(self) -> Printed:
        """The day that a stamp states, after the date of issue; always O."""
        day = self.invoice.issue_date + dt.timedelta(days=int(self.rng.integers(1, 12)))
        return self.date(day, "stamp.date", None)

    def fit_pt(self, text: Printed, size_pt: float, columns: int) -> float:
        """A font size at which the longest word of ``text`` fits a column of the page.

        Args:
            text: What is printed.
            size_pt: The size wanted.
            columns: Equal columns that share the width of the page.
        """
        column_mm = self._width_mm() / columns - 5
        lines = [text.text] if isinstance(text.text, str) else list(text.text)
        longest = max(len(word) for line in lines for word in line.split())
        # 0.72 em: mean advance of bold capitals; 0.3528 mm a point.
        return round(min(size_pt, column_mm / (longest * 0.72 * 0.3528)), 1)

    def _width_mm(self) -> float:
        """Width of the page between its margins and beside its sidebar."""
        width, height = {"A4": (210, 297), "Letter": (216, 279), "A5": (148, 210)}[self.structure["page"]]
        beside_mm = 0 if self.structure["sidebar"] == "none" else SIDEBAR_MM
        paper_mm = height if self.structure["landscape"] else width
        return paper_mm - beside_mm - 2 * float(self.style["margin_mm"])

    def footer_mm(self, seller: PartyView, payment: list[Row]) -> float:
        """Height of the footer beyond the margin below.

        Args:
            seller: Whose name, address, contacts and numbers stand in its columns.
            payment: Rows of which the first four do.
        """
        if self.structure["footer"] != "columns":
            return 6
        columns = [
            [str(seller.name.text), *seller.address.text],
            [_plain(row) for row in seller.contacts],
            [_plain(row) for row in seller.ids],
            *([[_plain(row) for row in payment[:4]]] if self.structure["footer_bank"] else []),
        ]
        size_mm = max(float(self.style["size_pt"]) - 2, 5.5) * 0.3528
        # 0.55 em: mean advance of text with capitals and digits.
        per_line = max(1, int((self._width_mm() / len(columns) - 2) / (0.55 * size_mm)))
        lines = max(sum(-(-len(text) // per_line) for text in texts) for texts in columns)
        # Above it 2 mm, below it what no printer reaches.
        height_mm = lines * size_mm * float(self.style["line_height"]) + 8
        return round(max(12.0, height_mm - float(self.style["margin_mm"])), 1)

    def page_number_content(self) -> Markup:
        """The CSS ``content`` of the page number, in the language's form."""
        shape = self.choose(self.lexicon["page"])
        parts = shape.replace("{page}", '" counter(page) "').replace("{pages}", '" counter(pages) "')
        return Markup('"' + parts + '"')


def _tax_on_top(line: InvoiceLine) -> int:
    """Tax of a line whose amount is net, in minor units."""
    return round_half_up(Decimal(line.net_amount) * line.tax_rate / 100)


def _plain(row: Row) -> str:
    text = row.value.text if isinstance(row.value, Printed) else row.value
    return f"{row.caption} {text if isinstance(text, str) else ' '.join(text)}"
