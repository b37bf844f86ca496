"""How many subwords the tokenizers of both sources of the compact model cut a word into, by language.

    python benchmarks/subwords.py data/05_model_input/train_pages [--pages 2000]

A word is cut as training cuts it: its first eight subwords count. Words with digits are counted apart.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from pathlib import Path

import pyarrow.parquet as pq

from invoicegen.modeling.encoding import WordTokenizer
from invoicegen.modeling.warm_start import COMPACT, MULTILINGUAL, starting_point

SOURCES = {COMPACT: "MiniLM", MULTILINGUAL: "multilingual e5"}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pages", type=int, default=2000)
    given = parser.parse_args()
    words: dict[str, Counter[str]] = defaultdict(Counter)
    left = given.pages
    for file in sorted(given.folder.rglob("*.parquet")):
        for row in pq.read_table(file, columns=["locale", "tokens"]).slice(0, max(left, 0)).to_pylist():
            words[row["locale"][:2]].update(row["tokens"])
            left -= 1
    tokenizers = {
        title: WordTokenizer(starting_point(source, 0).tokenizer, 8) for source, title in SOURCES.items()
    }
    print("| language | words |", " | ".join(f"{title} | with digits" for title in tokenizers), "|")
    print("|--" * (2 + 2 * len(tokenizers)) + "|")
    for language in sorted(words):
        cells = []
        for tokenizer in tokenizers.values():
            for with_digits in (False, True):
                chosen = {
                    word: count
                    for word, count in words[language].items()
                    if any(map(str.isdigit, word)) == with_digits
                }
                cut = zip(tokenizer(list(chosen)), chosen.values(), strict=True)
                mean = sum(len(pieces) * count for pieces, count in cut) / max(sum(chosen.values()), 1)
                cells.append(f"{mean:.2f}")
        print(f"| {language} | {sum(words[language].values())} |", " | ".join(cells), "|")


if __name__ == "__main__":
    main()
