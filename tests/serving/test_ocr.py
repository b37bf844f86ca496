"""Reading words over HTTP, with the engines themselves."""

from __future__ import annotations

import io
from collections.abc import Iterator

import httpx
import jsonschema
import numpy as np
import pytest
from PIL import Image

from invoicegen.ocr import create_engine


@pytest.fixture
def ocr_client(ocr_service, keys) -> Iterator[httpx.Client]:
    _, token = keys.create("annotator", frozenset({"ocr"}))
    with ocr_service.client(token) as client:
        yield client


@pytest.mark.parametrize("engine", ["rapidocr", "tesseract"])
def test_words_of_a_scan_are_those_of_the_engine_that_was_asked_for(ocr_client, scan, engine):
    answer = ocr_client.post("/v1/ocr", params={"engine": engine}, files={"file": ("a.jpg", scan)})
    assert answer.status_code == 200
    (page,) = answer.json()["pages"]
    image = np.asarray(Image.open(io.BytesIO(scan)).convert("RGB"))
    expected = create_engine(engine).recognise(image)
    assert [word["text"] for word in page["words"]] == [word.text for word in expected]
    assert [word["box"] for word in page["words"]] == [word.box for word in expected]
    assert "INV-2026-00042" in {word["text"] for word in page["words"]}
    assert (page["engine"], page["height"], page["width"]) == (engine, *image.shape[:2])
    assert all(0 <= word["confidence"] <= 1 and word["source"] == "ocr" for word in page["words"])


def test_the_text_layer_of_a_pdf_is_taken_unless_pixels_are_asked_for(ocr_client, make_pdf):
    pdf = make_pdf(
        [[(50, 60, "Invoice INV-2026-00042"), (50, 80, "Payable within thirty days, without deduction")]]
    )
    for text_layer, engine in ((True, "pdf_text"), (False, "rapidocr")):
        answer = ocr_client.post(
            "/v1/ocr",
            params={"text_layer": text_layer},
            content=pdf,
            headers={"Content-Type": "application/pdf", "Content-Disposition": "attachment; filename=a.pdf"},
        )
        result = answer.json()
        (page,) = result["pages"]
        assert (result["file"], page["engine"], page["dpi"]) == ("a.pdf", engine, 200)
        assert "INV-2026-00042" in {word["text"] for word in page["words"]}


def test_engines_are_listed_the_default_first_and_no_other_is_taken(ocr_client, scan):
    listed = ocr_client.get("/v1/engines").json()["engines"]
    assert [engine["name"] for engine in listed] == ["rapidocr", "tesseract"]
    assert all(engine["version"] and engine["languages"] == ["en"] for engine in listed)
    answer = ocr_client.post("/v1/ocr", params={"engine": "paddleocr"}, files={"file": ("a.jpg", scan)})
    assert answer.status_code == 422
    assert "rapidocr, tesseract" in answer.json()["detail"]


def test_keys_limits_and_metrics_are_those_of_the_other_service(
    ocr_client, ocr_service, keys, scan, make_pdf
):
    _, other = keys.create("scanner", frozenset({"extract"}))
    with ocr_service.client(other) as client:
        assert client.post("/v1/ocr", files={"file": ("a.jpg", scan)}).status_code == 403
    long = make_pdf([[(50, 60, "Invoice")]] * 4)
    for content, status, kind in (
        (long, 413, "too-many-pages"),
        (b"no document", 415, "unsupported-media-type"),
        (b"%PDF-1.7 but nothing more", 422, "unreadable-document"),
    ):
        answer = ocr_client.post("/v1/ocr", files={"file": ("a.pdf", content)})
        assert (answer.status_code, answer.json()["type"]) == (status, f"urn:invoicegen:problem:{kind}")
        assert f'outcome="{kind}"' in ocr_client.get("/metrics").text
    assert ocr_client.get("/ready").json()["status"] == "ready"


def test_answers_are_as_they_are_described(ocr_client, scan):
    described = ocr_client.get("/openapi.json").json()
    schema = {"$ref": "#/components/schemas/OcrResult", "components": described["components"]}
    jsonschema.validate(ocr_client.post("/v1/ocr", files={"file": ("a.jpg", scan)}).json(), schema)
    (asked,) = (p for p in described["paths"]["/v1/ocr"]["post"]["parameters"] if p["name"] == "engine")
    assert asked["schema"]["enum"] == ["rapidocr", "tesseract"]
