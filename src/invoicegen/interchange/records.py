"""What all formats share: a labelled page with its picture, and a page as a foreign format tells it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import PurePosixPath
from typing import Any, Literal

from invoicegen.interchange.errors import InterchangeError
from invoicegen.interchange.pictures import Picture
from invoicegen.schema.annotation import DocumentType, Page, Split, Word

RelationType = Literal["line_item", "tax_line"]


@dataclass(frozen=True, slots=True)
class LabelledPage:
    """A page of schema 1.0 and what reads its image file; the bytes are not held."""

    page: Page
    read_image: Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class DraftEntity:
    """A value as a foreign format tells it.

    Attributes:
        type: Entity type of the taxonomy.
        words: Places in the draft's words, in reading order of the value.
        group: Line item or tax line that it belongs to; the same name on a later page goes on with it.
        repeat: Whether it repeats a value that the document has already; None where the format does not say.
    """

    type: str
    words: list[int]
    group: str | None = None
    repeat: bool | None = None


@dataclass(slots=True)
class DraftPage:
    """A page as a foreign format tells it; boxes of words in pixels of the picture.

    Attributes:
        where: File and line or record, for messages.
        words: In any order, unless ``in_order``.
        in_order: Whether the words are in the order in which the model shall see them.
        groups: Kind of the relation that each group of entities makes.
        header_words: Words of the column headers of the line-item table, cell by cell.
        cells: Words of the cells of item rows, cell by cell, where the format knows them.
        table_tags: With ``cell_tags``, the tags themselves, where the format has them.
        split_group: What a splitter must keep whole; None takes the seller's name, else the document.
        document_type: None takes it from the title, else from the options.
    """

    where: str
    source: str
    doc_id: str
    picture: Picture
    words: list[Word]
    entities: list[DraftEntity]
    page: int = 0
    page_count: int = 1
    in_order: bool = False
    groups: dict[str, RelationType] = field(default_factory=dict)
    header_words: list[list[int]] = field(default_factory=list)
    cells: list[list[int]] = field(default_factory=list)
    table_tags: list[str] | None = None
    cell_tags: list[str] | None = None
    split: Split | None = None
    split_group: str | None = None
    document_type: DocumentType | None = None
    locale: str | None = None
    currency: str | None = None
    ocr: dict[str, Any] | None = None


def documents_of(pages: Iterable[LabelledPage]) -> Iterator[list[LabelledPage]]:
    """Documents one after the other, their pages in order.

    Raises:
        InterchangeError: If the pages of a document do not follow each other.
    """
    seen: set[str] = set()
    for doc_id, group in groupby(pages, key=lambda one: one.page.doc_id):
        if doc_id in seen:
            raise InterchangeError(
                f"document {doc_id}: its pages do not follow each other; sort the pages by document"
            )
        seen.add(doc_id)
        yield sorted(group, key=lambda one: one.page.page)


def image_path(page: Page) -> PurePosixPath:
    """Where the image of a page goes, relative to the dataset's root.

    Raises:
        InterchangeError: If the page names a place outside of it.
    """
    path = PurePosixPath(page.image)
    if path.is_absolute() or ".." in path.parts or not path.name:
        raise InterchangeError(
            f"document {page.doc_id}, page {page.page}: image {page.image!r} is not within the dataset; "
            "give it a relative path"
        )
    return path


def file_stem(page: Page) -> str:
    """The name of the document as that of a file.

    Raises:
        InterchangeError: If it cannot be one.
    """
    if PurePosixPath(page.doc_id).name != page.doc_id or page.doc_id in (".", ".."):
        raise InterchangeError(
            f"document {page.doc_id!r}: its name cannot be that of a file; give it another"
        )
    return page.doc_id


def cut_words(texts: Sequence[str], quad: Sequence[float]) -> list[Word]:
    """A line's words, its quad (eight floats, pixels) cut among them in proportion to their characters."""
    import numpy as np

    from invoicegen.geometry import quad_to_box
    from invoicegen.ocr.cutting import cut_line

    places = cut_line(texts, np.array(quad, dtype=np.float64).reshape(4, 2))
    return [
        Word(text=text, box=list(quad_to_box(place.ravel().tolist())), source="ocr")
        for text, place in zip(texts, places, strict=True)
    ]


def words_inside(words: Sequence[Word], box: Sequence[float]) -> list[int]:
    """Places of the words whose middle lies in ``box``."""
    x0, y0, x1, y1 = box
    return [
        i
        for i, word in enumerate(words)
        if x0 <= (word.box[0] + word.box[2]) / 2 <= x1 and y0 <= (word.box[1] + word.box[3]) / 2 <= y1
    ]
