"""Table and cell labels to line items: cells from words, rows from anchors, rows on across pages."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, TypedDict

import numpy as np
from numpy.typing import NDArray

from invoicegen.extraction.columns import states_tax, weigh_columns
from invoicegen.extraction.entities import ONE_LINE_KINDS, OpenSpan, nearest, reading_order, span_of
from invoicegen.extraction.hints import DocumentHints, infer_hints
from invoicegen.extraction.layout import StraightWords, straighten, upright_words
from invoicegen.extraction.values import normalise_value
from invoicegen.extraction.wrapping import wrapped_descriptions
from invoicegen.schema.prediction import PagePrediction
from invoicegen.schema.taxonomy import VALUE_KINDS

ANCHOR_TYPES: Final = ("ITEM_AMOUNT", "ITEM_QUANTITY", "ITEM_UNIT_PRICE", "ITEM_DESCRIPTION")
"""What a row is known by: the first type of which the page has a cell."""

DIRECTED_GROUPS: Final = (
    ("ITEM_DESCRIPTION",),
    ("ITEM_QUANTITY", "ITEM_UNIT", "ITEM_UNIT_PRICE"),
    ("ITEM_CODE",),
    ("ITEM_DISCOUNT",),
    ("ITEM_TAX_RATE",),
)
"""Types that are printed together on a line of their own where they do not stand beside the anchor."""

CODE_GAP: Final = 1.0
"""Line heights between a code and the descriptions to the right of it, at least."""

_CODE: Final = re.compile(r"(?=.*\d)[^\s\W_a-z][^\sa-z]{2,}")

WORD_GAP: Final = 1.0
"""Line heights between two words of one cell on one line."""

BESIDE: Final = 0.7
"""Share of the lower of two cells from which they stand on one line: where lines follow each other closely, their boxes
overlap by half.
"""

OWN_LINE: Final = 1.0
"""Line heights between the centres of two lines that do not overlap, at least."""


class FieldValue(TypedDict):
    """A value as it is printed and as it is meant; ``box`` in pixels of the image of ``page`` (from 0).

    What only the XML in a PDF says, or the country of the seller, has neither page nor box.
    """

    value: str | None
    text: str
    confidence: float
    page: int | None
    box: list[float] | None


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of an item row; vertical extent in the unskewed frame, pixels; ``number`` where it states one."""

    type: str
    words: tuple[int, ...]
    top: float
    bottom: float
    number: float | None = None

    @property
    def centre(self) -> float:
        """Vertical centre."""
        return (self.top + self.bottom) / 2


def find_cells(prediction: PagePrediction, straight: StraightWords, hints: DocumentHints) -> list[Cell]:
    """The cells of a page's item rows that carry an entity type.

    Every word labelled ``ITEM_*`` belongs to a cell, whatever its table and cell labels. A cell opens at
    ``B-``, and at CELL unless the word goes on right behind a word of its type; ``B-`` inside a cell right
    behind a word of its type goes on with it. Other words join the nearest open cell of their type: on the
    line, or on a line above, unless each of the two lines has an amount of its own, or a line between them has:
    those are two rows.
    """
    by_type: dict[str, list[int]] = defaultdict(list)
    upright = upright_words(prediction.words)
    for i, tag in enumerate(prediction.ner_tags):
        if tag[2:].startswith("ITEM_") and not upright[i]:
            by_type[tag[2:]].append(i)
    amounts = _amounts_beside(by_type["ITEM_AMOUNT"], straight)
    cells: list[Cell] = []
    for entity_type, words in by_type.items():
        one_line = VALUE_KINDS[entity_type] in ONE_LINE_KINDS
        spans: list[OpenSpan] = []
        for word in reading_order(words, straight):
            joined = nearest(spans, word, straight)
            if joined is not None and (
                _opens(prediction, word, one_line, joined[1], joined[2])
                or len({*amounts[joined[0].words].tolist(), int(amounts[word])} - {-1}) > 1
                or (not one_line and _row_between(joined[0], word, by_type["ITEM_AMOUNT"], straight))
            ):
                joined = None
            if joined is None:
                spans.append(OpenSpan())
                spans[-1].add(word, straight, same_line=False)
            else:
                joined[0].add(word, straight, same_line=joined[2])
        for span in spans:
            tops = straight.y[span.words] - straight.height[span.words] / 2
            bottoms = straight.y[span.words] + straight.height[span.words] / 2
            number = None
            if one_line:
                text = " ".join(prediction.words[i].text for i in span.words)
                value = normalise_value(entity_type, text, hints)
                number = float(value.rstrip("%")) if value is not None else None
            cells.append(
                Cell(entity_type, tuple(span.words), float(tops.min()), float(bottoms.max()), number)
            )
    return cells


def _row_between(span: OpenSpan, word: int, amounts: Sequence[int], straight: StraightWords) -> bool:
    """Whether figures of another row have a line of their own between a text and a word that would go on with it."""
    if not amounts:
        return False
    levels, apart = straight.y[list(amounts)], OWN_LINE * straight.height[word]
    return bool(np.any((levels > span.y + apart) & (levels < straight.y[word] - apart)))


def _amounts_beside(amounts: Sequence[int], straight: StraightWords) -> NDArray[np.int64]:
    """For every word the line of amounts that it stands on, or -1; amounts on one line count as one.

    Args:
        amounts: Indices of the words of amounts.
        straight: All words of the page.

    Returns:
        Shape (n_words,).
    """
    lines = np.full(len(straight.y), -1, dtype=np.int64)
    if not amounts:
        return lines
    ordered = sorted(amounts, key=lambda word: float(straight.y[word]))
    levels: list[int] = []
    for word in ordered:
        if not levels or straight.y[word] - straight.y[levels[-1]] > 0.5 * straight.height[word]:
            levels.append(word)
    away = np.abs(straight.y[:, None] - straight.y[levels][None, :])
    close = away < 0.35 * np.minimum(straight.height[:, None], straight.height[levels][None, :])
    lines[close.any(axis=1)] = np.where(close, away, np.inf).argmin(axis=1)[close.any(axis=1)]
    return lines


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
    """The cells of one page by row, rows from top to bottom; the anchor stands first.

    One row an anchor. In tables the other cells go to the row with the smallest vertical gap (see
    :func:`_nearest_rows`). On till receipts a line of text stands above its figures, or "2 x 5.00" below its
    item, as near to the one row as to the other: so the cells of a group of types that stand beside no anchor
    may also all go to the anchor below, or all to the one above, if that leaves fewer rows with two of a type
    or with none, or if then more quantities times unit prices make their amounts. Where a row still gets a
    second quantity or unit price away from its anchor, its amount was missed, and that cell becomes an anchor
    too.
    """
    anchor_type = next((name for name in ANCHOR_TYPES if any(cell.type == name for cell in cells)), None)
    if anchor_type is None:
        return []
    anchors = sorted((cell for cell in cells if cell.type == anchor_type), key=lambda cell: cell.centre)
    while True:
        others = [cell for cell in cells if cell not in anchors]
        row_of = {
            i: row
            for i, cell in enumerate(others)
            if VALUE_KINDS[cell.type] in ONE_LINE_KINDS and (row := _row_beside(cell, anchors)) is not None
        }
        for group in DIRECTED_GROUPS:
            chosen = [i for i, cell in enumerate(others) if cell.type in group]
            row_of.update(_directed_rows(others, chosen, anchors, row_of))
        rows = [[anchor] for anchor in anchors]
        for i in sorted(row_of):
            rows[row_of[i]].append(others[i])
        extra = _second_figure(rows, anchors)
        if extra is None:
            return rows
        anchors = sorted([*anchors, extra], key=lambda cell: cell.centre)


def _directed_rows(
    others: Sequence[Cell], chosen: Sequence[int], anchors: Sequence[Cell], row_of: dict[int, int]
) -> dict[int, int]:
    """Rows of the cells of one group: the nearest, unless going all down or all up from them suits better."""
    nearest = _nearest_rows(others, anchors, row_of)
    beside = {i: row for i in chosen if (row := _row_beside(others[i], anchors)) is not None}
    candidates = [{i: nearest[i] for i in chosen}]
    if len(beside) == len(chosen):
        return candidates[0]
    scores = [_suits(others, candidates[0], anchors, row_of)]
    centres = np.array([anchor.centre for anchor in anchors])
    # The anchor below and the anchor above; where both suit alike, a discount stands below what it is taken off.
    discounts = bool(chosen) and others[chosen[0]].type == "ITEM_DISCOUNT"
    for shift in (-1, 0) if discounts else (0, -1):
        rows = {i: beside.get(i, int(np.searchsorted(centres, others[i].centre)) + shift) for i in chosen}
        # What has no anchor that way belongs to a row on the page before or after.
        inside = {i: row for i, row in rows.items() if 0 <= row < len(anchors)}
        scores.append(_suits(others, inside, anchors, row_of) - 0.5 * (len(rows) - len(inside)))
        candidates.append({i: min(max(row, 0), len(anchors) - 1) for i, row in rows.items()})
    return candidates[max(range(len(candidates)), key=lambda n: (scores[n], -n))]


def _row_beside(cell: Cell, anchors: Sequence[Cell]) -> int | None:
    """The row whose anchor shares a line with the cell: that with the largest overlap."""
    best = max(range(len(anchors)), key=lambda row: _overlap(cell, anchors[row]))
    return best if _overlap(cell, anchors[best]) > BESIDE else None


def _overlap(cell: Cell, other: Cell) -> float:
    """How much of the lower of two cells is beside the other: 1 where it all is, below 0 where they are apart."""
    shared = min(cell.bottom, other.bottom) - max(cell.top, other.top)
    return shared / min(cell.bottom - cell.top, other.bottom - other.top)


def _suits(
    others: Sequence[Cell], rows: dict[int, int], anchors: Sequence[Cell], row_of: dict[int, int]
) -> float:
    """How well an assignment of a group's cells suits: products that hold, less what is double or lacking.

    Args:
        others: All cells but the anchors.
        rows: Index in ``others`` to row, for the cells of the group.
        anchors: One a row.
        row_of: The same for the groups before.
    """
    by_row: dict[tuple[int, str], list[Cell]] = defaultdict(list)
    for i, row in rows.items():
        by_row[row, others[i].type].append(others[i])
    score = -float(sum(len(same) - 1 for same in by_row.values()))
    score -= (
        0.5
        * any(others[i].bottom < anchors[row].top for i, row in rows.items())
        * any(others[i].top > anchors[row].bottom for i, row in rows.items())
    )
    if any(name == "ITEM_DESCRIPTION" for _, name in by_row):
        score += sum((row, "ITEM_DESCRIPTION") in by_row for row in range(len(anchors)))
        return score
    for i, row in row_of.items():
        by_row[row, others[i].type].append(others[i])

    def number(row: int, name: str) -> float | None:
        return next((cell.number for cell in by_row.get((row, name), ()) if cell.number is not None), None)

    for row, anchor in enumerate(anchors):
        quantity, price = number(row, "ITEM_QUANTITY"), number(row, "ITEM_UNIT_PRICE")
        if quantity is None or price is None or anchor.number is None or anchor.type != "ITEM_AMOUNT":
            continue
        off = abs(number(row, "ITEM_DISCOUNT") or 0.0)
        product, slack = quantity * price, 0.011 + 0.005 * abs(quantity)
        holds = any(abs(product - less - anchor.number) <= slack for less in (off, product * off / 100))
        score += 1 if holds else -1
    return score


def _second_figure(rows: Sequence[list[Cell]], anchors: Sequence[Cell]) -> Cell | None:
    """A quantity or unit price that shares its row with another one, farther from the anchor and off its line."""
    for row in rows:
        for name in ("ITEM_QUANTITY", "ITEM_UNIT_PRICE"):
            same = [cell for cell in row if cell.type == name]
            apart = [cell for cell in same if cell not in anchors and _overlap(cell, row[0]) <= BESIDE]
            if len(same) > 1 and apart:
                return max(apart, key=lambda cell: abs(cell.centre - row[0].centre))
    return None


def _nearest_rows(others: Sequence[Cell], anchors: Sequence[Cell], fixed: dict[int, int]) -> dict[int, int]:
    """The row of every cell: that with the smallest vertical gap, overlap counted as negative, nearest cells first.

    A row grows by what it takes in, so that a cell at the bottom of a tall row finds it. Of two rows as near,
    a cell goes to the upper one. Cells in ``fixed`` have their row already.
    """
    rows = dict(fixed)
    tops, bottoms = (np.array([getattr(anchor, edge) for anchor in anchors]) for edge in ("top", "bottom"))
    for i, row in fixed.items():
        tops[row], bottoms[row] = min(tops[row], others[i].top), max(bottoms[row], others[i].bottom)
    waiting = [i for i in range(len(others)) if i not in fixed]
    if not waiting:
        return rows
    cell_tops, cell_bottoms, centres = (
        np.array([getattr(others[i], edge) for i in waiting])[:, None] for edge in ("top", "bottom", "centre")
    )
    anchor_centres = np.array([anchor.centre for anchor in anchors])[None, :]
    # The lean to the upper row outweighs jitter; the distance of centres only breaks exact ties.
    lean = 0.1 * (cell_bottoms - cell_tops) * (anchor_centres > centres) + 1e-6 * np.abs(
        centres - anchor_centres
    )
    cost = np.maximum(cell_tops, tops) - np.minimum(cell_bottoms, bottoms) + lean
    for _ in waiting:
        index, row = (int(i) for i in np.unravel_index(cost.argmin(), cost.shape))
        cell = others[waiting[index]]
        rows[waiting[index]] = row
        tops[row], bottoms[row] = min(tops[row], cell.top), max(bottoms[row], cell.bottom)
        gap = (
            np.maximum(cell_tops[:, 0], tops[row])
            - np.minimum(cell_bottoms[:, 0], bottoms[row])
            + lean[:, row]
        )
        cost[:, row] = np.where(np.isfinite(cost[:, row]), gap, np.inf)
        cost[index] = np.inf
    return rows


def _value(
    entity_type: str,
    cells: Sequence[Cell],
    prediction: PagePrediction,
    straight: StraightWords,
    hints: DocumentHints,
) -> FieldValue:
    """What the cells of one type in one row say: descriptions are joined, line by line, of other types the most
    confident counts.
    """
    if entity_type == "ITEM_DESCRIPTION":
        words = reading_order([word for cell in cells for word in cell.words], straight)
        spans = [span_of(entity_type, prediction, words)]
    else:
        ordered = sorted(cells, key=lambda cell: cell.top)
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


def codes_apart(prediction: PagePrediction, straight: StraightWords) -> PagePrediction:
    """The page without codes in its descriptions that stand in a column to the left of them.

    They are item codes where the column has such, else nothing. Where text stands below them or goes on right behind
    one, there is no such column: descriptions wrap to a margin of their own.
    """
    described = [word for word, tag in enumerate(prediction.ner_tags) if tag.endswith("ITEM_DESCRIPTION")]
    codes = [word for word in described if _CODE.fullmatch(prediction.words[word].text)]
    texts = np.array(sorted(set(described) - set(codes)), dtype=np.int64)
    if not codes or not len(texts):
        return prediction
    first: dict[float, float] = {}
    for word in texts:
        level = float(straight.y[word])
        first[level] = min(first.get(level, np.inf), float(straight.x0[word]))
    margin = float(np.median(list(first.values())))
    known = [word for word, tag in enumerate(prediction.ner_tags) if tag.endswith("ITEM_CODE")]
    tags = list(prediction.ner_tags)
    for word in codes:
        gap = CODE_GAP * straight.height[word]
        next_word = first.get(float(straight.y[word]), np.inf)
        apart = min(margin, next_word) - straight.x1[word] > gap
        if apart and not _in_column(word, texts, straight):
            in_column = _in_column(word, known, straight)
            tags[word] = "B-ITEM_CODE" if in_column else "O"
    return replace(prediction, ner_tags=tags)


def _in_column(word: int, others: Sequence[int] | NDArray[np.int64], straight: StraightWords) -> bool:
    """Whether a word stands above or below any of others."""
    left, right = straight.x0[list(others)], straight.x1[list(others)]
    return bool(np.any((left < straight.x1[word]) & (right > straight.x0[word])))


def rebuild_line_items(
    predictions: Sequence[PagePrediction], hints: DocumentHints | None = None, *, weigh_choices: bool = True
) -> list[dict[str, FieldValue]]:
    """The line items of a document, in printed order; a type that a row does not print is not in its dictionary.

    Args:
        predictions: All pages of the document; any order, words in any order.
        hints: How to read its figures; taken from the words themselves when left out.
        weigh_choices: Whether quantities, unit prices and amounts are those that multiply best
            (:mod:`invoicegen.extraction.columns`), and rows that are none are left out.

    Source:
        ``taxonomy.md``, "Reconstruction".
    """
    pages = sorted(predictions, key=lambda prediction: prediction.page)
    if hints is None:
        hints = infer_hints([word.text for page in pages for word in page.words])
    items: list[dict[str, FieldValue]] = []
    for prediction in pages:
        straight = straighten(prediction.words)
        if weigh_choices:
            prediction = wrapped_descriptions(codes_apart(prediction, straight), straight)
        rows = assign_rows(find_cells(prediction, straight, hints))
        if weigh_choices:
            words = [[word for cell in row for word in cell.words] for row in rows]
            prediction = weigh_columns(prediction, straight, words, hints)
            rows = items_only(
                assign_rows(find_cells(prediction, straight, hints)), prediction, straight, hints
            )
        if rows and items:
            rest = _rest_of_row_before(rows)
            if rest is not None:
                _go_on(items[-1], _value(rest.type, [rest], prediction, straight, hints))
        for row in rows:
            by_type: dict[str, list[Cell]] = defaultdict(list)
            for cell in row:
                by_type[cell.type].append(cell)
            items.append(
                {name: _value(name, same, prediction, straight, hints) for name, same in by_type.items()}
            )
    return items


def items_only(
    rows: Sequence[list[Cell]], prediction: PagePrediction, straight: StraightWords, hints: DocumentHints
) -> list[list[Cell]]:
    """The rows without lines of the tax summary, and without stray figures: those that nothing describes.

    What is kept has a description, or an amount that is not zero, or a code; in tables that print amounts a code needs
    an amount beside it.
    """
    amounts = any(cell.type == "ITEM_AMOUNT" for row in rows for cell in row)
    kept = []
    for row in rows:
        types = {cell.type for cell in row}
        priced = any(cell.type == "ITEM_AMOUNT" and cell.number for cell in row)
        named = "ITEM_DESCRIPTION" in types or (
            "ITEM_CODE" in types and ("ITEM_AMOUNT" in types or not amounts)
        )
        words = [word for cell in row for word in cell.words]
        if (named or priced or not amounts) and not states_tax(prediction, straight, words, hints):
            kept.append(row)
    return kept


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
