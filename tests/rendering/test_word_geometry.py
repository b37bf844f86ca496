"""Splitting, clipping and line numbering on hand-made clusters."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoicegen.rendering.marks import NO_MARK, Mark
from invoicegen.rendering.words import Cluster, Numbering, PaintedText, Polygon, true_words
from invoicegen.schema.truth import TrueWord

SHEET = (1000.0, 1000.0)


def text(string: str, x: float = 100, y: float = 100, **changes: object) -> PaintedText:
    """Ten-pixel characters, eight above and two below a baseline at ``y``."""
    clusters = tuple(
        Cluster(character, 10.0 * i, 10.0 * i + 10, 8.0, 2.0) for i, character in enumerate(string)
    )
    painted = PaintedText(clusters, (1, 0, 0, -1, x, y), NO_MARK, line=1, block=1)
    return replace(painted, **changes)  # type: ignore[arg-type]


def words(*painted: PaintedText) -> list[TrueWord]:
    return true_words(painted, 0, SHEET, Numbering())


@pytest.mark.parametrize("space", [" ", "\u00a0", "\u202f", "\u2009", "\t", "\u3000"])
def test_every_unicode_space_ends_a_word(space: str) -> None:
    first, second = words(text(f"ab{space}cd"))
    assert (first.text, second.text) == ("ab", "cd")
    assert first.quad == (100, 92, 120, 92, 120, 102, 100, 102)
    assert second.quad[0] == 130


@pytest.mark.parametrize(
    ("second", "joined"),
    [
        ({}, True),
        ({"y": 96}, True),  # raised cents
        ({"x": 120.5}, True),
        ({"x": 118}, True),  # kerned
        ({"x": 123}, False),
        ({"y": 90}, False),
        ({"line": 2}, False),
        ({"block": 2}, False),
        ({"mark": Mark(entity_key=1, entity="TOTAL_AMOUNT")}, False),
        ({"mark": Mark(cell_key=1, cell_role="data")}, False),
        ({"mark": Mark(field="seller.phone")}, True),
        ({"x": 123, "letter_spacing": 3.0}, True),
        ({"matrix": (0, 1, 1, 0, 120, 100)}, False),
    ],
)
def test_pieces_of_text_make_one_word_only_where_they_go_on(second: dict[str, object], joined: bool) -> None:
    found = words(text("ab"), text("cd", **{"x": 120, **second}))  # type: ignore[arg-type]
    assert [word.text for word in found] == (["abcd"] if joined else ["ab", "cd"])


def area(x0: float, y0: float, x1: float, y1: float) -> Polygon:
    return ((x0, y0), (x1, y0), (x1, y1), (x0, y1))


@pytest.mark.parametrize(
    ("clips", "expected", "visible"),
    [
        ((), "abcd", 1.0),
        ((area(0, 0, 500, 500),), "abcd", 1.0),
        ((area(0, 0, 124, 500),), "ab", 1.0),
        ((area(0, 0, 126, 500),), "abc", 26 / 30),
        ((area(0, 0, 500, 99),), "abcd", 0.7),
        ((area(0, 0, 500, 96),), None, 0.0),
        ((area(0, 0, 120, 500), area(110, 0, 500, 500)), "b", 1.0),
        ((area(0, 0, 50, 50),), None, 0.0),
        ((tuple(reversed(area(0, 0, 124, 500))),), "ab", 1.0),
    ],
)
def test_clipped_clusters_are_dropped(
    clips: tuple[Polygon, ...], expected: str | None, visible: float
) -> None:
    found = words(text("abcd", clips=clips))
    assert [word.text for word in found] == ([] if expected is None else [expected])
    for word in found:
        assert word.visible == pytest.approx(visible)


def test_what_runs_off_the_page_is_cut_at_its_edge() -> None:
    (word,) = words(text("abcd", x=976))
    assert word.text == "ab"
    assert word.quad[2] == 996
    assert words(text("abcd", x=1001)) == []
    (word,) = words(text("abcd", x=994.5, y=995))[:1] or [None]  # half of the first character is left
    assert word is not None
    assert word.text == "a"
    assert word.quad[2] == 1000


@pytest.mark.parametrize(
    ("baselines", "expected"),
    [
        ([100, 100, 112, 112], [0, 0, 1, 1]),
        ([100, 102.5, 112], [0, 0, 1]),
        ([112, 100], [1, 0]),
        ([100, 103.5], [0, 1]),
        ([100, 102, 104, 106], [0, 0, 1, 1]),  # no chain: measured from the first of the line
    ],
)
def test_line_boxes_on_one_baseline_are_one_printed_line(baselines: list[float], expected: list[int]) -> None:
    painted = [text("ab", x=100 * i, y=y, line=i, block=i) for i, y in enumerate(baselines)]
    assert [word.line_id for word in words(*painted)] == expected


def test_direction_marks_and_soft_hyphens_are_not_printed() -> None:
    assert [word.text for word in words(text("\u200eab\u00adcd\u2060"))] == ["abcd"]


@given(st.text(alphabet="ab €\u00a0\u202f.,1", max_size=30), st.lists(st.integers(0, 30), max_size=4))
def test_how_text_is_cut_into_pieces_does_not_change_its_words(string: str, cuts: list[int]) -> None:
    edges = sorted({0, len(string), *(cut for cut in cuts if cut < len(string))})
    pieces = [text(string[start:end], x=10.0 * start) for start, end in itertools.pairwise(edges)]
    whole = words(text(string, x=0))
    parts = words(*pieces)
    assert [word.text for word in whole] == string.split() == [word.text for word in parts]
    for one, other in zip(whole, parts, strict=True):
        assert one.quad == pytest.approx(other.quad)
