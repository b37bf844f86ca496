"""From words to the model's input: subwords, windows of long pages, batches.

A page is encoded once into compact arrays (about 12 bytes a subword), from which windows and batches are cut.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from invoicegen.modeling.errors import ModelFolderError, WarmStartError
from invoicegen.modeling.labels import HEADS, IGNORED
from invoicegen.modeling.options import LayoutJitter
from invoicegen.modeling.word_features import WordFeatures, word_features
from invoicegen.schema.taxonomy import CELL_IDS, NER_IDS, TABLE_IDS

_CACHE_SIZE = 200_000
_PADDED_TO = 8
_OUTSIDE = {"ner": NER_IDS["O"], "table": TABLE_IDS["OUTSIDE"], "cell": CELL_IDS["EMPTY"]}


@dataclass(frozen=True, slots=True)
class FileTokenizer:
    """A fast Hugging Face tokenizer as :class:`WordTokenizer` needs it, read without transformers."""

    backend_tokenizer: Tokenizer
    cls_token_id: int | None
    sep_token_id: int | None
    pad_token_id: int | None
    unk_token_id: int | None

    @classmethod
    def from_folder(cls, folder: Path) -> FileTokenizer:
        """Read ``tokenizer.json`` and the names of the special tokens in ``tokenizer_config.json``.

        Raises:
            ModelFolderError: If one of them is missing or damaged.
        """
        names = ("tokenizer.json", "tokenizer_config.json")
        lacking = [name for name in names if not (folder / name).is_file()]
        if lacking:
            raise ModelFolderError(
                f"{folder}: the tokenizer is incomplete, {' and '.join(lacking)} missing; copy the whole folder"
            )
        try:
            backend = Tokenizer.from_file(str(folder / names[0]))
            config = json.loads((folder / names[1]).read_text(encoding="utf-8"))
        except Exception as error:  # tokenizers raises Exception itself
            raise ModelFolderError(f"{folder}: the tokenizer cannot be read: {error}") from error

        def identifier(name: str) -> int | None:
            token = config.get(f"{name}_token")
            text = token.get("content") if isinstance(token, dict) else token
            found: int | None = None if text is None else backend.token_to_id(text)
            return found

        return cls(backend, *(identifier(name) for name in ("cls", "sep", "pad", "unk")))


class WordTokenizer:
    """Cuts single words into subwords; remembers the words it has seen.

    Args:
        tokenizer: A fast Hugging Face tokenizer, or a :class:`FileTokenizer`.
        max_subwords: Subwords kept of each word.

    Raises:
        WarmStartError: If the tokenizer is not a fast one or lacks a special token.
    """

    def __init__(self, tokenizer: Any, max_subwords: int) -> None:
        backend = getattr(tokenizer, "backend_tokenizer", None)
        if backend is None:
            raise WarmStartError(
                f"{type(tokenizer).__name__} is not a fast tokenizer (it needs tokenizer.json)"
            )
        # A copy: a tokenizer file may ask for padding and truncation (MiniLM's does), and others may share it.
        self._backend = Tokenizer.from_str(backend.to_str())
        self._backend.no_padding()
        self._backend.no_truncation()
        self._max_subwords = max_subwords
        self._cache: dict[str, NDArray[np.int32]] = {}
        ids = {name: getattr(tokenizer, f"{name}_token_id") for name in ("cls", "sep", "pad", "unk")}
        lacking = [name for name, value in ids.items() if value is None]
        if lacking:
            raise WarmStartError(f"{type(tokenizer).__name__} has no {', '.join(lacking)} token")
        self.cls_id, self.sep_id, self.pad_id, self.unk_id = (int(value) for value in ids.values())

    def __call__(self, words: Sequence[str]) -> list[NDArray[np.int32]]:
        """The subword ids of each word, at least one: a word of unknown characters is the unknown token."""
        unseen = list({word for word in words if word not in self._cache})
        if unseen:
            if len(self._cache) + len(unseen) > _CACHE_SIZE:
                self._cache.clear()
                unseen = list(set(words))
            for word, encoding in zip(
                unseen, self._backend.encode_batch(unseen, add_special_tokens=False), strict=True
            ):
                ids = encoding.ids[: self._max_subwords] or [self.unk_id]
                self._cache[word] = np.array(ids, dtype=np.int32)
        return [self._cache[word] for word in words]


@dataclass(frozen=True, slots=True)
class EncodedPage:
    """A page as arrays.

    Attributes:
        subwords: Ids of all subwords, shape (n_subwords,).
        starts: Index of each word's first subword, and at the end ``n_subwords``: shape (n_words + 1,).
        boxes: Shape (n_words, 4), 0-1000 grid.
        labels: For each head, shape (n_words,); empty when the page is not labelled.
        features: Shape (n_words, columns), see :mod:`~invoicegen.modeling.word_features`; no columns for a model
            without.
        beside: Whether each word stands right beside the one before it, shape (n_words,); see :func:`beside`.
        pixels: Page image for a model with patches, shape (3, size, size), 0-255; or None.
    """

    subwords: NDArray[np.int32]
    starts: NDArray[np.int32]
    boxes: NDArray[np.int16]
    labels: Mapping[str, NDArray[np.int16]]
    features: NDArray[np.uint8]
    beside: NDArray[np.bool_]
    pixels: NDArray[np.uint8] | None = None

    @property
    def n_words(self) -> int:
        """Number of words on the page."""
        return len(self.starts) - 1


def segment_boxes(boxes: NDArray[np.int64], segment_ids: Sequence[int]) -> NDArray[np.int64]:
    """Give each word the box around all words of its segment; words of no segment (-1) keep their own.

    Args:
        boxes: Shape (n, 4).
        segment_ids: One a word.

    Returns:
        Shape (n, 4).

    Source:
        Li et al., StructuralLM, https://arxiv.org/abs/2105.11210; LayoutLMv3, section 2.2.
    """
    result = boxes.copy()
    segments = np.asarray(segment_ids)
    for segment in np.unique(segments[segments >= 0]):
        members = segments == segment
        result[members, :2] = boxes[members, :2].min(axis=0)
        result[members, 2:] = boxes[members, 2:].max(axis=0)
    return result


WORD_GAP: Final = 2.5
"""Widths of a letter between words that belong to one piece of text: wider than the space of justified lines."""


def beside(words: Sequence[str], boxes: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each word stands on the line of the one before it, at most :data:`WORD_GAP` letters from it.

    Args:
        words: In reading order.
        boxes: Shape (n_words, 4), 0-1000 grid.

    Returns:
        Shape (n_words,); False for the first word.
    """
    result = np.zeros(len(words), dtype=bool)
    if len(words) < 2:
        return result
    x0, y0, x1, y1 = np.asarray(boxes, dtype=np.float64).reshape(-1, 4).T
    letters = np.array([max(len(word), 1) for word in words], dtype=np.float64)
    width = ((x1 - x0)[:-1] + (x1 - x0)[1:]) / (letters[:-1] + letters[1:])
    shared = np.minimum(y1[:-1], y1[1:]) - np.maximum(y0[:-1], y0[1:])
    level = shared > 0.5 * np.minimum((y1 - y0)[:-1], (y1 - y0)[1:])
    result[1:] = level & (np.abs(x0[1:] - x1[:-1]) < WORD_GAP * width)
    return result


def encode_page(
    tokenizer: WordTokenizer,
    words: Sequence[str],
    boxes: NDArray[np.int64],
    labels: Mapping[str, Sequence[int]] | None = None,
    pixels: NDArray[np.uint8] | None = None,
    features: WordFeatures = "none",
    *,
    placed: bool = True,
) -> EncodedPage:
    """Cut the words of a page into subwords.

    Args:
        tokenizer: Cuts the words.
        words: In reading order.
        boxes: Shape (n_words, 4), 0-1000 grid.
        labels: For each head one label id a word.
        pixels: Shape (3, size, size), 0-255.
        features: Which features of whole words the model takes.
        placed: Whether the encoder is told where words stand; else every box is the page's origin.
    """
    pieces = tokenizer(words)
    starts = np.zeros(len(words) + 1, dtype=np.int32)
    np.cumsum([len(piece) for piece in pieces], out=starts[1:])
    return EncodedPage(
        subwords=np.concatenate(pieces) if pieces else np.zeros(0, dtype=np.int32),
        starts=starts,
        boxes=np.asarray(boxes if placed else np.zeros_like(boxes), dtype=np.int16).reshape(-1, 4),
        labels={head: np.asarray(ids, dtype=np.int16) for head, ids in (labels or {}).items()},
        features=word_features(words, features),
        beside=beside(words, boxes),
        pixels=pixels,
    )


def split_windows(starts: NDArray[np.int32], max_length: int, overlap_words: int) -> list[tuple[int, int]]:
    """Cut a page into windows of whole words that overlap.

    Args:
        starts: As in :class:`EncodedPage`.
        max_length: Subwords a window, with two special tokens.
        overlap_words: Words shared by neighbours; never more than half of a window.

    Returns:
        ``(first word, word after the last)`` of each window; every word is in at least one.

    Raises:
        ValueError: If a word alone is longer than a window.
    """
    n_words = len(starts) - 1
    budget = max_length - 2
    windows: list[tuple[int, int]] = []
    first = 0
    while first < n_words:
        end = int(np.searchsorted(starts, starts[first] + budget, side="right")) - 1
        if end == first:
            raise ValueError(
                f"a word of {starts[first + 1] - starts[first]} subwords exceeds a window of {budget}"
            )
        if not windows or end > windows[-1][1]:  # else the last window holds these words already
            windows.append((first, end))
        if end == n_words:
            break
        first = max(end - overlap_words, first + (end - first + 1) // 2)
    return windows


@dataclass(frozen=True, slots=True)
class Window:
    """Part of a page: its words from ``first`` up to ``end``."""

    page: int
    first: int
    end: int
    length: int


def page_windows(pages: Sequence[EncodedPage], max_length: int, overlap_words: int) -> list[Window]:
    """The windows of all pages, in order; ``length`` is in subwords with the two special tokens."""
    return [
        Window(index, first, end, int(page.starts[end] - page.starts[first]) + 2)
        for index, page in enumerate(pages)
        for first, end in split_windows(page.starts, max_length, overlap_words)
    ]


@dataclass(frozen=True, slots=True)
class _Cut:
    """The words of a window, ready to be laid out."""

    subwords: NDArray[np.int32]
    lengths: NDArray[np.int32]
    boxes: NDArray[np.int64]
    labels: dict[str, NDArray[np.int16]]
    features: NDArray[np.uint8]
    pixels: NDArray[np.uint8] | None


def _cut(page: EncodedPage, window: Window) -> _Cut:
    words = slice(window.first, window.end)
    return _Cut(
        subwords=page.subwords[page.starts[window.first] : page.starts[window.end]],
        lengths=np.diff(page.starts[window.first : window.end + 1]),
        boxes=page.boxes[words].astype(np.int64),
        labels={head: ids[words] for head, ids in page.labels.items()},
        features=page.features[words],
        pixels=page.pixels,
    )


def _jitter(cut: _Cut, options: LayoutJitter, unk_id: int, rng: np.random.Generator) -> _Cut:
    """A cut changed at random as ``options`` says; at least one word stays."""
    subwords, lengths, boxes, labels, features = (
        cut.subwords,
        cut.lengths,
        cut.boxes,
        cut.labels,
        cut.features,
    )
    if options.word_drop and labels:
        plain = np.all([labels[head] == _OUTSIDE[head] for head in HEADS], axis=0)
        kept = ~(plain & (rng.random(len(lengths)) < options.word_drop))
        if kept.any():
            subwords = subwords[np.repeat(kept, lengths)]
            lengths, boxes, features = lengths[kept], boxes[kept], features[kept]
            labels = {head: ids[kept] for head, ids in labels.items()}
    if options.word_mask:
        masked = rng.random(len(lengths)) < options.word_mask
        subwords = np.where(np.repeat(masked, lengths), np.int32(unk_id), subwords)
    if not boxes.any():  # a model without layout
        return _Cut(subwords, lengths, boxes, labels, features, cut.pixels)
    scale = 1 + rng.uniform(-options.scale, options.scale, size=2)
    shift = rng.uniform(-options.shift, options.shift, size=2)
    edges = (boxes - 500.0) * np.tile(scale, 2) + 500.0 + np.tile(shift, 2)
    edges += rng.uniform(-options.jitter, options.jitter, size=edges.shape)
    boxes = np.clip(np.rint(edges), 0, 1000).astype(np.int64)
    boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2])
    return _Cut(subwords, lengths, boxes, labels, features, cut.pixels)


@dataclass(frozen=True, slots=True)
class Batch:
    """Windows side by side.

    Attributes:
        inputs: Arrays for the keyword arguments of the model's ``forward``.
        first_subwords: For each window, where its words' first subwords stand in the sequence.
        windows: The windows, in the order of the rows.
    """

    inputs: dict[str, NDArray[Any]]
    first_subwords: list[NDArray[np.int64]]
    windows: list[Window]


def collate(
    pages: Sequence[EncodedPage],
    windows: Sequence[Window],
    tokenizer: WordTokenizer,
    jitter: tuple[LayoutJitter, Sequence[np.random.Generator]] | None = None,
) -> Batch:
    """Lay windows out as one padded batch; the first subword of each word carries its labels.

    Args:
        pages: The pages that the windows refer to.
        windows: What to lay out.
        tokenizer: Knows the special tokens.
        jitter: Options of the random changes, and one generator a window; None for none.
    """
    cuts = [_cut(pages[window.page], window) for window in windows]
    if jitter is not None:
        options, generators = jitter
        cuts = [
            _jitter(cut, options, tokenizer.unk_id, rng) for cut, rng in zip(cuts, generators, strict=True)
        ]
    longest = max(len(cut.subwords) for cut in cuts) + 2
    shape = (len(cuts), -(-longest // _PADDED_TO) * _PADDED_TO)
    input_ids = np.full(shape, tokenizer.pad_id, dtype=np.int64)
    bbox = np.zeros((*shape, 4), dtype=np.int64)
    attention_mask = np.zeros(shape, dtype=np.int64)
    features = np.zeros((*shape, cuts[0].features.shape[1]), dtype=np.int64)
    labels = {head: np.full(shape, IGNORED, dtype=np.int64) for head in cuts[0].labels}
    first_subwords = []
    for row, cut in enumerate(cuts):
        end = len(cut.subwords) + 1
        input_ids[row, 0] = tokenizer.cls_id
        input_ids[row, 1:end] = cut.subwords
        input_ids[row, end] = tokenizer.sep_id
        attention_mask[row, : end + 1] = 1
        bbox[row, 1:end] = np.repeat(cut.boxes, cut.lengths, axis=0)
        features[row, 1:end] = np.repeat(cut.features, cut.lengths, axis=0)
        first = np.cumsum(cut.lengths, dtype=np.int64) - cut.lengths + 1
        first_subwords.append(first)
        for head, ids in cut.labels.items():
            labels[head][row, first] = ids
    inputs: dict[str, NDArray[Any]] = {
        "input_ids": input_ids,
        "bbox": bbox,
        "attention_mask": attention_mask,
        **{f"{head}_labels": ids for head, ids in labels.items()},
    }
    if features.shape[-1]:
        inputs["word_features"] = features
    images = [cut.pixels for cut in cuts if cut.pixels is not None]
    if images:
        # Mean and deviation 0.5: what LayoutLMv3 was pre-trained with.
        inputs["pixel_values"] = np.stack(images).astype(np.float32) / np.float32(127.5) - np.float32(1)
    return Batch(inputs, first_subwords, list(windows))


def shuffled_batches(
    windows: Sequence[Window], batch_size: int, rng: np.random.Generator
) -> list[list[Window]]:
    """All windows once, in random batches of windows of like length.

    Windows are shuffled, sorted by length within stretches of 64 batches, cut, and the batches shuffled.
    """
    order = rng.permutation(len(windows))
    stretch = 64 * batch_size
    batches: list[list[Window]] = []
    for begin in range(0, len(order), stretch):
        part = sorted((windows[i] for i in order[begin : begin + stretch]), key=lambda window: window.length)
        batches += [part[i : i + batch_size] for i in range(0, len(part), batch_size)]
    return [batches[i] for i in rng.permutation(len(batches))]


def packed_batches(windows: Sequence[Window], batch_tokens: int) -> Iterator[list[Window]]:
    """All windows once, sorted by length, in batches of at most ``batch_tokens`` padded subwords (or one window)."""
    batch: list[Window] = []
    for window in sorted(windows, key=lambda window: window.length):
        if batch and window.length * (len(batch) + 1) > batch_tokens:
            yield batch
            batch = []
        batch.append(window)
    if batch:
        yield batch


def page_pixels(image: Any, size: int) -> NDArray[np.uint8]:
    """A page image as the patches see it.

    Args:
        image: A Pillow image, or RGB pixels of shape (height, width, 3).
        size: Side of the square that the page is squeezed to, pixels.

    Returns:
        Shape (3, size, size), 0-255.
    """
    from PIL import Image

    picture = Image.fromarray(image) if isinstance(image, np.ndarray) else image
    small = picture.convert("RGB").resize((size, size), Image.Resampling.BILINEAR)
    return np.ascontiguousarray(np.asarray(small).transpose(2, 0, 1))
