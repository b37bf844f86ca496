"""What a model gives on labelled pages' words: what its use is compared with later."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

from invoicegen.evaluation.run import batches, page_input, read_documents
from invoicegen.extraction.baseline import Baseline, Observation, observe

if TYPE_CHECKING:
    import pyarrow as pa

    from invoicegen.extraction.extractor import PagePredictor

_BATCH_PAGES: Final = 16


def measure_baseline(
    shards: Mapping[str, Callable[[], pa.Table]], predictor: PagePredictor, min_confidence: float
) -> Baseline:
    """Extract the documents of shards, and note what is found how surely.

    Args:
        shards: Name to a function that loads a table of :data:`invoicegen.schema.rows.PAGE_SCHEMA`, of documents that
            the model was not trained on.
        predictor: The model.
        min_confidence: Confidence from which a value needs no review.

    Raises:
        ValueError: If there is no document, or one lacks a page.
    """
    return Baseline.of(_observations(shards, predictor, min_confidence))


def _observations(
    shards: Mapping[str, Callable[[], pa.Table]], predictor: PagePredictor, min_confidence: float
) -> Iterator[Observation]:
    from invoicegen.extraction import assemble

    documents = read_documents(shards, with_images=bool(getattr(predictor, "needs_images", False)))
    for batch in batches(documents, _BATCH_PAGES):
        predicted = iter(predictor.predict_pages([page_input(page) for pages in batch for page in pages]))
        for pages in batch:
            yield observe(assemble([next(predicted) for _ in pages]), min_confidence)
