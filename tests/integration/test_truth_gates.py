"""The gates that labels must pass: ink, line items and arithmetic, over every family and kind."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from decimal import Decimal

import numpy as np
import pytest

from invoicegen.extraction import rebuild_line_items
from invoicegen.geometry import quad_to_box
from invoicegen.labeling import DocumentState, annotate_page
from invoicegen.rendering import rasterise, render_document
from invoicegen.schema.prediction import PagePrediction
from invoicegen.schema.taxonomy import ITEM_ENTITY_TYPES
from invoicegen.synthesis import KINDS, LOCALES, document_kinds_for, synthesise
from invoicegen.templates import PlanOptions, compose, plan_document
from invoicegen.templates.fonts import load_fonts

FAMILIES = ("modern", "classic", "receipt")
DPI = 150
FINE = 4  # pixels of the fine raster for one of DPI
DOCUMENTS = 4  # of each family and kind
SEARCH = 6 * FINE  # fine pixels around a box in which its ink is looked for


def options(family: str, kind: str, locales: list[str]) -> PlanOptions:
    engines = {name: {"pdf_text": 1.0} for name in FAMILIES}
    return PlanOptions(
        seed=5,
        locales=dict.fromkeys(locales, 1.0),
        families={family: 1.0},
        kinds={kind: 1.0},
        engines=engines,
        presets={name: {"clean": 1.0} for name in FAMILIES},
    )


CASES = [
    (family, kind)
    for family in FAMILIES
    for kind in KINDS
    if any(kind in document_kinds_for(family, locale) for locale in LOCALES)
]


def able(family: str, kind: str) -> list[str]:
    """Locales that have documents of this kind in this family."""
    return [locale for locale in LOCALES if kind in document_kinds_for(family, locale)]


def locales_of(family: str, kind: str) -> list[str]:
    """The locales that a case is looked at in: the cases together go through all of them, in turn."""
    first, fitting = DOCUMENTS * CASES.index((family, kind)), able(family, kind)
    return [fitting[(first + turn) % len(fitting)] for turn in range(DOCUMENTS)]


def test_every_kind_and_every_locale_is_looked_at() -> None:
    assert {kind for _, kind in CASES} == set(KINDS)
    assert {locale for case in CASES for locale in locales_of(*case)} == set(LOCALES)


@pytest.mark.parametrize(("family", "kind"), CASES)
def test_line_items_rebuilt_from_the_tags_are_those_of_the_record(family: str, kind: str) -> None:
    for index, locale in enumerate(locales_of(family, kind)):
        plan = plan_document(index, options(family, kind, [locale]))
        invoice = synthesise(plan)
        assert invoice.check_totals() == []
        rendered = render_document(compose(invoice, plan), dpi=DPI)
        state, predictions = DocumentState(), []
        printed: dict[int, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        values: dict[tuple[int, str], set[str | None]] = defaultdict(set)
        for truth in rendered.pages:
            page, _ = annotate_page(
                truth, None, plan, invoice, "page.png", hashlib.sha256(b"").hexdigest(), len(rendered.pages),
                dpi=DPI, state=state,
            )  # fmt: skip
            predictions.append(
                PagePrediction(
                    page.page, page.width, page.height, page.words, page.ner_tags, [1.0] * len(page.words),
                    page.table_tags, page.cell_tags,
                )
            )  # fmt: skip
            for word in truth.words:
                if word.row is not None and word.entity in ITEM_ENTITY_TYPES:
                    printed[word.row][word.entity].append(word.text)
                    values[word.row, word.entity].add(word.value)
        lines = invoice.lines if invoice.prints_lines else []
        assert sorted(printed) == list(range(len(lines))), plan.doc_id
        items = rebuild_line_items(predictions)
        rebuilt = [{name: Counter(str(item[name]["text"]).split()) for name in item} for item in items]
        expected = [
            {name: Counter(words) for name, words in printed[row].items()} for row in range(len(lines))
        ]
        assert rebuilt == expected, plan.doc_id
        for row, line in enumerate(lines):
            scale = Decimal(10) ** invoice.currency_digits
            stated = {
                "ITEM_AMOUNT": Decimal(line.net_amount) / scale,
                "ITEM_QUANTITY": line.quantity,
                "ITEM_UNIT_PRICE": line.unit_price,
            }
            for name, value in stated.items():
                if name in printed[row]:
                    assert {Decimal(str(found)) for found in values[row, name]} == {value}, plan.doc_id


def test_ink_leaves_no_box_by_more_than_half_a_pixel() -> None:
    """Of ≥ 99.5 % of the words, in every font, against a raster four times as fine."""
    text = "Rechnung 2026-00042 Straße Ärzte 1.234,56 € office AVATAR To, ylg (Q) fjord"
    body = "".join(f"<p style=\"font-family:'{font.family}'\">{text}</p>" for font in load_fonts())
    # Space enough that the ink of one word is never taken for that of its neighbour.
    style = "@page{size:A4;margin:12mm} p{font-size:9pt;margin:9pt 0;line-height:2;word-spacing:10pt}"
    rendered = render_document(
        f"<html><head><style>{style}</style></head><body>{body}</body></html>", dpi=DPI
    )
    beyond = []
    for page in rendered.pages:
        dark = rasterise(rendered.pdf, page.page, DPI * FINE).min(axis=2) < 128
        scale = np.array([dark.shape[1] / page.width, dark.shape[0] / page.height] * 2)
        for word in page.words:
            x0, y0, x1, y1 = np.array(quad_to_box(word.quad)) * scale
            left, top = int(x0 - SEARCH), int(y0 - SEARCH)
            part = dark[top : int(y1 + SEARCH), left : int(x1 + SEARCH)]
            rows, columns = np.nonzero(part.any(axis=1))[0], np.nonzero(part.any(axis=0))[0]
            assert rows.size, f"no ink under {word.text!r}"
            ink = left + columns[0], top + rows[0], left + columns[-1] + 1, top + rows[-1] + 1
            beyond.append(max(x0 - ink[0], y0 - ink[1], ink[2] - x1, ink[3] - y1) / FINE)
    assert len(beyond) >= 10 * len(load_fonts())
    assert np.mean(np.array(beyond) <= 0.5) >= 0.995
