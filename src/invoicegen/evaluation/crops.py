"""Pictures of errors: the part of the page where one happened, with what is true and what was predicted drawn in."""

from __future__ import annotations

import base64
import io
import textwrap
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from invoicegen.geometry import union
from invoicegen.schema.rows import row_to_page

if TYPE_CHECKING:
    import pyarrow as pa
    from matplotlib.figure import Figure
    from PIL.Image import Image

TRUE_COLOUR: Final = "#178a78"
PREDICTED_COLOUR: Final = "#c2410c"
WIDTH: Final = 460
"""Largest width of a crop in pixels; smaller ones stay as they are."""
HEIGHT: Final = 300
MARGIN: Final = 46
"""Pixels of the page kept around the words."""


def choose_errors(
    errors: Sequence[Mapping[str, Any]], pairs: Sequence[Mapping[str, Any]], limit: int
) -> list[Mapping[str, Any]]:
    """The errors that are worth a picture.

    Two examples of each confused pair of types come first, then one error at a time of the category and type that were
    shown least, categories in turn, so that every kind of error is seen before any is seen often. Documents come in
    their order.

    Args:
        errors: As :class:`invoicegen.evaluation.run.EvaluationResult` has them.
        pairs: ``most_confused`` of the confusion of entity types.
        limit: How many.
    """
    chosen: dict[int, Mapping[str, Any]] = {}
    for pair in pairs:
        examples = [
            number
            for number, error in enumerate(errors)
            if number not in chosen and error_pair(error) == (pair["true"], pair["predicted"])
        ]
        chosen.update({number: errors[number] for number in examples[:2]})
    shown = Counter(_kind(error) for error in chosen.values())
    categories = Counter(error["category"] for error in chosen.values())
    waiting: dict[tuple[str, str], list[int]] = {}
    for number, error in enumerate(errors):
        if number not in chosen:
            waiting.setdefault(_kind(error), []).append(number)
    while waiting and len(chosen) < limit:
        kind = min(waiting, key=lambda key: (shown[key], categories[key[0]], key))
        number = waiting[kind].pop(0)
        chosen[number] = errors[number]
        shown[kind] += 1
        categories[kind[0]] += 1
        if not waiting[kind]:
            del waiting[kind]
    return [chosen[number] for number in sorted(chosen)][:limit]


def error_pair(error: Mapping[str, Any]) -> tuple[str, str]:
    """True and predicted type of an error, ``O`` where there is none."""
    types = [error[side][0]["type"] if error[side] else "O" for side in ("true", "predicted")]
    return types[0], types[1]


def crop_errors(
    shards: Mapping[str, Callable[[], pa.Table]], errors: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """The errors with ``image``: a JPEG of their place on the page, base64.

    Shards are read one at a time, and none after the last page that is needed.

    Args:
        shards: The pages that were evaluated.
        errors: What :func:`choose_errors` chose.

    Raises:
        ValueError: If a page of an error is not in the shards: they are of another run.
    """
    by_page: dict[tuple[str, int], list[int]] = {}
    for number, error in enumerate(errors):
        by_page.setdefault((error["doc_id"], error["page"]), []).append(number)
    pictures: dict[int, str] = {}
    for name in sorted(shards):
        if not by_page:
            break
        for row in shards[name]().select(["doc_id", "page", "split", "annotation", "image"]).to_pylist():
            for number in by_page.pop((row["doc_id"], row["page"]), []):
                pictures[number] = _crop(row, errors[number])
    if by_page:
        raise ValueError(
            f"{len(by_page)} pages of errors are not among the test pages (as {next(iter(by_page))}): "
            "evaluate the model anew with `kedro run --pipeline=evaluate`"
        )
    return [{**error, "image": pictures[number]} for number, error in enumerate(errors)]


def error_sheet(examples: Sequence[Mapping[str, Any]], columns: int = 3) -> Figure:
    """A figure of pictured errors side by side, each with what is true and what was predicted.

    Args:
        examples: As :func:`crop_errors` gives; a figure without any says so.
        columns: Pictures beside each other.
    """
    from matplotlib.figure import Figure
    from PIL import Image

    rows = max(1, -(-len(examples) // columns))
    figure = Figure(figsize=(4 * columns, 2.4 * rows), layout="constrained")
    if not examples:
        figure.suptitle("no such error")
    for number, error in enumerate(examples):
        axis = figure.add_subplot(rows, columns, number + 1)
        axis.set_axis_off()
        axis.imshow(Image.open(io.BytesIO(base64.b64decode(error["image"]))))
        sides = (
            " + ".join(f"{entity['type']} {entity['text']!r}" for entity in error[side]) or "nothing"
            for side in ("true", "predicted")
        )
        lines = [textwrap.shorten(text, 60) for text in (error["category"], *sides)]
        axis.set_title("\n".join(lines), fontsize=7, loc="left", parse_math=False)
    return figure


def _kind(error: Mapping[str, Any]) -> tuple[str, str]:
    pair = error_pair(error)
    return error["category"], pair[0] if pair[0] != "O" else pair[1]


def crop_boxes(picture: Image, boxes: Sequence[tuple[Sequence[float], str, int]]) -> str:
    """The part of a page around some boxes, which are drawn in: a JPEG, base64.

    Args:
        picture: The page, RGB; it is drawn on.
        boxes: Each with its colour and the pixels between it and its frame.
    """
    from PIL import ImageDraw

    draw = ImageDraw.Draw(picture)
    for (x0, y0, x1, y1), colour, gap in boxes:
        draw.rectangle((x0 - gap, y0 - gap, x1 + gap, y1 + gap), outline=colour, width=2)
    left, top, right, bottom = union([box for box, _, _ in boxes])
    return _jpeg(
        picture.crop(
            (
                round(max(0, left - 3 * MARGIN)),
                round(max(0, top - MARGIN)),
                round(min(picture.width, right + 3 * MARGIN)),
                round(min(picture.height, bottom + MARGIN)),
            )
        )
    )


def _crop(row: dict[str, Any], error: Mapping[str, Any]) -> str:
    from PIL import Image

    words = row_to_page(row).words
    with Image.open(io.BytesIO(row["image"]["bytes"])) as file:
        picture = file.convert("RGB")
    boxes = [
        (words[word].box, colour, gap)
        for side, colour, gap in (("true", TRUE_COLOUR, 2), ("predicted", PREDICTED_COLOUR, 4))
        for entity in error[side]
        for word in entity["words"]
    ]
    return crop_boxes(picture, boxes)


def _jpeg(picture: Image) -> str:
    picture.thumbnail((WIDTH, HEIGHT))
    file = io.BytesIO()
    picture.save(file, format="JPEG", quality=72)
    return base64.b64encode(file.getvalue()).decode("ascii")
