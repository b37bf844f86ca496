"""How many requests a key may make, counted in this process or in Redis."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping

from limits import parse
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter
from limits.errors import StorageError

from invoicegen.serving.logs import get_logger
from invoicegen.serving.metrics import Metrics
from invoicegen.serving.options import HttpOptions
from invoicegen.serving.problems import ApiError

logger = get_logger(__name__)

_REDIS_TIMEOUT_S = 0.5


class RateLimiter:
    """A moving window of requests for each key.

    Args:
        options: ``rate_limit`` and its storage.
        metrics: Where failures of the storage are counted.

    Raises:
        limits.errors.ConfigurationError: If Redis is asked for and its client is not installed.
    """

    def __init__(self, options: HttpOptions, metrics: Metrics) -> None:
        self._item = parse(options.rate_limit)
        self._on_failure = options.rate_limit_on_failure
        self._metrics = metrics
        address = options.rate_limit_storage.get_secret_value()
        self._storage = (
            MemoryStorage()
            if address == "memory"
            else RedisStorage(
                f"async+{address}",
                wrap_exceptions=True,
                implementation="redispy",
                socket_timeout=_REDIS_TIMEOUT_S,
                socket_connect_timeout=_REDIS_TIMEOUT_S,
            )
        )
        self._limiter = MovingWindowRateLimiter(self._storage)

    async def take(self, who: str) -> Mapping[str, str]:
        """Count a request of ``who``.

        Returns:
            Headers that tell what is left (draft-ietf-httpapi-ratelimit-headers, the widespread form).

        Raises:
            ApiError: 429 where ``who`` has made too many; 503 where Redis cannot be reached and requests are then
                refused.
        """
        try:
            allowed = await self._limiter.hit(self._item, who)
            window = await self._limiter.get_window_stats(self._item, who)
        except StorageError:
            logger.error("rate limit storage cannot be reached", then=self._on_failure)
            self._metrics.rate_failures.inc()
            if self._on_failure == "allow":
                return {}
            raise ApiError(
                503,
                "rate-limit-unavailable",
                "requests cannot be counted now; try again",
                {"Retry-After": "5"},
            ) from None
        wait = max(1, math.ceil(window.reset_time - time.time()))
        headers = {
            "RateLimit-Limit": str(self._item.amount),
            "RateLimit-Remaining": str(max(0, window.remaining)),
            "RateLimit-Reset": str(wait),
        }
        if not allowed:
            raise ApiError(
                429,
                "too-many-requests",
                f"at most {self._item}; wait {wait} s",
                {**headers, "Retry-After": str(wait), "Connection": "close"},
            )
        return headers
