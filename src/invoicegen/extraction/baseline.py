"""What a model gave when it was measured, to compare with what it gives now: a change of documents shows as drift."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from invoicegen.extraction.review import ReviewKind, review_reasons
from invoicegen.schema.annotation import DocumentType

BASELINE_FILE: Final = "baseline.json"
"""In the folder of a model."""
_DIGITS: Final = 4


class BaselineError(ValueError):
    """The baseline beside a model cannot be read; the message names the file and the mend."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What of an extraction record is compared; nothing of what is printed on the document.

    Attributes:
        document_type: Invoice, credit note or receipt.
        present: Entity types with at least one value.
        confidences: Entity type and confidence of the first value of every field and of all values of line items.
        checks: Rule and status of every check.
        reasons: Kinds of reasons for review.
    """

    document_type: DocumentType
    present: frozenset[str]
    confidences: tuple[tuple[str, float], ...]
    checks: tuple[tuple[str, str], ...]
    reasons: frozenset[ReviewKind]


def observe(record: Mapping[str, Any], min_confidence: float) -> Observation:
    """What of a record is compared.

    Args:
        record: As :func:`invoicegen.extraction.extract_file` gives it; no error record.
        min_confidence: Confidence from which a value needs no review.
    """
    values = [(name, found[0]["confidence"]) for name, found in record["fields"].items() if found]
    values += [(name, value["confidence"]) for item in record["line_items"] for name, value in item.items()]
    return Observation(
        document_type=record["document_type"],
        present=frozenset(name for name, _ in values),
        confidences=tuple(values),
        checks=tuple((check["rule"], check["status"]) for check in record["checks"]),
        reasons=frozenset(reason.kind for reason in review_reasons(record, min_confidence)),
    )


class Baseline(BaseModel):
    """Presence and confidence of fields, and share of review, over documents like those of training."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    documents: dict[DocumentType, int] = Field(description="how many of each type were measured")
    presence: dict[str, dict[DocumentType, float]] = Field(
        description="by entity type, the share of the documents of a type that have a value"
    )
    confidence: dict[str, float] = Field(description="by entity type, the mean confidence of its values")
    review: dict[DocumentType, float] = Field(description="share of the documents that need review")

    @classmethod
    def of(cls, observations: Iterable[Observation]) -> Self:
        """Measure.

        Raises:
            ValueError: If there is no observation.
        """
        documents: Counter[DocumentType] = Counter()
        reviewed: Counter[DocumentType] = Counter()
        present: dict[str, Counter[DocumentType]] = {}
        confidences: dict[str, list[float]] = {}
        for seen in observations:
            documents[seen.document_type] += 1
            reviewed[seen.document_type] += bool(seen.reasons)
            for name in seen.present:
                present.setdefault(name, Counter())[seen.document_type] += 1
            for name, confidence in seen.confidences:
                confidences.setdefault(name, []).append(confidence)
        if not documents:
            raise ValueError("no document was read: there is nothing to measure a baseline on")
        types = sorted(documents)
        return cls(
            documents={kind: documents[kind] for kind in types},
            presence={
                name: {kind: round(counts[kind] / documents[kind], _DIGITS) for kind in types}
                for name, counts in sorted(present.items())
            },
            confidence={
                name: round(sum(given) / len(given), _DIGITS) for name, given in sorted(confidences.items())
            },
            review={kind: round(reviewed[kind] / documents[kind], _DIGITS) for kind in types},
        )

    def write(self, folder: Path) -> Path:
        """Put it beside a model; the file."""
        path = folder / BASELINE_FILE
        path.write_text(json.dumps(self.model_dump(mode="json"), indent=1) + "\n", encoding="utf-8")
        return path


def read_baseline(folder: Path) -> Baseline | None:
    """The baseline beside a model; None where it has none.

    Raises:
        BaselineError: If it cannot be read.
    """
    path = folder / BASELINE_FILE
    if not path.is_file():
        return None
    try:
        return Baseline.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise BaselineError(
            f"{path}: {error.errors()[0]['msg']}: measure it anew with `invoicegen baseline {folder}`, or remove it"
        ) from None
