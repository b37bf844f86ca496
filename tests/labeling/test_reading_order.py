"""Words come in reading order whatever the order they are given in, and however the page leans."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invoicegen.augmentation.apply import draw_map
from invoicegen.augmentation.presets import load_presets
from invoicegen.augmentation.warp import Homography, PageMap
from invoicegen.geometry import box_to_quad, quad_to_box
from invoicegen.labeling import group_lines, sort_words
from invoicegen.schema.annotation import Word

WIDTH, HEIGHT = 1240, 1754
ROW_PX = 26


def word(text, x0, y0, x1, y1, **more):
    return Word(text=text, box=[x0, y0, x1, y1], **more)


def invoice_like(rng, n_rows=40, columns=(80, 330, 560, 700, 830, 960, 1100)):
    """Words ``row.place`` in reading order: a block of text, then rows of a table with gaps and long cells."""
    words = []
    for row in range(n_rows):
        y = 100 + row * ROW_PX * 1.5
        present = [k for k in range(len(columns)) if rng.random() < 0.8] or [0]
        for k in present:
            x, room = columns[k], (columns[k + 1] if k + 1 < len(columns) else 1180) - columns[k] - 10
            for _ in range(int(rng.integers(1, 4))):
                length = float(rng.uniform(12, 70))
                if x + length > columns[k] + room:
                    break
                height = ROW_PX * float(rng.uniform(0.7, 0.85))
                middle = y + float(rng.uniform(-1.5, 1.5))
                words.append(word(f"{row}", x, middle - height / 2, x + length, middle + height / 2))
                x += length + 6
    return words


def moved(words, page_map, with_quads):
    result = []
    for item in words:
        points = np.array(box_to_quad(item.box)).reshape(4, 2)
        quad = page_map.forward(points).ravel().tolist()
        result.append(
            item.model_copy(update={"box": list(quad_to_box(quad)), "quad": quad if with_quads else None})
        )
    return result


def rotation(degrees):
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    middle = np.array([[1, 0, -WIDTH / 2], [0, 1, -HEIGHT / 2], [0, 0, 1]])
    turn = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    return PageMap.compose([Homography(np.linalg.inv(middle) @ turn @ middle)], WIDTH, HEIGHT)


def test_lines_from_top_to_bottom_words_from_left_to_right():
    words = [
        word("world", 60, 10, 100, 30),
        word("Total", 10, 50, 50, 70),
        word("hello", 10, 11, 50, 31),
        word("9.99", 400, 49, 440, 69),
    ]
    ordered = sort_words(words)
    assert [item.text for item in ordered] == ["hello", "world", "Total", "9.99"]
    assert [item.line_id for item in ordered] == [0, 0, 1, 1]
    assert [item.segment_id for item in ordered] == [0, 0, 1, 2]
    assert group_lines(words) == [[2, 0], [1, 3]]


def test_lines_closer_than_their_boxes_are_high_stay_apart():
    """As on a curled till roll, where an engine draws its boxes wide."""
    rows = [
        [word(f"{row}.{k}", 80 * k, 100 + 12 * row, 80 * k + 70, 134 + 12 * row) for k in range(4)]
        for row in range(3)
    ]
    words = [item for row in rows for item in row]
    assert [[words[i].text for i in line] for line in group_lines(words)] == [
        [w.text for w in row] for row in rows
    ]


def test_a_sparse_page_is_level_unless_more_words_say_otherwise():
    """Few words have a neighbour, and the longest join is of two lines."""
    placed = [
        ("Rechnung", 60, 40), ("03.04.2026", 250, 60), ("03.05.2026", 250, 80), ("Muster", 60, 100),
        ("GmbH", 120, 100), ("Berlin", 60, 120), ("DE136695976", 60, 140), ("=Durand", 60, 180), ("Lyon", 60, 200),
        ("France", 110, 200), ("Schrauben", 60, 300), ("100", 500, 300), ("3,92", 700, 300), ("392,00", 900, 300),
        ("Fracht", 60, 330), ("8,00", 900, 330), ("400,00", 900, 400), ("19", 400, 420), ("%", 425, 420),
        ("76,00", 900, 420), ("476,00", 900, 440), ("€", 970, 440), ("DE89370400440532013000", 60, 600),
    ]  # fmt: skip
    words = [word(text, x, y, x + 8.32 * len(text), y + 16) for text, x, y in placed]
    lines = [[words[i].text for i in line] for line in group_lines(words)]
    assert ["Schrauben", "100", "3,92", "392,00"] in lines
    assert ["Fracht", "8,00"] in lines


def test_no_words_no_lines():
    assert sort_words([]) == []
    assert group_lines([]) == []


def test_earlier_numbers_are_replaced_and_the_rest_is_kept():
    given_word = word("x", 0, 0, 10, 10, line_id=7, segment_id=9, confidence=0.4, source="ocr")
    (sorted_word,) = sort_words([given_word])
    assert sorted_word == given_word.model_copy(update={"line_id": 0, "segment_id": 0})


@pytest.mark.parametrize(
    ("name", "words", "expected"),
    [
        (
            "a dash joins its line",
            [word("a", 0, 10, 40, 30), word("-", 45, 19, 55, 22), word("b", 60, 10, 99, 30)],
            [["a", "-", "b"]],
        ),
        (
            "a full stop at the foot of its line",
            [word("a", 0, 10, 40, 30), word("b", 60, 10, 99, 30), word(".", 42, 25, 46, 29)],
            [["a", ".", "b"]],
        ),
        (
            "a large title beside two small lines takes neither apart",
            [
                word("one", 300, 84, 340, 99),
                word("TITLE", 0, 70, 200, 130),
                word("two", 300, 108, 340, 123),
            ],
            [["one"], ["TITLE"], ["two"]],
        ),
        (
            "close lines stay apart",
            [word("u", 0, 0, 50, 20), word("l", 0, 17, 50, 37)],
            [["u"], ["l"]],
        ),
        ("boxes without height", [word("b", 5, 5, 9, 5), word("a", 0, 5, 4, 5)], [["a", "b"]]),
    ],
)
def test_lines(name, words, expected):
    assert [[words[i].text for i in line] for line in group_lines(words)] == expected, name


def broken_lines(words):
    """Share of printed lines that are not found as they are."""
    found = [[words[i].text for i in line] for line in group_lines(words)]
    printed = sorted({int(item.text) for item in words})
    right = sum(1 for line in found if len(set(line)) == 1)
    return 1 - min(right, len(found), len(printed)) / max(len(printed), len(found))


@pytest.mark.parametrize("degrees", [-4, -2, -0.5, 0, 0.5, 2, 4])
@pytest.mark.parametrize("with_quads", [True, False])
def test_a_leaning_page_keeps_its_lines(degrees, with_quads):
    rng = np.random.default_rng(5)
    for _ in range(2):
        words = invoice_like(rng)
        leaning = moved(words, rotation(degrees), with_quads)
        assert [item.text for item in sort_words(leaning)] == [item.text for item in words]


@pytest.mark.parametrize(
    ("preset", "allowed"), [("office_scan", 0.0), ("phone_photo", 0.005), ("receipt_photo", 0.005)]
)
def test_augmented_pages_keep_nearly_all_lines(preset, allowed):
    rng = np.random.default_rng(11)
    broken = []
    for _ in range(10):
        page_map, _ = draw_map(load_presets()[preset], WIDTH, HEIGHT, rng)
        words = moved(invoice_like(rng), page_map, with_quads=False)
        jittered = [
            item.model_copy(update={"box": (np.array(item.box) + rng.uniform(-1, 1, 4)).tolist()})
            for item in words
        ]
        broken.append(broken_lines(jittered))
    assert np.mean(broken) <= allowed


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_order_given_does_not_matter(seed):
    rng = np.random.default_rng(seed)
    words = invoice_like(rng, n_rows=12)
    shuffled = [words[i] for i in rng.permutation(len(words))]
    assert sort_words(shuffled) == sort_words(words)
    assert sorted(i for line in group_lines(words) for i in line) == list(range(len(words)))


def test_segments_split_at_wide_gaps_only():
    words = [
        word("Hex", 0, 0, 30, 20),
        word("bolt", 36, 0, 70, 20),
        word("12", 200, 0, 220, 20),
        word("next", 0, 40, 40, 60),
    ]
    assert [item.segment_id for item in sort_words(words)] == [0, 0, 1, 2]
