"""Projects in folders of their own: what a test generates never meets what a user generated."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


class Project:
    """A copy of the project's configuration with empty data folders."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "pyproject.toml", folder)
        shutil.copy(ROOT / ".telemetry", folder)
        shutil.copytree(ROOT / "conf", folder / "conf")
        (folder / "src").mkdir()
        (folder / "src" / "invoicegen").symlink_to(ROOT / "src" / "invoicegen")

    def command(self, pipeline: str, params: str | None = None) -> list[str]:
        command = [sys.executable, "-m", "invoicegen", "--pipeline", pipeline, "--env", "test"]
        return [*command, "--params", params] if params else command

    def run(
        self, pipeline: str, params: str | None = None, *, fails: bool = False
    ) -> subprocess.CompletedProcess:
        done = subprocess.run(
            self.command(pipeline, params),
            cwd=self.folder,
            capture_output=True,
            text=True,
            env=self.environment,
        )
        assert (done.returncode != 0) == fails, done.stdout[-6000:] + done.stderr[-6000:]
        return done

    def invoicegen(self, *arguments: str) -> subprocess.CompletedProcess:
        """The console command, run in the project's folder."""
        return subprocess.run(
            [sys.executable, "-m", "invoicegen.console", *arguments],
            cwd=self.folder,
            capture_output=True,
            text=True,
            env=self.environment,
        )

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "COLUMNS": "200", "KEDRO_DISABLE_TELEMETRY": "1"}

    def data(self, path: str) -> Path:
        return self.folder / "data" / path

    def json(self, path: str):
        return json.loads(self.data(path).read_text())

    def files(self, path: str) -> dict[str, bytes]:
        """Contents of a data folder by path, without the fingerprint folder."""
        root = self.data(path)
        return {
            "/".join(p.relative_to(root).parts[-1:]): p.read_bytes()
            for p in sorted(root.rglob("*"))
            if p.is_file()
        }


@pytest.fixture
def project(tmp_path):
    """A project in which nothing has run yet."""
    return Project(tmp_path / "project")


@pytest.fixture(scope="session")
def make_project():
    """Makes a project in a folder, for fixtures that several tests share."""
    return Project


@pytest.fixture(scope="session")
def generated(tmp_path_factory):
    """A project whose `generate` pipeline has run on conf/test with one worker."""
    project = Project(tmp_path_factory.mktemp("generated"))
    project.run("generate", f"execution.workers=1,tracking.textfile={project.folder / 'textfile'}")
    return project


@pytest.fixture(scope="session")
def trained(generated):
    """The same project with a (barely) trained model."""
    generated.run("train", f"tracking.textfile={generated.folder / 'textfile'}")
    return generated
