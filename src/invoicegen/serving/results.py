"""What workers made of documents, as the service answers and counts it."""

from __future__ import annotations

import base64

from invoicegen.extraction.baseline import observe
from invoicegen.serving.metrics import ExtractionMetrics
from invoicegen.serving.models import ExtractionResult
from invoicegen.serving.worker import ReadDocument


def to_result(read: ReadDocument) -> ExtractionResult:
    """The answer of a document."""
    answer = dict(read.record)
    if read.words is not None:
        answer["page_words"] = read.words
    if read.images is not None:
        answer["page_images"] = [
            {"page": page, "media_type": "image/jpeg", "data": base64.b64encode(data).decode("ascii")}
            for page, data in read.images
        ]
    return ExtractionResult.model_validate(answer)


def count_document(metrics: ExtractionMetrics, read: ReadDocument, min_confidence: float) -> None:
    """Count a document that was read.

    Args:
        metrics: Where.
        read: The document.
        min_confidence: Confidence from which a value needs no review.
    """
    metrics.documents.labels("read").inc()
    for page in read.record["pages"]:
        metrics.pages.labels(page["engine"]).inc()
    for phase, spent_ms in read.record["timings_ms"].items():
        metrics.phases.labels(phase).observe(spent_ms / 1000)
    metrics.count(observe(read.record, min_confidence))
