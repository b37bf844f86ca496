"""Random line-item tables with perfect labels, and what must come out of them: the oracle of the reconstruction."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest

from invoicegen.schema.annotation import Word
from invoicegen.schema.prediction import PagePrediction

WIDTH, HEIGHT = 1240, 1754
NOUNS = (
    "bolt",
    "nut",
    "plate",
    "valve",
    "cable",
    "hose",
    "bracket",
    "panel",
    "switch",
    "paper",
    "coffee",
    "audit",
)
ADJECTIVES = (
    "hex",
    "zinc",
    "long",
    "black",
    "small",
    "steel",
    "digital",
    "annual",
    "spare",
    "blue",
    "40mm",
    "M8",
)


@dataclass
class Truth:
    """Pages as the model would label them without fault, and the texts of each row by type."""

    predictions: list[PagePrediction]
    rows: list[dict[str, str]]


@dataclass
class _Placed:
    text: str
    x: float
    y: float
    ner: str = "O"
    table: str = "OUTSIDE"
    cell: str = "EMPTY"


@dataclass
class _Column:
    type: str | None
    x0: float
    x1: float
    align: str
    missing: float = 0.0
    words: list[list[str]] = field(default_factory=list)


def _money(rng: np.random.Generator) -> str:
    whole, cents = int(rng.integers(1, 5000)), int(rng.integers(0, 100))
    return f"{whole:,}.{cents:02d}"


def _cell_lines(column: _Column, rng: np.random.Generator, row: int) -> list[list[str]]:
    """The printed lines of a cell; empty where it is missing."""
    if rng.random() < column.missing:
        return []
    if column.type == "ITEM_DESCRIPTION":
        n_lines = int(rng.choice([1, 1, 2, 3, 4]))
        return [
            [str(rng.choice(ADJECTIVES + NOUNS)) for _ in range(int(rng.integers(1, 4)))]
            for _ in range(n_lines)
        ]
    if column.type == "ITEM_CODE":
        return [[f"A-{int(rng.integers(1000, 9999))}"]]
    if column.type == "ITEM_QUANTITY":
        return [[str(int(rng.integers(1, 200)))]]
    if column.type == "ITEM_UNIT":
        return [[str(rng.choice(["pcs", "kg", "h", "m"]))]]
    if column.type == "ITEM_DISCOUNT":
        return [[f"{int(rng.integers(1, 30))}", "%"]]
    if column.type == "ITEM_TAX_RATE":
        return [["19", "%"]] if rng.random() < 0.5 else [["7%"]]
    if column.type is not None:
        return [[_money(rng)]]
    if column.align == "left":  # an unlabelled column of words, wrapped at times
        return [[str(rng.choice(NOUNS))] for _ in range(int(rng.choice([1, 1, 2])))]
    return [[str(row + 1)]]


def random_document(seed: int, angle_deg: float = 0.0, jitter_px: float = 0.0) -> Truth:
    """A document of one to three pages around one table, its words shuffled.

    Args:
        seed: Everything but skew and jitter follows from it.
        angle_deg: Each page is turned by up to this, either way (upright boxes around the turned words).
        jitter_px: Standard deviation of the noise on every edge of every box.
    """
    rng = np.random.default_rng(seed)
    noise = np.random.default_rng(seed + 1_000_000)
    size = float(rng.uniform(13, 22))
    pitch = size * float(rng.uniform(1.15, 1.5))
    padding = size * float(rng.uniform(0.3, 1.2))
    align = str(rng.choice(["top", "middle", "bottom"]))
    columns = _columns(rng)
    rows: list[dict[str, str]] = []
    pages: list[list[_Placed]] = []
    n_pages = int(rng.choice([1, 1, 2, 3]))
    for page in range(n_pages):
        placed: list[_Placed] = []
        y = float(rng.uniform(150, 500))
        placed += _line(["Invoice", "no.", "4711", "of", "14", "October"], 80, y - 4 * pitch, size)
        y = _header(columns, placed, y, size, pitch) + padding
        if page:
            y = _carry(columns, placed, y, size, pitch, "Carried forward", rng) + padding
        for _ in range(int(rng.integers(1, 9))):
            y = _row(columns, placed, rows, y, size, pitch, align, rng) + padding
        caption = "Subtotal" if page == n_pages - 1 else "Carry forward"
        y = _carry(columns, placed, y, size, pitch, caption, rng) + padding
        placed += _line(["Thank", "you", "for", "your", "order"], 80, y + 3 * pitch, size)
        pages.append(placed)
    predictions = [
        _prediction(i, placed, size, angle_deg, jitter_px, noise) for i, placed in enumerate(pages)
    ]
    return Truth(predictions, rows)


def _columns(rng: np.random.Generator) -> list[_Column]:
    optional = [
        ("ITEM_CODE", 110, "left", 0.3), ("ITEM_QUANTITY", 70, "right", 0.15), ("ITEM_UNIT", 60, "left", 0.3),
        ("ITEM_UNIT_PRICE", 120, "right", 0.15), ("ITEM_DISCOUNT", 90, "right", 0.5),
        ("ITEM_TAX_RATE", 80, "right", 0.2), (None, 60, "right", 0.0), (None, 110, "left", 0.3),
    ]  # fmt: skip
    chosen = [column for column in optional if rng.random() < 0.6]
    chosen.insert(int(rng.integers(0, min(3, len(chosen)) + 1)), ("ITEM_DESCRIPTION", 330, "left", 0.0))
    rng.shuffle(tail := chosen[2:])
    chosen = [*chosen[:2], *tail, ("ITEM_AMOUNT", 130, "right", 0.0)]
    gap = (WIDTH - 120 - sum(width for _, width, _, _ in chosen)) / len(chosen)
    columns, x = [], 60.0
    for name, width, align, missing in chosen:
        columns.append(_Column(name, x, x + width, align, missing))
        x += width + min(gap, 60.0)
    return columns


def _advance(text: str, size: float) -> float:
    return 0.52 * size * len(text)


def _line(words: list[str], x: float, y: float, size: float) -> list[_Placed]:
    placed = []
    for word in words:
        placed.append(_Placed(word, x, y))
        x += _advance(word, size) + 0.3 * size
    return placed


def _put(lines: list[list[str]], column: _Column, y: float, size: float, pitch: float) -> list[_Placed]:
    placed = []
    for n, line in enumerate(lines):
        width = sum(_advance(word, size) for word in line) + 0.3 * size * (len(line) - 1)
        x = column.x0 if column.align == "left" else column.x1 - width
        placed += _line(line, x, y + n * pitch, size)
    return placed


def _header(columns: list[_Column], placed: list[_Placed], y: float, size: float, pitch: float) -> float:
    for column in columns:
        caption = (
            [["Col"]] if column.type is None else [[part] for part in column.type[5:].title().split("_")]
        )
        cell = _put(caption, column, y, size, pitch)
        for n, word in enumerate(cell):
            word.table, word.cell = ("CELL" if n == 0 else "INSIDE"), "HEADER"
        placed += cell
    return y + 2 * pitch


def _carry(columns: list[_Column], placed: list[_Placed], y: float, size: float, pitch: float, caption: str,
           rng: np.random.Generator) -> float:  # fmt: skip
    placed += _line(caption.split(), columns[0].x0, y, size)
    placed += _put([[_money(rng)]], columns[-1], y, size, pitch)
    return y + pitch


def _row(columns: list[_Column], placed: list[_Placed], rows: list[dict[str, str]], y: float, size: float,
         pitch: float, align: str, rng: np.random.Generator) -> float:  # fmt: skip
    cells = [(column, _cell_lines(column, rng, len(rows))) for column in columns]
    tallest = max(len(lines) for _, lines in cells)
    truth: dict[str, str] = {}
    for column, lines in cells:
        spare = (tallest - len(lines)) * pitch
        top = y + {"top": 0.0, "middle": spare / 2, "bottom": spare}[align]
        cell = _put(lines, column, top, size, pitch)
        for n, word in enumerate(cell):
            word.table, word.cell = ("CELL" if n == 0 else "INSIDE"), "DATA"
            word.ner = "O" if column.type is None else f"{'B' if n == 0 else 'I'}-{column.type}"
        if cell and column.type is not None:
            truth[column.type] = " ".join(word.text for word in cell)
        placed += cell
    rows.append(truth)
    return y + tallest * pitch


def _prediction(page: int, placed: list[_Placed], size: float, angle_deg: float, jitter_px: float,
                noise: np.random.Generator) -> PagePrediction:  # fmt: skip
    height = int(max(HEIGHT, max(word.y for word in placed) + 200))
    angle = math.radians(float(noise.uniform(-angle_deg, angle_deg)))
    sin, cos = math.sin(angle), math.cos(angle)
    words = []
    for word in placed:
        w, h = _advance(word.text, size), size
        cx, cy = word.x + w / 2 - WIDTH / 2, word.y + h / 2 - height / 2
        cx, cy = cx * cos - cy * sin + WIDTH / 2, cx * sin + cy * cos + height / 2
        bw, bh = w * cos + h * abs(sin), w * abs(sin) + h * cos
        box = np.array([cx - bw / 2, cy - bh / 2, cx + bw / 2, cy + bh / 2]) + noise.normal(0, jitter_px, 4)
        words.append(Word(text=word.text, box=[float(edge) for edge in box]))
    order = noise.permutation(len(words))
    return PagePrediction(
        page=page,
        width=WIDTH,
        height=height,
        words=[words[i] for i in order],
        ner_tags=[placed[i].ner for i in order],
        ner_confidences=[0.99] * len(words),
        table_tags=[placed[i].table for i in order],
        cell_tags=[placed[i].cell for i in order],
    )


def labelled_page(
    words: Sequence[tuple[object, ...]],
    page: int = 0,
    width: int = WIDTH,
    height: int = HEIGHT,
    size: float = 16.0,
) -> PagePrediction:
    """A page written by hand: ``(text, x, y, NER label[, confidence[, table label]])`` a word, pixels."""
    rows = [(*word, *(0.9, "OUTSIDE")[len(word) - 4 :]) for word in words]
    return PagePrediction(
        page=page,
        width=width,
        height=height,
        words=[Word(text=text, box=[x, y, x + _advance(text, size), y + size]) for text, x, y, *_ in rows],
        ner_tags=[row[3] for row in rows],
        ner_confidences=[row[4] for row in rows],
        table_tags=[row[5] for row in rows],
        cell_tags=["DATA" if row[3][2:].startswith("ITEM_") else "EMPTY" for row in rows],
    )


def rebuilt_texts(items: list[dict[str, dict[str, object]]]) -> list[dict[str, str]]:
    """The texts of rebuilt rows, to compare with :attr:`Truth.rows`."""
    return [{name: str(value["text"]) for name, value in item.items()} for item in items]


@pytest.fixture(scope="session")
def make_document() -> Callable[..., Truth]:
    """:func:`random_document`."""
    return random_document


@pytest.fixture(scope="session")
def texts_of() -> Callable[..., list[dict[str, str]]]:
    """:func:`rebuilt_texts`."""
    return rebuilt_texts


@pytest.fixture(scope="session")
def make_page() -> Callable[..., PagePrediction]:
    """:func:`labelled_page`."""
    return labelled_page
