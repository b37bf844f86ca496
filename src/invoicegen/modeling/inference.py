"""The trained model at work: pages of words in, one label triple a word out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoTokenizer

from invoicegen.geometry import to_layout_grid
from invoicegen.modeling.configuration import HEADS, LayoutLMv3MultiHeadConfig
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
from invoicegen.modeling.errors import ModelingError
from invoicegen.modeling.model import LayoutLMv3MultiHead
from invoicegen.modeling.quiet import quiet_transformers
from invoicegen.schema.annotation import Word
from invoicegen.schema.prediction import PagePrediction
from invoicegen.schema.taxonomy import CELL_LABELS, NER_LABELS, TABLE_LABELS

SETTINGS_FILE = "invoicegen.json"
_BATCH_TOKENS = 4096


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


def resolve_device(name: str) -> torch.device:
    """The device of a name; ``auto`` is CUDA where there is one."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


@torch.inference_mode()
def score_words(
    model: LayoutLMv3MultiHead,
    pages: Sequence[EncodedPage],
    tokenizer: WordTokenizer,
    *,
    max_length: int,
    overlap_words: int,
    batch_tokens: int = _BATCH_TOKENS,
) -> list[WordScores]:
    """Label log-probabilities of every word of every page.

    A word that two windows share takes its scores from the window in which it stands farther from a cut.

    Args:
        model: In evaluation mode.
        pages: Encoded pages; those without words give empty arrays.
        tokenizer: The one the pages were encoded with.
        max_length: Subwords a window, special tokens included.
        overlap_words: Words that neighbouring windows share.
        batch_tokens: Most padded subwords a forward pass.
    """
    counts = {"ner": len(NER_LABELS), "table": len(TABLE_LABELS), "cell": len(CELL_LABELS)}
    merged = [
        {head: np.zeros((page.n_words, count), dtype=np.float32) for head, count in counts.items()}
        for page in pages
    ]
    distance = [np.full(page.n_words, -1.0) for page in pages]
    for windows in packed_batches(page_windows(pages, max_length, overlap_words), batch_tokens):
        batch = collate(pages, windows, tokenizer)
        inputs = {
            name: tensor.to(model.device)
            for name, tensor in batch.inputs.items()
            if not name.endswith("_labels")
        }
        output = model(**inputs)
        scores = {head: output[f"{head}_logits"].log_softmax(dim=-1).cpu().numpy() for head in HEADS}
        for row, window in enumerate(batch.windows):
            words = np.arange(window.first, window.end)
            before = words - window.first if window.first else np.inf
            last = window.end == pages[window.page].n_words
            after = np.inf if last else window.end - 1 - words
            from_cut = np.broadcast_to(np.minimum(before, after), words.shape)
            better = from_cut > distance[window.page][words]
            distance[window.page][words[better]] = from_cut[better]
            for head in HEADS:
                merged[window.page][head][words[better]] = scores[head][
                    row, batch.first_subwords[row][better]
                ]
    return [WordScores(**arrays) for arrays in merged]


class Predictor:
    """A trained model with everything it needs to label pages.

    Args:
        model: The model; it is put into evaluation mode.
        tokenizer: Its Hugging Face tokenizer.
        max_length: Subwords a window, special tokens included.
        overlap_words: Words that neighbouring windows of a long page share.
    """

    def __init__(
        self, model: LayoutLMv3MultiHead, tokenizer: Any, *, max_length: int, overlap_words: int
    ) -> None:
        self.model = model
        self.model.train(False)
        self.config: LayoutLMv3MultiHeadConfig = model.config
        self._tokenizer = WordTokenizer(tokenizer, self.config.max_subwords_per_word)
        self._max_length = min(max_length, self.config.sequence_limit)
        self._overlap_words = overlap_words
        self._decode = Decoder(self.config.resumable, model.ner_transitions())

    @classmethod
    def from_pretrained(cls, path: str | Path, device: str = "cpu", threads: int | None = None) -> Predictor:
        """Load a model folder that training wrote.

        Args:
            path: The folder.
            device: ``cpu``, ``cuda``, ``cuda:1`` or ``auto``.
            threads: CPU threads of torch, for the whole process; None leaves them as they are.

        Raises:
            ModelingError: If the folder is not a model of ours.
            TaxonomyMismatchError: If its labels are not those of the installed taxonomy.
        """
        folder = Path(path)
        settings_file = folder / SETTINGS_FILE
        if not settings_file.is_file():
            raise ModelingError(
                f"{folder} is not an InvoiceGen model: {SETTINGS_FILE} is missing; "
                "train one with `kedro run --pipeline=train` or give another folder"
            )
        if threads is not None:
            torch.set_num_threads(threads)
        settings = json.loads(settings_file.read_text(encoding="utf-8"))
        with quiet_transformers():
            model: LayoutLMv3MultiHead = LayoutLMv3MultiHead.from_pretrained(folder)
        torch.nn.Module.to(model, resolve_device(device))
        return cls(
            model,
            AutoTokenizer.from_pretrained(folder),
            max_length=settings["max_length"],
            overlap_words=settings["overlap_words"],
        )

    def _encode(self, page: PageInput) -> EncodedPage:
        boxes = to_layout_grid(np.array([word.box for word in page.words]), page.width, page.height)
        if self.config.layout == "segment":
            ids = [-1 if word.segment_id is None else word.segment_id for word in page.words]
            boxes = segment_boxes(boxes, ids)
        pixels = None
        if self.config.visual_embed:
            if page.image is None:
                raise ModelingError(
                    f"page {page.page}: this model reads page images, PageInput.image is None"
                )
            pixels = page_pixels(page.image, self.config.input_size)
        return encode_page(self._tokenizer, [word.text for word in page.words], boxes, pixels=pixels)

    def predict_pages(self, pages: Sequence[PageInput]) -> list[PagePrediction]:
        """Label the words of pages; all pages share batches, so give many at once.

        Raises:
            ModelingError: If the model reads page images and a page comes without.
            ValueError: If a page has no area.
        """
        encoded = [self._encode(page) for page in pages]
        scores = score_words(
            self.model,
            encoded,
            self._tokenizer,
            max_length=self._max_length,
            overlap_words=self._overlap_words,
        )
        predictions = []
        for page, page_scores in zip(pages, scores, strict=True):
            decoded = self._decode(page_scores)
            predictions.append(
                PagePrediction(
                    page=page.page,
                    width=page.width,
                    height=page.height,
                    words=list(page.words),
                    ner_tags=decoded.ner_tags,
                    ner_confidences=decoded.ner_confidences,
                    table_tags=decoded.table_tags,
                    cell_tags=decoded.cell_tags,
                )
            )
        return predictions
