"""Pictures of wrong fields of real documents: the value that was given, and where the right one was marked as other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from invoicegen.evaluation.crops import PREDICTED_COLOUR, TRUE_COLOUR, crop_boxes
from invoicegen.evaluation.matching import best_confidence, equal
from invoicegen.evaluation.real import REAL_FIELDS, STAND_INS
from invoicegen.geometry import Box

_GAPS: Final = {TRUE_COLOUR: 2, PREDICTED_COLOUR: 4}


class _Mark(NamedTuple):
    page: int
    box: Box
    colour: str


def choose_wrong(wrong: Iterable[Mapping[str, Any]], limit: int) -> list[Mapping[str, Any]]:
    """Wrong fields that are worth a picture: one of every field, missed or given wrong, before a second of any.

    Args:
        wrong: As :func:`invoicegen.evaluation.real.score_real` lists them.
        limit: How many.
    """
    seen: Counter[tuple[str, bool]] = Counter()
    ranked = []
    for row in wrong:
        kind = (row["field"], row["value"] is None)
        ranked.append((seen[kind], row))
        seen[kind] += 1
    return [row for _, row in sorted(ranked, key=lambda pair: pair[0])[:limit]]


def picture_wrong(
    wrong: Sequence[Mapping[str, Any]],
    records: Mapping[str, Mapping[str, Any]],
    folder: Path,
    dpi: float,
) -> list[dict[str, Any]]:
    """Wrong fields, each with the part of the page that its value was taken from.

    Labels say what is right and not where it stands. So the right value is shown only where it was found, as a value
    of another field.

    Args:
        wrong: What :func:`choose_wrong` chose.
        records: Extraction records by file name.
        folder: Of the documents.
        dpi: At which PDF pages are rendered, as when they were extracted.

    Returns:
        The rows with ``taken_for`` (fields that the right value was given for), ``page``, and ``image`` (JPEG, base64);
        the last two are None where nothing of it was found, or the page cannot be shown.

    Raises:
        ValueError: If a value that was scored is not in the records: they are of another extraction.
    """
    marks = {number: _marks(row, records.get(row["file"], {})) for number, row in enumerate(wrong)}
    pictures: dict[int, str] = {}
    for file in sorted({row["file"] for row in wrong}):
        mine = [number for number, row in enumerate(wrong) if row["file"] == file and marks[number][0]]
        if mine:
            shown = {number: marks[number][0] for number in mine}
            pictures |= _pictures(folder / file, shown, records[file], dpi)
    return [
        {
            **row,
            "taken_for": marks[number][1],
            "page": marks[number][0][0].page if number in pictures else None,
            "image": pictures.get(number),
        }
        for number, row in enumerate(wrong)
    ]


def _marks(row: Mapping[str, Any], record: Mapping[str, Any]) -> tuple[list[_Mark], list[str]]:
    """What is drawn of a wrong field, all on one page, and the fields that the right value was given for."""
    entity_type, kind = REAL_FIELDS[row["field"]]
    fields: Mapping[str, Any] = record.get("fields") or {}
    own = fields.get(entity_type) or fields.get(STAND_INS.get(entity_type, "")) or []
    found: list[_Mark] = []
    if row["value"] is not None:
        if not own:
            raise ValueError(
                f"{row['file']}: {row['field']} was scored as {row['value']!r}, which its extraction does not hold: "
                "the scores are of another extraction; run `kedro run --pipeline=evaluate_real` anew"
            )
        best = max(own, key=lambda candidate: best_confidence([candidate]))
        if best["box"] is not None:  # a currency that only the country tells has no place
            found.append(_Mark(best["page"], best["box"], PREDICTED_COLOUR))
    taken_for: list[str] = []
    for name, candidates in fields.items():
        for candidate in candidates:
            given = candidate.get("value")
            if given is not None and any(equal(kind, right, str(given)) for right in row["true"]):
                taken_for.append(name)
                if candidate["box"] is not None:
                    found.append(_Mark(candidate["page"], candidate["box"], TRUE_COLOUR))
    return [mark for mark in found if mark.page == found[0].page], sorted(set(taken_for))


def _pictures(
    path: Path, marks: Mapping[int, Sequence[_Mark]], record: Mapping[str, Any], dpi: float
) -> dict[int, str]:
    from PIL import Image

    from invoicegen.ocr.documents import open_document

    widths = {page["page"]: page["width"] for page in record["pages"]}
    pictures: dict[int, str] = {}
    with open_document(path, dpi=dpi) as document:
        for number, drawn in marks.items():
            picture = Image.fromarray(document.pages[drawn[0].page].image)
            if picture.width != widths[drawn[0].page]:
                continue  # the document is not what was extracted: its boxes are of other pixels
            boxes = [(mark.box, mark.colour, _GAPS[mark.colour]) for mark in drawn]
            pictures[number] = crop_boxes(picture, boxes)
    return pictures
