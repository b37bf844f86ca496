"""Trained models at work: pages of words in, one label triple a word out.

Imports neither torch nor transformers: an exported model is loaded and used without them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from invoicegen.geometry import to_layout_grid
from invoicegen.modeling.decoding import Decoder, WordScores
from invoicegen.modeling.encoding import (
    EncodedPage,
    WordTokenizer,
    collate,
    encode_page,
    packed_batches,
    page_pixels,
    page_windows,
    segment_boxes,
)
from invoicegen.modeling.errors import ModelingError, TaxonomyMismatchError
from invoicegen.modeling.network import Network, log_softmax
from invoicegen.modeling.options import Runtime
from invoicegen.modeling.settings import InputFormat, ModelSettings, Temperatures
from invoicegen.modeling.signs import settle_signs
from invoicegen.schema.annotation import Word
from invoicegen.schema.prediction import PagePrediction
from invoicegen.schema.taxonomy import DEFAULT_LABELS, LabelSet

_LEAST: Final = np.float32(1e-9)
"""Added to mean probabilities, so that each has a logarithm."""


@dataclass(frozen=True, slots=True)
class PageInput:
    """A page to read.

    Attributes:
        page: Page number in the document, from 0.
        width: Page width, pixels.
        height: Page height, pixels.
        words: In reading order, boxes in pixels; used in the order given.
        image: RGB pixels, shape (height, width, 3); needed only by a model with image patches.
    """

    page: int
    width: int
    height: int
    words: Sequence[Word]
    image: NDArray[np.uint8] | None = None


def score_words(
    network: Network,
    pages: Sequence[EncodedPage],
    tokenizer: WordTokenizer,
    *,
    max_length: int,
    overlap_words: int,
    labels: LabelSet = DEFAULT_LABELS,
) -> list[WordScores]:
    """Label log-probabilities of every word of every page.

    A word that two windows share takes its scores from the window in which it stands farther from a cut.

    Args:
        network: Gives the logits.
        pages: Encoded pages; those without words give empty arrays.
        tokenizer: The one the pages were encoded with.
        max_length: Subwords a window, special tokens included.
        overlap_words: Words that neighbouring windows share.
        labels: Those of the NER head.
    """
    merged: list[dict[str, NDArray[np.float32]]] = [{} for _ in pages]
    distance = [np.full(page.n_words, -1.0) for page in pages]
    for windows in packed_batches(page_windows(pages, max_length, overlap_words), network.batch_tokens):
        batch = collate(pages, windows, tokenizer)
        logits = network(batch.inputs)
        for row, window in enumerate(batch.windows):
            words = np.arange(window.first, window.end)
            before = words - window.first if window.first else np.inf
            last = window.end == pages[window.page].n_words
            after = np.inf if last else window.end - 1 - words
            from_cut = np.broadcast_to(np.minimum(before, after), words.shape)
            better = from_cut > distance[window.page][words]
            distance[window.page][words[better]] = from_cut[better]
            for head, values in logits.items():
                scores = merged[window.page].setdefault(
                    head, np.zeros((len(distance[window.page]), values.shape[-1]), dtype=np.float32)
                )
                scores[words[better]] = log_softmax(values[row, batch.first_subwords[row][better]])
    empty = np.zeros((0, len(labels.ner_labels)), dtype=np.float32)
    return [
        WordScores(**{"ner": empty, **arrays}, beside=page.beside)
        for page, arrays in zip(pages, merged, strict=True)
    ]


class PageLabeler(ABC):
    """What labels the words of pages: a model, or several whose probabilities are averaged.

    Attributes:
        labels: Those that it can give.
        temperatures: What the log-probabilities of each head are divided by to become confidences.
        decode: From the scores of a page to its labels.
    """

    labels: LabelSet
    temperatures: Temperatures
    decode: Decoder

    @staticmethod
    def from_pretrained(
        path: str | Path, device: str = "cpu", threads: int | None = None, runtime: Runtime = "auto"
    ) -> PageLabeler:
        """Open a folder of a model or of an ensemble: ``ModelLoader(device, threads, runtime).load(path)``."""
        from invoicegen.modeling.loading import ModelLoader

        return ModelLoader(device, threads, runtime).load(path)

    @property
    @abstractmethod
    def needs_images(self) -> bool:
        """Whether it looks at pixels beside words."""

    @abstractmethod
    def score(self, pages: Sequence[PageInput]) -> list[WordScores]:
        """Label log-probabilities of pages, before calibration; all pages share batches, so give many at once.

        Raises:
            ModelingError: If page images are read and a page comes without.
            ValueError: If a page has no area.
        """

    def head_log_probabilities(self, scores: WordScores) -> dict[str, NDArray[np.float32]]:
        """Log-probabilities of each head that the model has, before calibration; with CRF those of the chain.

        Returns:
            By ``ner``, ``table`` and ``cell``, shape (n_words, labels).
        """
        by_head = {
            "ner": self.decode.log_probabilities(scores.ner),
            "table": scores.table,
            "cell": scores.cell,
        }
        return {head: values for head, values in by_head.items() if values is not None}

    def predict_pages(self, pages: Sequence[PageInput]) -> list[PagePrediction]:
        """Label the words of pages.

        Raises:
            ModelingError: If page images are read and a page comes without.
            ValueError: If a page has no area.
        """
        return self.decode_pages(pages, self.score(pages))

    def decode_pages(self, pages: Sequence[PageInput], scores: Sequence[WordScores]) -> list[PagePrediction]:
        """The labels of pages that were scored: the second half of :meth:`predict_pages`."""
        predictions = []
        for page, page_scores in zip(pages, scores, strict=True):
            decoded = self.decode(page_scores)
            tags, confidences = decoded.ner_tags, decoded.ner_confidences
            if page_scores.beside is not None:
                texts = [word.text for word in page.words]
                tags, confidences = settle_signs(texts, tags, confidences, page_scores.beside, self.labels)
            predictions.append(
                PagePrediction(
                    page=page.page,
                    width=page.width,
                    height=page.height,
                    words=list(page.words),
                    ner_tags=tags,
                    ner_confidences=confidences,
                    table_tags=decoded.table_tags,
                    cell_tags=decoded.cell_tags,
                    labels=self.labels,
                    ner_probabilities=decoded.ner_probabilities,
                )
            )
        return predictions


class Predictor(PageLabeler):
    """One trained model with everything it needs to label pages.

    Args:
        network: The model in some runtime.
        tokenizer: Its tokenizer.
        inputs: How pages become its inputs.
        settings: How it is used.
    """

    def __init__(
        self, network: Network, tokenizer: WordTokenizer, inputs: InputFormat, settings: ModelSettings
    ) -> None:
        self.network = network
        self.tokenizer = tokenizer
        self.inputs = inputs
        self.labels = inputs.label_set
        self.settings = settings
        self.temperatures = settings.temperatures
        transitions = None if inputs.transitions is None else np.array(inputs.transitions, dtype=np.float32)
        self.decode = Decoder(
            inputs.resumable, settings.temperatures.ner, transitions, self.labels, settings.cohesion
        )

    @property
    def needs_images(self) -> bool:
        """Whether the model looks at pixels beside words."""
        return self.inputs.image_size is not None

    def encode(self, page: PageInput) -> EncodedPage:
        """A page as arrays.

        Raises:
            ModelingError: If the model reads page images and the page comes without.
            ValueError: If the page has no area.
        """
        boxes = to_layout_grid(np.array([word.box for word in page.words]), page.width, page.height)
        if self.inputs.layout == "segment":
            ids = [-1 if word.segment_id is None else word.segment_id for word in page.words]
            boxes = segment_boxes(boxes, ids)
        pixels = None
        if self.inputs.image_size is not None:
            if page.image is None:
                raise ModelingError(
                    f"page {page.page}: this model reads page images, PageInput.image is None"
                )
            pixels = page_pixels(page.image, self.inputs.image_size)
        words = [word.text for word in page.words]
        return encode_page(
            self.tokenizer,
            words,
            boxes,
            pixels=pixels,
            features=self.inputs.word_features,
            placed=self.inputs.layout != "none",
        )

    def score_pages(self, pages: Sequence[EncodedPage]) -> list[WordScores]:
        """Label log-probabilities of encoded pages, before calibration."""
        return score_words(
            self.network,
            pages,
            self.tokenizer,
            max_length=min(self.settings.max_length, self.inputs.sequence_limit),
            overlap_words=self.settings.overlap_words,
            labels=self.labels,
        )

    def score(self, pages: Sequence[PageInput]) -> list[WordScores]:
        """See :meth:`PageLabeler.score`."""
        return self.score_pages([self.encode(page) for page in pages])


class Ensemble(PageLabeler):
    """Several models that read the same words; the probability of a label is the mean of theirs.

    Each member's are calibrated before. What one misreads the others seldom misread in the same way, the more so the
    less they have in common (start, subwords, training pages).

    Args:
        members: Two or more, of the same labels.
        temperatures: Of the mean.
        cohesion: As :class:`~invoicegen.modeling.decoding.Decoder` takes it.

    Raises:
        TaxonomyMismatchError: If the members have different labels.

    Source:
        Lakshminarayanan, Pritzel and Blundell, Simple and scalable predictive uncertainty estimation using deep
        ensembles, 2017, https://arxiv.org/abs/1612.01474
    """

    def __init__(self, members: Sequence[Predictor], temperatures: Temperatures, cohesion: float) -> None:
        first = members[0]
        if any(other.inputs.head_labels != first.inputs.head_labels for other in members):
            raise TaxonomyMismatchError("models of different labels cannot be averaged")
        self.members = tuple(members)
        self.labels = first.labels
        self.temperatures = temperatures
        # What reading order interrupts is known from training pages: what any member has seen interrupted.
        resumable = sorted({entity for member in members for entity in member.inputs.resumable})
        self.decode = Decoder(resumable, temperatures.ner, None, first.labels, cohesion)

    @property
    def needs_images(self) -> bool:
        """Whether a member looks at pixels beside words."""
        return any(member.needs_images for member in self.members)

    def score(self, pages: Sequence[PageInput]) -> list[WordScores]:
        """See :meth:`PageLabeler.score`."""
        of_members = [member.score(pages) for member in self.members]
        return [self.mean(of_page) for of_page in zip(*of_members, strict=True)]

    def mean(self, scores: Sequence[WordScores]) -> WordScores:
        """Logarithms of the mean probabilities of one page's words.

        Args:
            scores: By each member, in their order.
        """
        if len(scores[0].ner) == 0:
            return scores[0]
        by_member = [
            {
                head: np.exp(log_softmax(values, getattr(member.temperatures, head)))
                for head, values in member.head_log_probabilities(one).items()
            }
            for member, one in zip(self.members, scores, strict=True)
        ]
        means = {
            head: np.log(np.mean([found[head] for found in by_member], axis=0) + _LEAST)
            for head in by_member[0]
        }
        return WordScores(**means, beside=scores[0].beside)
