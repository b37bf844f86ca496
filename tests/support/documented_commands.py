"""Blocks of commands in the documentation: which there are, and whether what they name exists."""

from __future__ import annotations

import ast
import importlib
import re
import shlex
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import typer
from kedro.config import OmegaConfigLoader
from kedro.framework.cli.project import run as kedro_run
from kedro.framework.project import configure_project

from invoicegen.console import app
from invoicegen.hooks import check_parameters
from invoicegen.pipeline_registry import register_pipelines
from invoicegen.settings import CONFIG_LOADER_ARGS

ROOT = Path(__file__).resolve().parents[2]
CARD = "src/invoicegen/weights/compact"
OTHERS = ("README.md", "CONTRIBUTING.md", f"{CARD}/README.md", f"{CARD}/compact/README.md")
PAGES = [*OTHERS, *(str(path.relative_to(ROOT)) for path in sorted((ROOT / "docs").rglob("*.md")))]
MARK = re.compile(r"<!-- (run by|not run): (.+?) -->")
FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^(?P=indent)```$", re.DOTALL | re.MULTILINE
)
INLINE = re.compile(
    r"(?<!`)`((?:\.venv\S*/bin/)?(?:invoicegen|kedro run|make|python|torchrun|accelerate launch) [^`]+)`"
)
VARIABLES = {"i": "3", "JOB_COMPLETION_INDEX": "3", "OUT": "out"}
BEFORE = {"time", "sudo", "nohup", "unshare", "--map-root-user", "--net"}
EXTERNAL = {
    ".", "buildah", "cp", "dask", "docker", "jq", "kubectl", "ls", "mkdir", "mlflow", "printf", "promtool",
    "schemathesis", "unzip",
}  # fmt: skip
"""Programs that are not ours: of what they are given, paths below deploy/ must be there."""
IN_MAKE = re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
    "optional-dependencies"
]


@dataclass(frozen=True)
class Block:
    """A fenced block: where it is, what it says, and what the comment before it says of who runs it."""

    page: str
    line: int
    language: str
    text: str
    mark: Literal["run by", "not run"] | None
    reason: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(page: str) -> Iterator[Block]:
    """The blocks of a page."""
    content = (ROOT / page).read_text(encoding="utf-8")
    for match in FENCE.finditer(content):
        before = content[: match.start()].rstrip().rsplit("\n", 1)[-1].strip()
        mark = MARK.fullmatch(before)
        line = content.count("\n", 0, match.start()) + 1
        indent = match["indent"]
        text = "".join(row.removeprefix(indent) for row in match["text"].splitlines(keepends=True))
        kind: Any = mark[1] if mark else None
        yield Block(page, line, match["language"], text, kind, mark[2] if mark else "")


def inline_commands(page: str) -> list[str]:
    """Commands in the running text of a page."""
    content = FENCE.sub("", (ROOT / page).read_text(encoding="utf-8"))
    return [" ".join(match[1].split()) for match in INLINE.finditer(content)]


def commands(text: str) -> Iterator[list[str]]:
    """The commands of a shell text, each as its words; pipes, lists and redirections part them."""
    for line in text.replace("\\\n", "").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
        lexer.whitespace_split = True
        words: list[str] = []
        for word in lexer:
            if word and set(word) <= set("|&;<>"):
                yield words
                words = [">"] if "<" in word or ">" in word else []
            else:
                words.append(word)
        yield words


def check_command(words: list[str], *, strict: bool = True) -> None:
    """Fail where a command names what there is not.

    Args:
        words: The command, split.
        strict: Whether all that the command needs must be there too, as in a block; running text abbreviates.
    """
    words = [re.sub(r"\$\{?(\w+)\}?", lambda name: VARIABLES.get(name[1], "x"), word) for word in words]
    while words and (re.match(r"\w+=", words[0]) or words[0] in BEFORE):
        words = words[1:]
    if not words or words[0] == ">":
        return
    program, given = words[0].rsplit("/", 1)[-1], words[1:]
    if program in ("torchrun", "accelerate"):
        if "kedro" in given:
            check_kedro(given[given.index("kedro") + 1 :], strict=strict)
    elif program == "invoicegen":
        check_invoicegen(given, strict=strict)
    elif program == "kedro":
        check_kedro(given, strict=strict)
    elif program.startswith("python"):
        check_python(given, strict=strict)
    elif program == "make":
        unknown = [target for target in given if target not in IN_MAKE]
        assert not unknown, f"Makefile has no target {unknown}"
    elif program == "pip":
        check_pip(given)
    elif program == "curl":
        check_curl(given)
    elif "/" in words[0]:
        assert (ROOT / words[0]).is_file(), f"no file {words[0]}"
    else:
        assert program in EXTERNAL, f"unknown program {program}: is it meant? then name it in EXTERNAL"
        lacking = [word for word in given if word.startswith("deploy/") and not (ROOT / word).exists()]
        assert not lacking, f"no file {lacking}"


def check_invoicegen(given: list[str], *, strict: bool) -> None:
    """The command and its options are there, and the parameters that ``--params`` names."""
    command: Any = typer.main.get_command(app)
    name = "invoicegen"
    while given and given[0] in getattr(command, "commands", {}):
        command, name, given = command.commands[given[0]], f"{name} {given[0]}", given[1:]
    assert not hasattr(command, "commands") or not given or given[0].startswith("-") or given[0].isupper(), (
        f"{name} has no command {given[0]}"
    )
    known = {
        option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)
    }
    options = [word.split("=")[0] for word in given if re.match(r"--?[a-z]", word)]
    unknown = sorted({option for option in options if option not in known | {"--help"}})
    assert not unknown, f"{name} has no option {unknown}"
    if strict and "--help" not in given:
        try:
            command.make_context(name, list(given))
        except Exception as error:
            message = getattr(error, "message", None)
            if message is None or "does not exist" not in message:
                raise AssertionError(f"{name} {shlex.join(given)}: {message or error}") from error
    for word in (given[i + 1] for i, option in enumerate(given[:-1]) if option == "--params"):
        check_parameter(word)


def check_kedro(given: list[str], *, strict: bool) -> None:
    """The command, its options, the pipelines, and the parameters with their values."""
    if given[0] in ("viz", "package") or (given[0] == "…" and not strict):
        return
    assert given[0] == "run", f"kedro has no command {given[0]} that we know"
    if (
        not strict and given[-1].startswith("--") and "=" not in given[-1]
    ):  # an option is spoken of, not given
        assert any(given[-1] in parameter.opts for parameter in kedro_run.params), f"no option {given[-1]}"
        return
    check_run(given[1:])


def check_run(given: list[str]) -> None:
    """Options, pipelines and parameters of ``kedro run``, or of ``python -m invoicegen``."""
    context = kedro_run.make_context("run", given)
    asked = [context.params["pipeline"], *(context.params["pipelines"] or ())]
    unknown = sorted({name for name in asked if name} - pipelines())
    assert not unknown, f"no pipeline {unknown}"
    changed = context.params["params"] or {}
    loader = OmegaConfigLoader(
        str(ROOT / "conf"), **{**CONFIG_LOADER_ARGS, "env": context.params["env"]}, runtime_params=changed
    )
    parameters = dict(loader["parameters"])
    # Folders of the reader's own stand for the example, which is what the tutorials end with.
    if parameters["generate"].get("extensions"):
        parameters["generate"]["extensions"] = [str(ROOT / "docs" / "examples" / "acme")]
    check_parameters(parameters)


def check_parameter(pair: str) -> None:
    """A parameter that a command of ``invoicegen`` takes is one that there is."""
    key = pair.split("=")[0]
    assert key in parameter_keys() or any(key.startswith(f"{one}.") for one in parameter_keys()), (
        f"no parameter {key}"
    )


def check_python(given: list[str], *, strict: bool) -> None:
    """A module of ours, code that is Python, or a script with its options."""
    if given[:2] == ["-m", "invoicegen"]:
        check_run(given[2:])
    elif given[:2] == ["-m", "invoicegen.console"]:
        check_invoicegen(given[2:], strict=strict)
    elif given[:2] == ["-m", "kedro"]:
        check_kedro(given[2:], strict=strict)
    elif given[0] == "-m":
        assert given[1] in ("build", "venv", "pytest", "http.server"), f"unknown module {given[1]}"
    elif given[0] == "-c":
        ast.parse(given[1])
    else:
        script = ROOT / given[0]
        if given[0].startswith("x"):  # below a variable: not ours
            return
        assert script.is_file(), f"no file {given[0]}"
        source = script.read_text(encoding="utf-8")
        for option in (word.split("=")[0] for word in given[1:] if word.startswith("--")):
            spelt = (option, f"{option[2:].replace('-', '_')}:")
            defined = any(text in source for text in spelt) or "invoicegen.console" in source
            assert defined, f"{given[0]} has no option {option}"


def check_pip(given: list[str]) -> None:
    """Extras of ours and files of requirements that there are."""
    for word in given:
        if match := re.search(r"(?:invoicegen|\.whl\)?|\.)\[([\w,]+)\]", word):
            unknown = set(match[1].split(",")) - set(EXTRAS)
            assert not unknown, f"pyproject.toml has no extra {unknown}"
    for option, value in pairwise(given):
        if option in ("-r", "--requirement"):
            assert (ROOT / value).is_file(), f"no file {value}"


def check_curl(given: list[str]) -> None:
    """A route of the service, where it is the service that is asked."""
    for word in given:
        if match := re.match(r"https?://(?:127\.0\.0\.1|localhost)(?::\d+)?(/[^?]*)", word):
            path = match[1].rstrip("/") or "/"
            routes = {re.sub(r"\{\w+\}", "[^/]+", route) for route in routes_of_the_service()}
            assert any(re.fullmatch(route, path) for route in routes), f"the service has no {path}"


def check_python_block(text: str) -> None:
    """The block is Python, and what it imports of ours is there."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "invoicegen":
            module = importlib.import_module(node.module or "")
            lacking = [name.name for name in node.names if not hasattr(module, name.name)]
            assert not lacking, f"{node.module} has no {lacking}"


@cache
def pipelines() -> frozenset[str]:
    """Names of the pipelines."""
    configure_project("invoicegen")
    return frozenset(register_pipelines())


@cache
def parameter_keys() -> frozenset[str]:
    """Dotted keys of all parameters."""
    page = (ROOT / "docs" / "reference" / "parameters.md").read_text(encoding="utf-8")
    return frozenset(re.findall(r"^\| `([\w.]+)` ", page, re.MULTILINE))


@cache
def routes_of_the_service() -> frozenset[str]:
    """Paths that the services answer, as their references have them, and their pages."""
    pages = [
        (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8") for name in ("api.md", "ocr-api.md")
    ]
    described = re.findall(r"^## `[A-Z]+ (/\S*)`", "\n".join(pages), re.MULTILINE)
    return frozenset({"/", "/docs", "/openapi.json", *described})
