"""The service under load: requests at once against one at a time, latencies, and what it costs over OCR alone.

    python benchmarks/serve.py invoice.pdf scan.jpg --workers 2 --clients 4 --seconds 60

Prints Markdown. Every document is sent in turn. "OCR alone" is the engine on the pages without a usable text layer, in
one process with one thread, the way a worker runs it; end to end is the same documents one at a time over HTTP.
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle, islice
from pathlib import Path

import httpx


@contextmanager
def serving(workers: int, queue: int | None = 1000) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A service of its own, ready: its address and process."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    with tempfile.TemporaryDirectory() as state:
        settings = {
            "PORT": port,
            "WORKERS": workers,
            "STATE": state,
            "RATE_LIMIT": "1000000/minute",
            "LOG_LEVEL": "error",
        } | ({} if queue is None else {"QUEUE": queue})
        environment = {**os.environ, **{f"INVOICEGEN_{name}": str(value) for name, value in settings.items()}}
        process = subprocess.Popen(
            [sys.executable, "-m", "invoicegen.console", "serve", "--model", "shipped"], env=environment
        )
        url = f"http://127.0.0.1:{port}"
        try:
            while True:
                if process.poll() is not None:
                    sys.exit("the service did not start")
                try:
                    if httpx.get(f"{url}/ready", timeout=30).status_code == 200:
                        break
                except httpx.TransportError:
                    pass
                time.sleep(0.2)
            yield url, process
        finally:
            process.terminate()
            process.wait(60)


def send(client: httpx.Client, path: Path, content: bytes) -> float:
    """Seconds that a document takes."""
    start = time.perf_counter()
    client.post("/v1/extract", files={"file": (path.name, content)}).raise_for_status()
    return time.perf_counter() - start


def load(url: str, documents: dict[Path, bytes], clients: int, seconds: float) -> tuple[list[float], float]:
    """Latencies of all requests of so many clients, and how long it took, seconds."""
    latencies: list[float] = []
    end = time.perf_counter() + seconds

    def work(first: int) -> None:
        with httpx.Client(base_url=url, timeout=600) as client:
            for path, content in islice(cycle(documents.items()), first, None):
                if time.perf_counter() >= end:
                    return
                latencies.append(send(client, path, content))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(clients)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return latencies, time.perf_counter() - start


def ocr_alone(documents: dict[Path, bytes], rounds: int) -> dict[Path, float]:
    """Best seconds of the engine on each document's pages that need it."""
    from invoicegen.ocr import create_engine
    from invoicegen.ocr.documents import open_document

    engine = create_engine()
    best: dict[Path, float] = {}
    for path in documents:
        with open_document(path) as document:
            images = [page.image for page in document if page.text_words is None]
        for _ in range(rounds + 1):  # the first loads the models
            start = time.perf_counter()
            for image in images:
                engine.recognise(image)
            spent = time.perf_counter() - start
            best[path] = min(best.get(path, spent), spent)
    return best


def row(name: str, latencies: list[float], spent: float) -> str:
    """A line of the table."""
    ordered = sorted(latencies)
    centiles = [
        1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))] for share in (0.5, 0.95, 0.99)
    ]
    figures = " | ".join(f"{value:.0f}" for value in centiles)
    return f"| {name} | {len(latencies)} | {len(latencies) / spent:.2f} | {figures} |"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("documents", nargs="+", type=Path)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=60, help="of each load")
    parser.add_argument("--rounds", type=int, default=3, help="of end to end and OCR alone; the best counts")
    given = parser.parse_args()
    documents = {path: path.read_bytes() for path in given.documents}
    print("| clients | requests | requests/s | p50, ms | p95, ms | p99, ms |")
    print("|--|--|--|--|--|--|")
    with serving(given.workers) as (url, _):
        alone = load(url, documents, 1, given.seconds)
        print(row("1", *alone))
        together = load(url, documents, given.clients, given.seconds)
        print(row(str(given.clients), *together))
        ratio = (len(together[0]) / together[1]) / (len(alone[0]) / alone[1])
        print(
            f"\n{given.clients} clients, {given.workers} workers: {ratio:.2f} times the throughput of one at a time\n"
        )
        with httpx.Client(base_url=url, timeout=600) as client:
            whole = {
                path: min(send(client, path, content) for _ in range(given.rounds))
                for path, content in documents.items()
            }
    ocr = ocr_alone(documents, given.rounds)
    print("| document | end to end, ms | OCR alone, ms | ratio |")
    print("|--|--|--|--|")
    ratios = []
    for path in documents:
        ratio_text = "no OCR"
        if ocr[path] > 0.005:
            ratios.append(whole[path] / ocr[path])
            ratio_text = f"{ratios[-1]:.3f}"
        print(f"| {path.name} | {1000 * whole[path]:.0f} | {1000 * ocr[path]:.0f} | {ratio_text} |")
    if ratios:
        print(f"\nend to end over OCR alone: {statistics.mean(ratios):.3f} on average")


if __name__ == "__main__":
    main()
