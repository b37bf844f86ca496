"""Table and cell labels to line items: cells from words, rows from anchors, rows on across pages."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypedDict

import numpy as np

from invoicegen.extraction.entities import ONE_LINE_KINDS, OpenSpan, nearest, reading_order, span_of
from invoicegen.extraction.hints import DocumentHints, infer_hints
from invoicegen.extraction.layout import StraightWords, straighten
from invoicegen.extraction.values import normalise_value
from invoicegen.schema.prediction import PagePrediction
from invoicegen.schema.taxonomy import VALUE_KINDS

ANCHOR_TYPES: Final = ("ITEM_AMOUNT", "ITEM_QUANTITY", "ITEM_UNIT_PRICE", "ITEM_DESCRIPTION")
"""What a row is known by: the first type of which the page has a cell."""

WORD_GAP: Final = 1.0
"""Line heights between two words of one cell on one line."""


class FieldValue(TypedDict):
    """A value as it is printed and as it is meant; ``box`` in pixels of the image of ``page`` (from 0)."""

    value: str | None
    text: str
    confidence: float
    page: int
    box: list[float]


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of an item row; vertical extent in the unskewed frame, pixels."""

    type: str
    words: tuple[int, ...]
    top: float
    bottom: float

    @property
    def centre(self) -> float:
        """Vertical centre."""
        return (self.top + self.bottom) / 2


def find_cells(prediction: PagePrediction, straight: StraightWords) -> list[Cell]:
    """The cells of a page's item rows that carry an entity type.

    Every word labelled ``ITEM_*`` belongs to a cell, whatever its table and cell labels. A cell opens at
    ``B-``, and at CELL unless the word goes on right behind a word of its type; ``B-`` inside a cell right
    behind a word of its type goes on with it. Other words join the nearest open cell of their type: on the
    line, or on a line above.
    """
    by_type: dict[str, list[int]] = defaultdict(list)
    for i, tag in enumerate(prediction.ner_tags):
        if tag[2:].startswith("ITEM_"):
            by_type[tag[2:]].append(i)
    cells: list[Cell] = []
    for entity_type, words in by_type.items():
        one_line = VALUE_KINDS[entity_type] in ONE_LINE_KINDS
        spans: list[OpenSpan] = []
        for word in reading_order(words, straight):
            joined = nearest(spans, word, straight)
            if joined is not None and _opens(prediction, word, one_line, joined[1], joined[2]):
                joined = None
            if joined is None:
                spans.append(OpenSpan())
                spans[-1].add(word, straight, same_line=False)
            else:
                joined[0].add(word, straight, same_line=joined[2])
        for span in spans:
            tops = straight.y[span.words] - straight.height[span.words] / 2
            bottoms = straight.y[span.words] + straight.height[span.words] / 2
            cells.append(Cell(entity_type, tuple(span.words), float(tops.min()), float(bottoms.max())))
    return cells


def _opens(prediction: PagePrediction, word: int, one_line: bool, distance: float, same_line: bool) -> bool:
    """Whether a word begins a cell although a cell of its type is in reach."""
    adjacent = same_line and distance < WORD_GAP
    begins_entity = prediction.ner_tags[word].startswith("B-")
    table_tag = prediction.table_tags[word]
    if begins_entity:
        return not (table_tag == "INSIDE" and adjacent)
    if table_tag == "CELL":
        return not adjacent
    return one_line and not same_line and re.search(r"\d", prediction.words[word].text) is not None


def assign_rows(cells: Sequence[Cell]) -> list[list[Cell]]:
    """The cells of one page by row, rows from top to bottom.

    One row an anchor. The other cells go to the row with the smallest vertical gap (overlap counts as
    negative gap), then the nearest centre, closest first; a row grows by what it takes in, so that a cell at
    the bottom of a tall row finds it. Where a row gets a second quantity or unit price, its amount was
    missed: the one farther from the anchor becomes an anchor too.
    """
    anchor_type = next((name for name in ANCHOR_TYPES if any(cell.type == name for cell in cells)), None)
    if anchor_type is None:
        return []
    anchors = [cell for cell in cells if cell.type == anchor_type]
    while True:
        rows = _grow_rows(cells, anchors)
        extra = _second_figure(rows, anchors)
        if extra is None:
            return sorted(rows, key=lambda row: row[0].centre)
        anchors.append(extra)


def _second_figure(rows: Sequence[list[Cell]], anchors: Sequence[Cell]) -> Cell | None:
    for row in rows:
        for name in ("ITEM_QUANTITY", "ITEM_UNIT_PRICE"):
            same = [cell for cell in row if cell.type == name and cell not in anchors]
            if any(cell.type == name for cell in row[:1]):
                same = [*row[:1], *same]
            apart = [c for c in same if row[0].top > c.bottom or c.top > row[0].bottom]
            if len(same) > 1 and apart:
                return max(apart, key=lambda cell: abs(cell.centre - row[0].centre))
    return None


def _grow_rows(cells: Sequence[Cell], anchors: Sequence[Cell]) -> list[list[Cell]]:
    rows = [[anchor] for anchor in anchors]
    tops, bottoms = (np.array([getattr(anchor, edge) for anchor in anchors]) for edge in ("top", "bottom"))
    waiting = [cell for cell in cells if cell not in anchors]
    if not waiting:
        return rows
    cell_tops, cell_bottoms, centres = (
        np.array([getattr(cell, edge) for cell in waiting])[:, None] for edge in ("top", "bottom", "centre")
    )
    # The centre distance only breaks ties of the gap, which is exact to far more than a thousandth of a
    # pixel.
    ties = 1e-6 * np.abs(centres - np.array([anchor.centre for anchor in anchors])[None, :])
    cost = np.maximum(cell_tops, tops) - np.minimum(cell_bottoms, bottoms) + ties
    for _ in waiting:
        index, row = (int(i) for i in np.unravel_index(cost.argmin(), cost.shape))
        cell = waiting[index]
        rows[row].append(cell)
        tops[row], bottoms[row] = (min(tops[row], cell.top), max(bottoms[row], cell.bottom))
        cost[:, row] = np.where(
            np.isfinite(cost[:, row]),
            np.maximum(cell_tops[:, 0], tops[row])
            - np.minimum(cell_bottoms[:, 0], bottoms[row])
            + ties[:, row],
            np.inf,
        )
        cost[index] = np.inf
    return rows


def _value(
    entity_type: str, cells: Sequence[Cell], prediction: PagePrediction, hints: DocumentHints
) -> FieldValue:
    """What the cells of one type in one row say: descriptions are joined, of other types the most confident counts."""
    ordered = sorted(cells, key=lambda cell: cell.top)
    if VALUE_KINDS[entity_type] == "string":
        spans = [span_of(entity_type, prediction, [word for cell in ordered for word in cell.words])]
    else:
        spans = [span_of(entity_type, prediction, cell.words) for cell in ordered]
    values = [(normalise_value(entity_type, span.text, hints), span) for span in spans]
    value, span = max(values, key=lambda pair: (pair[0] is not None, pair[1].confidence))
    return {
        "value": value,
        "text": span.text,
        "confidence": round(span.confidence, 4),
        "page": span.page,
        "box": [round(edge, 2) for edge in span.box],
    }


def rebuild_line_items(
    predictions: Sequence[PagePrediction], hints: DocumentHints | None = None
) -> list[dict[str, FieldValue]]:
    """The line items of a document, in printed order; a type that a row does not print is not in its dictionary.

    Args:
        predictions: All pages of the document; any order, words in any order.
        hints: How to read its figures; taken from the words themselves when left out.

    Source:
        ``taxonomy.md``, "Reconstruction".
    """
    pages = sorted(predictions, key=lambda prediction: prediction.page)
    if hints is None:
        hints = infer_hints([word.text for page in pages for word in page.words])
    items: list[dict[str, FieldValue]] = []
    for prediction in pages:
        straight = straighten(prediction.words)
        rows = assign_rows(find_cells(prediction, straight))
        if rows and items:
            rest = _rest_of_row_before(rows)
            if rest is not None:
                _go_on(items[-1], _value(rest.type, [rest], prediction, hints))
        for row in rows:
            by_type: dict[str, list[Cell]] = defaultdict(list)
            for cell in row:
                by_type[cell.type].append(cell)
            items.append({name: _value(name, same, prediction, hints) for name, same in by_type.items()})
    return items


def _rest_of_row_before(rows: list[list[Cell]]) -> Cell | None:
    """Take the end of a description that the page break cut off out of the page's first row, where it does not belong.

    It stands above the first anchor, and that anchor has a description of its own.
    """
    first = rows[0]
    described = sorted((cell for cell in first if cell.type == "ITEM_DESCRIPTION"), key=lambda cell: cell.top)
    if len(described) < 2 or described[0].bottom > first[0].top or first[0].type == "ITEM_DESCRIPTION":
        return None
    first.remove(described[0])
    return described[0]


def _go_on(item: dict[str, FieldValue], rest: FieldValue) -> None:
    """Join what stands on the next page to a description; page and box stay those of its beginning."""
    before = item.get("ITEM_DESCRIPTION")
    if before is None:
        item["ITEM_DESCRIPTION"] = rest
        return
    before["text"] = f"{before['text']} {rest['text']}"
    before["value"] = f"{before['value']} {rest['value']}"
