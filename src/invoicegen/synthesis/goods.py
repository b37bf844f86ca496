"""What was sold: rows with plausible names, codes, units, quantities and prices."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from invoicegen.schema.invoice import RECEIPT_KINDS, DocumentKind, InvoiceLine, LinePart, round_half_up
from invoicegen.synthesis.draw import Draw
from invoicegen.synthesis.identifiers import draw_ean
from invoicegen.synthesis.locales import Family, Industry, Language, Locale, TaxClass
from invoicegen.synthesis.parties import Names

_CENT: Final = Decimal("0.01")
_SHOP_ENDINGS: Final = ("0.99", "0.95", "0.49", "0.90", "0.50", "0.00", "0.79", "0.29", "0.89", "0.25")
_MAX_LINES: Final = 200
_MODELS: Final = ("@@-###", "@###", "####@", "@@####", "@#", "@@@ ##")
_MEASURED: Final = frozenset({"KGM", "LTR"})


def draw_line_count(draw: Draw, receipt: bool, low: int, high: int) -> int:
    """How many rows a document has: mostly few, with a long tail up to 200.

    The median is 3 on invoices and 4 on receipts.
    """
    tail = draw.random.random()
    if tail < 0.004:
        count = draw.between(61, _MAX_LINES)
    elif tail < 0.025:
        count = draw.between(16, 60)
    elif tail < 0.15:
        count = draw.geometric(0.1)
    else:
        count = draw.geometric(0.2 if receipt else 0.26)
    return min(max(count, low), high, _MAX_LINES)


class Goods:
    """The stock of one seller: all rows of a document share its style.

    Args:
        draw: The document's draws.
        names: Names of the seller's country, for brands.
        locale: The seller's locale.
        language: Its words.
        industry: The seller's trade.
        kind: The kind of document.
        date: Its date, around which dates in descriptions lie.
        price_level: Price of a thing that costs 1 EUR, in the document's currency.
    """

    def __init__(
        self,
        draw: Draw,
        names: Names,
        locale: Locale,
        language: Language,
        industry: Industry,
        kind: DocumentKind,
        date: dt.date,
        price_level: float,
    ) -> None:
        self.draw = draw
        self.price_level = price_level
        self.names = names
        self.locale = locale
        self.language = language
        self.industry = industry
        self.receipt = kind in RECEIPT_KINDS
        self.kind = kind
        self.date = date
        self.families = {
            name: family.weight for name, family in industry.families.items() if name in language.items
        }
        brands = [names.coined() for _ in range(draw.between(2, 6))]
        self._brands = brands
        self._code = _code_style(draw, self.receipt, kind)
        self._caps = draw.chance(0.6 if self.receipt else 0.08)
        self._width = draw.between(14, 26) if self.receipt and draw.chance(0.35) else None
        self._details = draw.chance(0.22) and not self.receipt and industry.project
        self._open = draw.chance(0.25)
        self._maker = (
            draw.digits(7) if draw.chance(0.07) and not self.receipt and not industry.service else None
        )
        self._units: dict[str, str] = {}
        self._print_pieces = draw.chance(0.15 if self.receipt else 0.55)
        self._positions = draw.weighted({"1": 8, "01": 1, "001": 1, "10": 2, "0010": 0.5})

    def rows(self, count: int, rates: dict[TaxClass, Decimal], digits: int) -> list[InvoiceLine]:
        """``count`` rows (fewer when the trade has nothing more to sell), priced and discounted.

        Args:
            count: Rows wanted.
            rates: Percent by tax class of this document.
            digits: Minor-unit digits of the currency.
        """
        rows: list[InvoiceLine] = []
        families, industry_families = dict(self.families), self.industry.families
        discounts = self._discount_style()
        seen: set[str] = set()
        while len(rows) < count and families:
            leads = {name: share for name, share in families.items() if industry_families[name].lead}
            key = self.draw.weighted(leads if leads and not rows else families)
            family = industry_families[key]
            if family.once:
                del families[key]
            name = self.name(key)
            for _ in range(4):
                if name not in seen:
                    break
                name = self.name(key)
            seen.add(name)
            rows.append(self._row(len(rows), name, family, rates, digits, discounts))
        return self._bundled(self._sectioned(self._dated(rows)))

    def _dated(self, rows: list[InvoiceLine]) -> list[InvoiceLine]:
        """A day of service for every row, in order, where the trade bills by days."""
        if self.receipt or not self.industry.service or not self.draw.chance(0.35):
            return rows
        days = sorted(self.draw.between(0, self.industry.days) for _ in rows)
        return [
            row.model_copy(update={"service_date": self.date - dt.timedelta(days=back)})
            for row, back in zip(rows, reversed(days), strict=True)
        ]

    def _sectioned(self, rows: list[InvoiceLine]) -> list[InvoiceLine]:
        """Captions over groups of rows, on some documents with at least four."""
        captions = self.language.sections.get("services" if self.industry.service else "goods", [])
        if (
            self.receipt
            or not self.industry.project
            or len(rows) < 4
            or len(captions) < 2
            or not self.draw.chance(0.15)
        ):
            return rows
        count = min(self.draw.between(2, 5), len(rows) // 2, len(captions))
        starts = sorted({0, *self.draw.random.sample(range(1, len(rows)), count - 1)})
        chosen = [captions[i] for i in sorted(self.draw.random.sample(range(len(captions)), len(starts)))]
        texts = [fill_note(self.draw, self.locale, caption, self.date) for caption in chosen]
        sections = dict(zip(starts, texts, strict=True))
        return [row.model_copy(update={"section": sections.get(place)}) for place, row in enumerate(rows)]

    def _bundled(self, rows: list[InvoiceLine]) -> list[InvoiceLine]:
        """What sets hold, below their rows, on some invoices over goods."""
        if self.receipt or self.industry.service or not self.draw.chance(0.06):
            return rows
        share = self.draw.pick((0.2, 0.5, 1.0))
        return [
            row.model_copy(update={"parts": self._parts(row)})
            if row.quantity == row.quantity.to_integral_value() and self.draw.chance(share)
            else row
            for row in rows
        ]

    def _parts(self, row: InvoiceLine) -> list[LinePart]:
        draw = self.draw
        return [
            LinePart(
                name=self.name(draw.weighted(self.families)),
                item_code=self._code(),
                quantity=row.quantity * draw.pick((1, 1, 1, 1, 2, 3, 4)),
            )
            for _ in range(draw.between(2, 5))
        ]

    def name(self, key: str) -> str:
        """A name built of a noun and some of: brand, model, size, qualities."""
        draw, family, items = self.draw, self.industry.families[key], self.language.items[key]
        if self._open and draw.chance(0.8):
            return self._finished(self._any_words(family))
        parts = [draw.pick(items.nouns)]
        words = [draw.pick(options) for options in items.options if draw.chance(0.5)]
        size = draw.pick(family.sizes) if family.sizes and draw.chance(0.65) else None
        if size:
            words.insert(0 if draw.chance(0.4) else len(words), size)
        if draw.chance(family.models):
            words.insert(0, draw.mask(draw.pick(_MODELS)))
        if draw.chance(family.branded):
            parts.insert(0 if draw.chance(0.6) else 1, draw.pick(self._brands))
        separator = ", " if len(words) > 1 and draw.chance(0.3) else " "
        return self._finished(" ".join([*parts, separator.join(words)] if words else parts))

    def _any_words(self, family: Family) -> str:
        """A name out of common and made-up words, as goods have that no list foresees."""
        draw, names = self.draw, self.names
        words = [
            names.invented() if draw.chance(0.2) else names.word() for _ in range(min(draw.geometric(0.4), 7))
        ]
        if family.sizes and draw.chance(0.4):
            words.append(draw.pick(family.sizes))
        if draw.chance(0.15):
            words.insert(draw.between(0, len(words)), draw.mask(draw.pick(_MODELS)))
        if draw.chance(0.1):
            words[-1] = f"({words[-1]})"
        text = " ".join(words)
        return text[0].upper() + text[1:]

    def _finished(self, text: str) -> str:
        if self._width is not None:
            text = _abbreviate(text, self._width)
        return text.upper() if self._caps else text

    def _row(
        self,
        position: int,
        name: str,
        family: Family,
        rates: dict[TaxClass, Decimal],
        digits: int,
        discounts: Callable[[Decimal], tuple[Decimal | None, Decimal]],
    ) -> InvoiceLine:
        draw = self.draw
        unit_code = draw.pick(family.units)
        scale = Decimal(10) ** digits
        price = self._price(family)
        if digits == 0:
            price = max(price.quantize(Decimal(1), ROUND_HALF_UP), Decimal(1))
        quantity = self._quantity(family, unit_code)
        gross = round_half_up(quantity * price * scale)
        percent, amount = discounts(Decimal(gross))
        discount = round_half_up(amount)
        return InvoiceLine(
            line_id=_position(self._positions, position),
            name=name,
            description=self.detail() if self._details and draw.chance(0.6) else None,
            item_code=(code := self._code()),
            standard_id=draw_ean(draw, self._maker) if self._maker and code else None,
            quantity=quantity,
            unit_code=unit_code,
            unit=self._unit(unit_code),
            unit_price=price,
            discount_percent=percent,
            discount=discount,
            tax_rate=rates.get(family.tax, rates["standard"]),
            net_amount=gross - discount,
        )

    def detail(self) -> str:
        """Further text of a row."""
        patterns = self.language.details["services" if self.industry.service else "goods"]
        return fill_note(self.draw, self.locale, self.draw.pick(patterns), self.date)

    def _unit(self, code: str) -> str | None:
        if code == "C62" and not self._print_pieces:
            return None
        if code not in self._units:
            self._units[code] = self.draw.pick(self.language.units[code])
        return self._units[code]

    def _price(self, family: Family) -> Decimal:
        low, high = (bound * self.price_level for bound in family.price)
        value = Decimal(repr(self.draw.log_uniform(low, high)))
        if family.ending == "fine":
            return value.quantize(Decimal("0.001") if self.receipt else Decimal("0.0001"))
        if family.ending == "shop":
            endings = _SHOP_ENDINGS if value < 100 else ("0.00", "0.99", "0.95", "0.90")
            return max(value.quantize(Decimal(1), ROUND_HALF_UP) - 1, Decimal(0)) + Decimal(
                self.draw.pick(endings if value > 2 else _SHOP_ENDINGS[:5])
            )
        if family.ending == "round":
            step = Decimal(5) if value >= 60 else Decimal("0.5")
            return max(step, (value / step).quantize(Decimal(1)) * step).quantize(_CENT)
        return max(value.quantize(_CENT), _CENT)

    def _quantity(self, family: Family, unit: str) -> Decimal:
        draw = self.draw
        low, high = family.quantity
        step = family.step
        if family.step < 1 and unit not in _MEASURED and draw.chance(0.4):
            step = Decimal(1)
        if self.receipt and unit not in _MEASURED:
            return Decimal(1) if draw.chance(0.7) else Decimal(draw.between(1, max(2, min(int(high), 6))))
        if unit in _MEASURED:
            quantity = draw.stepped(low, high, family.step)
        elif draw.chance(0.35) and low <= 1:
            return Decimal(1)
        else:
            quantity = draw.stepped(max(low, step), max(high, step), step)
        return quantity.normalize() if quantity != quantity.to_integral_value() else Decimal(int(quantity))

    def _discount_style(self) -> Callable[[Decimal], tuple[Decimal | None, Decimal]]:
        draw = self.draw
        style = draw.weighted({"none": 84, "percent": 10, "amount": 6})
        usual = Decimal(draw.pick((5, 10, 15, 20, 25, 30, 50)))

        def discount(amount: Decimal) -> tuple[Decimal | None, Decimal]:
            if style == "none" or draw.chance(0.4):
                return None, Decimal(0)
            if style == "percent":
                percent = usual if draw.chance(0.7) else Decimal(draw.pick((3, 5, 10, 12, 20)))
                return percent, amount * percent / 100
            return None, (amount * Decimal(draw.between(2, 30)) / 100).quantize(Decimal(1))

        return discount


def fill_note(draw: Draw, locale: Locale, pattern: str, date: dt.date, **values: str) -> str:
    """A note or description with its dates, numbers and codes drawn; dates lie within 45 days before ``date``."""
    day = date - dt.timedelta(days=draw.between(0, 45))
    drawn = {
        "date": day.strftime(locale.date_format),
        "number": draw.mask("%" + "#" * draw.between(3, 6)),
        "code": draw.mask(draw.pick(("@@-%###", "%###/%#", "@%####", "%#-####", "@@@###"))),
        "days": str(draw.pick((7, 8, 10, 14, 30))),
        "percent": str(draw.pick((1, 2, 5, 8, 10, 15))),
        "city": draw.pick(locale.cities).city,
        "phone": draw.mask(draw.pick(locale.phones)),
    }
    # A name may end in the full stop of its legal form.
    return pattern.format_map({**drawn, **values}).replace("..", ".")


def _position(style: str, index: int) -> str:
    step = 10 if style.endswith("10") else 1
    return f"{(index + 1) * step:0{len(style) if style.startswith('0') else 1}}"


def _code_style(draw: Draw, receipt: bool, kind: DocumentKind) -> Callable[[], str | None]:
    weights = (
        {"none": 62, "ean": 14, "number": 16, "letters": 8}
        if receipt
        else {"none": 42, "ean": 6, "number": 24, "letters": 28}
    )
    if kind in ("restaurant_receipt", "utility_bill", "advertising_invoice"):
        weights = {"none": 85, "ean": 0, "number": 12, "letters": 3}
    style = draw.weighted(weights)
    if style == "none":
        return lambda: None
    if style == "ean":
        prefix = draw.digits(draw.between(3, 7)).replace("0", "9", 1)
        return lambda: draw_ean(draw, prefix)
    masks = (
        ("###", "####", "#####", "######", "########", "1##-###", "##.###", "#######")
        if style == "number"
        else (
            "@@-####",
            "@###",
            "@@@###",
            "@@@-##@",
            "@-#####",
            "@@##-##",
            "@@.###.##",
            "@@####@",
            "@@@@@###",
        )
    )
    mask = draw.pick(masks)
    head = draw.mask("@@") if mask.startswith("@@") and draw.chance(0.5) else None
    return lambda: (head + draw.mask(mask[2:])) if head else draw.mask(mask)


_VOWELS: Final = frozenset("aeiouäöüéèêàâîôûāēīūóíúáAEIOUÄÖÜÉÈ")


def _abbreviate(text: str, width: int) -> str:
    """A name cut to a till's width: vowels within the long words go first, then the end."""
    if len(text) <= width:
        return text
    words = []
    for word in text.split():
        inner = word[1:]
        words.append(
            word[0] + "".join(sign for sign in inner if sign not in _VOWELS)
            if len(word) > 5 and word.isalpha()
            else word
        )
    return " ".join(words)[:width].rstrip(" ,.-")
