"""Words of a page written by hand, as the fixture ``make_page`` takes them."""

from __future__ import annotations


def line(*words: tuple[str, str], y: float = 300, x: float = 60) -> list[tuple[str, float, float, str]]:
    """``(text, x, y, label)`` of words one after the other on a line, with the gap of a space between them."""
    placed = []
    for text, label in words:
        placed.append((text, x, y, label))
        x += 9 * len(text) + 6
    return placed
