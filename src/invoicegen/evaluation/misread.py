"""Entities whose words were read wrongly: the print says one value, what the OCR engine read another."""

from __future__ import annotations

from typing import Final

from invoicegen.evaluation.fields import agree
from invoicegen.evaluation.matching import match_kind
from invoicegen.extraction.hints import DocumentHints, infer_hints
from invoicegen.extraction.values import normalise_value
from invoicegen.schema.annotation import Entity, Page
from invoicegen.schema.taxonomy import DEFAULT_LABELS, LabelSet

CODED: Final = frozenset({"CURRENCY", "DOCUMENT_TYPE", "ITEM_UNIT"})
"""Types whose value is a code that stands for the print; it says nothing of how the print was read."""


def misread_entities(page: Page, labels: LabelSet = DEFAULT_LABELS) -> list[Entity]:
    """Entities of a page whose text, read without a mistake by the model, does not give the printed value.

    Words of a text layer cannot be misread. An entity without a value of its own, or with a coded one, is never among
    them.
    """
    if page.provenance.ocr is None or page.provenance.ocr.get("engine") == "pdf_text":
        return []
    hints = infer_hints([word.text for word in page.words])
    return [entity for entity in page.entities if _is_misread(entity, hints, labels)]


def _is_misread(entity: Entity, hints: DocumentHints, labels: LabelSet) -> bool:
    if entity.value is None or entity.type in CODED:
        return False
    readings = (normalise_value(entity.type, entity.text, hints, labels), entity.text)
    kind = match_kind(entity.type, labels)
    return not any(agree(kind, entity.value, reading) for reading in readings)
