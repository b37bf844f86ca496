"""The processes that read documents, seen from the event loop: bounded, timed, replaced when they die."""

from __future__ import annotations

import asyncio
import math
import multiprocessing
import resource
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

from pebble import ProcessExpired, ProcessPool

from invoicegen.serving.logs import get_logger
from invoicegen.serving.metrics import Metrics
from invoicegen.serving.options import HttpOptions
from invoicegen.serving.problems import ApiError

logger = get_logger(__name__)

Result = TypeVar("Result")
Answer = TypeVar("Answer")
Options = TypeVar("Options", bound=HttpOptions)

_ANSWERED_RECENTLY_S: Final = 30
"""A model that gave a result so recently need not be asked whether it answers."""
_ANSWER_TIMEOUT_S: Final = 60
_ASKED_WAIT_S: Final = 5
_RETRY_S: Final = 2
_POOLS_TRIED: Final = 3


class WorkerDiedError(ApiError):
    """The process that was reading a document ended: by the document, or by somebody's hand."""

    def __init__(self) -> None:
        super().__init__(
            422, "unreadable-document", "the document ended the process that read it; save it anew"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), ())


class WorkersLostError(ApiError):
    """The processes were lost, not by this document, and could not be replaced."""

    def __init__(self) -> None:
        super().__init__(503, "overloaded", "the workers were lost; try again", {"Retry-After": "10"})

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), ())


class WorkerPool(Generic[Answer]):
    """Processes with a model each.

    Args:
        options: What they load, how many they are, how many requests may wait.
        metrics: Where documents in hand, tasks and workers are counted.
        start: Called with ``options`` in every process before anything else: loads the model.
        answer: Called in one of them to see whether the model answers.

    Attributes:
        answer: What the model answered when last asked; None before.
    """

    def __init__(
        self,
        options: Options,
        metrics: Metrics,
        start: Callable[[Options], None],
        answer: Callable[[], Answer],
    ) -> None:
        self._options: HttpOptions = options
        self._metrics = metrics
        self._start = partial(start, options)
        self._ask_for = answer
        self._pool = self._make()
        self.answer: Answer | None = None
        self._in_hand = 0
        self._tasks: dict[Future[Any], float] = {}
        self._seconds = 1.0  # what a document takes, a moving mean
        self._answered: float | None = None
        self._asking: asyncio.Task[bool] | None = None
        metrics.watch(self, options.workers, options.worker_memory_bytes)

    def _make(self) -> ProcessPool:
        return ProcessPool(
            max_workers=self._options.workers,
            initializer=self._start,
            context=multiprocessing.get_context("spawn"),
        )

    async def _schedule(
        self, function: Callable[..., Result], args: tuple[object, ...], timeout_s: float
    ) -> Result:
        """The result of ``function`` in a worker.

        A worker that is killed while none is at work breaks a pool of pebble for good: then another takes its place.
        """
        for _ in range(_POOLS_TRIED):
            pool = self._pool
            try:
                future = pool.schedule(function, args=args, timeout=timeout_s)
            except RuntimeError:  # broken before, or meanwhile
                await self._replace(pool)
                continue
            self._tasks[future] = time.monotonic()
            future.add_done_callback(lambda done: self._tasks.pop(done, None))
            try:
                result: Result = await asyncio.wrap_future(future)
            except BrokenProcessPool:
                await self._replace(pool)
            else:
                return result
        raise WorkersLostError

    async def _replace(self, broken: ProcessPool) -> None:
        if self._pool is not broken:
            return  # another request has done it
        logger.error("the workers were lost; starting others")
        self._metrics.restarts.labels("lost").inc(self._options.workers)
        self._pool = self._make()
        await asyncio.to_thread(_end, broken)

    def resident_bytes(self) -> list[int]:
        """Memory of each worker that is alive, in the order of their process ids."""
        sizes = []
        for worker in sorted(multiprocessing.active_children(), key=lambda process: process.pid or 0):
            with suppress(OSError):  # it ended meanwhile
                pages = Path(f"/proc/{worker.pid}/statm").read_text(encoding="ascii").split()[1]
                sizes.append(int(pages) * resource.getpagesize())
        return sizes

    def waiting_s(self) -> list[float]:
        """How long each task has waited that no worker has begun."""
        now = time.monotonic()
        return [now - since for task, since in list(self._tasks.items()) if not task.running()]

    def running(self) -> int:
        """Tasks that workers are at."""
        return sum(task.running() for task in list(self._tasks))

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place at a worker or in the queue before it.

        Raises:
            ApiError: 503 where all are taken.
        """
        if self._in_hand >= self._options.workers + self._options.queue:
            raise ApiError(
                503,
                "overloaded",
                "as many documents are being read as can be; try again",
                {"Retry-After": str(self.wait_s()), "Connection": "close"},
            )
        self._in_hand += 1
        self._metrics.in_hand.set(self._in_hand)
        try:
            yield
        finally:
            self._in_hand -= 1
            self._metrics.in_hand.set(self._in_hand)

    def wait_s(self) -> int:
        """Seconds after which a place will probably be free."""
        return max(1, math.ceil(self._seconds * self._in_hand / self._options.workers / 2))

    async def run(self, function: Callable[..., Result], *args: object) -> Result:
        """The result of ``function`` in a worker.

        Raises:
            ApiError: 504 where it took too long, 422 where the process died of it; what ``function`` raises itself.
        """
        start = time.perf_counter()
        try:
            result = await self._schedule(function, args, self._options.extract_timeout_s)
        except FutureTimeoutError:
            self._metrics.restarts.labels("timeout").inc()
            seconds = f"{self._options.extract_timeout_s:g}"
            raise ApiError(
                504,
                "took-too-long",
                f"the document was not read within {seconds} s; split it, or scan it coarser",
            ) from None
        except ProcessExpired as error:
            logger.error("worker died", exit_code=error.exitcode)
            self._metrics.restarts.labels("died").inc()
            raise WorkerDiedError from None
        self._answered = time.monotonic()
        self._seconds += 0.1 * (time.perf_counter() - start - self._seconds)
        return result

    @property
    def is_warm(self) -> bool:
        """Whether the model has answered yet."""
        return self._answered is not None

    async def answers(self) -> bool:
        """Whether the model answers: it just did, or does when it is asked."""
        if self._answered is not None and time.monotonic() - self._answered < _ANSWERED_RECENTLY_S:
            return True
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        try:
            return await asyncio.wait_for(asyncio.shield(self._asking), _ASKED_WAIT_S)
        except TimeoutError:
            return False

    async def _ask(self) -> bool:
        try:
            self.answer = await self._schedule(self._ask_for, (), _ANSWER_TIMEOUT_S)
        except Exception:  # whatever keeps the model from answering, the service is not ready
            logger.exception("the model does not answer")
            self._metrics.ready.set(0)
            return False
        self._answered = time.monotonic()
        self._metrics.ready.set(1)
        return True

    async def warm_up(self) -> None:
        """Load every worker's model; comes back when one answers."""
        while not await self.answers():
            await asyncio.sleep(_RETRY_S)
        logger.info("ready", workers=self._options.workers)

    async def close(self) -> None:
        """End the processes; what they were reading is lost, so let requests end before."""
        await asyncio.to_thread(_end, self._pool)


def _end(pool: ProcessPool) -> None:
    """End the processes of a pool, and wait for that."""
    pool.stop()  # type: ignore[no-untyped-call]
    pool.join()
