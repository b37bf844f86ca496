import numpy as np
import pytest

from invoicegen.ocr import OcrOptions, create_engine
from invoicegen.ocr.cache import CachedEngine
from invoicegen.schema.annotation import Word

IMAGE = np.arange(300, dtype=np.uint8).reshape(10, 10, 3)
WORDS = [
    Word(
        text="É1",
        box=[1.5, 2, 3, 4],
        quad=[1, 2, 3, 2, 3, 4, 1, 4],
        line_id=0,
        source="ocr",
        confidence=0.9,
    )
]


class CountingEngine:
    """Gives what it was told to, and counts how often."""

    name = "counting"

    def __init__(self, version="1"):
        self.version = version
        self.calls = 0

    def recognise(self, image):
        self.calls += 1
        return WORDS


def test_the_same_image_is_read_once(tmp_path):
    engine = CountingEngine()
    cached = CachedEngine(engine, OcrOptions(cache_dir=tmp_path))
    assert [cached.recognise(IMAGE) for _ in range(3)] == [WORDS] * 3
    assert engine.calls == 1
    assert not list(tmp_path.rglob("*.partial"))


@pytest.mark.parametrize(
    ("version", "options", "image", "calls"),
    [
        ("1", {"threads": 2}, IMAGE, 0),  # does not change the result
        ("1", {}, IMAGE.copy(order="F"), 0),  # the same pixels
        ("2", {}, IMAGE, 1),
        ("1", {"max_side": 1000}, IMAGE, 1),
        ("1", {}, IMAGE.reshape(5, 20, 3), 1),  # the same bytes, another image
        ("1", {}, IMAGE + np.uint8(1), 1),
    ],
)
def test_what_changes_the_result_changes_the_key(tmp_path, version, options, image, calls):
    CachedEngine(CountingEngine(), OcrOptions(cache_dir=tmp_path)).recognise(IMAGE)
    engine = CountingEngine(version)
    CachedEngine(engine, OcrOptions(cache_dir=tmp_path, **options)).recognise(image)
    assert engine.calls == calls


def test_a_damaged_entry_is_made_anew(tmp_path, caplog):
    engine = CountingEngine()
    cached = CachedEngine(engine, OcrOptions(cache_dir=tmp_path))
    cached.recognise(IMAGE)
    cached.entry_path(IMAGE).write_text('[{"text": "cut o')
    assert cached.recognise(IMAGE) == WORDS
    assert engine.calls == 2
    assert "damaged" in caplog.text
    assert cached.recognise(IMAGE) == WORDS
    assert engine.calls == 2


def test_create_engine_caches_when_asked(tmp_path, known_page):
    engine = create_engine(OcrOptions(cache_dir=tmp_path))
    words = engine.recognise(known_page.image)
    assert isinstance(engine, CachedEngine)
    assert (engine.name, len(list(tmp_path.rglob("*.json")))) == ("rapidocr", 1)
    assert engine.recognise(known_page.image) == words == create_engine().recognise(known_page.image)
