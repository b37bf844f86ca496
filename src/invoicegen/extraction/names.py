"""Names of companies, made whole: with the legal form that they have behind them or elsewhere on the document, the
company's in place of the person's below it, and without what was written beside them.

The name of a party is the one it is registered under (EN 16931, BT-27 and BT-44); a letterhead leaves out the legal
form, and a person below a company is its contact (BT-56).
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from invoicegen.extraction.entities import EntitySpan, span_of
from invoicegen.extraction.layout import StraightWords, printed_lines
from invoicegen.extraction.lexicon import SALUTATIONS, fold
from invoicegen.extraction.values import two_word_form
from invoicegen.schema.prediction import PagePrediction

WORD_GAP: Final = 1.0
"""Line heights between words of one name, at most."""
SPACE: Final = 0.5
"""Line heights between words that nothing but a space sets apart, at most: captions stand farther from values."""
NEXT_LINE: Final = 2.0
"""Line heights between the centres of two lines that follow each other, at most."""
FIRST_WORD: Final = 0.2
"""Probability from which a word begins the name that goes on behind it; set, not fitted."""

GOES_ON: Final = 0.5
"""Probability from which a name goes on in the line below; set, not fitted."""

TRADING_NAME: Final = 0.5
"""Factor on the confidence of a name on a sign where the company's is printed; set, not measured."""
SIGNLESS: Final = 0.5
"""Confidence of a company's name where no name was labelled; set, not measured."""

_LEGAL_FORM: Final = re.compile(
    r"(?:gmbh|mbh|ag|kg|kgaa|ohg|ug|e ?k|e ?u|gbr|se|sa|sarl|sas|sasu|eurl|snc|sc|scp|spa|srl|sl|slu|sau|lda|ltda|"
    r"bv|nv|vof|bvba|ltd|limited|llc|inc|incorporated|corp|corporation|plc|llp|bhd|ab|oy|oyj|as|aps|asa|sia|"
    r"sp z o ?o|s ?r ?o|a ?s)"
)
_FORM_WORDS: Final = 3  # "sp. z o.o."


def has_legal_form(text: str) -> bool:
    """Whether a name ends or begins with a legal form: "GmbH", "S.r.l.", "Bhd.", "SIA"; or with a word of one."""
    words = _plain_words(text)
    if words and (words[-1].endswith("gmbh") or (len(words) > 1 and _LEGAL_FORM.fullmatch(words[0]))):
        return True
    return any(
        _LEGAL_FORM.fullmatch(" ".join(words[-n:])) is not None
        for n in range(1, min(_FORM_WORDS, len(words) - 1) + 1)
    )


def _plain_words(text: str) -> list[str]:
    """Folded words without full stops and commas; initials that belong together are one word."""
    return re.sub(r"[^\w&/ -]", "", fold(text).replace("/", "")).split()


def complete_names(spans: Sequence[EntitySpan], pages: Sequence[PagePrediction]) -> list[EntitySpan]:
    """The entities, the seller's and buyer's names with their legal form, as it stands behind the same name here or
    elsewhere, without figures set apart from them, and the buyer's as the company's that stands over it.
    """
    printed = {page.page: printed_lines(page.words, WORD_GAP) for page in pages}
    lines = {number: words for number, (_, words) in printed.items()}
    by_page = {page.page: page for page in pages}
    result = []
    for span in _joined(spans, by_page, {number: straight for number, (straight, _) in printed.items()}):
        if span.type in ("SELLER_NAME", "BUYER_NAME"):
            page, straight = by_page[span.page], printed[span.page][0]
            if span.type == "BUYER_NAME":
                span = _without_contact(span, page, straight)
            span = _with_first_word(span, page, lines[span.page])
            span = _without_caption(span, page)
            span = _with_bracket(span, page, *printed[span.page])
            span = _with_second_word(_without_figures_apart(span, page, straight), page, lines[span.page])
            whole = None if has_legal_form(span.text) else next(_with_legal_form(span, lines, by_page), None)
            if whole is None and span.type == "BUYER_NAME" and not has_legal_form(span.text):
                whole = _company_above(span, page, *printed[span.page])
            if whole is not None:
                span = replace(whole, confidence=span.confidence)
        result.append(span)
    return result


def _with_first_word(span: EntitySpan, page: PagePrediction, lines: Sequence[Sequence[int]]) -> EntitySpan:
    """A name that begins with a word labelled as inside one, with the word before it where that may be its first."""
    first = span.words[0]
    line = next(line for line in lines if first in line)
    before = line[: line.index(first)][-1:]
    given = page.ner_probabilities
    if given is None or not before or page.ner_tags[first][:2] != "I-" or page.ner_tags[before[0]] != "O":
        return span
    if given[before[0], page.labels.ner_ids[f"B-{span.type}"]] < FIRST_WORD:
        return span
    return replace(span_of(span.type, page, [*before, *span.words]), confidence=span.confidence)


def _joined(
    spans: Sequence[EntitySpan], pages: dict[int, PagePrediction], straight: dict[int, StraightWords]
) -> list[EntitySpan]:
    """The entities, names that begin anew right beside their last word, or in the line below where a bracket is open
    until there, as one.
    """
    result: list[EntitySpan] = []
    for span in spans:
        before = None
        if span.type in ("SELLER_NAME", "BUYER_NAME"):
            words = straight[span.page]
            before = next((n for n, other in enumerate(result) if _name_goes_on(other, span, words)), None)
        if before is None:
            result.append(span)
        else:
            first = result[before]
            whole = span_of(span.type, pages[span.page], [*first.words, *span.words])
            result[before] = replace(whole, confidence=max(first.confidence, span.confidence))
    return result


def _name_goes_on(first: EntitySpan, second: EntitySpan, straight: StraightWords) -> bool:
    if (first.type, first.page) != (second.type, second.page):
        return False
    last, start = first.words[-1], second.words[0]
    height = float(straight.height[last])
    if straight.y[last] == straight.y[start]:
        near = abs(float(straight.x0[start] - straight.x1[last])) < SPACE * height
        return near and not first.text.endswith(",")
    is_open = first.text.count("(") > first.text.count(")")
    closes = second.text.count(")") > second.text.count("(")
    return is_open and closes and 0 < float(straight.y[start] - straight.y[last]) < NEXT_LINE * height


def _without_contact(span: EntitySpan, page: PagePrediction, straight: StraightWords) -> EntitySpan:
    """A name as far as the line whose first word likelier does not go on with it than does: who stands below it."""
    given = page.ner_probabilities
    if given is None:
        return span
    inside = page.labels.ner_ids[f"I-{span.type}"]
    for place, (before, word) in enumerate(itertools.pairwise(span.words), start=1):
        above = " ".join(page.words[i].text for i in span.words[:place])
        labelled = page.ner_tags[word].endswith(span.type) and fold(above).strip(" .,") not in SALUTATIONS
        if straight.y[word] > straight.y[before] and labelled and given[word, inside] < GOES_ON:
            return span_of(span.type, page, span.words[:place])
    return span


def _with_bracket(
    span: EntitySpan, page: PagePrediction, straight: StraightWords, lines: Sequence[Sequence[int]]
) -> EntitySpan:
    """A name that closes a bracket that it does not open, with the line above where that does: "Example (North" and
    "East) Ltd"; what is added was labelled nothing, or a name of the same party.
    """
    if span.text.count(")") <= span.text.count("("):
        return span
    first = span.words[0]
    own = next(line for line in lines if first in line)
    left, right, height = straight.x0[own[0]], straight.x1[own[-1]], float(straight.height[first])
    for line in lines:
        gap = float(straight.y[first] - straight.y[line[0]])
        text = " ".join(page.words[i].text for i in line)
        over = 0 < gap < NEXT_LINE * height and straight.x0[line[0]] < right and left < straight.x1[line[-1]]
        free = all(page.ner_tags[i] == "O" or page.ner_tags[i][2:] == span.type for i in line)
        if over and free and text.count("(") > text.count(")"):
            return replace(span_of(span.type, page, [*line, *span.words]), confidence=span.confidence)
    return span


def _without_caption(span: EntitySpan, page: PagePrediction) -> EntitySpan:
    """A name without the words that a colon sets apart before a company's: "Owned by: Example Ltd"."""
    starts = [n for n, i in enumerate(span.words, start=1) if page.words[i].text.endswith(":")]
    rest = span.words[starts[-1] :] if starts else ()
    if not rest or not has_legal_form(" ".join(page.words[i].text for i in rest)):
        return span
    return replace(span_of(span.type, page, rest), confidence=span.confidence)


def _with_second_word(span: EntitySpan, page: PagePrediction, lines: Sequence[Sequence[int]]) -> EntitySpan:
    """A name that ends with the first word of a legal form of two, with the second: "SDN" and "BHD"."""
    line = next(line for line in lines if span.words[-1] in line)
    behind = line[line.index(span.words[-1]) + 1 :][:1]
    if not behind or page.ner_tags[behind[0]] != "O":
        return span
    if two_word_form(page.words[span.words[-1]].text, page.words[behind[0]].text) is None:
        return span
    return replace(span_of(span.type, page, [*span.words, *behind]), confidence=span.confidence)


def _without_figures_apart(span: EntitySpan, page: PagePrediction, straight: StraightWords) -> EntitySpan:
    """A name without figures at the end of its lines that are set apart from its words: what was written beside it."""
    kept = []
    for word in span.words:
        line = [
            i for i in span.words if straight.y[i] == straight.y[word] and straight.x1[i] <= straight.x0[word]
        ]
        gap = min((float(straight.x0[word] - straight.x1[i]) for i in line), default=0.0)
        is_figure = not any(map(str.isalpha, page.words[word].text))
        if not (is_figure and gap > WORD_GAP * float(straight.height[word])):
            kept.append(word)
    return span if len(kept) == len(span.words) else span_of(span.type, page, kept)


def _with_legal_form(
    span: EntitySpan, lines: dict[int, list[list[int]]], pages: dict[int, PagePrediction]
) -> Iterator[EntitySpan]:
    """Where the document prints the same words and a legal form behind them."""
    name = _plain_words(span.text)
    for number, page in pages.items():
        for line in lines[number]:
            plain = ["".join(_plain_words(page.words[i].text)) for i in line]
            for start in range(len(line) - len(name)):
                if not name or plain[start : start + len(name)] != name:
                    continue
                for n in range(1, _FORM_WORDS + 1):
                    words = line[start : start + len(name) + n]
                    if plain[start + len(name) + n :][:1] == ["au"]:  # "SAS au capital de 10 000 €"
                        break
                    if has_legal_form(" ".join(page.words[i].text for i in words)):
                        yield span_of(span.type, page, words)


def _company_above(
    span: EntitySpan, page: PagePrediction, straight: StraightWords, lines: Sequence[Sequence[int]]
) -> EntitySpan | None:
    """The line right above a name, where it is a company's and labelled nothing."""
    first = min(span.words, key=lambda i: (float(straight.y[i]), float(straight.x0[i])))
    height = float(straight.height[first])
    for line in lines:
        above = float(straight.y[first] - straight.y[line[0]])
        aligned = abs(float(straight.x0[line[0]] - straight.x0[first])) < height
        unlabelled = all(page.ner_tags[i] == "O" for i in line)
        if 0 < above < NEXT_LINE * height and aligned and unlabelled:
            company = span_of(span.type, page, line)
            return company if has_legal_form(company.text) else None
    return None


def add_registered_seller(spans: Sequence[EntitySpan], pages: Sequence[PagePrediction]) -> list[EntitySpan]:
    """The entities, the seller's name as the company's that stands right over or below the seller's sign or address,
    where no name that was labelled has a legal form.

    Shops print the name on their sign and that of the company they belong to; the seller is the company (BT-27), the
    sign a trading name (BT-28).
    """
    names = [span for span in spans if span.type == "SELLER_NAME"]
    if any(has_legal_form(span.text) for span in names):
        return list(spans)
    found: dict[str, EntitySpan] = {}
    for page in pages:
        near = [s for s in spans if s.page == page.page and s.type in ("SELLER_NAME", "SELLER_ADDRESS")]
        straight, lines = printed_lines(page.words)
        for line in lines:
            words = _company(line, page)
            if words and any(_follows(words, span, straight) for span in near):
                span = span_of("SELLER_NAME", page, words)
                found.setdefault(" ".join(_plain_words(span.text)), span)
    if len(found) != 1:
        return list(spans)
    (company,) = found.values()
    sure = max((span.confidence for span in names), default=SIGNLESS)
    doubted = [
        replace(span, confidence=TRADING_NAME * span.confidence) if span in names else span for span in spans
    ]
    return [*doubted, replace(company, confidence=sure)]


def _company(line: Sequence[int], page: PagePrediction) -> list[int]:
    """The words of a line that is a company's name and labelled nothing else, without what a colon sets apart before it
    and a number in brackets behind it; empty where it is none.
    """
    if any(page.ner_tags[i] not in ("O", "B-SELLER_NAME", "I-SELLER_NAME") for i in line):
        return []
    texts = [page.words[i].text for i in line]
    start = next((n for n in range(len(line), 0, -1) if texts[n - 1].endswith(":")), 0)
    end = len(line)
    while end > start and re.fullmatch(r"\(.*\d.*\)", texts[end - 1]):
        end -= 1
    words = list(line[start:end])
    return words if len(words) > 1 and has_legal_form(" ".join(texts[start:end])) else []


def _follows(words: Sequence[int], span: EntitySpan, straight: StraightWords) -> bool:
    """Whether words stand on the line right over the first or right below the last line of an entity."""
    height = float(straight.height[list(words)].mean())
    left, right = float(straight.x0[words[0]]), float(straight.x1[words[-1]])
    own = list(span.words)
    beside = float(straight.x0[own].min()) < right and left < float(straight.x1[own].max())
    levels = [float(straight.y[i]) for i in own]
    gap = max(min(levels) - float(straight.y[words[0]]), float(straight.y[words[0]]) - max(levels))
    return beside and 0 < gap < NEXT_LINE * height
