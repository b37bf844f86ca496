"""Training on simulated OCR beside training on real OCR and on the text layer, scored on pages that RapidOCR read.

    python benchmarks/noise_training.py --train 120 --test 45 --epochs 4 --output FOLDER [--cache FOLDER]

The same documents (seed 7, presets office_scan and mixed in turn; born-digital for the text layer) make three training
sets that differ in who read the words; same model, steps and seed. The test documents come after them and are read by
RapidOCR for all three. Intervals are of 1,000 bootstrap draws of the test documents. The time to make each set is
process time of a core on the first --timed documents, without the cache.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import yaml

from invoicegen.evaluation.bootstrap import draw_weights, micro_f1
from invoicegen.evaluation.counts import Counts
from invoicegen.evaluation.entities import count_entities
from invoicegen.evaluation.run import entity_order, open_entities
from invoicegen.execution import ExecutionOptions
from invoicegen.modeling import PageInput, Predictor
from invoicegen.modeling.options import TrainOptions
from invoicegen.modeling.training import train_model
from invoicegen.ocr import OcrOptions
from invoicegen.pipelines.measuring import labelled_documents, plan_with
from invoicegen.pipelines.options import GenerateOptions
from invoicegen.schema.rows import row_to_page, rows_to_table

ROOT = Path(__file__).resolve().parents[1]
PRESETS = ("office_scan", "mixed")
TEST_ENGINE = "rapidocr"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--train", type=int, default=240, help="documents, a tenth of them for validation")
    parser.add_argument("--test", type=int, default=60, help="documents")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--engines", default="rapidocr,simulated_rapidocr,pdf_text")
    parser.add_argument("--timed", type=int, default=10)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--output", type=Path, required=True, help="folder for models and figures")
    parser.add_argument("--cache", type=Path, help="folder that keeps what engines read")
    given = parser.parse_args()
    given.output.mkdir(parents=True, exist_ok=True)
    parameters = yaml.safe_load((ROOT / "conf/base/parameters_generate.yml").read_text())["generate"]
    generate = GenerateOptions.model_validate({**parameters, "seed": given.seed})
    test = [
        table([items])
        for items in labelled(
            range(given.train, given.train + given.test), TEST_ENGINE, generate, given.cache
        )
    ]
    print(f"{len(test)} test documents, {sum(one.num_rows for one in test)} pages", flush=True)
    counts: dict[str, np.ndarray] = {}
    for engine in given.engines.split(","):
        seconds = timed(engine, given.timed, generate) if given.timed else None
        counts[engine] = train_and_score(engine, given, generate, test)
        result = {
            "documents_per_second": seconds,
            "f1": f1(counts[engine]),
            "counts": counts[engine].tolist(),
        }
        (given.output / f"{engine}.json").write_text(json.dumps(result), encoding="utf-8")
        print(engine, result["f1"], seconds, flush=True)
    weights = draw_weights(len(test), draws=1000)
    for engine, given_counts in counts.items():
        scores = micro_f1(given_counts, weights)
        print(f"{engine:<20} entity F1 {f1(given_counts):.3f} [{interval(scores)}]")
        if engine != TEST_ENGINE and TEST_ENGINE in counts:
            gaps = scores - micro_f1(counts[TEST_ENGINE], weights)
            print(f"{'':<20} less {TEST_ENGINE} {np.mean(gaps):+.3f} [{interval(gaps)}]")


def interval(values: np.ndarray) -> str:
    low, high = np.quantile(values, [0.025, 0.975])
    return f"{low:.3f}, {high:.3f}"


def f1(counts: np.ndarray) -> float:
    """Micro F1 of rows of correct, predicted, true."""
    return float(micro_f1(counts, np.ones((1, len(counts)), dtype=np.int64))[0])


def labelled(
    indices: Sequence[int], engine: str, generate: GenerateOptions, cache: Path | None
) -> list[list[dict[str, Any]]]:
    """The rows of every document."""
    plans = [
        plan_with(
            generate, index, "clean" if engine == "pdf_text" else PRESETS[index % len(PRESETS)]
        ).model_copy(update={"ocr_engine": engine})
        for index in indices
    ]
    ocr = OcrOptions(cache_dir=cache)
    return list(labelled_documents(plans, "train", generate, ocr, ExecutionOptions(workers=1)))


def table(documents: Sequence[Sequence[dict[str, Any]]]) -> pa.Table:
    return rows_to_table([row for document in documents for row in document])


def timed(engine: str, count: int, generate: GenerateOptions) -> float:
    """Labelled documents a second of process time, all stages, after one to warm up."""
    labelled([0], engine, generate, None)
    start = time.process_time()
    labelled(range(1, count + 1), engine, generate, None)
    return count / (time.process_time() - start)


def train_and_score(
    engine: str, given: argparse.Namespace, generate: GenerateOptions, test: Sequence[pa.Table]
) -> np.ndarray:
    """Correct, predicted and true entities of every test document, shape (n, 3)."""
    documents = labelled(range(given.train), engine, generate, given.cache)
    cut = given.train - max(given.train // 10, 1)
    train, validation = table(documents[:cut]), table(documents[cut:])
    options = TrainOptions(
        epochs=given.epochs, early_stopping_patience=given.epochs, batch_size=2, seed=0, threads=given.threads
    )
    trained = train_model(
        {"train": lambda: train}, {"validation": lambda: validation}, options, given.output / engine
    )
    predictor = Predictor.from_pretrained(trained.path, threads=given.threads)
    rows = []
    for one in test:
        counts = Counts()
        pages = [row_to_page(row) for row in one.to_pylist()]
        inputs = [PageInput(page.page, page.width, page.height, page.words, None) for page in pages]
        for page, found in zip(pages, predictor.predict_pages(inputs), strict=True):
            order = entity_order(page)
            tags = open_entities([found.ner_tags[i] for i in order])
            for count in count_entities([page.ner_tags[i] for i in order], tags).values():
                counts.add(count)
        rows.append([counts.correct, counts.predicted, counts.true])
    return np.array(rows)


if __name__ == "__main__":
    main()
