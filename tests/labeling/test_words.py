"""Words glued across what never stands inside a value are cut, the same way in training and in use."""

from itertools import pairwise

import pytest

from invoicegen.labeling import cut_words, sort_words
from invoicegen.schema.annotation import Word


def word(text, quad=None):
    return Word(text=text, box=[100, 50, 100 + 10 * len(text), 70], quad=quad, source="ocr", confidence=0.9)


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("AG·Bernstrasse", ["AG", "·", "Bernstrasse"]),
        ("GmbH•", ["GmbH", "•"]),
        ("1*359,00", ["1", "*", "359,00"]),
        ("2x1.50", ["2", "x", "1.50"]),
        ("1pk*6,49", ["1pk", "*", "6,49"]),
        ("12x80", ["12x80"]),  # a size
        ("col·lecció", ["col·lecció"]),  # Catalan
        ("·", ["·"]),
        ("INV-7/2026", ["INV-7/2026"]),
        ("$2,198.53", ["$", "2,198.53"]),
        ("4,99€", ["4,99", "€"]),
        ("81.3461@12.41", ["81.3461", "@", "12.41"]),
        ("info24@163.com", ["info24@163.com"]),
        ("GST5%", ["GST", "5%"]),
        ("MwSt.(19,00%):", ["MwSt.", "(19,00%):"]),
        ("S(6%)", ["S", "(6%)"]),
        ("S6%", ["S6%"]),  # a class of tax
        ("6%GST", ["6%", "GST"]),
        ("Zahlart:Rechnung", ["Zahlart:", "Rechnung"]),
        ("mailto:x@y.com", ["mailto:x@y.com"]),
        ("urn:cen.eu:en", ["urn:cen.eu:en"]),
        ("Date:04/09/2017", ["Date:", "04/09/2017"]),
        ("DOK.#00360163", ["DOK.#", "00360163"]),
        ("Bill#:V123-7", ["Bill#:", "V123-7"]),
        ("TIME:20:18:00", ["TIME:", "20:18:00"]),
        ("TOTAL:€5.00", ["TOTAL:", "€", "5.00"]),
        ("Total:", ["Total:"]),
        ("10:30", ["10:30"]),
        ("#12", ["#12"]),
        ("http://shop24.de", ["http://shop24.de"]),
        ("https://x.de/a:8", ["https://x.de/a:8"]),
        ("A4", ["A4"]),
    ],
)
def test_glued_words_are_cut(text, pieces):
    cut = cut_words([word(text)])
    assert [piece.text for piece in cut] == pieces
    assert cut[0].box[0] == 100
    assert cut[-1].box[2] == 100 + 10 * len(text)
    assert all(left.box[2] == right.box[0] for left, right in pairwise(cut))
    assert [piece.text for piece in sort_words([word(text)])] == pieces


def test_pieces_of_a_leaning_word_lean():
    cut = cut_words([word("AG·Bern", quad=[100, 50, 170, 57, 168, 77, 98, 70])])
    assert cut[0].quad[:2] == [100, 50]
    assert cut[0].quad[2:4] == pytest.approx([120, 52])
    assert cut[2].quad[2:6] == [170, 57, 168, 77]
