"""Captions and regular expressions over the words of a document: what is had in an afternoon, without learning.

A caption of the package's lexicons (of the document's language and of English) names a field; its value stands to the
right of it or below, in the form that the field has. The seller is the first line that is no caption, the total the
largest amount at a caption of totals, a line item a line with an amount under the captions of a table.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby, takewhile
from typing import Any

from invoicegen.extraction import DocumentHints, infer_hints, normalise_value
from invoicegen.extraction.lexicon import LANGUAGES, fold
from invoicegen.extraction.values import EU_VAT, is_iban
from invoicegen.geometry import union
from invoicegen.schema.annotation import Word
from invoicegen.templates.lexicon import load_lexicon

CAPTION_KEYS = {
    "INVOICE_NUMBER": ("number", "credit_number", "receipt_number"),
    "INVOICE_DATE": ("date", "receipt_date"),
    "DUE_DATE": ("due_date",),
    "DELIVERY_DATE": ("delivery_date", "service_period"),
    "PURCHASE_ORDER_NUMBER": ("order_number",),
    "BUYER_NAME": ("bill_to",),
    "SELLER_TAX_ID": ("seller_tax_id",),
    "BUYER_TAX_ID": ("buyer_tax_id",),
    "BANK_CODE": ("bic",),
    "SUBTOTAL_AMOUNT": ("subtotal", "subtotal_included", "total_excluded"),
    "TAX_AMOUNT": ("tax_total",),
    "TOTAL_AMOUNT": ("total", "receipt_total", "total_rounded"),
    "AMOUNT_DUE": ("due",),
    "PAYMENT_TERMS": ("payment_terms",),
}
"""Entity type to the lexicon's keys of its captions."""
COLUMN_KEYS = {
    "ITEM_DESCRIPTION": ("description",),
    "ITEM_QUANTITY": ("quantity",),
    "ITEM_UNIT_PRICE": ("unit_price",),
    "ITEM_AMOUNT": ("amount",),
}
"""The same for the columns of a table."""
SUMS = frozenset({"SUBTOTAL_AMOUNT", "TAX_AMOUNT", "TOTAL_AMOUNT", "AMOUNT_DUE"})

AMOUNT = re.compile(r"(?<![\d.,])-?\d{1,3}(?:[ .,']?\d{3})*[.,]\d{2}(?![\d.,%]*\d|\s?%)")
IDENTIFIER = re.compile(r"(?=[\w./-]*\d)[A-Za-z0-9][\w./-]{2,}")
TAX_ID = re.compile(r"(?=(?:[A-Z]*[\d .-]){7})[A-Z]{0,4}\d[\dA-Z .-]{6,}")
PATTERNS = {
    **dict.fromkeys(SUMS, AMOUNT),
    "INVOICE_NUMBER": IDENTIFIER,
    "PURCHASE_ORDER_NUMBER": IDENTIFIER,
    "SELLER_TAX_ID": TAX_ID,
    "BUYER_TAX_ID": TAX_ID,
    "BANK_CODE": re.compile(r"\b[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?\b"),
}
"""What a value must match; of the other types it must be read as what its type demands."""
RATE = re.compile(r"(?<![\d.,])\d{1,2}(?:[.,]\d{1,2})?\s?%")
IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b")
BLOCK_LINES = 5
"""Lines of a name and an address at most."""

Line = list[Word]
Phrases = Mapping[tuple[str, ...], frozenset[str]]
Found = Iterator[tuple[str, str]]
"""Entity types and values."""


@dataclass(frozen=True)
class Caption:
    """Words of a line that are a caption: where they end and the types that they may caption."""

    types: frozenset[str]
    line: int
    first: int
    words: Line

    @property
    def last(self) -> int:
        return self.first + len(self.words)


@dataclass(frozen=True)
class Page:
    lines: list[Line]
    captions: list[Caption]
    hints: DocumentHints


def find_values(pages: Sequence[Sequence[Word]]) -> dict[str, Any]:
    """``fields`` and ``line_items`` as ``invoicegen extract`` prints them.

    Args:
        pages: Words in reading order with ``line_id`` and ``segment_id``, as
            :func:`invoicegen.labeling.sort_words` leaves them.
    """
    hints = infer_hints([word.text for words in pages for word in words])
    phrases = phrases_of(hints.language)
    found: dict[str, list[str]] = {}
    items: list[dict[str, dict[str, str]]] = []
    for words in pages:
        lines = [list(line) for _, line in groupby(words, key=lambda word: word.line_id)]
        captions = [
            caption for number in range(len(lines)) for caption in captions_of(lines, number, phrases)
        ]
        page = Page(lines, captions, hints)
        for entity_type, value in page_values(page):
            found.setdefault(entity_type, []).append(value)
        items += [{name: {"value": value} for name, value in row.items()} for row in find_items(page)]
    return {
        "fields": {name: [{"value": choose(name, values)}] for name, values in found.items()},
        "line_items": items,
    }


def choose(entity_type: str, values: Sequence[str]) -> str:
    """One of the values in the document's order: the largest total, the last of other sums, else the first."""
    if entity_type == "TOTAL_AMOUNT":
        return max(values, key=float)
    return values[-1] if entity_type in SUMS else values[0]


@cache
def phrases_of(language: str | None) -> Phrases:
    """Folded words of every wording, and the types that it captions: none where it captions something else."""
    types: dict[str, set[str]] = {}
    for entity_type, keys in (CAPTION_KEYS | COLUMN_KEYS).items():
        for key in keys:
            types.setdefault(key, set()).add(entity_type)
    phrases: dict[tuple[str, ...], frozenset[str]] = {}
    for lexicon in map(load_lexicon, {"en", language} & set(LANGUAGES)):
        for key in lexicon.keys():  # noqa: SIM118, a Lexicon is no mapping
            for wording in lexicon[key]:
                phrase = tuple(filter(None, map(bare, wording.split())))
                if len("".join(phrase)) > 1 and "{" not in wording:
                    phrases[phrase] = phrases.get(phrase, frozenset()) | types.get(key, set())
    return phrases


def bare(text: str) -> str:
    """A word of a caption without case, accents and marks; a number sign stays."""
    return re.sub(r"[^\w#%]", "", fold(text))


def captions_of(lines: Sequence[Line], number: int, phrases: Phrases) -> Iterator[Caption]:
    """The longest captions of a line, from its left."""
    line = lines[number]
    tokens = [bare(word.text) for word in line]
    first = 0
    while first < len(line):
        for last in range(min(len(line), first + 6), first, -1):
            types = phrases.get(tuple(filter(None, tokens[first:last]))) if tokens[first] else None
            if types is not None:
                yield Caption(types, number, first, line[first:last])
                first = last - 1
                break
        first += 1


def page_values(page: Page) -> Found:
    """What captions name, then what its form gives away."""
    for caption in page.captions:
        for entity_type in sorted(caption.types & CAPTION_KEYS.keys()):
            if entity_type == "BUYER_NAME":
                yield from party("BUYER", page, caption.line, beside(page, caption), caption.words)
            else:
                yield from value_at(entity_type, page, caption)
        if "TAX_AMOUNT" in caption.types and (rate := RATE.search(join(page.lines[caption.line]))):
            yield from normalised("TAX_RATE", rate[0], page.hints)
    captioned = {caption.line for caption in page.captions if caption.first == 0}
    for number, line in enumerate(page.lines):
        if number not in captioned and sum(map(str.isalpha, join(line))) > 2:
            yield from party("SELLER", page, number, segments(line)[0], line)
            break
    text = "\n".join(map(join, page.lines))
    for line in page.lines:
        yield from normalised("INVOICE_DATE", join(line), page.hints)
    for iban in filter(is_iban, (match[0].replace(" ", "") for match in IBAN.finditer(text))):
        yield "BANK_ACCOUNT", iban
    for number, vat in enumerate(dict.fromkeys(match[0] for match in EU_VAT.finditer(text))):
        yield "SELLER_TAX_ID" if number == 0 else "BUYER_TAX_ID", vat
    if page.hints.currency:
        yield "CURRENCY", page.hints.currency


def value_at(entity_type: str, page: Page, caption: Caption) -> Found:
    """The value to the right of a caption, or else the one under it."""
    for words in (beside(page, caption), *below(page, caption.line, caption.words)[:1]):
        text = join(words)
        if entity_type in PATTERNS:
            matches = PATTERNS[entity_type].findall(text)
            text = matches[-1 if entity_type in SUMS else 0] if matches else ""
        values = list(normalised(entity_type, text, page.hints))
        if values:
            yield from values
            return


def normalised(entity_type: str, text: str, hints: DocumentHints) -> Found:
    """The type and its value, where the text can be read as what the type demands."""
    value = normalise_value(entity_type, text, hints) if text else None
    if value is not None:
        yield entity_type, value


def beside(page: Page, caption: Caption) -> Line:
    """The words to the right of a caption, up to the next caption of a field."""
    later = (
        other.first
        for other in page.captions
        if other.line == caption.line and other.first >= caption.last and other.types & CAPTION_KEYS.keys()
    )
    return page.lines[caption.line][caption.last : min(later, default=None)]


def below(page: Page, number: int, over: Line) -> list[Line]:
    """What stands under words of line ``number``: a segment a line, down to the first wide gap."""
    found: list[Line] = []
    left, _, right, bottom = union([word.box for word in over])
    step = 1.5 * max(word.box[3] - word.box[1] for word in over)
    for line in page.lines[number + 1 :]:
        under = [one for one in segments(line) if one[0].box[0] < right and one[-1].box[2] > left]
        if under and (under[0][0].box[1] - bottom > step or len(found) == BLOCK_LINES):
            break
        if under:
            found.append(under[0])
            bottom = under[0][0].box[3]
    return found


def segments(line: Line) -> list[Line]:
    """The runs of a line without a wide gap."""
    return [list(run) for _, run in groupby(line, key=lambda word: word.segment_id)]


def join(words: Line) -> str:
    return " ".join(word.text for word in words)


def party(side: str, page: Page, number: int, name: Line, caption: Line) -> Found:
    """A name, and as its address the lines under it, down to the next caption; without a name, all under a caption."""
    block = (
        [segments(name)[0], *below(page, number, segments(name)[0])] if name else below(page, number, caption)
    )
    captioned = {id(other.words[0]) for other in page.captions}
    address = list(takewhile(lambda line: id(line[0]) not in captioned, block[1:]))
    if block:
        yield f"{side}_NAME", join(block[0]).strip(":,; ")
    if any(map(str.isdigit, "".join(map(join, address)))):
        yield f"{side}_ADDRESS", " ".join(map(join, address))


def find_items(page: Page) -> Iterator[dict[str, str]]:
    """Lines under the head of a table, down to the first sum; one without an amount goes on the one before."""
    columns: list[tuple[str | None, Line]] = []
    row: dict[str, str] = {}
    for number, line in enumerate(page.lines):
        here = [caption for caption in page.captions if caption.line == number]
        if head := columns_of(here):
            columns = head
            continue
        if any(caption.types & SUMS for caption in here):
            columns = []
        cells: dict[str, list[str]] = {}
        for segment in segments(line) if columns else []:
            entity_type, _ = min(columns, key=lambda column: misalignment(segment, column[1]))
            if entity_type:
                cells.setdefault(entity_type, []).append(join(segment))
        values = dict(
            pair for name, cell in cells.items() for pair in normalised(name, " ".join(cell), page.hints)
        )
        if "ITEM_AMOUNT" in values:
            if row:
                yield row
            row = values
        elif row and "ITEM_DESCRIPTION" in values:
            row["ITEM_DESCRIPTION"] = (
                f"{row.get('ITEM_DESCRIPTION', '')} {values['ITEM_DESCRIPTION']}".strip()
            )
    if row:
        yield row


def columns_of(captions: Sequence[Caption]) -> list[tuple[str | None, Line]]:
    """Types and captions of the columns, if the captions of a line are the head of a table; none for other columns.

    The rightmost caption that may be that of an amount is it; the others are what they may be, each type once.
    """
    amounts = [caption for caption in captions if "ITEM_AMOUNT" in caption.types]
    left = list(COLUMN_KEYS)[:-1]
    columns: list[tuple[str | None, Line]] = []
    for caption in captions:
        entity_type = next((name for name in left if name in caption.types), None)
        if amounts and caption is amounts[-1]:
            entity_type = "ITEM_AMOUNT"
        elif entity_type:
            left.remove(entity_type)
        columns.append((entity_type, caption.words))
    return columns if amounts and "ITEM_DESCRIPTION" not in left else []


def misalignment(cell: Line, caption: Line) -> float:
    """How far a cell is from standing flush left, flush right or centred under a caption, pixels."""
    left, right = cell[0].box[0] - caption[0].box[0], cell[-1].box[2] - caption[-1].box[2]
    return min(abs(left), abs(right), abs(left + right) / 2)
