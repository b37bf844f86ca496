import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invoicegen.ocr.lines import in_reading_order, quad_or_none
from invoicegen.schema.annotation import Word


def piece(text, x, y, size=20, tilt_deg=0.0):
    """Words of one line of monospaced text, each character half its height wide."""
    words = []
    at = 0
    turn = np.radians(tilt_deg)
    for word in text.split():
        x0, x1 = x + at * size / 2, x + (at + len(word)) * size / 2
        corners = np.array([[x0, y], [x1, y], [x1, y + size], [x0, y + size]], dtype=float)
        corners = corners @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
        quad = corners.ravel().tolist()
        box = [*corners.min(0), *corners.max(0)]
        words.append(Word(text=word, box=box, quad=quad_or_none(quad), source="ocr"))
        at += len(word) + 1
    return words


def as_lines(words):
    lines = {}
    for word in words:
        lines.setdefault(word.line_id, []).append(word.text)
    assert list(lines) == list(range(len(lines)))
    return [" ".join(line) for line in lines.values()]


PAGE = [
    ("Total", 300, 200),
    ("ACME Ltd", 10, 10),
    ("99.00", 600, 203),
    ("Invoice 7", 500, 12),
    ("two pens", 10, 100),
    ("4.00", 600, 98),
    ("red", 10, 124),
]
READ = ["ACME Ltd Invoice 7", "two pens 4.00", "red", "Total 99.00"]


@pytest.mark.parametrize("tilt_deg", [0, 3, -6, 10])
def test_lines_are_found_and_ordered_on_straight_and_tilted_pages(tilt_deg):
    # Tilted, the short pieces alone could not tell the angle: a long line does.
    long_line = ("a line of fine print that runs over most of the page", 10, 300)
    pieces = [piece(*args, tilt_deg=tilt_deg) for args in [*PAGE, long_line]]
    assert as_lines(in_reading_order(pieces)) == [*READ, long_line[0]]


def test_a_line_that_sags_over_its_length_stays_whole():
    pieces = [piece("word", 100 * i, 100 + 4 * i) for i in range(10)]
    assert as_lines(in_reading_order(pieces)) == [" ".join(["word"] * 10)]


def test_lines_at_their_usual_spacing_are_not_joined():
    pieces = [piece("left", 0, 0), piece("right", 200, 24), piece("right", 200, 0), piece("left", 0, 24)]
    assert as_lines(in_reading_order(pieces)) == ["left right"] * 2


def test_small_print_beside_large_print_is_one_line():
    assert as_lines(in_reading_order([piece("99.00", 200, 0, 40), piece("Total", 0, 14, 14)])) == [
        "Total 99.00"
    ]


def test_upright_text_is_a_line_of_its_own():
    upright = [Word(text="Copyright", box=[0, 0, 12, 200], source="pdf")]
    lines = as_lines(in_reading_order([upright, piece("Total 4.00", 40, 90)]))
    assert sorted(lines) == ["Copyright", "Total 4.00"]


def test_segments_end_at_wide_gaps_and_lines():
    words = in_reading_order([piece("a b", 0, 0), piece("c", 45, 0), piece("d", 200, 0), piece("e", 0, 40)])
    assert [(word.text, word.line_id, word.segment_id) for word in words] == [
        ("a", 0, 0),
        ("b", 0, 0),
        ("c", 0, 0),
        ("d", 0, 1),
        ("e", 1, 2),
    ]


def test_nothing_in_nothing_out():
    assert in_reading_order([]) == in_reading_order([[]]) == []


@settings(max_examples=30, deadline=None)
@given(st.permutations(PAGE))
def test_the_order_of_the_pieces_does_not_matter(pieces):
    assert as_lines(in_reading_order([piece(*args) for args in pieces])) == READ


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.text("ab ", min_size=1, max_size=8),
            st.integers(0, 900),
            st.integers(0, 900),
            st.integers(4, 60),
        ),
        max_size=15,
    )
)
def test_no_word_is_lost_or_made_up(pieces):
    pieces = [piece(text, x, y, size) for text, x, y, size in pieces]
    words = in_reading_order(pieces)
    key = lambda word: (word.text, word.box)  # noqa: E731
    assert sorted(map(key, words)) == sorted(key(word) for one in pieces for word in one)
    numbers = [word.segment_id for word in words]
    assert numbers == sorted(numbers)
    assert [word.line_id for word in words] == sorted(word.line_id for word in words)
