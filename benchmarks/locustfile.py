"""What `benchmarks/load.py` has locust send: documents in turn, at a constant rate; every answer is a line of CSV."""

from __future__ import annotations

import csv
import os
import random
import time
from itertools import cycle
from pathlib import Path

from locust import HttpUser, constant_throughput, events, task

DOCUMENTS = cycle(
    [(Path(name).name, Path(name).read_bytes()) for name in os.environ["LOAD_DOCUMENTS"].split(os.pathsep)]
)
ANSWERS: list[tuple[int, float]] = []


class Sender(HttpUser):
    """Sends a document every ten seconds; with ten users for each request a second, that is the rate."""

    wait_time = constant_throughput(0.1)

    def on_start(self) -> None:
        """Users begin apart from each other."""
        time.sleep(random.uniform(0, 10))

    @task
    def extract(self) -> None:
        name, content = next(DOCUMENTS)
        start = time.perf_counter()
        with self.client.post("/v1/extract", files={"file": (name, content)}, catch_response=True) as answer:
            ANSWERS.append((answer.status_code, time.perf_counter() - start))
            answer.success()


@events.quitting.add_listener
def write(**_: object) -> None:
    """Leave the answers where `load.py` looks for them; status 0 is a connection that broke."""
    with Path(os.environ["LOAD_ANSWERS"]).open("w", newline="") as file:
        csv.writer(file).writerows(ANSWERS)
