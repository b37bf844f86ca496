"""Every engine reads the same generated page. EasyOCR is missing in the main environment: `make test-easyocr`."""

from importlib.util import find_spec

import numpy as np
import pytest

from invoicegen.evaluation.reading import KnownText, count_reading
from invoicegen.geometry import quad_to_box
from invoicegen.ocr import ENGINE_NAMES, OcrEngine, OcrOptions, create_engine
from invoicegen.ocr.cache import CachedEngine

#: Least share of words found, of read words that are right, and mean intersection over union of their boxes.
EXPECTED = {
    "rapidocr": (0.9, 0.9, 0.6),
    "paddleocr": (0.9, 0.9, 0.6),
    "tesseract": (0.75, 0.85, 0.5),
    "easyocr": (0.6, 0.6, 0.4),
}
PAGE = """<html><head><style>@page { size: 420pt 190pt; margin: 20pt } body { font: 11pt 'DejaVu Sans'; margin: 0 }
p { margin: 0 0 6pt } td { padding: 2pt 0 } table { width: 100%; table-layout: fixed; border-collapse: collapse }
</style></head><body><p>Northwind Traders Ltd, 12 Harbour Road, Bristol</p>
<p>Invoice number INV-2024-0193 of 12 March 2024</p>
<table><tr><td>Description</td><td>Quantity</td><td>Amount</td></tr>
<tr><td>Steel bracket</td><td>12</td><td>148.50</td></tr><tr><td>Delivery</td><td>1</td><td>15.00</td></tr></table>
<p>Total amount due 163.50 EUR</p><p>Payment within 30 days, please</p></body></html>"""


def options(name, **more):
    return OcrOptions(engine=name, easyocr_models="bundled", **more)


@pytest.fixture(scope="module")
def generated_page():
    """A rendered page at 150 dpi with its true words."""
    from invoicegen.rendering import rasterise, render_document

    rendered = render_document(PAGE, dpi=150)
    known = [KnownText(word.text, quad_to_box(word.quad), word.line_id) for word in rendered.pages[0].words]
    assert len(known) > 30
    return rasterise(rendered.pdf, 0, 150), known


def installed(name):
    """Not a way round a test: where EasyOCR may be missing, test_ci_runs_every_engine says where it is run."""
    missing = name == "easyocr" and find_spec("easyocr") is None
    return pytest.param(name, marks=pytest.mark.skipif(missing, reason="needs EasyOCR: make test-easyocr"))


@pytest.mark.parametrize("name", [installed(name) for name in ENGINE_NAMES])
def test_an_engine_reads_a_generated_page(name, generated_page, tmp_path):
    image, known = generated_page
    engine = create_engine(options(name, cache_dir=tmp_path))
    assert isinstance(engine, OcrEngine)
    words = engine.recognise(image)
    counts = count_reading(known, words)
    recall, precision, overlap = EXPECTED[name]
    assert counts.recall >= recall
    assert counts.precision >= precision
    assert counts.mean_overlap >= overlap
    assert all(0 <= word.confidence <= 1 and word.source == "ocr" for word in words)
    lines = [word.line_id for word in words]
    assert lines == sorted(lines)

    # The same image, engine, version and options: from the cache; another image: not.
    assert isinstance(engine, CachedEngine)
    kept = engine.entry_path(image)
    assert kept.is_file()
    assert engine.recognise(image) == words
    assert not engine.entry_path(np.ascontiguousarray(image[::-1])).exists()
    other = create_engine(options(name, cache_dir=tmp_path, min_confidence=0.6))
    assert not other.entry_path(image).exists()


def test_ci_runs_every_engine(pytestconfig):
    assert set(EXPECTED) == set(ENGINE_NAMES)
    commands = (pytestconfig.rootpath / ".ci/run").read_text(encoding="utf-8")
    assert "make test-easyocr" in commands
