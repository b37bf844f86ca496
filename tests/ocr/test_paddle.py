import socket

import numpy as np
import pytest
from PIL import Image

from invoicegen.ocr import EngineUnavailableError, OcrOptions, create_engine
from invoicegen.ocr.languages import LANGUAGES
from invoicegen.ocr.paddle import character_centres


@pytest.fixture(scope="module")
def paddle():
    return create_engine("paddleocr")


def test_words_and_boxes_of_a_drawn_page(paddle, known_page, overlap):
    words = paddle.recognise(known_page.image)
    assert [word.text for word in words] == [text for text, _ in known_page.words]
    assert [word.line_id for word in words] == [0] * 4 + [1] * 6 + [2] * 5
    assert (
        np.mean([overlap(word.box, box) for word, (_, box) in zip(words, known_page.words, strict=True)])
        > 0.55
    )
    assert all(0.8 < word.confidence <= 1 for word in words)


def test_boxes_follow_tilted_lines(paddle, known_page):
    tilted = Image.fromarray(known_page.image).rotate(
        5, expand=True, fillcolor="white", resample=Image.BICUBIC
    )
    words = paddle.recognise(np.asarray(tilted))
    assert [word.text for word in words] == [text for text, _ in known_page.words]
    quads = [word.quad for word in words if word.quad and word.quad[2] - word.quad[0] > 60]
    angles = [np.degrees(np.arctan2(quad[3] - quad[1], quad[2] - quad[0])) for quad in quads]
    assert len(angles) >= 5
    assert np.median(angles) == pytest.approx(-5, abs=1)


@pytest.mark.parametrize("image", [np.full((300, 200, 3), 255, np.uint8), np.zeros((5, 7, 3), np.uint8)])
def test_a_page_without_text_has_no_words(paddle, image):
    assert paddle.recognise(image) == []


def test_the_model_is_loaded_once_a_process(paddle):
    assert (
        create_engine(OcrOptions(engine="paddleocr", max_side=1500, languages=("de",)))._model
        is paddle._model
    )


def test_without_a_network_the_way_to_the_models_is_named(paddle, monkeypatch, tmp_path):
    def refuse(*args, **kwargs):
        raise OSError("no network")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr("paddlex.inference.utils.official_models.official_models._save_dir", tmp_path)
    with pytest.raises(
        EngineUnavailableError, match=r"models for 'de'.*may be copied.*ocr.paddle_models to bundled"
    ):
        create_engine(OcrOptions(engine="paddleocr", paddle_models="download", languages=("de",)))


def test_paddleocr_knows_all_languages_by_our_names_for_them():
    from paddleocr import PaddleOCR

    names = PaddleOCR._get_ocr_model_names
    models = {names(None, language.paddleocr, None) for language in LANGUAGES.values()}
    assert models == {("PP-OCRv6_medium_det", "PP-OCRv6_medium_rec")}  # one model: the first language will do


def box(x0, x1):
    return ((x0, 0), (x1, 0), (x1, 12), (x0, 12))


LINE = np.array([[0, 0], [100, 0], [100, 12], [0, 12]], dtype=float)  # a step of the recogniser is 2 px


def test_characters_lie_between_the_ends_of_their_token():
    centres = character_centres(["abc", " ", "d"], [box(10, 32), box(40, 42), box(50, 52)], LINE)
    np.testing.assert_allclose(centres, [0.11, 0.21, 0.31, 0.51])


@pytest.mark.parametrize(
    ("tokens", "boxes", "line"),
    [
        (["a", "b"], [box(10, 12)], LINE),  # a token without box
        (["a", "b"], [box(50, 52), box(10, 12)], LINE),  # boxes in another order than the text
        (["a"], [box(10, 12)], LINE[[1, 0, 3, 2]]),  # a line that runs to the left
    ],
)
def test_places_that_do_not_fit_the_line_are_not_used(tokens, boxes, line):
    assert character_centres(tokens, boxes, line) is None
