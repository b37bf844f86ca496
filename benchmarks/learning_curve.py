"""How many documents does a model need, and of how many layouts? Scores against both, side by side.

    python benchmarks/learning_curve.py --output FOLDER [--real DIR] [--documents 50,100,200,400,800]
        [--layouts 10,50 --layout-documents 400] [--seen 1600] [--seeds 0,1]

Two series of training sets, made with the options of ``conf/base``:

- documents: so many, each of a layout of its own;
- layouts: always ``--layout-documents`` documents, of so many layouts, each with as many documents. What else a layout
  brings, the kind of document and its locale, is as rare as the layout then.

Training costs the same at every point: each model is shown ``--seen`` documents, a small set over and over, with the
boxes changed anew each time; in one fall of the learning rate, without early stopping. So a point shows what variety
brings, not what longer training does. Models start from ``--init``. OCR of training pages is simulated; the test
documents, of layouts that no training set has, are read as ``conf/base`` says, the real ones as ``invoicegen extract``
reads them.

Intervals are of 95 % (bootstrap over documents; seeds are pooled), gains are over the point before on the same draws.
What FOLDER holds already is not made again. It gets ``learning_curve.json``, ``.md``, ``.png`` and ``.svg``, rewritten
after every point; ``invoicegen compare`` reads the runs too.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import yaml
from tqdm import tqdm

from invoicegen.evaluation.bootstrap import compare, intervals
from invoicegen.evaluation.comparison import DATASETS
from invoicegen.evaluation.figures import plot_learning_curves
from invoicegen.evaluation.outcomes import DocumentOutcome, pooled, read_outcomes
from invoicegen.evaluation.real import read_labels
from invoicegen.evaluation.real_pages import read_real_pages
from invoicegen.evaluation.side_by_side import SHOWN, Line, markdown_table, write_outcomes
from invoicegen.execution import ExecutionOptions
from invoicegen.modeling import Predictor, TrainOptions, train_model
from invoicegen.ocr import OcrOptions
from invoicegen.pipelines.measuring import labelled_documents, plans_of_split
from invoicegen.pipelines.options import GenerateOptions
from invoicegen.schema.plan import DocumentPlan
from invoicegen.schema.rows import rows_to_table
from invoicegen.templates import plan_like

ROOT = Path(__file__).resolve().parents[1]
CHUNK = 50  # documents a file
COST = "cost.json"
PLOTTED = {
    "generated": ("entities, strict micro F1", "fields, micro F1"),
    "real": ("fields, micro F1",),
}


class Point(NamedTuple):
    """A training set."""

    documents: int
    layouts: int


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--real", type=Path, help="folder of real documents with labels.jsonl")
    parser.add_argument("--documents", default="50,100,200,400,800", help="sizes, each layout once")
    parser.add_argument("--layouts", default="10,50", help="layouts that --layout-documents share")
    parser.add_argument("--layout-documents", type=int, default=400)
    parser.add_argument("--seen", type=int, default=1600, help="documents shown to each model")
    parser.add_argument("--seeds", default="0", help="of training")
    parser.add_argument("--data-seed", type=int, default=11, help="of the documents")
    parser.add_argument("--validation", type=int, default=20, help="documents to calibrate on")
    parser.add_argument("--test", type=int, default=100, help="documents")
    parser.add_argument("--init", default="compact", help="as train.init_from")
    parser.add_argument("--batch", type=int, default=2, help="windows a step")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    sizes = [Point(n, n) for n in numbers(given.documents)]
    layouts = [Point(given.layout_documents, n) for n in numbers(given.layouts)]
    points = list(dict.fromkeys([*sizes, *layouts, Point(given.layout_documents, given.layout_documents)]))
    for point in points:
        if point.documents % point.layouts:
            parser.error(f"{point.documents} documents are not shared evenly by {point.layouts} layouts")
    given.output.mkdir(parents=True, exist_ok=True)
    check_settings(given)
    corpora = Corpora(given)
    test = {"test": corpora.test}
    labels = read_labels(given.real) if given.real else []
    real = read_real_pages(given.real, given.output / "real_pages.jsonl") if given.real else {}
    for seed in numbers(given.seeds):
        for point in tqdm(points, unit="model", desc=f"seed {seed}"):
            folder = folder_of(point, seed, given.output)
            if not (folder / COST).exists():
                cost, predictor = train(corpora, point, seed, folder, given)
                write_outcomes(predictor, folder, test, labels, real)
                (folder / COST).write_text(json.dumps({**point._asdict(), "seed": seed, **cost}))
            report(given)


def numbers(text: str) -> list[int]:
    return sorted(int(number) for number in text.split(",") if number)


def folder_of(point: Point, seed: int, output: Path) -> Path:
    return output / f"{point.documents}-documents-{point.layouts}-layouts-{seed}"


def check_settings(given: argparse.Namespace) -> None:
    """Refuse to mix points that were measured in different ways."""
    names = ("seen", "data_seed", "validation", "test", "init", "batch")
    settings = {name: getattr(given, name) for name in names} | {"real": given.real is not None}
    path = given.output / "settings.json"
    if path.exists() and json.loads(path.read_text()) != settings:
        raise SystemExit(f"{path} has other settings than {settings}: take another --output")
    path.write_text(json.dumps(settings))


class Corpora:
    """Labelled pages of training sets, validation and test; made when they are asked for, and kept."""

    def __init__(self, given: argparse.Namespace) -> None:
        parameters = yaml.safe_load((ROOT / "conf/base/parameters_generate.yml").read_text())["generate"]
        self.read = GenerateOptions.model_validate({**parameters, "seed": given.data_seed})
        engines = {
            family: {name.replace("rapidocr", "simulated_rapidocr"): share for name, share in weights.items()}
            for family, weights in self.read.engines.items()
        }
        self.simulated = self.read.model_copy(update={"engines": engines})
        self.folder = given.output / "pages"
        self.given = given

    def test(self) -> pa.Table:
        return self._pages("test", self._plans("test", self.given.test), self.read)

    def validation(self) -> pa.Table:
        return self._pages("validation", self._plans("validation", self.given.validation), self.simulated)

    def training(self, point: Point) -> pa.Table:
        plans = self._plans("train", point.documents)
        name = "train" if point.layouts == point.documents else f"train-{point.layouts}-layouts"
        like = [
            plan_like(plans[number % point.layouts], plan.index, self.simulated)
            for number, plan in enumerate(plans)
        ]
        return self._pages(name, like, self.simulated)

    def _plans(self, split: str, documents: int) -> list[DocumentPlan]:
        plans = plans_of_split(split, self.read)
        return [next(plans) for _ in range(-(-documents // CHUNK) * CHUNK)]

    def _pages(self, name: str, plans: Sequence[DocumentPlan], options: GenerateOptions) -> pa.Table:
        """The pages of the plans' documents, from files of whole chunks."""
        files = []
        for start in tqdm(range(0, len(plans), CHUNK), unit=f" × {CHUNK} documents", desc=name):
            file = self.folder / options.fingerprint / name / f"{start:06d}.parquet"
            if not file.exists():
                documents = labelled_documents(
                    plans[start : start + CHUNK],
                    name.split("-")[0],
                    options,
                    OcrOptions(),
                    ExecutionOptions(workers=1),
                )
                table = rows_to_table([row for pages in documents for row in pages])
                file.parent.mkdir(parents=True, exist_ok=True)
                pq.write_table(table, partial_file := file.with_suffix(".partial"))
                partial_file.rename(file)
            files.append(pq.read_table(file))
        return pa.concat_tables(files)


def shown(pages: pa.Table, documents: int, seen: int) -> dict[str, Any]:
    """Shards that hold ``seen`` documents: the first ``documents`` of the pages again and again."""
    ids = pc.unique(pages["doc_id"])[:documents]
    shards = {}
    for number, start in enumerate(range(0, seen, documents)):
        kept = ids[: min(documents, seen - start)]
        shards[f"{number:04d}"] = partial(pages.filter, pc.is_in(pages["doc_id"], kept))
    return shards


def train(
    corpora: Corpora, point: Point, seed: int, folder: Path, given: argparse.Namespace
) -> tuple[dict[str, Any], Predictor]:
    """What a model of a point took, and the model."""
    pages = corpora.training(point)
    options = TrainOptions(
        init_from=given.init, seed=seed, epochs=1, batch_size=given.batch, threads=given.threads
    )
    begun = time.process_time()
    trained = train_model(
        shown(pages, point.documents, given.seen),
        {"validation": corpora.validation},
        options,
        folder / "train",
    )
    cost = {
        "cpu_seconds": time.process_time() - begun,
        "steps": trained.summary["steps"],
        "pages_shown": trained.summary["train_pages"],
    }
    return cost, Predictor.from_pretrained(trained.path, threads=given.threads)


def report(given: argparse.Namespace) -> None:
    """Write tables, figures and JSON of all points that there are."""
    runs = [json.loads(path.read_text()) for path in given.output.glob(f"*/{COST}")]
    points = sorted({Point(run["documents"], run["layouts"]) for run in runs})
    series = {
        "documents": [point for point in points if point.documents == point.layouts],
        "layouts": [point for point in points if point.documents == given.layout_documents],
    }
    rows = {name: list(scored(members, runs, given.output)) for name, members in series.items() if members}
    settings = json.loads((given.output / "settings.json").read_text())
    document = {"settings": settings, "series": rows, "runs": runs}
    path = given.output / "learning_curve.json"
    path.write_text(json.dumps(document, indent=1), encoding="utf-8")
    names = ("documents", "layouts", "seeds", "CPU s a model")
    tables = [
        markdown_table(dataset, names, [line(row, dataset) for row in points_of])
        for points_of in rows.values()
        for dataset in SHOWN
        if dataset in points_of[0]
    ]
    path.with_suffix(".md").write_text("\n".join(tables), encoding="utf-8")
    figure = plot_learning_curves(rows, PLOTTED)
    figure.savefig(path.with_suffix(".png"))
    figure.savefig(path.with_suffix(".svg"))


def scored(points: Sequence[Point], runs: Sequence[dict[str, Any]], output: Path) -> Iterator[dict[str, Any]]:
    """Scores of each point of a series, and gains over the one before."""
    before: dict[str, list[DocumentOutcome]] = {}
    for point in points:
        mine = [run for run in runs if (run["documents"], run["layouts"]) == point]
        row: dict[str, Any] = {
            **point._asdict(),
            "seeds": len(mine),
            "cpu_seconds": sum(run["cpu_seconds"] for run in mine) / len(mine),
        }
        for name in DATASETS:
            files = [folder_of(point, run["seed"], output) / f"{name}.jsonl" for run in mine]
            if files[0].exists():
                outcomes = pooled([read_outcomes(file) for file in files])
                gains = compare(before[name], outcomes) if name in before else []
                row[name] = {
                    "intervals": intervals(outcomes),
                    "gains": {gain["headline"]: gain for gain in gains},
                }
                before[name] = outcomes
        yield row


def line(row: dict[str, Any], dataset: str) -> Line:
    cells = (str(row["documents"]), str(row["layouts"]), str(row["seeds"]), f"{row['cpu_seconds']:.0f}")
    return Line(cells, row[dataset]["intervals"], row[dataset]["gains"])


if __name__ == "__main__":
    main()
