"""What is wrong in the fields of real documents, by how it differs from the label.

    kedro run --pipeline=evaluate_real --params=real.path=DIR
    python benchmarks/real_errors.py --real DIR [data/08_reporting/real_scores.json]

Names and addresses are compared by their letters and digits, without accents: misread are those that are ``--alike``
the label (difflib's ratio) and neither hold it nor are part of it. Written as a table in Markdown, receipts beside
invoices.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from functools import cache
from pathlib import Path
from typing import Any

from babel import Locale

from invoicegen.evaluation.real import read_labels
from invoicegen.extraction.lexicon import LANGUAGES, fold

ALIKE = 0.85
COUNTRY = "the label's, with the country or without"
"""How addresses differ where labels and print contradict each other (decision 23)."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("scores", nargs="?", type=Path, default=Path("data/08_reporting/real_scores.json"))
    parser.add_argument("--real", type=Path, required=True, help="folder of the documents, with labels.jsonl")
    parser.add_argument("--alike", type=float, default=ALIKE, help="from which two texts are one, misread")
    given = parser.parse_args()
    if not given.scores.is_file():
        raise SystemExit(f"{given.scores}: no such file; evaluate real documents first (--help)")
    kinds = {label.file: label.kind for label in read_labels(given.real)}
    print(as_table(count(json.loads(given.scores.read_text())["wrong"], kinds, given.alike)))


def count(
    wrong: Sequence[Mapping[str, Any]], kinds: Mapping[str, str], alike: float = ALIKE
) -> Counter[tuple[str, str, str]]:
    """How many wrong values there are of each group of fields, difference and kind of document."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for entry in wrong:
        party = entry["field"].endswith(("_name", "_address"))
        group = "names and addresses" if party else "other fields"
        how = difference(entry["true"], entry["value"], party=party, alike=alike)
        counts[group, how, kinds[entry["file"]]] += 1
    return counts


def difference(labels: Sequence[str], value: str | None, *, party: bool, alike: float = ALIKE) -> str:
    """How a value differs from the label that it is closest to; of fields other than names and addresses only whether
    there is one.
    """
    if value is None:
        return "nothing found"
    if not party:
        return "another value"
    found = letters(value)
    label = max(
        map(letters, labels), key=lambda text: SequenceMatcher(None, text, found, autojunk=False).ratio()
    )
    short, long = sorted((label, found), key=len)
    if long.startswith(short) and names_countries(long[len(short) :]):
        return COUNTRY
    if label in found:
        return "more than the label"
    if found in label:
        return "part of the label"
    ratio = SequenceMatcher(None, label, found, autojunk=False).ratio()
    return "misread" if ratio >= alike else "something else"


def letters(text: str) -> str:
    """Letters and digits, folded."""
    return "".join(filter(str.isalnum, fold(text)))


@cache
def country_names() -> frozenset[str]:
    """Of all languages that are generated, from the CLDR through babel."""
    return frozenset(letters(str(name)) for code in LANGUAGES for name in Locale(code).territories.values())


def names_countries(text: str) -> bool:
    """Whether a text is the name of a country, or of one in two languages."""
    return any(
        text[:end] in country_names() and (end == len(text) or text[end:] in country_names())
        for end in range(1, len(text) + 1)
    )


def as_table(counts: Counter[tuple[str, str, str]]) -> str:
    """Rows by how many, receipts and invoices beside each other."""
    rows = Counter[tuple[str, str]]()
    for (group, kind, _), number in counts.items():
        rows[group, kind] += number
    lines = ["| | | receipts | invoices |", "|--|--|--|--|"]
    for group, kind in sorted(rows, key=lambda row: (row[0], -rows[row])):
        numbers = [counts[group, kind, document] for document in ("receipt", "invoice")]
        lines.append(f"| {group} | {kind} | {numbers[0]} | {numbers[1]} |")
    return "\n".join([*lines, f"\n{counts.total()} in all"])


if __name__ == "__main__":
    main()
