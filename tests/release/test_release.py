"""What a release is held to: one version, a changelog that knows it, and checks that are the same everywhere."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import yaml

from invoicegen import __version__

ROOT = Path(__file__).resolve().parents[2]
CI = (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def makefile_rules() -> dict[str, str]:
    """What each target of the Makefile runs, with what it depends on."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    return {match[1]: match[0] for match in re.finditer(r"^([a-z0-9-]+):.*\n(?:\t.*\n)*", text, re.MULTILINE)}


def test_the_version_stands_in_one_place() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "version" not in project["project"]
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "invoicegen.__version__"}
    assert version("invoicegen") == __version__, "the installation is of another version: make setup"
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))["version"] == __version__


def test_the_changelog_begins_with_this_version_and_keeps_its_form() -> None:
    lines = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").splitlines()
    sections = [line for line in lines if line.startswith("## ")]
    dated = r"## \[(\d+\.\d+\.\d+)\] - (?:\d{4}-\d\d-\d\d|unreleased)"
    versions = [match[1] for line in sections if (match := re.fullmatch(dated, line))]
    assert len(versions) == len(sections), sections
    assert versions[0] == __version__
    assert versions == sorted(versions, key=lambda text: tuple(map(int, text.split("."))), reverse=True)
    kinds = {line[4:] for line in lines if line.startswith("### ")}
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_the_workflow_runs_what_ci_runs_and_the_audit() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    steps = [step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step]
    assert steps == [".ci/run", "make audit"]
    assert workflow["permissions"] == {"contents": "read"}


def test_ci_runs_every_check_that_make_has() -> None:
    called = re.findall(r"^make ([a-z0-9-]+)$", CI, re.MULTILINE)
    rules = makefile_rules()
    assert set(called) <= set(rules)
    assert {"check-static", "test", "docs", "licences"} <= set(called)


def test_hooks_before_a_commit_are_steps_of_the_check() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    assert [repository["repo"] for repository in hooks["repos"]] == ["local"], "a hub would be asked"
    static = makefile_rules()["check-static"]
    for hook in hooks["repos"][0]["hooks"]:
        program = hook["entry"].split()[0]
        assert program in static or "scripts/reference_docs.py" in hook["entry"]
