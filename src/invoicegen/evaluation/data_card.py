"""What the generated pages are like, beside what can be seen of the real ones: where the generator is blind."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from invoicegen.evaluation.grouping import GROUPS, STEPS
from invoicegen.geometry import box_coverage
from invoicegen.schema.rows import label_set_of
from invoicegen.schema.taxonomy import ENTITY_TYPES

if TYPE_CHECKING:
    import pyarrow as pa

    from invoicegen.evaluation.real import RealLabel

QUANTILES: Final = (0.05, 0.25, 0.5, 0.75, 0.95)
DISTRIBUTIONS: Final = tuple(name for name in GROUPS if name not in STEPS)
"""What documents are counted by."""
STATISTICS: Final[dict[str, str]] = {
    "words": "words a page",
    "coverage": "share of the page that words cover",
    "pages": "pages a document",
    "line_items": "line items a document",
}
"""What is compared with real documents, and what it is; line items where there are any."""

_COLUMNS: Final = (
    "doc_id", "page_count", "document_type", "locale", "template_family", "split_group", "ocr_engine",
    "augmentation", "width", "height", "boxes", "ner_tags", "annotation",
)  # fmt: skip


def describe_pages(splits: Mapping[str, Mapping[str, Callable[[], pa.Table]]]) -> dict[str, Any]:
    """The data card of labelled pages.

    Args:
        splits: Shards of each split: name to a function that loads a table of pages.

    Returns:
        ``splits`` (documents, pages and layouts of each), ``distributions`` (documents by value of each of
        :data:`DISTRIBUTIONS`), ``entities`` (``entities`` and ``documents`` that print one, by type) and
        ``statistics`` (quantiles of each of :data:`STATISTICS` at :data:`QUANTILES`, with ``n``).
    """
    card_splits: dict[str, dict[str, int]] = {}
    documents: dict[str, dict[str, Any]] = {}
    words: list[int] = []
    coverage: list[float] = []
    entities: Counter[str] = Counter()
    printed_in: dict[str, set[str]] = {name: set() for name in ENTITY_TYPES}
    for split, shards in splits.items():
        layouts: set[str] = set()
        ids: set[str] = set()
        pages = 0
        for name in sorted(shards):
            table = shards[name]()
            ner_labels = label_set_of(table.schema).ner_labels
            for row in table.select(list(_COLUMNS)).to_pylist():
                pages += 1
                layouts.add(row["split_group"])
                ids.add(row["doc_id"])
                words.append(len(row["boxes"]))
                coverage.append(box_coverage(row["boxes"], row["width"], row["height"]))
                began = Counter(
                    ner_labels[tag][2:] for tag in row["ner_tags"] if ner_labels[tag].startswith("B-")
                )
                entities.update(began)
                for entity_type in began:
                    printed_in.setdefault(entity_type, set()).add(row["doc_id"])
                annotation = json.loads(row["annotation"])
                document = documents.setdefault(
                    row["doc_id"], {"line_items": 0, **_conditions(row, annotation)}
                )
                document["line_items"] += sum(
                    relation["type"] == "line_item" and relation["continues"] is None
                    for relation in annotation["relations"]
                )
        card_splits[split] = {"documents": len(ids), "pages": pages, "layouts": len(layouts)}
    rows = list(documents.values())
    return {
        "splits": card_splits,
        "distributions": {
            name: dict(Counter(str(row[name]) for row in rows).most_common()) for name in DISTRIBUTIONS
        },
        "entities": {
            name: {"entities": entities[name], "documents": len(found)} for name, found in printed_in.items()
        },
        "statistics": {
            "words": quantiles(words),
            "coverage": quantiles(coverage),
            "pages": quantiles([row["pages"] for row in rows]),
            "line_items": quantiles([row["line_items"] for row in rows if row["line_items"]]),
        },
    }


def describe_real(labels: Sequence[RealLabel], records: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The same ``statistics`` of real documents, as far as they can be seen: in what was read and in labels.

    Args:
        labels: Line items are counted where they are labelled.
        records: Of :func:`invoicegen.extraction.extract_files`; errors are passed over.
    """
    pages = [record["pages"] for record in records if "error" not in record]
    items = [len(label.fields.get("line_items", [])) for label in labels]
    return {
        "words": quantiles([page["words"] for document in pages for page in document]),
        "coverage": quantiles(
            [page["coverage"] for document in pages for page in document if "coverage" in page]
        ),
        "pages": quantiles([len(document) for document in pages]),
        "line_items": quantiles([count for count in items if count]),
    }


def quantiles(values: Sequence[float]) -> dict[str, Any]:
    """``{"n", "values"}``: quantiles at :data:`QUANTILES`; None where there is nothing."""
    return {
        "n": len(values),
        "values": [round(float(q), 4) for q in np.quantile(values, QUANTILES)] if len(values) else None,
    }


def _conditions(row: Mapping[str, Any], annotation: Mapping[str, Any]) -> dict[str, Any]:
    kind = annotation["provenance"]["layout_params"].get("kind", "unknown")
    return {
        "pages": row["page_count"],
        "kind": kind,
        **{name: row[name] for name in DISTRIBUTIONS if name != "kind"},
    }
