"""What the ``data-`` attributes say about the words inside an element."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, cast
from xml.etree.ElementTree import Element

from invoicegen.rendering.errors import RenderingError
from invoicegen.schema.taxonomy import VALUE_KINDS
from invoicegen.schema.truth import CellRole


@dataclass(frozen=True, slots=True)
class Mark:
    """The attributes that hold for a piece of text.

    Attributes:
        entity_key: Identifies the element that prints the entity; None where there is no entity.
        cell_key: Identifies the table cell's element; None outside the line-item table.

    The others are those of :class:`invoicegen.schema.truth.TrueWord`.
    """

    entity_key: int | None = None
    entity: str | None = None
    field: str | None = None
    value: str | None = None
    group: str | None = None
    cell_key: int | None = None
    cell_role: CellRole | None = None
    column: str | None = None
    row: int | None = None


NO_MARK: Final = Mark()


class Marks:
    """Looks up the mark of each element of a document; keeps every element of it alive, so keys stay unique."""

    def __init__(self, root: Element) -> None:
        self._parents: dict[Element, Element] = {child: parent for parent in root.iter() for child in parent}
        self._root = root
        self._known: dict[Element, Mark] = {}

    def of(self, element: Element | None) -> Mark:
        """The mark of the text of an element: its own attributes, else the nearest ancestor's.

        ``data-entity`` ends the search for the entity and its field; ``data-entity=""`` means no entity.

        Raises:
            RenderingError: If an attribute's value is not allowed.
        """
        if element is None:
            return NO_MARK
        mark = self._known.get(element)
        if mark is None:
            mark = self._known[element] = self._find(element)
        return mark

    def _find(self, element: Element) -> Mark:
        entity_element: Element | None = None
        cell: Element | None = None
        field: str | None = None
        group: str | None = None
        at: Element | None = element
        while at is not None:
            if entity_element is None:
                field = field or at.get("data-field")
                if at.get("data-entity") is not None:
                    entity_element = at
            group = group or at.get("data-group")
            if cell is None and at.get("data-cell") is not None:
                cell = at
            at = self._parents.get(at)
        entity = (entity_element.get("data-entity") if entity_element is not None else None) or None
        if entity is not None and entity not in VALUE_KINDS:
            raise RenderingError(f'data-entity="{entity}": no such entity type; see schema/taxonomy.json')
        role = cell.get("data-cell") if cell is not None else None
        if role not in (None, "header", "data"):
            raise RenderingError(f'data-cell="{role}": must be "header" or "data"')
        return Mark(
            entity_key=id(entity_element) if entity is not None else None,
            entity=entity,
            field=field,
            value=entity_element.get("data-value")
            if entity is not None and entity_element is not None
            else None,
            group=group,
            cell_key=id(cell) if cell is not None else None,
            cell_role=cast("CellRole | None", role),
            column=cell.get("data-column") if cell is not None else None,
            row=_row(cell),
        )


def _row(cell: Element | None) -> int | None:
    text = cell.get("data-row") if cell is not None else None
    if text is None:
        return None
    if not text.isdigit():
        raise RenderingError(f'data-row="{text}": must be a whole number from 0')
    return int(text)
