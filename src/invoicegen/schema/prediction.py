"""What the model says of a page, before it is turned into fields."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from invoicegen.schema.annotation import Word
from invoicegen.schema.taxonomy import DEFAULT_LABELS, LabelSet


@dataclass(frozen=True, slots=True)
class PagePrediction:
    """Labels and confidences of every word of one page; windows already merged, one entry a word.

    Attributes:
        page: Page number in the document, from 0.
        width: Page width in pixels.
        height: Page height in pixels.
        words: The words that were read, boxes in pixels.
        ner_tags: BIO labels, of ``labels``.
        ner_confidences: Probability of each label, 0 to 1.
        table_tags: OUTSIDE, INSIDE or CELL.
        cell_tags: EMPTY, HEADER or DATA.
        labels: What the model that said it can say.
        ner_probabilities: Of every label of ``labels`` for every word, shape (n_words, n_labels); None where only the
            best are known.
    """

    page: int
    width: int
    height: int
    words: list[Word]
    ner_tags: list[str]
    ner_confidences: list[float]
    table_tags: list[str]
    cell_tags: list[str]
    labels: LabelSet = DEFAULT_LABELS
    ner_probabilities: NDArray[np.float32] | None = field(default=None, compare=False, repr=False)
