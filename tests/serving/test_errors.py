"""What is reported to Sentry of an error: its type and place, nothing of the document."""

import gzip
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import brotli

DECODERS = {"gzip": gzip.decompress, "br": brotli.decompress}
CONTENT = ("Hex bolt", "12.00", "secret-invoice.pdf", "tenant-7")
FAILING = """
import sys
from pathlib import Path
import sentry_sdk
from fastapi.testclient import TestClient
from invoicegen.serving.app import create_app
from invoicegen.serving.logs import configure_logs
from invoicegen.serving.options import ServiceOptions
from invoicegen.serving.server import track_errors

configure_logs("info")

options = ServiceOptions(sentry_dsn=sys.argv[1], state=Path(sys.argv[2]))
track_errors(options)
app = create_app(options)

@app.post("/fail/{tenant}")
async def fail(tenant: str) -> None:
    printed = "Hex bolt 12.00"
    raise ValueError(f"no number: {printed}")

answer = TestClient(app).post(
    "/fail/tenant-7", content=b"Hex bolt",
    headers={"Content-Disposition": "attachment; filename=secret-invoice.pdf", "Content-Type": "application/pdf"},
)
assert answer.status_code == 500, answer.text
sentry_sdk.flush(20)
"""


def test_an_error_is_reported_without_content_or_names_of_files(tmp_path):
    received = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append(DECODERS[self.headers["Content-Encoding"]](body))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    dsn = f"http://key@127.0.0.1:{server.server_port}/1"
    subprocess.run([sys.executable, "-c", FAILING, dsn, tmp_path / "state"], check=True, timeout=300)
    server.shutdown()
    server.server_close()
    sent = b"\n".join(received)
    assert b'"type":"ValueError"' in sent.replace(b" ", b"")
    assert b'"function":"fail"' in sent.replace(b" ", b"")
    assert [word for word in CONTENT if word.encode() in sent] == [], sent
