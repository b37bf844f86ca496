import numpy as np
import pytest

from invoicegen.ocr.cutting import cut_between, cut_line, merge_at_spaces


def square(x0, y0, x1, y1):
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], dtype=float)


def test_pieces_are_merged_at_spaces_only():
    pieces = [
        ("EUR", square(0, 0, 30, 10)),
        ("1.2", square(40, 0, 60, 10)),
        ("34,5", square(66, 0, 100, 10)),
    ]
    quads = merge_at_spaces(["EUR", "1.234,5"], pieces)
    np.testing.assert_array_equal(quads, [square(0, 0, 30, 10), square(40, 0, 100, 10)])


def test_pieces_of_upright_text_are_merged_along_it():
    (quad,) = merge_at_spaces(["ab"], [("a", square(0, 20, 10, 30)), ("b", square(0, 5, 10, 15))])
    np.testing.assert_array_equal(quad, square(0, 5, 10, 30))


@pytest.mark.parametrize("pieces", [[], [("12", square(0, 0, 9, 9))], [("13", square(0, 0, 9, 9))]])
def test_pieces_that_do_not_spell_the_words_are_an_error(pieces):
    with pytest.raises(ValueError, match="do not spell"):
        merge_at_spaces(["123"], pieces)


@pytest.mark.parametrize(
    ("words", "line", "expected"),
    [
        (["abcd"], square(10, 20, 50, 30), [square(10, 20, 50, 30)]),
        (
            ["ab", "cd"],
            square(0, 0, 50, 10),
            [square(0, 0, 20, 10), square(30, 0, 50, 10)],
        ),
        (
            ["a", "bcd"],
            square(0, 0, 10, 50),
            [square(0, 0, 10, 10), square(0, 20, 10, 50)],
        ),  # upright
    ],
)
def test_a_line_without_word_boxes_is_cut_in_proportion_to_characters(words, line, expected):
    np.testing.assert_allclose(cut_line(words, line), expected)


def test_words_of_a_tilted_line_follow_it():
    turn = np.radians(10)
    turned = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    quads = cut_line(["ab", "cd"], square(0, 0, 50, 10) @ turned)
    np.testing.assert_allclose(quads, [square(0, 0, 20, 10) @ turned, square(30, 0, 50, 10) @ turned])


@pytest.mark.parametrize(
    ("words", "centres", "expected"),
    [
        (["abc"], [0.1, 0.2, 0.3], [(0.05, 0.35)]),
        (["abc", "d"], [0.1, 0.2, 0.3, 0.6], [(0.05, 0.35), (0.55, 0.65)]),  # a wide gap stays empty
        (["abc", "d"], [0.1, 0.2, 0.3, 0.38], [(0.05, 0.34), (0.34, 0.43)]),  # a narrow one is shared
        (["abc"], [0.02, 0.12, 0.22], [(0.0, 0.27)]),  # not over the end of the line
        (["a", "b"], [0.2, 0.8], [(0.2 - 0.5 / 3, 0.2 + 0.5 / 3), (0.8 - 0.5 / 3, 0.8 + 0.5 / 3)]),
    ],
)
def test_words_end_half_a_character_beyond_their_last_ones(words, centres, expected):
    quads = cut_between(words, centres, square(0, 0, 100, 10))
    np.testing.assert_allclose(quads, [square(100 * x0, 0, 100 * x1, 10) for x0, x1 in expected], atol=1e-9)


def test_a_place_for_each_character_is_needed():
    with pytest.raises(ValueError, match="2 places"):
        cut_between(["abc"], [0.1, 0.2], square(0, 0, 100, 10))
