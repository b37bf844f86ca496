import json
import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import cloudpickle
import pytest
import yaml
from distributed import Client
from pydantic import ValidationError

from invoicegen.execution import ExecutionError, ExecutionOptions, Failure, map_items
from invoicegen.pipelines.options import GenerateOptions
from invoicegen.templates import plan_document

PARAMETERS = Path(__file__).parents[1] / "conf/base/parameters_generate.yml"

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


@pytest.fixture
def cluster(tmp_path):
    """A Dask scheduler and two workers, each a process of its own: the scheduler's address and the workers."""
    file = tmp_path / "scheduler.json"
    dask = [sys.executable, "-m", "dask"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    local = ["--scheduler-file", str(file), "--no-dashboard"]
    running = [subprocess.Popen([*dask, "scheduler", "--host", "127.0.0.1", "--port", "0", *local], **quiet)]
    deadline = time.monotonic() + 60
    while not file.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    worker = [*dask, "worker", *local, "--nworkers", "1", "--nthreads", "1", "--no-nanny"]
    running += [subprocess.Popen([*worker, "--local-directory", str(tmp_path)], **quiet) for _ in range(2)]
    with Client(scheduler_file=str(file), set_as_default=False) as client:
        client.wait_for_workers(2, timeout=60)
    yield json.loads(file.read_text())["address"], running[1:]
    for process in running:
        process.kill()
        process.wait()


def test_a_cluster_gives_the_results_of_one_process_in_order(cluster):
    address, workers = cluster
    on_cluster = list(map_items(_square, range(40), ExecutionOptions(scheduler=address, progress=False)))
    here = list(map_items(_square, range(40), ExecutionOptions(workers=1, progress=False)))
    assert [r.error if isinstance(r, Failure) else r[0] for r in on_cluster] == [
        r.error if isinstance(r, Failure) else r[0] for r in here
    ]
    processes = {r[1] for r in on_cluster if not isinstance(r, Failure)}
    assert processes == {worker.pid for worker in workers}


def _slow_square(n):
    time.sleep(0.05)
    return n * n


def test_nothing_is_lost_when_a_worker_of_the_cluster_is_killed(cluster):
    address, workers = cluster
    results = map_items(_slow_square, range(120), ExecutionOptions(scheduler=address, progress=False))
    first = [next(results) for _ in range(5)]
    workers[0].kill()
    assert first + list(results) == [n * n for n in range(120)]


def test_a_cluster_makes_the_documents_that_one_process_makes(cluster):
    address, _ = cluster
    options = GenerateOptions.model_validate(yaml.safe_load(PARAMETERS.read_text())["generate"])
    plans = [plan_document(index, options).model_dump(mode="json") for index in range(12)]
    work = partial(sample_pdf, dpi=72)
    here = list(map_items(work, plans, ExecutionOptions(workers=1, progress=False)))
    there = list(map_items(work, plans, ExecutionOptions(scheduler=address, progress=False)))
    assert not any(isinstance(result, Failure) for result in here)
    assert there == here


def sample_pdf(plan, dpi):
    from invoicegen.pipelines.rendering.nodes import render_invoice
    from invoicegen.pipelines.synthesis.nodes import synthesise_document

    return render_invoice(synthesise_document(plan), dpi=dpi)


def test_a_scheduler_that_is_not_there_is_a_clear_error(monkeypatch):
    monkeypatch.setattr("invoicegen.execution._CONNECT_S", 0.5)
    nowhere = ExecutionOptions(scheduler="tcp://127.0.0.1:9", progress=False)
    with pytest.raises(
        ExecutionError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9 .*`dask scheduler`"
    ):
        list(map_items(_square, range(3), nowhere))
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ExecutionError, match=r"pip install 'invoicegen\[dask\]'"):
        list(map_items(_square, range(3), nowhere))
    with pytest.raises(ValidationError, match="scheduler"):
        ExecutionOptions(scheduler="localhost")
