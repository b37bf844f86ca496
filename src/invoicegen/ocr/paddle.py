"""PaddleOCR, the ``paddleocr`` package itself, on ONNX Runtime: an extra.

Its models are either those inside RapidOCR's wheel (PP-OCRv6 small, Apache-2.0; nothing is downloaded), or those
that paddleocr chooses and downloads itself (PP-OCRv6 medium).
"""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import contextmanager
from functools import lru_cache
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import yaml
from numpy.typing import NDArray

from invoicegen.ocr.base import PixelEngine
from invoicegen.ocr.cutting import Points, cut_between, cut_line, is_upright, words_of
from invoicegen.ocr.engine import EngineUnavailableError, OcrOptions
from invoicegen.ocr.languages import language_names
from invoicegen.schema.annotation import Word

# The recogniser sees lines 48 px high and answers every 8 px along them.
_STEP_PER_HEIGHT = 8 / 48
_DETECTOR: Final[dict[str, Any]] = {
    "Global": {"model_name": "PP-OCRv6_small_det"},
    "PreProcess": {
        "transform_ops": [
            {"DetResizeForTest": {"resize_long": 960}},
            {
                "NormalizeImage": {
                    "mean": [0.485, 0.456, 0.406],
                    "std": [0.229, 0.224, 0.225],
                    "scale": "1./255.",
                    "order": "hwc",
                }
            },
            {"ToCHWImage": None},
        ]
    },
    "PostProcess": {
        "name": "DBPostProcess",
        "thresh": 0.3,
        "box_thresh": 0.6,
        "max_candidates": 1000,
        "unclip_ratio": 1.5,
    },
}
_RECOGNISER: Final[dict[str, Any]] = {
    "Global": {"model_name": "PP-OCRv6_small_rec"},
    "PreProcess": {"transform_ops": [{"RecResizeImg": {"image_shape": [3, 48, 320]}}]},
    "PostProcess": {"name": "CTCLabelDecode"},
}


class PaddleOcrEngine(PixelEngine):
    """PaddleOCR's text detection and recognition, without its page straightening.

    Confidence is the line's for each of its words.
    """

    name = "paddleocr"

    def __init__(self, options: OcrOptions) -> None:
        """Load the models.

        Raises:
            EngineUnavailableError: If models are to be downloaded and cannot be, or RapidOCR's wheel holds
                others than expected.
            UnknownLanguageError: If a language has no name in :data:`invoicegen.ocr.languages.LANGUAGES`.
        """
        super().__init__(options)
        self.version = f"{version('paddleocr')}+onnxruntime{version('onnxruntime')}"
        if options.paddle_models == "bundled":
            self.version += f"+rapidocr{version('rapidocr')}"
            language = None
        else:
            # All of these languages share one model; paddleocr takes one name.
            language = language_names(options.languages)[0].paddleocr
        self._model = _load_model(language, options.threads, options.detector_side, self.min_confidence)

    def read_pieces(self, image: NDArray[np.uint8]) -> list[list[Word]]:
        """One piece a detected line."""
        (result,) = self._model.predict(np.ascontiguousarray(image[:, :, ::-1]))
        pieces = []
        for corners, text, score, tokens, regions in zip(
            result["rec_polys"],
            result["rec_texts"],
            result["rec_scores"],
            result["text_word"],
            result["text_word_region"],
            strict=True,
        ):
            line = np.asarray(corners, dtype=np.float64)
            texts = text.split()
            centres = character_centres(tokens, regions, line)
            spelt = "".join(tokens).split() == texts
            quads = cut_between(texts, centres, line) if centres and spelt else cut_line(texts, line)
            pieces.append(words_of(texts, quads, float(score)))
        return pieces


def character_centres(
    tokens: Sequence[str], regions: Sequence[Sequence[Sequence[float]]], line: Points
) -> list[float] | None:
    """Where the characters of a line have their middle.

    PaddleOCR cuts a line at every change between letters, symbols and spaces, and says from the first to the
    last step of the recogniser where each token lies: the middle of its end characters is known, between them
    characters are spread evenly. Its own boxes lie parallel to the axes even on a tilted line.

    Args:
        tokens: The line's text in pieces, spaces included.
        regions: PaddleOCR's box of each, four points.
        line: The line's quad, shape (4, 2).

    Returns:
        A share of the line's length for each character that is no space; None where PaddleOCR's boxes do not
        fit the tokens or run another way than the line.
    """
    extent = np.ptp(line, axis=0)
    upright = bool(extent[1] > 1.5 * extent[0])  # PaddleOCR's rule
    if len(tokens) != len(regions) or upright != is_upright(line):
        return None
    axis = 1 if upright else 0
    start, end = line[0, axis], line[2 if upright else 1, axis]
    if end <= start:
        return None
    half = _STEP_PER_HEIGHT * extent[1 - axis] / 2
    centres: list[float] = []
    for token, region in zip(tokens, regions, strict=True):
        along = [point[axis] for point in region]
        low, high = min(along), max(along)
        first, last = (low + half, high - half) if len(token) > 1 else ((low + high) / 2,) * 2
        places = (np.linspace(first, last, len(token)) - start) / (end - start)
        centres += [float(place) for character, place in zip(token, places, strict=True) if character.strip()]
    return centres if all(a <= b for a, b in pairwise(centres)) else None


@lru_cache(maxsize=2)
def _load_model(language: str | None, threads: int, detector_side: int, min_confidence: float) -> Any:
    """The pipeline; with the bundled models where ``language`` is None."""
    from paddleocr import PaddleOCR

    logging.getLogger("paddlex").setLevel(logging.WARNING)
    settings = {
        "engine": "onnxruntime",
        "engine_config": {"intra_op_num_threads": threads},
        "use_doc_orientation_classify": False,
        "use_doc_unwarping": False,
        "use_textline_orientation": False,
        "text_det_limit_side_len": detector_side,
        "text_det_limit_type": "max",
        "text_recognition_batch_size": 1,
        "text_rec_score_thresh": min_confidence,
        "return_word_box": True,
    }
    if language is None:
        with _bundled_models() as (detector, recogniser):
            return PaddleOCR(
                text_detection_model_name=_DETECTOR["Global"]["model_name"],
                text_detection_model_dir=str(detector),
                text_recognition_model_name=_RECOGNISER["Global"]["model_name"],
                text_recognition_model_dir=str(recogniser),
                **settings,
            )
    try:
        return PaddleOCR(lang=language, **settings)
    except Exception as error:  # paddleocr raises plain Exception where no model host answers
        raise EngineUnavailableError(
            f"OCR engine 'paddleocr' cannot get its models for {language!r} ({error}): run it once where there is "
            "a network (they are kept in ~/.paddlex/official_models, which may be copied), "
            "or set ocr.paddle_models to bundled"
        ) from error


@contextmanager
def _bundled_models() -> Any:
    """Model folders as paddleocr wants them, made from RapidOCR's wheel; needed only while they are loaded."""
    import onnxruntime
    import rapidocr

    source = Path(rapidocr.__file__).parent / "models"
    detector, recogniser = source / "PP-OCRv6_det_small.onnx", source / "PP-OCRv6_rec_small.onnx"
    if not (detector.is_file() and recogniser.is_file()):
        raise EngineUnavailableError(
            f"rapidocr {version('rapidocr')} does not hold {detector.name} and {recogniser.name} in {source}: "
            "pip install --force-reinstall 'rapidocr>=3.10,<4', or set ocr.paddle_models to download"
        )
    settings = onnxruntime.SessionOptions()
    settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(recogniser), settings, providers=["CPUExecutionProvider"])
    characters = session.get_modelmeta().custom_metadata_map["character"].split("\n")
    with tempfile.TemporaryDirectory(prefix="invoicegen-paddleocr-") as folder:
        made = []
        for model, config in (
            (detector, _DETECTOR),
            (
                recogniser,
                _RECOGNISER | {"PostProcess": _RECOGNISER["PostProcess"] | {"character_dict": characters}},
            ),
        ):
            place = Path(folder) / config["Global"]["model_name"]
            place.mkdir()
            shutil.copyfile(model, place / "inference.onnx")
            (place / "inference.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
            made.append(place)
        yield made[0], made[1]
