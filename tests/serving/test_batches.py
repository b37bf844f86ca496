"""Batches over HTTP, and what a stop at any point leaves of them."""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from batches import add, finished
from kills import kill_and_look
from standardwebhooks import Webhook, WebhookVerificationError

from invoicegen.serving.app import create_app
from invoicegen.serving.batches import is_allowed
from invoicegen.serving.jobs import JobStore, StateError
from invoicegen.serving.options import ServiceOptions


def test_a_batch_is_read_and_kept_until_it_is_deleted(client, service, keys, invoice_pdf):
    content = invoice_pdf.read_bytes()
    files = [
        ("file", ("a.pdf", content)),
        ("file", ("b.pdf", b"%PDF-1.7 nothing")),
        ("file", ("c.pdf", content)),
    ]
    accepted = client.post("/v1/batches", files=files)
    assert accepted.status_code == 202
    location = accepted.headers["location"]
    assert location == f"/v1/batches/{accepted.json()['id']}"
    status = finished(client, accepted.json()["id"])
    assert [(one["file"], one["status"]) for one in status["documents"]] == [
        ("a.pdf", "done"),
        ("b.pdf", "failed"),
        ("c.pdf", "done"),
    ]
    results = client.get(f"{location}/results").json()
    assert results["next"] is None
    first, broken, _ = (one["result"] for one in results["results"])
    single = client.post("/v1/extract", files={"file": ("a.pdf", content)}).json()
    assert {**first, "timings_ms": None} == {**single, "timings_ms": None}
    assert broken["error"].startswith("Unreadable document: the PDF is")
    page = client.get(f"{location}/results", params={"start": 1, "limit": 1}).json()
    assert ([one["number"] for one in page["results"]], page["next"]) == ([1], 2)
    _, other = keys.create("other", frozenset({"batches"}))
    assert service.client(other).get(location).status_code == 404
    assert service.client(other).delete(location).status_code == 404
    assert client.delete(location).status_code == 204
    assert client.get(location).status_code == 404
    assert client.get(f"{location}/results").status_code == 404


def test_a_request_that_is_sent_again_is_done_once(client, invoice_pdf):
    headers = {"Idempotency-Key": "order 17"}
    same = {"files": {"file": ("a.pdf", invoice_pdf.read_bytes())}, "headers": headers}
    first, second = client.post("/v1/batches", **same), client.post("/v1/batches", **same)
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json()["id"] == second.json()["id"]
    other = client.post("/v1/batches", files={"file": ("b.pdf", invoice_pdf.read_bytes())}, headers=headers)
    assert other.json()["type"] == "urn:invoicegen:problem:idempotency-key-reused"


def test_an_owner_is_told_by_a_signed_webhook_until_it_takes_note(
    client, service, webhook_port, webhook_secret, invoice_pdf
):
    received = []
    before = service.metrics()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append((body, {name.lower(): value for name, value in self.headers.items()}))
            self.send_response(500 if len(received) == 1 else 204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", webhook_port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        batch = client.post(
            "/v1/batches",
            files={"file": ("a.pdf", invoice_pdf.read_bytes())},
            data={"webhook": f"http://127.0.0.1:{webhook_port}/done"},
        ).json()["id"]
        end = time.monotonic() + 60
        while client.get(f"/v1/batches/{batch}").json()["webhook"] != "delivered":
            assert time.monotonic() < end
            time.sleep(0.3)
    finally:
        server.shutdown()
        server.server_close()
    assert len(received) == 2
    after = service.metrics()
    for outcome, more in (("failed", 1), ("delivered", 1), ("gave_up", 0)):
        name = f'invoicegen_webhooks_total{{outcome="{outcome}"}}'
        assert after[name] - before[name] == more
    for body, headers in received:
        assert Webhook(webhook_secret).verify(body, headers)["data"] == {"id": batch}
        with pytest.raises(WebhookVerificationError):
            Webhook(webhook_secret).verify(body.replace(b"finished", b"begun"), headers)


def test_webhooks_go_only_where_they_may(client, invoice_pdf):
    refused = client.post(
        "/v1/batches",
        files={"file": ("a.pdf", invoice_pdf.read_bytes())},
        data={"webhook": "http://169.254.169.254/"},
    )
    assert refused.json()["type"] == "urn:invoicegen:problem:webhook-not-allowed"
    options = ServiceOptions(webhook_hosts=("hooks.example.com",), webhook_secret="whsec_" + "A" * 32)
    for webhook, allowed in (
        ("https://hooks.example.com/done", True),
        ("http://hooks.example.com/done", False),
        ("https://hooks.example.com:8443/done", False),
        ("https://user@hooks.example.com/", False),
        ("https://hooks.example.com.evil.org/", False),
        ("https://[::1", False),
        ("hooks.example.com", False),
    ):
        assert is_allowed(webhook, options) is allowed, webhook


def test_after_kills_every_document_has_one_result(tmp_path, invoice_pdf):
    assert kill_and_look(tmp_path, invoice_pdf.read_bytes(), documents=8, kills=3, seed=5) == []


def test_a_service_without_batches_neither_takes_them_nor_has_a_state(tmp_path):
    app = create_app(ServiceOptions(batches=False, state=tmp_path / "state"))
    assert [path for path in app.openapi()["paths"] if path.startswith("/v1")] == [
        "/v1/extract",
        "/v1/convert",
        "/v1/schema",
    ]
    assert not (tmp_path / "state").exists()


@pytest.fixture
def store(tmp_path):
    made = JobStore(tmp_path / "state")
    yield made
    made.close()


def test_a_folder_serves_one_service(store, tmp_path):
    with pytest.raises(StateError, match="another service uses"):
        JobStore(tmp_path / "state")


def test_what_was_being_read_is_read_again_and_counted_once(tmp_path):
    first = JobStore(tmp_path / "state")
    batch = add(first, 2, webhook="https://x/")
    taken = first.claim()
    stray = first.receiving_folder()  # of a request that never ended
    first.close()  # as when the process is killed: nothing else is written
    store = JobStore(tmp_path / "state")
    again, other = store.claim(), store.claim()
    assert (again.number, again.attempts, other.number, store.claim()) == (0, 2, 1, None)
    assert taken.path == again.path
    assert again.path.is_file()
    assert not stray.exists()
    for document in (again, again, other):  # a result that comes twice is stored once
        store.finish(document, {"file": document.name}, failed=False, pages=3)
    assert store.pages_today("me") == 6
    assert [number for number, _ in store.results(batch, 0, 10)] == [0, 1]
    assert not list((tmp_path / "state" / "documents" / batch).iterdir())
    assert [delivery.batch for delivery in store.due_deliveries()] == [batch]
    store.close()


def test_a_deleted_batch_takes_no_results_and_old_ones_go(store):
    batch = add(store, 1)
    document = store.claim()
    assert store.delete(batch, "me")
    store.finish(document, {}, failed=False, pages=1)
    assert (store.status(batch, "me"), store.pages_today("me")) == (None, 0)
    done, running = add(store, 1), add(store, 1)
    store.finish(store.claim(), {}, failed=False, pages=1)
    assert store.purge(time.time() + 1) == 1
    assert store.status(done, "me") is None
    assert store.status(running, "me") is not None


def test_pages_of_a_key_are_counted(store):
    add(store, 2)
    add(store, 1, owner="other")
    assert (store.pages_today("me"), store.pages_today("other")) == (2, 1)
    store.finish(store.claim(), {}, failed=False, pages=7)
    assert store.pages_today("me") == 8
