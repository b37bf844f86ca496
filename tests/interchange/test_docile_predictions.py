"""What a model predicts, judged by DocILE's own evaluator."""

from __future__ import annotations

import json
import subprocess
from itertools import groupby
from pathlib import Path

import pytest

from invoicegen.interchange import WriteOptions, write_pages
from invoicegen.interchange.docile_predictions import docile_predictions
from invoicegen.schema.prediction import PagePrediction

EVALUATOR = Path(__file__).parents[2] / ".venv-docile/bin/docile_evaluate"


def predicted(page, *, without=()):
    """A prediction that says what is true, but for some types of entities that it misses."""
    return PagePrediction(
        page=page.page,
        width=page.width,
        height=page.height,
        words=page.words,
        ner_tags=["O" if tag[2:] in without else tag for tag in page.ner_tags],
        ner_confidences=[0.9] * len(page.words),
        table_tags=page.table_tags,
        cell_tags=page.cell_tags,
    )


@pytest.fixture(scope="module")
def judge(labelled, tmp_path_factory):
    """A function that gives DocILE's primary metric of predictions for the training split of an export."""
    assert EVALUATOR.is_file(), "no environment for docile-benchmark: run `make setup-docile`"
    folder = tmp_path_factory.mktemp("export")
    write_pages(labelled, folder / "dataset", "docile", WriteOptions())

    def run(task, predictions):
        (folder / "predictions.json").write_text(json.dumps(predictions))
        done = subprocess.run(
            [
                EVALUATOR, "--task", task, "--dataset-path", folder / "dataset", "--split", "train",
                "--predictions", folder / "predictions.json", "--evaluate-x-shot-subsets", "",
                "--primary-metric-only",
            ],
            capture_output=True,
            text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return float(done.stdout.split()[-1])

    return run


def test_docile_finds_the_truth_right(labelled, judge):
    pages = [one.page for one in labelled if one.page.split == "train"]
    told = {
        doc_id: docile_predictions([predicted(page) for page in group])
        for doc_id, group in groupby(pages, key=lambda page: page.doc_id)
    }
    kile = {doc_id: fields for doc_id, (fields, _) in told.items()}
    lir = {doc_id: fields for doc_id, (_, fields) in told.items()}
    print(judge("KILE", kile), judge("LIR", lir))
    assert judge("KILE", kile) > 0.95
    assert judge("LIR", lir) > 0.95
    fewer = {
        doc_id: docile_predictions(
            [predicted(page, without={"ITEM_DESCRIPTION", "TOTAL_AMOUNT"}) for page in group]
        )
        for doc_id, group in groupby(pages, key=lambda page: page.doc_id)
    }
    assert judge("KILE", {doc_id: fields for doc_id, (fields, _) in fewer.items()}) < judge("KILE", kile)
    assert judge("LIR", {doc_id: fields for doc_id, (_, fields) in fewer.items()}) < judge("LIR", lir)
