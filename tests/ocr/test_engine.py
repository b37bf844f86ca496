import os
import re
import subprocess
import sys

import numpy as np
import pytest
from pydantic import ValidationError

from invoicegen.ocr import (
    ENGINE_NAMES,
    OcrEngine,
    OcrOptions,
    UnknownEngineError,
    create_engine,
)
from invoicegen.ocr.base import recognition_scale


def test_the_default_engine_is_rapidocr():
    assert ENGINE_NAMES[0] == OcrOptions().engine == "rapidocr"


@pytest.mark.parametrize("asked", ["rapidocr", OcrOptions(engine="rapidocr", threads=1), None])
def test_create_engine_takes_a_name_or_options(asked):
    engine = create_engine(asked)
    assert isinstance(engine, OcrEngine)
    assert engine.name == "rapidocr"
    assert "openvino" in engine.version


def test_an_unknown_engine_is_refused_with_those_there_are():
    with pytest.raises(
        UnknownEngineError, match=r"no OCR engine 'abbyy'.*rapidocr, paddleocr, tesseract, easyocr"
    ):
        create_engine("abbyy")


def test_the_text_layer_is_no_pixel_engine():
    with pytest.raises(UnknownEngineError, match="read_page"):
        create_engine("pdf_text")


@pytest.mark.parametrize(
    ("engine", "package", "mend"),
    [
        ("rapidocr", "openvino", "pip install"),
        ("paddleocr", "paddleocr", r"invoicegen\[paddle\]"),
        ("paddleocr", "onnxruntime", r"invoicegen\[paddle\]"),
        ("tesseract", "pytesseract", r"invoicegen\[tesseract\].*apt-get install tesseract-ocr"),
        ("easyocr", "easyocr", r"invoicegen\[easyocr\]"),
    ],
)
def test_a_missing_package_is_named_with_what_to_install(engine, package, mend):
    # In a process whose Python finds everything but this package.
    program = f"""
import sys
from importlib.machinery import PathFinder

class WithoutPackage(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] == {package!r} else super().find_spec(name, path, target)

sys.meta_path = [finder for finder in sys.meta_path if finder is not PathFinder] + [WithoutPackage]
from invoicegen.ocr import EngineUnavailableError, create_engine
from invoicegen.ocr.engine import require_engine
for use in (require_engine, create_engine):
    try:
        use({engine!r})
    except EngineUnavailableError as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    first, second = done.stdout.splitlines()
    for message in (first, second):
        assert re.search(f"OCR engine '{engine}' needs {package}.*{mend}", message)


@pytest.mark.parametrize(
    "wrong",
    [
        {"threads": 0},
        {"max_side": 10},
        {"min_confidence": 1.5},
        {"languages": ("klingon",)},
        {"paddle_models": "medium"},
        {"speed": 1},
    ],
)
def test_options_out_of_range_or_unknown_are_refused(wrong):
    with pytest.raises(ValidationError):
        OcrOptions(**wrong)


@pytest.mark.parametrize(
    ("width", "height", "scale"),
    [
        (1654, 2339, 2000 / 2339),  # A4 at 200 dpi: shrunk to max_side
        (1240, 1754, 1.0),  # A4 at 150 dpi: as it is
        (480, 300, 2.0),  # small: enlarged to min_side
        (100, 60, 3.0),  # tiny: three-fold and no more
    ],
)
def test_recognition_scale_keeps_images_between_min_and_max_side(width, height, scale):
    assert recognition_scale(width, height, OcrOptions(min_side=960, max_side=2000)) == pytest.approx(scale)


def test_importing_and_running_an_engine_reports_nothing_and_writes_nothing_at_home(
    tmp_path,
):
    program = """
import os, socket, sys

def refuse(*args, **kwargs):
    raise AssertionError(f"network used: {args}")

socket.socket.connect = refuse
socket.getaddrinfo = refuse
os.fork = refuse
import numpy as np
from invoicegen.ocr import create_engine
assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"
assert "onnxruntime" not in sys.modules and "openvino" not in sys.modules
create_engine("rapidocr").recognise(np.full((40, 40, 3), 255, np.uint8))
assert "openvino" in sys.modules
assert not any(name.startswith("openvino_telemetry.") for name in sys.modules)
"""
    environment = {
        name: value for name, value in os.environ.items() if name not in ("CI", "ORT_DISABLE_TELEMETRY")
    }
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**environment, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == done.stderr == ""
    assert not (tmp_path / "intel").exists()


def test_the_package_imports_no_engine():
    slow = {"cv2", "rapidocr", "openvino", "torch", "onnxruntime", "pypdfium2"}
    program = f"import sys, invoicegen.ocr; print(sorted({slow} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((10, 10), np.uint8),
        np.zeros((10, 10, 4), np.uint8),
        np.zeros((10, 10, 3), np.float32),
        np.zeros((0, 10, 3), np.uint8),
    ],
)
def test_an_image_that_is_not_rgb_is_refused(rapidocr, image):
    with pytest.raises(ValueError, match="RGB uint8"):
        rapidocr.recognise(image)
