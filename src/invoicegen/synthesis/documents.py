"""From a plan to the record of a document: :func:`synthesise`."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Final, Literal

from invoicegen.randomness import Stage, document_rng
from invoicegen.schema.invoice import (
    QR_BILLS_SINCE,
    RECEIPT_KINDS,
    AccountStatement,
    AllowanceCharge,
    Invoice,
    InvoiceLine,
    Party,
    Payment,
    SecondCurrency,
    TaxLine,
    Tender,
    Totals,
    round_half_up,
)
from invoicegen.schema.plan import DocumentPlan
from invoicegen.synthesis.currencies import names_another
from invoicegen.synthesis.draw import Draw
from invoicegen.synthesis.goods import Goods, draw_line_count, fill_note
from invoicegen.synthesis.identifiers import (
    DOCUMENT_NUMBERS,
    RECEIPT_NUMBERS,
    ReferenceScheme,
    creditor_reference,
    draw_account,
    draw_number,
    passes,
    qr_account,
    spoil_digit,
    structured_reference,
)
from invoicegen.synthesis.locales import (
    FIRST_YEAR,
    LAST_YEAR,
    Industry,
    Language,
    Locale,
    TaxClass,
    TaxRegime,
    load_industries,
    load_language,
    load_locale,
    locale_names,
)
from invoicegen.synthesis.money import amounts_by_rate, plain, tax_breakdown, total_up
from invoicegen.synthesis.parties import Names, draw_address, draw_buyer, draw_seller

_PER_EUR: Final[dict[str, tuple[float, int]]] = {
    "EUR": (1.0, 2), "USD": (1.1, 2), "GBP": (0.86, 2), "CHF": (0.96, 2), "JPY": (160.0, 0), "SEK": (11.3, 2),
    "CNY": (7.8, 2), "AUD": (1.65, 2), "CAD": (1.5, 2),
}  # fmt: skip
"""Rough units of a currency for one euro, and its minor-unit digits (ISO 4217): what foreign prices start from."""
FOREIGN_CURRENCIES: Final = {
    "EUR": 5.0,
    "USD": 5.0,
    "GBP": 2.0,
    "CHF": 1.0,
    "JPY": 1.0,
    "SEK": 0.5,
    "CNY": 0.4,
}
"""Currencies that a document may be in beside its country's, by weight; templates have a sign for each."""
_CORRECTING: Final = ("credit_note", "corrective_invoice")
_BY_PERIOD: Final = ("utility_bill", "telecom_bill", "subscription_invoice", "advertising_invoice")
_MEANS_CODES: Final = {
    "transfer": "30",
    "sepa": "58",
    "debit": "49",
    "card": "48",
    "cash": "10",
    "online": "68",
}
"""UNCL4461, payment means."""
_ORIGINS: Final = ("CN", "DE", "IT", "PL", "TW", "US", "CZ", "VN", "TR", "JP", "FR", "IN", "MX", "NL", "KR")
_COMMISSION: Final = Decimal(15)  # percent of the price of advertising that its agency keeps
_SELLERS_ABROAD: Final = 0.1
_SIMPLE: Final = ("commercial_invoice", "tax_invoice", "service_invoice")
_SIMPLIFIED: Final = 0.05
"""Share of these kinds that name nobody but the seller, as simplified invoices may (Directive 2006/112/EC, article
226b)."""
_BUYERS_ABROAD: Final = 0.08
_CHEQUES: Final = ("US", "GB", "CA", "AU", "IE", "MY")
_INCOTERMS: Final = ("EXW", "FCA", "FOB", "CIF", "DAP", "DDP", "CPT", "FOB Origin")
_PORTS: Final = (
    "Rotterdam",
    "Hamburg",
    "Antwerpen",
    "Felixstowe",
    "Shanghai",
    "Singapore",
    "New York",
    "Valencia",
)
_NOTE_FACE: Final = (500, 1000, 2000, 5000, 10000, 20000)  # Banknotes, minor units.


def synthesise(plan: DocumentPlan) -> Invoice:
    """The record of the document that ``plan`` describes: a pure function of the plan.

    Every number in it adds up (``Invoice.check_totals()`` is empty), identifiers pass their checks, and the due date
    follows from the printed terms. On credit notes amounts are printed positive or negative; where they are negative,
    either all quantities or all unit prices are, and so are discounts, amounts, tax lines and totals.

    Args:
        plan: Kind, locale, seed and index of the document.

    Raises:
        LocaleError: If the plan names a locale that does not exist, or its data cannot be used.
        ValueError: If the locale has no documents of this kind.
    """
    locale = load_locale(plan.locale, plan.extensions)
    if plan.kind not in locale.kinds:
        raise ValueError(
            f"{plan.doc_id}: locale {plan.locale} has no {plan.kind}; plan one of {', '.join(locale.kinds)}"
        )
    return _Document(plan, locale).write()


class _Document:
    """The state of one document while it is written."""

    def __init__(self, plan: DocumentPlan, locale: Locale) -> None:
        self.plan = plan
        self.locale = locale
        self.language: Language = load_language(locale.language, plan.extensions)
        self.draw = Draw(document_rng(plan.seed, plan.index, Stage.SYNTHESIS))
        self.names = Names(self.draw, locale, plan.extensions)
        self.receipt = plan.kind in RECEIPT_KINDS
        candidates = [name for name, trade in load_industries().items() if plan.kind in trade.kinds]
        self.industry_name = self.draw.pick(candidates)
        self.industry: Industry = load_industries()[self.industry_name]
        self.date = self._issue_date()
        self.regime: TaxRegime = self._regime()
        self.rates: dict[TaxClass, Decimal] = {
            tax_class: plain(self.draw.pick(rates)) for tax_class, rates in self.regime.rates.items()
        }
        share = self.regime.inclusive_receipts if self.receipt else self.regime.inclusive
        self.inclusive = self.regime.charges_tax and self.draw.chance(share)
        self.currency, self.digits, self.price_level = locale.currency, 2, locale.price_level
        abroad = self.regime.buyer == "any" and not self.receipt and plan.kind not in _BY_PERIOD
        if abroad and self.draw.chance(0.05):
            self.currency = self.draw.weighted(
                {name: share for name, share in FOREIGN_CURRENCIES.items() if name != locale.currency}
            )
            self.price_level, self.digits = _PER_EUR[self.currency]

    def write(self) -> Invoice:
        draw, plan = self.draw, self.plan
        with_tax_id = self.regime.seller_has_tax_id and (
            self.regime.zero_category == "AE" or draw.chance(0.7 if self.receipt else 0.9)
        )
        foreign = self.currency != self.locale.currency
        seller = draw_seller(self.names, self.industry_name, plan.kind, with_tax_id)
        if not self.receipt and draw.chance(_SELLERS_ABROAD):
            seller = self._abroad(seller)
        buyer = self._buyer()
        lines = self._lines()
        negative = plan.kind == "credit_note" and draw.chance(0.45)
        allowances_charges = self._allowances_charges(lines)
        codes = self._tax_codes(lines)
        if codes:
            lines = [line.model_copy(update={"tax_code": codes[line.tax_rate]}) for line in lines]
        tax_name = draw.pick(self.regime.names)
        tax_lines = self._tax_lines(lines, allowances_charges, tax_name, codes)
        cash = self.receipt and plan.kind != "card_slip" and draw.chance(0.5)
        rounding = self.locale.cash_rounding if cash else 1
        totals = total_up(
            lines, allowances_charges, tax_lines, inclusive=self.inclusive, cash_rounding=rounding
        )
        account = None
        if plan.kind in ("utility_bill", "telecom_bill") and draw.chance(0.35):
            account = self._account(totals.due)
        elif not self.receipt and plan.kind not in ("credit_note", "proforma_invoice"):
            totals = self._prepaid(totals)
        tenders, change = self._tenders(totals, cash) if self.receipt else ([], 0)
        if negative:
            lines, tax_lines, totals = _negated(lines, tax_lines, totals, prices=draw.chance(0.3))
            allowances_charges = [
                item.model_copy(update={"amount": -item.amount}) for item in allowances_charges
            ]
        number = self._number()
        start, end = self._delivery()
        due_date, terms = self._terms()
        extras = self._extras(buyer)
        payment = self._payment(number, terms, paid_up=totals.paid > 0 and totals.due == 0)
        spoilt: list[str] = []
        if plan.invalid_identifiers:
            seller, payment, spoilt = self._spoil(seller, payment)
        invoice = Invoice(
            doc_id=plan.doc_id,
            seed=plan.seed,
            index=plan.index,
            kind=plan.kind,
            document_type=plan.document_type,
            locale=plan.locale,
            currency=self.currency,
            currency_digits=self.digits,
            industry=self.industry_name,
            number=number,
            issue_date=self.date,
            issue_time=self._time() if self.receipt and draw.chance(0.92) else None,
            due_date=due_date,
            delivery_date=start,
            delivery_end=end,
            purchase_order_number=self._order_number(),
            preceding_invoice_number=self._preceding_number() if plan.kind in _CORRECTING else None,
            seller=seller,
            buyer=buyer,
            ship_to=self._ship_to(buyer),
            remit_to=self._remit_to(seller),
            prices_include_tax=self.inclusive,
            tax_name=tax_name,
            lines=lines,
            allowances_charges=allowances_charges,
            tax_lines=tax_lines,
            value_added_tax=self.regime.value_added,
            zero_category=self.regime.zero_category,
            exemption_reason=self.regime.note,
            totals=totals,
            account=account,
            second_currency=self._second_currency(totals, foreign),
            payment=payment,
            tenders=tenders,
            change=change,
            extras=extras,
            notes=self._notes(seller),
            fine_print=self._fine_print(seller),
            advert=self._printed_text(self.language.adverts, seller, 0.12),
            invalid_identifiers=spoilt,
        )
        if plan.kind in _SIMPLE and self.regime.buyer == "any" and draw.chance(_SIMPLIFIED):
            return invoice.model_copy(update={"buyer": None, "ship_to": None})
        return invoice

    def _issue_date(self) -> dt.date:
        first, last = dt.date(FIRST_YEAR, 1, 1), dt.date(LAST_YEAR, 12, 31)
        # Three in four documents are of the later half.
        span = (last - first).days
        offset = self.draw.between(span // 2, span) if self.draw.chance(0.5) else self.draw.between(0, span)
        return first + dt.timedelta(days=offset)

    def _regime(self) -> TaxRegime:
        usable = {
            place: regime.weight
            for place, regime in enumerate(self.locale.tax)
            if regime.since <= self.date <= regime.until and (regime.receipts or not self.receipt)
        }
        return self.locale.tax[self.draw.weighted(usable)]

    def _time(self) -> dt.time:
        return dt.time(self.draw.between(7, 22), self.draw.between(0, 59), self.draw.between(0, 59))

    def _abroad(self, seller: Party) -> Party:
        """The seller as a firm of another country that is registered for tax in this one."""
        names = Names(self.draw, self._foreign_locale(within_area=False), self.plan.extensions)
        name = names.company(self.industry_name, self.plan.kind)
        address = draw_address(names, self.locale.language)
        return seller.model_copy(update={"name": name, "address": address, "registration_id": None})

    def _buyer(self) -> Party | None:
        draw, plan = self.draw, self.plan
        if self.receipt and not draw.chance(0.06):
            return None
        private = {"utility_bill": 0.6, "advertising_invoice": 0.0, "subscription_invoice": 0.25}
        business = self.regime.buyer != "any" or not draw.chance(private.get(plan.kind, 0.15))
        abroad = self.regime.buyer == "foreign" or (
            business and not self.receipt and draw.chance(_BUYERS_ABROAD)
        )
        names = self.names
        if abroad:
            names = Names(
                draw, self._foreign_locale(within_area=self.regime.buyer == "foreign"), plan.extensions
            )
        with_tax_id = business and (self.regime.buyer != "any" or draw.chance(0.3))
        return draw_buyer(
            names,
            draw.pick(list(load_industries())),
            self.locale.language,
            business=business,
            with_tax_id=with_tax_id,
        )

    def _foreign_locale(self, *, within_area: bool) -> Locale:
        folders = self.plan.extensions
        others = [load_locale(name, folders) for name in locale_names(folders) if name != self.plan.locale]
        fitting = [
            other
            for other in others
            if other.country != self.locale.country and (not within_area or other.area == self.locale.area)
        ]
        return self.draw.pick(fitting) if fitting else self.locale

    def _account(self, due: int) -> AccountStatement:
        """What the customer's account held before: mostly paid in full, sometimes in part or too much."""
        draw = self.draw
        previous = max(0, round_half_up(Decimal(due) * draw.between(60, 140) / 100))
        way = draw.weighted({"full": 7, "part": 1.5, "none": 1, "more": 0.5})
        paid = {
            "full": previous,
            "part": previous * draw.between(2, 9) // 10,
            "none": 0,
            "more": previous + previous * draw.between(1, 20) // 100,
        }[way]
        return AccountStatement(previous_balance=previous, payments=paid, due=previous - paid + due)

    def _second_currency(self, totals: Totals, foreign: bool) -> SecondCurrency | None:
        """The totals once more: in the currency of the seller's country on a foreign bill, rarely in another."""
        draw, home = self.draw, self.locale.currency
        if self.receipt or not draw.chance(0.6 if foreign else 0.015):
            return None
        other = home if foreign else draw.pick([name for name in ("EUR", "USD", "GBP") if name != home])
        per_euro = _PER_EUR.get(other, (self.locale.price_level, 2))
        own = self.price_level if foreign else _PER_EUR.get(home, (self.locale.price_level, 2))[0]
        rate = Decimal(repr(per_euro[0] / own * (0.95 + 0.1 * draw.random.random()))).quantize(
            Decimal("0.0001")
        )
        scale = rate * Decimal(10) ** (per_euro[1] - self.digits)
        net, tax = round_half_up(totals.net * scale), round_half_up(totals.tax * scale)
        return SecondCurrency(
            currency=other, currency_digits=per_euro[1], rate=rate, net=net, tax=tax, gross=net + tax
        )

    def _remit_to(self, seller: Party) -> Party | None:
        """Where cheques go to, in countries that still write them."""
        cheques = self.locale.country in _CHEQUES and self.locale.language == "en"
        if self.receipt or not cheques or not self.draw.chance(0.14):
            return None
        address = draw_address(self.names, self.locale.language)
        box = self.draw.mask(self.draw.pick(("P.O. Box ####", "PO Box #####", "Dept ####, P.O. Box ######")))
        lines = [box, *address.lines[1:]] if len(address.lines) > 1 else [box, *address.lines]
        return Party(name=seller.name, address=address.model_copy(update={"lines": lines}))

    def _spoil(self, seller: Party, payment: Payment) -> tuple[Party, Payment, list[str]]:
        """The same with one wrong digit in the identifiers that have check digits, and the paths of those."""
        spoilt = []
        checks = [form.check for form in self.locale.tax_ids if form.check]
        if seller.tax_id and checks:
            wrong = spoil_digit(seller.tax_id, lambda text: not any(passes(text, name) for name in checks))
            if wrong:
                seller = seller.model_copy(update={"tax_id": wrong})
                spoilt.append("seller.tax_id")
        if payment.iban:
            wrong = spoil_digit(payment.iban, lambda text: not passes(text, "iban"))
            if wrong:
                payment = payment.model_copy(update={"iban": wrong})
                spoilt.append("payment.iban")
        if payment.reference and payment.reference_scheme not in (None, "VS"):
            # Every scheme with check digits finds one wrong digit.
            payment = payment.model_copy(update={"reference": spoil_digit(payment.reference, lambda _: True)})
            spoilt.append("payment.reference")
        return seller, payment, spoilt

    def _printed_text(self, patterns: list[str], seller: Party, chance: float, most: int = 1) -> str | None:
        known = {"seller": seller.name, "email": seller.email, "website": seller.website}
        values = {name: value for name, value in known.items() if value is not None}
        usable = [
            p
            for p in patterns
            if not any(f"{{{name}}}" in p for name in known.keys() - values.keys())
            and not names_another(p, self.currency)
        ]
        if not usable or not self.draw.chance(chance):
            return None
        chosen = self.draw.random.sample(usable, min(most, len(usable)))
        return " ".join(fill_note(self.draw, self.locale, text, self.date, **values) for text in chosen)

    def _fine_print(self, seller: Party) -> str | None:
        """Conditions: none on most documents, a paragraph or a few, now and then as long as the rest of the page."""
        if self.receipt:
            return self._printed_text(self.language.fine_print, seller, 0.06)
        most = self.draw.weighted({1: 5, 2: 2, 4: 1})
        text = self._printed_text(self.language.fine_print, seller, 0.3, most)
        if text is None or not self.draw.chance(0.4):
            return text
        sentences = [self.names.sentence() for _ in range(self.draw.geometric(0.15))]
        return " ".join([text, *sentences])

    def _ship_to(self, buyer: Party | None) -> Party | None:
        if buyer is None or self.industry.service or not self.draw.chance(0.22):
            return None
        same_name = self.draw.chance(0.7)
        other = draw_buyer(
            self.names,
            self.industry_name,
            self.locale.language,
            business=self.draw.chance(0.7),
            with_tax_id=False,
        )
        return other.model_copy(update={"name": buyer.name}) if same_name else other

    def _lines(self) -> list[InvoiceLine]:
        low, high = self.industry.lines
        slip = self.plan.kind == "card_slip"
        count = 1 if slip else draw_line_count(self.draw, self.receipt, low, high)
        goods = Goods(
            self.draw,
            self.names,
            self.locale,
            self.language,
            self.industry,
            self.plan.kind,
            self.date,
            self.price_level,
        )
        return self._traded(goods.rows(count, self.rates, self.digits))

    def _traded(self, lines: list[InvoiceLine]) -> list[InvoiceLine]:
        """The same with what customs and carriers ask for, on some documents of goods."""
        draw = self.draw
        if self.receipt or self.industry.service:
            return lines
        sorts = [name for name in ("commodity_code", "origin_country", "net_weight") if draw.chance(0.07)]
        if not sorts:
            return lines
        shape = draw.pick(("######", "####.##", "########", "####.##.##", "#### ## ##"))
        origins = draw.random.sample(_ORIGINS, 3)

        def stated(line: InvoiceLine) -> dict[str, object]:
            weight = Decimal(repr(draw.log_uniform(0.05, 12))) * max(abs(line.quantity), Decimal("0.1"))
            return {
                "commodity_code": f"{draw.between(1, 97):02}{draw.mask(shape[2:])}",
                "origin_country": draw.pick(origins),
                "net_weight": max(weight.quantize(Decimal("0.01")), Decimal("0.01")),
            }

        rows = [(line, stated(line)) for line in lines]
        return [line.model_copy(update={name: facts[name] for name in sorts}) for line, facts in rows]

    def _allowances_charges(self, lines: list[InvoiceLine]) -> list[AllowanceCharge]:
        draw, language, kind = self.draw, self.language, self.plan.kind
        found: list[AllowanceCharge] = []
        amounts = amounts_by_rate(lines, [])
        rate, base = max(amounts.items(), key=lambda item: item[1])
        if kind == "advertising_invoice" and language.commissions and draw.chance(0.45):
            amount = round_half_up(Decimal(base) * _COMMISSION / 100)
            reason = draw.pick(language.commissions)
            found.append(
                AllowanceCharge(
                    is_charge=False, reason=reason, percent=_COMMISSION, amount=amount, tax_rate=rate
                )
            )
            base -= amount
        elif base >= 100 and kind != "card_slip" and draw.chance(0.1 if self.receipt else 0.12):
            percent = Decimal(draw.pick((2, 3, 5, 10, 15, 20))) if draw.chance(0.6) else None
            share = percent or Decimal(draw.between(1, 25))
            amount = round_half_up(Decimal(base) * share / 100)
            if percent is None and amount > 500:
                amount -= amount % 50
            found.append(
                AllowanceCharge(
                    is_charge=False,
                    reason=draw.pick(language.allowances),
                    percent=percent,
                    amount=amount,
                    tax_rate=rate,
                )
            )
            base -= amount
        if kind in ("restaurant_receipt", "card_slip"):
            if kind != "card_slip" and self.locale.service_charges and draw.chance(0.55):
                percent = draw.pick(self.locale.service_charges)
                amount = round_half_up(Decimal(sum(line.net_amount for line in lines)) * percent / 100)
                found.append(
                    AllowanceCharge(
                        is_charge=True,
                        reason=draw.pick(language.charges["service"]),
                        percent=percent,
                        amount=amount,
                        tax_rate=rate,
                    )
                )
            elif draw.chance(self.locale.tips):
                amount = round_half_up(
                    Decimal(sum(line.net_amount for line in lines)) * draw.between(10, 25) / 100
                )
                found.append(
                    AllowanceCharge(
                        is_charge=True,
                        reason=draw.pick(language.charges["tip"]),
                        amount=amount,
                        tax_rate=Decimal(0),
                    )
                )
        elif not self.receipt and not self.industry.service and draw.chance(0.28):
            for sort in ("freight", "handling") if draw.chance(0.2) else ("freight",):
                cost = draw.log_uniform(3, 60) * self.price_level
                scale = 10**self.digits
                found.append(
                    AllowanceCharge(
                        is_charge=True,
                        reason=draw.pick(language.charges["freight" if sort == "freight" else "handling"]),
                        amount=round(cost) * scale + draw.pick((0, 0, 50, 90, 95, 99)) * scale // 100,
                        tax_rate=rate,
                    )
                )
        return found

    def _tax_codes(self, lines: list[InvoiceLine]) -> dict[Decimal, str]:
        if not self.regime.charges_tax or not self.draw.chance(0.55 if self.receipt else 0.06):
            return {}
        rates = sorted({line.tax_rate for line in lines}, reverse=True)
        styles = [style for style in self.locale.tax_code_styles if len(style) >= len(rates)]
        return dict(zip(rates, self.draw.pick(styles), strict=False)) if styles else {}

    def _tax_lines(
        self,
        lines: list[InvoiceLine],
        allowances_charges: list[AllowanceCharge],
        tax_name: str,
        codes: Mapping[Decimal, str],
    ) -> list[TaxLine]:
        if not self.regime.charges_tax and self.regime.zero_category != "AE":
            return []
        return tax_breakdown(
            amounts_by_rate(lines, allowances_charges),
            inclusive=self.inclusive,
            name=tax_name,
            parts=self.regime.parts,
            zero_category=self.regime.zero_category,
            codes=codes,
        )

    def _prepaid(self, totals: Totals) -> Totals:
        chance = self.draw.random.random()
        if chance < 0.05:
            paid = totals.due
        elif chance < 0.11 and totals.due >= 2000:
            paid = round_half_up(Decimal(totals.due) * self.draw.pick((10, 20, 25, 30, 50)) / 100)
            paid -= paid % 100 if self.draw.chance(0.6) else 0
        else:
            return totals
        return totals.model_copy(update={"paid": paid, "due": totals.due - paid})

    def _tenders(self, totals: Totals, cash: bool) -> tuple[list[Tender], int]:
        draw = self.draw
        if self.plan.kind != "card_slip" and draw.chance(0.1):
            return [], 0
        due = totals.due
        if not cash:
            names = dict.fromkeys(self.language.tenders["card"], 1.0) | (self.locale.tenders or {})
            digits = draw.digits(4)
            masks = (
                f"**** **** **** {digits}",
                f"XXXXXXXXXXXX{digits}",
                f"************{digits}",
                f"XXXX{digits}",
            )
            card = draw.pick(masks) if self.plan.kind == "card_slip" or draw.chance(0.5) else None
            first = due
            tenders = []
            if due > 2000 and self.plan.kind != "card_slip" and draw.chance(0.04):
                first = due - due // 200 * 100
                tenders = [Tender(method=draw.pick(self.language.tenders["cash"]), amount=due - first)]
            return [*tenders, Tender(method=draw.weighted(names), amount=first, card_number=card)], 0
        handed = due
        if draw.chance(0.75):
            note = draw.pick([face for face in _NOTE_FACE if face >= due // 4] or [_NOTE_FACE[-1]])
            handed = -(-due // note) * note
        return [Tender(method=draw.pick(self.language.tenders["cash"]), amount=handed)], handed - due

    def _prefixed(self, sort: Literal["order", "contract", "delivery", "customer"]) -> str:
        draw = self.draw
        prefix = draw.pick(self.language.prefixes[sort])
        forms = (
            "{prefix}-{n5}",
            "{prefix}{n6}",
            "{n5}",
            "{n6}",
            "{n8}",
            "{prefix}-{yyyy}-{n4}",
            "{n4}",
            "{n3}/{yy}",
        )
        return draw_number(draw, draw.pick(forms), prefix, self.date)

    def _number(self) -> str:
        draw = self.draw
        credit = self.plan.kind in _CORRECTING
        prefix = draw.pick(self.language.prefixes["credit_note" if credit else "invoice"])
        return draw_number(
            draw, draw.pick(RECEIPT_NUMBERS if self.receipt else DOCUMENT_NUMBERS), prefix, self.date
        )

    def _preceding_number(self) -> str | None:
        draw = self.draw
        if self.plan.kind == "credit_note" and draw.chance(0.15):
            return None
        before = self.date - dt.timedelta(days=draw.between(1, 90))
        return draw_number(
            draw, draw.pick(DOCUMENT_NUMBERS), draw.pick(self.language.prefixes["invoice"]), before
        )

    def _order_number(self) -> str | None:
        return None if self.receipt or not self.draw.chance(0.5) else self._prefixed("order")

    def _delivery(self) -> tuple[dt.date | None, dt.date | None]:
        draw, kind = self.draw, self.plan.kind
        if self.receipt:
            return None, None
        if kind in _BY_PERIOD and draw.chance(0.85):
            month = self.date.replace(day=1) - dt.timedelta(days=1)
            start = month.replace(day=1)
            months = draw.weighted({1: 8, 2: 1, 3: 2, 12: 1})
            for _ in range(months - 1):
                start = (start - dt.timedelta(days=1)).replace(day=1)
            if draw.chance(0.3):
                shift = dt.timedelta(days=draw.between(1, 20))
                return start - shift, month - shift
            return start, month
        if not draw.chance(0.4):
            return None, None
        start = self.date - dt.timedelta(days=min(draw.geometric(0.15) - 1, 60))
        if self.industry.service and draw.chance(0.4):
            return start - dt.timedelta(days=draw.between(1, 30)), start
        return start, None

    def _terms(self) -> tuple[dt.date | None, str | None]:
        draw = self.draw
        if self.receipt or (self.plan.kind == "credit_note" and draw.chance(0.7)):
            return None, None
        term = draw.pick(self.language.terms)
        days = draw.pick(term.days)
        percent, early = draw.pick((2, 3, 1.5, 2)), draw.pick((7, 8, 10, 14))
        due = self.date + dt.timedelta(days=days)
        if term.end_of_month:
            due = due.replace(day=calendar.monthrange(due.year, due.month)[1])
        text = term.text.format(
            days=days,
            percent=percent,
            early=early,
            due_date=due.strftime(self.locale.date_format),
            early_date=(self.date + dt.timedelta(days=early)).strftime(self.locale.date_format),
        )
        shown = draw.weighted({"both": 5, "date": 2.5, "terms": 2.5, "neither": 1})
        return (due if shown in ("both", "date") else None), (text if shown in ("both", "terms") else None)

    def _payment(self, number: str, terms: str | None, paid_up: bool) -> Payment:
        draw, methods = self.draw, {**self.language.methods, **self.locale.methods}
        if self.receipt:
            return Payment()
        if paid_up:
            sort = draw.pick(("card", "online"))
            method = draw.pick(methods[sort]) if draw.chance(0.8) else None  # type: ignore[index]
            return Payment(means_code=_MEANS_CODES[sort], method=method)
        way = draw.weighted({"transfer": 10, "debit": 1.5, "card": 1, "cash": 0.7, "none": 2})
        if way != "transfer":
            method = None if way == "none" else draw.pick(methods[way])  # type: ignore[index]
            return Payment(means_code=_MEANS_CODES.get(way), method=method, terms=terms)
        account = draw_account(draw, self.locale)
        local = account.number is not None
        shown = draw.weighted({"iban": 5, "both": 3, "local": 6}) if local and account.iban else "both"
        reference, scheme = self._reference(number)
        if scheme == "QRR":
            account = qr_account(draw, account)
        sepa = self.currency == "EUR" and account.iban is not None and shown != "local"
        return Payment(
            means_code=_MEANS_CODES["sepa" if sepa else "transfer"],
            method=draw.pick(methods["transfer"]) if draw.chance(0.4) else None,
            terms=terms,
            reference=reference,
            reference_scheme=scheme,
            iban=account.iban if shown != "local" else None,
            account_number=account.number if shown != "iban" else None,
            bic=(account.bic or None)
            if draw.chance(0.8 if account.iban and shown != "local" else 0.3)
            else None,
            bank_code=account.code if shown != "iban" else None,
            bank_name=account.bank if draw.chance(0.6) else None,
        )

    def _reference(self, number: str) -> tuple[str | None, ReferenceScheme | None]:
        draw = self.draw
        national = structured_reference(draw, self.locale.country, number)
        if national and draw.chance(0.5):
            early = national[1] == "QRR" and self.date < QR_BILLS_SINCE
            return (national[0], "ESR") if early else national
        style = draw.weighted({"none": 60, "rf": 8, "digits": 12, "number": 8, "joined": 6})
        if style == "rf":
            return creditor_reference(draw, draw.between(6, 14)), "RF"
        if style == "digits":
            masks = ("##########", "### ### ###", "#### #### ####", "########", "#########-#")
            return draw.mask(draw.pick(masks)), None
        if style == "joined":
            return f"{self._prefixed('customer')}/{number}", None
        return (number if style == "number" else None), None

    def _extras(self, buyer: Party | None) -> dict[str, str]:
        draw = self.draw
        shared: dict[str, tuple[float, str]]
        if self.receipt:
            roles = self.language.roles
            shared = {
                "cashier": (
                    0.5,
                    draw.pick((self.names.first(), draw.digits(2), f"{draw.pick(roles)} {draw.digits(2)}")),
                ),
                "till": (0.4, draw.mask(draw.pick(("%", "0%", "%#", "POS%", "T0%")))),
                "transaction_number": (0.35, draw.digits(draw.between(4, 10))),
                "store_number": (0.2, draw.digits(draw.between(3, 5))),
                "member_number": (0.15, draw.mask(draw.pick(("########", "#### ####", "@########")))),
                "loyalty_points": (0.15, str(draw.between(1, 2400))),
                "terminal": (0.2, draw.digits(8)),
                "merchant_id": (0.12, draw.digits(draw.between(9, 12))),
                "approval_code": (0.2, draw.mask(draw.pick(("######", "@#####", "##@@##")))),
                "fiscal_number": (0.12, draw.mask(draw.pick(("##########", "@@##-#####", "###/#####/##")))),
                "fiscal_signature": (0.08, draw.mask("@#@@##@#@@##@#@##@@#@##@")),
                "device_serial": (0.08, draw.mask(draw.pick(("@@@#########", "##-######", "SN########")))),
            }
            if self.plan.kind == "card_slip":
                shared |= {
                    "terminal": (0.95, draw.digits(8)),
                    "merchant_id": (0.8, draw.digits(draw.between(9, 15))),
                    "approval_code": (0.9, draw.mask(draw.pick(("######", "@#####", "##@@##")))),
                    "batch_number": (0.6, draw.digits(draw.between(3, 6))),
                    "trace_number": (0.6, draw.digits(6)),
                    "card_entry": (0.7, draw.pick(("CONTACTLESS", "CHIP", "ICC", "SWIPED", "NFC", "C"))),
                    "aid": (0.6, draw.pick(("A0000000031010", "A0000000041010", "A0000000043060"))),
                    "cardholder": (0.15, self.names.person().upper()),
                }
            if self.plan.kind == "restaurant_receipt":
                shared |= {
                    "table": (0.7, draw.mask(draw.pick(("%", "%#", "@%", "T%#", "%#@")))),
                    "covers": (0.4, str(draw.between(1, 8))),
                    "order_number": (0.3, draw.digits(draw.between(2, 4))),
                }
            if self.plan.kind == "fuel_receipt":
                shared |= {
                    "pump": (0.8, str(draw.between(1, 12))),
                    "registration_plate": (
                        0.15,
                        draw.mask(draw.pick(("@@ ####", "@@@ ###", "@-@@ ###", "@@## @@@"))),
                    ),
                }
        else:
            day = self.date - dt.timedelta(days=draw.between(1, 45))
            shared = {
                "customer_number": (0.5, self._prefixed("customer")),
                "order_date": (0.2, day.isoformat()),
                "contract_number": (0.15, self._prefixed("contract")),
                "sales_rep": (0.25, self.names.person()),
                "your_reference": (0.15, self.names.person() if draw.chance(0.5) else draw.mask("@@/####")),
                "our_reference": (0.15, draw.mask(draw.pick(("@@/####", "@@@-###", "##/@@")))),
                "project_number": (0.1, draw.mask(draw.pick(("P-####", "##-###", "PRJ####")))),
                "print_date": (
                    0.06,
                    (self.date + dt.timedelta(days=draw.between(0, 9))).isoformat(),
                ),
            }
            later = min(day + dt.timedelta(days=draw.between(1, 9)), self.date).isoformat()
            shared |= {
                "quote_number": (0.08, draw.mask(draw.pick(("Q-#####", "######", "@@-####-##")))),
                "cost_centre": (0.06, draw.mask(draw.pick(("####", "##-####", "@@###")))),
                "vendor_number": (0.08, draw.digits(draw.between(5, 8))),
                "tax_point_date": (0.06, later),
                "place_of_supply": (
                    0.5 if self.locale.country == "IN" else 0,
                    draw.pick(self.locale.cities).subdivision or draw.pick(self.locale.cities).city,
                ),
            }
            if not self.industry.service:
                shared |= {
                    "delivery_note_number": (0.2, self._prefixed("delivery")),
                    "ship_date": (0.08, later),
                    "ship_via": (
                        0.08,
                        draw.pick(("DHL", "UPS Ground", "FedEx", "GLS", "DPD", "TNT", "Best Way")),
                    ),
                    "incoterms": (0.05, draw.pick(_INCOTERMS)),
                }
            if self.plan.kind == "telecom_bill":
                shared |= {
                    "subscriber_number": (0.7, draw.mask(draw.pick(self.locale.phones))),
                    "billing_account": (0.6, draw.digits(draw.between(8, 12))),
                    "data_volume": (0.3, f"{draw.between(1, 90)},{draw.between(0, 9)} GB"),
                    "call_minutes": (0.3, f"{draw.between(3, 900)}:{draw.between(0, 59):02}"),
                    "tariff": (
                        0.4,
                        f"{self.names.coined()} {draw.pick(('S', 'M', 'L', 'Max', 'Unlimited'))}",
                    ),
                }
            if self.plan.kind == "freight_invoice":
                kilos = draw.between(12, 24000)
                shared |= {
                    "waybill_number": (
                        0.8,
                        draw.mask(draw.pick(("###-########", "@@@@########", "CMR ######"))),
                    ),
                    "container_number": (0.4, draw.mask("@@@U#######")),
                    "vessel": (0.35, f"MV {self.names.coined()} {draw.mask('###@')}"),
                    "port_of_loading": (0.5, draw.pick(self.locale.cities).city),
                    "port_of_discharge": (0.5, draw.pick(_PORTS)),
                    "incoterms": (0.5, draw.pick(_INCOTERMS)),
                    "gross_weight": (0.6, f"{kilos} kg"),
                    "packages": (0.5, str(draw.between(1, 60))),
                    "shipper": (0.4, self.names.company("wholesale_food", "commercial_invoice")),
                    "consignee": (0.4, buyer.name if buyer else self.names.person()),
                }
            if self.plan.kind == "utility_bill":
                shared |= {
                    "meter_number": (
                        0.7,
                        draw.mask(draw.pick(("########", "@#######", "#@@ ### ####", "## ### ###"))),
                    ),
                    "meter_reading_old": (0.5, str(draw.between(1000, 40000))),
                    "meter_reading_new": (0.5, str(draw.between(40001, 60000))),
                    "supply_point": (0.4, draw.digits(draw.between(11, 18))),
                    "tariff": (
                        0.4,
                        f"{self.names.coined()} {draw.pick(('Flex', 'Fix 12', 'Basic', 'Plus', '24'))}",
                    ),
                }
            if self.plan.kind == "advertising_invoice":
                shared |= {
                    "advertiser": (
                        0.8,
                        buyer.name
                        if buyer and draw.chance(0.4)
                        else self.names.company("fashion", "commercial_invoice"),
                    ),
                    "product": (0.6, self.names.coined()),
                    "station": (0.8, draw.mask(draw.pick(("@@@@", "@@@@-TV", "@@@@-FM", "@@@@ ##")))),
                    "estimate_number": (0.6, draw.digits(draw.between(3, 6))),
                    "account_executive": (0.6, self.names.person()),
                    "agency_code": (0.4, draw.digits(draw.between(4, 7))),
                }
            if self.industry_name == "hotel":
                # The rows of a stay are dated at most a week before the bill.
                arrival = self.date - dt.timedelta(days=self.industry.days)
                shared |= {
                    "departure": (0.6, self.date.isoformat()),
                    "reservation_number": (0.5, draw.mask(draw.pick(("########", "@@@###", "R-#####")))),
                    "folio_number": (0.3, draw.digits(draw.between(4, 7))),
                    "room": (0.8, draw.digits(3)),
                    "guest": (0.7, self.names.person()),
                    "arrival": (0.6, arrival.isoformat()),
                }
            if self.industry_name == "garage":
                shared |= {
                    "registration_plate": (
                        0.8,
                        draw.mask(draw.pick(("@@ ####", "@@@ ###", "@-@@ ###", "@@## @@@"))),
                    ),
                    "mileage": (0.6, str(draw.between(900, 240000))),
                }
        return {key: value for key, (chance, value) in shared.items() if draw.chance(chance)}

    def _notes(self, seller: Party) -> list[str]:
        draw = self.draw
        sort: Literal["receipt", "credit_note", "invoice"] = (
            "receipt" if self.receipt else "credit_note" if self.plan.kind == "credit_note" else "invoice"
        )
        known = {"seller": seller.name, "email": seller.email, "website": seller.website}
        missing = [f"{{{name}}}" for name, value in known.items() if value is None]
        pool = [
            pattern
            for pattern in (
                *self.language.notes[sort],
                *([] if self.receipt else self.language.notes["any"]),
                *self.locale.notes.get(sort, []),
            )
            if not any(name in pattern for name in missing) and not names_another(pattern, self.currency)
        ]
        count = min(draw.weighted({0: 3, 1: 4, 2: 3, 3: 1.5, 4: 0.5}), len(pool))
        values = {name: value for name, value in known.items() if value is not None}
        notes = [self.regime.note] if self.regime.note else []
        return notes + [
            fill_note(draw, self.locale, pattern, self.date, **values)
            for pattern in draw.random.sample(pool, count)
        ]


def _negated(
    lines: list[InvoiceLine], tax_lines: list[TaxLine], totals: Totals, *, prices: bool
) -> tuple[list[InvoiceLine], list[TaxLine], Totals]:
    """The same credit note with all its amounts below zero.

    Args:
        lines: Rows with positive amounts.
        tax_lines: Their breakdown.
        totals: Their totals.
        prices: Unit prices turn negative, else quantities do.
    """
    turned = "unit_price" if prices else "quantity"
    rows = [
        line.model_copy(
            update={
                turned: -getattr(line, turned),
                "discount": -line.discount,
                "net_amount": -line.net_amount,
            }
        )
        for line in lines
    ]
    breakdown = [line.model_copy(update={"base": -line.base, "amount": -line.amount}) for line in tax_lines]
    return rows, breakdown, Totals(**{name: -amount for name, amount in totals})
