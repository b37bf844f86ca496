"""Which pages of a file belong to one document: page stream segmentation by what the pages say.

Every page is compared with those of the document before it. What speaks for a new document and what against it are
rules with weights that add up, as in logistic regression; a new document begins where the sum is positive.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

from invoicegen.extraction.assemble import rank_fields
from invoicegen.extraction.entities import find_entities
from invoicegen.extraction.hints import infer_hints
from invoicegen.extraction.line_items import FieldValue
from invoicegen.schema.prediction import PagePrediction

CONFIDENT: Final = 0.5
"""Confidence from which a value is taken for what a page says."""
BLANK_WORDS: Final = 3
"""Words of a page, at most, that is taken for blank: specks that an engine took for letters."""
MARGIN: Final = 0.12
"""Share of the page's height, above and below, in which bare figures such as "2/3" are page numbers."""
TITLE_REACH: Final = 0.45
"""Share of the page's height, from above, in which a title begins a document."""

_OF: Final = r"(?:/|\(|of|von|de|sur|van|di|z|ze|af|av|no)"
_CAPTION: Final = (
    "(?:page|pg|seite|blatt|página|pagina|pág|pag|hoja|folha|foglio|blad|strana|strona|str|list|side|sidenr|sida|sid"
    "|sivu|lapa|lpp)"
)
_ANYWHERE: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(?<!\w){_CAPTION}[.:\s]*(?:n°|nr\.?)?\s*(\d{{1,3}})(?!\d|[.,]\d)(?:\s*{_OF}\s*(\d{{1,3}})(?!\d))?",
        rf"(?<![\d.,])(\d{{1,3}})\.\s*(?:lapa|lpp)\b\.?(?:\s*{_OF}\s*(\d{{1,3}})(?!\d))?",
    )
)
"""Page numbers with a caption: "Page 2 of 3", "Seite 2/3", "2. lpp. no 3"."""
_IN_MARGIN: Final = (re.compile(rf"(?<![\d.,/-])(\d{{1,2}})\s*{_OF}\s*(\d{{1,2}})(?![\d.,/-])"),)
"""Page numbers without one: "2/3", "2 (3)", "2 of 3"."""

Evidence = Literal[
    "first page mark",
    "next page mark",
    "other page mark",
    "pages before complete",
    "pages before incomplete",
    "number same",
    "number other",
    "number first",
    "seller same",
    "seller other",
    "title",
    "date",
    "date other",
    "buyer",
    "total",
    "total before",
    "blank page before",
]
EVIDENCE: Final[tuple[Evidence, ...]] = get_args(Evidence)


@dataclass(frozen=True, slots=True)
class PageMark:
    """A printed page number: which page it is, from 1, and of how many where that is printed."""

    page: int
    pages: int | None


@dataclass(frozen=True, slots=True)
class PageFacts:
    """What a page says of the document that it belongs to; values as letters and digits, empty where there is none.

    Attributes:
        page: Page number in the file, from 0.
        blank: Whether nothing is on it.
        mark: Its printed page number.
        number: Number of the document.
        sellers: Names and tax numbers of the seller.
        date: Date of issue.
        total: Final amount.
        title: Whether the upper part has a title such as "Invoice".
        buyer: Whether it names a buyer.
    """

    page: int
    blank: bool
    mark: PageMark | None = None
    number: str = ""
    sellers: frozenset[str] = frozenset()
    date: str = ""
    total: str = ""
    title: bool = False
    buyer: bool = False


BIAS: Final = -4.6
WEIGHTS: Final[dict[Evidence, float]] = {
    "first page mark": 3.0,
    "next page mark": -4.0,
    "other page mark": -1.0,
    "pages before complete": 0.5,
    "pages before incomplete": -3.0,
    "number same": -3.0,
    "number other": 2.5,
    "number first": 0.1,
    "seller same": -1.0,
    "seller other": 2.5,
    "title": 1.3,
    "date": 0.3,
    "date other": 2.0,
    "buyer": 0.9,
    "total": 1.0,
    "total before": 0.8,
    "blank page before": 0.4,
}
"""What each piece of evidence adds to the log-odds of a new document, beside :data:`BIAS`.

Fitted on generated files by ``benchmarks/splitting.py --fit`` and rounded; page marks and a number that stays the same,
which say the same as the rest there, count more than they were fitted to, since they hold where the rest is misread.
"""


def split_pages(predictions: Sequence[PagePrediction]) -> list[list[PagePrediction]]:
    """The pages of each document of a file, in order; none where there are none.

    A blank page belongs to the document before it.

    Args:
        predictions: All pages of the file, in any order.
    """
    pages = sorted(predictions, key=lambda prediction: prediction.page)
    documents: list[list[PagePrediction]] = []
    facts: list[PageFacts] = []
    for prediction in pages:
        page = page_facts(prediction)
        if not facts or begins_document(facts, page):
            documents.append([])
            facts = []
        documents[-1].append(prediction)
        facts.append(page)
    return documents


def begins_document(before: Sequence[PageFacts], page: PageFacts) -> bool:
    """Whether a page begins a document, rather than going on with the one ``before`` it (at least one page)."""
    if page.blank or all(one.blank for one in before):
        return False
    return BIAS + sum(WEIGHTS[found] for found in evidence(before, page)) > 0


def evidence(before: Sequence[PageFacts], page: PageFacts) -> Iterator[Evidence]:
    """What there is for and against a new document at ``page``, after the pages ``before`` of the one so far."""
    marks = [one.mark for one in before if one.mark is not None]
    last = marks[-1] if marks else None
    if page.mark is not None and page.mark.page == 1:
        yield "first page mark"
    elif page.mark is not None:
        follows = last is not None and page.mark.page > last.page and page.mark.pages == last.pages
        yield "next page mark" if follows else "other page mark"
    if last is not None and last.pages is not None:
        yield "pages before complete" if last.page >= last.pages else "pages before incomplete"
    numbers = {one.number for one in before if one.number}
    if page.number:
        yield "number same" if page.number in numbers else "number other" if numbers else "number first"
    sellers = frozenset[str]().union(*(one.sellers for one in before))
    if page.sellers and sellers:
        yield "seller same" if page.sellers & sellers else "seller other"
    if page.title:
        yield "title"
    dates = {one.date for one in before if one.date}
    if page.date:
        yield "date other" if dates and page.date not in dates else "date"
    if page.buyer:
        yield "buyer"
    if page.total:
        yield "total"
    if any(one.total for one in before):
        yield "total before"
    if before[-1].blank:
        yield "blank page before"


def page_facts(prediction: PagePrediction) -> PageFacts:
    """What a page says of its document."""
    if len(prediction.words) <= BLANK_WORDS:
        return PageFacts(prediction.page, blank=True)
    hints = infer_hints([word.text for word in prediction.words])
    fields = rank_fields(find_entities(prediction), hints, prediction.labels)

    def first(name: str) -> FieldValue | None:
        return next((field for field in fields.get(name, ()) if field["confidence"] >= CONFIDENT), None)

    def plain(name: str) -> str:
        field = first(name)
        text = "" if field is None else field["value"] or field["text"]
        return "".join(character for character in text.casefold() if character.isalnum())

    title = first("DOCUMENT_TYPE")
    return PageFacts(
        page=prediction.page,
        blank=False,
        mark=page_mark(prediction),
        number=plain("INVOICE_NUMBER"),
        sellers=frozenset({plain("SELLER_NAME"), plain("SELLER_TAX_ID")} - {""}),
        date=plain("INVOICE_DATE"),
        total=plain("TOTAL_AMOUNT") or plain("AMOUNT_DUE"),
        title=title is not None
        and title["box"] is not None
        and title["box"][1] < TITLE_REACH * prediction.height,
        buyer=bool(plain("BUYER_NAME")),
    )


def page_mark(prediction: PagePrediction) -> PageMark | None:
    """The printed page number: with a caption anywhere ("Page 2 of 3"), or bare in the margins ("2/3").

    Where there are several, one that says of how many goes first, then the last one.
    """
    words = prediction.words
    above = [word.text for word in words if word.box[3] < MARGIN * prediction.height]
    below = [word.text for word in words if word.box[1] > (1 - MARGIN) * prediction.height]
    places = ((_ANYWHERE, [word.text for word in words]), (_IN_MARGIN, above), (_IN_MARGIN, below))
    marks = []
    for patterns, texts in places:
        for match in (found for pattern in patterns for found in pattern.finditer(" ".join(texts))):
            page, pages = int(match[1]), int(match[2]) if match[2] else None
            if page >= 1 and (pages is None or page <= pages):
                marks.append(PageMark(page, pages))
    return max(reversed(marks), key=lambda mark: mark.pages is not None, default=None)
