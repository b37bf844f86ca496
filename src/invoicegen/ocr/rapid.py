"""RapidOCR (PP-OCRv6 small, Apache-2.0, inside its wheel) on OpenVINO: the bundled default."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import lru_cache
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from invoicegen.geometry import quad_to_box
from invoicegen.ocr.base import PixelEngine
from invoicegen.ocr.engine import OcrOptions
from invoicegen.ocr.lines import quad_or_none
from invoicegen.schema.annotation import Word

Points = NDArray[np.float64]  # (4, 2): corners top-left, top-right, bottom-right, bottom-left, pixels


class RapidOcrEngine(PixelEngine):
    """RapidOCR with the parameters that read receipts and invoices best per second on one CPU thread.

    Confidence is the line's for each of its words: RapidOCR zips the confidences of characters onto words, so
    its word confidences mean nothing. Words end at spaces only; punctuation stays with its word.
    """

    name = "rapidocr"

    def __init__(self, options: OcrOptions) -> None:
        super().__init__(options)
        self.version = f"{version('rapidocr')}+openvino{version('openvino')}"
        self._model = _load_model(options.threads, options.detector_side, options.min_confidence)

    def read_pieces(self, image: NDArray[np.uint8]) -> list[list[Word]]:
        """One piece a detected line."""
        result = self._model(np.ascontiguousarray(image[:, :, ::-1]))
        if result.boxes is None or not result.txts:
            return []
        pieces = []
        found = _aligned_word_boxes(result.txts, result.word_results)
        for corners, text, score, boxes in zip(result.boxes, result.txts, result.scores, found, strict=True):
            points = np.asarray(corners, dtype=np.float64)
            texts = text.split()
            quads = merge_at_spaces(texts, boxes) if boxes else cut_line(texts, points)
            pieces.append(
                [
                    Word(
                        text=word,
                        box=list(quad_to_box(quad.ravel().tolist())),
                        quad=quad_or_none(quad.ravel().tolist()),
                        source="ocr",
                        confidence=float(score),
                    )
                    for word, quad in zip(texts, quads, strict=True)
                ]
            )
        return pieces


@lru_cache(maxsize=4)
def _load_model(threads: int, detector_side: int, min_confidence: float) -> Any:
    from rapidocr import EngineType, RapidOCR

    model = RapidOCR(
        params={
            "Global.use_cls": False,
            "Global.return_word_box": True,
            "Global.text_score": min_confidence,
            "Global.log_level": "error",
            "Det.engine_type": EngineType.OPENVINO,
            "Cls.engine_type": EngineType.OPENVINO,
            "Rec.engine_type": EngineType.OPENVINO,
            "EngineConfig.openvino.inference_num_threads": threads,
            # Pinned, two processes of one thread share one core and take twice as long.
            "EngineConfig.openvino.enable_cpu_pinning": False,
            "Det.limit_type": "max",
            "Det.limit_side_len": detector_side,
            "Rec.rec_batch_num": 1,
        }
    )
    # It warns of every page without text.
    logging.getLogger("RapidOCR").setLevel(logging.ERROR)
    return model


def _aligned_word_boxes(
    texts: Sequence[str], word_results: Sequence[Any]
) -> list[list[tuple[str, Points]] | None]:
    """For each line the boxes inside it, or None where RapidOCR gives none.

    RapidOCR leaves out the entry of a line without boxes, so entries are matched by their characters.
    """
    aligned: list[list[tuple[str, Points]] | None] = []
    entries = [entry for entry in word_results if isinstance(entry, list | tuple) and entry]
    at = 0
    for text in texts:
        characters = "".join(text.split())
        boxes = None
        if at < len(entries) and "".join(item[0] for item in entries[at]) == characters:
            boxes = [(item[0], np.asarray(item[2], dtype=np.float64)) for item in entries[at]]
            at += 1
        aligned.append(boxes)
    return aligned


def merge_at_spaces(words: Sequence[str], boxes: Sequence[tuple[str, Points]]) -> list[Points]:
    """One quad for each of the line's words.

    Args:
        words: The line's text, split at spaces.
        boxes: RapidOCR's pieces of that line in order: text, and quad of shape (4, 2). It also cuts words at
            wide letter spacing and around CJK characters; it never joins across a space.

    Raises:
        ValueError: If the pieces do not spell the words.
    """
    quads = []
    remaining = list(boxes)
    for word in words:
        taken: list[Points] = []
        spelt = ""
        while spelt != word:
            if not remaining or not word.startswith(spelt):
                raise ValueError(f"pieces {[text for text, _ in boxes]} do not spell {list(words)}")
            text, points = remaining.pop(0)
            spelt += text
            taken.append(points)
        quads.append(_join(taken))
    return quads


def _join(quads: Sequence[Points]) -> Points:
    first, last = quads[0], quads[-1]
    upright = abs(last[:, 1].mean() - first[:, 1].mean()) > abs(last[:, 0].mean() - first[:, 0].mean())
    if len(quads) == 1:
        return first
    if not upright:
        return np.array([first[0], last[1], last[2], first[3]])
    top, bottom = (first, last) if first[:, 1].mean() < last[:, 1].mean() else (last, first)
    return np.array([top[0], top[1], bottom[2], bottom[3]])


def cut_line(words: Sequence[str], line: Points) -> list[Points]:
    """Cut a line's quad, shape (4, 2), into one for each word, in proportion to characters.

    Upright lines (higher than wide by half) are cut from top to bottom.
    """
    width, height = np.linalg.norm(line[1] - line[0]), np.linalg.norm(line[3] - line[0])
    corners = line if height < 1.5 * width else line[[0, 3, 2, 1]]
    total = sum(map(len, words)) + len(words) - 1
    quads = []
    at = 0
    for word in words:
        start, end = at / total, (at + len(word)) / total
        near, far = corners[1] - corners[0], corners[2] - corners[3]
        quad = np.array(
            [
                corners[0] + start * near,
                corners[0] + end * near,
                corners[3] + end * far,
                corners[3] + start * far,
            ]
        )
        quads.append(quad if corners is line else quad[[0, 3, 2, 1]])
        at += len(word) + 1
    return quads
