"""Commands in the documentation: what they name exists, somebody runs them, and the others say why nobody does."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pypdfium2
import pytest
from documented_commands import (
    PAGES,
    ROOT,
    Block,
    blocks,
    check_command,
    check_python_block,
    commands,
    inline_commands,
)
from text_pdf import text_pdf

BLOCKS = [block for page in PAGES for block in blocks(page) if block.language in ("sh", "python")]
TO_RUN = [block for block in BLOCKS if block.mark is None]
FILE = re.compile(r"Write `([^`]+)`[^\n]*:\n\n```\w*\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_a_block_names_what_there_is(block: Block) -> None:
    if block.language == "python":
        check_python_block(block.text)
        return
    for words in commands(block.text):
        check_command(words)


@pytest.mark.parametrize("page", [page for page in PAGES if inline_commands(page)])
def test_commands_in_the_text_name_what_there_is(page: str) -> None:
    for command in inline_commands(page):
        for words in commands(command):
            try:
                check_command(words, strict=False)
            except Exception as error:
                raise AssertionError(f"{page}: `{command}`: {error}") from error


@pytest.mark.parametrize("page", PAGES)
def test_commands_stand_in_blocks_that_say_so(page: str) -> None:
    for block in blocks(page):
        assert block.language not in ("bash", "shell", "console"), f"{block}: write ```sh"
        if not block.language:
            assert not re.search(r"^\s*(invoicegen|kedro|make|python) ", block.text, re.MULTILINE), (
                f"{block}: write ```sh"
            )


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.mark == "run by"], ids=str)
def test_what_runs_a_block_is_there(block: Block) -> None:
    for test in block.reason.split(", "):
        file, _, name = test.partition("::")
        assert (ROOT / file).is_file(), f"{block}: no file {file}"
        assert not name or f"def {name}(" in (ROOT / file).read_text(encoding="utf-8"), (
            f"{block}: no test {test}"
        )


@pytest.fixture(scope="module")
def scratch(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project as a reader of the page has it, with documents of the names that the pages use."""
    folder = tmp_path_factory.mktemp("scratch")
    shutil.copytree(ROOT / "conf", folder / "conf", ignore=shutil.ignore_patterns("local"))
    (folder / "conf" / "local").mkdir()
    (folder / "src").symlink_to(ROOT / "src")
    (folder / "docs").symlink_to(ROOT / "docs")
    (folder / ".venv").symlink_to(Path(sys.executable).parents[1])
    lines = [
        (50, 60, "Invoice INV-2026-00042"),
        (50, 80, "Invoice date: 14.10.2026"),
        (50, 300, "Total 466.48 EUR"),
    ]
    pdf = text_pdf([lines])
    (folder / "inbox").mkdir()
    for name in ("invoice.pdf", "inbox/a.pdf", "inbox/b.pdf"):
        (folder / name).write_bytes(pdf)
    picture = pypdfium2.PdfDocument(pdf)[0].render(scale=150 / 72).to_pil()
    (folder / "2026").mkdir()
    for name in ("photo.jpg", "2026/scan.tiff"):
        picture.convert("RGB").save(folder / name)
    for name, content in FILE.findall((ROOT / request.param).read_text(encoding="utf-8")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("scratch", sorted({block.page for block in TO_RUN}), indirect=True)
def test_the_blocks_of_a_page_run(scratch: Path, request: pytest.FixtureRequest) -> None:
    page = request.node.callspec.params["scratch"]
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONSAFEPATH": "1",
    }
    for block in TO_RUN:
        if block.page != page:
            continue
        command = ["bash", "-euo", "pipefail", "-c", block.text]
        if block.language == "python":
            command = [sys.executable, "-c", block.text]
        done = subprocess.run(command, cwd=scratch, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, (
            f"{block}: {shlex.join(command)}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        )
