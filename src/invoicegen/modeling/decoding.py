"""From label scores to a valid tag sequence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from invoicegen.modeling.network import log_softmax
from invoicegen.schema.taxonomy import (
    CELL_LABELS,
    DEFAULT_LABELS,
    ITEM_ENTITY_TYPES,
    RUNNING_TEXT,
    TABLE_LABELS,
    LabelSet,
)


def bio_transitions(
    labels: Sequence[str], resumable: frozenset[str] = frozenset()
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which label may follow which, and which may come first.

    ``I-X`` follows only ``B-X`` or ``I-X``, unless ``X`` is resumable: a printed value of several lines beside
    another column is interrupted in reading order and goes on with ``I-X`` after any label.

    Args:
        labels: BIO labels, in the order of their ids.
        resumable: Entity types whose words need not be neighbours in reading order.

    Returns:
        Shape (n, n), True at ``[before, after]`` where allowed; and shape (n,), True where allowed first.
    """
    inside = np.array([label.startswith("I-") for label in labels])
    types = np.array([label[2:] for label in labels])
    free = np.array([label[2:] in resumable for label in labels])
    allowed = ~inside[None, :] | (types[:, None] == types[None, :]) | free[None, :]
    return allowed, ~inside


def viterbi(
    scores: NDArray[np.float32],
    allowed: NDArray[np.bool_],
    allowed_first: NDArray[np.bool_],
    transitions: NDArray[np.float32] | None = None,
    beside: NDArray[np.bool_] | None = None,
    penalties: NDArray[np.float32] | None = None,
) -> NDArray[np.int64]:
    """The best-scoring sequence of labels that uses only allowed transitions.

    Args:
        scores: Log-probabilities, shape (n_words, n_labels).
        allowed: Shape (n_labels, n_labels), True at ``[before, after]``.
        allowed_first: Shape (n_labels,).
        transitions: Learnt scores of neighbouring labels, as ``allowed``; None for 0.
        beside: Whether each word stands right beside the one before it, shape (n_words,); None for nowhere.
        penalties: What a change of label costs there, as ``allowed``; None for 0.

    Returns:
        Shape (n_words,), label ids.

    Source:
        Viterbi, Error bounds for convolutional codes, 1967, https://doi.org/10.1109/TIT.1967.1054010
    """
    n_words = len(scores)
    if n_words == 0:
        return np.zeros(0, dtype=np.int64)
    steps = np.where(allowed, 0.0 if transitions is None else transitions, -np.inf).T.astype(np.float32)
    close = steps if penalties is None else steps - penalties.T
    together = np.zeros(n_words, dtype=bool) if beside is None else beside
    back = np.zeros((n_words, scores.shape[1]), dtype=np.int64)
    best = np.where(allowed_first, scores[0], -np.inf)
    for word in range(1, n_words):
        paths = (close if together[word] else steps) + best[None, :]
        back[word] = paths.argmax(axis=1)
        best = np.take_along_axis(paths, back[word][:, None], axis=1)[:, 0] + scores[word]
    path = np.zeros(n_words, dtype=np.int64)
    path[-1] = best.argmax()
    for word in range(n_words - 1, 0, -1):
        path[word - 1] = back[word, path[word]]
    return path


def cohesion_penalties(labels: Sequence[str], cohesion: float) -> NDArray[np.float32]:
    """What it costs that two words right beside each other have these labels.

    Args:
        labels: BIO labels, in the order of their ids.
        cohesion: The cost where the types differ and each is running text or none.

    Returns:
        Shape (n, n), ``[before, after]``.

    Source:
        The Potts model of image segmentation on a chain: Boykov, Veksler and Zabih, Fast approximate energy
        minimization via graph cuts, 2001, https://doi.org/10.1109/34.969114
    """
    types = np.array([label[2:] for label in labels])
    texts = np.array([not entity or entity in RUNNING_TEXT for entity in types.tolist()])
    differ = (types[:, None] != types[None, :]) & texts[:, None] & texts[None, :]
    return np.where(differ, cohesion, 0.0).astype(np.float32)


def log_marginals(scores: NDArray[np.float32], transitions: NDArray[np.float32]) -> NDArray[np.float32]:
    """Log-probability of each label of each word under a linear-chain CRF.

    Args:
        scores: Of the labels, shape (n_words, n_labels).
        transitions: Shape (n_labels, n_labels), ``[before, after]``.

    Returns:
        Shape (n_words, n_labels); the exponentials of a row sum to 1.

    Source:
        Rabiner, A tutorial on hidden Markov models, 1989 (forward-backward), https://doi.org/10.1109/5.18626
    """
    peak = transitions.max()
    weights = np.exp(transitions - peak)
    forward, backward = scores.astype(np.float64), np.zeros(scores.shape)
    for word in range(1, len(scores)):
        best = forward[word - 1].max()
        forward[word] += np.log(np.exp(forward[word - 1] - best) @ weights) + best + peak
    for word in range(len(scores) - 2, -1, -1):
        after = backward[word + 1] + scores[word + 1]
        best = after.max()
        backward[word] = np.log(weights @ np.exp(after - best)) + best + peak
    joint = forward + backward
    joint -= joint.max(axis=1, keepdims=True)
    normed: NDArray[np.float64] = joint - np.log(np.exp(joint).sum(axis=1, keepdims=True))
    return normed.astype(np.float32)


def open_entities(tags: Sequence[str]) -> list[str]:
    """Tags in which the first word of each entity type on the page is ``B-``: nothing is resumed unopened."""
    opened: set[str] = set()
    result = []
    for tag in tags:
        if tag.startswith("I-") and tag[2:] not in opened:
            tag = f"B-{tag[2:]}"
        opened.add(tag[2:])
        result.append(tag)
    return result


def resumed_types(tags: Sequence[str]) -> set[str]:
    """Entity types that go on with ``I-`` after a word of something else."""
    return {
        tag[2:]
        for before, tag in zip(["O", *tags], tags, strict=False)
        if tag.startswith("I-") and before[2:] != tag[2:]
    }


def as_runs(tags: Sequence[str]) -> list[str]:
    """IOB2 tags of the unbroken runs: an ``I-`` that follows something else begins a run."""
    return [
        f"B-{tag[2:]}" if tag.startswith("I-") and before[2:] != tag[2:] else tag
        for before, tag in zip(["O", *tags], tags, strict=False)
    ]


@dataclass(frozen=True, slots=True)
class WordScores:
    """Log-probabilities of every word of a page.

    Attributes:
        ner: Shape (n_words, n_labels).
        table: Shape (n_words, 3); None from a model without this head.
        cell: Shape (n_words, 3); None from a model without this head.
        beside: Whether each word stands right beside the one before it, shape (n_words,); None where unknown.
    """

    ner: NDArray[np.float32]
    table: NDArray[np.float32] | None = None
    cell: NDArray[np.float32] | None = None
    beside: NDArray[np.bool_] | None = None


@dataclass(frozen=True, slots=True)
class DecodedPage:
    """One valid triple of labels a word, the probability of its NER label, and of all NER labels.

    A word that was labelled as inside an entity and opens one has the probability of what it was labelled.
    ``ner_probabilities`` has shape (n_words, n_labels).
    """

    ner_tags: list[str]
    ner_confidences: list[float]
    table_tags: list[str]
    cell_tags: list[str]
    ner_probabilities: NDArray[np.float32]


class Decoder:
    """Finds the most probable labels that obey the taxonomy.

    The heads are taken as independent given the page; the best sequence is sought among those where ``I-`` follows
    its own type (see :func:`bio_transitions`), EMPTY goes with OUTSIDE and nothing else, and ITEM_* words are DATA.

    Where a model has the NER head alone, table and cell labels are what the entities imply: a word of an ITEM_*
    entity is DATA, its first word CELL, the others INSIDE; all else, column headers too, is OUTSIDE.

    Args:
        resumable: Entity types that reading order interrupts.
        temperature: What NER log-probabilities are divided by, and normed again, to become confidences. Labels do
            not depend on it.
        transitions: Of a model with CRF, scores of neighbouring NER labels, shape (n_labels, n_labels); else None.
        labels: What the NER scores are of.
        cohesion: What it costs, in log-probability, that two words right beside each other are of different
            types, where both are running text (:data:`RUNNING_TEXT`) or nothing.
    """

    def __init__(
        self,
        resumable: Sequence[str] = (),
        temperature: float = 1.0,
        transitions: NDArray[np.float32] | None = None,
        labels: LabelSet = DEFAULT_LABELS,
        cohesion: float = 0.0,
    ) -> None:
        self._settings = (resumable, temperature, transitions, labels)
        self._labels = labels
        self._penalties = cohesion_penalties(labels.ner_labels, cohesion) if cohesion else None
        self._temperature = temperature
        self._transitions = transitions
        self._allowed, self._first = bio_transitions(labels.ner_labels, frozenset(resumable))
        self._pairs = [
            (table, cell)
            for table, table_label in enumerate(TABLE_LABELS)
            for cell, cell_label in enumerate(CELL_LABELS)
            if (table_label == "OUTSIDE") == (cell_label == "EMPTY")
        ]
        item = np.array([label[2:] in ITEM_ENTITY_TYPES for label in labels.ner_labels])
        data = np.array([CELL_LABELS[cell] == "DATA" for _, cell in self._pairs])
        self._pair_allowed = ~item[:, None] | data[None, :]

    def with_cohesion(self, cohesion: float) -> Decoder:
        """The same decoder with another cohesion."""
        return Decoder(*self._settings, cohesion=cohesion)

    def log_probabilities(self, ner: NDArray[np.float32]) -> NDArray[np.float32]:
        """Log-probability of each NER label of each word: as given, or with CRF those of the chain."""
        if self._transitions is None or len(ner) == 0:
            return ner
        return log_marginals(ner, self._transitions)

    def __call__(self, scores: WordScores) -> DecodedPage:
        """Decode one page; a page without words gives empty lists."""
        if len(scores.ner) == 0:
            return DecodedPage([], [], [], [], scores.ner)
        probabilities = np.exp(log_softmax(self.log_probabilities(scores.ner), self._temperature))
        if scores.table is None or scores.cell is None:
            path = self._best_path(scores.ner, scores.beside)
            tags = open_entities([self._labels.ner_labels[label] for label in path])
            table_tags, cell_tags = _implied(tags)
            return DecodedPage(
                tags, self._confidences(probabilities, path), table_tags, cell_tags, probabilities
            )
        pairs = np.stack(
            [scores.table[:, table] + scores.cell[:, cell] for table, cell in self._pairs], axis=1
        )
        best_pair = np.where(self._pair_allowed[None], pairs[:, None, :], -np.inf).max(axis=2)
        path = self._best_path((scores.ner + best_pair).astype(np.float32), scores.beside)
        tags = open_entities([self._labels.ner_labels[label] for label in path])
        chosen = np.where(self._pair_allowed[path], pairs, -np.inf).argmax(axis=1)
        return DecodedPage(
            ner_tags=tags,
            ner_confidences=self._confidences(probabilities, path),
            table_tags=[TABLE_LABELS[self._pairs[pair][0]] for pair in chosen],
            cell_tags=[CELL_LABELS[self._pairs[pair][1]] for pair in chosen],
            ner_probabilities=probabilities,
        )

    def _best_path(self, scores: NDArray[np.float32], beside: NDArray[np.bool_] | None) -> NDArray[np.int64]:
        return viterbi(scores, self._allowed, self._first, self._transitions, beside, self._penalties)

    @staticmethod
    def _confidences(probabilities: NDArray[np.float32], path: NDArray[np.int64]) -> list[float]:
        """What the model gives each label of the path; an ``I-`` that comes to open an entity keeps its own."""
        return [float(p) for p in probabilities[np.arange(len(path)), path]]


def _implied(ner_tags: Sequence[str]) -> tuple[list[str], list[str]]:
    """Table and cell labels that follow from NER labels alone."""
    item = [tag[2:] in ITEM_ENTITY_TYPES for tag in ner_tags]
    table = [
        ("CELL" if tag.startswith("B-") else "INSIDE") if inside else "OUTSIDE"
        for tag, inside in zip(ner_tags, item, strict=True)
    ]
    return table, ["DATA" if inside else "EMPTY" for inside in item]
