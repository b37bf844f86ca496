"""What `benchmarks/load.py` has locust send: documents in turn, as a Poisson process; every answer is a line of CSV."""

from __future__ import annotations

import csv
import os
import time
from itertools import cycle
from pathlib import Path

from locust import HttpUser, events, poisson, task

DOCUMENTS = cycle(
    [(Path(name).name, Path(name).read_bytes()) for name in os.environ["LOAD_DOCUMENTS"].split(os.pathsep)]
)
ANSWERS: list[tuple[int, float]] = []


class Sender(HttpUser):
    """Sends a document every ten seconds in the mean; ten users for each request a second give the rate.

    At fixed intervals users soon send all at once, and between two such bursts the workers have nothing to do.
    """

    wait_time = poisson(0.1)

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
