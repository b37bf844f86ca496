"""Requests counted in Redis, by services that share it."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from service import free_port

from invoicegen.serving.metrics import Metrics
from invoicegen.serving.options import ServiceOptions
from invoicegen.serving.problems import ApiError
from invoicegen.serving.rates import RateLimiter

REDIS = Path("/usr/bin/redis-server")


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Debian's Redis on a port of its own: its address and its process."""
    assert REDIS.is_file(), "Redis is not there: run `make setup-browser`, which installs Debian's"
    port = free_port()
    process = subprocess.Popen(
        [str(REDIS), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)],
        stdout=subprocess.DEVNULL,
    )
    yield f"redis://127.0.0.1:{port}/0", process
    process.kill()
    process.wait()


def status(limiter: RateLimiter, who: str) -> int:
    async def take() -> int:
        try:
            await limiter.take(who)
        except ApiError as refused:
            return refused.status
        return 200

    with ThreadPoolExecutor(1) as thread:  # the browser of other tests has an event loop in this one
        return thread.submit(asyncio.run, take()).result()


def limiter(address: str, then: str = "allow", metrics: Metrics | None = None) -> RateLimiter:
    options = ServiceOptions(rate_limit="3/minute", rate_limit_storage=address, rate_limit_on_failure=then)
    return RateLimiter(options, metrics or Metrics())


def test_services_that_share_redis_count_together_and_do_as_set_without_it(redis):
    address, process = redis
    end = time.monotonic() + 20
    while status(limiter(address, "refuse"), "nobody") == 503:
        assert time.monotonic() < end, "Redis does not answer"
        time.sleep(0.05)
    assert [status(limiter(address), "someone") for _ in range(4)] == [200, 200, 200, 429]
    assert status(limiter(address), "another") == 200
    process.kill()
    process.wait()
    for then, expected in (("allow", 200), ("refuse", 503)):
        metrics = Metrics()
        assert status(limiter(address, then, metrics), "someone") == expected
        assert metrics.registry.get_sample_value("invoicegen_rate_storage_failures_total") == 1
