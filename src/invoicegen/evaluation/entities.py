"""Entities of word tags: strict scores by seqeval, and every wrong entity put in one category.

Tags are IOB2: ``B-X`` opens an entity of type X, ``I-X`` directly after a word of the same entity goes on
with it, any other ``I-X`` belongs to none. An entity is right when its type, first and last word are right.

Source:
    Nakayama, seqeval, strict mode, https://github.com/chakki-works/seqeval; the definition of an exact match
    is CoNLL-2003's, https://aclanthology.org/W03-0419/
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

from invoicegen.evaluation.counts import Counts

ErrorCategory = Literal["missed", "spurious", "wrong_type", "wrong_boundary", "split", "merged"]
ERROR_CATEGORIES: Final[tuple[ErrorCategory, ...]] = (
    "missed",
    "spurious",
    "wrong_type",
    "wrong_boundary",
    "split",
    "merged",
)


class Span(NamedTuple):
    """An entity of a tag sequence: words ``start`` to ``end - 1``."""

    type: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class EntityError:
    """One error: the true and the predicted entities that are part of it."""

    category: ErrorCategory
    true: tuple[Span, ...]
    predicted: tuple[Span, ...]


def entity_types(label_list: Sequence[str]) -> list[str]:
    """Entity types named by BIO labels, in the order of their first mention."""
    return list(dict.fromkeys(label[2:] for label in label_list if label != "O"))


def spans(tags: Sequence[str]) -> list[Span]:
    """Entities of an IOB2 tag sequence, in order; ``I-`` without its beginning belongs to none."""
    found: list[Span] = []
    name, start = "", -1
    for position, tag in enumerate([*tags, "O"]):
        if start >= 0 and tag != f"I-{name}":
            found.append(Span(name, start, position))
            start = -1
        if tag.startswith("B-"):
            name, start = tag[2:], position
    return found


def count_entities(y_true: Sequence[str], y_pred: Sequence[str]) -> dict[str, Counts]:
    """Right, predicted and true entities of one sequence by type; types that do not occur are absent."""
    truth, predicted = set(spans(y_true)), set(spans(y_pred))
    counts: dict[str, Counts] = {}
    for group, attribute in ((truth & predicted, "correct"), (predicted, "predicted"), (truth, "true")):
        for name, number in Counter(span.type for span in group).items():
            setattr(counts.setdefault(name, Counts()), attribute, number)
    return counts


def entity_scores(
    y_true: Sequence[Sequence[str]], y_pred: Sequence[Sequence[str]], types: Sequence[str]
) -> dict[str, Any]:
    """Strict precision, recall and F1 by entity type, and micro, macro and weighted averages.

    Args:
        y_true: True tags, one sequence a page.
        y_pred: Predicted tags, as long.
        types: Entity types to list.

    Returns:
        ``{"micro": …, "macro": …, "weighted": …, "by_entity": {type: …}}``, each with ``precision, recall,
        f1, support``, and by entity also ``predicted``. A type that occurs neither in truth nor prediction
        has None for its scores. The macro average is seqeval's: over the types that occur in truth or
        prediction.
    """
    from seqeval.metrics import classification_report
    from seqeval.scheme import IOB2

    truth, predicted = [list(tags) for tags in y_true], [list(tags) for tags in y_pred]
    n_predicted = Counter(span.type for tags in predicted for span in spans(tags))
    n_true = Counter(span.type for tags in truth for span in spans(tags))
    nothing = {"precision": None, "recall": None, "f1": None, "support": 0}
    if not n_true and not n_predicted:
        averages = {name: dict(nothing) for name in ("micro", "macro", "weighted")}
        return {**averages, "by_entity": {name: {**nothing, "predicted": 0} for name in types}}
    # zero_division=0: a type that is only in the truth, or only predicted, scores 0, as seqeval's default
    # does.
    report = classification_report(
        truth, predicted, mode="strict", scheme=IOB2, output_dict=True, zero_division=0
    )

    def row(name: str) -> dict[str, Any]:
        scores = report[name]
        return {
            "precision": float(scores["precision"]),
            "recall": float(scores["recall"]),
            "f1": float(scores["f1-score"]),
            "support": int(scores["support"]),
        }

    return {
        "micro": row("micro avg"),
        "macro": row("macro avg"),
        "weighted": row("weighted avg"),
        "by_entity": {
            name: {**(row(name) if name in report else nothing), "predicted": n_predicted[name]}
            for name in types
        },
    }


def classify_errors(y_true: Sequence[str], y_pred: Sequence[str]) -> list[EntityError]:
    """Every entity of one sequence that is not exactly right, in exactly one error.

    The categories are tried in this order; an entity that is part of an error takes no part in a later one.
    *Touch* means to share a word.

    1. ``merged``: one predicted entity touches two or more true entities of its type.
    2. ``split``: one true entity is touched by two or more predicted entities of its type.
    3. ``wrong_boundary``: a true and a predicted entity of one type touch (the largest overlap first).
    4. ``wrong_type``: a true and a predicted entity of different types touch (the largest overlap first).
    5. ``missed``: a true entity that is left.
    6. ``spurious``: a predicted entity that is left.

    Returns:
        Errors in the order of their first word.
    """
    truth, predicted = spans(y_true), spans(y_pred)
    right = set(truth) & set(predicted)
    left_true = [span for span in truth if span not in right]
    left_predicted = [span for span in predicted if span not in right]
    errors: list[EntityError] = []

    def record(category: ErrorCategory, true: Iterable[Span], given: Iterable[Span]) -> None:
        error = EntityError(category, tuple(true), tuple(given))
        errors.append(error)
        left_true[:] = [span for span in left_true if span not in error.true]
        left_predicted[:] = [span for span in left_predicted if span not in error.predicted]

    for given in list(left_predicted):
        parts = [span for span in left_true if span.type == given.type and _overlap(span, given)]
        if len(parts) > 1:
            record("merged", parts, [given])
    for true in list(left_true):
        parts = [span for span in left_predicted if span.type == true.type and _overlap(span, true)]
        if len(parts) > 1:
            record("split", [true], parts)
    pair: tuple[Span, Span]
    for pair in _pairs(left_true, left_predicted, same_type=True):
        if pair[0] in left_true and pair[1] in left_predicted:
            record("wrong_boundary", [pair[0]], [pair[1]])
    for pair in _pairs(left_true, left_predicted, same_type=False):
        if pair[0] in left_true and pair[1] in left_predicted:
            record("wrong_type", [pair[0]], [pair[1]])
    for true in list(left_true):
        record("missed", [true], [])
    for given in list(left_predicted):
        record("spurious", [], [given])
    return sorted(errors, key=lambda error: min(span.start for span in error.true + error.predicted))


def _overlap(first: Span, second: Span) -> int:
    return max(0, min(first.end, second.end) - max(first.start, second.start))


def _pairs(
    truth: Sequence[Span], predicted: Sequence[Span], *, same_type: bool
) -> Iterator[tuple[Span, Span]]:
    touching = [
        (true, given)
        for true in truth
        for given in predicted
        if _overlap(true, given) and (true.type == given.type) == same_type
    ]
    yield from sorted(touching, key=lambda pair: (-_overlap(*pair), pair[0].start, pair[1].start))


def count_errors(errors: Iterable[EntityError], types: Sequence[str]) -> dict[str, dict[str, int]]:
    """Entities in each category, by type.

    Counted are true entities under their own type, but for ``spurious``, where predicted entities are
    counted under the predicted type. So for each type: support = right + missed + wrong_type +
    wrong_boundary + split + merged. A ``merged`` error of three true entities counts three.
    """
    table: dict[str, dict[str, int]] = {name: dict.fromkeys(ERROR_CATEGORIES, 0) for name in types}
    for error in errors:
        for span in error.true or error.predicted:
            table[span.type][error.category] += 1
    return table
