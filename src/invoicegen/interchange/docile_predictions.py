"""What a model predicts, as DocILE's evaluator takes it: key information (KILE) and line items (LIR).

Source:
    Šimsa et al., DocILE Benchmark for Document Information Localization and Extraction, 2023,
    https://arxiv.org/abs/2302.05658; ``docile.dataset.Field`` of the package docile-benchmark 0.3.5
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from invoicegen.extraction.assemble import find_tax_lines, to_field
from invoicegen.extraction.entities import find_entities
from invoicegen.extraction.hints import infer_hints
from invoicegen.extraction.line_items import rebuild_line_items
from invoicegen.interchange.docile import field_type
from invoicegen.schema.prediction import PagePrediction

Fields = list[dict[str, Any]]


def docile_predictions(predictions: Sequence[PagePrediction]) -> tuple[Fields, Fields]:
    """Fields and line-item fields of one document.

    Args:
        predictions: Of all its pages.

    Returns:
        KILE and LIR fields: ``bbox`` (left, top, right, bottom as shares of the page), ``page``, ``text``,
        ``fieldtype``, ``score``, and ``line_item_id`` (from 1) for LIR. What has no field type is left out.
    """
    pages = {page.page: page for page in predictions}
    hints = infer_hints([word.text for page in predictions for word in page.words])
    rows = rebuild_line_items(list(predictions), hints)
    headers: list[tuple[str, dict[str, Any], bool]] = []
    for page in predictions:
        spans = find_entities(page)
        in_tax_lines = {
            tuple(value["box"] or ())
            for line in find_tax_lines(page, spans, hints)
            for value in line.values()
        }
        for span in spans:
            value: dict[str, Any] = {**to_field(span, hints)}
            headers.append((span.type, value, tuple(value["box"]) in in_tax_lines))
    gross = _prices_with_tax(rows, headers)

    def fields_of(name: str, value: Mapping[str, Any], in_tax_line: bool) -> Iterable[dict[str, Any]]:
        printed = value["value"] or value["text"]
        fieldtype = field_type(name, printed, in_tax_line=in_tax_line, gross=gross)
        if fieldtype is not None:
            page = pages[value["page"]]
            x0, y0, x1, y1 = value["box"]
            yield {
                "bbox": [x0 / page.width, y0 / page.height, x1 / page.width, y1 / page.height],
                "page": value["page"],
                "text": value["text"],
                "fieldtype": fieldtype,
                "score": value["confidence"],
            }

    kile = [field for name, value, taxed in headers for field in fields_of(name, value, taxed)]
    lir = [
        field | {"line_item_id": number}
        for number, row in enumerate(rows, 1)
        for name, value in row.items()
        for field in fields_of(name, value, False)
    ]
    return kile, lir


def _prices_with_tax(
    rows: Sequence[Mapping[str, Any]], headers: Sequence[tuple[str, Mapping[str, Any], bool]]
) -> bool:
    """Whether the rows add up to the total with tax and not to the subtotal; unknown counts as net."""
    amounts = [_decimal(row["ITEM_AMOUNT"]["value"]) for row in rows if "ITEM_AMOUNT" in row]
    together = sum((amount for amount in amounts if amount is not None), Decimal(0))

    def printed(wanted: str) -> set[Decimal | None]:
        return {_decimal(value["value"]) for name, value, _ in headers if name == wanted}

    return together in printed("TOTAL_AMOUNT") and together not in printed("SUBTOTAL_AMOUNT")


def _decimal(value: str | None) -> Decimal | None:
    try:
        return None if value is None else Decimal(value)
    except InvalidOperation:
        return None
