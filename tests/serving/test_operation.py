"""What those see who run the service: readiness, metrics, logs, a stop that loses nothing; and the documentation."""

from __future__ import annotations

import gzip
import signal
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import psutil
import pytest
from service import Service, start_service


def test_metrics_count_documents_pages_and_requests(client, service, invoice_pdf):
    def count(text: str, name: str) -> float:
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name))

    before = client.get("/metrics").text
    for status in (500, 503, 504):  # there before the first, which then counts as a rise
        assert f'invoicegen_requests_total{{method="POST",route="/v1/extract",status="{status}"}}' in before
    client.post("/v1/extract", files={"file": ("a.pdf", invoice_pdf.read_bytes())})
    client.post("/v1/extract", files={"file": ("a.pdf", b"no document")})
    after = client.get("/metrics").text
    for name, more in (
        ('invoicegen_documents_total{outcome="read"}', 1),
        ('invoicegen_documents_total{outcome="unsupported-media-type"}', 1),
        ('invoicegen_pages_total{engine="pdf_text"}', 2),
        ('invoicegen_requests_total{method="POST",route="/v1/extract",status="200"}', 1),
        ('invoicegen_problems_total{kind="unsupported-media-type"}', 1),
        ('invoicegen_documents_read_total{document_type="invoice"', 1),
        ('invoicegen_field_documents_total{document_type="invoice",entity_type="TOTAL_AMOUNT"}', 1),
        ('invoicegen_field_confidence_ratio_count{entity_type="ITEM_AMOUNT"}', 2),
        ('invoicegen_checks_total{rule="sum of line amounts = subtotal"', 1),
        ('invoicegen_phase_seconds_count{phase="decode"}', 1),
        ('invoicegen_phase_seconds_count{phase="ocr"}', 0),
    ):
        assert count(after, name) - count(before, name) == more, name
    for name, value in (
        ("invoicegen_ready", 1),
        ("invoicegen_workers", 1),
        ('invoicegen_tasks{state="running"}', 0),
        ('invoicegen_batches{state="running"}', 0),
    ):
        assert f"{name} {value:.1f}" in after.splitlines(), name
    assert count(after, 'invoicegen_worker_resident_memory_bytes{worker="0"}') > 50e6
    assert count(after, 'invoicegen_baseline_field_presence_ratio{document_type="invoice"') > 5


def test_the_documentation_works_without_a_network(service, chromium):
    page = chromium.new_page()
    page.set_default_timeout(120_000)
    asked, errors = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.goto(f"{service.url}/docs")
    page.get_by_role("link", name="/v1/extract").wait_for()
    page.close()
    assert errors == []
    assert all(url.startswith((service.url, "data:")) for url in asked)


def workers(service: Service) -> list[psutil.Process]:
    """The processes that read documents."""
    children = psutil.Process(service.process.pid).children(recursive=True)
    return [one for one in children if "spawn_main" in " ".join(one.cmdline())]


def test_a_worker_that_ends_over_a_document_is_counted_and_replaced(client, service, scan):
    answers = []
    request = threading.Thread(
        target=lambda: answers.append(client.post("/v1/extract", files={"file": ("a.jpg", scan)}))
    )
    before = service.metrics()
    request.start()
    service.wait_metric('invoicegen_tasks{state="running"}', 1)
    for worker in workers(service):
        worker.kill()
    request.join()
    assert answers[0].status_code == 422
    service.wait_metric("invoicegen_workers", 1)
    service.wait_ready()
    after = service.metrics()
    for name, more in (
        ('invoicegen_worker_restarts_total{reason="died"}', 1),
        ('invoicegen_worker_restarts_total{reason="timeout"}', 0),
        ('invoicegen_problems_total{kind="unreadable-document"}', 1),
        ('invoicegen_documents_total{outcome="read"}', 0),
    ):
        assert after[name] - before[name] == more, name
    assert after["invoicegen_oldest_task_wait_seconds"] == 0


@pytest.fixture
def collector():
    """Takes what OpenTelemetry exports."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.server.received.append(
                gzip.decompress(body) if self.headers["Content-Encoding"] == "gzip" else body
            )
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.received = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_killed_worker_is_replaced_a_stop_answers_what_is_in_hand_and_logs_hold_no_content(
    tmp_path, scan, collector, monkeypatch
):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{collector.server_port}")
    service = start_service(tmp_path / "log.jsonl", drain_timeout_s=120)
    try:
        end = time.monotonic() + 120
        while time.monotonic() < end:  # it listens before its model answers
            try:
                first = httpx.get(f"{service.url}/ready", timeout=10)
                break
            except httpx.TransportError:
                time.sleep(0.05)
        assert first.status_code == 503
        assert first.json()["type"] == "urn:invoicegen:problem:not-ready"
        service.wait_ready()
        for worker in workers(service):  # while it waits for work
            worker.kill()
        children = psutil.Process(service.process.pid).children(recursive=True)
        answers = []
        request = threading.Thread(
            target=lambda: answers.append(
                httpx.post(f"{service.url}/v1/extract", files={"file": ("Hex bolt.jpg", scan)}, timeout=120)
            )
        )
        request.start()
        while "invoicegen_documents_in_hand 1.0" not in httpx.get(f"{service.url}/metrics", timeout=60).text:
            time.sleep(0.05)
        service.process.send_signal(signal.SIGTERM)
        request.join()
        assert service.process.wait(60) == -signal.SIGTERM  # uvicorn passes it on when all is done
    finally:
        service.process.kill()
    (answer,) = answers
    assert answer.status_code == 200
    printed = {
        word
        for item in answer.json()["line_items"]
        for value in item.values()
        for word in value["text"].split()
    }
    assert {"Hex", "bolt"} <= printed
    log = service.log.read_text(encoding="utf-8")
    assert not [word for word in (*printed, "INV-2026-00042", "Hex bolt.jpg") if word in log]
    (logged,) = (event for event in service.events() if event.get("route") == "/v1/extract")
    assert logged["request_id"] == answer.headers["x-request-id"]
    assert (logged["status"], logged["document"], logged["bytes_in"] > len(scan)) == (200, "image/jpeg", True)
    assert psutil.wait_procs(children, timeout=30)[1] == []
    spans = b"".join(collector.received)
    assert b"POST /v1/extract" in spans
    assert not [word for word in (*printed, "INV-2026-00042", "Hex bolt.jpg") if word.encode() in spans]
