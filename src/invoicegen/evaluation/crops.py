"""Pictures of errors: the part of the page where one happened, with what is true and what was predicted drawn in."""

from __future__ import annotations

import base64
import io
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from invoicegen.schema.rows import row_to_page

if TYPE_CHECKING:
    import pyarrow as pa
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
    shown least, so that every kind of error is seen before any is seen often. Documents come in their order.

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
    waiting: dict[tuple[str, str], list[int]] = {}
    for number, error in enumerate(errors):
        if number not in chosen:
            waiting.setdefault(_kind(error), []).append(number)
    while waiting and len(chosen) < limit:
        kind = min(waiting, key=lambda key: (shown[key], key))
        number = waiting[kind].pop(0)
        chosen[number] = errors[number]
        shown[kind] += 1
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


def _kind(error: Mapping[str, Any]) -> tuple[str, str]:
    pair = error_pair(error)
    return error["category"], pair[0] if pair[0] != "O" else pair[1]


def _crop(row: dict[str, Any], error: Mapping[str, Any]) -> str:
    from PIL import Image, ImageDraw

    words = row_to_page(row).words
    with Image.open(io.BytesIO(row["image"]["bytes"])) as file:
        picture = file.convert("RGB")
    draw = ImageDraw.Draw(picture)
    drawn = []
    for side, colour, gap in (("true", TRUE_COLOUR, 2), ("predicted", PREDICTED_COLOUR, 4)):
        for entity in error[side]:
            for word in entity["words"]:
                x0, y0, x1, y1 = words[word].box
                draw.rectangle((x0 - gap, y0 - gap, x1 + gap, y1 + gap), outline=colour, width=2)
                drawn.append((x0, y0, x1, y1))
    left, top = min(box[0] for box in drawn), min(box[1] for box in drawn)
    right, bottom = max(box[2] for box in drawn), max(box[3] for box in drawn)
    cut = picture.crop(
        (
            round(max(0, left - 3 * MARGIN)),
            round(max(0, top - MARGIN)),
            round(min(picture.width, right + 3 * MARGIN)),
            round(min(picture.height, bottom + MARGIN)),
        )
    )
    return _jpeg(cut)


def _jpeg(picture: Image) -> str:
    picture.thumbnail((WIDTH, HEIGHT))
    file = io.BytesIO()
    picture.save(file, format="JPEG", quality=72)
    return base64.b64encode(file.getvalue()).decode("ascii")
