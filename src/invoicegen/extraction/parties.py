"""Whose a name and an address are where the document and not the word tells.

Every invoice and receipt states its seller (EN 16931, BR-06 and BR-08), and a till slip or a simplified invoice nobody
else; a letter is addressed to its buyer.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from invoicegen.extraction.entities import EntitySpan, span_of
from invoicegen.extraction.layout import printed_lines, straighten
from invoicegen.extraction.lexicon import SALUTATIONS, fold
from invoicegen.extraction.sections import find_sections, role_of_heading
from invoicegen.extraction.weighing import probabilities
from invoicegen.schema.prediction import PagePrediction

WEIGHT: Final = 1000.0
"""How much more probable the seller is than the buyer as the only party; set, not fitted: of 581 generated documents
none prints a buyer alone, and 20 and 1,000 give the same on them."""

ADDRESSEE: Final = 0.5
"""Confidence of a buyer that a salutation alone tells; set, not measured."""
SAME_STEP: Final = 1.5
"""How much wider a step between two lines of one address is than the next, at most: an empty line is twice as wide."""
NEXT_LINE: Final = 2.5
"""Line heights between the centres of two lines of one block, at most."""

_POST_CODE: Final = re.compile(r"(?:[A-Z]{1,2}-)?\d{4,5}\b")
_PARTY: Final = frozenset({"SELLER_NAME", "SELLER_ADDRESS", "BUYER_ADDRESS"})
_TO: Final = frozenset({"to", "an", "a", "aan", "para"})
"""Before a name these say whose it is, over one they are too short to."""
_LEAST: Final = 1e-6
_KINDS: Final = ("NAME", "ADDRESS")


def settle_lone_party(spans: Sequence[EntitySpan], pages: Sequence[PagePrediction]) -> list[EntitySpan]:
    """The entities, with the only name and the only address as the seller's where that is likelier.

    Name and address stand together, so both tell whose they are once: the mean of their odds and not the product.
    Nothing changes where there are two names or two addresses, none is the buyer's, a heading of the buyer stands over
    or before one, or probabilities are not known.
    """
    by_page = {page.page: page for page in pages}
    party = [
        span
        for span in spans
        if span.type.split("_")[0] in ("SELLER", "BUYER") and span.type.endswith(_KINDS)
    ]
    of_kind = [{_plain(span.text) for span in party if span.type.endswith(kind)} for kind in _KINDS]
    lone = all(len(texts) <= 1 for texts in of_kind) and any(span.type.startswith("BUYER") for span in party)
    if not lone or any(by_page[span.page].ner_probabilities is None for span in party):
        return list(spans)
    if any(_headed(span, by_page[span.page]) for span in party):
        return list(spans)
    odds = math.log(WEIGHT)
    sellers: dict[EntitySpan, EntitySpan] = {}
    for span in party:
        kind = span.type.split("_")[1]
        types = (f"SELLER_{kind}", f"BUYER_{kind}")
        given = probabilities(replace(span, type="O"), by_page[span.page], types)
        seller, buyer = (given.get(name, 0.0) + _LEAST for name in types)
        odds += math.log(seller / buyer) / len(party)
        sellers[span] = replace(span, type=types[0], confidence=seller + buyer)
    if odds <= 0:
        return list(spans)
    return [sellers.get(span, span) for span in spans]


def _headed(span: EntitySpan, page: PagePrediction) -> bool:
    """Whether a heading of the buyer stands alone over an entity or to the left of it."""
    first = span.words[0]
    if any(section.role == "BUYER" and first in section.words for section in find_sections(page)):
        return True
    straight, segments = printed_lines(page.words)
    beside = [segment for segment in segments if straight.y[segment[0]] == straight.y[first]]
    before = [
        [i for i in segment if straight.x1[i] <= straight.x0[first]]
        for segment in beside
        if straight.x0[segment[0]] < straight.x0[first]
    ]
    return bool(before) and _heads_buyer(" ".join(page.words[i].text for i in before[-1]))


def _heads_buyer(text: str) -> bool:
    return role_of_heading(text) == "BUYER" or fold(text).strip(" :.") in _TO


def add_addressee(spans: Sequence[EntitySpan], page: PagePrediction) -> list[EntitySpan]:
    """The entities, with the buyer of a letter: who stands below a salutation that has a line of its own, as addresses
    of persons are written (DIN 5008), and the lines below as the address, where none of these lines is labelled so.

    Who is labelled the buyer elsewhere on the page is less sure, since a letter is addressed to its buyer.

    Args:
        spans: Entities of the document.
        page: Its first page.
    """
    for block in _blocks(page):
        texts = [" ".join(page.words[i].text for i in line) for line in block]
        title = next((n for n, text in enumerate(texts) if fold(text).strip(" .,") in SALUTATIONS), None)
        if title is None or not any(_POST_CODE.match(text) for text in texts[title + 2 :]):
            continue
        end = next(n for n in range(title + 2, len(block)) if _POST_CODE.match(texts[n])) + 1
        within = {i for line in (*_company_of(block, title, page), *block[title:end]) for i in line}
        buyers = [span for span in spans if span.type == "BUYER_NAME" and span.page == page.page]
        name = [*block[title], *block[title + 1]]
        whole = _plain(" ".join(page.words[i].text for i in name))
        elsewhere = [s for s in buyers if not within & set(s.words) and _plain(s.text) != whole]
        doubted = [
            replace(span, confidence=ADDRESSEE * span.confidence) if span in elsewhere else span
            for span in spans
        ]
        if len(elsewhere) < len(buyers):
            return doubted
        address = [i for line in block[title + 2 : end] for i in line]
        taken = {*name, *address}
        if any(page.ner_tags[i] != "O" and page.ner_tags[i][2:] not in _PARTY for i in taken):
            continue
        return [
            *(span for span in doubted if span.page != page.page or not taken & set(span.words)),
            replace(span_of("BUYER_NAME", page, name), confidence=ADDRESSEE),
            replace(span_of("BUYER_ADDRESS", page, address), confidence=ADDRESSEE),
        ]
    return list(spans)


def _company_of(block: Sequence[list[int]], title: int, page: PagePrediction) -> Sequence[list[int]]:
    """The lines over a salutation that are labelled the buyer's name as a whole, no wider apart than what is below."""
    straight = straighten(page.words)
    levels = [float(straight.y[line[0]]) for line in block]
    step = SAME_STEP * (levels[title + 1] - levels[title])
    start = title
    while start and levels[start] - levels[start - 1] <= step:
        if not all(page.ner_tags[i].endswith("-BUYER_NAME") for i in block[start - 1]):
            break
        start -= 1
    return block[start:title]


def _blocks(page: PagePrediction) -> list[list[list[int]]]:
    """Lines that begin at the same place and follow each other; words by line, left to right."""
    straight, lines = printed_lines(page.words)
    blocks: list[list[list[int]]] = []
    for line in lines:
        for block in blocks:
            last = block[-1]
            height = float(straight.height[last[0]])
            step = float(straight.y[line[0]] - straight.y[last[0]])
            if (
                0 < step < NEXT_LINE * height
                and abs(float(straight.x0[line[0]] - straight.x0[last[0]])) < height
            ):
                block.append(line)
                break
        else:
            blocks.append([line])
    return blocks


def _plain(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))
