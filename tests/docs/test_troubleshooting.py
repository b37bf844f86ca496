"""Messages that the documentation explains are messages of the code."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def texts() -> str:
    """All string literals of the package, those that are written in pieces joined, and the scripts."""
    found = []
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
            elif isinstance(node, ast.JoinedStr):
                parts = [part.value if isinstance(part, ast.Constant) else "…" for part in node.values]
                found.append("".join(map(str, parts)))
    found += [path.read_text(encoding="utf-8") for path in (ROOT / "scripts").glob("*.sh")]
    return "\n".join(found)


TEXTS = texts()
PAGE = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
ROWS = [line.split("|")[1] for line in PAGE.splitlines() if line.startswith("| `")]
MESSAGES = [message for row in ROWS for message in re.findall(r"`([^`]+)`", row)]


def test_there_are_messages() -> None:
    assert len(MESSAGES) > 20


@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_is_one_of_the_code(message: str) -> None:
    for part in message.split("…"):
        assert part.strip() in TEXTS, f"docs/troubleshooting.md: no message of the code has {part.strip()!r}"
