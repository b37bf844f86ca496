import numpy as np
import pytest
from PIL import Image

from invoicegen.ocr import OcrOptions, create_engine
from invoicegen.ocr.rapid import RapidOcrEngine


def test_words_and_boxes_of_a_drawn_page(rapidocr, known_page, overlap):
    words = rapidocr.recognise(known_page.image)
    assert [word.text for word in words] == [text for text, _ in known_page.words]
    assert [word.line_id for word in words] == [0] * 4 + [1] * 6 + [2] * 5
    for word, (_, box) in zip(words, known_page.words, strict=True):
        assert word.source == "ocr"
        assert 0.8 < word.confidence <= 1
        # The box is the line's in height and a mean character's in width.
        assert overlap(word.box, box) > 0.3
        assert word.box[0] < (box[0] + box[2]) / 2 < word.box[2]
        assert word.box[1] < (box[1] + box[3]) / 2 < word.box[3]


def test_confidence_is_the_lines(rapidocr, known_page):
    words = rapidocr.recognise(known_page.image)
    assert len({word.confidence for word in words[4:10]}) == 1


def test_a_wide_gap_begins_a_segment(rapidocr, known_page):
    words = rapidocr.recognise(known_page.image)
    assert [word.segment_id for word in words] == [0] * 3 + [1] + [2] * 6 + [3] * 3 + [4] * 2


@pytest.mark.parametrize("image", [np.full((300, 200, 3), 255, np.uint8), np.zeros((5, 7, 3), np.uint8)])
def test_a_page_without_text_has_no_words(rapidocr, image):
    assert rapidocr.recognise(image) == []


def test_tilted_lines_have_quads_and_stay_whole(rapidocr, known_page):
    tilted = Image.fromarray(known_page.image).rotate(
        4, expand=True, fillcolor="white", resample=Image.BICUBIC
    )
    words = rapidocr.recognise(np.asarray(tilted))
    assert [word.text for word in words] == [text for text, _ in known_page.words]
    assert words[-1].line_id == 2
    quads = [word.quad for word in words if word.quad]
    assert len(quads) >= 9
    angles = [
        np.degrees(np.arctan2(quad[3] - quad[1], quad[2] - quad[0]))
        for quad in quads
        if quad[2] - quad[0] > 60
    ]
    assert np.median(angles) == pytest.approx(-4, abs=1)


@pytest.mark.parametrize("font_size", [9, 60])
def test_boxes_of_small_and_large_images_are_in_their_own_pixels(draw_lines, overlap, font_size):
    scale = font_size / 24
    lines = tuple(
        (round(x * scale), round(y * scale), text) for x, y, text in ((40, 30, "Total amount 42.17"),)
    )
    page = draw_lines(lines, (round(800 * scale), round(120 * scale)), font_size)
    engine = create_engine(OcrOptions(max_side=1200))
    words = engine.recognise(page.image)
    assert [word.text for word in words] == ["Total", "amount", "42.17"]
    assert all(overlap(word.box, box) > 0.3 for word, (_, box) in zip(words, page.words, strict=True))


def test_the_model_is_loaded_once_a_process():
    first, second = create_engine("rapidocr"), create_engine(OcrOptions(max_side=1500))
    assert isinstance(first, RapidOcrEngine)
    assert first._model is second._model
