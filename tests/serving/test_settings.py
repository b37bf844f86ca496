"""Settings that not everybody needs: pages of other origins, a quota of pages, what a document may take of memory."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator

import httpx
import pytest
from PIL import Image
from service import Service, running_service

from invoicegen.serving.options import ServiceOptions

ORIGIN = "https://books.example"
MEMORY_BYTES = 3 * 2**29


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service for one other origin, with two pages a day and a worker that may take little memory."""
    log = tmp_path_factory.mktemp("strict") / "log.jsonl"
    settings = {
        "cors_origins": f'["{ORIGIN}"]',
        "pages_per_day": 2,
        "worker_memory_bytes": MEMORY_BYTES,
        "max_image_pixels": 200_000_000,
    }
    with running_service(log, **settings) as started:
        yield started


def test_pages_of_a_named_origin_may_call_and_others_not(strict):
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "Authorization"}
    allowed = httpx.options(f"{strict.url}/v1/extract", headers={"Origin": ORIGIN, **asked})
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == ORIGIN
    assert "authorization" in allowed.headers["access-control-allow-headers"].lower()
    refused = httpx.options(f"{strict.url}/v1/extract", headers={"Origin": "https://evil.example", **asked})
    assert refused.status_code == 400
    assert "access-control-allow-origin" not in refused.headers
    answer = httpx.get(f"{strict.url}/v1/schema", headers={"Origin": ORIGIN}, timeout=60)
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert "Retry-After" in answer.headers["access-control-expose-headers"]


def test_a_document_that_takes_too_much_memory_fails_alone(strict, invoice_pdf):
    buffer = io.BytesIO()
    Image.new("L", (10_900, 10_900), 255).save(buffer, "PNG")  # 119 million pixels in few bytes
    with strict.client() as client:
        large = client.post("/v1/extract", files={"file": ("large.png", buffer.getvalue())})
        assert (large.status_code, large.json()["type"]) == (
            422,
            "urn:invoicegen:problem:unreadable-document",
        )
        assert "memory" in large.json()["detail"] or "process" in large.json()["detail"]
        small = client.post("/v1/extract", files={"file": ("a.pdf", invoice_pdf.read_bytes())})
        assert small.status_code == 200


def test_a_quota_of_pages_is_refused_until_midnight(strict, invoice_pdf):
    files = {"file": ("a.pdf", invoice_pdf.read_bytes())}
    with strict.client() as client:
        first = client.post("/v1/batches", files=files)
        assert first.status_code == 202
        batch = first.json()["id"]
        while client.get(f"/v1/batches/{batch}").json()["status"] != "finished":
            time.sleep(0.2)
        refused = client.post("/v1/batches", files=files)
    assert (refused.status_code, refused.json()["type"]) == (429, "urn:invoicegen:problem:page-quota")
    assert 0 < int(refused.headers["retry-after"]) <= 24 * 3600 + 1


def test_the_queue_grows_with_the_workers_unless_it_is_said():
    assert [ServiceOptions(workers=workers).queue for workers in (1, 2, 4)] == [3, 6, 12]
    assert ServiceOptions(workers=4, queue=0).queue == 0
