"""What an installation has and lacks: fonts, the renderer's libraries, OCR engines, a model."""

from __future__ import annotations

import ctypes.util
import json
import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from invoicegen.ocr import ENGINE_NAMES


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked for.

    Attributes:
        name: What it is.
        ok: Whether it is there and works.
        found: What was found, in a few words.
        mend: What to do where it is not there.
        required: Whether generating and training by default settings need it.
    """

    name: str
    ok: bool
    found: str
    mend: str = ""
    required: bool = True


def examine(model: Path) -> list[Finding]:
    """Look for all that InvoiceGen uses; a probe that breaks is a finding of its own.

    Args:
        model: Folder in which a trained model is expected.
    """
    probes: list[tuple[str, Callable[[], Finding]]] = [
        ("Python", _python),
        ("packages", _packages),
        ("pango", lambda: _library("pango-1.0", "libpango-1.0-0 libpangoft2-1.0-0")),
        ("harfbuzz-subset", lambda: _library("harfbuzz-subset", "libharfbuzz-subset0")),
        ("fontconfig", lambda: _library("fontconfig", "fontconfig")),
        ("fonts", _fonts),
        (
            "PDF text layer",
            lambda: Finding("PDF text layer", True, f"pypdfium2 {metadata.version('pypdfium2')}"),
        ),
        *((f"OCR engine {name}", partial(_ocr_engine, name)) for name in ENGINE_NAMES),
        ("model", lambda: _model(model)),
    ]
    findings = []
    for name, probe in probes:
        try:
            findings.append(probe())
        except Exception as error:  # a broken installation shows itself in any way
            findings.append(
                Finding(name, False, f"{type(error).__name__}: {error}", "reinstall: pip install -e .")
            )
    return findings


def _python() -> Finding:
    found = f"{platform.python_version()} ({sys.executable})"
    return Finding("Python", sys.version_info >= (3, 11), found, "install Python 3.11 or later")


def _packages() -> Finding:
    from packaging.requirements import Requirement

    lacking = []
    for line in metadata.requires("invoicegen") or []:
        requirement = Requirement(line)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            lacking.append(requirement.name)
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            lacking.append(f"{requirement} (found {version})")
    found = f"invoicegen {metadata.version('invoicegen')}" + (
        f", without {', '.join(lacking)}" if lacking else ""
    )
    return Finding("packages", not lacking, found, "pip install -e .")


def _library(name: str, packages: str) -> Finding:
    found = ctypes.util.find_library(name)
    return Finding(name, found is not None, found or "not found", f"apt-get install {packages}")


def _fonts() -> Finding:
    from invoicegen.templates.fonts import load_fonts, missing_faces

    fonts = load_fonts()
    lacking = [font for font in fonts if missing_faces(font)]
    packages = " ".join(sorted({package for font in lacking for package in font.packages}))
    found = f"{len(fonts) - len(lacking)} of {len(fonts)} families"
    return Finding("fonts", not lacking, found, f"apt-get install {packages}")


def _ocr_engine(name: str) -> Finding:
    """Whether an engine really loads; models that it would have to download first are left alone."""
    from invoicegen.ocr import EngineUnavailableError, OcrOptions, create_engine
    from invoicegen.ocr.engine import require_engine

    required = name == ENGINE_NAMES[0]
    what = f"OCR engine {name}"
    try:
        require_engine(name)
        if name == "easyocr" and find_spec("easyocr_en_models") is None:
            found = f"{metadata.version('easyocr')}, downloads its models at first use"
        else:
            found = create_engine(OcrOptions(engine=name, easyocr_models="bundled")).version
    except EngineUnavailableError as error:
        return Finding(what, False, "not usable", str(error), required=required)
    return Finding(what, True, found, required=required)


def _model(folder: Path) -> Finding:
    from invoicegen.modeling.errors import ModelingError
    from invoicegen.modeling.settings import (
        ONNX_FILE,
        SETTINGS_FILE,
        WEIGHTS_FILE,
        read_settings,
        single_model,
    )
    from invoicegen.schema.taxonomy import TAXONOMY_VERSION
    from invoicegen.weights import shipped_model

    mend = "train one with `kedro run --pipeline=generate` and `kedro run --pipeline=train`, or name one with --model"
    named = folder
    try:
        folder = single_model(named)
        exported, trained = (folder / ONNX_FILE).is_file(), (folder / WEIGHTS_FILE).is_file()
        if not (exported or trained) or not (folder / SETTINGS_FILE).is_file():
            return Finding("model", False, f"none in {folder}", mend, required=False)
        settings = read_settings(folder)
    except ModelingError as error:
        return Finding("model", False, str(error), mend, required=False)
    taxonomy = settings.inputs.taxonomy if settings.inputs is not None else settings.taxonomy
    if settings.inputs is None and (folder / "config.json").is_file():
        taxonomy = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("taxonomy", "unknown")
    if taxonomy != TAXONOMY_VERSION:
        found = f"{folder} knows taxonomy {taxonomy}, this InvoiceGen has {TAXONOMY_VERSION}"
        return Finding("model", False, found, mend, required=False)
    origin = "shipped weights" if named == shipped_model() else named
    runtime = settings.runtime if exported else "torch"
    return Finding("model", True, f"{origin}, taxonomy {taxonomy}, run by {runtime}", required=False)
