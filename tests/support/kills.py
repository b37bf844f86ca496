"""Kills the service, or a worker of it, at random points while it reads a batch, and looks at what is left.

    python tests/support/kills.py --kills 20

ends with status 0 where every accepted document has exactly one result.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

import psutil
from service import Service, start_service
from text_pdf import text_pdf

DOCUMENT_S = 0.4
"""What a document takes, about: kills are spread over it."""


def _done(service: Service, batch: str) -> int:
    documents = service.client().get(f"/v1/batches/{batch}").json()["documents"]
    return sum(document["status"] in ("done", "failed") for document in documents)


def _gone(processes: list[psutil.Process], seconds: float = 90) -> bool:
    return not psutil.wait_procs(processes, timeout=seconds)[1]


def kill_and_look(folder: Path, document: bytes, documents: int, kills: int, seed: int) -> list[str]:
    """Submit a batch, kill the service or a worker ``kills`` times, and let it end.

    Args:
        folder: For the state and the log.
        document: A PDF that can be read, of two pages.
        documents: How often the batch holds it.
        kills: Every third is of a worker, the others of the service.
        seed: Of the points in time.

    Returns:
        What is wrong; nothing where all is well.
    """
    rng = random.Random(seed)
    log = folder / "log.jsonl"
    wrong = []
    service = start_service(log, state=folder / "state", rate_limit="1000000/minute")
    service.wait_ready()
    accepted = service.client().post(
        "/v1/batches", files=[("file", (f"{i}.pdf", document)) for i in range(documents)]
    )
    assert accepted.status_code == 202, accepted.text
    batch = accepted.json()["id"]
    for kill in range(kills):
        before = _done(service, batch)
        while _done(service, batch) == before < documents:
            time.sleep(0.02)
        time.sleep(rng.uniform(0, DOCUMENT_S))
        server = psutil.Process(service.process.pid)
        workers = [one for one in server.children(recursive=True) if "spawn_main" in " ".join(one.cmdline())]
        if kill % 3 == 2:
            workers[0].send_signal(signal.SIGKILL)
            continue
        service.process.kill()
        service.process.wait()
        if not _gone(workers):
            wrong.append(f"kill {kill}: workers outlive the service")
        service = start_service(log, state=folder / "state", rate_limit="1000000/minute")
        service.wait_ready()
    end = time.monotonic() + 300
    while _done(service, batch) < documents and time.monotonic() < end:
        time.sleep(0.1)
    results = service.client().get(f"/v1/batches/{batch}/results").json()["results"]
    service.process.terminate()
    service.process.wait(60)
    numbers = [one["number"] for one in results]
    if numbers != list(range(documents)):
        wrong.append(f"results of {numbers}, not of each of {documents} documents once")
    wrong += [
        f"document {one['number']}: {one['result']['error']}" for one in results if "error" in one["result"]
    ]
    left = [path for path in (folder / "state" / "documents").rglob("*") if path.is_file()]
    if left:
        wrong.append(f"{len(left)} documents are left on disk")
    return wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--documents", type=int, default=90)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    page = [
        (50, 60, "Invoice INV-2026-00042"),
        (50, 80, "Date 14.10.2026"),
        (50, 90, "Total"),
        (480, 90, "400,00"),
    ]
    with tempfile.TemporaryDirectory() as folder:
        wrong = kill_and_look(Path(folder), text_pdf([page, page]), given.documents, given.kills, given.seed)
    print("\n".join(wrong) or f"{given.documents} documents, {given.kills} kills: each has one result")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
