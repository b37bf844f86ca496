"""What the renderer knows of every printed word: where it landed and which field it came from."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from invoicegen.geometry import Quad

CellRole = Literal["header", "data"]


@dataclass(frozen=True, slots=True)
class TrueWord:
    """A word as painted.

    Attributes:
        text: The characters as printed (no-break and narrow spaces count as spaces and never occur inside).
        quad: Corners in pixels of the page image, origin top left.
        field: Path of the value in the ``Invoice`` record (``seller.name``, ``lines.3.net_amount``), or None.
        entity: Entity type of the taxonomy, or None.
        instance: The same number for all words of one printed entity; unique in the document.
        value: The normalised value of that entity, or None.
        group: Relation it belongs to: ``line-3`` (line item) or ``tax-1`` (tax line), or None.
        cell: The same number for all words of one cell of the line-item table; unique in the document.
        cell_role: Whether that cell is a column header or part of an item row.
        column: What the cell's column holds: an entity type, or a free name such as ``position``.
        row: Row of the line-item table, from 0 over the whole document; headers have none.
        line_id: Printed line, from 0 on each page.
        segment_id: Block that the word belongs to, from 0 on each page.
        visible: Share of the word that can still be seen, 0 to 1.
    """

    text: str
    quad: Quad
    field: str | None = None
    entity: str | None = None
    instance: int | None = None
    value: str | None = None
    group: str | None = None
    cell: int | None = None
    cell_role: CellRole | None = None
    column: str | None = None
    row: int | None = None
    line_id: int = 0
    segment_id: int = 0
    visible: float = 1.0


@dataclass(frozen=True, slots=True)
class TruePage:
    """All words of one page, in the order they were painted; width and height in pixels of its image."""

    page: int
    width: int
    height: int
    words: list[TrueWord] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        return asdict(self)

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> TruePage:
        """The inverse of :meth:`to_dict`."""
        words = [TrueWord(**{**word, "quad": tuple(word["quad"])}) for word in record["words"]]
        return cls(record["page"], record["width"], record["height"], words)
