"""Scores of word tags as a library call: give true and predicted tags, get scores, confusion and errors.

Example:
    >>> from invoicegen.evaluation import ModelEvaluator
    >>> evaluator = ModelEvaluator(["O", "B-TOTAL_AMOUNT", "I-TOTAL_AMOUNT"])
    >>> result = evaluator.evaluate_full([["O", "B-TOTAL_AMOUNT"]], [["O", "O"]], [["Total", "12.00"]])
    >>> result["errors"]["by_category"]["missed"]
    1
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from invoicegen.evaluation.confusion import check_lengths, confusion_report, count_labels
from invoicegen.evaluation.entities import (
    ERROR_CATEGORIES,
    EntityError,
    Span,
    classify_errors,
    count_errors,
    entity_scores,
    entity_types,
)


class ModelEvaluator:
    """Scores tags of whole pages over a fixed list of BIO labels.

    Args:
        label_list: Labels in the order of their ids: ``O``, and ``B-`` and ``I-`` of every entity type.
        output_dir: Folder for ``scores.json``, ``confusion_matrix.json``, ``errors.jsonl``,
            ``entity_scores.png`` and ``confusion_matrix.png``; None writes nothing.
        confused_pairs: Confused pairs of entity types to list.

    Raises:
        ValueError: If the label list repeats a label, or has one that is not BIO.
    """

    def __init__(
        self, label_list: Sequence[str], output_dir: str | Path | None = None, *, confused_pairs: int = 25
    ) -> None:
        self.label_list = list(label_list)
        wrong = [label for label in self.label_list if label != "O" and label[:2] not in ("B-", "I-")]
        if wrong or "O" not in self.label_list or len(set(self.label_list)) != len(self.label_list):
            raise ValueError(
                f"the label list must name O and B-/I- labels once each; not BIO: {wrong}, "
                f"{len(self.label_list)} labels of which {len(set(self.label_list))} are different"
            )
        self.output_dir = None if output_dir is None else Path(output_dir)
        self.confused_pairs = confused_pairs
        self.types = entity_types(self.label_list)

    def evaluate_full(
        self,
        y_true: Sequence[Sequence[str]],
        y_pred: Sequence[Sequence[str]],
        tokens: Sequence[Sequence[str]],
    ) -> dict[str, Any]:
        """All scores of word tags.

        Args:
            y_true: True tags, one sequence a page (windows already merged).
            y_pred: Predicted tags, as long.
            tokens: Words, as long; they make the list of errors readable.

        Returns:
            ``entities`` as :func:`~invoicegen.evaluation.entities.entity_scores`; ``confusion`` as
            :func:`~invoicegen.evaluation.confusion.confusion_report`; ``errors`` with ``by_category``,
            ``by_entity`` and ``listed``: ``{"sequence", "category", "true", "predicted"}`` with entities as
            ``{"type", "start", "end", "text"}``, ``end`` exclusive.

        Raises:
            ValueError: If the three differ in number or length of sequences, there are no sequences, or a tag
                is not in the label list; says where and how many.
        """
        if not y_true:
            raise ValueError("nothing to evaluate: there is not one sequence of true tags")
        check_lengths(y_true, tokens, "labels", "tokens")
        matrix = count_labels(y_true, y_pred, self.label_list)
        errors = [
            (number, error)
            for number, (true, given) in enumerate(zip(y_true, y_pred, strict=True))
            for error in classify_errors(true, given)
        ]
        by_entity = count_errors((error for _, error in errors), self.types)
        result = {
            "entities": entity_scores(y_true, y_pred, self.types),
            "confusion": confusion_report(matrix, self.label_list, self.confused_pairs),
            "errors": {
                "by_category": {
                    category: sum(row[category] for row in by_entity.values())
                    for category in ERROR_CATEGORIES
                },
                "by_entity": by_entity,
                "listed": [_error_row(number, error, tokens[number]) for number, error in errors],
            },
        }
        if self.output_dir is not None:
            self._write(result, self.output_dir)
        return result

    def _write(self, result: dict[str, Any], folder: Path) -> None:
        from invoicegen.evaluation.figures import plot_confusion, plot_entity_scores

        folder.mkdir(parents=True, exist_ok=True)
        errors = result["errors"]
        scores = {
            "entities": result["entities"],
            "errors": {key: value for key, value in errors.items() if key != "listed"},
        }
        (folder / "scores.json").write_text(json.dumps(scores, indent=1), encoding="utf-8")
        (folder / "confusion_matrix.json").write_text(json.dumps(result["confusion"]), encoding="utf-8")
        with (folder / "errors.jsonl").open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in errors["listed"])
        plot_entity_scores(result["entities"]).savefig(folder / "entity_scores.png")
        plot_confusion(result["confusion"]["entities"]).savefig(folder / "confusion_matrix.png")


def _error_row(number: int, error: EntityError, words: Sequence[str]) -> dict[str, Any]:
    def described(span: Span) -> dict[str, Any]:
        return {**span._asdict(), "text": " ".join(words[span.start : span.end])}

    return {
        "sequence": number,
        "category": error.category,
        "true": [described(span) for span in error.true],
        "predicted": [described(span) for span in error.predicted],
    }
