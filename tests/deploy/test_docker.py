"""Images and compose.yaml keep to our policies, and images hold every package that their service imports.

`make check-deploy` runs these in .venv-deploy, with hadolint and dclint beside them.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "deploy" / "docker"
IMAGES = ("api", "annotation", "training")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]


@pytest.fixture(scope="module")
def stages() -> dict[str, list[dict[str, str]]]:
    """The instructions of each stage of the Dockerfile."""
    parse = pytest.importorskip("dockerfile_parse", reason="needs dockerfile-parse: make check-deploy")
    found: dict[str, list[dict[str, str]]] = {}
    for each in parse.DockerfileParser(str(DOCKER / "Dockerfile")).structure:
        if each["instruction"] == "FROM":
            found[each["value"].split()[-1]] = []
        if found:
            list(found.values())[-1].append(each)
    return found


def of_image(stages: dict[str, list[dict[str, str]]], stage: str) -> Iterator[dict[str, str]]:
    """The instructions of a stage after those of the stages that it is made from."""
    base = stages[stage][0]["value"].split()[0]
    if base in stages:
        yield from of_image(stages, base)
    yield from stages[stage]


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_runs_without_rights_and_its_base_is_pinned(stages, image):
    said = list(of_image(stages, image))
    values = {
        kind: [each["value"] for each in said if each["instruction"] == kind] for kind in ("USER", "FROM")
    }
    assert values["USER"] == ["10001:10001"]
    assert values["FROM"][0] == "${BASE_IMAGE} AS runtime"
    after = [each["instruction"] for each in stages[image]]
    assert "RUN" not in after[after.index("USER") :]
    labels = " ".join(each["value"] for each in said if each["instruction"] == "LABEL")
    assert f'org.opencontainers.image.title="invoicegen-{image}"' in labels
    assert "org.opencontainers.image.revision" in labels


def test_the_base_has_a_version_and_nothing_of_the_build_stages_gets_into_images(stages):
    text = (DOCKER / "Dockerfile").read_text(encoding="utf-8")
    (base,) = (line.split("=")[1] for line in text.splitlines() if line.startswith("ARG BASE_IMAGE="))
    assert base.partition(":")[2] not in ("", "latest", "stable-slim")
    for image in IMAGES:
        copied = [each["value"] for each in stages[image] if each["instruction"] == "COPY"]
        assert {value.split()[0] for value in copied if "--from" in value} == {f"--from={image}-environment"}


@pytest.mark.parametrize(("image", "port"), [("api", "8000"), ("annotation", "8001")])
def test_a_service_says_its_port_and_how_its_health_is_asked(stages, image, port):
    said = {each["instruction"]: each["value"] for each in stages[image]}
    assert said["EXPOSE"] == port
    assert f"INVOICEGEN_PORT={port}" in said["ENV"]
    assert "/health" in said["HEALTHCHECK"]
    assert json.loads(said["ENTRYPOINT"]) == ["invoicegen"]


@pytest.mark.parametrize("image", IMAGES)
def test_the_packages_of_an_image_are_what_its_requirements_need(image):
    script = [sys.executable, str(ROOT / "scripts" / "image_locks.py"), "--check"]
    checked = subprocess.run(script, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


_IN_THE_IMAGE = """
import importlib.metadata, json, sys
from importlib.machinery import PathFinder
from pathlib import Path

allowed, path, state = set(json.loads(sys.argv[1])), Path(sys.argv[2]), Path(sys.argv[3])
owners, distribution = importlib.metadata.packages_distributions(), importlib.metadata.distribution
normal = lambda name: name.lower().replace("_", "-").replace(".", "-")


class InTheImage(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        owned = {normal(each) for each in owners.get(name.partition(".")[0], ())}
        return None if owned and not owned & allowed else super().find_spec(name, path, target)


def of_the_image(name):
    if normal(name) not in allowed:
        raise importlib.metadata.PackageNotFoundError(name)
    return distribution(name)


sys.meta_path[sys.meta_path.index(PathFinder)] = InTheImage
importlib.metadata.distribution = of_the_image
"""
"""Makes packages that an image has not as if they were not installed."""

_API = """
from invoicegen.einvoice import require_libraries
from invoicegen.serving import server
from invoicegen.serving.app import create_app
from invoicegen.serving.convert import GivenResult, write_file
from invoicegen.serving.options import ServiceOptions
from invoicegen.serving.worker import answer, read_document, start_worker

options = ServiceOptions(state=state, workers=1, model="shipped")
create_app(options)
start_worker(options)
answer()
read = read_document(path, "a.pdf", "application/pdf", True, True)
write_file(GivenResult.model_validate(read.record), "xlsx")
require_libraries()  # of electronic invoices
assert read.record["fields"]["TOTAL_AMOUNT"][0]["value"] == "400.00"
assert not {"torch", "transformers", "kedro"} & sys.modules.keys()
"""

_ANNOTATION = """
from invoicegen.serving import server
from invoicegen.serving.ocr_app import create_ocr_app
from invoicegen.serving.ocr_worker import answer, read_words, start_worker
from invoicegen.serving.options import OcrServiceOptions

options = OcrServiceOptions(workers=1, more_engines=("tesseract", "paddleocr"))
create_ocr_app(options)
start_worker(options)
answer()
for engine in options.engines:
    read = read_words(path, "a.pdf", "application/pdf", engine, False)
    assert "INV-2026-00042" in {word["text"] for page in read["pages"] for word in page["words"]}, engine
assert "torch" not in sys.modules
"""


@pytest.mark.parametrize(("image", "served"), [("api", _API), ("annotation", _ANNOTATION)])
def test_a_service_reads_a_document_with_the_packages_of_its_image_alone(
    image, served, invoice_pdf, tmp_path
):
    lines = (DOCKER / f"requirements-{image}.lock").read_text(encoding="utf-8").splitlines()
    allowed = [canonicalize_name(line.split("==")[0]) for line in lines if "==" in line]
    given = [json.dumps([*allowed, "invoicegen"]), str(invoice_pdf), str(tmp_path / "state")]
    run = subprocess.run(
        [sys.executable, "-c", _IN_THE_IMAGE + served, *given], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr[-3000:]


def test_only_the_api_starts_by_default():
    assert [name for name, service in SERVICES.items() if "profiles" not in service] == ["api"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_of_compose_is_held_in(name):
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["pids_limit"] > 0
    limits = service["deploy"]["resources"]["limits"]
    assert float(limits["cpus"]) > 0
    assert limits["memory"]
    assert not service.get("privileged")
    assert not {"cap_add", "pid", "ipc", "userns_mode"} & service.keys()
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
    assert service.get("network_mode", "none") == "none"
    if "build" in service:
        assert service["build"]["target"] == name
        assert service["image"].startswith(f"invoicegen-{name}:")
    else:
        version = service["image"].rpartition(":")[2]
        assert any(part.isdigit() for part in version.replace("-", ".").strip("v").split(".")), service[
            "image"
        ]
        assert service["healthcheck"]["test"][0] == "CMD"


def test_what_compose_mounts_and_names_is_there():
    declared = {kind: set(COMPOSE[kind]) for kind in ("volumes", "networks", "secrets")}
    used: dict[str, set[str]] = {"volumes": set(), "networks": set(), "secrets": set()}
    for service in SERVICES.values():
        used["networks"] |= set(service.get("networks", ()))
        used["secrets"] |= set(service.get("secrets", ()))
        for mount in service.get("volumes", ()):
            source = mount.partition(":")[0]
            if source.startswith("./"):
                assert (ROOT / "deploy" / source).is_dir(), source
            else:
                used["volumes"].add(source)
    assert used == declared


def test_settings_that_compose_gives_are_settings(tmp_path, monkeypatch):
    from invoicegen.serving.options import OcrServiceOptions, ServiceOptions

    for name, options in (("api", ServiceOptions), ("annotation", OcrServiceOptions)):
        given = SERVICES[name]["environment"]
        known = {f"INVOICEGEN_{field.upper()}" for field in options.model_fields} | {"INVOICEGEN_SECRETS_DIR"}
        assert given.keys() <= known
        limit = SERVICES[name]["deploy"]["resources"]["limits"]["memory"].removesuffix("G")
        workers = int(given["INVOICEGEN_WORKERS"]) * int(given["INVOICEGEN_WORKER_MEMORY_BYTES"])
        assert workers < int(limit) * 2**30
