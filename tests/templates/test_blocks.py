"""Blocks and marks that few documents have, each on a document that is made to have it."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
import zxingcpp
from PIL import Image

from invoicegen.geometry import quad_to_box
from invoicegen.rendering import rasterise, render_document
from invoicegen.synthesis import LOCALES, synthesise
from invoicegen.templates import PlanOptions, compose, plan_document
from invoicegen.templates.artwork import swiss_payload

OPTIONS = {
    "seed": 5,
    "locales": dict.fromkeys(LOCALES, 1.0),
    "engines": {family: {"pdf_text": 1} for family in ("modern", "classic", "receipt")},
    "presets": {family: {"clean": 1} for family in ("modern", "classic", "receipt")},
}
PAGES = {"families": {"modern": 1, "classic": 1}, "kinds": {"commercial_invoice": 1}}
ROLLS = {"families": {"receipt": 1}, "kinds": {"shop_receipt": 1, "restaurant_receipt": 1}}


def options(**changes):
    return PlanOptions.model_validate(OPTIONS | changes)


def document(index, structure=None, style=None, **changes):
    """Plan, record and XHTML of a document whose genome is changed."""
    plan = plan_document(index, options(**changes))
    genome = {
        "structure": plan.genome["structure"] | (structure or {}),
        "style": plan.genome["style"] | (style or {}),
    }
    plan = plan.model_copy(update={"genome": genome})
    invoice = synthesise(plan)
    return plan, invoice, compose(invoice, plan)


def search(wanted, structure=None, **changes):
    """The first of 400 documents whose record is as wanted."""
    for index in range(400):
        plan = plan_document(index, options(**changes))
        if wanted(synthesise(plan)):
            return document(index, structure, **changes)
    raise AssertionError("none of 400 documents is as wanted")


def words(html):
    return [word for page in render_document(html).pages for word in page.words]


def read_codes(html, dpi=300):
    pdf = render_document(html).pdf
    return {
        code.text for code in zxingcpp.read_barcodes(Image.fromarray(np.asarray(rasterise(pdf, 0, dpi=dpi))))
    }


@pytest.mark.parametrize("index", range(0, 60, 4))
def test_a_roll_is_as_long_as_its_print(index):
    plan, _, html = document(index, {"sheet": ("roll58", "roll80", "roll80_wide")[index % 3]}, **ROLLS)
    pages = render_document(html, dpi=150).pages
    assert len(pages) == 1
    boxes = [quad_to_box(word.quad) for word in pages[0].words]
    mm = 150 / 25.4
    blank = (pages[0].height - max(box[3] for box in boxes)) / mm
    # A last block of empty lines or a code stands below the last word.
    assert plan.genome["style"]["blank_mm"] - 1 <= blank <= plan.genome["style"]["blank_mm"] + 32
    assert min(box[0] for box in boxes) >= 0
    assert max(box[2] for box in boxes) <= pages[0].width + 0.5


def test_two_hundred_lines_fit_one_roll():
    _, invoice, html = search(
        lambda record: len(record.lines) > 60,
        {"sheet": "roll80"},
        **ROLLS | {"kinds": {"supermarket_receipt": 1}},
    )
    pages = render_document(html).pages
    assert len(pages) == 1
    assert {word.row for word in pages[0].words if word.row is not None} == set(range(len(invoice.lines)))


def test_leaders_are_no_part_of_values():
    _, _, html = document(3, {"sheet": "roll80"}, {"leaders": True}, **ROLLS)
    painted = words(html)
    assert any(re.fullmatch(r"\.{3,}", word.text) for word in painted)
    assert not any(".." in word.text for word in painted if word.entity)


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_sidebar_stands_beside_the_text(side):
    shape = {"page": "A4", "landscape": False, "band": False, "window": False, "dense": False}
    columns = ["ITEM_DESCRIPTION", "ITEM_QUANTITY", "ITEM_UNIT_PRICE", "ITEM_AMOUNT"]
    _, invoice, html = search(
        lambda record: record.seller.tax_id and record.seller.phone and len(record.lines) < 8,
        shape | {"sidebar": side, "columns": columns, "footer": "none"},
        **PAGES,
    )
    page = render_document(html).pages[0]
    margin = [word for word in page.words if word.field == "seller.phone"]
    rows = [quad_to_box(word.quad) for word in page.words if word.row is not None]
    left, right = min(box[0] for box in rows), max(box[2] for box in rows)
    beside = [quad_to_box(w.quad) for w in margin]
    assert any(box[2] < left if side == "left" else box[0] > right for box in beside)
    assert any(word.entity == "SELLER_TAX_ID" for word in page.words), invoice.doc_id


def test_a_watermark_is_painted_and_is_no_entity():
    _, _, html = document(4, {"watermark": True}, **PAGES)
    (mark,) = [e for e in ET.fromstring(html).iter() if e.get("class") == "watermark"]
    found = [word for word in words(html) if word.text in mark.text.split() and word.entity is None]
    assert any(abs(w.quad[1] - w.quad[3]) > 20 for w in found)  # turned


def test_draft_is_written_across_pro_formas_alone():
    texts = set()
    for kind in ("proforma_invoice", "tax_invoice"):
        _, _, html = document(2, {"watermark": True}, **PAGES | {"kinds": {kind: 1}, "locales": {"en_GB": 1}})
        texts.add(next(e.text for e in ET.fromstring(html).iter() if e.get("class") == "watermark"))
    assert len(texts) == 2


def test_paid_is_stamped_only_where_nothing_is_left_to_pay():
    stamped = {"stamp": "stamp_paid", "tail": [["totals"], ["stamp"]]}
    owed = search(lambda record: record.totals.due > 0, stamped, **PAGES | {"locales": {"en_GB": 1}})[2]
    settled = search(lambda record: record.totals.due == 0, stamped, **PAGES | {"locales": {"en_GB": 1}})[2]

    def stamp(html):
        return next("".join(e.itertext()) for e in ET.fromstring(html).iter() if e.get("class") == "stamp")

    assert "PAID" not in stamp(owed).upper()
    assert "PAID" in stamp(settled).upper()


def test_the_number_is_a_bar_code_and_is_labelled_under_it():
    _, invoice, html = document(6, {"code_kind": "number", "tail": [["totals"], ["code"]]}, **PAGES)
    assert invoice.number in read_codes(html)
    numbers = [word.instance for word in words(html) if word.entity == "INVOICE_NUMBER"]
    assert len(set(numbers)) >= 2


def test_a_swiss_code_says_the_payment():
    code = {"code_kind": "payment", "tail": [["totals"], ["code"]], "landscape": False, "page": "A4"}
    swiss = {"locales": {"de_CH": 1}}
    _, invoice, html = search(
        lambda record: len(record.lines) < 6 and swiss_payload(record) is not None, code, **PAGES | swiss
    )
    payload = swiss_payload(invoice)
    assert payload in read_codes(html)
    lines = payload.split("\r\n")
    assert (len(lines), lines[0], lines[1], lines[-1]) == (31, "SPC", "0200", "EPD")
    assert lines[3] == invoice.payment.iban
    assert lines[18] == f"{invoice.totals.due / 100:.2f}"
    assert lines[19] == "CHF"
    assert lines[27] in ("SCOR", "NON", "QRR")
    assert lines[5] == invoice.seller.name[:70]


def test_there_is_no_swiss_code_for_others():
    for index in range(20):
        plan = plan_document(index, options(**PAGES | {"locales": {"de_DE": 1, "en_US": 1}}))
        assert swiss_payload(synthesise(plan)) is None


def test_a_section_ends_with_the_sum_of_its_rows():
    def sectioned(record):
        return sum(line.section is not None for line in record.lines) >= 2

    _, invoice, html = search(sectioned, {"section_sums": True, "carry_rows": 0, "dense": False}, **PAGES)
    starts = [row for row, line in enumerate(invoice.lines) if line.section]
    sums = {
        f"lines.{start}.section_sum": sum(line.net_amount for line in invoice.lines[start:end])
        for start, end in zip(starts, [*starts[1:], len(invoice.lines)], strict=True)
    }
    printed = {
        e.get("data-field"): "".join(e.itertext()) for e in ET.fromstring(html).iter() if e.get("data-field")
    }
    for field, minor in sums.items():
        assert re.sub(r"\D", "", printed[field]) == str(abs(minor)), field
    assert all(word.entity is None for word in words(html) if word.field in sums)


def test_a_merged_header_spans_quantity_and_unit():
    columns = ["ITEM_DESCRIPTION", "ITEM_QUANTITY", "ITEM_UNIT", "ITEM_UNIT_PRICE", "ITEM_AMOUNT"]
    shape = {"head_merged": True, "head_missing": False, "columns": columns, "dense": False}
    _, _, html = search(
        lambda record: (
            any(line.unit for line in record.lines) and not any(line.discount for line in record.lines)
        ),
        shape,
        **PAGES,
    )
    (head,) = [e for e in ET.fromstring(html).iter() if e.tag.endswith("thead")][:1]
    cells = [e for e in head.iter() if e.tag.endswith("th")]
    assert [cell.get("colspan") for cell in cells].count("2") == 1
    columns = [e.get("data-column") for e in head.iter() if e.get("data-column")]
    assert "ITEM_UNIT" not in columns
    assert "ITEM_QUANTITY" in columns


def test_parties_with_a_caption_a_line():
    _, invoice, html = document(8, {"party_lines": True}, **PAGES | {"locales": {"de_DE": 1}})
    painted = words(html)
    place = next(i for i, word in enumerate(painted) if word.field == "buyer.name")
    assert painted[place - 1].text.rstrip(":") in ("Name", "Firma", "name", "firma", "NAME", "FIRMA", "")
    assert any(word.entity == "BUYER_ADDRESS" for word in painted), invoice.doc_id


def test_customs_codes_origins_and_weights_are_printed_and_are_no_entities():
    columns = ["ITEM_DESCRIPTION", "ITEM_QUANTITY", "ITEM_AMOUNT"]
    facts = {"commodity_code", "origin_country", "net_weight"}
    seen = set()
    for index in range(250):
        plan = plan_document(index, options(**PAGES))
        invoice = synthesise(plan)
        have = {fact for fact in facts if getattr(invoice.lines[0], fact)}
        if not have or have <= seen:
            continue
        _, _, html = document(index, {"columns": columns, "dense": False}, **PAGES)
        painted = words(html)
        for fact in have:
            found = [word for word in painted if word.column == fact and word.cell_role == "data"]
            assert found
            assert all(word.entity is None for word in found)
        seen |= have
    assert seen == facts


@pytest.mark.parametrize(
    ("locale", "pattern"), [("pl_PL", r"[\d,)-]\s?zł"), ("cs_CZ", r"[\d,)-]\s?Kč"), ("en_GB", r"£\s?[\d(-]")]
)
def test_the_sign_stands_where_the_country_puts_it(locale, pattern):
    signed = 0
    for index in range(60):
        plan = plan_document(index, options(**PAGES | {"locales": {locale: 1}}))
        html = compose(synthesise(plan), plan)
        printed = [
            "".join(e.itertext())
            for e in ET.fromstring(html).iter()
            if e.get("class") == "tv" and any(s in "".join(e.itertext()) for s in ("zł", "Kč", "£"))
        ]
        for text in printed:
            assert re.search(pattern, text.replace("\u00a0", " ")), text
        signed += len(printed)
    assert signed > 20


def test_a_wide_logo_stays_in_its_column():
    """A mark of 24 mm with a long bar is 80 mm wide, a third of the page 50."""
    shape = {
        "head": [["logo", "seller", "title"], ["buyer", "refs"]],
        "page": "A4",
        "landscape": False,
        "band": False,
        "party_box": False,
        "party_caption": "none",
        "party_lines": False,
        "watermark": False,
        "sidebar": "none",
    }
    narrowest = 1.0
    for index in range(12):
        _, _, html = document(
            index,
            shape,
            {"logo_mm": 24, "margin_mm": 20, "seller_align": "left"},
            **PAGES,
        )
        page = np.asarray(rasterise(render_document(html).pdf, 0, dpi=50))
        name = next(w for w in render_document(html, dpi=50).pages[0].words if w.field == "seller.name")
        left = int(name.quad[0])
        top = int(20 / 25.4 * 50)
        strip = page[top : top + 40, left - 3 : left - 1]
        narrowest = min(narrowest, float(strip.min()) / 255)
    assert narrowest > 0.9  # nothing is painted right before the name
