"""The checkout as others get it: locks, package lists, the commands, and no trace of the machine it was made on."""

from __future__ import annotations

import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
VERBS = ("setup", "run", "test", "check", "clean", "help")
NOT_OURS = {".git", "build", "data", "dist", "htmlcov", "node_modules", "site"}
BINARY = {
    ".png",
    ".jpg",
    ".jpeg",
    ".pdf",
    ".tif",
    ".tiff",
    ".webp",
    ".parquet",
    ".safetensors",
    ".onnx",
    ".gz",
    ".zip",
    ".ico",
}
TRACES = {
    "a package registry": re.compile(
        r"\b(?:pypi|test\.pypi)\.org\b|pythonhosted\.org|registry\.npmjs|proxy\.golang\.org|download\.pytorch\.org"
    ),
    "a package index option": re.compile(r"--(?:extra-)?(?:index)-url|--(?:find)-links|--(?:trusted)-host"),
    "a path of one machine": re.compile(
        r"(?<![\w.}*~-])/(?:work|root|tmp|opt(?!/(?:invoicegen|debian-packages)\b))/\w|(?<![\w.}*~-])/(?:home|Users)/\w+/"
    ),
    "a package from a file": re.compile(r"@ (?:file):/"),
}


def our_files() -> Iterator[Path]:
    """Every text file of the checkout that is ours: no caches, no outputs."""

    def walk(folder: Path) -> Iterator[Path]:
        for path in sorted(folder.iterdir()):
            caches = (".egg-info", "_cache", "__pycache__", ".hypothesis")
            if path.name in NOT_OURS or path.name.startswith(".venv") or path.name.endswith(caches):
                continue
            if path.is_dir():
                yield from walk(path)
            elif path.suffix.lower() not in BINARY:
                yield path

    return walk(ROOT)


def traces(text: str) -> list[str]:
    """What in a text betrays a machine or a registry, as ``kind: match``."""
    return [
        f"{kind}: {match.group()}" for kind, pattern in TRACES.items() for match in pattern.finditer(text)
    ]


def pins(name: str) -> dict[str, str]:
    """The version of every package in a lock file, by canonical name."""
    lines = re.sub(r"\\\n", " ", (ROOT / name).read_text(encoding="utf-8")).splitlines()
    found = {}
    for line in lines:
        requirement = line.split("#")[0].split("--hash")[0].strip()
        if not requirement:
            continue
        match = re.fullmatch(r"([A-Za-z0-9][A-Za-z0-9._-]*)==([A-Za-z0-9.!]+)", requirement)
        assert match, f"{name}: not an exact pin: {line!r}"
        assert canonicalize_name(match[1]) not in found, f"{name}: {match[1]} is pinned twice"
        found[canonicalize_name(match[1])] = match[2]
    return found


def test_no_file_names_a_registry_or_a_path_of_one_machine() -> None:
    found = {}
    for path in our_files():
        if hits := traces(path.read_text(encoding="utf-8")):
            found[str(path.relative_to(ROOT))] = hits
    assert not found


@pytest.mark.parametrize(
    ("pieces", "traced"),
    [
        (("pip install --extra", "-index-url=x"), True),
        (("see https://py", "pi.org/project/x"), True),
        (("x @ file", ":///wheels/x.whl"), True),
        (("file", ":///etc/hostname"), False),
        (('open("', "/tmp", '/x.pdf")'), True),
        (("/ho", "me/someone/x"), True),
        (("/op", "t/else/x"), True),
        (("/op", "t/invoicegen/bin"), False),  # in the images
        (("frame", "work/", "data/tmp/x"), False),
        (("https://arxiv.org/abs/1912.13318",), False),
        (("{root}/wo", "rk/x"), False),
    ],
)
def test_a_trace_is_recognised(pieces: tuple[str, ...], traced: bool) -> None:
    assert bool(traces("".join(pieces))) is traced


def test_every_line_of_the_lock_is_an_exact_pin() -> None:
    locked = pins("requirements.lock")
    assert len(locked) > 100
    assert "invoicegen" not in locked


@pytest.mark.parametrize(
    "lock",
    [
        "requirements-docs.lock",
        "requirements-models.lock",
        "requirements-easyocr.lock",
        "requirements-invoice2data.lock",
        "requirements-load.lock",
    ],
)
def test_what_comes_without_its_dependencies_is_pinned_by_content(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert pins(lock)
    assert len(re.findall(r"--hash=sha256:[0-9a-f]{64}\b", text)) >= len(pins(lock))


def test_model_weights_are_locked_apart() -> None:
    assert pins("requirements-models.lock").keys().isdisjoint(pins("requirements.lock"))


def test_one_version_of_opencv_whoever_brings_it() -> None:
    versions = {version for name, version in pins("requirements.lock").items() if name.startswith("opencv-")}
    assert len(versions) == 1, "the opencv packages write one folder, cv2"


@pytest.mark.parametrize("extra", [None, "dev"])
def test_the_lock_satisfies_the_declared_dependencies(extra: str | None) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = project["dependencies"] if extra is None else project["optional-dependencies"][extra]
    locked = pins("requirements.lock")
    unmet = []
    for requirement in map(Requirement, declared):
        version = locked.get(canonicalize_name(requirement.name))
        if version is None or version not in requirement.specifier:
            unmet.append(f"{requirement}: locked {version}")
    assert not unmet


def test_every_debian_package_is_named_once_by_a_valid_name() -> None:
    lines = (ROOT / "scripts" / "debian-packages.txt").read_text(encoding="utf-8").splitlines()
    names = [name for line in lines if (name := line.split("#")[0].strip())]
    assert names
    assert [name for name in names if not re.fullmatch(r"[a-z0-9][a-z0-9+.-]+", name)] == []
    assert len(names) == len(set(names))


def test_every_font_comes_with_a_listed_debian_package() -> None:
    listed = {
        line.split("#")[0].strip()
        for line in (ROOT / "scripts" / "debian-packages.txt").read_text(encoding="utf-8").splitlines()
    }
    fonts = yaml.safe_load(
        (ROOT / "src" / "invoicegen" / "templates" / "fonts.yml").read_text(encoding="utf-8")
    )
    wanted = {package for font in fonts for package in font["packages"]}
    assert wanted
    assert wanted <= listed


@pytest.mark.parametrize("arguments", [["help"], []], ids=["make help", "make"])
def test_make_lists_every_verb(arguments: list[str]) -> None:
    shown = subprocess.run(["make", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert set(VERBS) <= set(re.findall(r"^  make (\S+) +\S", shown, flags=re.MULTILINE))


@pytest.mark.parametrize(
    "script", [".ci/run", "scripts/setup.sh", "scripts/side-env.sh", "scripts/run.sh", "scripts/lock.sh"]
)
def test_a_script_is_executable_strict_and_parses(script: str) -> None:
    path = ROOT / script
    assert path.stat().st_mode & 0o111, f"{script} is not executable"
    assert "\nset -euo pipefail\n" in path.read_text(encoding="utf-8")
    subprocess.run(["bash", "-n", str(path)], check=True)


def test_setup_does_nothing_and_is_quick_when_nothing_is_missing(tmp_path: Path) -> None:
    inputs = (
        "pyproject.toml",
        "requirements.lock",
        "requirements-models.lock",
        "scripts/debian-packages.txt",
    )
    (tmp_path / "scripts").mkdir()
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    for name in (*inputs, "scripts/setup.sh"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    (tmp_path / ".venv" / "bin" / "invoicegen").touch(mode=0o755)
    content = f"{tmp_path}\n".encode() + b"".join((tmp_path / name).read_bytes() for name in inputs)
    digest = subprocess.run(["sha256sum"], input=content, capture_output=True, check=True).stdout.split()[0]
    (tmp_path / ".venv" / "setup-stamp").write_bytes(digest + b"\n")

    done = subprocess.run(
        ["bash", str(tmp_path / "scripts" / "setup.sh")],
        capture_output=True,
        text=True,
        timeout=2,
        check=True,
    )

    assert done.stdout == ""
    assert not (tmp_path / ".venv" / "setup.log").exists()
