"""Labelled documents made in memory."""

import itertools
from pathlib import Path

import yaml

from invoicegen.execution import ExecutionOptions
from invoicegen.ocr import OcrOptions
from invoicegen.pipelines.measuring import labelled_documents, plans_of_split
from invoicegen.pipelines.options import GenerateOptions
from invoicegen.splitting import assign_split
from invoicegen.templates import plan_like

PARAMETERS = Path(__file__).resolve().parents[2] / "conf/base/parameters_generate.yml"


def test_documents_of_one_layout_are_labelled_by_the_engine_of_their_plan():
    parameters = yaml.safe_load(PARAMETERS.read_text())["generate"]
    engines = {family: {"pdf_text": 1, "simulated_rapidocr": 1} for family in parameters["families"]}
    options = GenerateOptions.model_validate(
        {**parameters, "engines": engines, "kinds": {"commercial_invoice": 1}, "families": {"modern": 1}}
    )
    plan, other = itertools.islice(plans_of_split("validation", options, start=100), 2)
    shares = options.split.model_dump()
    assert {assign_split(one.split_group, options.seed, shares) for one in (plan, other)} == {"validation"}
    assert 100 <= plan.index < other.index
    plans = [plan_like(plan, index, options) for index in range(4)]
    pages = list(labelled_documents(plans, "train", options, OcrOptions(), ExecutionOptions(workers=1)))
    rows = [row for document in pages for row in document]
    assert list(dict.fromkeys(row["doc_id"] for row in rows)) == [one.doc_id for one in plans]
    assert {row["split_group"] for row in rows} == {plan.split_group}
    assert {row["split"] for row in rows} == {"train"}
    assert {row["ocr_engine"] for row in rows} == {one.ocr_engine for one in plans}
    assert len({tuple(document[0]["tokens"]) for document in pages}) == 4
