"""What a user gets: the values of a document, field by field, and its line items, against the printed truth.

Rules of a right value are those of :mod:`invoicegen.evaluation.matching`. A field of a document is right when
its most confident value agrees with any printed occurrence of the field. Unlike real documents, generated
ones say what is *not* printed: a value for a field that the document does not have is wrong too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from invoicegen.evaluation.counts import Counts, macro_f1, total
from invoicegen.evaluation.matching import (
    MatchKind,
    alike,
    as_number,
    best_confidence,
    best_value,
    equal,
    match_kind,
)
from invoicegen.evaluation.outcomes import GivenValue, Triple, triple
from invoicegen.extraction.derived import last_date
from invoicegen.extraction.hints import infer_hints
from invoicegen.schema.annotation import Page
from invoicegen.schema.taxonomy import DEFAULT_LABELS, ITEM_ENTITY_TYPES, LabelSet

CORE_ITEM_TYPES: Final[tuple[str, ...]] = (
    "ITEM_AMOUNT",
    "ITEM_QUANTITY",
    "ITEM_UNIT_PRICE",
    "ITEM_DESCRIPTION",
)
"""What the rules for real documents ask of a line item; numbers first, as they are cheaper to compare."""

LineItem = dict[str, list[str]]
"""Printed values of a line item by entity type; several values of a type are alternatives."""


@dataclass(frozen=True, slots=True)
class TrueDocument:
    """What a document says.

    Attributes:
        doc_id: Which one.
        document_type: ``invoice``, ``credit_note`` or ``receipt``.
        fields: Printed values by type, each value once.
        line_items: In printed order.
        implied: Values by type that are true, but not printed as words of their own: the currency, whose sign
            may be glued to the amounts, the due date that the payment terms state, the tax rate that all rows have.
            They are not asked for, and not wrong where they are given.
    """

    doc_id: str
    document_type: str
    fields: dict[str, list[str]]
    line_items: list[LineItem]
    implied: dict[str, str]


@dataclass(slots=True)
class FieldTally:
    """Counts over documents, ready to be scored; one for all, and one for each group of documents.

    Attributes:
        labels: The entity types that are scored.
    """

    labels: LabelSet = DEFAULT_LABELS
    documents: int = 0
    documents_right: int = 0
    types_right: int = 0
    exact: dict[str, Counts] = field(default_factory=dict)
    soft: dict[str, Counts] = field(default_factory=dict)
    values: dict[str, Counts] = field(default_factory=dict)
    columns: dict[str, Counts] = field(default_factory=dict)
    items: Counts = field(default_factory=Counts)
    core_items: Counts = field(default_factory=Counts)
    tables: int = 0
    tables_right: int = 0

    def add(self, truth: TrueDocument, record: Mapping[str, Any]) -> None:
        """Count one document.

        Args:
            truth: What it prints.
            record: What was extracted: ``{"document_type", "fields": {NAME: [{"value", "confidence"}]},
                "line_items": [{NAME: {"value"}}]}``.
        """
        self.documents += 1
        self.types_right += record["document_type"] == truth.document_type
        all_right = True
        for name in field_types(self.labels):
            candidates = record["fields"].get(name) or []
            value = best_value(candidates)
            printed, kind = truth.fields.get(name, []), match_kind(name, self.labels)
            if not printed and name in truth.implied and agree(kind, truth.implied[name], value):
                candidates, value = [], None
            exact = any(agree(kind, true, value) for true in printed)
            soft = exact or any(agree(kind, true, value, soft=True) for true in printed)
            given = int(value is not None)
            _counts(self.exact, name).add(Counts(int(exact), given, int(bool(printed))))
            _counts(self.soft, name).add(Counts(int(soft), given, int(bool(printed))))
            _counts(self.values, name).add(_count_values(kind, printed, candidates))
            all_right &= exact if printed else not given
        self.documents_right += all_right
        self._add_items(truth.line_items, [_values(item) for item in record["line_items"]])

    def merge(self, other: FieldTally) -> None:
        """Add the counts of ``other`` to these."""
        self.documents += other.documents
        self.documents_right += other.documents_right
        self.types_right += other.types_right
        self.tables += other.tables
        self.tables_right += other.tables_right
        self.items.add(other.items)
        self.core_items.add(other.core_items)
        for table, more in (
            (self.exact, other.exact),
            (self.soft, other.soft),
            (self.values, other.values),
            (self.columns, other.columns),
        ):
            for name, counts in more.items():
                _counts(table, name).add(counts)

    def triples(self) -> dict[str, Triple]:
        """Counts of all fields and items, by name of :class:`~invoicegen.evaluation.outcomes.DocumentOutcome`."""
        return {
            "fields": triple(total(self.exact.values())),
            "fields_soft": triple(total(self.soft.values())),
            "line_items": triple(self.items),
            "line_items_core": triple(self.core_items),
        }

    def _add_items(self, printed: Sequence[LineItem], given: Sequence[dict[str, str]]) -> None:
        right = items_right(printed, given, ITEM_ENTITY_TYPES, soft=False)
        self.items.add(Counts(right, len(given), len(printed)))
        self.core_items.add(
            Counts(items_right(printed, given, CORE_ITEM_TYPES, soft=True), len(given), len(printed))
        )
        if printed:
            self.tables += 1
            self.tables_right += right == len(printed) == len(given)
        pairs = _align(printed, given)
        for name in ITEM_ENTITY_TYPES:
            correct = sum(_agrees(name, printed[i], given[j]) for i, j in pairs)
            _counts(self.columns, name).add(
                Counts(correct, sum(name in item for item in given), sum(name in item for item in printed))
            )

    def scores(self) -> dict[str, Any]:
        """Scores of the documents counted, JSON-ready; see ``docs/evaluation.md`` for what each one says."""
        return {
            "documents": self.documents,
            "documents_all_fields_right": _share(self.documents_right, self.documents),
            "document_type_accuracy": _share(self.types_right, self.documents),
            "micro": total(self.exact.values()).scores(),
            "macro_f1": macro_f1(self.exact.values()),
            "soft_micro": total(self.soft.values()).scores(),
            "all_values_micro": total(self.values.values()).scores(),
            "by_field": {
                name: {
                    **self.exact[name].scores(),
                    "soft_f1": self.soft[name].f1,
                    "all_values_f1": self.values[name].f1,
                }
                for name in field_types(self.labels)
                if name in self.exact
            },
            "line_items": {
                **self.items.scores(),
                "core": self.core_items.scores(),
                "tables": self.tables,
                "tables_right": _share(self.tables_right, self.tables),
                "by_column": {name: counts.scores() for name, counts in self.columns.items()},
            },
        }


def given_values(tally: FieldTally, record: Mapping[str, Any]) -> list[GivenValue]:
    """The values that count as given, of the one document that ``tally`` has counted."""
    return [
        GivenValue(
            field=name,
            confidence=best_confidence(record["fields"][name]),
            right=bool(counts.correct),
        )
        for name, counts in tally.exact.items()
        if counts.predicted
    ]


def field_types(labels: LabelSet = DEFAULT_LABELS) -> tuple[str, ...]:
    """Entity types of the document's head, totals and payment: the fields."""
    return tuple(name for name in labels.entity_types if name not in ITEM_ENTITY_TYPES)


def agree(kind: MatchKind, truth: str, value: str | None, *, soft: bool = False) -> bool:
    """Whether a value agrees with a printed one; numbers whose print is none (tax codes) agree as ids."""
    if kind == "number" and as_number(truth) is None:
        kind = "id"
    return alike(kind, truth, value) if soft else equal(kind, truth, value)


def true_document(pages: Sequence[Page]) -> TrueDocument:
    """What the pages of one document print, by their entities and line-item relations.

    The value of an entity whose print could not be normalised is its text. A line item that goes on over a
    page break (``continues``) is one item.

    Raises:
        ValueError: If there are no pages, or not all of one document.
    """
    if len({page.doc_id for page in pages}) != 1:
        raise ValueError(f"pages of one document expected, got {sorted({page.doc_id for page in pages})}")
    fields: dict[str, list[str]] = {}
    items: list[LineItem] = []
    parts: dict[str, LineItem] = {}
    for page in sorted(pages, key=lambda page: page.page):
        values = {
            entity.id: (entity.type, entity.text if entity.value is None else entity.value)
            for entity in page.entities
        }
        for name, value in values.values():
            if name not in ITEM_ENTITY_TYPES and value not in fields.setdefault(name, []):
                fields[name].append(value)
        for relation in page.relations:
            if relation.type != "line_item":
                continue
            item = parts.get(relation.continues or "")
            if item is None:
                item = {}
                items.append(item)
            parts[relation.id] = item
            for name, value in (values[member] for member in relation.members):
                item.setdefault(name, []).append(value)
    first = pages[0]
    implied = {"CURRENCY": first.provenance.currency}
    hints = infer_hints([word.text for page in pages for word in page.words])
    stated = [date for text in fields.get("PAYMENT_TERMS", []) if (date := last_date(text, hints))]
    if stated:
        implied["DUE_DATE"] = max(stated)[0].isoformat()
    rates = {value for item in items for value in item.get("ITEM_TAX_RATE", [])}
    if len(rates) == 1:
        implied["TAX_RATE"] = rates.pop()
    return TrueDocument(first.doc_id, first.document_type, fields, items, implied)


def items_right(
    printed: Sequence[LineItem], given: Sequence[Mapping[str, str]], types: Sequence[str], *, soft: bool
) -> int:
    """Number of printed line items that a predicted one matches in every value of ``types`` that is printed.

    Each printed item, in order, takes the first predicted item that is left and matches. An item that prints
    none of ``types`` is matched by nothing.
    """
    left, right = list(given), 0
    for item in printed:
        stated = [name for name in types if item.get(name)]
        for candidate in left:
            if stated and all(_agrees(name, item, candidate, soft=soft) for name in stated):
                left.remove(candidate)
                right += 1
                break
    return right


def _values(item: Mapping[str, Any]) -> dict[str, str]:
    found = {
        name: value.get("value") if isinstance(value, Mapping) else value for name, value in item.items()
    }
    return {name: str(value) for name, value in found.items() if value is not None}


def _agrees(name: str, item: LineItem, candidate: Mapping[str, str], *, soft: bool = False) -> bool:
    value = candidate.get(name)
    kind = match_kind(name)
    return any(agree(kind, true, value, soft=soft) for true in item.get(name, []))


def _align(printed: Sequence[LineItem], given: Sequence[dict[str, str]]) -> list[tuple[int, int]]:
    """Pairs of printed and predicted items, those that agree in most values first; no pair agrees in none."""
    agreed = [
        (sum(_agrees(name, item, candidate) for name in item), i, j)
        for i, item in enumerate(printed)
        for j, candidate in enumerate(given)
    ]
    pairs: list[tuple[int, int]] = []
    taken_true: set[int] = set()
    taken_given: set[int] = set()
    for number, i, j in sorted(agreed, key=lambda entry: (-entry[0], abs(entry[1] - entry[2]), entry[1])):
        if number and i not in taken_true and j not in taken_given:
            pairs.append((i, j))
            taken_true.add(i)
            taken_given.add(j)
    return pairs


def _count_values(kind: MatchKind, printed: Sequence[str], candidates: Sequence[Mapping[str, Any]]) -> Counts:
    """Distinct values of one field, each to be found once."""
    given: list[str] = []
    for candidate in candidates:
        value = candidate.get("value")
        if value is not None and not any(agree(kind, other, str(value)) for other in given):
            given.append(str(value))
    distinct: list[str] = []
    for value in printed:
        if not any(agree(kind, other, value) for other in distinct):
            distinct.append(value)
    correct = sum(any(agree(kind, true, value) for value in given) for true in distinct)
    return Counts(correct, len(given), len(distinct))


def _counts(table: dict[str, Counts], name: str) -> Counts:
    return table.setdefault(name, Counts())


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
