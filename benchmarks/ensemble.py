"""What labelling costs with one model folder or another, an ensemble beside its members: time and memory.

    python benchmarks/ensemble.py data/05_model_input/test_pages FOLDER [FOLDER …] [--pages 48] [--rounds 3]

Each folder has a process of its own with one thread, and labels the same pages one by one, as ``extract`` does with
one-page documents; encoding and decoding are in the times, OCR is not. Times are CPU time, the least of the rounds; the
ratio is to the first folder. Memory is the largest resident set of the process.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path

import pyarrow.parquet as pq


def measure(folder: str, shards: Path, n_pages: int, rounds: int) -> dict[str, float]:
    from invoicegen.modeling import ModelLoader, PageInput
    from invoicegen.schema.annotation import Word

    labeler = ModelLoader(threads=1).load(folder)
    columns = ["page", "width", "height", "tokens", "boxes"]
    rows = (
        row
        for file in sorted(shards.rglob("*.parquet"))
        for row in pq.read_table(file, columns=columns).to_pylist()
    )
    pages = [
        PageInput(
            row["page"],
            row["width"],
            row["height"],
            [Word(text=text, box=box) for text, box in zip(row["tokens"], row["boxes"], strict=True)],
        )
        for row in islice(rows, n_pages)
    ]
    spent = []
    for _ in range(rounds):
        begun = time.process_time()
        for page in pages:
            labeler.predict_pages([page])
        spent.append(time.process_time() - begun)
    status = Path("/proc/self/status").read_text()
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]
    return {"pages": len(pages), "ms": 1000 * min(spent) / len(pages), "mb": int(peak) / 1024}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("shards", type=Path, help="folder of labelled pages")
    parser.add_argument("folders", nargs="+", help="of models or ensembles, or shipped")
    parser.add_argument("--pages", type=int, default=48)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(measure(given.folders[0], given.shards, given.pages, given.rounds)))
        return
    print("| folder | pages | CPU ms a page | ratio | memory, MB |\n|--|--|--|--|--|")
    first = None
    for folder in given.folders:
        options = ["--one", "--pages", str(given.pages), "--rounds", str(given.rounds)]
        command = [sys.executable, __file__, str(given.shards), folder, *options]
        found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        first = first or found["ms"]
        print(
            f"| {folder} | {found['pages']} | {found['ms']:.0f} | {found['ms'] / first:.2f} | {found['mb']:.0f} |"
        )


if __name__ == "__main__":
    main()
