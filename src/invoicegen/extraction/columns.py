"""Which figures of item rows are quantity, unit price and amount: what the model says, weighed with what multiplies.

A model labels each word by itself; a table has columns, and in each row the quantity times the unit price makes the
amount. All ways to choose a column for each of the three are weighed: a choice is as probable as the model makes it,
times :data:`WEIGHT` for every row whose product it makes true. What the model takes a column for counts once, however
many rows it has, since a model that errs in a column errs in all of its rows; products that hold by chance are
independent of each other.
"""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

import numpy as np
from numpy.typing import NDArray

from invoicegen.extraction.hints import DocumentHints
from invoicegen.extraction.layout import StraightWords
from invoicegen.extraction.numbers import parse_number
from invoicegen.extraction.values import normalise_value
from invoicegen.schema.prediction import PagePrediction

ROLES: Final = ("ITEM_QUANTITY", "ITEM_UNIT_PRICE", "ITEM_AMOUNT")
KEPT: Final = ("ITEM_DISCOUNT", "ITEM_TAX_RATE")
"""What stays as the model has it where the product of its row does not say otherwise."""
TOTALS: Final = (
    "SUBTOTAL_AMOUNT",
    "TAX_AMOUNT",
    "TAX_BASE_AMOUNT",
    "TOTAL_AMOUNT",
    "AMOUNT_DUE",
    "AMOUNT_PAID",
)
"""What a figure on the line of an item row is not, though it may be labelled so."""
WEIGHT: Final = 1000.0
"""How much more probable a choice is for each row whose product it makes true."""
FLOOR: Final = 0.01
"""Least probability that a column is what it is chosen for."""
TRIVIAL: Final = 0.2
"""Exponent of the weight of a product that says little: times one."""
INDIRECT: Final = 0.5
"""Exponent of the weight where the amount has the tax in it, or the price is for a hundred or a thousand."""
SUPPORT: Final = 0.5
"""Share of the rows in which the product must hold for the others to be labelled by their columns as well."""
UNSURE: Final = 0.25
"""Probability from which a figure that the model is not sure of is what most of its column is."""
COLUMNS: Final = 10
"""Columns that are weighed: those with the most of the model's probability."""
GROUP_GAP: Final = 0.6
"""Line heights between groups of digits of one figure, and between a figure and its sign."""
RATES: Final = (2.0, 30.0)
"""Smallest and largest rate of taxes and of allowances on the whole document, per cent."""
CENT: Final = 0.011
"""What a rounded amount may be off."""

_FIGURE: Final = re.compile(
    r"[^\w\s]{0,3}([^\W\d_]{1,3}\.?)?[^\w\s]{0,2}(?P<digits>\d[\d.,'’]*)[^\w\s]{0,3}([^\W\d_]{1,3})?[^\w\s]{0,2}"
)
_DATE: Final = re.compile(r"\d{1,4}[./-]\d{1,2}[./-](\d{1,4})?")
_SIGN: Final = re.compile(r"[€$£¥₹฿]|[-−–]")
_CODED_SIGN: Final = re.compile(r"[^\W\d_]{1,3}\.?\$?")
_LEADING: Final = re.compile(r"\D{0,3}\d{1,3}( \d{3})*")
_GROUP: Final = re.compile(r"\d{3}([.,]\d{1,2}\D{0,3})?")
_DECIMALS: Final = re.compile(r"[.,]?\d{1,4}\D{0,3}")
_MAX_DIGITS: Final = 10


@dataclass(frozen=True, slots=True, eq=False)
class Figure:
    """A printed number in an item row.

    Attributes:
        words: Indices into the page's words, with a sign beside it.
        row: Which row.
        x0: Left edge in the unskewed frame, pixels.
        x1: Right edge.
        values: As quantity, unit price and amount; None where it cannot be one.
        digit: What the last digit of the unit price counts: 0.01 for two decimals.
        rate: Its value per cent, if it can be a rate.
        probabilities: What the model gives for quantity, unit price and amount, shape (3,).
        label: The entity type that the model gives, or "O".
    """

    words: tuple[int, ...]
    row: int
    x0: float
    x1: float
    values: tuple[float | None, ...]
    digit: float
    rate: float | None
    probabilities: NDArray[np.float64]
    label: str


Column = Mapping[int, Figure]
"""The figures of a column by row."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Columns for quantity, unit price and amount.

    Attributes:
        places: Which columns; None where there is none.
        probabilities: How probable each of them is to be that, 0 to 1.
        evidence: In how many rows the product holds, each by how much it says.
    """

    places: tuple[int | None, ...]
    probabilities: tuple[float, ...]
    evidence: float


def weigh_columns(
    prediction: PagePrediction, straight: StraightWords, rows: Sequence[Sequence[int]], hints: DocumentHints
) -> PagePrediction:
    """The page with its quantities, unit prices and amounts labelled as they were weighed.

    A row whose product holds as the model has it stays as it is. Where it holds with the columns that were chosen, or
    in most rows of the page does, the figures of these columns are labelled so. Else the figures of the row are
    weighed by themselves, as on receipts that have no columns.

    Args:
        prediction: A page; without probabilities of all labels it stays as it is.
        straight: Its words.
        rows: Indices of the words of each item row, as far as they are known.
        hints: How to read its figures.
    """
    if prediction.ner_probabilities is None or not rows:
        return prediction
    best: tuple[list[Figure], list[Column], Choice] | None = None
    # Figures of one line belong together, whatever row they were given to; in some tables a row has several lines.
    for grouping in (_lines(prediction, straight, rows), rows):
        figures = find_figures(prediction, straight, grouping, hints)
        columns = find_columns(figures, float(np.median(straight.height)))
        choice = choose_columns(columns)
        if best is None or choice.evidence > best[2].evidence:
            best = (figures, columns, choice)
    assert best is not None
    return _unswapped(_relabelled(prediction, *best), best[0])


def _lines(
    prediction: PagePrediction, straight: StraightWords, rows: Sequence[Sequence[int]]
) -> list[list[int]]:
    """The quantities, unit prices and amounts by printed line."""
    by_level: dict[float, list[int]] = defaultdict(list)
    for word in itertools.chain.from_iterable(rows):
        if prediction.ner_tags[word][2:] in ROLES:
            by_level[float(straight.y[word])].append(word)
    return list(by_level.values())


def find_figures(
    prediction: PagePrediction,
    straight: StraightWords,
    rows: Sequence[Sequence[int]],
    hints: DocumentHints,
    *,
    everything: bool = False,
) -> list[Figure]:
    """The numbers on the lines of item rows.

    Args:
        prediction: A page, with probabilities.
        straight: Its words.
        rows: Indices of the words of each row. What else stands on a line is of the row with the most words there.
        hints: How to read its figures.
        everything: Also those that are labelled as something of the header or totals.
    """
    assert prediction.ner_probabilities is not None
    row_of = {word: row for row, words in enumerate(rows) for word in words}
    by_level: dict[float, Counter[int]] = defaultdict(Counter)
    for word, row in row_of.items():
        # Descriptions wrap into the lines of other rows, amounts do not.
        by_level[float(straight.y[word])][row] += 10 if prediction.ner_tags[word][2:] in ROLES else 1
    lines: dict[float, list[int]] = defaultdict(list)
    for word in np.argsort(straight.x0, kind="stable"):
        if float(straight.y[word]) in by_level:
            lines[float(straight.y[word])].append(int(word))
    ids = prediction.labels.ner_ids
    given = np.stack(
        [
            prediction.ner_probabilities[:, ids[f"B-{name}"]]
            + prediction.ner_probabilities[:, ids[f"I-{name}"]]
            for name in ROLES
        ],
        axis=1,
    ).astype(np.float64)
    figures = []
    for level, line in lines.items():
        row = by_level[level].most_common(1)[0][0]
        for words, digits, percent in _figures_of(prediction, straight, line, everything):
            text = " ".join(prediction.words[word].text for word in digits)
            read = [None if percent else normalise_value(name, text, hints) for name in ROLES]
            rate = parse_number(text, hints, "percent")
            price = read[1]
            figures.append(
                Figure(
                    words=tuple(words),
                    row=row_of.get(digits[0], row),
                    x0=float(straight.x0[words].min()),
                    x1=float(straight.x1[words].max()),
                    values=tuple(None if value is None else float(value) for value in read),
                    digit=10.0 ** min(int(Decimal(price).as_tuple().exponent), 0) if price else 1.0,
                    rate=None if rate is None else abs(float(rate)),
                    probabilities=given[digits].mean(axis=0),
                    label=_label(prediction, digits),
                )
            )
    return figures


def _figures_of(
    prediction: PagePrediction, straight: StraightWords, line: Sequence[int], everything: bool
) -> Iterator[tuple[list[int], list[int], bool]]:
    """The figures of a line: all words, those with digits, and whether a per cent sign stands in or behind it."""

    def near(first: int, second: int) -> bool:
        gap = float(straight.x0[second] - straight.x1[first])
        return gap < GROUP_GAP * float(straight.height[[first, second]].mean())

    def text(*words: int) -> str:
        return " ".join(prediction.words[word].text for word in words)

    def usable(word: int) -> bool:
        label = prediction.ner_tags[word][2:]
        in_row = not label or label.startswith("ITEM_") or label in TOTALS
        return everything or (in_row and prediction.cell_tags[word] != "HEADER")

    def is_sign(word: int) -> bool:
        labelled = prediction.ner_tags[word][2:] in ROLES
        return bool(_SIGN.fullmatch(text(word)) or (labelled and _CODED_SIGN.fullmatch(text(word))))

    def belongs(digits: Sequence[int], word: int) -> bool:
        """Whether a word is of the figure before it: labelled alike, or the next group of its digits and of no other
        role.
        """
        before, label = _label(prediction, digits), _label(prediction, [word])
        if before == label and label in ROLES:
            return True
        of_one = "O" in (before, label) or before == label
        return of_one and usable(word) and _goes_on(text(*digits), text(word))

    place = 0
    while place < len(line):
        first = place
        place += 1
        if not usable(line[first]) or not _is_figure(text(line[first])):
            continue
        digits = [line[first]]
        while (
            place < len(line)
            and near(digits[-1], line[place])
            and _is_figure(text(line[place]))
            and belongs(digits, line[place])
        ):
            digits.append(line[place])
            place += 1
        words = list(digits)
        behind = line[place] if place < len(line) and near(digits[-1], line[place]) else None
        if first > 0 and near(line[first - 1], line[first]) and is_sign(line[first - 1]):
            words.insert(0, line[first - 1])
        elif behind is not None and is_sign(behind):
            words.append(behind)
        yield words, digits, "%" in text(*digits) or (behind is not None and text(behind) == "%")


def _label(prediction: PagePrediction, words: Sequence[int]) -> str:
    """The entity type that words are labelled, or "O" for none, several, or one that no item row has."""
    labels = {prediction.ner_tags[word][2:] for word in words}
    label = labels.pop()
    return "O" if labels or not label or label in TOTALS else label


def _goes_on(before: str, text: str) -> bool:
    """Whether a text is the next group of digits of a figure, or its decimals."""
    if before[-1] in ".," or text[0] in ".,":
        return _DECIMALS.fullmatch(text) is not None
    return _LEADING.fullmatch(before) is not None and _GROUP.fullmatch(text) is not None


def _is_figure(text: str) -> bool:
    match = _FIGURE.fullmatch(text)
    if match is None or _DATE.fullmatch(text) or sum(c.isdigit() for c in text) > _MAX_DIGITS:
        return False
    return match[1] is None or re.search(r"\d[.,]\d", match["digits"]) is not None  # RM5.90, not GS60


def find_columns(figures: Sequence[Figure], height: float) -> list[Column]:
    """Figures that stand one under the other, one a row at most; those that the model gives most first.

    A figure joins the column with an edge or the middle nearest to its own, if they overlap.

    Args:
        figures: Of one page.
        height: Line height, pixels.

    Returns:
        At most :data:`COLUMNS`.
    """
    columns: list[dict[int, Figure]] = []
    for figure in sorted(figures, key=lambda figure: -float(figure.probabilities.max())):
        best: tuple[float, dict[int, Figure]] | None = None
        for column in columns:
            if figure.row in column:
                continue
            x0, x1 = (float(np.median([getattr(f, edge) for f in column.values()])) for edge in ("x0", "x1"))
            off = min(abs(figure.x0 - x0), abs(figure.x1 - x1), abs(figure.x0 + figure.x1 - x0 - x1) / 2)
            overlap = min(figure.x1, x1) - max(figure.x0, x0)
            if overlap > 0 and off < height and (best is None or off < best[0]):
                best = (off, column)
        if best is None:
            columns.append({figure.row: figure})
        else:
            best[1][figure.row] = figure
    columns.sort(key=lambda column: -sum(float(f.probabilities.max()) for f in column.values()))
    return list(columns[:COLUMNS])


def choose_columns(columns: Sequence[Column]) -> Choice:
    """The most probable choice of columns."""
    if not columns:
        return Choice((None, None, None), (1.0, 1.0, 1.0), 0.0)
    means = np.array([np.mean([f.probabilities for f in column.values()], axis=0) for column in columns])
    means[[_counts_rows(column) for column in columns], 0] = 0.0
    nothing = np.log(np.clip(1 - means.sum(axis=1), FLOOR, 1))
    gains = np.log(np.clip(means, FLOOR, 1)) - nothing[:, None]
    scores: dict[tuple[int | None, ...], float] = {}
    evidence: dict[tuple[int | None, ...], float] = {}
    for places in itertools.product([None, *range(len(columns))], repeat=len(ROLES)):
        present = [place for place in places if place is not None]
        if len(set(present)) < len(present):
            continue
        held = 0.0
        if len(present) == len(ROLES):
            rows = set.intersection(*(set(columns[place]) for place in present))
            held = sum(row_holds(columns, places, row) for row in rows)
        gain = sum(float(gains[place, role]) for role, place in enumerate(places) if place is not None)
        evidence[places], scores[places] = held, gain + held * math.log(WEIGHT)
    best = max(scores, key=lambda places: scores[places])
    weights = {places: math.exp(score - scores[best]) for places, score in scores.items()}
    total = sum(weights.values())
    shares = tuple(
        sum(weight for places, weight in weights.items() if places[role] == best[role]) / total
        for role in range(len(ROLES))
    )
    return Choice(best, shares, evidence[best])


def _counts_rows(column: Column) -> bool:
    """Whether a column holds 1, 2, 3 …: positions, no quantities."""
    values = [column[row].values[0] for row in sorted(column)]
    return len(values) > 2 and all(a is not None and b == a + 1 for a, b in itertools.pairwise(values))


def row_holds(columns: Sequence[Column], places: Sequence[int | None], row: int) -> float:
    """How much the product of a row says (:func:`holds`) with these columns as quantity, unit price and amount."""
    figures = [columns[place].get(row) if place is not None else None for place in places]
    quantity, price, amount = figures
    if quantity is None or price is None or amount is None:
        return 0.0
    others = [column[row] for i, column in enumerate(columns) if i not in places and row in column]
    return holds(quantity, price, amount, others)


def holds(quantity: Figure, price: Figure, amount: Figure, others: Sequence[Figure]) -> float:
    """How much it says that a quantity times a unit price makes an amount.

    Args:
        quantity: What may be the quantity.
        price: What may be the unit price.
        amount: What may be the amount.
        others: What else is printed in the row: discounts, taxes.

    Returns:
        1, or :data:`TRIVIAL` where one is 1, if it makes the amount, or does less a printed discount; that times
        :data:`INDIRECT` where it does with the tax or with the price per 100 or 1000; −1 where the amount is the tax
        on it; else 0.
    """
    if not (quantity.values[0] and price.values[1] and amount.values[2]):
        return 0.0
    factor, target = abs(quantity.values[0]), abs(amount.values[2])
    product = factor * abs(price.values[1])
    # A unit price is rounded too: half a unit of its last digit weighs as many times as the quantity says.
    slack = CENT + factor * price.digit / 2
    if slack > target / 10:
        return 0.0
    worth = TRIVIAL if factor == 1 or abs(price.values[1]) == 1 else 1.0
    if abs(product - target) <= slack:
        return worth
    rates = [other.rate for other in others if other.rate and other.rate < 100]
    printed = [abs(other.values[2]) for other in others if other.values[2]]
    if any(abs(product * rate / 100 - target) <= CENT for rate in rates):
        return -1.0
    reduced = [*(product * rate / 100 for rate in rates), *printed]
    if target < product and any(abs(product - less - target) <= slack for less in reduced):
        return worth
    if target > product and any(abs(product + more - target) <= slack for more in reduced):
        return worth * INDIRECT
    if factor > RATES[1] and any(abs(product / per - target) <= slack / per + CENT for per in (100, 1000)):
        return worth * INDIRECT
    return 0.0


def states_tax(
    prediction: PagePrediction, straight: StraightWords, row: Sequence[int], hints: DocumentHints
) -> bool:
    """Whether an item row is none but a line of the tax summary: its amount is a printed rate of a printed base.

    Not so where two other figures make that amount or base: such a row prints its tax beside its net amount.

    Args:
        prediction: The page.
        straight: Its words.
        row: Indices of the words of the row.
        hints: How to read its figures.
    """
    if prediction.ner_probabilities is None:
        return False
    figures = find_figures(prediction, straight, [row], hints, everything=True)
    printed = [abs(f.values[2]) for f in figures if f.values[2]]
    for amount, base, rate in itertools.permutations(figures, 3):
        if amount.label != "ITEM_AMOUNT" or not (amount.values[2] and base.values[2] and rate.rate):
            continue
        tax, whole = abs(amount.values[2]), abs(base.values[2])
        if (
            RATES[0] <= rate.rate <= RATES[1]
            and tax > 10 * CENT
            and abs(whole * rate.rate / 100 - tax) <= CENT
            and not any(
                min(abs(a * b - tax), abs(a * b - whole)) <= CENT
                for a, b in itertools.combinations(printed, 2)
            )
        ):
            return True
    return False


def _relabelled(
    prediction: PagePrediction, figures: Sequence[Figure], columns: Sequence[Column], chosen: Choice
) -> PagePrediction:
    """The page with the figures of each row labelled as :func:`weigh_columns` says."""
    assert prediction.ner_probabilities is not None
    by_row: dict[int, list[Figure]] = defaultdict(list)
    for figure in figures:
        by_row[figure.row].append(figure)
    full = [row for row in by_row if all(p is not None and row in columns[p] for p in chosen.places)]
    held = sum(row_holds(columns, chosen.places, row) > 0 for row in full)
    supported = bool(full) and held >= SUPPORT * len(full)
    tags, confidences = list(prediction.ner_tags), list(prediction.ner_confidences)
    tables, cells = list(prediction.table_tags), list(prediction.cell_tags)
    labels = prediction.labels.ner_labels
    stray = {
        figure
        for place, column in enumerate(columns)
        if place not in chosen.places and len(column) > 1 and _is_none(column)
        for figure in column.values()
        if figure.label in ROLES and chosen.places[ROLES.index(figure.label)] is not None
    }
    for figure in figures:
        if figure.label in ROLES:  # "77" and "120,50", both labelled as beginnings
            digits = [word for word in figure.words if tags[word][2:] == figure.label]
            for word in digits[1:]:
                tags[word] = f"I-{figure.label}"
    for row, same in by_row.items():
        if _adds_up(same):
            continue
        roles = _roles_of_row(row, same, columns, chosen, supported)
        taken = {role for role, _ in roles.values()}
        for figure in same:
            if figure in roles:
                role, probability = roles[figure]
                if figure.label == ROLES[role]:
                    continue
                for n, word in enumerate(figure.words):
                    tags[word] = f"{'I' if n else 'B'}-{ROLES[role]}"
                    confidences[word] = probability
                    tables[word], cells[word] = ("INSIDE" if n else "CELL"), "DATA"
            elif figure in stray or (figure.label in ROLES and ROLES.index(figure.label) in taken):
                for word in figure.words:
                    order = np.argsort(-prediction.ner_probabilities[word])
                    best = next(int(i) for i in order if labels[i][2:] not in ROLES)
                    tags[word] = labels[best]
                    confidences[word] = float(prediction.ner_probabilities[word, best])
    return replace(prediction, ner_tags=tags, ner_confidences=confidences, table_tags=tables, cell_tags=cells)


def _unswapped(prediction: PagePrediction, figures: Sequence[Figure]) -> PagePrediction:
    """The page with quantities and unit prices exchanged where their decimals say so, which no product can.

    Where amounts have two decimals, prices have them too, and quantities need not: ``300 7.00 2,100.00`` is 300 pieces
    at 7.00, whichever column stands first. One row that is printed otherwise is enough to leave the page as it is, and
    the product of one row must hold, else a price may have lost its decimals.
    """
    rows: dict[int, dict[str, list[Figure]]] = defaultdict(lambda: defaultdict(list))
    for figure in figures:
        # A sign may be labelled otherwise than the number beside it.
        for name in {prediction.ner_tags[word][2:] for word in figure.words}:
            rows[figure.row][name].append(figure)
    swapped: list[tuple[Figure, Figure]] = []
    held = False
    for row in rows.values():
        if any(len(row[name]) != 1 for name in ROLES):
            continue
        quantity, price, amount = (row[name][0] for name in ROLES)
        if not (quantity.digit == amount.digit == 0.01 and price.digit == 1):
            return prediction
        swapped.append((quantity, price))
        held = held or holds(quantity, price, amount, []) == 1
    if not held:
        return prediction
    tags = list(prediction.ner_tags)
    for quantity, price in swapped:
        for figure, name in ((quantity, "ITEM_UNIT_PRICE"), (price, "ITEM_QUANTITY")):
            for word in figure.words:
                tags[word] = f"{tags[word][:2]}{name}"
    return replace(prediction, ner_tags=tags)


def _is_none(column: Column) -> bool:
    """Whether the model, over a whole column, takes it for none of the three."""
    return float(np.sum([figure.probabilities for figure in column.values()])) < len(column) / 2


def _adds_up(figures: Sequence[Figure]) -> bool:
    """Whether the product of a row holds as the model has it."""
    labelled = [[figure for figure in figures if figure.label == name] for name in ROLES]
    if any(len(same) != 1 for same in labelled):
        return False
    quantity, price, amount = (same[0] for same in labelled)
    return holds(quantity, price, amount, [f for f in figures if f.label not in ROLES]) >= TRIVIAL


def _roles_of_row(
    row: int, figures: Sequence[Figure], columns: Sequence[Column], chosen: Choice, supported: bool
) -> dict[Figure, tuple[int, float]]:
    """Which figures of a row are what (index in :data:`ROLES`), and how probably."""
    by_column = {
        columns[place][row]: (role, chosen.probabilities[role])
        for role, place in enumerate(chosen.places)
        if place is not None and row in columns[place] and columns[place][row].values[role] is not None
    }
    if row_holds(columns, chosen.places, row) > 0:
        return by_column
    alone: list[Column] = [{row: figure} for figure in figures]
    alone.sort(key=lambda column: -float(column[row].probabilities.max()))
    lone = choose_columns(alone[:COLUMNS])
    if lone.evidence >= 1:
        return {
            alone[place][row]: (role, lone.probabilities[role])
            for role, place in enumerate(lone.places)
            if place is not None
        }
    if supported and len(by_column) == len(ROLES):
        return {figure: role for figure, role in by_column.items() if figure.label not in KEPT}
    return {
        figure: (role, probability)
        for figure, (role, probability) in by_column.items()
        if figure.label in ROLES and figure.probabilities[role] >= UNSURE
    }
