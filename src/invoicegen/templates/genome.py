"""The grammar of layouts: which blocks a document has, where they stand, and how they are dressed.

A genome has two parts. ``structure`` decides what stands where; its hash is the ``split_group`` that no two
splits share. ``style`` decides fonts, colours, wordings and formats, which a split may share.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from invoicegen.randomness import pick
from invoicegen.schema.annotation import TemplateFamily
from invoicegen.schema.invoice import DocumentKind
from invoicegen.synthesis.locales import Locale, load_language, load_locale
from invoicegen.templates.fonts import LATIN, Font, load_fonts
from invoicegen.templates.lexicon import load_lexicon

Genome = dict[str, Any]

_COMMON = LATIN | frozenset("\u00a0\u2013\u2014\u2018ºª¿¡§©®")


@cache
def _beyond_latin(locale: str, folders: tuple[str, ...]) -> bool:
    """Whether the words of a locale have letters that not every font family covers."""
    country = load_locale(locale, folders)
    lexicon = load_lexicon(country.language, folders, locale)
    captions = "".join(text for key in sorted(lexicon.keys()) for text in lexicon[key])
    words = country.model_dump_json() + load_language(country.language, folders).model_dump_json()
    return any(sign.isalpha() and sign not in _COMMON for sign in {*captions, *words})


def structure_hash(genome: Genome) -> str:
    """Hash of what stands where, blind to colours, fonts, wordings and formats."""
    canonical = json.dumps(genome["structure"], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


class _Dice:
    """Draws with few words; every draw comes from the one generator given."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    def chance(self, probability: float) -> bool:
        return bool(self.rng.random() < probability)

    def one(self, options: Sequence[Any]) -> Any:
        return options[int(self.rng.integers(len(options)))]

    def weighted(self, weights: Mapping[Any, float]) -> str:
        return str(pick(self.rng, weights))

    def subset(self, chances: Mapping[str, float]) -> list[str]:
        """Some of the keys, each with its chance, in any order."""
        return self.shuffled([key for key, probability in chances.items() if self.chance(probability)])

    def between(self, low: float, high: float, digits: int = 1) -> float:
        return round(float(self.rng.uniform(low, high)), digits)

    def shuffled(self, items: Sequence[Any]) -> list[Any]:
        return [items[int(i)] for i in self.rng.permutation(len(items))]


def sample_genome(
    rng: np.random.Generator,
    family: TemplateFamily,
    kind: DocumentKind,
    locale: str,
    folders: tuple[str, ...] = (),
) -> Genome:
    """A layout of ``family`` that suits ``kind`` and ``locale``, drawn from ``rng``.

    Args:
        rng: The document's draws.
        family: Whose grammar.
        kind: What is laid out.
        locale: Such as ``de_DE``.
        folders: The user's folders of locales, languages and lexicons.
    """
    dice = _Dice(rng)
    country, extended = load_locale(locale, folders), _beyond_latin(locale, folders)
    if family == "receipt":
        structure = _receipt_structure(dice, kind)
        style = _receipt_style(dice, country, extended)
    else:
        structure = _page_structure(dice, family, kind, country)
        style = _page_style(dice, family, country, extended)
        if structure["dense"]:
            style |= {
                "size_pt": dice.between(6.0, 7.2),
                "cell_pad_mm": 0.4,
                "margin_mm": dice.between(8, 14),
                "caption_case": "as_is",
            }
        elif structure["page"] == "A5":
            style |= {"size_pt": min(style["size_pt"], 8.0), "margin_mm": min(style["margin_mm"], 12.0)}
        structure["lone_seller"] = dice.weighted({"head": 1, "buyer": 1})
    structure["family"] = family
    return {"structure": structure, "style": style}


def _rows(dice: _Dice, blocks: Sequence[str], breaks: float, widest: int = 3) -> list[list[str]]:
    """Blocks in order, cut into rows of one to ``widest``."""
    rows: list[list[str]] = []
    for block in blocks:
        if rows and len(rows[-1]) < widest and not dice.chance(breaks):
            rows[-1].append(block)
        else:
            rows.append([block])
    return rows


def _head(dice: _Dice, buyer_below: bool) -> list[list[str]]:
    """Rows of blocks above the line items."""
    name_first = dice.chance(0.75)
    top = ["seller", "title"] if name_first else ["title", "seller"]
    if dice.chance(0.12):
        top = dice.shuffled(["logo", *top])
    elif dice.chance(0.4):
        top = dice.shuffled([*top, "logo"]) if dice.chance(0.3) else ["logo", *top]
    middle = dice.weighted({"buyer refs": 5, "refs buyer": 3, "buyer ship_to refs": 2, "buyer ship_to": 1})
    lower = middle.split() if buyer_below else dice.shuffled(["buyer", "refs"])
    if "refs" not in lower:
        lower.append("refs")
    layout = dice.weighted({"halves": 6, "free": 3, "refs_top": 2, "parties": 3})
    if layout == "halves":
        return [*_rows(dice, top, 0.2), *_rows(dice, lower, 0.25)]
    if layout == "refs_top":
        lower.remove("refs")
        return [[top[0], "refs"], *_rows(dice, [*top[1:], *lower], 0.5)]
    if layout == "parties":
        lower = [block for block in lower if block != "buyer"]
        top = [block for block in top if block != "seller"]
        pair = ["seller", "buyer"] if dice.chance(0.75) else ["buyer", "seller"]
        rest = _rows(dice, [*top], 0.6)
        return (
            [*rest, pair, *_rows(dice, lower, 0.6)]
            if dice.chance(0.8)
            else [pair, *rest, *_rows(dice, lower, 0.6)]
        )
    return _rows(dice, [*top, *lower], 0.5)


def _columns(dice: _Dice, kind: DocumentKind) -> list[str]:
    """Columns of the line-item table, left to right."""
    columns = ["ITEM_DESCRIPTION"]
    if dice.chance(0.45):
        columns.insert(0 if dice.chance(0.8) else 1, "ITEM_CODE")
    if dice.chance(0.4):
        columns.insert(0, "position")
    if kind in ("advertising_invoice", "service_invoice", "utility_bill") and dice.chance(0.45):
        columns.insert(0, "item_date")
    quantity = ["ITEM_QUANTITY"]
    if dice.chance(0.4):
        quantity.insert(1 if dice.chance(0.8) else 0, "ITEM_UNIT")
    price = ["ITEM_UNIT_PRICE"]
    if dice.chance(0.2):
        price.append("ITEM_DISCOUNT")
    if dice.chance(0.4):
        price.insert(int(dice.rng.integers(len(price) + 1)), "ITEM_TAX_RATE")
    gross = dice.chance(0.14)
    if not gross and dice.chance(0.08):
        price.append("tax_amount")
    layout = dice.weighted(
        {"usual": 7, "quantity_first": 2, "price_first": 1, "amount_only": 0.8, "no_price": 0.6}
    )
    if layout == "quantity_first":
        return [*quantity, *columns, *price, "ITEM_AMOUNT"]
    if layout == "price_first":
        return [*columns, *price, *quantity, "ITEM_AMOUNT"]
    if layout == "amount_only":
        return [*columns, "ITEM_AMOUNT"]
    if layout == "no_price":
        return [*columns, *quantity, "ITEM_AMOUNT"]
    if gross:
        price = [name for name in price if name != "ITEM_TAX_RATE"]
        tax = ["ITEM_TAX_RATE", *(["tax_amount"] if dice.chance(0.6) else [])]
        return [*columns, *quantity, *price, "ITEM_AMOUNT", *tax, "gross_amount"]
    return [*columns, *quantity, *price, "ITEM_AMOUNT"]


def _page_structure(dice: _Dice, family: TemplateFamily, kind: DocumentKind, locale: Locale) -> Genome:
    classic = family == "classic"
    letter = locale.paper == "Letter" or dice.chance(0.03)
    window = locale.window_share > 0 and dice.chance(locale.window_share)
    tail = ["totals"]
    tax_table = dice.weighted({"none": 6, "before": 1, "after": 2})
    if tax_table == "before":
        tail.insert(0, "tax_table")
    elif tax_table == "after":
        tail.append("tax_table")
    rest = dice.subset({"payment": 0.8, "notes": 0.7, "sign": 0.15, "terms": 0.5, "remit_to": 0.9})
    if rest and dice.chance(0.3):
        tail.insert(0, rest.pop())
    extras = dice.subset({"account": 0.5, "code": 0.25, "stamp": 0.07, "fine_print": 0.9, "advert": 0.9})
    account = "account" in extras
    dense = dice.chance(0.08) or (kind == "advertising_invoice" and dice.chance(0.3))
    columns = _DENSE if dense else _columns(dice, kind)
    schedule = kind == "advertising_invoice" and dice.chance(0.45)
    counted_in = dice.chance(0.12)
    if counted_in:
        columns = [name for name in columns if name != "ITEM_UNIT"]
    small = not dense and len(columns) <= _A5_COLUMNS and dice.chance(0.03)
    structure: Genome = {
        "page": "Letter" if letter else "A5" if small else "A4",
        "landscape": dice.chance(0.45 if schedule else 0.3 if dense else 0.04),
        "dense": dense,
        "band": not classic and dice.chance(0.12),
        "hand": classic and dice.chance(0.06),
        "carry_rows": 0 if dice.chance(0.55) else int(dice.rng.integers(12, 24)),
        "head_repeated": dice.chance(0.8),
        "item_rows": "two" if dice.chance(0.05) else "one",
        "blank_rows": int(dice.rng.integers(2, 9)) if dice.chance(0.2 if classic else 0.04) else 0,
        "account_box": account,
        "section_fill": dice.chance(0.4),
        "section_sums": dice.chance(0.35),
        "head_merged": dice.chance(0.15),
        "party_lines": dice.chance(0.08),
        "party_table": dice.weighted({"none": 8.6, "address": 0.7, "lines": 0.7}),
        "party_number": dice.weighted({"none": 19, "number": 0.5, "gln": 0.5}),
        "city_country": dice.chance(0.05),
        "contact_between": False,
        "office": False,
        "listing": False,
        "four_parties": False,
        "list_wide": False,
        "list_rules": "none",
        "masthead": dice.chance(0.05),
        "margin_text": dice.weighted({"none": 15, "left": 0.5, "right": 0.3}),
        "seller_compact": dice.chance(0.07),
        "schedule": schedule,
        "unit_in_quantity": counted_in,
        "order_in_table": dice.chance(0.07),
        "terms_caption": dice.chance(0.65),
        "code_kind": dice.weighted({"payment": 7, "number": 3}),
        "sign": dice.weighted({"sign": 4, "received_by": 1}),
        "watermark": dice.chance(0.025),
        "sidebar": dice.weighted({"none": 22, "left": 0.6, "right": 0.6}),
        "fine_columns": dice.chance(0.4),
        "stamp": dice.weighted({"stamp_paid": 2, "stamp_received": 2, "watermark_copy": 1}),
        "head": _head(dice, buyer_below=not window or dice.chance(0.5)),
        "window": window,
        "refs": dice.weighted(
            {"list": 6, "grid": 2.5, "row": 2, "table": 2, "sentence": 0.5, "inline": 0.7, "form": 1.2}
            | {"boxes": 8 if schedule else 1.2}
        ),
        "refs_blank": int(dice.weighted({"0": 8, "1": 1, "2": 1, "3": 0.5})),
        "refs_count": int(dice.rng.integers(2, 8)) + (5 if kind in _WIDE_REFERENCES else 0),
        "caption_place": dice.weighted({"left": 8, "above": 2}),
        "caption_right": dice.chance(0.25),
        "caption_end": dice.weighted({":": 5, "": 3, " :": 1}),
        "party_caption": dice.weighted({"above": 7, "left": 1, "none": 3, "bar": 2}),
        "seller_caption": dice.weighted({"none": 7, "from": 2, "remit_to": 1.2}),
        "party_box": dice.chance(0.35 if classic else 0.12),
        "party_contacts": dice.weighted({"none": 3, "some": 4, "all": 2}),
        "seller_ids_in_head": dice.chance(0.5),
        "address_inline": dice.chance(0.18),
        "greeting": dice.chance(0.2),
        "closing": dice.chance(0.12),
        "due_box": dice.chance(0.1),
        "columns": columns,
        "table_rules": dice.weighted(
            {"grid": 4, "rows": 2, "header": 3, "none": 1, "columns": 1.5, "double": 0.7}
            if classic
            else {"rows": 5, "header": 4, "grid": 1.5, "none": 2, "columns": 0.5, "double": 0.2}
        ),
        "table_head": dice.weighted(
            {"plain": 3, "fill": 3} if classic else {"fill": 5, "plain": 2, "rule": 3}
        ),
        "table_filler": dice.chance(0.2 if classic else 0.05),
        "zebra": dice.chance(0.1 if classic else 0.35),
        "head_missing": dice.chance(0.03),
        "second_line": dice.weighted({"same": 6, "inline": 2, "none": 1}),
        "totals_place": dice.weighted(
            {
                "right": 8,
                "full": 2,
                "table": 3,
                "left": 0.6,
                "center": 0.4,
                "sentence": 0.4,
                "row": 0.8,
                "by_rate": 0.8,
            }
        ),
        "totals_box": dice.weighted({"none": 6, "all": 2.5, "values": 0.8}),
        "totals_caption_right": dice.chance(0.35),
        "tax_lines": dice.weighted({"caption_rate": 6, "sum": 2, "columns": 1.5}),
        "subtotal": dice.chance(0.85),
        "every_sum": False,
        "tail": [*_rows(dice, tail, 0.5, 2), *_rows(dice, [*rest, *extras], 0.6, 2)],
        "payment": dice.weighted({"list": 5, "row": 2, "sentence": 1.2, "boxed": 0.8}),
        "footer": dice.weighted({"none": 3, "line": 3, "columns": 3}),
        "footer_bank": dice.chance(0.4),
        "page_number": dice.weighted({"none": 4, "bottom": 4, "top": 1}),
        "title_number": dice.weighted({"none": 7.6, "number": 1.8, "line": 0.6}),
        "parts": dice.weighted({"columns": 5, "description": 3, "counted": 2}),
    }
    if dice.chance(0.15):
        structure |= _LISTING | _listing(dice)
    elif dice.chance(0.04):
        structure |= _OFFICE | {"head": dice.one(_WITH_OFFICE)}
    elif dice.chance(0.04):
        structure |= _FOUR_PARTIES | _four_parties(dice)
    crowded = dense or small or window or structure["landscape"] or structure["band"]
    if structure["totals_place"] == "by_rate" and structure["page"] == "A5":
        structure["totals_place"] = "right"
    if structure["totals_place"] in ("row", "by_rate"):
        others = [[name for name in row if name != "totals"] for row in structure["tail"]]
        place = next(i for i, row in enumerate(structure["tail"]) if "totals" in row)
        structure["tail"] = [row for row in [*others[:place], ["totals"], *others[place:]] if row]
    if crowded or len(columns) > _BESIDE_SIDEBAR:
        structure["sidebar"] = "none"
    if crowded or structure["sidebar"] != "none":
        structure["margin_text"] = "none"
    if structure["band"]:
        # The band covers the margin above: what stands there could not be seen.
        structure["masthead"] = False
        if structure["page_number"] != "none":
            structure["page_number"] = "bottom" if structure["footer"] == "none" else "none"
    return structure


_WITH_OFFICE = (
    [["seller"], ["buyer"], ["office"], ["title"], ["refs"]],
    [["seller", "logo"], ["buyer"], ["office"], ["title", "refs"]],
    [["seller"], ["buyer", "office"], ["title"], ["refs"]],
    [["seller"], ["buyer"], ["office", "refs"], ["title"]],
)
"""Heads of insurers' and utilities' letters: the seller's name over the buyer, its address in a block of its own."""
_OFFICE: Genome = {"office": True, "band": False, "seller_caption": "none", "seller_compact": False}
_OF_FOUR_PARTIES = (
    [["seller", "buyer", "title"], ["invoicee", "ship_to", "refs"]],
    [["title"], ["seller", "buyer"], ["invoicee", "ship_to"], ["refs"]],
    [["seller", "buyer", "refs"], ["invoicee", "ship_to", "title"]],
    [["title", "refs"], ["buyer", "seller"], ["ship_to", "invoicee"]],
    [["title", "refs"], ["seller", "invoicee"], ["buyer", "ship_to"]],
)
"""Heads of wholesalers' forms: who buys and who is billed are two boxes, mostly of the same party."""
_FOUR_PARTIES: Genome = {
    "four_parties": True, "window": False, "band": False, "seller_caption": "from", "seller_compact": False,
    "party_caption": "above", "party_table": "none",
}  # fmt: skip


def _four_parties(dice: _Dice) -> Genome:
    """What varies from form to form."""
    return {
        "head": dice.one(_OF_FOUR_PARTIES),
        "party_number": dice.weighted({"none": 3, "number": 2, "gln": 3, "both": 2}),
    }


_LISTED_PARTIES = (
    [["seller"], ["buyer"]], [["buyer"], ["seller"]], [["seller", "buyer"]],
    [["seller"], ["buyer"], ["ship_to"]], [["seller"], ["buyer"], ["ship_to"]], [["seller"], ["ship_to"], ["buyer"]],
)  # fmt: skip
_LISTING: Genome = {
    "listing": True, "window": False, "band": False, "masthead": True, "refs": "list", "caption_place": "left",
    "party_contacts": "all", "seller_caption": "from", "seller_compact": False, "seller_ids_in_head": True,
    "payment": "list", "totals_place": "full",
}  # fmt: skip
"""What viewers make of an electronic invoice: one captioned value below the other."""


def _listing(dice: _Dice) -> Genome:
    """What varies from viewer to viewer."""
    title = [["title"], ["specification"]] if dice.chance(0.5) else [["title"]]
    return {
        "head": [*(title if dice.chance(0.6) else title[::-1]), ["refs"], *dice.one(_LISTED_PARTIES)],
        "title_number": dice.weighted({"line": 6, "none": 3, "number": 1}),
        "party_caption": dice.weighted({"bar": 5, "above": 5, "left": 1}),
        "party_table": dice.weighted({"lines": 6, "address": 4}),
        "party_number": dice.weighted({"none": 3, "number": 4, "gln": 1.5, "both": 2.5}),
        "city_country": dice.chance(0.4),
        "contact_between": dice.chance(0.5),
        "list_wide": dice.chance(0.7),
        "list_rules": dice.weighted({"none": 4, "zebra": 4, "rows": 3, "grid": 1}),
        "every_sum": dice.chance(0.7),
    }


_DENSE = [
    "position", "item_date", "ITEM_CODE", "ITEM_DESCRIPTION", "ITEM_QUANTITY", "ITEM_UNIT", "ITEM_UNIT_PRICE",
    "ITEM_DISCOUNT", "ITEM_TAX_RATE", "tax_amount", "ITEM_AMOUNT",
]  # fmt: skip
_A5_COLUMNS = 5  # the most that the width of an A5 sheet holds
_BESIDE_SIDEBAR = 6  # the most that fit beside a sidebar on A4
COLUMNS = frozenset(_DENSE) | {"commodity_code", "origin_country", "net_weight", "gross_amount"}
"""Columns that a line-item table may have."""
_NARROW = (
    "sheet roll58 has no room for description, quantity, price, amount, code and tax code on one line; take "
    "item_order dqa, or leave out code or tax_code"
)


def _too_narrow(structure: Genome) -> bool:
    everything = structure["item_order"] in ("dqpa", "qdpa") and structure["code"] and structure["tax_code"]
    return structure["sheet"] == "roll58" and structure["item"] == "columns" and bool(everything)


def impossible(structure: Genome) -> str | None:
    """Why a layout cannot be: which genes contradict each other and what to change; None where it can."""
    if structure["family"] == "receipt":
        return _NARROW if _too_narrow(structure) else None
    columns = structure["columns"]
    if unknown := sorted(set(columns) - COLUMNS):
        return f"columns: unknown {', '.join(unknown)}; choose of {', '.join(sorted(COLUMNS))}"
    if len(set(columns)) != len(columns) or not {"ITEM_DESCRIPTION", "ITEM_AMOUNT"} <= set(columns):
        return "columns: each once, and ITEM_DESCRIPTION and ITEM_AMOUNT among them"
    if structure["page"] == "A5" and len(columns) > _A5_COLUMNS:
        return f"page A5 holds {_A5_COLUMNS} columns and not {len(columns)}; take A4, or fewer columns"
    return None


_WIDE_REFERENCES = ("freight_invoice", "hotel_bill", "telecom_bill", "utility_bill", "advertising_invoice")

_PALETTE = (
    "#1f4e79", "#2e75b6", "#c00000", "#385723", "#7030a0", "#404040", "#e46c0a", "#00838f", "#3b3b6d", "#b8860b",
    "#5b2c6f", "#145a32", "#0b5345", "#922b21", "#1a5276", "#d35400", "#2c3e50", "#000000", "#6c757d", "#0d6efd",
)  # fmt: skip


def _families(extended: bool, *classes: str) -> list[Font]:
    fonts = [
        font
        for font in load_fonts()
        if font.style in classes and (not extended or font.scripts == "latin-ext")
    ]
    if not fonts:
        raise ValueError(f"fonts.yml: no family of class {' or '.join(classes)}; add one")
    return fonts


def _page_style(dice: _Dice, family: TemplateFamily, locale: Locale, extended: bool) -> Genome:
    classic = family == "classic"
    body = (
        dice.weighted({"serif": 4, "sans": 4, "mono": 2})
        if classic
        else dice.weighted({"sans": 9, "condensed": 0.7, "serif": 1})
    )
    available = {font.style for font in load_fonts()}
    body = body if body in available else "sans"
    font = dice.one(_families(extended, body)).family
    matrix = classic and dice.chance(0.08)
    if matrix:
        font = dice.one(_families(extended, "mono")).family
    heading = font if matrix or dice.chance(0.6) else dice.one(_families(extended, "sans", "serif")).family
    return {
        "font": font,
        "heading_font": heading,
        "size_pt": dice.between(7.5, 11.0),
        "look": "fanfold" if matrix else "plain",
        "hand_font": dice.one(_families(extended, "script")).family,
        "logo_mm": dice.between(9, 24),
        "logo_align": dice.weighted({"left": 6, "right": 2, "center": 1}),
        "second_colour": dice.one(_PALETTE),
        "stamp_turn": dice.between(-14, 14, 0),
        "stamp_colour": dice.weighted({"#b02020": 3, "#2030a0": 2, "#107040": 1}),
        "title_pt": dice.between(13, 30),
        "name_pt": dice.between(10, 22),
        "line_height": dice.between(1.1, 1.5, 2),
        "margin_mm": dice.between(10, 25),
        "gap_mm": dice.between(2, 9),
        "cell_pad_mm": dice.between(0.4, 2.2),
        "accent": "#000000" if dice.chance(0.55 if classic else 0.2) else dice.one(_PALETTE),
        "head_fill": dice.weighted({"accent": 4, "light": 3, "grey": 3}),
        "title_upper": dice.chance(0.3),
        "caption_case": dice.weighted({"as_is": 7, "upper": 2, "lower": 0.3}),
        "caption_weight": dice.weighted({"normal": 4, "bold": 4}),
        "value_weight": dice.weighted({"normal": 7, "bold": 1.5}),
        "header_case": dice.weighted({"as_is": 6, "upper": 3}),
        "title_align": dice.weighted({"left": 4, "right": 4, "center": 2}),
        "seller_align": dice.weighted({"left": 6, "right": 3, "center": 1.5}),
        "refs_align": dice.weighted({"left": 3, "right": 4}),
        "total_weight": dice.weighted({"bold": 7, "normal": 2}),
        "total_fill": dice.chance(0.2),
        "text_color": dice.weighted({"#000000": 5, "#222222": 2, "#444444": 1.5, "#1a1a40": 0.3}),
        "cells_align": dice.weighted({"left": 14, "center": 1}),
        "number_align": dice.weighted({"right": 8, "center": 1, "left": 0.8}),
        "last_row_min_mm": dice.between(0, 60),
        **_formats(dice, locale),
        "description_signs": int(dice.rng.integers(18, 46)) if dice.chance(0.12) else None,
        "part_mark": dice.weighted({"": 4, "- ": 3, "• ": 1, "\u00a0\u00a0\u00a0": 2}),
    }


def _formats(dice: _Dice, locale: Locale) -> Genome:
    return {
        "number_style": dice.weighted(locale.numbers),
        "date_pattern": dice.weighted(locale.dates),
        "date_upper": dice.chance(0.06),
        "currency_items": dice.weighted(
            {"none": 6, "glued": 2, "after": 1.5, "before": 0.5, "glued_after": 0.4}
        ),
        "currency_totals": dice.weighted(
            {"none": 3, "glued": 3, "after": 3, "before": 2, "glued_after": 0.6}
        ),
        "currency_pick": int(dice.rng.integers(64)),
        "currency_in_caption": dice.chance(0.12),
        "price_digits": dice.weighted({"2": 9, "4": 0.6, "3": 0.4}),
        "quantity_digits": dice.weighted({"min": 7, "2": 2.5, "3": 1, "4": 0.3}),
        "rate_style": dice.weighted({"19%": 5, "19 %": 3, "19.00%": 2, "19.0%": 1, "19.00": 0.6, "19": 0.6}),
        "iban_spaced": dice.chance(0.7),
        "negative": dice.weighted({"-1": 8, "1-": 0.5, "(1)": 0.8}),
        "discount_negative": dice.chance(0.65),
    }


def _receipt_structure(dice: _Dice, kind: DocumentKind) -> Genome:
    item = dice.weighted(
        {
            "columns": 5,
            "two_line": 5,
            "description_amount": 3,
            "quantity_first": 4,
            "code_line": 3,
            "three_line": 1,
        }
    )
    references = ["number", "date", "cashier", "till", "table", "covers", "store_number", "member_number"]
    references += ["transaction_number", "order_number", "pump", "registration_plate"]
    tail = dice.subset(
        {
            "tax_table": 0.45,
            "extras": 0.35,
            "notes": 0.8,
            "barcode": 0.2,
            "card": 0.3,
            "fiscal": 0.9,
            "advert": 0.9,
            "fine_print": 0.9,
        }
    )
    head = ["name", "address", "contacts", "ids"]
    if dice.chance(0.25):
        head[1:] = dice.shuffled(head[1:])
    structure: Genome = {
        "sheet": dice.weighted({"roll80": 6, "roll58": 2, "A4": 1.2, "roll80_wide": 1.5}),
        "head": head,
        "title": dice.weighted({"top": 1, "after_head": 5, "after_refs": 1, "none": 3}),
        "align": dice.weighted({"center": 8, "left": 2}),
        "address_lines": int(dice.rng.integers(1, 5)),
        "refs": dice.weighted({"pairs": 4, "list": 4, "plain": 1.5}),
        "refs_order": dice.shuffled(references),
        "refs_count": int(dice.rng.integers(2, 7)),
        "date_time": dice.weighted({"together": 5, "apart": 3, "no_time": 1, "no_caption": 2}),
        "date_place": dice.weighted({"refs": 7, "bottom": 2, "top": 0.8}),
        "item": item,
        "item_head": dice.chance(0.65 if item != "description_amount" else 0.2),
        "item_order": dice.weighted({"dqpa": 4, "qdpa": 2, "dqa": 2, "qda": 2}),
        "code": dice.chance(0.3),
        "tax_code": dice.chance(0.25),
        "rules": dice.weighted({"dashes": 5, "equals": 2, "line": 2, "stars": 1, "none": 2, "dots": 1}),
        "subtotal": dice.chance(0.5),
        "items_count": dice.chance(0.3),
        "tax_in_totals": dice.weighted({"line": 4, "none": 4, "excluded": 3}),
        "total_big": dice.chance(0.4),
        "total_repeat": dice.chance(0.15),
        "caption_end": dice.weighted({":": 4, "": 5, " :": 1}),
        "totals_indent": dice.weighted({"none": 5, "some": 3, "half": 2}),
        "buyer": dice.chance(0.05),
        "tail": tail,
        "logo": dice.chance(0.2),
    }
    if _too_narrow(structure):
        structure["code"] = False
    return structure


def _receipt_style(dice: _Dice, locale: Locale, extended: bool) -> Genome:
    classes = [c for c in ("mono", "receipt", "sans", "condensed") if any(f.style == c for f in load_fonts())]
    body = dice.weighted({c: {"mono": 5, "receipt": 3, "sans": 3, "condensed": 1}[c] for c in classes})
    if not any(font.style == body and (font.scripts == "latin-ext" or not extended) for font in load_fonts()):
        body = "mono"
    return {
        "font": dice.one(_families(extended, body)).family,
        "size_pt": dice.between(6.5, 9.5),
        "line_height": dice.between(1.0, 1.4, 2),
        "margin_mm": dice.between(2, 7),
        "upper": dice.chance(0.4),
        "title_upper": dice.chance(0.4),
        "caption_case": dice.weighted({"as_is": 6, "upper": 4}),
        "name_scale": dice.between(1.0, 2.2, 2),
        "name_bold": dice.chance(0.6),
        "total_scale": dice.between(1.2, 2.0, 2),
        "total_inverse": dice.chance(0.05),
        "leaders": dice.chance(0.06),
        "blank_mm": dice.between(2, 22),
        "mark_mm": dice.between(8, 14),
        "ink": dice.weighted({"#000000": 5, "#222222": 3, "#333366": 0.5, "#555555": 1.2}),
        "letter_spacing": dice.weighted({"0": 8, "0.04em": 1, "-0.02em": 1}),
        "times_sign": dice.weighted({"x": 5, "X": 3, "@": 3, "*": 1}),
        **_formats(dice, locale),
        "currency_items": dice.weighted({"none": 8, "glued": 1.5, "before": 0.5}),
        "currency_totals": dice.weighted({"none": 5, "glued": 2, "before": 2, "after": 1}),
    }
