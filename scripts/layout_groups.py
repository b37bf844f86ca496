#!/usr/bin/env python
"""Counts the distinct layouts (`split_group`) in a number of draws, and checks that no layout is in two splits.

.venv/bin/python scripts/layout_groups.py --documents 20000
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import yaml
from tqdm import tqdm

from invoicegen.pipelines.options import GenerateOptions
from invoicegen.splitting import assign_split
from invoicegen.templates import plan_document

PARAMETERS = Path(__file__).parents[1] / "conf/base/parameters_generate.yml"


def main() -> None:
    """Draw, count, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", type=int, default=20_000, help="draws (default: %(default)s)")
    given = parser.parse_args()
    options = GenerateOptions.model_validate(yaml.safe_load(PARAMETERS.read_text())["generate"])
    groups: dict[str, Counter[str]] = {}
    splits: dict[str, set[str]] = {}
    for index in tqdm(range(given.documents), unit="draw"):
        plan = plan_document(index, options)
        groups.setdefault(plan.family, Counter())[plan.split_group] += 1
        split = assign_split(plan.split_group, options.seed, options.split.model_dump())
        splits.setdefault(plan.split_group, set()).add(split)
    total = sum(len(found) for found in groups.values())
    print(f"{given.documents:,} draws, {total:,} layouts")
    for family, found in sorted(groups.items()):
        drawn, most = sum(found.values()), max(found.values())
        print(f"  {family:<8} {drawn:>7,} draws, {len(found):>7,} layouts, most drawn {most}x")
    shared = sum(len(found) > 1 for found in splits.values())
    share = Counter(next(iter(found)) for found in splits.values())
    print("layouts by split: " + ", ".join(f"{name} {count:,}" for name, count in share.most_common()))
    print(f"layouts in more than one split: {shared}")
    if shared:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
