"""Predictions of all pages of a document to its fields, line items and checks."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final, TypedDict

import numpy as np

from invoicegen.extraction.arithmetic import amounts_of, find_figures, weigh_sums
from invoicegen.extraction.captions import add_order_number, settle_due, state_sums
from invoicegen.extraction.checks import Check, run_checks
from invoicegen.extraction.chronology import find_dates, weigh_dates
from invoicegen.extraction.completion import complete_spans
from invoicegen.extraction.derived import (
    balance_due,
    delivered_on_issue,
    due_date_of_terms,
    iban_first,
    lines_of_sum,
    plausible_first,
    put_first,
    rate_of_tax,
)
from invoicegen.extraction.embedded import (
    EmbeddedInvoice,
    compare_with_page,
    merge_fields,
    merge_line_items,
    merge_tax_lines,
)
from invoicegen.extraction.entities import EntitySpan, find_entities
from invoicegen.extraction.hints import DocumentHints, infer_hints
from invoicegen.extraction.layout import StraightWords, straighten
from invoicegen.extraction.lexicon import currency_of
from invoicegen.extraction.line_items import FieldValue, rebuild_line_items
from invoicegen.extraction.marks import learn_decimals
from invoicegen.extraction.names import add_registered_seller, complete_names
from invoicegen.extraction.parties import add_addressee, settle_lone_party
from invoicegen.extraction.required import add_stated, state_total
from invoicegen.extraction.sections import settle_headed_parties
from invoicegen.extraction.tax_ids import add_proven_seller
from invoicegen.extraction.terms import settle_terms
from invoicegen.extraction.values import normalise_value
from invoicegen.extraction.weighing import settled
from invoicegen.schema.annotation import DocumentType
from invoicegen.schema.prediction import PagePrediction
from invoicegen.schema.taxonomy import DEFAULT_LABELS, VALUE_KINDS, LabelSet, ValueKind

UNREADABLE: Final = 0.5
"""Factor on the confidence of a text that cannot be read as its type: a readable candidate goes first."""

UNPRINTED: Final = 0.5
"""Confidence of a currency that nothing but the country tells."""

TAX_LINE_TYPES: Final = ("TAX_RATE", "TAX_BASE_AMOUNT", "TAX_AMOUNT")
RECEIPT_RATIO: Final = 1.75
"""Height over width from which a page without a title is taken for a till roll (A4 has 1.41, US Legal 1.65)."""


class Extraction(TypedDict):
    """What a document says.

    Attributes:
        document_type: Invoice, credit note or receipt.
        fields: Header fields by type, the value to take first.
        line_items: Rows of the item table.
        tax_lines: The rate, base and tax that stand on one printed row.
        checks: What bears out what.
    """

    document_type: DocumentType
    fields: dict[str, list[FieldValue]]
    line_items: list[dict[str, FieldValue]]
    tax_lines: list[dict[str, FieldValue]]
    checks: list[Check]


def assemble(
    predictions: Sequence[PagePrediction],
    *,
    weigh_choices: bool = True,
    embedded: EmbeddedInvoice | None = None,
) -> Extraction:
    """The fields, line items and checks of one document from the predictions of all its pages.

    ``fields`` holds header types only, in the order of the model's label set, and only those that were found; of equal
    values the most confident is kept. Where no currency is printed as a word of its own, CURRENCY is taken
    from signs glued to amounts (with their confidence), else from signs and codes anywhere on the document
    (with half the share of these signs that agree). A lone AMOUNT_DUE is the final figure, so it becomes
    TOTAL_AMOUNT (taxonomy, rule 2).

    Args:
        predictions: All pages of the document, in any order.
        weigh_choices: Whether quantities, prices and amounts of rows are those that multiply best
            (:mod:`invoicegen.extraction.columns`), subtotal, tax and total those that their captions name
            (:mod:`invoicegen.extraction.captions`) or that add up best (:mod:`invoicegen.extraction.arithmetic`),
            dates those in the best order (:mod:`invoicegen.extraction.chronology`), figures with the decimal mark that
            others of their type have (:mod:`invoicegen.extraction.marks`), words with letters where an engine read
            figures (:mod:`invoicegen.extraction.letters`), parties those whose headings they stand below
            (:mod:`invoicegen.extraction.sections`) and companies rather than their contacts and signs
            (:mod:`invoicegen.extraction.names`), number, seller and total what is likeliest where none is labelled
            (:mod:`invoicegen.extraction.required`), rows those that make the sum, and the seller's tax number one that
            proves itself (:mod:`invoicegen.extraction.tax_ids`), rather than those that the model gives most.
        embedded: The electronic invoice in the file: its values go first, and checks compare them with the pages'.
    """
    pages = sorted(predictions, key=lambda prediction: prediction.page)
    if weigh_choices:
        pages = [settle_headed_parties(page) for page in pages]
    labels = pages[0].labels if pages else DEFAULT_LABELS
    hints = infer_hints([word.text for page in pages for word in page.words])
    if weigh_choices:
        recognised = any(word.source == "ocr" for page in pages for word in page.words)
        hints = replace(learn_decimals(hints, pages) if recognised else hints, recognised=recognised)
    spans: list[EntitySpan] = []
    tax_lines: list[dict[str, FieldValue]] = []
    for page in pages:
        found = complete_spans(settle_terms(find_entities(page), page, hints), page, hints)
        spans += found
        tax_lines += find_tax_lines(page, found, hints)
    if not any(span.type == "TOTAL_AMOUNT" for span in spans):
        spans = [replace(s, type="TOTAL_AMOUNT") if s.type == "AMOUNT_DUE" else s for s in spans]
    line_items = rebuild_line_items(pages, hints, weigh_choices=weigh_choices)
    if weigh_choices:
        spans = add_order_number(add_stated(spans, pages), pages)
        spans = complete_names(add_addressee(spans, pages[0]), pages) if pages else spans
        spans = add_registered_seller(spans, pages)
        spans = add_proven_seller(settle_lone_party(spans, pages), pages)
        spans = settle_due(state_sums(spans, pages, hints), pages)
        figures = find_figures(pages, spans, hints)
        amounts = amounts_of(rank_fields(spans, hints, labels), line_items, tax_lines, figures)
        spans = state_total(settled(spans, figures, weigh_sums(figures, amounts)), pages, hints)
        dates = find_dates(pages, spans, hints)
        spans = settled(spans, dates, weigh_dates(dates), remove=True)
    fields = rank_fields(spans, hints, labels)
    if "CURRENCY" not in fields and (currency := derive_currency(pages, fields, line_items, hints)):
        fields["CURRENCY"] = [currency]
    resolve_tax_codes(line_items, pages, spans, hints)
    if due := due_date_of_terms(fields, hints):
        fields["DUE_DATE"] = put_first(due, fields.get("DUE_DATE", []))
    if delivered := delivered_on_issue(fields, pages):
        fields["DELIVERY_DATE"] = [delivered]
    if rate := rate_of_tax(fields, line_items, pages, hints):
        fields["TAX_RATE"] = put_first(rate, fields.get("TAX_RATE", []))
    if weigh_choices and (balance := balance_due(fields, amounts.printed)):
        due_amount, fields["TOTAL_AMOUNT"] = balance
        fields["AMOUNT_DUE"] = [due_amount]
    if "BANK_ACCOUNT" in fields:
        fields["BANK_ACCOUNT"] = iban_first(fields["BANK_ACCOUNT"])
    ordered = {name: plausible_first(name, fields[name]) for name in labels.entity_types if name in fields}
    if weigh_choices:
        line_items = lines_of_sum(line_items, ordered, tax_lines, recognised=hints.recognised)
    signs = [code for code, _ in signed_amounts(ordered, line_items, hints)]
    kind = document_type(ordered, pages)
    for title in ordered.get("DOCUMENT_TYPE", []):
        if kind == "receipt" and title["value"] == "380":
            title["value"] = "rcpt"
    compared: list[Check] = []
    if embedded is not None:
        kind = embedded.document_type
        compared = compare_with_page(embedded, ordered)
        merged = merge_fields(embedded, ordered)
        ordered = {name: merged[name] for name in labels.entity_types if name in merged}
        line_items = merge_line_items(embedded, line_items)
        tax_lines = merge_tax_lines(embedded, tax_lines)
    return {
        "document_type": kind,
        "fields": ordered,
        "line_items": line_items,
        "tax_lines": tax_lines,
        "checks": [*run_checks(ordered, line_items, tax_lines, signs), *compared],
    }


def to_field(span: EntitySpan, hints: DocumentHints, labels: LabelSet = DEFAULT_LABELS) -> FieldValue:
    """An entity with its normalised value; confidence lowered by :data:`UNREADABLE` where there is none."""
    value = normalise_value(span.type, span.text, hints, labels)
    confidence = span.confidence * (1.0 if value is not None else UNREADABLE)
    return {
        "value": value,
        "text": span.text,
        "confidence": round(confidence, 4),
        "page": span.page,
        "box": [round(edge, 2) for edge in span.box],
    }


def _same_value_key(kind: ValueKind, field: FieldValue) -> str:
    value = field["value"]
    if value is None:
        return "text:" + field["text"]
    if kind in {"money", "percent", "decimal"}:
        return value.rstrip("0").rstrip(".") if "." in value else value
    return re.sub(r"\W", "", value).casefold() or value


def rank_fields(
    spans: Sequence[EntitySpan], hints: DocumentHints, labels: LabelSet = DEFAULT_LABELS
) -> dict[str, list[FieldValue]]:
    """Header fields by type, most confident first (then as printed), equal values once."""
    by_type: dict[str, list[FieldValue]] = defaultdict(list)
    for span in spans:
        by_type[span.type].append(to_field(span, hints, labels))
    ranked = {}
    for name, candidates in by_type.items():
        distinct: dict[str, FieldValue] = {}
        for field in sorted(candidates, key=lambda field: -field["confidence"]):
            distinct.setdefault(_same_value_key(labels.value_kinds[name], field), field)
        ranked[name] = list(distinct.values())
    return ranked


def find_tax_lines(
    page: PagePrediction, spans: Sequence[EntitySpan], hints: DocumentHints
) -> list[dict[str, FieldValue]]:
    """The rate, base and tax that stand on one printed row; a lone tax only where several rows have one."""
    parts = [span for span in spans if span.type in TAX_LINE_TYPES]
    if not parts:
        return []
    straight = straighten(page.words)
    rows: list[tuple[float, dict[str, FieldValue]]] = []
    for span in sorted(parts, key=lambda span: _level(span, straight)):
        level = _level(span, straight)
        near = 0.5 * float(straight.height[list(span.words)].mean())
        row = next((r for y, r in rows if abs(y - level) < near and span.type not in r), None)
        if row is None:
            row = {}
            rows.append((level, row))
        row[span.type] = to_field(span, hints)
    lines = [row for _, row in rows if "TAX_AMOUNT" in row]
    return lines if len(lines) > 1 else [row for row in lines if len(row) > 1]


def _level(span: EntitySpan, straight: StraightWords) -> float:
    return float(straight.y[list(span.words)].mean())


_GLUED_SIGN = re.compile(
    r"(?P<before>[^\W\d_]{1,3}\.?\$?|[^\w\s.,'()+%-]|[A-Z]{1,2}\$)\s?(?=-?\s?\(?\d)|(?<=\d)\s?-?(?P<after>[^\w\s.,'()+%/:-]|[^\W\d_]{2,4}\b)"
)
_GLUED_CURRENCIES: Final = frozenset(
    ("EUR", "USD", "GBP", "MYR", "INR", "JPY", "CHF", "PLN", "CZK", "THB", "AUD", "CAD", "NZD", "SGD", "HKD", "SEK",
     "DKK", "NOK", "BRL", "MXN", "PHP", "ZAR", "KRW", "TRY", "HUF", "RON", "CNY")
)  # fmt: skip
"""Currencies taken from a sign in passing; rarer codes are also words ("ALL", "TOP")."""


def sign_of(text: str, hints: DocumentHints) -> str | None:
    """The currency whose sign or code is printed in an amount ("RM5.90", "12,00 €"), or None."""
    for match in _GLUED_SIGN.finditer(text):
        code = currency_of((match["before"] or match["after"]).strip(), hints.language, hints.country)
        if code in _GLUED_CURRENCIES:
            return code
    return None


def signed_amounts(
    fields: Mapping[str, Sequence[FieldValue]],
    line_items: Sequence[Mapping[str, FieldValue]],
    hints: DocumentHints,
) -> list[tuple[str, FieldValue]]:
    """The amounts that have a currency sign or code in them, each with the code."""
    return [
        (code, field)
        for name, candidates in [*fields.items(), *((n, [f]) for item in line_items for n, f in item.items())]
        if VALUE_KINDS.get(name) == "money"  # extra entities may be sums of anything
        for field in candidates
        if (code := sign_of(field["text"], hints)) is not None
    ]


def derive_currency(
    pages: Sequence[PagePrediction],
    fields: Mapping[str, Sequence[FieldValue]],
    line_items: Sequence[Mapping[str, FieldValue]],
    hints: DocumentHints,
) -> FieldValue | None:
    """The currency of a document that prints none as a value of its own; text, page and box are those of the sign.

    Where there is no sign either, the currency of the seller's country, which has no place on the page.
    """
    amounts = signed_amounts(fields, line_items, hints)
    if amounts:
        winner = Counter(code for code, _ in amounts).most_common(1)[0][0]
        field = max((f for code, f in amounts if code == winner), key=lambda f: f["confidence"])
        return {**field, "value": winner}
    words = [
        (code, page, word)
        for page in pages
        for word in page.words
        if (code := sign_of(word.text, hints) or _lone_sign(word.text, hints)) is not None
    ]
    if not words:
        if hints.currency is None:
            return None
        return {"value": hints.currency, "text": "", "confidence": UNPRINTED, "page": None, "box": None}
    winner, count = Counter(code for code, _, _ in words).most_common(1)[0]
    _, page, word = next(entry for entry in words if entry[0] == winner)
    confidence = round(0.5 * count / len(words), 4)
    box = [round(edge, 2) for edge in word.box]
    return {"value": winner, "text": word.text, "confidence": confidence, "page": page.page, "box": box}


def _lone_sign(text: str, hints: DocumentHints) -> str | None:
    """A word that is nothing but a currency sign or code, brackets aside: "(RM)", "EUR"."""
    bare = text.strip("()[]:;,./")
    if not (bare.isupper() or not bare.isalpha()):
        return None
    code = currency_of(bare, hints.language, hints.country)
    return code if code in _GLUED_CURRENCIES else None


def resolve_tax_codes(
    line_items: Sequence[dict[str, FieldValue]],
    pages: Sequence[PagePrediction],
    spans: Sequence[EntitySpan],
    hints: DocumentHints,
) -> None:
    """Give rows whose tax rate is a code ("A", "SR", "T01", "*") the rate beside which it stands in the tax lines, if
    that is one alone.
    """
    by_code: defaultdict[str, dict[Decimal, str]] = defaultdict(dict)
    printed: dict[Decimal, str] = {}
    by_page = {page.page: page for page in pages}
    for span in spans:
        rate = normalise_value("TAX_RATE", span.text, hints) if span.type == "TAX_RATE" else None
        if rate is None:
            continue
        printed.setdefault(Decimal(rate), rate)
        page = by_page[span.page]
        straight = straighten(page.words)
        level, height = (_level(span, straight), float(straight.height[list(span.words)].mean()))
        for i in np.flatnonzero(np.abs(straight.y - level) < 0.5 * height):
            if i not in span.words and _is_tax_code(page.words[i].text):
                by_code[_tax_code(page.words[i].text)].setdefault(Decimal(rate), rate)
    coded = [
        field for item in line_items if (field := item.get("ITEM_TAX_RATE")) and _is_tax_code(field["text"])
    ]
    codes = {_tax_code(field["text"]) for field in coded}
    if len(printed) == len(codes) == 1:
        by_code[codes.pop()] = printed  # one rate, one code
    for field in coded:
        beside = by_code[_tax_code(field["text"])]
        if len(beside) == 1:
            (field["value"],) = beside.values()


def _tax_code(text: str) -> str:
    return text.strip("()=:.,*").upper() or text


def _is_tax_code(text: str) -> bool:
    return re.fullmatch(r"[A-Z]{1,3}|[A-Z]{1,2}\d{1,2}|\d|[*#+]", _tax_code(text)) is not None


def document_type(
    fields: Mapping[str, Sequence[FieldValue]], pages: Sequence[PagePrediction]
) -> DocumentType:
    """What kind of document this is.

    The most confident title decides where it says credit note or receipt. Else a receipt is what names neither buyer
    nor bank account nor due date, and is as long as a till roll or says what was paid; tills print "tax invoice" and
    "bill" too. Everything else is an invoice.
    """
    titles = [field["value"] for field in fields.get("DOCUMENT_TYPE", ()) if field["value"] is not None]
    long_page = bool(pages) and pages[0].height > RECEIPT_RATIO * pages[0].width
    business = any(name in fields for name in ("BUYER_NAME", "BANK_ACCOUNT", "DUE_DATE"))
    if titles and titles[0] == "381":
        return "credit_note"
    if titles and titles[0] == "rcpt":
        return "receipt"
    return "receipt" if (long_page or "AMOUNT_PAID" in fields) and not business else "invoice"
