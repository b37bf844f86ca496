"""The service as people run it: a process of its own, with the weights of the package."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

START_S = 600


@dataclass
class Service:
    """A running service.

    Attributes:
        url: Where it listens.
        process: The server.
        log: What it wrote to standard error.
    """

    url: str
    port: int
    process: subprocess.Popen[bytes]
    log: Path

    def client(self, key: str | None = None, **options: Any) -> httpx.Client:
        """A client with a key."""
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=120, **options)

    def events(self) -> list[dict[str, Any]]:
        """What was logged, all of it JSON but for the line that names the model."""
        lines = self.log.read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines if not line.startswith("model: ")]

    def metrics(self) -> dict[str, float]:
        """What ``/metrics`` says, by series."""
        lines = httpx.get(f"{self.url}/metrics", timeout=30).text.splitlines()
        series = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
        return {name: float(value) for name, value in series}

    def wait_metric(self, name: str, value: float) -> None:
        """Come back when a series has a value."""
        end = time.monotonic() + 60
        while self.metrics().get(name) != value:
            assert time.monotonic() < end, f"{name} is {self.metrics().get(name)} after 60 s, not {value}"
            time.sleep(0.01)

    def wait_ready(self) -> None:
        """Come back when the model answers."""
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            assert self.process.poll() is None, self.log.read_text(encoding="utf-8")
            try:
                if httpx.get(f"{self.url}/ready", timeout=10).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.1)
        raise AssertionError(f"not ready after {START_S} s: {self.log.read_text(encoding='utf-8')}")


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def start_service(
    log: Path, command: Sequence[str] = ("serve", "--model", "shipped"), **settings: object
) -> Service:
    """Start a service by its command, with settings by their names; it is not ready yet."""
    port = free_port()
    given: dict[str, object] = {"port": port, "workers": 1, "state": log.parent / "state", **settings}
    environment = {
        **os.environ,
        **{f"INVOICEGEN_{name.upper()}": str(value) for name, value in given.items()},
    }
    with log.open("ab") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "invoicegen.console", *command],
            env=environment,
            stderr=errors,
        )
    return Service(f"http://127.0.0.1:{port}", port, process, log)


@contextmanager
def running_service(
    log: Path, command: Sequence[str] = ("serve", "--model", "shipped"), **settings: object
) -> Iterator[Service]:
    """A service that is ready, stopped afterwards."""
    service = start_service(log, command, **settings)
    try:
        service.wait_ready()
        yield service
    finally:
        service.process.terminate()
        service.process.wait(60)
