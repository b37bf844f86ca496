"""What a model gives on labelled pages' words: what its use is compared with later."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

from invoicegen.extraction.baseline import Baseline, Observation, observe
from invoicegen.images import decode_image
from invoicegen.schema.annotation import Word

if TYPE_CHECKING:
    import pyarrow as pa

    from invoicegen.extraction.extractor import PagePredictor
    from invoicegen.modeling import PageInput
    from invoicegen.schema.prediction import PagePrediction

_BATCH_PAGES: Final = 16
_COLUMNS: Final = ("doc_id", "page", "page_count", "width", "height", "tokens", "boxes")


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

    for pages in _documents(shards, bool(getattr(predictor, "needs_images", False))):
        predicted: list[PagePrediction] = []
        for first in range(0, len(pages), _BATCH_PAGES):
            predicted += predictor.predict_pages(pages[first : first + _BATCH_PAGES])
        yield observe(assemble(predicted), min_confidence)


def _documents(shards: Mapping[str, Callable[[], pa.Table]], with_images: bool) -> Iterator[list[PageInput]]:
    """The pages of each document as the model is given them; what is true of them is not looked at."""
    from invoicegen.modeling import PageInput

    for name in sorted(shards):
        table = shards[name]().select([*_COLUMNS, *(["image"] if with_images else [])])
        documents: dict[str, list[PageInput]] = {}
        counts: dict[str, int] = {}
        for row in table.to_pylist():
            words = [Word(text=text, box=box) for text, box in zip(row["tokens"], row["boxes"], strict=True)]
            image = decode_image(row["image"]["bytes"]) if with_images else None
            page = PageInput(row["page"], row["width"], row["height"], words, image)
            documents.setdefault(row["doc_id"], []).append(page)
            counts[row["doc_id"]] = row["page_count"]
        for doc_id, pages in documents.items():
            if len(pages) != counts[doc_id]:
                raise ValueError(
                    f"shard {name}: document {doc_id} has {len(pages)} of its {counts[doc_id]} pages"
                )
            yield sorted(pages, key=lambda page: page.page)
