import os
import sys
import time

import cloudpickle
import pytest

from invoicegen.execution import ExecutionOptions, Failure, map_items

cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers cannot import a test module


def _square(n):
    if n == 3:
        raise ValueError("three is broken")
    return n * n, os.getpid()


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_order_and_a_failure_stays_in_its_place(workers):
    results = list(map_items(_square, range(6), ExecutionOptions(workers=workers, progress=False)))
    assert [r if isinstance(r, Failure) else r[0] for r in results if not isinstance(r, Failure)] == [
        0,
        1,
        4,
        16,
        25,
    ]
    assert isinstance(results[3], Failure)
    assert results[3].error == "ValueError: three is broken"
    assert "_square" in results[3].traceback
    processes = {r[1] for r in results if not isinstance(r, Failure)}
    assert (processes == {os.getpid()}) == (workers == 1)


def test_zero_workers_take_every_core():
    assert ExecutionOptions(workers=0).n_workers == len(os.sched_getaffinity(0))


def _grow(n):
    """Take 400 MB for good at the second call, as a worker does that loads an OCR engine; say which process it is."""
    kept = sys.__dict__.setdefault(
        "kept_by_test_execution", []
    )  # the function's own globals are new at each call
    kept.append(b"x" * 400_000_000 if len(kept) == 1 else b"")
    time.sleep(1.1)  # loky looks at a worker's memory once a second
    return os.getpid()


def test_a_worker_that_loaded_a_model_is_kept():
    processes = list(map_items(_grow, range(8), ExecutionOptions(workers=2, progress=False)))
    assert not any(isinstance(process, Failure) for process in processes)
    assert len(set(processes)) == 2
