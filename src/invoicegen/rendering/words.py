"""From painted glyph clusters to words: splitting, joining, clipping, printed lines. No WeasyPrint in here."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from invoicegen.geometry import Quad
from invoicegen.rendering.marks import Mark
from invoicegen.schema.truth import TrueWord

Affine = tuple[float, float, float, float, float, float]
"""``a, b, c, d, e, f``: the point (u, v) goes to (a·u + c·v + e, b·u + d·v + f), as in PDF."""

Polygon = tuple[tuple[float, float], ...]
"""Corners of a convex area, in order."""

MIN_VISIBLE: Final = 0.5
"""A glyph cluster with less of its box inside the clipping areas than this is not printed."""

# Shares of the font size: a gap between inline boxes that still is no space, how far they may overlap, and how far
# the baseline may step (superscript cents) within a word.
_JOIN_GAP: Final = 0.08
_JOIN_OVERLAP: Final = 0.25
_JOIN_STEP: Final = 0.5
# Blocks side by side whose baselines differ by less than this share of the smaller font size print one line.
_LINE_STEP: Final = 0.3
# Characters that are never printed: soft hyphen, joiners, direction marks, byte-order mark.
_INVISIBLE: Final = dict.fromkeys(
    (0xAD, 0x34F, 0x61C, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF)
)


@dataclass(frozen=True, slots=True)
class Cluster:
    """The smallest printed unit: a character, a ligature, a letter with its accents.

    Attributes:
        text: What it stands for.
        left: Where its advance width begins, along the baseline.
        right: Where that ends.
        ascent: Top of its box above the baseline.
        descent: Bottom of its box below the baseline, positive.
    """

    text: str
    left: float
    right: float
    ascent: float
    descent: float


@dataclass(frozen=True, slots=True)
class PaintedText:
    """What one call of the renderer's text drawing painted, in logical order.

    Attributes:
        clusters: In text space: u along the baseline, v up.
        matrix: From text space to the page, origin top left, y down.
        mark: What the element says about it.
        line: Key of the line box.
        block: Key of the block container.
        clips: Areas of the page it is clipped to, all of them.
        letter_spacing: Extra space between letters, text space.
    """

    clusters: tuple[Cluster, ...]
    matrix: Affine
    mark: Mark
    line: int
    block: int
    clips: tuple[Polygon, ...] = ()
    letter_spacing: float = 0.0


@dataclass(slots=True)
class Numbering:
    """Numbers for entities and cells, from 0 over the document; a part on another page is another one."""

    instances: dict[tuple[int, int], int] = field(default_factory=dict)
    cells: dict[tuple[int, int], int] = field(default_factory=dict)

    def instance(self, page: int, mark: Mark) -> int | None:
        """The number of the printed entity."""
        return _number(self.instances, page, mark.entity_key)

    def cell(self, page: int, mark: Mark) -> int | None:
        """The number of the table cell."""
        return _number(self.cells, page, mark.cell_key)


def true_words(
    painted: Iterable[PaintedText], page: int, size: tuple[float, float], numbering: Numbering
) -> list[TrueWord]:
    """The words of one page in the order they were painted.

    Args:
        painted: All text of the page, in pixels of its image.
        page: From 0.
        size: Width and height of the image.
        numbering: Goes on from page to page of a document.
    """
    width, height = size
    sheet: Polygon = ((0.0, 0.0), (width, 0.0), (width, height), (0.0, height))
    seen = [(word, *shown) for word in _split(painted) if (shown := _shown(word, sheet)) is not None]
    lines = _number_lines([word for word, _, _ in seen])
    segments: dict[int, int] = {}
    words = []
    for (word, quad, visible), line_id in zip(seen, lines, strict=True):
        first = word[0][0]
        mark = first.mark
        words.append(
            TrueWord(
                text="".join(cluster.text for _, cluster in word),
                quad=quad,
                field=mark.field,
                entity=mark.entity,
                instance=numbering.instance(page, mark),
                value=mark.value,
                group=mark.group,
                cell=numbering.cell(page, mark),
                cell_role=mark.cell_role,
                column=mark.column,
                row=mark.row,
                line_id=line_id,
                segment_id=segments.setdefault(first.block, len(segments)),
                visible=visible,
            )
        )
    return words


_Word = list[tuple[PaintedText, Cluster]]


def _split(painted: Iterable[PaintedText]) -> Iterator[_Word]:
    """Words: cut at spaces and where a new piece of text does not go on with the last."""
    word: _Word = []
    for text in painted:
        if word and _is_next_of_leader(word, text):
            word[:0] = [(text, cluster) for cluster in text.clusters]
            continue
        if word and not _goes_on(*word[-1], text):
            yield word
            word = []
        for cluster in text.clusters:
            if any(character.isspace() for character in cluster.text):
                if word:
                    yield word
                word = []
            elif printed := cluster.text.translate(_INVISIBLE):
                word.append((text, cluster if printed == cluster.text else _with_text(cluster, printed)))
    if word:
        yield word


def _is_next_of_leader(word: _Word, text: PaintedText) -> bool:
    """Whether ``text`` is one more piece of a row of dots, which are painted from right to left."""
    first = word[0][0]
    pieces = ["".join(cluster.text for cluster in painted.clusters) for painted in (first, text)]
    if pieces[0] != pieces[1] or not pieces[0] or any(map(str.isalnum, pieces[0])) or " " in pieces[0]:
        return False
    return first is not text and _goes_on(text, text.clusters[-1], first)


def _with_text(cluster: Cluster, text: str) -> Cluster:
    return Cluster(text, cluster.left, cluster.right, cluster.ascent, cluster.descent)


def _goes_on(before: PaintedText, last: Cluster, text: PaintedText) -> bool:
    """Whether ``text`` begins where the cluster ``last`` of ``before`` ended, as the same printed word."""
    if (before.line, before.block) != (text.line, text.block):
        return False
    if (before.mark.entity_key, before.mark.cell_key) != (text.mark.entity_key, text.mark.cell_key):
        return False
    if not text.clusters:
        return True
    a, b, c, d = before.matrix[:4]
    length, rise = math.hypot(a, b), math.hypot(c, d)
    if not math.isclose(a * text.matrix[1], b * text.matrix[0], abs_tol=1e-6 * length * length):
        return False
    first = text.clusters[0]
    end = _apply(before.matrix, last.right, 0.0)
    start = _apply(text.matrix, first.left, 0.0)
    gap = ((start[0] - end[0]) * a + (start[1] - end[1]) * b) / length
    step = abs((start[0] - end[0]) * -b + (start[1] - end[1]) * a) / length
    em = rise * max(last.ascent + last.descent, first.ascent + first.descent)
    spacing = length * max(before.letter_spacing, text.letter_spacing, 0.0)
    return -_JOIN_OVERLAP * em <= gap <= _JOIN_GAP * em + spacing and step <= _JOIN_STEP * em


def _apply(matrix: Affine, u: float, v: float) -> tuple[float, float]:
    a, b, c, d, e, f = matrix
    return a * u + c * v + e, b * u + d * v + f


def _quad(parts: Sequence[tuple[PaintedText, Cluster]]) -> Quad:
    """Corners around the parts, along the baseline of the first."""
    base = parts[0][0].matrix
    a, b, c, d, e, f = base
    determinant = a * d - b * c
    along: list[float] = []
    across: list[float] = []
    for text, cluster in parts:
        if text.matrix == base:
            along += (cluster.left, cluster.right)
            across += (cluster.ascent, -cluster.descent)
            continue
        for u in (cluster.left, cluster.right):
            for v in (cluster.ascent, -cluster.descent):
                x, y = _apply(text.matrix, u, v)
                along.append((d * (x - e) - c * (y - f)) / determinant)
                across.append((a * (y - f) - b * (x - e)) / determinant)
    left, right, top, bottom = min(along), max(along), max(across), min(across)
    return (
        *_apply(base, left, top),
        *_apply(base, right, top),
        *_apply(base, right, bottom),
        *_apply(base, left, bottom),
    )


def _shown(word: _Word, sheet: Polygon) -> tuple[Quad, float] | None:
    """The quad of a word's clusters that show within its clipping areas and the page, and the share that does.

    Clusters that do not show are taken off the word.
    """
    quad = _quad(word)
    clips = (*word[0][0].clips, sheet)
    if all(_inside(quad, clip) for clip in clips):
        return quad, 1.0
    kept: _Word = []
    total = remaining = 0.0
    for part in word:
        outline = _corners(_quad([part]))
        area = _area(outline)
        for clip in clips:
            outline = _intersection(outline, clip)
        seen = _area(outline)
        if area > 0 and seen >= MIN_VISIBLE * area:
            kept.append(part)
            total += area
            remaining += seen
    if not kept:
        return None
    word[:] = kept
    quad = _quad(kept)
    for clip in clips:
        quad = _cut(quad, clip)
    return quad, min(1.0, remaining / total)


def _corners(quad: Quad) -> Polygon:
    return tuple((quad[i], quad[i + 1]) for i in range(0, 8, 2))


def _upright(polygon: Polygon) -> bool:
    """Whether it is a rectangle along the axes, beginning at its upper left corner."""
    if len(polygon) != 4:
        return False
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = polygon
    return y0 == y1 and y2 == y3 and x0 == x3 and x1 == x2 and x0 <= x1 and y0 <= y2


def _inside(quad: Quad, clip: Polygon) -> bool:
    tolerance = 1e-6
    if _upright(clip):
        (x0, y0), _, (x1, y1), _ = clip
        return (
            min(quad[0::2]) >= x0 - tolerance
            and max(quad[0::2]) <= x1 + tolerance
            and min(quad[1::2]) >= y0 - tolerance
            and max(quad[1::2]) <= y1 + tolerance
        )
    corners = _corners(quad)
    return _area(_intersection(corners, clip)) >= _area(corners) * (1 - tolerance)


def _cut(quad: Quad, clip: Polygon) -> Quad:
    """An upright quad cut at an upright area; others stay as they are."""
    if not (_upright(_corners(quad)) and _upright(clip)):
        return quad
    (x0, y0), _, (x1, y1), _ = clip
    left, top, right, bottom = max(quad[0], x0), max(quad[1], y0), min(quad[4], x1), min(quad[5], y1)
    return (left, top, right, top, right, bottom, left, bottom)


def _signed_area(polygon: Polygon) -> float:
    return 0.5 * sum(
        polygon[i - 1][0] * point[1] - point[0] * polygon[i - 1][1] for i, point in enumerate(polygon)
    )


def _area(polygon: Polygon) -> float:
    return abs(_signed_area(polygon))


def _intersection(subject: Polygon, clip: Polygon) -> Polygon:
    """Common area of two convex polygons (Sutherland & Hodgman, https://doi.org/10.1145/360767.360802)."""
    turn = 1.0 if _signed_area(clip) >= 0 else -1.0
    for i, (x1, y1) in enumerate(clip):
        x0, y0 = clip[i - 1]
        sides = [turn * ((x1 - x0) * (y - y0) - (y1 - y0) * (x - x0)) for x, y in subject]
        result: list[tuple[float, float]] = []
        for j, (point, side) in enumerate(zip(subject, sides, strict=True)):
            before, side_before = subject[j - 1], sides[j - 1]
            if (side < 0) != (side_before < 0):
                t = side_before / (side_before - side)
                result.append(
                    (before[0] + t * (point[0] - before[0]), before[1] + t * (point[1] - before[1]))
                )
            if side >= 0:
                result.append(point)
        subject = tuple(result)
    return subject


@dataclass(slots=True)
class _Line:
    """Direction, offset and font size of the text of a line box, in pixels."""

    angle: float
    offset: float
    size: float


def _number_lines(words: Sequence[_Word]) -> list[int]:
    """A number a word: equal for words of one printed line, also across blocks; from the top of the page."""
    boxes: dict[int, _Line] = {}
    for word in words:
        text, cluster = word[0]
        a, b, c, d = text.matrix[:4]
        size = math.hypot(c, d) * (cluster.ascent + cluster.descent)
        if text.line not in boxes or size > boxes[text.line].size:
            x, y = _apply(text.matrix, cluster.left, 0.0)
            length = math.hypot(a, b)
            angle = round(math.degrees(math.atan2(b, a)), 1)
            boxes[text.line] = _Line(angle, (y * a - x * b) / length, size)
    numbers: dict[int, int] = {}
    current: _Line | None = None
    for key, line in sorted(
        boxes.items(), key=lambda item: (abs(item[1].angle), item[1].angle, item[1].offset)
    ):
        if (
            current is None
            or line.angle != current.angle
            or line.offset - current.offset > _LINE_STEP * min(line.size, current.size)
        ):
            current = line
            numbers[key] = max(numbers.values(), default=-1) + 1
        else:
            numbers[key] = max(numbers.values())
    return [numbers[word[0][0].line] for word in words]


def _number(numbers: dict[tuple[int, int], int], page: int, key: int | None) -> int | None:
    return None if key is None else numbers.setdefault((page, key), len(numbers))
