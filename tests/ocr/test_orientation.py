"""Pages that do not stand upright: turned, read, and told of."""

import numpy as np
import pytest
from PIL import Image

from invoicegen.ocr.documents import open_document
from invoicegen.ocr.orientation import read_upright, turned
from invoicegen.ocr.reading import read_page_upright


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_a_turned_page_is_read_as_if_it_were_upright(rapidocr, known_page, overlap, turn):
    words, back = read_upright(turned(known_page.image, (360 - turn) % 360), rapidocr)
    assert back == turn
    assert [word.text for word in words] == [text for text, _ in known_page.words]
    assert all(overlap(word.box, box) > 0.3 for word, (_, box) in zip(words, known_page.words, strict=True))


def test_what_has_too_few_words_stays_as_it_is(rapidocr):
    assert read_upright(np.full((200, 300, 3), 255, np.uint8), rapidocr) == ([], 0)


def test_the_frame_is_that_of_the_turned_page(rapidocr, known_page, tmp_path):
    Image.fromarray(turned(known_page.image, 90)).save(tmp_path / "sideways.png")
    with open_document(tmp_path / "sideways.png") as document:
        page = read_page_upright(document.pages[0], rapidocr)
    height, width = known_page.image.shape[:2]
    assert (page.width, page.height, page.turn, page.engine) == (width, height, 270, "rapidocr")
