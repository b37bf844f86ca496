"""DocILE's own evaluator on what a model predicts: key information (KILE) and line items (LIR).

    make setup-docile
    python benchmarks/docile.py MODEL [PAGES] [--documents 100] [--output FOLDER]

PAGES is a folder of labelled pages, data/05_model_input/test_pages when left out. The pages are exported as a DocILE
dataset, the model reads their words, and docile_evaluate of .venv-docile says what it thinks of that: average precision
for KILE, F1 for LIR, by pseudo-character centres, which ask for the place of a value and not for its text;
--evaluate-also-text adds scores that ask for both.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from itertools import groupby
from pathlib import Path

from tqdm import tqdm

from invoicegen.interchange import read_shards
from invoicegen.interchange.docile import write_docile
from invoicegen.interchange.docile_predictions import docile_predictions
from invoicegen.interchange.records import file_stem
from invoicegen.modeling import ModelLoader, PageInput

ROOT = Path(__file__).resolve().parents[1]
EVALUATOR = ROOT / ".venv-docile/bin/docile_evaluate"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model", help="folder of a trained or exported model, or shipped")
    parser.add_argument("pages", type=Path, nargs="?", default=ROOT / "data/05_model_input/test_pages")
    parser.add_argument("--documents", type=int, default=100)
    parser.add_argument("--output", type=Path, help="folder that keeps dataset, predictions and results")
    given = parser.parse_args()
    if not EVALUATOR.is_file():
        parser.error(f"{EVALUATOR} is not there: run `make setup-docile`")
    with tempfile.TemporaryDirectory() as temporary:
        return run(given, given.output or Path(temporary) / "docile")


def run(given: argparse.Namespace, folder: Path) -> int:
    grouped = groupby(read_shards(given.pages), key=lambda one: one.page.doc_id)
    documents = [list(pages) for _, (_, pages) in zip(range(given.documents), grouped, strict=False)]
    dataset = folder / "dataset"
    dataset.mkdir(parents=True)
    write_docile((one for pages in documents for one in pages), dataset)
    predictor = ModelLoader().load(given.model)
    tasks: dict[str, dict[str, list[dict[str, object]]]] = {"KILE": {}, "LIR": {}}
    for pages in tqdm(documents, unit="doc", disable=None):
        inputs = [PageInput(p.page.page, p.page.width, p.page.height, p.page.words, None) for p in pages]
        found = docile_predictions(predictor.predict_pages(inputs))
        for task, fields in zip(tasks, found, strict=True):
            tasks[task][file_stem(pages[0].page)] = fields
    status = 0
    for task, predictions in tasks.items():
        file = folder / f"{task.lower()}.json"
        file.write_text(json.dumps(predictions), encoding="utf-8")
        result = folder / f"{task.lower()}_result.json"
        result.unlink(missing_ok=True)
        command = [
            str(EVALUATOR), "--task", task, "--dataset-path", str(dataset), "--split", "test",
            "--predictions", str(file), "--store-evaluation-result", str(result),
            "--evaluate-x-shot-subsets", "", "--evaluate-fieldtypes", "--evaluate-also-text",
        ]  # fmt: skip
        status |= subprocess.run(command, check=False).returncode
    return status


if __name__ == "__main__":
    sys.exit(main())
