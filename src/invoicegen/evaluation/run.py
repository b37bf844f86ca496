"""A model on labelled pages: predict, assemble documents, score; one shard is in memory at a time."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from invoicegen.evaluation.bootstrap import intervals
from invoicegen.evaluation.counts import Counts, total
from invoicegen.evaluation.entities import Span, count_entities, spans
from invoicegen.evaluation.evaluator import ModelEvaluator
from invoicegen.evaluation.fields import FieldTally, given_values, true_document
from invoicegen.evaluation.grouping import GROUPS, document_groups, error_groups, group_order, layout_scores
from invoicegen.evaluation.heads import head_scores
from invoicegen.evaluation.misread import misread_entities
from invoicegen.evaluation.options import EvaluateOptions
from invoicegen.evaluation.outcomes import DocumentOutcome, triple
from invoicegen.evaluation.release import release_report
from invoicegen.schema.annotation import Page
from invoicegen.schema.prediction import PagePrediction
from invoicegen.schema.rows import row_to_page
from invoicegen.schema.taxonomy import (
    CELL_LABELS,
    DEFAULT_LABELS,
    TABLE_LABELS,
    TAXONOMY_VERSION,
    LabelSet,
)

if TYPE_CHECKING:
    import pyarrow as pa

    from invoicegen.evaluation.head_calibration import HeadCalibration
    from invoicegen.modeling import PageInput, PageLabeler

_COLUMNS: Final = ("split", "ocr_engine", "augmentation", "annotation")


@dataclass(frozen=True, slots=True)
class LabeledPage:
    """A labelled page of the test split and the conditions that it was made under.

    ``image`` is the page image as a file, for models that look at it.
    """

    page: Page
    ocr_engine: str
    augmentation: str
    image: bytes | None = None


@dataclass(frozen=True, slots=True)
class EvaluationResult:
    """All that an evaluation says, JSON-ready; see ``docs/evaluation.md``."""

    scores: dict[str, Any]
    confusion: dict[str, Any]
    errors: list[dict[str, Any]]
    outcomes: list[DocumentOutcome]


@dataclass(slots=True)
class _Group:
    pages: int = 0
    entities: Counts = field(default_factory=Counts)
    words: int = 0
    table_right: int = 0
    cell_right: int = 0
    fields: FieldTally = field(default_factory=FieldTally)

    def scores(self) -> dict[str, Any]:
        fields = self.fields.scores()
        return {
            "documents": self.fields.documents,
            "pages": self.pages,
            "entity_f1": self.entities.f1,
            "table_accuracy": self.table_right / self.words if self.words else None,
            "cell_accuracy": self.cell_right / self.words if self.words else None,
            "field_micro_f1": fields["micro"]["f1"],
            "field_macro_f1": fields["macro_f1"],
            "field_soft_micro_f1": fields["soft_micro"]["f1"],
            "line_item_f1": fields["line_items"]["f1"],
        }


class Evaluation:
    """Collects pages with their predictions, and documents with what was extracted, and scores them all.

    Args:
        confused_pairs: Most confused pairs of entity types to list.
        labels: The entity types that the model knows.
        calibration: Of the model's heads, filled by the caller; None where only labels are known.
    """

    def __init__(
        self,
        *,
        confused_pairs: int = 25,
        labels: LabelSet = DEFAULT_LABELS,
        calibration: HeadCalibration | None = None,
    ) -> None:
        self._labels = labels
        self._calibration = calibration
        self._evaluator = ModelEvaluator(labels.ner_labels, confused_pairs=confused_pairs)
        self._pages: list[dict[str, Any]] = []
        self._orders: list[list[int]] = []
        self._confidences: list[list[float]] = []
        self._tokens: list[list[str]] = []
        self._tags: dict[str, tuple[list[list[str]], list[list[str]]]] = {
            head: ([], []) for head in ("ner", "table", "cell")
        }
        self._all = FieldTally(labels)
        self._outcomes: list[DocumentOutcome] = []
        self._misread: list[frozenset[int]] = []
        self._ocr_errors: list[dict[str, Any]] = []
        self._groups: dict[str, dict[str, _Group]] = {name: {} for name in GROUPS}

    @property
    def outcomes(self) -> list[DocumentOutcome]:
        """What came of each document, in the order that they were added."""
        return self._outcomes

    def add_document(
        self, pages: Sequence[LabeledPage], predictions: Sequence[PagePrediction], record: Mapping[str, Any]
    ) -> None:
        """Add all pages of one document, their predictions in the same order, and the fields assembled from
        them.

        Raises:
            ValueError: If a prediction is not of its page (another page number or other words), or a page has entity
                types that the model does not know.
        """
        truth = true_document([page.page for page in pages])
        groups = document_groups(pages, len(truth.line_items))
        entities = Counts()
        for page, prediction in zip(pages, predictions, strict=True):
            entities.add(self._add_page(page, prediction, groups))
        tally = FieldTally(self._labels)
        tally.add(truth, record)
        self._all.merge(tally)
        for name, value in groups.items():
            self._group(name, value).fields.merge(tally)
        self._outcomes.append(
            DocumentOutcome(
                document=truth.doc_id,
                layout=pages[0].page.provenance.split_group,
                groups=groups,
                counts={"entities": triple(entities), **tally.triples()},
                by_field={
                    name: triple(counts)
                    for name, counts in tally.exact.items()
                    if counts.true or counts.predicted
                },
                values=given_values(tally, record),
                all_right=bool(tally.documents_right),
            )
        )

    def _group(self, name: str, value: str) -> _Group:
        return self._groups[name].setdefault(value, _Group(fields=FieldTally(self._labels)))

    def _add_page(
        self, labeled: LabeledPage, prediction: PagePrediction, groups: Mapping[str, str]
    ) -> Counts:
        page = labeled.page
        if prediction.page != page.page or len(prediction.ner_tags) != len(page.words):
            raise ValueError(
                f"document {page.doc_id}, page {page.page}: the prediction is of page {prediction.page} with "
                f"{len(prediction.ner_tags)} words for {len(page.words)}"
            )
        unknown = sorted({entity.type for entity in page.entities} - self._labels.value_kinds.keys())
        if unknown:
            raise ValueError(
                f"document {page.doc_id}, page {page.page}: has labels of {', '.join(unknown)}, which the model does "
                f"not know ({self._labels.title}); evaluate a model that was trained with them "
                "(taxonomy.extra_entities), or import the pages with a label map that leaves them out"
            )
        order = entity_order(page)
        self._orders.append(order)
        self._tokens.append([page.words[i].text for i in order])
        self._confidences.append([prediction.ner_confidences[i] for i in order])
        tags = {
            "ner": (page.ner_tags, prediction.ner_tags),
            "table": (page.table_tags, prediction.table_tags),
            "cell": (page.cell_tags, prediction.cell_tags),
        }
        for head, pair in tags.items():
            for kept, given in zip(self._tags[head], pair, strict=True):
                kept.append([sys.intern(given[i]) for i in order])
        self._tags["ner"][1][-1] = open_entities(self._tags["ner"][1][-1])
        self._pages.append({"doc_id": page.doc_id, "page": page.page, **groups})
        counts = total(count_entities(self._tags["ner"][0][-1], self._tags["ner"][1][-1]).values())
        self._add_misread(page, order)
        for name, value in groups.items():
            group = self._group(name, value)
            group.pages += 1
            group.words += len(page.words)
            group.entities.add(counts)
            group.table_right += _agreements(page.table_tags, prediction.table_tags)
            group.cell_right += _agreements(page.cell_tags, prediction.cell_tags)
        return counts

    def _add_misread(self, page: Page, order: Sequence[int]) -> None:
        """Note which words of the last page that was added belong to misread entities, and OCR's own errors."""
        misread = misread_entities(page, self._labels)
        self._misread.append(frozenset(word for entity in misread for word in entity.words))
        marked = set(spans(self._tags["ner"][1][-1]))
        place = {word: i for i, word in enumerate(order)}
        for entity in misread:
            start = place[entity.words[0]]
            span = Span(entity.type, start, start + len(entity.words))
            if span in marked:
                found = self._described(len(self._pages) - 1, span)
                self._ocr_errors.append(
                    {
                        **self._pages[-1],
                        "category": "ocr",
                        "misread": True,
                        "true": [{**found, "text": entity.value}],
                        "predicted": [found],
                    }
                )

    def result(self) -> EvaluationResult:
        """Scores of all that was added.

        Raises:
            ValueError: If nothing was added.
        """
        if not self._pages:
            raise ValueError("nothing to evaluate: there is not one test page")
        tags = self._evaluator.evaluate_full(*self._tags["ner"], self._tokens)
        errors = tags["errors"]
        listed = [*map(self._error, errors["listed"]), *self._ocr_errors]
        listed.sort(key=lambda error: (error["doc_id"], error["page"]))
        ocr = Counter(error["true"][0]["type"] for error in self._ocr_errors)
        scores = {
            "taxonomy": TAXONOMY_VERSION,
            "extra_entities": [entity.name for entity in self._labels.extra_entities],
            "documents": self._all.documents,
            "pages": len(self._pages),
            "words": sum(len(tokens) for tokens in self._tokens),
            "entities": tags["entities"],
            "table": head_scores(*self._tags["table"], TABLE_LABELS),
            "cell": head_scores(*self._tags["cell"], CELL_LABELS),
            "fields": self._all.scores(),
            "errors": {
                "by_category": {**errors["by_category"], "ocr": len(self._ocr_errors)},
                "by_entity": {name: {**row, "ocr": ocr[name]} for name, row in errors["by_entity"].items()},
                "groups": error_groups(listed),
                "misread": dict(Counter(error["category"] for error in listed if error["misread"])),
            },
            "groups": {
                name: {value: groups[value].scores() for value in sorted(groups, key=group_order)}
                for name, groups in self._groups.items()
            },
            "intervals": intervals(self._outcomes),
            "release": release_report(self._outcomes),
            "calibration": None if self._calibration is None else self._calibration.scores(),
            "layouts": layout_scores(self._outcomes),
        }
        return EvaluationResult(scores, tags["confusion"], listed, self._outcomes)

    def _error(self, row: dict[str, Any]) -> dict[str, Any]:
        number = row["sequence"]
        sides = {
            side: [
                self._described(number, Span(entity["type"], entity["start"], entity["end"]))
                for entity in row[side]
            ]
            for side in ("true", "predicted")
        }
        misread = any(not self._misread[number].isdisjoint(entity["words"]) for entity in sides["true"])
        return {**self._pages[number], "category": row["category"], "misread": misread, **sides}

    def _described(self, number: int, span: Span) -> dict[str, Any]:
        places = range(span.start, span.end)
        confidences = [self._confidences[number][i] for i in places]
        return {
            "type": span.type,
            "text": " ".join(self._tokens[number][i] for i in places),
            "words": [self._orders[number][i] for i in places],
            "confidence": round(sum(confidences) / len(confidences), 4),
        }


def entity_order(page: Page) -> list[int]:
    """Word indices with the words of each true entity together, at the place of its first word.

    A description that goes on in a second printed line is cut in two by the figures of its row when words are
    read line by line; strict scores need it in one piece. The order depends on the truth alone, and truth and
    prediction are put in it alike.
    """
    following = {entity.words[0]: entity.words for entity in page.entities}
    placed = {word for entity in page.entities for word in entity.words[1:]}
    order: list[int] = []
    for word in range(len(page.words)):
        if word in following:
            order += following[word]
        elif word not in placed:
            order.append(word)
    return order


def open_entities(tags: Sequence[str]) -> list[str]:
    """The tags with ``B-`` for every ``I-`` that goes on with nothing: it begins an entity, as in extraction.

    Strict scores would pass such words over, right or wrong.
    """
    return [
        f"B-{tag[2:]}" if tag.startswith("I-") and (not before or before[2:] != tag[2:]) else tag
        for before, tag in zip(["", *tags], tags, strict=False)
    ]


def read_documents(
    shards: Mapping[str, Callable[[], pa.Table]], *, with_images: bool = False
) -> Iterator[list[LabeledPage]]:
    """Documents of the shards, pages in order, shard by shard; images only on demand.

    Raises:
        ValueError: If a document lacks a page of its shard.
    """
    for name in sorted(shards):
        table = shards[name]().select([*_COLUMNS, *(["image"] if with_images else [])])
        documents: dict[str, list[LabeledPage]] = {}
        for row in table.to_pylist():
            image = row["image"]["bytes"] if with_images else None
            page = LabeledPage(row_to_page(row), row["ocr_engine"], row["augmentation"], image)
            documents.setdefault(page.page.doc_id, []).append(page)
        for doc_id, pages in documents.items():
            pages.sort(key=lambda page: page.page.page)
            numbers = [page.page.page for page in pages]
            if numbers != list(range(pages[0].page.page_count)):
                raise ValueError(
                    f"shard {name}: document {doc_id} of {pages[0].page.page_count} pages has pages {numbers}"
                )
            yield pages


def batches(documents: Iterator[list[LabeledPage]], n_pages: int) -> Iterator[list[list[LabeledPage]]]:
    """Whole documents in groups of at least ``n_pages`` pages (the last one may have fewer)."""
    batch: list[list[LabeledPage]] = []
    for document in documents:
        batch.append(document)
        if sum(len(pages) for pages in batch) >= n_pages:
            yield batch
            batch = []
    if batch:
        yield batch


def evaluate(
    shards: Mapping[str, Callable[[], pa.Table]], predictor: PageLabeler, options: EvaluateOptions
) -> EvaluationResult:
    """Score a model on shards of labelled pages.

    Args:
        shards: Name to a function that loads a table of :data:`invoicegen.schema.rows.PAGE_SCHEMA`.
        predictor: The model.
        options: Batch size and lengths of lists.

    Raises:
        ValueError: If there are no pages, a document lacks one, or one has entity types that the model does not know.
    """
    from tqdm import tqdm

    from invoicegen.evaluation.head_calibration import HeadCalibration
    from invoicegen.extraction import assemble

    calibration = HeadCalibration(predictor.temperatures, predictor.labels)
    evaluation = Evaluation(
        confused_pairs=options.confused_pairs, labels=predictor.labels, calibration=calibration
    )
    documents = read_documents(shards, with_images=predictor.needs_images)
    # disable=None: tqdm is silent where there is no terminal.
    with tqdm(unit="page", desc="evaluate", disable=None if options.progress else True) as bar:
        for batch in batches(documents, options.batch_pages):
            pages = [page_input(page) for document in batch for page in document]
            scores = predictor.score(pages)
            predicted = iter(zip(predictor.decode_pages(pages, scores), scores, strict=True))
            for document in batch:
                found, found_scores = zip(*(next(predicted) for _ in document), strict=True)
                evaluation.add_document(document, found, assemble(found))
                for labeled, page_scores in zip(document, found_scores, strict=True):
                    calibration.add(labeled.page, predictor.head_log_probabilities(page_scores))
            bar.update(len(pages))
    return evaluation.result()


def page_input(labeled: LabeledPage) -> PageInput:
    """What the model is given of a labelled page."""
    from invoicegen.images import decode_image
    from invoicegen.modeling import PageInput

    page = labeled.page
    pixels = None if labeled.image is None else decode_image(labeled.image)
    return PageInput(page.page, page.width, page.height, page.words, pixels)


def _agreements(first: Sequence[str], second: Sequence[str]) -> int:
    return sum(a == b for a, b in zip(first, second, strict=True))
