"""Writes the locks of the container images: what each needs of requirements.lock, as the packages of .venv require it.

.venv/bin/python scripts/image_locks.py            # after requirements.lock or what an image needs has changed
.venv/bin/python scripts/image_locks.py --check    # exit 1 where a lock is not what this would write
"""

from __future__ import annotations

import argparse
import sys
from importlib.metadata import PackageNotFoundError, distribution, requires
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT: Final = Path(__file__).resolve().parents[1]
FOLDER: Final = ROOT / "deploy" / "docker"

_READING: Final = (
    "babel", "numpy", "opencv-python-headless", "openvino", "pillow", "pydantic", "pypdfium2", "python-stdnum",
    "pyyaml", "rapidocr", "rich", "schwifty", "tokenizers", "tqdm", "typer",
)  # fmt: skip
_SERVING: Final = ("invoicegen[serve,redis,sentry,otel]",)
IMAGES: Final[dict[str, tuple[str, ...]]] = {
    "api": (*_READING, *_SERVING, "openpyxl", "invoicegen[einvoice]"),
    "annotation": (*_READING, *_SERVING, "paddleocr", "onnxruntime", "opencv-contrib-python", "pytesseract"),
    "training": ("invoicegen[*]", "invoicegen[export,einvoice,dask,tesseract]"),
}
"""Packages of each image, to which those that they require are added; ``invoicegen[extra]`` stands for what the
extra asks for, ``[*]`` for what InvoiceGen requires without any."""

_LEFT_OUT: Final[dict[str, frozenset[str]]] = {
    "api": frozenset({"opencv-python"}),
    "annotation": frozenset({"opencv-python", "opencv-python-headless"}),
    "training": frozenset(),
}
"""Builds of OpenCV share the folder cv2: one an image, that which needs least of the system. RapidOCR asks for
opencv-python and finds cv2 whichever build it is; PaddleOCR looks for opencv-contrib-python by name."""


def pins() -> dict[str, str]:
    """Name to ``name==version`` of requirements.lock."""
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    return {
        canonicalize_name(line.split("==")[0]): line for line in lines if line and not line.startswith("#")
    }


def _of_invoicegen(extra: str) -> list[Requirement]:
    found = [Requirement(text) for text in requires("invoicegen") or ()]
    if extra == "*":
        return [each for each in found if each.marker is None]
    return [each for each in found if each.marker is not None and each.marker.evaluate({"extra": extra})]


def closure(image: str) -> list[str]:
    """The pins of an image: its packages and all that they require."""
    locked = pins()
    todo: list[Requirement] = []
    for text in IMAGES[image]:
        asked = Requirement(text.replace("[*]", ""))
        if asked.name == "invoicegen":
            extras = asked.extras or {"*"}
            todo += [each for extra in sorted(extras) for each in _of_invoicegen(extra)]
        else:
            todo.append(asked)
    done: set[tuple[str, str]] = set()
    names: set[str] = set()
    while todo:
        asked = todo.pop()
        name = canonicalize_name(asked.name)
        if name in _LEFT_OUT[image]:
            continue
        if name not in locked:
            sys.exit(
                f"image_locks: {asked.name} of image {image} is not in requirements.lock; run scripts/lock.sh"
            )
        names.add(name)
        for extra in ("", *sorted(asked.extras)):
            if (name, extra) in done:
                continue
            done.add((name, extra))
            try:
                needed = [Requirement(text) for text in requires(name) or ()]
            except PackageNotFoundError:
                sys.exit(f"image_locks: {name} is not installed here: run `make setup`")
            todo += [each for each in needed if each.marker is None or each.marker.evaluate({"extra": extra})]
    return sorted((locked[name] for name in names), key=str.lower)


def text_of(image: str) -> str:
    """The lock of an image, as it is written."""
    head = f"# Packages of the image {image}, out of requirements.lock. Written by scripts/image_locks.py.\n"
    return head + "".join(f"{pin}\n" for pin in closure(image))


def megabytes(image: str) -> float:
    """What the packages of an image weigh, as .venv has them, without bytecode."""
    files = (file for pin in closure(image) for file in distribution(pin.split("==")[0]).files or ())
    sizes = (path.stat().st_size for file in files if (path := Path(str(file.locate()))).is_file())
    return sum(sizes) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true")
    what.add_argument("--sizes", action="store_true")
    given = parser.parse_args()
    for image in IMAGES:
        if given.sizes:
            print(f"{image}: {len(closure(image))} packages, {megabytes(image):.0f} MB")
            continue
        path, text = FOLDER / f"requirements-{image}.lock", text_of(image)
        if not given.check:
            path.write_text(text, encoding="utf-8")
        elif not path.is_file() or path.read_text(encoding="utf-8") != text:
            sys.exit(f"image_locks: {path.relative_to(ROOT)} is stale: run scripts/image_locks.py")


if __name__ == "__main__":
    main()
