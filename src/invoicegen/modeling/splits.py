"""Reading a split of annotated pages into encoded pages, one shard at a time."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from invoicegen.modeling.configuration import LayoutLMv3MultiHeadConfig
from invoicegen.modeling.encoding import (
    EncodedPage,
    WordTokenizer,
    encode_page,
    page_pixels,
    segment_boxes,
)
from invoicegen.modeling.errors import EmptySplitError, ModelingError
from invoicegen.modeling.labels import HEADS, head_labels_of
from invoicegen.schema.rows import label_set_of
from invoicegen.schema.taxonomy import LabelSet

Tables = Mapping[str, Callable[[], pa.Table]]
"""Shards of ``invoicegen.schema.rows``: partition id to what reads its table."""

_COLUMNS = ["id", "tokens", "bboxes", "segment_ids", *(f"{head}_tags" for head in HEADS)]


def read_split(
    name: str, tables: Tables, tokenizer: WordTokenizer, config: LayoutLMv3MultiHeadConfig
) -> list[EncodedPage]:
    """Encode all pages of a split that have words; shards are read in the order of their names, then let go.

    About 12 bytes a subword stay in memory; page images, where the model reads them, go to a temporary file.

    Args:
        name: Of the split, for messages.
        tables: Its shards.
        tokenizer: Cuts words into subwords.
        config: Says which labels there are, how boxes are laid out and whether images are read.

    Raises:
        EmptySplitError: If no page has words.
        ModelingError: If a page has a label that is not of the taxonomy, nor of the types that the model adds.
    """
    pages: list[EncodedPage] = []
    side, labels_known = config.input_size, config.label_set
    with tempfile.TemporaryFile() as pixels:
        for shard in sorted(tables):
            table = tables[shard]()
            translate = _Translation(label_set_of(table.schema), labels_known)
            for row in _rows(table, with_images=config.visual_embed):
                if not row["tokens"]:
                    continue
                boxes = np.array(row["bboxes"], dtype=np.int64)
                if config.layout == "segment":
                    boxes = segment_boxes(boxes, row["segment_ids"])
                labels = translate(
                    {head: row[f"{head}_tags"] for head in HEADS}, f"{shard}, page {row['id']}"
                )
                pages.append(
                    encode_page(
                        tokenizer,
                        row["tokens"],
                        boxes,
                        labels,
                        features=config.word_features,
                        placed=config.layout != "none",
                    )
                )
                if config.visual_embed:
                    from PIL import Image

                    image = Image.open(io.BytesIO(row["image"]["bytes"]))
                    pixels.write(page_pixels(image, side).tobytes())
        if config.visual_embed and pages:
            pixels.flush()
            # The map keeps the file's content alive after the file is closed.
            stored = np.memmap(pixels, dtype=np.uint8, mode="r", shape=(len(pages), 3, side, side))
            pages = [dataclasses.replace(page, pixels=stored[i]) for i, page in enumerate(pages)]
    if not pages:
        raise EmptySplitError(
            f"the {name} split has no page with words in {len(tables)} shards; "
            "generate pages first (`kedro run --pipeline=generate`), with more documents if one split stays empty"
        )
    return pages


class _Translation:
    """Label ids of a shard to those of a model, by name.

    Args:
        stored: What the shard's ids are of.
        known: What the model knows.
    """

    def __init__(self, stored: LabelSet, known: LabelSet) -> None:
        self._stored, self._known = stored, known
        self._names = head_labels_of(stored)
        self._ner_ids = [known.ner_ids.get(label) for label in stored.ner_labels]

    def __call__(self, labels: Mapping[str, Sequence[int]], where: str) -> dict[str, Sequence[int]]:
        """The labels of a page by head.

        Raises:
            ModelingError: If one is none of the shard, or unknown to the model.
        """
        for head, ids in labels.items():
            count = len(self._names[head])
            strange = sorted({label for label in ids if not 0 <= label < count})
            if strange:
                raise ModelingError(
                    f"{where}: {head} labels {strange} are not of {self._stored.title}, which has {count} for this "
                    "head; generate or import the pages anew with this version"
                )
        ner = [self._ner_ids[label] for label in labels["ner"]]
        unknown = sorted({self._names["ner"][i][2:] for i in labels["ner"] if self._ner_ids[i] is None})
        if unknown:
            raise ModelingError(
                f"{where}: has labels of {', '.join(unknown)}, which the model does not know ({self._known.title}); "
                "declare them under taxonomy.extra_entities (conf/base/parameters_taxonomy.yml) and train, or import "
                "the pages with a label map that leaves them out"
            )
        return {**labels, "ner": [label for label in ner if label is not None]}


def _rows(table: pa.Table, *, with_images: bool) -> Iterator[dict[str, Any]]:
    columns = [*_COLUMNS, "image"] if with_images else _COLUMNS
    for batch in table.select(columns).to_batches(max_chunksize=16):
        yield from batch.to_pylist()


def fingerprint(pages: Sequence[EncodedPage]) -> str:
    """A hash of the pages' words, boxes and labels: equal for equal data in equal order."""
    digest = hashlib.sha256()
    for page in pages:
        for array in (page.subwords, page.starts, page.boxes, *(page.labels[head] for head in HEADS)):
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def class_weights(pages: Sequence[EncodedPage], n_labels: int, balance: float) -> list[float] | None:
    """Weights of NER labels in the loss: ``frequency ** -balance``, averaging 1 over words, held in 1/5 to 5.

    Args:
        pages: Training pages.
        n_labels: Number of NER labels.
        balance: 0 for equal weights (None is given back), 1 for the inverse frequency.
    """
    if balance == 0:
        return None
    counts = np.bincount(np.concatenate([page.labels["ner"] for page in pages]), minlength=n_labels) + 1.0
    weights = counts**-balance
    weights *= counts.sum() / (weights * counts).sum()
    return [float(weight) for weight in np.clip(weights, 0.2, 5.0)]
