"""The ocr stage: which engine reads, and in which language."""

import numpy as np
import pytest
import yaml
from PIL import Image, ImageDraw, ImageFont

from invoicegen.execution import ExecutionOptions
from invoicegen.images import encode_image
from invoicegen.ocr import EngineUnavailableError, OcrOptions
from invoicegen.pipelines.ocr.nodes import recognise_document, recognise_words
from invoicegen.pipelines.options import GenerateOptions


def test_a_documents_locale_chooses_the_language_pack():
    picture = Image.new("RGB", (900, 100), "white")
    font = ImageFont.truetype("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf", 28)
    ImageDraw.Draw(picture).text((30, 30), "Größe Straße Zahlung für Öl", font=font, fill="black")
    image = encode_image(np.asarray(picture), "png", 0, 150)

    def read(locale):
        plan = {"doc_id": "a", "ocr_engine": "tesseract", "locale": locale}
        (words,) = recognise_document({"plan": plan, "pdf": b"", "images": [image]}, 150, OcrOptions())[
            "pages"
        ]
        return " ".join(word["text"] for word in words)

    assert read("de_AT") == "Größe Straße Zahlung für Öl"
    assert read("en_GB") != read("de_AT")


def test_an_engine_that_is_not_installed_ends_the_run_before_any_document(pytestconfig, monkeypatch):
    monkeypatch.setattr("invoicegen.ocr.engine.find_spec", lambda name: None if name == "easyocr" else name)
    base = yaml.safe_load((pytestconfig.rootpath / "conf/base/parameters_generate.yml").read_text())[
        "generate"
    ]
    engines = {family: {"pdf_text": 0.5, "easyocr": 0.5} for family in base["families"]}
    generate = GenerateOptions.model_validate(base | {"engines": engines})
    work = recognise_words({}, {}, {}, {}, frozenset(), generate, OcrOptions(), ExecutionOptions())
    assert next(work) == ({}, {})
    with pytest.raises(EngineUnavailableError, match=r"needs easyocr.*invoicegen\[easyocr\]"):
        next(work)
