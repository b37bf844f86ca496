"""SROIE: lines of receipts with boxes, and four values of each receipt without a place."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from invoicegen.interchange.errors import InterchangeError
from invoicegen.interchange.labels import OUTSIDE, LabelMap
from invoicegen.interchange.options import ReadOptions
from invoicegen.interchange.pictures import file_picture, find_image
from invoicegen.interchange.reading import Foreign, read_json, read_text, validate
from invoicegen.interchange.records import DraftEntity, DraftPage, cut_words
from invoicegen.schema.annotation import Split, Word

LABELS: Final = {
    "company": "SELLER_NAME",
    "address": "SELLER_ADDRESS",
    "date": "INVOICE_DATE",
    "total": "TOTAL_AMOUNT",
}

ALIKE: Final = 0.85
"""Least likeness (difflib's ratio of letters and digits) of words to the value that they are taken for."""

_LINE: Final = re.compile(r"\s*" + r"(-?\d+(?:\.\d+)?)\s*,\s*" * 8 + r"(.*)")
_TOTAL: Final = re.compile(r"\btotal\b|\bamount\b|\bjumlah\b", re.IGNORECASE)
_NOT_TOTAL: Final = re.compile(
    r"\bsub|\bqty\b|\bquantity|\bitems?\b|\bexcl|\bdiscount|\bsaving|\bchange\b|\bcash\b|\btaxable\b",
    re.IGNORECASE,
)
_TAX: Final = re.compile(r"\bgst\b|\btax\b", re.IGNORECASE)
_WITH_TAX: Final = re.compile(r"\bincl|\bwith\b", re.IGNORECASE)
_SPLITS: Final[dict[str, Split]] = {"train": "train", "validation": "validation", "test": "test"}


class _Values(Foreign):
    company: str = ""
    date: str = ""
    address: str = ""
    total: str = ""


def read_sroie(path: Path, options: ReadOptions, labels: LabelMap, notes: list[str]) -> list[DraftPage]:
    """Receipts of a folder with ``box/*.txt``, ``entities/*.txt`` (or ``.json``) and ``img/*.jpg``, or of such folders.

    Lines are cut to words in proportion to their characters. A value is the words that spell it: letters and digits
    alone count, and OCR may have misread some (:data:`ALIKE`). Of the amounts that say the total it is the lowest one
    with a caption of totals on its left: the same figure is often printed as cash, or as the price of the one item.

    Args:
        path: The folder.
        options: Where images are, if not in ``img``.
        labels: What the four keys mean.
        notes: Gets a line for each value that no words spell; it stays without a label.

    Raises:
        InterchangeError: If a file cannot be taken over.

    Source:
        Huang et al., ICDAR 2019 Competition on Scanned Receipt OCR and Information Extraction, tasks 1 and 3
    """
    files = sorted(path.rglob("box/*.txt"))
    if not files:
        raise InterchangeError(f"{path}: no box/*.txt in it; name the folder that has box, entities and img")
    return [_draft(file, options, labels, notes) for file in files]


def _draft(file: Path, options: ReadOptions, labels: LabelMap, notes: list[str]) -> DraftPage:
    home = file.parent.parent
    folders = [*([options.images] if options.images else []), home / "img", file.parent]
    picture = file_picture(find_image(file.stem, folders, str(file)), str(file))
    stated = next(
        (one for end in (".txt", ".json") if (one := home / "entities" / f"{file.stem}{end}").is_file()), None
    )
    if stated is None:
        raise InterchangeError(
            f"{file}: no entities/{file.stem}.txt beside it; add it, or leave out the receipt"
        )
    values = validate(_Values, read_json(stated), str(stated))
    words, lines = _words(file)
    taken: set[int] = set()
    entities: list[DraftEntity] = []
    for key in ("company", "date", "address", "total"):
        value = getattr(values, key).strip()
        name = labels(key, str(stated))
        if name == OUTSIDE or not _letters(value):
            continue
        found = (
            _amounts(value, words, lines, taken)
            if labels.known.value_kinds[name] == "money"
            else _spelt(value, words, taken)
        )
        if not found:
            notes.append(f"{stated}: {key} {value!r} was not found among the words; it has no label")
        for number, places in enumerate(found):
            taken.update(places)
            entities.append(DraftEntity(name, places, repeat=number > 0))
    return DraftPage(
        where=str(file),
        source="sroie",
        doc_id=file.stem,
        picture=picture,
        words=words,
        entities=entities,
        split=_SPLITS.get(home.name),
        ocr={"engine": "sroie", "version": ""},
    )


def _words(file: Path) -> tuple[list[Word], list[list[int]]]:
    """Words of the lines, and the words of each line."""
    words: list[Word] = []
    lines: list[list[int]] = []
    for number, line in enumerate(read_text(file).splitlines(), 1):
        if not line.strip():
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise InterchangeError(
                f"{file}, line {number}: {line[:60]!r} is not x1,y1,x2,y2,x3,y3,x4,y4,text; write eight numbers and "
                "the text, parted by commas"
            )
        texts = match[9].split()
        lines.append(list(range(len(words), len(words) + len(texts))))
        words += cut_words(texts, [float(match[i]) for i in range(1, 9)])
    return words, lines


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))


def _spelt(value: str, words: Sequence[Word], taken: set[int]) -> list[list[int]]:
    """Runs of words that spell the value: all that do so exactly, else the one that is most alike."""
    wanted = _letters(value)
    spelled = [_letters(word.text) for word in words]
    exact: list[list[int]] = []
    best: tuple[float, list[int]] = (0.0, [])
    matcher = difflib.SequenceMatcher(autojunk=False, b=wanted)
    start = 0
    while start < len(words):
        text, end, step = "", start, 1
        while end < len(words) and end not in taken and len(text) < len(wanted) * 1.2:
            text += spelled[end]
            end += 1
            if not spelled[start] or not spelled[end - 1]:
                continue
            places = list(range(start, end))
            if text == wanted:
                exact.append(places)
                step = end - start
                break
            matcher.set_seq1(text)
            if matcher.real_quick_ratio() > best[0] and matcher.quick_ratio() > best[0]:
                best = max(best, (matcher.ratio(), places), key=lambda one: one[0])
        start += step
    if exact:
        return exact
    return [best[1]] if best[0] >= ALIKE else []


def _amounts(
    value: str, words: Sequence[Word], lines: Sequence[Sequence[int]], taken: set[int]
) -> list[list[int]]:
    """The lowest amount of this value to the right of a caption of totals; none if it is nowhere captioned so."""
    wanted = re.sub(r"[^\d.]", "", value.replace(",", ""))

    def says(word: Word) -> bool:
        return re.sub(r"[^\d.]", "", word.text.replace(",", "")) == wanted

    found = [i for i, word in enumerate(words) if i not in taken and says(word)]
    captioned: list[int] = []
    for line in lines:
        text = " ".join(words[i].text for i in line)
        if _is_total(text):
            caption = next(words[i] for i in line if _TOTAL.search(words[i].text))
            beside = [
                i for i in found if _apart(words[i], caption) <= 1 and words[i].box[0] >= caption.box[0]
            ]
            captioned += sorted(beside, key=lambda i: _apart(words[i], caption))[:1]
    return [[max(captioned, key=lambda i: words[i].box[1])]] if captioned else []


def _is_total(text: str) -> bool:
    """Whether a line captions a total: not one of a part, and of tax only where it says "incl. tax"."""
    return (
        _TOTAL.search(text) is not None
        and _NOT_TOTAL.search(text) is None
        and (_TAX.search(text) is None or _WITH_TAX.search(text) is not None)
    )


def _apart(amount: Word, caption: Word) -> float:
    """How far the middle of an amount is above or below that of a caption, in heights of the caption."""
    middles = (amount.box[1] + amount.box[3] - caption.box[1] - caption.box[3]) / 2
    return abs(middles) / max(caption.box[3] - caption.box[1], 1.0)
