"""Mutated documents against a running service.

    python tests/support/fuzzing.py --documents 10000

ends with status 0 where each got a clear answer, no worker died, and memory stayed bounded.
"""

from __future__ import annotations

import argparse
import collections
import io
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
from mutations import mutant
from service import Service, running_service
from text_pdf import text_pdf
from tqdm import tqdm

SETTINGS = {
    "rate_limit": "1000000/minute",
    "max_file_bytes": 5_000_000,
    "max_image_pixels": 20_000_000,
    "extract_timeout_s": 15,
}
CLEAR = {200, 400, 413, 415, 422, 504}
"""What a document may get: it was read, or what is wrong with it is told; 504 says that it takes too long."""
MAX_GROWTH_BYTES = 1_500_000_000
"""What all processes of the service together may take more at the end than when they were ready."""


@dataclass
class Outcome:
    """What became of mutants: their number by status and kind, and what is wrong."""

    counts: collections.Counter[str] = field(default_factory=collections.Counter)
    wrong: list[str] = field(default_factory=list)


def sources() -> dict[str, bytes]:
    """Sound documents, small, so that those which survive their mutation are read quickly."""
    import pypdfium2

    pdf = text_pdf([[(50, 60, "Invoice INV-2026-00042"), (50, 90, "Total"), (480, 90, "400,00")]] * 2)
    image = pypdfium2.PdfDocument(pdf)[0].render(scale=0.5).to_pil()
    found = {"PDF": pdf}
    for kind in ("PNG", "JPEG", "TIFF"):
        buffer = io.BytesIO()
        image.save(buffer, kind, **({"save_all": True, "append_images": [image]} if kind == "TIFF" else {}))
        found[kind] = buffer.getvalue()
    return found


def memory(service: Service) -> int:
    """Bytes of all processes of a service that no other process has."""
    server = psutil.Process(service.process.pid)
    return sum(one.memory_full_info().uss for one in [server, *server.children(recursive=True)])


def fuzz(service: Service, documents: int, seed: int, first: int = 0) -> Outcome:
    """Send mutants one after the other, from number ``first`` on; Ctrl-C ends that early, and loses nothing."""
    outcome = Outcome()
    sound = sources()
    client = service.client()
    client.post(
        "/v1/extract", files={"file": ("a.png", sound["PNG"])}
    )  # what is loaded at first use is no growth
    before = memory(service)
    with suppress(KeyboardInterrupt):
        for index in tqdm(range(first, first + documents), unit="document", disable=None):
            made = mutant(seed, index, sound)
            what = f"{index} ({made.how} of {made.source})"
            try:
                answer = client.post("/v1/extract", files={"file": ("a", made.data)})
            except httpx.HTTPError as error:
                outcome.counts["no answer"] += 1
                outcome.wrong.append(f"{what}: {type(error).__name__}: {error}")
                continue
            problem = "" if answer.status_code == 200 else answer.json()["type"].rsplit(":", 1)[1]
            outcome.counts[f"{answer.status_code} {problem}".strip()] += 1
            died = problem == "unreadable-document" and "ended the process" in answer.json()["detail"]
            if answer.status_code not in CLEAR or died:
                outcome.wrong.append(f"{what}: {answer.status_code} {answer.text[:200]}")
    grown = memory(service) - before
    if grown > MAX_GROWTH_BYTES:
        outcome.wrong.append(f"memory grew by {grown / 1e6:.0f} MB")
    if client.get("/ready").status_code != 200:
        outcome.wrong.append("the service is not ready afterwards")
    return outcome


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=10_000)
    parser.add_argument(
        "--first", type=int, default=0, help="number of the first mutant, to go on or to share"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--time-limit",
        type=float,
        default=SETTINGS["extract_timeout_s"],
        help="of the service, seconds a document",
    )
    given = parser.parse_args()
    settings = SETTINGS | {"extract_timeout_s": given.time_limit}
    with (
        tempfile.TemporaryDirectory() as folder,
        running_service(Path(folder) / "log.jsonl", **settings) as service,
    ):
        outcome = fuzz(service, given.documents, given.seed, given.first)
    for status, count in outcome.counts.most_common():
        print(f"{count:6d}  {status}")
    print("\n".join(outcome.wrong) or f"{outcome.counts.total()} documents: every one got a clear answer")
    sys.exit(bool(outcome.wrong))


if __name__ == "__main__":
    main()
