"""Batches of a service, over HTTP and in its folder."""

from __future__ import annotations

import time
from typing import Any

import httpx

from invoicegen.serving.jobs import JobStore
from invoicegen.serving.uploads import Upload


def finished(client: httpx.Client, batch: str) -> dict[str, Any]:
    """The batch when all of it has been read."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        status: dict[str, Any] = client.get(f"/v1/batches/{batch}").json()
        if status["status"] == "finished":
            return status
        time.sleep(0.3)
    raise AssertionError(f"not finished: {status}")


def add(store: JobStore, count: int, owner: str = "me", **more: str) -> str:
    """Accept a batch of so many documents; its id."""
    folder = store.receiving_folder()
    uploads = []
    for i in range(count):
        path = folder / f"upload-{i}"
        path.write_bytes(b"%PDF-")
        uploads.append(Upload(path, f"{i}.pdf", "application/pdf", 5))
    return store.add(folder, uploads, owner, "fingerprint", **more)[0]
