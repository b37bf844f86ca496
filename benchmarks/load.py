"""The service at several times its capacity, and after it: what is shed, what the accepted wait, what memory does.

    make setup-load
    .venv/bin/python benchmarks/load.py invoice.pdf scan.jpg --workers 2 --minutes 10

One client at a time gives the unloaded latencies, and `--workers` clients the capacity. Then locust sends `--times` as
many requests a second as that for so many minutes, whatever becomes of them, and one client at a time follows again.
Documents are sent in turn. Memory is the resident set of the service and its workers; its slope is that of a line
through the time of the load after its first quarter. Prints Markdown; exit status 1 where the service sheds nothing,
answers with an error other than 429 and 503, or does not recover.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import psutil
from serve import load, serving

ROOT: Final = Path(__file__).parents[1]
LOCUST: Final = ROOT / ".venv-load/bin/locust"
SHED: Final = ("429", "503")
SAMPLE_S: Final = 1.0
USERS_PER_REQUEST: Final = 10
"""Users for every request a second: each waits for its answer, so there must be enough to keep the rate."""


@dataclass
class Memory:
    """Seconds since the start, and the resident set of the service and its workers then, bytes."""

    samples: list[tuple[float, int]] = field(default_factory=list)

    def slope_per_minute(self) -> float:
        """Bytes a minute, after the first quarter."""
        times, sizes = np.array(self.samples[len(self.samples) // 4 :], dtype=np.float64).T
        return 60 * float(np.polyfit(times, sizes, 1)[0])


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("documents", nargs="+", type=Path)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--times", type=float, default=3, help="of the capacity")
    parser.add_argument(
        "--calm-seconds", type=float, default=60, help="of the unloaded client and of the capacity"
    )
    parser.add_argument(
        "--queue",
        type=int,
        help="requests that may wait for a worker; by default as many as the service lets",
    )
    given = parser.parse_args()
    if not LOCUST.is_file():
        parser.error("locust is not there: run `make setup-load`")
    documents = {path: path.read_bytes() for path in given.documents}
    with serving(given.workers, queue=given.queue) as (url, process):
        calm, _ = load(url, documents, 1, given.calm_seconds)
        many, spent = load(url, documents, given.workers, given.calm_seconds)
        rate = given.times * len(many) / spent
        with watched(process) as memory:
            answers = attack(url, given.documents, rate, given.minutes)
        after, _ = load(url, documents, 1, given.calm_seconds)
        still = process.poll() is None
    return report(given, len(many) / spent, rate, calm, answers, after, memory, still)


@contextmanager
def watched(process: subprocess.Popen[bytes]) -> Iterator[Memory]:
    """The memory of a service while the block runs."""
    memory, stop, start = Memory(), threading.Event(), time.monotonic()

    def watch() -> None:
        service = psutil.Process(process.pid)
        while not stop.wait(SAMPLE_S):
            total = 0
            for one in (service, *service.children(recursive=True)):
                try:
                    total += one.memory_info().rss
                except psutil.NoSuchProcess:
                    continue
            memory.samples.append((time.monotonic() - start, total))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield memory
    finally:
        stop.set()
        thread.join()


def attack(url: str, documents: list[Path], rate: float, minutes: float) -> list[tuple[str, float]]:
    """Status and seconds of every request that locust sends."""
    with tempfile.TemporaryDirectory() as folder:
        answers = Path(folder) / "answers.csv"
        environment = {
            **os.environ,
            "LOAD_DOCUMENTS": os.pathsep.join(str(path.resolve()) for path in documents),
            "LOAD_ANSWERS": str(answers),
        }
        users = max(1, round(rate * USERS_PER_REQUEST))
        command = [
            str(LOCUST), "--locustfile", str(ROOT / "benchmarks/locustfile.py"), "--host", url, "--headless",
            "--only-summary", "--users", str(users), "--spawn-rate", str(rate),
            "--run-time", f"{round(60 * minutes)}s", "--stop-timeout", "120", "--exit-code-on-error", "0",
            "--loglevel", "WARNING",
        ]  # fmt: skip
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        if done.returncode:
            sys.exit(done.stderr)
        with answers.open(newline="") as file:
            return [(status, float(seconds)) for status, seconds in csv.reader(file)]


def report(
    given: argparse.Namespace,
    capacity: float,
    rate: float,
    calm: list[float],
    answers: list[tuple[str, float]],
    after: list[float],
    memory: Memory,
    still: bool,
) -> int:
    """Print what came of it; 1 where something is wrong."""
    statuses = Counter(status for status, _ in answers)
    accepted = [seconds for status, seconds in answers if status == "200"]
    queue = "as it is by default" if given.queue is None else given.queue
    print(f"{given.workers} workers, queue {queue}, capacity {capacity:.2f} requests/s\n")
    print("| | requests | accepted p50, s | p95, s | p99, s |\n|--|--|--|--|--|")
    for name, latencies in (
        ("unloaded", calm),
        (f"{given.times:g} times the capacity, {given.minutes:g} min", accepted),
        ("after it", after),
    ):
        figures = " | ".join(f"{value:.2f}" for value in centiles(latencies))
        print(f"| {name} | {len(latencies)} | {figures} |")
    sent = len(answers)
    print(f"\nsent {sent} ({sent / (60 * given.minutes):.2f}/s of {rate:.2f}/s meant)")
    for status, count in sorted(statuses.items()):
        print(f"{status}: {count} ({count / sent:.1%})")
    per_second = len(accepted) / (60 * given.minutes)
    print(f"accepted {per_second:.2f}/s, {per_second / capacity:.0%} of the capacity")
    slope = memory.slope_per_minute()
    sizes = [size for _, size in memory.samples]
    print(
        f"RSS {sizes[0] / 2**20:.0f} to {sizes[-1] / 2**20:.0f} MiB, slope {slope / 2**20:+.2f} MiB a minute"
    )
    if accepted:
        print(f"accepted p99 over unloaded: {centiles(accepted)[2] / centiles(calm)[2]:.2f}")
    wrong = []
    if not any(statuses[status] for status in SHED):
        wrong.append("nothing was shed")
    if other := {status: count for status, count in statuses.items() if status not in ("200", *SHED)}:
        wrong.append(f"other answers: {other}")
    if not still or centiles(after)[0] > 1.5 * centiles(calm)[0]:
        wrong.append("it did not recover")
    print("; ".join(wrong) or "sheds and recovers")
    return int(bool(wrong))


def centiles(latencies: list[float]) -> tuple[float, float, float]:
    """Median, 95th and 99th centile."""
    if not latencies:
        return (float("nan"),) * 3
    p50, p95, p99 = np.percentile(latencies, [50, 95, 99])
    return float(p50), float(p95), float(p99)


if __name__ == "__main__":
    sys.exit(main())
