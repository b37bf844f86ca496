"""One call spreads documents over workers: :func:`map_items`.

joblib runs them: in this process, on the processes of this machine (loky), or on a Dask cluster that is there already.

A failing item never ends the run: it comes back as a :class:`Failure` in its place.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field

_CONNECT_S: Final = 20
"""Seconds to wait for a scheduler, and for its first worker."""
_WORKER_MAY_GROW_BY = 3 * 2**30
"""Bytes that a worker may grow before loky restarts it: an OCR engine and a model with room to spare."""

Item = TypeVar("Item")
Result = TypeVar("Result")


class ExecutionOptions(BaseModel):
    """How work is spread over documents."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    workers: int = Field(0, ge=0, description="processes; 0 takes one per core, 1 runs in this process")
    scheduler: str | None = Field(
        None,
        pattern=r"^(tcp|tls|ws|wss|ucx)://.+",
        description="address of a running Dask scheduler, whose workers then do the work; null works on this machine",
    )
    progress: bool = Field(True, description="show a progress bar on a terminal")

    @property
    def n_workers(self) -> int:
        """The number of processes that will run."""
        return self.workers or len(os.sched_getaffinity(0))


class ExecutionError(RuntimeError):
    """The engine that should do the work is not there; the message says the mend."""


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
    """``function`` of every item, in the order of the items, over ``options.n_workers`` processes or a cluster.

    ``function`` must be picklable and must not depend on global state: its result is the same whatever the
    number of workers. Workers are kept between calls, so what a worker caches at module level is loaded once.

    Raises:
        ExecutionError: If the Dask cluster that ``options.scheduler`` names cannot be used.
    """
    if options.scheduler is not None:
        yield from _on_cluster(_Guarded(function, in_worker=False), items, options.scheduler)
        return
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


def _on_cluster(guarded: _Guarded, items: Iterable[object], address: str) -> Iterator[Any]:
    try:
        from distributed import Client
    except ImportError as error:
        raise ExecutionError(
            f"execution.scheduler is {address}, and Dask is not installed: pip install 'invoicegen[dask]'"
        ) from error
    from joblib import Parallel, delayed
    from joblib.parallel import parallel_config

    try:
        client: Any = Client(address, timeout=_CONNECT_S, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise ExecutionError(
            f"no Dask scheduler answers at {address} ({error}); start one with `dask scheduler`, or set "
            "execution.scheduler to null"
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=_CONNECT_S)
        except TimeoutError as error:
            raise ExecutionError(
                f"the Dask scheduler at {address} has no workers; start some with `dask worker {address}`"
            ) from error
        with parallel_config("dask", client=client):
            yield from Parallel(return_as="generator", batch_size=1)(delayed(guarded)(item) for item in items)
