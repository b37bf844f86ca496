"""Nothing copyleft is required without a reason."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from email.message import Message
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "licences.py"
SPEC = importlib.util.spec_from_file_location("licences", SCRIPT)
assert SPEC is not None
assert SPEC.loader is not None
licences = importlib.util.module_from_spec(SPEC)
sys.modules["licences"] = licences  # dataclasses look their module up
SPEC.loader.exec_module(licences)


def test_everything_that_the_wheel_requires_is_permissive_or_has_a_reason() -> None:
    done = subprocess.run([sys.executable, str(SCRIPT)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "torch" in done.stdout
    assert "python-stdnum" in done.stdout


@pytest.mark.parametrize(
    ("licence", "permissive"),
    [
        ("MIT", True),
        ("Apache Software License (Apache 2.0)", True),
        ("BSD-3-Clause AND Apache-2.0", True),
        ("GPL-3.0-only OR MIT", True),
        ("MPL-2.0 AND (Apache-2.0 OR MIT)", False),
        ("MIT License AND GNU General Public License (GPL)", False),
        ("LGPL-2.1-only", False),
        ("CC-BY-NC-SA-4.0", False),
        ("Some licence of our own", False),
        ("", False),
    ],
)
def test_a_licence_is_judged(licence: str, permissive: bool) -> None:
    package = licences.Package("one", "1.0", licence)
    assert bool(licences.judge([package], {})) is not permissive
    assert licences.judge([package], {"one": "a reason"}) == (
        ["scripts/licences.toml: one needs no reason any more: take it out"] if permissive else []
    )


def test_requirements_of_requirements_are_walked_with_their_extras() -> None:
    names = {package.name for package in licences.required(["uvicorn[standard]"])}
    assert {"uvicorn", "h11", "uvloop"} <= names
    assert "uvloop" not in {package.name for package in licences.required(["uvicorn"])}


def test_what_a_package_says_of_itself_is_read() -> None:
    metadata = Message()
    metadata["License"] = "see LICENSE\nlong text"
    assert licences.stated_licence(metadata) == "see LICENSE"
    metadata["Classifier"] = "License :: OSI Approved :: MIT License"
    assert licences.stated_licence(metadata) == "MIT License"
    metadata["License-Expression"] = "Apache-2.0"
    assert licences.stated_licence(metadata) == "Apache-2.0"
