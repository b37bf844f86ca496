"""Which records a person should look at, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple

ReviewKind = Literal["unread_page", "missing_field", "unreadable_value", "low_confidence", "failed_check"]

REQUIRED: Final[dict[str, tuple[str, ...]]] = {
    "invoice": ("INVOICE_NUMBER", "INVOICE_DATE", "SELLER_NAME", "TOTAL_AMOUNT", "CURRENCY"),
    "credit_note": ("INVOICE_NUMBER", "INVOICE_DATE", "SELLER_NAME", "TOTAL_AMOUNT", "CURRENCY"),
    "receipt": ("INVOICE_DATE", "SELLER_NAME", "TOTAL_AMOUNT"),
}
"""Fields that every document of a type prints."""


class ReviewReason(NamedTuple):
    """Why a person should look at a record: the kind of reason, and this one in words."""

    kind: ReviewKind
    text: str


def review_reasons(record: Mapping[str, Any], min_confidence: float) -> list[ReviewReason]:
    """Why a person should look at a record; empty where nothing speaks for it.

    Reasons are pages that could not be read, fields that every such document prints and that are missing, first values
    that could not be read as their type or whose confidence is below ``min_confidence``, and failed checks.

    Args:
        record: What was extracted; no error record.
        min_confidence: Confidence from which a value needs no look, 0 to 1.
    """
    fields = record["fields"]
    reasons = [
        ReviewReason("unread_page", f"page {problem['page'] + 1} could not be read")
        for problem in record.get("page_errors", ())
    ]
    reasons += [
        ReviewReason("missing_field", f"{name} is missing")
        for name in REQUIRED[record["document_type"]]
        if not fields.get(name)
    ]
    values = [(name, found[0]) for name, found in fields.items() if found]
    values += [
        (f"line_items[{i}].{name}", value)
        for i, item in enumerate(record["line_items"])
        for name, value in item.items()
    ]
    for name, value in values:
        if value["value"] is None:
            reasons.append(
                ReviewReason("unreadable_value", f"{name} {value['text']!r} cannot be read as its type")
            )
        elif value["confidence"] < min_confidence:
            low = f"{name} has confidence {value['confidence']:.2f}, below {min_confidence:g}"
            reasons.append(ReviewReason("low_confidence", low))
    reasons += [
        ReviewReason(
            "failed_check",
            f"{check['subject']}: {check['rule']} fails: expected {check['expected']}, got {check['got']}",
        )
        for check in record["checks"]
        if check["status"] == "failed"
    ]
    return reasons


def add_review(record: dict[str, Any], min_confidence: float) -> None:
    """Set ``needs_review`` and ``review_reasons`` of a record."""
    reasons = review_reasons(record, min_confidence)
    record["needs_review"] = bool(reasons)
    record["review_reasons"] = [reason.text for reason in reasons]
