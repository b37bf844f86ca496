"""What a till prints: head, references, items, totals, tenders and tail of a receipt."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from markupsafe import Markup, escape

from invoicegen.schema.invoice import InvoiceLine
from invoicegen.templates.artwork import bar_code, logo, qr_code
from invoicegen.templates.fonts import digit_em
from invoicegen.templates.formats import format_number
from invoicegen.templates.printed import Printed
from invoicegen.templates.view import Row, View

_CARD_EXTRAS = (
    "card_entry", "aid", "cardholder", "terminal", "merchant_id", "batch_number", "trace_number", "approval_code",
)  # fmt: skip
_LONGEST_ROLL_MM = 5000  # PDF allows 14 400 pt, ISO 32000-1, annex C
_LONGEST_WORD = 12  # letters; a longer word in a caption would push a column off a roll of 58 mm


@dataclass(frozen=True, slots=True)
class ItemLine:
    """One printed line of an item: what stands left, in the middle columns, and right."""

    cells: list[Markup]
    indent: bool = False
    wide: bool = False


class ReceiptView(View):
    """A receipt in the wording and formats of one genome."""

    def phrase(self, key: str) -> str:
        """As for a page, but of the wordings that have no word too long for a roll, where there are any."""
        if key not in self._wordings:
            wordings = self.wordings(key)
            short = [w for w in wordings if max(map(len, w.split()), default=0) <= _LONGEST_WORD]
            self._wordings[key] = self.choose(short or wordings)
        return self._wordings[key]

    def head_lines(self) -> dict[str, list[Markup]]:
        """Lines above the items by block: name, address, contacts, ids."""
        seller = self.invoice.seller
        upper = self.style["upper"]
        name = seller.name.upper() if upper else seller.name
        lines = list(seller.address.lines)
        wanted = self.structure["address_lines"]
        while len(lines) > wanted:
            lines[-2:] = [f"{lines[-2].rstrip(',')}, {lines[-1]}"]
        if self.chance(0.1):
            lines.append(seller.address.country)
        value = ", ".join(lines)
        printed = tuple(line.upper() for line in lines) if upper else tuple(lines)
        blocks: dict[str, list[Markup]] = {
            "name": [Printed(name, "seller.name", "SELLER_NAME", seller.name).__html__()],
            "address": [Printed(printed, "seller.address", "SELLER_ADDRESS", value).__html__()],
            "contacts": [],
            "ids": [],
        }
        if seller.trading_name and self.chance(0.85):
            trading = Printed(seller.trading_name, "seller.trading_name").__html__()
            blocks["name"].insert(0 if self.chance(0.7) else 1, trading)
        if seller.slogan:
            blocks["name"].append(Printed(seller.slogan, "seller.slogan").__html__())
        if seller.registration_id and self.chance(0.6):
            number = Printed(seller.registration_id, "seller.registration_id")
            if self.chance(0.5):
                blocks["name"].append(Markup("({})").format(number))
            else:
                blocks["name"].append(Markup("({} {})").format(self.caption("registration"), number))
        party = self.party("seller", seller, "SELLER")
        contacts = [row for row in party.contacts if self.chance(0.6)]
        blocks["contacts"] = [_pair(row) for row in contacts]
        ids = [
            row
            for row in party.ids
            if isinstance(row.value, Printed) and row.value.entity and self.chance(0.85)
        ]
        for row in ids:
            pair = _pair(row)
            blocks["ids"].append(Markup("({})").format(pair) if self.chance(0.3) else pair)
        return blocks

    def reference_rows(self) -> list[Row]:
        """Number, date, time and the till's own references, in the genome's order."""
        invoice, structure = self.invoice, self.structure
        rows: dict[str, list[Row]] = {"number": [self.number_row()], "date": self.date_rows()}
        for key in structure["refs_order"]:
            if key in invoice.extras:
                rows[key] = [self.extra(key)]
        if structure["date_place"] != "refs":
            del rows["date"]
        keep = [key for key in structure["refs_order"] if key in rows and key in ("number", "date")]
        others = [key for key in structure["refs_order"] if key in rows and key not in ("number", "date")]
        chosen = {*keep, *others[: max(0, structure["refs_count"] - len(keep))]}
        return [row for key in structure["refs_order"] if key in chosen for row in rows[key]]

    def date_rows(self) -> list[Row]:
        """Date and time of the sale."""
        invoice = self.invoice
        date = self.date(invoice.issue_date, "issue_date", "INVOICE_DATE")
        how = self.structure["date_time"]
        caption = Markup("") if how == "no_caption" else self.caption("receipt_date")
        if invoice.issue_time is None or how == "no_time":
            return [Row(caption, date)]
        pattern = self.choose(["%H:%M", "%H:%M:%S", "%I:%M %p", "%I:%M:%S %p"])
        time = Printed(invoice.issue_time.strftime(pattern), "issue_time")
        if how == "apart":
            return [Row(caption, date), Row(self.caption("time"), time)]
        return [Row(caption, Markup("{} {}").format(date, time))]

    # -- items ---------------------------------------------------------------------------------------------

    def _cells(self, line: InvoiceLine, row: int) -> dict[str, Markup]:
        parts = {
            "d": "ITEM_DESCRIPTION",
            "q": "ITEM_QUANTITY",
            "p": "ITEM_UNIT_PRICE",
            "c": "ITEM_CODE",
        }
        cells = {
            key: self.cell(self.item_value(line, row, column), row, column) for key, column in parts.items()
        }
        amount = self.cell(self.item_value(line, row, "ITEM_AMOUNT"), row, "ITEM_AMOUNT")
        if self.structure["tax_code"] and line.tax_code:
            value = f"{line.tax_rate.normalize():f}" if self._tells_rate_of_code() else line.tax_code
            code = Printed(line.tax_code, f"lines.{row}.tax_code", "ITEM_TAX_RATE", value, f"line-{row}")
            amount = Markup("{}&#160;{}").format(amount, self.cell(code, row, "ITEM_TAX_RATE"))
        cells["a"] = amount
        sign = Printed(self.style["times_sign"], f"lines.{row}.times")
        cells["x"] = Markup("{} {} {}").format(cells["q"], self.cell(sign, row, "times"), cells["p"])
        if line.unit and self.style["times_sign"] in ("x", "*") and line.unit_code != "C62":
            unit = self.cell(
                Printed(line.unit, f"lines.{row}.unit", "ITEM_UNIT", line.unit_code, f"line-{row}"),
                row,
                "ITEM_UNIT",
            )
            cells["x"] = Markup("{} {} {} {}").format(
                cells["q"], unit, self.cell(sign, row, "times"), cells["p"]
            )
        return cells

    def _tells_rate_of_code(self) -> bool:
        """Whether the paper says what rate a row's tax code stands for: in the table of taxes, or because the totals
        print one rate and no other. A code that nothing explains is worth itself (taxonomy, rule 8).
        """
        in_table = bool(self.tax_lines) and "tax_table" in self.structure["tail"]
        return in_table or (len(self.tax_lines) == 1 and self._tax_in_totals() == "caption_rate")

    @cached_property
    def _tax_how(self) -> str:
        return str(self.choose(["caption_rate", "caption_rate", "sum"]))

    def _tax_in_totals(self) -> str | None:
        """How the totals print tax (:meth:`tax_rows`); None where they do not."""
        printed = not self.invoice.prices_include_tax or self.structure["tax_in_totals"] != "none"
        how = self._tax_how
        return how if printed and self.tax_lines else None

    def item_columns(self) -> str:
        """Letters of the columns of the item block: d(escription), q(uantity), p(rice), a(mount)."""
        item = self.structure["item"]
        order: str = self.structure["item_order"]
        return {
            "columns": order,
            "two_line": "da",
            "description_amount": "da",
            "quantity_first": "qda",
            "code_line": "da",
            "three_line": "da",
        }[item]

    def item_header(self) -> list[Markup]:
        """Header cells of the item block."""
        names = {"d": "ITEM_DESCRIPTION", "q": "ITEM_QUANTITY", "p": "ITEM_UNIT_PRICE", "a": "ITEM_AMOUNT"}
        return [self.header_cell(names[letter]) for letter in self.item_columns()]

    def item_lines(self) -> list[ItemLine]:
        """Every printed line of the items."""
        lines: list[ItemLine] = []
        item, code = self.structure["item"], self.structure["code"]
        for row, line in enumerate(self.invoice.lines):
            c = self._cells(line, row)
            described = Markup("{} {}").format(c["c"], c["d"]) if code and c["c"] else c["d"]
            several = line.quantity != Decimal(1)
            if item in ("columns", "quantity_first"):
                letters = self.item_columns()
                if item == "columns" and letters[0] == "d" and len(letters) == 4 and code and c["c"]:
                    lines.append(ItemLine([c["c"]], wide=True))
                    described = c["d"]
                lines.append(ItemLine([described if letter == "d" else c[letter] for letter in letters]))
            elif item == "two_line":
                lines += [ItemLine([described], wide=True), ItemLine([c["x"], c["a"]], indent=True)]
            elif item == "description_amount":
                lines.append(ItemLine([described, c["a"]]))
                if several:
                    lines.append(ItemLine([c["x"]], indent=True, wide=True))
            elif item == "code_line":
                lines.append(ItemLine([c["d"]], wide=True))
                left = Markup("{} {}").format(c["c"], c["x"]) if c["c"] else c["x"]
                lines.append(ItemLine([left, c["a"]]))
            else:
                lines.append(ItemLine([c["d"]], wide=True))
                if c["c"]:
                    lines.append(ItemLine([c["c"]], wide=True))
                lines.append(ItemLine([c["x"], c["a"]], indent=True))
            if line.discount:
                reason = escape(self.wording("discount_total"))
                amount = -line.discount if self.style["discount_negative"] else line.discount
                printed = self.money(
                    amount, f"lines.{row}.discount", "ITEM_DISCOUNT", place="items", group=f"line-{row}"
                )
                lines.append(ItemLine([reason, self.cell(printed, row, "ITEM_DISCOUNT")], indent=True))
        return lines

    # -- totals --------------------------------------------------------------------------------------------

    def receipt_totals(self) -> list[Row]:
        """Subtotal, tax, total, rounding, tenders and change, top to bottom.

        A cash-rounded total is the total that was paid, so it is TOTAL_AMOUNT, and the figure before
        rounding is O.
        """
        invoice, t, structure = self.invoice, self.invoice.totals, self.structure
        rows: list[Row] = []
        if structure["items_count"] and invoice.prints_lines:
            pieces = (line.quantity if line.unit_code == "C62" else Decimal(1) for line in invoice.lines)
            count = f"{sum(pieces, Decimal(0)).normalize():f}"
            rows.append(Row(self.caption("number_of_items"), Printed(count, "number_of_items")))
        if not invoice.prints_lines:
            return self._slip_totals()
        adjusted = bool(invoice.allowances_charges)
        exclusive = not invoice.prices_include_tax
        if structure["subtotal"] or adjusted or (exclusive and self.tax_lines):
            key = "subtotal" if exclusive else "subtotal_included"
            rows.append(Row(self.caption(key), self.money(t.line_sum, "totals.line_sum", "SUBTOTAL_AMOUNT")))
            rows += self.discount_rows()
        elif structure["tax_in_totals"] == "excluded" and self.tax_lines:
            rows.append(
                Row(self.caption("total_excluded"), self.money(t.net, "totals.net", "SUBTOTAL_AMOUNT"))
            )
        if (how := self._tax_in_totals()) is not None:
            rows += self.tax_rows(how)
        payable = t.gross + t.rounding
        if t.rounding:
            rows.append(Row(self.caption("total_before_rounding"), self.money(t.gross, "totals.gross", None)))
            rows.append(Row(self.caption("rounding"), self.money(t.rounding, "totals.rounding", None)))
            total = Row(
                self.caption("total_rounded"), self.money(payable, "totals.due", "TOTAL_AMOUNT"), "total"
            )
        else:
            total = Row(
                self.caption("receipt_total"), self.money(payable, "totals.gross", "TOTAL_AMOUNT"), "total"
            )
        rows.append(total)
        for i, tender in enumerate(invoice.tenders if invoice.prints_lines else []):
            prefix = self.choose(self.lexicon["tender_prefix"])
            if prefix and tender.method.casefold().startswith(prefix.split()[0].casefold()):
                prefix = ""
            method = tender.method.upper() if self.style["caption_case"] == "upper" else tender.method
            printed = Printed(method, f"tenders.{i}.method", "PAYMENT_METHOD", tender.method)
            caption = Markup("{} {}").format(prefix, printed) if prefix else printed.__html__()
            caption += self.structure["caption_end"]
            rows.append(Row(caption, self.money(tender.amount, f"tenders.{i}.amount", "AMOUNT_PAID")))
        if invoice.change or (invoice.tenders and self.chance(0.2)):
            rows.append(Row(self.caption("change"), self.money(invoice.change, "change", None)))
        return rows

    def _slip_totals(self) -> list[Row]:
        """Amount, tip and total of a card slip: what was sold is not on it."""
        t, tips = self.invoice.totals, self.discount_rows()
        rows = []
        if tips:
            amount = t.gross - t.charges
            rows.append(
                Row(self.caption("subtotal_included"), self.money(amount, "slip.amount", "SUBTOTAL_AMOUNT"))
            )
            rows += tips
        total = self.money(t.gross + t.rounding, "totals.gross", "TOTAL_AMOUNT")
        return [*rows, Row(self.caption("receipt_total"), total, "total")]

    def card_rows(self) -> list[Row]:
        """What a card terminal adds; always O."""
        rows = [
            Row(escape(tender.method), Printed(tender.card_number, "tenders.card_number"))
            for tender in self.invoice.tenders
            if tender.card_number
        ]
        rows += [self.extra(key) for key in _CARD_EXTRAS if key in self.invoice.extras]
        return rows

    def fiscal_rows(self) -> list[Row]:
        """What a fiscal till signs; always O."""
        keys = ("fiscal_number", "fiscal_signature", "device_serial")
        return [self.extra(key) for key in keys if key in self.invoice.extras]

    def fiscal_code(self) -> Markup | None:
        """The fiscal signature as a QR code."""
        signature = self.invoice.extras.get("fiscal_signature")
        return (
            qr_code(f"{signature};{self.invoice.number};{self.invoice.issue_date}", 22) if signature else None
        )

    def mark(self) -> Markup:
        """The shop's drawn mark, in the till's ink."""
        return logo(self.rng, self.style["ink"], "#888888", float(self.style["mark_mm"]))

    def bars(self, digits: Printed) -> Markup:
        """The bar code of these digits."""
        return bar_code(str(digits.text), min(0.8 * self._printed_mm(), 52), 9)

    def extra_rows(self) -> list[Row]:
        """Loyalty points, savings and other figures that mean nothing to accounting; always O."""
        rows = [
            self.extra(key)
            for key in ("loyalty_points", "member_number", "till", "store_number")
            if key in self.invoice.extras
        ]
        if self.chance(0.3):
            saved = Decimal(int(self.rng.integers(5, 900))).scaleb(-2)
            text = format_number(saved, self.style["number_style"], 2)
            rows.append(Row(self.caption("you_saved"), Printed(text, "you_saved")))
        return rows

    def total_again(self) -> Printed:
        """The total, printed once more."""
        t = self.invoice.totals
        path = "totals.due" if t.rounding else "totals.gross"
        return self.money(t.gross + t.rounding, path, "TOTAL_AMOUNT")

    def total_scale(self) -> float:
        """How much larger the total is set, as far as caption and amount leave room on the paper."""
        t = self.invoice.totals
        characters = (
            len(self.decimal_value(t.gross + t.rounding)) + 5 + max(map(len, self._total_caption().split()))
        )
        room = self._printed_mm() / (characters * self._char_mm())
        return round(max(1.0, min(float(self.style["total_scale"]), room)), 2)

    def _total_caption(self) -> str:
        return self.wording("total_rounded" if self.invoice.totals.rounding else "receipt_total")

    def barcode_digits(self) -> Printed:
        """The number under a bar code; always O."""
        return Printed("".join(str(int(digit)) for digit in self.rng.integers(0, 10, 16)), "barcode")

    # -- paper ---------------------------------------------------------------------------------------------

    def _width_mm(self) -> int:
        return {"roll58": 58, "roll80": 80, "roll80_wide": 112, "A4": 210}[self.structure["sheet"]]

    def size_pt(self) -> float:
        """Size of the type: the genome's, as far as the columns leave room for it on the paper."""
        characters = 38 if len(self.item_columns()) == 4 or len(self.tax_lines) > 1 else 32
        characters += 0 if self.style["currency_items"] == "none" else 8
        em = digit_em(self.style["font"]) + float(self.style["letter_spacing"].rstrip("em"))
        return round(min(float(self.style["size_pt"]), self._printed_mm() / (characters * em * 0.3528)), 2)

    def _char_mm(self) -> float:
        """Width of a digit, which no character of a fixed-width face exceeds; 0.3528 mm a point."""
        return self.size_pt() * 0.3528 * digit_em(self.style["font"])

    def _printed_mm(self) -> float:
        return min(self._width_mm(), 78) - 2 * float(self.style["margin_mm"])

    def side_margin_mm(self) -> float:
        """Left and right margin: on a sheet, the receipt stands in the middle as on a copier's glass."""
        if self.structure["sheet"] == "A4":
            return float((210 - 78) / 2 + self.style["margin_mm"])
        return float(self.style["margin_mm"])

    def sheet_size(self) -> str:
        """Paper size for CSS; a roll is laid out on the longest paper, and cut below its last line."""
        if self.structure["sheet"] == "A4":
            return "210mm 297mm"
        return f"{self._width_mm()}mm {_LONGEST_ROLL_MM}mm"

    def blank_mm(self) -> float | None:
        """Blank paper between the last line and the cut; None on a sheet, which is not cut."""
        return None if self.structure["sheet"] == "A4" else float(self.style["blank_mm"])


def _pair(row: Row) -> Markup:
    return Markup("{} {}").format(row.caption, row.value) if row.caption else Markup("{}").format(row.value)
