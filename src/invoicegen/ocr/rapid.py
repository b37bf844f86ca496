"""RapidOCR (PP-OCRv6 small, Apache-2.0, inside its wheel) on OpenVINO: the bundled default."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import lru_cache
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from invoicegen.ocr.base import PixelEngine
from invoicegen.ocr.cutting import Points, cut_line, merge_at_spaces, words_of
from invoicegen.ocr.engine import OcrOptions
from invoicegen.schema.annotation import Word


class RapidOcrEngine(PixelEngine):
    """RapidOCR with the parameters that read receipts and invoices best per second on one CPU thread.

    Confidence is the line's for each of its words: RapidOCR zips the confidences of characters onto words, so
    its word confidences mean nothing. Words end at spaces only; punctuation stays with its word.
    """

    name = "rapidocr"

    def __init__(self, options: OcrOptions) -> None:
        super().__init__(options)
        self.version = f"{version('rapidocr')}+openvino{version('openvino')}"
        self._model = _load_model(options.threads, options.detector_side, self.min_confidence)

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
            pieces.append(words_of(texts, quads, float(score)))
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
