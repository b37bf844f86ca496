"""What other code or other files made is not taken for what these would make."""

import shutil
from pathlib import Path

import grimp
import pytest
import yaml

import invoicegen
from invoicegen import sources
from invoicegen.pipelines.options import GenerateOptions
from invoicegen.sources import GENERATING, READING, code_sha256, folder_sha256

PACKAGE = Path(invoicegen.__file__).parent


@pytest.fixture
def copy(tmp_path):
    """The parts of this package that decide what is generated or read."""
    for part in {*GENERATING, *READING}:
        if (PACKAGE / part).is_dir():
            shutil.copytree(PACKAGE / part, tmp_path / part)
        else:
            shutil.copy(PACKAGE / part, tmp_path / part)
    return tmp_path


@pytest.mark.parametrize(
    ("file", "decides"),
    [
        ("extraction/dates.py", {READING}),
        ("synthesis/languages/de.yml", {GENERATING}),
        ("templates/receipt_view.py", {GENERATING}),
        ("ocr/noise.py", {GENERATING, READING}),
        ("geometry.py", {GENERATING, READING}),
        ("splitting/__init__.py", {GENERATING}),
    ],
)
def test_a_changed_file_changes_what_it_decides(copy, file, decides):
    before = {parts: folder_sha256(copy, parts) for parts in (GENERATING, READING)}
    assert before == {parts: code_sha256(parts) for parts in (GENERATING, READING)}
    with (copy / file).open("a") as opened:
        opened.write("\n# another line\n")
    assert {parts for parts in before if folder_sha256(copy, parts) != before[parts]} == decides


@pytest.mark.parametrize(
    ("parts", "others"),
    [
        (GENERATING, set()),
        (READING, {"execution", "weights"}),
    ],  # neither decides; weights are hashed as a model
    ids=["generating", "reading"],
)
def test_what_decides_imports_nothing_that_does_not_count(parts, others):
    graph = grimp.build_graph("invoicegen")
    known = {f"invoicegen.{part.removesuffix('.py')}" for part in parts}
    known |= {f"invoicegen.{name}" for name in others}
    imported = {
        ".".join(target.split(".")[:2])
        for module in graph.modules
        if ".".join(module.split(".")[:2]) in known - {f"invoicegen.{name}" for name in others}
        for target in graph.find_modules_directly_imported_by(module)
    }
    assert imported - known == {"invoicegen"}  # for its version


def test_names_count_and_compiled_python_does_not(tmp_path):
    (tmp_path / "a.py").write_text("x = 1")
    first = folder_sha256(tmp_path)
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "a.pyc").write_bytes(b"compiled")
    assert folder_sha256(tmp_path) == first
    (tmp_path / "a.py").rename(tmp_path / "b.py")
    assert folder_sha256(tmp_path) != first
    with pytest.raises(FileNotFoundError, match="nowhere is not there"):
        folder_sha256(tmp_path, ("nowhere",))


def test_shards_are_named_by_code_and_by_the_files_of_extensions(pytestconfig, tmp_path, monkeypatch):
    (tmp_path / "lexicons").mkdir()
    file = tmp_path / "lexicons" / "en.yml"
    file.write_text("total: [Grand total]")
    given = yaml.safe_load((pytestconfig.rootpath / "conf/base/parameters_generate.yml").read_text())
    options = GenerateOptions.model_validate({**given["generate"], "extensions": [str(tmp_path)]})
    before = options.fingerprint
    assert options.model_copy(update={"documents": 200}).fingerprint == before
    file.write_text("total: [Sum total]")
    after = options.fingerprint
    assert after != before
    code_sha256.cache_clear()
    monkeypatch.setattr(sources, "folder_sha256", lambda root, parts: "of other code")
    assert options.fingerprint != after
    code_sha256.cache_clear()
