"""Names of parties of real documents as digests, to find them in our own words without keeping them here.

.venv/bin/python tests/support/party_names.py LABELS.JSONL --leave-out FISH Free > tests/release/real_party_names.txt
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

from invoicegen.extraction.lexicon import fold

MOST_WORDS = 8
"""Words of a name that are compared, at most."""


def digest(name: str) -> str:
    """16 hexadecimal digits of a name's folded letters and digits."""
    return hashlib.sha256("".join(_words(name)).encode()).hexdigest()[:16]


def digests_in(text: str) -> Iterator[tuple[str, str]]:
    """Every run of up to :data:`MOST_WORDS` words of a text, with its digest."""
    words = _words(text)
    for start in range(len(words)):
        for end in range(start + 1, min(start + MOST_WORDS, len(words)) + 1):
            run = " ".join(words[start:end])
            yield run, digest(run)


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", fold(text))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("labels", type=Path, help="labels.jsonl of real documents")
    parser.add_argument("--leave-out", nargs="*", default=[], help="names that are common words")
    given = parser.parse_args()
    records = map(json.loads, given.labels.read_text(encoding="utf-8").splitlines())
    fields = [record["fields"] for record in records]
    names = {name for one in fields for role in ("seller", "buyer") for name in one.get(f"{role}_name", [])}
    print(*sorted(map(digest, names - set(given.leave_out))), sep="\n")


if __name__ == "__main__":
    main()
