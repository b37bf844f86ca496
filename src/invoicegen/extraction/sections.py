"""Whose names, addresses and tax numbers are where headings say it: the parts of a form or a listing that stand below
"Seller", "Buyer" and "Ship to".

A model that reads a window of words may not see a heading far from its values, or takes it for a caption of something
else. Where a page has headings for both parties of an invoice, what stands below one is that party's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from invoicegen.extraction.layout import printed_lines
from invoicegen.extraction.lexicon import PARTY_HEADINGS, PartyRole, fold
from invoicegen.schema.prediction import PagePrediction

BLOCK_LINES: Final = 3.0
"""Line heights between the centres of two lines from which the lower one is of another block."""

_ROLES: Final = ("SELLER", "BUYER")
_KINDS: Final = ("NAME", "ADDRESS", "TAX_ID")
_PARTY_TYPES: Final = frozenset(f"{role}_{kind}" for role in _ROLES for kind in _KINDS)
_TERM: Final = re.compile(r"\s*\(bg-\d+\)")


@dataclass(frozen=True, slots=True)
class Section:
    """Words below a heading.

    Attributes:
        role: Whose they are; ``OTHER`` is a party that no field is of, such as where goods are delivered to.
        words: Indices into the page's words, the heading's not among them.
    """

    role: PartyRole
    words: tuple[int, ...]


def role_of_heading(text: str) -> PartyRole | None:
    """The party that a heading names, None where it names none; two words for one ("Buyer/Customer") are one."""
    parts = [part.strip(" :.-") for part in _TERM.sub("", fold(text)).split("/")]
    roles = {PARTY_HEADINGS.get(part) for part in parts}
    return roles.pop() if len(roles) == 1 else None


def find_sections(page: PagePrediction) -> list[Section]:
    """The parts of a page below headings of parties, each as far as the next heading, a gap or the item table.

    A heading is a line, or what stands by itself on one; its part of the page reaches to what stands next to it.
    """
    straight, segments = printed_lines(page.words)
    headings: list[tuple[PartyRole, float, float, float, float]] = []
    for n, segment in enumerate(segments):
        role = role_of_heading(" ".join(page.words[i].text for i in segment))
        if role is not None:
            height, top = float(straight.height[segment].mean()), float(straight.y[segment[0]])
            beside = segments[n + 1 : n + 2]
            right = min(
                (float(straight.x0[other[0]]) - height for other in beside if straight.y[other[0]] == top),
                default=np.inf,
            )
            headings.append((role, float(straight.x0[segment[0]]) - height, right, top, height))
    centres = (straight.x0 + straight.x1) / 2
    sections = []
    for role, left, right, top, height in headings:
        below = [y for _, x0, x1, y, _ in headings if y > top and x0 < right and left < x1]
        end = min(below, default=np.inf)
        inside = (straight.y > top) & (straight.y < end) & (centres > left) & (centres < right)
        words = [int(i) for i in np.flatnonzero(inside)]
        words.sort(key=lambda i: float(straight.y[i]))
        block: list[int] = []
        level = top
        for word in words:
            if straight.y[word] - level > BLOCK_LINES * height or page.table_tags[word] != "OUTSIDE":
                break
            level = float(straight.y[word])
            block.append(word)
        sections.append(Section(role, tuple(block)))
    return sections


def settle_headed_parties(page: PagePrediction) -> PagePrediction:
    """The page with names, addresses and tax numbers as those of the party whose heading they stand below.

    Nothing changes where the page has not both a seller's and a buyer's heading, or probabilities are not known.
    """
    if page.ner_probabilities is None or not page.words:
        return page
    sections = find_sections(page)
    if {"SELLER", "BUYER"} - {section.role for section in sections if section.words}:
        return page
    ids = page.labels.ner_ids
    known = [
        (prefix, kind)
        for kind in _KINDS
        for prefix in "BI"
        if all(f"{prefix}-{role}_{kind}" in ids for role in _ROLES)
    ]
    given = page.ner_probabilities.copy()
    names = list(ids)
    tags, confidences = list(page.ner_tags), list(page.ner_confidences)
    for section in sections:
        words = list(section.words)
        for prefix, kind in known:
            columns = [ids[f"{prefix}-{role}_{kind}"] for role in _ROLES]
            share = given[np.ix_(words, columns)].sum(axis=1)
            given[np.ix_(words, columns)] = 0.0
            target = "O" if section.role == "OTHER" else f"{prefix}-{section.role}_{kind}"
            given[words, ids[target]] += share
        for word in words:
            if tags[word] == "O" or tags[word][2:] in _PARTY_TYPES:
                best = int(given[word].argmax())
                tags[word], confidences[word] = names[best], float(given[word, best])
    return replace(page, ner_tags=tags, ner_confidences=confidences, ner_probabilities=given)
