"""The wheel in an environment of its own: whole, and at work in an empty folder without a network."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from text_pdf import text_pdf

from invoicegen import __version__

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "invoicegen"
pytestmark = pytest.mark.slow

NO_NETWORK = ("unshare", "--map-root-user", "--net")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the working tree, built from its source distribution, as others would build it."""
    source, dist = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    for name in ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in ("src", "conf"):
        ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
        shutil.copytree(ROOT / name, source / name, ignore=ignored)
    (source / "conf" / "local" / "parameters.yml").write_text("generate: {seed: 1}\n", encoding="utf-8")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(dist), str(source)]
    built = subprocess.run(command, capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr
    (wheel,) = dist.glob("*.whl")
    return wheel


@dataclass(frozen=True)
class Installation:
    """An environment with the wheel, and an empty folder to work in."""

    bin: Path
    folder: Path

    def run(
        self, program: str, *arguments: str, before: tuple[str, ...] = ()
    ) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment in the folder, with none of the checkout's settings."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        command = [*before, str(self.bin / program), *arguments]
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done


@pytest.fixture(scope="module")
def installation(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """The wheel beside the dependencies of this environment, but without the checkout that this one is of."""
    place = tmp_path_factory.mktemp("environment")
    venv.create(place, symlinks=True)
    folder = tmp_path_factory.mktemp("empty")
    pip = [sys.executable, "-m", "pip", "--python", str(place / "bin" / "python"), "install", "--quiet"]
    # pip takes a package for installed that it finds on a PYTHONPATH.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    subprocess.run([*pip, "--no-deps", "--no-index", "--no-compile", str(wheel)], check=True, env=environment)
    (site,) = place.glob("lib/python*/site-packages")
    # A path, and no more: a .pth file in there, such as that of the editable installation, is not read.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    installed = Installation(place / "bin", folder)
    imported = installed.run("python", "-c", "import invoicegen; print(invoicegen.__file__)").stdout.strip()
    assert Path(imported).is_relative_to(place), "the wheel is not what is imported"
    return installed


@pytest.fixture(scope="module")
def cut_off() -> tuple[str, ...]:
    """What a command is started by to have no network."""
    done = subprocess.run([*NO_NETWORK, "true"], capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"this machine lets nobody cut a process off the network: {done.stderr.strip()}")
    return NO_NETWORK


def test_the_wheel_has_every_file_of_the_package_and_the_configuration(wheel: Path) -> None:
    assert wheel.name == f"invoicegen-{__version__}-py3-none-any.whl"
    carried = set(zipfile.ZipFile(wheel).namelist())
    ours = {
        f"invoicegen/{path.relative_to(PACKAGE)}"
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    conf = {f"invoicegen/{path.relative_to(ROOT)}" for path in (ROOT / "conf" / "base").glob("*.yml")}
    assert ours | conf | {"invoicegen/conf/logging.yml"} <= carried
    assert "invoicegen/conf/local/parameters.yml" not in carried, "somebody's own settings are in the wheel"
    assert not [name for name in carried if name.startswith("tests/")]


def test_documents_are_read_from_an_empty_folder(
    installation: Installation, cut_off: tuple[str, ...]
) -> None:
    assert installation.run("invoicegen", "--version").stdout == f"invoicegen {__version__}\n"
    lines = [
        (50, 60, "Invoice INV-2026-00042"),
        (50, 80, "Invoice date: 14.10.2026"),
        (50, 300, "Total 400,00 EUR"),
    ]
    (installation.folder / "x.pdf").write_bytes(text_pdf([lines]))
    read = installation.run("invoicegen", "extract", "x.pdf", before=cut_off)
    assert "(shipped)" in read.stderr
    fields = json.loads(read.stdout)["fields"]
    assert fields["INVOICE_NUMBER"][0]["value"] == "INV-2026-00042"
    assert fields["TOTAL_AMOUNT"][0]["value"] == "400.00"


def test_documents_are_made_in_an_empty_folder(installation: Installation, cut_off: tuple[str, ...]) -> None:
    # One shard of two: a whole run of so few documents would leave a split without pages, which is refused.
    few = "generate.documents=4,generate.shard_size=2,generate.shards=2,execution.workers=1"
    installation.run("python", "-m", "invoicegen", "--pipelines", "generate", "--params", few, before=cut_off)
    data = installation.folder / "data"
    assert len(list((data / "02_intermediate" / "pdfs").rglob("*.parquet"))) == 1
    assert not list((data / "08_reporting" / "quarantine").rglob("*.jsonl"))
    installation.run("invoicegen", "gallery", "-n", "1", "--workers", "1", before=cut_off)
    assert "<html" in (installation.folder / "gallery.html").read_text(encoding="utf-8")


def test_the_service_shows_its_page(installation: Installation, cut_off: tuple[str, ...]) -> None:
    paths = ["/", "/static/page.js", "/static/page.css", "/docs", "/openapi.json"]
    shown = (
        "import json\n"
        "from fastapi.testclient import TestClient\n"
        "from invoicegen.serving.app import create_app\n"
        "from invoicegen.serving.options import ServiceOptions\n"
        "client = TestClient(create_app(ServiceOptions(state='state')))\n"  # not started: no worker, no model
        f"print(json.dumps([client.get(path).status_code for path in {paths}]))\n"
    )
    printed = installation.run("python", "-c", shown, before=cut_off).stdout
    assert json.loads(printed.splitlines()[-1]) == [200] * len(paths)
