"""Reading documents over HTTP, with the model of the package."""

from __future__ import annotations

import base64
import io
import socket
import threading
import time

import jsonschema
import pytest
from PIL import Image

from invoicegen.extraction import ExtractOptions, extract_file
from invoicegen.modeling import ModelLoader
from invoicegen.ocr import create_engine
from invoicegen.weights import resolve_model


def kind_of(response) -> str:
    """The kind of a problem, which must be one."""
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == response.status_code
    assert problem["request_id"] == response.headers["x-request-id"]
    return problem["type"].removeprefix("urn:invoicegen:problem:")


def test_the_api_answers_what_the_library_does(client, invoice_pdf):
    content = invoice_pdf.read_bytes()
    form = client.post("/v1/extract", files={"file": ("../in voice.pdf", content, "application/pdf")})
    raw = client.post(
        "/v1/extract",
        content=content,
        headers={
            "Content-Type": "application/pdf",
            "Content-Disposition": 'attachment; filename="in voice.pdf"',
        },
    )
    assert (form.status_code, raw.status_code) == (200, 200)
    model = ModelLoader("cpu", 1).load(resolve_model("shipped"))
    expected = extract_file(invoice_pdf, model, create_engine(), ExtractOptions())
    for answer in (form.json(), raw.json()):
        assert answer["file"] == "in voice.pdf"
        for part in ("document_type", "pages", "fields", "line_items", "tax_lines", "checks", "needs_review"):
            assert answer[part] == expected[part]
    assert form.json()["fields"]["TOTAL_AMOUNT"][0]["value"] == "400.00"


def test_a_scan_is_read_by_ocr_and_given_back_with_its_words_and_pages(client, scan):
    answer = client.post(
        "/v1/extract",
        params={"include": ["words", "images"]},
        content=scan,
        headers={"Content-Type": "image/jpeg"},
    )
    assert answer.status_code == 200
    result = answer.json()
    assert result["fields"]["INVOICE_NUMBER"][0]["value"] == "INV-2026-00042"
    (page,), (words,), (image,) = result["pages"], result["page_words"], result["page_images"]
    assert page["engine"] == "rapidocr"
    assert len(words["words"]) == page["words"]
    assert "B-INVOICE_NUMBER" in {word["ner_tag"] for word in words["words"]}
    shown = Image.open(io.BytesIO(base64.b64decode(image["data"])))
    assert shown.width / shown.height == pytest.approx(page["width"] / page["height"], rel=0.01)


def test_results_are_as_the_schema_says(client, invoice_pdf):
    described = client.get("/v1/schema").json()
    result = client.post("/v1/extract", files={"file": ("a.pdf", invoice_pdf.read_bytes())}).json()
    jsonschema.validate(result, described["result"])
    names = {entity["name"] for entity in described["entity_types"]}
    assert len(names) == 36
    assert set(result["fields"]) <= names


@pytest.mark.parametrize(
    ("body", "media_type", "status", "kind"),
    [
        (b"", "application/pdf", 422, "unreadable-document"),
        (b"hello world " * 100, "application/pdf", 415, "unsupported-media-type"),
        (b"GIF89a", "image/png", 415, "unsupported-media-type"),
        (b"{}", "application/json", 415, "unsupported-media-type"),
        (b"%PDF-1.7 but nothing more", "application/pdf", 422, "unreadable-document"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 2000, "image/png", 422, "unreadable-document"),
        (b"--x\r\nnot a header\r\n", "multipart/form-data; boundary=x", 400, "malformed-body"),
        (b"--x--\r\n", "multipart/form-data; boundary=x", 400, "malformed-body"),
        (b"x", "multipart/form-data", 400, "malformed-body"),
        (b"%PDF-" + b"0" * 1_000_000, "application/pdf", 413, "too-large"),
    ],
)
def test_what_cannot_be_read_is_told_why(client, body, media_type, status, kind):
    answer = client.post("/v1/extract", content=body, headers={"Content-Type": media_type})
    assert (answer.status_code, kind_of(answer)) == (status, kind)


def test_the_parts_of_a_form_are_looked_at(client, invoice_pdf):
    files = {"document": ("a.pdf", invoice_pdf.read_bytes())}
    assert kind_of(client.post("/v1/extract", files=files)) == "malformed-body"
    two = [("file", ("a.pdf", invoice_pdf.read_bytes())), ("file", ("b.pdf", invoice_pdf.read_bytes()))]
    assert kind_of(client.post("/v1/extract", files=two)) == "too-many-documents"
    assert kind_of(client.post("/v1/extract", files=two[:1], params={"include": "all"})) == "invalid-request"


def test_pages_and_pixels_are_counted_before_they_are_decoded(client, make_pdf, make_image):
    pdf = make_pdf([[(50, 60, "Invoice")]] * 4)
    answer = client.post("/v1/extract", content=pdf, headers={"Content-Type": "application/pdf"})
    assert (answer.status_code, kind_of(answer)) == (413, "too-many-pages")
    assert "4 pages, at most 3" in answer.json()["detail"]
    tiff = make_image("TIFF", frames=4)
    answer = client.post("/v1/extract", content=tiff, headers={"Content-Type": "image/tiff"})
    assert (answer.status_code, kind_of(answer)) == (413, "too-many-pages")
    for image_format in ("PNG", "TIFF"):
        bomb = make_image(image_format, 3000, 1500) if image_format == "PNG" else _tiff(3000, 1500)
        answer = client.post(
            "/v1/extract", content=bomb, headers={"Content-Type": "application/octet-stream"}
        )
        assert (answer.status_code, kind_of(answer)) == (413, "too-many-pixels")


def _tiff(width: int, height: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("1", (width, height)).save(buffer, "TIFF", compression="group4")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("start", "headers", "kind"),
    [
        (b"", {"Content-Length": "999999999"}, "too-large"),
        (b"just text " * 200, {"Content-Length": "900000"}, "unsupported-media-type"),
        ("bomb", {"Content-Length": "900000"}, "too-many-pixels"),
        (b"%PDF-1.7" + b"x" * 1_100_000, {"Transfer-Encoding": "chunked"}, "too-large"),
        (b"%PDF-1.7", {"Content-Length": "900000"}, "upload-too-slow"),
        (b"%PDF-1.7", {"Content-Length": "900000", "Authorization": "Bearer ig_0_0"}, "unauthorized"),
    ],
)
def test_a_body_is_refused_before_it_has_arrived(client, service, make_image, start, headers, kind):
    body = make_image("PNG", 3000, 1500, noise=True)[:70_000] if start == "bomb" else start
    given = {
        "Host": "localhost",
        "Content-Type": "application/octet-stream",
        "Authorization": client.headers["Authorization"],
        **headers,
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    if "Transfer-Encoding" in headers:
        body = b"%x\r\n" % len(body) + body + b"\r\n"
    with socket.create_connection(("127.0.0.1", service.port), timeout=30) as connection:
        connection.sendall(f"POST /v1/extract HTTP/1.1\r\n{lines}\r\n".encode() + body)
        answer = b""
        while b'"request_id"' not in answer:
            piece = connection.recv(65536)
            assert piece, answer
            answer += piece
    assert f"urn:invoicegen:problem:{kind}".encode() in answer
    assert b"connection: close" in answer.lower()


def test_more_than_can_be_read_is_shed_and_the_rest_answered(client, scan):
    answers = []

    def post() -> None:
        answers.append(client.post("/v1/extract", content=scan, headers={"Content-Type": "image/jpeg"}))

    threads = [threading.Thread(target=post) for _ in range(5)]
    for thread in threads:
        thread.start()
    time.sleep(0.05)
    assert client.get("/health").status_code == 200
    assert not [answer for answer in answers if answer.status_code == 200]  # the event loop is free meanwhile
    for thread in threads:
        thread.join()
    read = [answer for answer in answers if answer.status_code == 200]
    shed = [answer for answer in answers if answer.status_code == 503]
    assert len(read) + len(shed) == 5
    assert len(read) >= 2  # one worker, and one place in the queue
    assert shed
    assert {kind_of(answer) for answer in shed} == {"overloaded"}
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in shed)
