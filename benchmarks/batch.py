"""A folder of documents by one worker and by several: throughput, and memory over the documents.

    python benchmarks/batch.py FILE… --documents 200 --workers 2
    python benchmarks/batch.py FILE… --documents 5000 --workers 2 --skip-one

The files are read in turn until so many documents are read, as `invoicegen extract --workers` reads them; the first
tenth, in which models are loaded, is not counted. Memory is the resident set of this process and its workers; its slope
is that of a line through all documents after the first quarter. Prints Markdown.
"""

from __future__ import annotations

import argparse
import logging
import time
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import psutil

from invoicegen.execution import ExecutionOptions
from invoicegen.extraction import ExtractOptions, extract_files
from invoicegen.weights import SHIPPED


@dataclass(frozen=True)
class Measured:
    """A run.

    Attributes:
        per_second: Documents a second.
        failed: Documents that could not be read.
        rss_bytes: Resident set at the end.
        slope_bytes: What a document adds to it.
    """

    per_second: float
    failed: int
    rss_bytes: float
    slope_bytes: float


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--documents", type=int, default=200)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--model", default=SHIPPED)
    parser.add_argument("--skip-one", action="store_true", help="measure the workers alone")
    given = parser.parse_args()
    if given.documents < 20:
        parser.error("--documents: at least 20, so that something is left after the start")
    logging.disable(logging.WARNING)
    print("| workers | documents | failed | documents/s | RSS at the end, MiB | RSS slope, KiB a document |")
    print("|--|--|--|--|--|--|")
    runs = {}
    for workers in [given.workers] if given.skip_one else [1, given.workers]:
        runs[workers] = run = measure(given.files, given.documents, workers, given.model)
        print(
            f"| {workers} | {given.documents} | {run.failed} | {run.per_second:.2f} | {run.rss_bytes / 2**20:.0f} "
            f"| {run.slope_bytes / 2**10:+.1f} |",
            flush=True,
        )
    if not given.skip_one:
        print(
            f"\n{given.workers} workers: {runs[given.workers].per_second / runs[1].per_second:.2f} times one"
        )


def measure(files: list[Path], documents: int, workers: int, model: str) -> Measured:
    """Read so many documents."""
    options = ExtractOptions(model=model, execution=ExecutionOptions(workers=workers, progress=False))
    paths = [str(path) for path in islice(cycle(files), documents)]
    seen: list[tuple[int, float]] = []  # files read so far, and the resident set then
    times: list[float] = []
    failed, before, read = 0, None, 0
    for record in extract_files(paths, options):
        failed += "error" in record
        if record.get("page_range", [0])[0] == 0 or record["file"] != before:
            read += 1
            times.append(time.perf_counter())
            seen.append((read, resident_bytes()))
        before = record["file"]
    start = max(1, documents // 10)
    counts, sizes = np.array(seen[documents // 4 :], dtype=np.float64).T
    return Measured(
        per_second=(len(times) - start) / (times[-1] - times[start - 1]),
        failed=failed,
        rss_bytes=float(sizes[-1]),
        slope_bytes=float(np.polyfit(counts, sizes, 1)[0]),
    )


def resident_bytes() -> int:
    """Of this process and all that it started."""
    here = psutil.Process()
    total = here.memory_info().rss
    for child in here.children(recursive=True):
        try:
            total += child.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


if __name__ == "__main__":
    main()
