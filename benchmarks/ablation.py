"""Ways to train the compact model, side by side: equal pages, steps and seeds; generated and real documents.

    python benchmarks/ablation.py --pages data/05_model_input --output FOLDER [--real DIR] [--variants baseline,crf]

Each variant is trained on the same pages of the training split for the same number of steps; one that pre-trains does
so in half of them. It is scored on documents of the test split, whose layouts are none of training, and on a folder
of real documents with ``labels.jsonl``, whose words are read once and kept in FOLDER. Scores are compared with those of
the variant ``baseline`` of the same seed on the same bootstrap draws of documents; intervals are of 95 %.

What FOLDER holds already is not made again, so variants can be trained one after the other or by several processes. The
tables are of all that there are: ``ablation.json`` and ``ablation.md``; ``invoicegen compare`` reads the runs too.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from invoicegen.evaluation.bootstrap import compare, intervals
from invoicegen.evaluation.comparison import DATASETS
from invoicegen.evaluation.outcomes import read_outcomes
from invoicegen.evaluation.real import read_labels
from invoicegen.evaluation.real_pages import read_real_pages
from invoicegen.evaluation.side_by_side import SHOWN, Line, markdown_table, write_outcomes
from invoicegen.modeling import (
    LayoutJitter,
    Predictor,
    PretrainOptions,
    TrainOptions,
    pretrain_model,
    train_model,
)

COST = "cost.json"


@dataclass(frozen=True)
class Variant:
    """How a variant differs from the baseline."""

    options: Mapping[str, Any] = field(default_factory=dict)
    pretrained: bool = False
    clean: bool = False
    """Trained on as many pages that no preset has changed."""


VARIANTS = {
    "baseline": Variant(),
    "plain": Variant({"word_features": "none"}),
    "shape": Variant({"word_features": "shape"}),
    "crf": Variant({"crf": True}),
    "class-balance": Variant({"class_balance": 0.5}),
    "no-label-smoothing": Variant({"label_smoothing": 0.0}),
    "pretrained": Variant(pretrained=True),
    "no-layout": Variant({"layout": "none"}),
    "no-augmentation": Variant({"augmentation": dict.fromkeys(LayoutJitter.model_fields, 0)}, clean=True),
    "multilingual": Variant({"init_from": "compact-multilingual"}),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--pages", type=Path, required=True, help="folder with train_pages, validation_pages, …"
    )
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--real", type=Path, help="folder of real documents with labels.jsonl")
    parser.add_argument("--variants", default="baseline,plain,shape,crf,pretrained,multilingual")
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--train", type=int, default=700, help="pages")
    parser.add_argument("--validation", type=int, default=60, help="pages")
    parser.add_argument("--test", type=int, default=180, help="pages")
    parser.add_argument(
        "--epochs", type=int, default=2, help="over the training pages; even, where one pre-trains"
    )
    parser.add_argument("--batch", type=int, default=4, help="windows a step")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    given.output.mkdir(parents=True, exist_ok=True)
    labels = read_labels(given.real) if given.real else []
    pages = read_real_pages(given.real, given.output / "real_pages.jsonl") if given.real else {}
    for seed in map(int, given.seeds.split(",")):
        for name in given.variants.split(","):
            folder = given.output / f"{name}-{seed}"
            if not (folder / COST).exists():
                model, cost = train(VARIANTS[name], seed, folder, given)
                predictor = Predictor.from_pretrained(model, threads=given.threads)
                write_outcomes(
                    predictor, folder, subset(given.pages / "test_pages", given.test), labels, pages
                )
                (folder / COST).write_text(
                    json.dumps({"variant": name, "seed": seed, **cost}), encoding="utf-8"
                )
            report(given.output)


def subset(folder: Path, n_pages: int, *, clean: bool = False) -> dict[str, Any]:
    """Whole documents, evenly from the shards of a split, of about so many pages; images stay on disk.

    Raises:
        ValueError: If only clean pages are asked for and there are fewer.
    """
    files = sorted(folder.rglob("*.parquet"))
    columns = [name for name in pq.read_schema(files[0]).names if name != "image"]
    table = pa.concat_tables([pq.read_table(file, columns=columns) for file in files])
    if clean:
        table = table.filter(pc.field("augmentation") == "clean")
        if table.num_rows < n_pages:
            raise ValueError(
                f"{folder} has {table.num_rows} clean pages of {n_pages}: generate more documents"
            )
    ids = np.array(pc.unique(table["doc_id"]).to_pylist())
    wanted = round(min(1.0, n_pages / table.num_rows) * len(ids))
    kept = ids[np.unique(np.linspace(0, len(ids) - 1, wanted).astype(int))]
    return {"subset": partial(table.filter, pc.is_in(table["doc_id"], pa.array(kept)))}


def train(
    variant: Variant, seed: int, folder: Path, given: argparse.Namespace
) -> tuple[Path, dict[str, Any]]:
    """The model of a variant, and what it took."""
    splits = (
        subset(given.pages / "train_pages", given.train, clean=variant.clean),
        subset(given.pages / "validation_pages", given.validation),
    )
    epochs = given.epochs // 2 if variant.pretrained else given.epochs
    options = {
        "seed": seed,
        "epochs": epochs,
        "early_stopping_patience": epochs,
        "batch_size": given.batch,
        "threads": given.threads,
        "progress": False,
        **variant.options,
    }
    steps = 0
    begun = time.process_time()
    if variant.pretrained:
        pretrained = pretrain_model(*splits, PretrainOptions(**options), folder / "pretrain")
        steps += pretrained.summary["steps"]
        options["init_from"] = str(pretrained.path)
    trained = train_model(*splits, TrainOptions(**options), folder / "train")
    return trained.path, {
        "cpu_seconds": time.process_time() - begun,
        "steps": steps + trained.summary["steps"],
        "train_pages": trained.summary["train_pages"],
        "parameters": trained.summary["parameters"],
        "validation_f1": trained.summary["best"]["validation_f1"],
    }


def report(output: Path) -> None:
    """Write the tables of all runs that there are."""
    runs = [json.loads(path.read_text()) for path in sorted(output.glob(f"*/{COST}"))]
    runs.sort(key=lambda run: (run["seed"], run["variant"] != "baseline", run["variant"]))
    for run in runs:
        folder = output / f"{run['variant']}-{run['seed']}"
        baseline = output / f"baseline-{run['seed']}"
        for name in DATASETS:
            if (folder / f"{name}.jsonl").exists():
                outcomes = read_outcomes(folder / f"{name}.jsonl")
                run[name] = {"intervals": intervals(outcomes)}
                if folder != baseline and (baseline / COST).exists():
                    rows = compare(read_outcomes(baseline / f"{name}.jsonl"), outcomes)
                    run[name]["gains"] = {row["headline"]: row for row in rows}
    (output / "ablation.json").write_text(json.dumps(runs, indent=1), encoding="utf-8")
    tables = [table(runs, name) for name in SHOWN if any(name in run for run in runs)]
    (output / "ablation.md").write_text("\n".join(tables), encoding="utf-8")


def table(runs: Sequence[Mapping[str, Any]], dataset: str) -> str:
    """Scores of a dataset with their intervals; and, where there is a baseline, gains over it with theirs."""
    lines = [
        Line(
            (f"{run['variant']}, {run['seed']}", str(run["steps"]), f"{run['cpu_seconds']:.0f}"),
            run[dataset]["intervals"],
            run[dataset].get("gains", {}),
        )
        for run in runs
        if dataset in run
    ]
    return markdown_table(dataset, ("variant, seed", "steps", "CPU s"), lines)


if __name__ == "__main__":
    main()
