"""One call spreads documents over workers: :func:`map_items`.

A failing item never ends the run: it comes back as a :class:`Failure` in its place.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field

_WORKER_MAY_GROW_BY = 3 * 2**30
"""Bytes that a worker may grow before loky restarts it: an OCR engine and a model with room to spare."""

Item = TypeVar("Item")
Result = TypeVar("Result")


class ExecutionOptions(BaseModel):
    """How work is spread over documents."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    workers: int = Field(0, ge=0, description="processes; 0 takes one per core, 1 runs in this process")
    progress: bool = Field(True, description="show a progress bar on a terminal")

    @property
    def n_workers(self) -> int:
        """The number of processes that will run."""
        return self.workers or len(os.sched_getaffinity(0))


@dataclass(frozen=True, slots=True)
class Failure:
    """An item that raised: its error, and where."""

    error: str
    traceback: str


@dataclass(frozen=True, slots=True)
class _Guarded:
    function: Callable[..., object]
    in_worker: bool

    def __call__(self, item: object) -> object:
        if self.in_worker:
            _keep_worker()
        try:
            return self.function(item)
        except Exception as error:
            return Failure(f"{type(error).__name__}: {error}", traceback.format_exc())


def _keep_worker() -> None:
    """Let a worker grow by what its models need.

    loky takes a worker that grew by 300 MB since its first task for a leaking one and restarts it. An OCR engine
    is larger than that, so workers were restarted, and their models loaded anew, after nearly every page.
    """
    from joblib.externals.loky import process_executor

    process_executor._MAX_MEMORY_LEAK_SIZE = _WORKER_MAY_GROW_BY


def map_items(
    function: Callable[[Item], Result], items: Iterable[Item], options: ExecutionOptions
) -> Iterator[Result | Failure]:
    """``function`` of every item, in the order of the items, over ``options.n_workers`` processes.

    ``function`` must be picklable and must not depend on global state: its result is the same whatever the
    number of workers. Workers are kept between calls, so what a worker caches at module level is loaded once.
    """
    guarded = _Guarded(function, in_worker=options.n_workers > 1)
    if options.n_workers == 1:
        yield from (guarded(item) for item in items)  # type: ignore[misc]
        return
    from joblib import Parallel, delayed

    # inner_max_num_threads: workers share the cores; two threads each would make them fight.
    from joblib.parallel import parallel_config

    with parallel_config("loky", inner_max_num_threads=1):
        results = Parallel(n_jobs=options.n_workers, return_as="generator", batch_size=1)(
            delayed(guarded)(item) for item in items
        )
        yield from results
