"""A printed value that knows where it came from: it renders itself as an element with ``data-`` attributes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape


@dataclass(frozen=True, slots=True)
class Printed:
    """Text with its field path, entity type and normalised value.

    Attributes:
        text: What is printed; a tuple is printed on as many lines.
        field: Path in the ``Invoice`` record.
        entity: Entity type of the taxonomy; None for a value that is always O.
        value: Normalised value.
        group: Relation (``line-3``, ``tax-1``).
        before: A currency sign or code in front of the value, a word of its own.
        after: The same behind it.
        currency: ISO 4217 code that ``before`` or ``after`` is labelled with; None leaves it O.
        glued: No space is printed between the sign and the value.
    """

    text: str | tuple[str, ...]
    field: str
    entity: str | None = None
    value: str | None = None
    group: str | None = None
    before: str = ""
    after: str = ""
    currency: str | None = None
    glued: bool = False

    def __bool__(self) -> bool:
        return bool(self.text)

    def __html__(self) -> Markup:
        lines: Sequence[str] = (self.text,) if isinstance(self.text, str) else self.text
        body = "<br/>".join([escape(line) for line in lines])
        attributes = f'data-field="{escape(self.field)}"'
        if self.entity is not None:
            attributes += f' data-entity="{self.entity}" data-value="{escape(self.value or "")}"'
        if self.group is not None:
            attributes += f' data-group="{self.group}"'
        inner = f"<span {attributes}>{body}</span>"
        if not self.before and not self.after:
            return Markup(inner)
        space = "" if self.glued else "\u00a0"
        before = self._sign(self.before) + space if self.before else ""
        after = space + self._sign(self.after) if self.after else ""
        return Markup(f'<span class="nb">{before}{inner}{after}</span>')

    def _sign(self, text: str) -> str:
        if self.currency is None:
            return escape(text)
        return f'<span data-field="currency" data-entity="CURRENCY" data-value="{self.currency}">{escape(text)}</span>'
