"""The pages of docs/reference are what the code says today."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SPEC = importlib.util.spec_from_file_location("reference_docs", ROOT / "scripts" / "reference_docs.py")
assert SPEC is not None
assert SPEC.loader is not None
reference_docs = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(reference_docs)


@pytest.mark.parametrize("name", reference_docs.PAGES)
def test_a_reference_page_is_what_the_generator_writes(name: str) -> None:
    written = reference_docs.PAGES[name]()
    assert (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8") == written, (
        "run .venv/bin/python scripts/reference_docs.py"
    )


def test_no_other_page_is_among_them() -> None:
    assert {path.name for path in (ROOT / "docs" / "reference").iterdir()} == set(reference_docs.PAGES)


@pytest.mark.parametrize("name", ["parameters.md", "service-settings.md"])
def test_every_option_says_what_it_means(name: str) -> None:
    page = (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8")
    assert not [line for line in page.splitlines() if line.endswith("|  |")]
