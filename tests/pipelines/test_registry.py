import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import get_type_hints

import pytest
from kedro.framework.project import pipelines
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project
from kedro.io import DataCatalog, MemoryDataset

from invoicegen.datasets import TextFileDataset
from invoicegen.hooks import (
    ParameterError,
    ProcessesError,
    ProcessHooks,
    RunMetricsHooks,
    check_parameters,
)

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def catalog():
    bootstrap_project(ROOT)
    with KedroSession.create(ROOT) as session:
        yield session.load_context().catalog


def test_the_named_pipelines_are_there():
    bootstrap_project(ROOT)
    wanted = {"__default__", "generate", "train", "evaluate", "evaluate_real", "extract"}
    stages = {"synthesis", "rendering", "augmentation", "ocr", "labeling", "splitting"}
    assert wanted | stages <= set(pipelines)


def test_every_dataset_is_declared(catalog):
    bootstrap_project(ROOT)
    used = {name for pipeline in pipelines.values() for name in pipeline.datasets()}
    assert {name for name in used if name not in catalog} == set()


def test_every_dataset_has_a_layer(catalog):
    bootstrap_project(ROOT)
    used = {
        name
        for pipeline in pipelines.values()
        for name in pipeline.datasets()
        if not name.startswith("params:")
    }
    without = {
        name
        for name in used
        if not ((getattr(catalog[name], "metadata", None) or {}).get("kedro-viz") or {}).get("layer")
    }
    assert without == set()


def test_training_waits_for_the_generated_pages():
    bootstrap_project(ROOT)
    order = [node.name for node in pipelines["__default__"].nodes]
    assert order.index("describe_model_input") < order.index("train_model") < order.index("evaluate_model")


def test_listing_pipelines_imports_nothing_heavy():
    code = (
        "import sys, invoicegen.pipeline_registry as r; r.register_pipelines();"
        "print([m for m in ('torch', 'transformers', 'weasyprint', 'cv2', 'albumentations', 'rapidocr', 'openvino',"
        "'seqeval', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"genrate": {}}, r"genrate: unknown parameter .*there are generate"),
        (
            {"execution": {"worker": 2}},
            r"execution.worker: unknown parameter; execution has workers, scheduler, progress",
        ),
        ({"execution": {"workers": "many"}}, r"execution.workers: .*integer.*'many'"),
        ({"execution": {"workers": -1}}, r"execution.workers: .*greater than or equal to 0 \(value -1\)"),
    ],
)
def test_bad_parameters_are_refused_with_key_value_and_choice(parameters, message):
    with pytest.raises(ParameterError, match=message):
        check_parameters(parameters)


def parameters(env=None):
    bootstrap_project(ROOT)
    with KedroSession.create(ROOT, env=env) as session:
        return session.load_context().config_loader["parameters"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"locales": {"tlh_QO": 1}}, r"generate: locales: unknown tlh_QO; allowed: .*de_DE"),
        (
            {"families": {"baroque": 1}},
            r"generate: families.baroque: unknown; allowed: modern, classic, receipt",
        ),
        (
            {"engines": {family: {"clairvoyance": 1} for family in ("modern", "classic", "receipt")}},
            r"engines.modern: unknown clairvoyance; allowed: pdf_text, rap",
        ),
        ({"documents": 120}, r"documents \(120\) must be a multiple of shard_size \(50\).* take 150"),
        ({"shard": 2, "shards": 2}, r"shard 2 of 2: count from 0 to 1"),
    ],
)
def test_impossible_generations_are_refused(changes, message):
    with pytest.raises(ParameterError, match=message):
        check_parameters({"generate": {**parameters()["generate"], **changes}})


@pytest.mark.parametrize("env", [None, "test"])
def test_the_shipped_parameters_pass_and_each_has_its_options(env):
    given = parameters(env)
    check_parameters(given)
    used = {
        name for pipeline in pipelines.values() for name in pipeline.inputs() if name.startswith("params:")
    }
    assert used == {f"params:{key}" for key in given}


def test_node_hints_can_be_resolved():
    """A hint that only a type checker knows would switch Kedro's option checking off."""
    bootstrap_project(ROOT)
    for node in pipelines["__default__"].nodes:
        assert get_type_hints(node.func)


@pytest.mark.parametrize("name", ["generate", "evaluate", "__default__"])
def test_pipelines_that_processes_do_not_share_are_refused_in_several(name, monkeypatch):
    bootstrap_project(ROOT)
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ProcessesError, match=r"started in 2 processes.* would run in each"):
        ProcessHooks().before_pipeline_run(pipelines[name], DataCatalog())


@pytest.mark.parametrize(("rank", "size", "saves"), [(0, 1, True), (0, 2, True), (1, 2, False)])
def test_only_the_first_of_several_processes_saves(rank, size, saves, monkeypatch, tmp_path):
    bootstrap_project(ROOT)
    monkeypatch.setenv("RANK", str(rank))
    monkeypatch.setenv("WORLD_SIZE", str(size))
    catalog = DataCatalog({"training_curves": TextFileDataset(filepath=str(tmp_path / "curves"))})
    ProcessHooks().before_pipeline_run(pipelines["train"], catalog)
    assert isinstance(catalog["training_curves"], MemoryDataset) != saves


def test_a_run_that_fails_says_so_to_prometheus(tmp_path):
    hooks = RunMetricsHooks()
    hooks.after_context_created(SimpleNamespace(params={"tracking": {"textfile": str(tmp_path)}}))
    hooks.before_pipeline_run()
    hooks.on_pipeline_error({"pipeline_names": ["train"]}, pipelines["train"], DataCatalog())
    written = (tmp_path / "invoicegen_train.prom").read_text()
    assert 'invoicegen_run_succeeded{pipeline="train"} 0.0' in written
    assert "invoicegen_training_epochs{" not in written
