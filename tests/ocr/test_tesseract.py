import shutil

import pytest

from invoicegen.ocr import EngineUnavailableError, OcrOptions, create_engine

needs_tesseract = pytest.mark.skipif(
    shutil.which("tesseract") is None,
    reason="needs the program tesseract (Debian: tesseract-ocr)",
)


@needs_tesseract
def test_words_and_boxes_of_a_drawn_page(known_page, overlap):
    engine = create_engine("tesseract")
    assert engine.name == "tesseract"
    assert engine.version[0].isdigit()
    words = engine.recognise(known_page.image)
    found = {word.text: word for word in words}
    boxes = dict(known_page.words)
    for text in ("Invoice", "INV-2024/001", "12.03.2024", "GmbH,", "Total", "VAT):"):
        assert overlap(found[text].box, boxes[text]) > 0.6
        assert 0.5 <= found[text].confidence <= 1
    assert found["Total"].line_id == found["VAT):"].line_id == 2


@needs_tesseract
def test_one_thread_is_asked_for(known_page, monkeypatch):
    import os

    monkeypatch.setenv("OMP_THREAD_LIMIT", "8")
    create_engine("tesseract").recognise(known_page.image[:60])
    assert os.environ["OMP_THREAD_LIMIT"] == "1"


@needs_tesseract
def test_a_missing_language_is_named_with_its_package(monkeypatch):
    from invoicegen.ocr import tesseract

    program, available = tesseract._program()
    monkeypatch.setattr(tesseract, "_program", lambda: (program, available - {"hun"}))
    with pytest.raises(EngineUnavailableError, match=r"no data for hun.*apt-get install tesseract-ocr-hun"):
        create_engine(OcrOptions(engine="tesseract", languages=("en", "hu")))


@needs_tesseract
def test_the_language_decides_which_letters_are_read(draw_lines):
    page = draw_lines(((40, 30, "Größe Straße Zahlung für Öl"),), (800, 90))
    german = create_engine(OcrOptions(engine="tesseract", languages=("de",))).recognise(page.image)
    english = create_engine(OcrOptions(engine="tesseract")).recognise(page.image)
    assert [word.text for word in german] == [text for text, _ in page.words]
    assert [word.text for word in english] != [text for text, _ in page.words]


def test_a_missing_program_is_named_with_its_package(monkeypatch, tmp_path):
    from invoicegen.ocr.tesseract import _program

    pytest.importorskip("pytesseract")
    monkeypatch.setenv("PATH", str(tmp_path))
    _program.cache_clear()
    with pytest.raises(EngineUnavailableError, match="apt-get install tesseract-ocr"):
        create_engine("tesseract")
