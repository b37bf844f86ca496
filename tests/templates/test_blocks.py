"""Blocks and marks that few documents have, each on a document that is made to have it."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
import zxingcpp
from PIL import Image
from stdnum import ean

from invoicegen.geometry import quad_to_box
from invoicegen.rendering import rasterise, render_document
from invoicegen.synthesis import LOCALES, synthesise
from invoicegen.synthesis.money import round_half_up
from invoicegen.templates import PlanOptions, compose, plan_document
from invoicegen.templates.artwork import swiss_payload
from invoicegen.templates.lexicon import load_lexicon
from invoicegen.templates.view import View

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
    rendered = render_document(html)
    images = [rasterise(rendered.pdf, page, dpi=dpi) for page in range(len(rendered.pages))]
    return {
        code.text for image in images for code in zxingcpp.read_barcodes(Image.fromarray(np.asarray(image)))
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
    genes = {"code_kind": "number", "tail": [["totals"], ["code"]]}
    _, invoice, html = search(lambda record: len(record.lines) < 4, genes, **PAGES)
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
        "party_table": "none",
        "party_number": "none",
        "list_rules": "none",
        "masthead": False,
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


def values(html, entity):
    """Printed words of an entity by value."""
    found = {}
    for word in words(html):
        if word.entity == entity:
            found.setdefault(word.value, []).append(word.text)
    return found


def test_a_schedule_lists_times_and_is_no_entity():
    changes = {"families": {"modern": 1}, "kinds": {"advertising_invoice": 1}, "locales": {"en_US": 1}}
    _, invoice, html = search(
        lambda invoice: any(line.quantity >= 3 for line in invoice.lines),
        {"schedule": True, "head_missing": False},
        **changes,
    )
    times = [word for word in words(html) if word.field and word.field.endswith(".times")]
    assert len({word.field for word in times}) == len(invoice.lines)
    assert len(times) >= 3 * len(invoice.lines)
    assert not any(word.entity for word in times)
    assert not any(word.cell for word in times)


def test_an_agency_keeps_its_commission():
    changes = {"families": {"modern": 1}, "kinds": {"advertising_invoice": 1}, "locales": {"en_US": 1}}
    _, invoice, html = search(
        lambda invoice: any("ommission" in entry.reason for entry in invoice.allowances_charges), **changes
    )
    (entry,) = [entry for entry in invoice.allowances_charges if "ommission" in entry.reason]
    assert entry.percent == 15
    assert invoice.totals.net == invoice.totals.line_sum - invoice.totals.allowances + invoice.totals.charges
    assert values(html, "DISCOUNT_AMOUNT")


def test_an_order_number_over_the_rows_is_labelled():
    structure = {"order_in_table": True, "refs": "list"}
    _, invoice, html = search(lambda invoice: invoice.purchase_order_number, structure, **PAGES)
    assert list(values(html, "PURCHASE_ORDER_NUMBER")) == [invoice.purchase_order_number]


def test_an_order_number_is_always_printed():
    _, invoice, html = search(
        lambda invoice: invoice.purchase_order_number,
        {"order_in_table": False, "refs_count": 2},
        **PAGES,
    )
    assert invoice.purchase_order_number in values(html, "PURCHASE_ORDER_NUMBER")


def test_a_unit_in_the_column_of_quantities_keeps_its_own_label():
    structure = {
        "unit_in_quantity": True,
        "columns": ["ITEM_DESCRIPTION", "ITEM_QUANTITY", "ITEM_UNIT_PRICE", "ITEM_AMOUNT"],
    }
    _, invoice, html = search(lambda invoice: all(line.unit for line in invoice.lines), structure, **PAGES)
    found = values(html, "ITEM_UNIT")
    assert set(found) == {line.unit_code for line in invoice.lines}


@pytest.mark.parametrize("refs", ["boxes", "form", "table", "grid"])
def test_a_form_has_captions_that_nothing_is_filled_in_for(refs):
    _, _, filled = document(4, {"refs": refs, "refs_blank": 0}, **PAGES)
    _, _, unfilled = document(4, {"refs": refs, "refs_blank": 3}, **PAGES)
    more = {word.text for word in words(unfilled)} - {word.text for word in words(filled)}
    assert more
    assert [word.text for word in words(unfilled) if word.entity == "INVOICE_NUMBER"] == [
        word.text for word in words(filled) if word.entity == "INVOICE_NUMBER"
    ]


@pytest.mark.parametrize(
    "gene", [{"party_table": "address"}, {"party_table": "lines"}, {"seller_compact": True}], ids=str
)
def test_names_and_addresses_are_labelled_in_every_form_of_a_party(gene):
    genes = {"party_table": "none", "seller_compact": False, **gene, "footer": "none", "window": False}
    for index in range(4):
        _, invoice, html = document(index, genes, **PAGES)
        assert list(values(html, "SELLER_NAME")) == [invoice.seller.name]
        (address,) = values(html, "SELLER_ADDRESS")
        assert all(line in address for line in invoice.seller.address.lines)


@pytest.mark.parametrize("how", ["glued", "before"])
def test_a_sign_before_an_amount_is_labelled_alike_with_a_space_and_without(how):
    _, _, html = document(
        1,
        {"totals_place": "right"},
        {"currency_totals": how, "currency_items": how, "currency_pick": 0},
        **PAGES,
    )
    signs = [
        (word.entity, after.entity)
        for page in render_document(html).pages
        for word, after in zip(page.words, page.words[1:], strict=False)
        if word.text == "$"
    ]
    assert {entity for entity, of in signs if of and not of.startswith("ITEM_")} == {"CURRENCY"}
    assert {entity for entity, of in signs if of and of.startswith("ITEM_")} == {None}


LISTING = {
    "listing": True,
    "head": [["title"], ["specification"], ["refs"], ["seller"], ["buyer"]],
    "masthead": True,
    "window": False,
    "footer": "none",
    "refs": "list",
    "caption_place": "left",
    "party_caption": "bar",
    "party_table": "lines",
    "party_number": "both",
    "party_contacts": "all",
    "seller_compact": False,
    "list_wide": True,
    "list_rules": "zebra",
}


def test_numbers_and_files_of_a_listing_are_no_entities():
    files = []
    for index in range(6):
        _, invoice, html = document(index, LISTING, **PAGES)
        printed = words(html)
        assert list(values(html, "SELLER_NAME")) == [invoice.seller.name]
        for role in ("seller", "buyer"):
            (gln,) = (word.text for word in printed if word.field == f"{role}.gln" and word.text.isdigit())
            assert ean.is_valid(gln)
            assert any(word.field == f"{role}.number" for word in printed)
        assert not any(word.entity for word in printed if word.field in {"seller.gln", "buyer.number"})
        files += [
            word for word in printed if word.text.startswith("urn:cen.eu") or word.text.endswith(".xml")
        ]
    assert files
    assert not any(word.entity for word in files)


@pytest.mark.parametrize("key", ["listed_seller", "listed_buyer"])
def test_parties_of_a_listing_are_mostly_called_as_in_en_16931(key):
    wordings = set(load_lexicon("de")[key])
    named = 0
    for index in range(12):
        _, _, html = document(index, LISTING | {"caption_end": ""}, locales={"de_DE": 1}, **PAGES)
        bars = [e.text for e in ET.fromstring(html).iter() if "bar" in (e.get("class") or "").split()]
        named += any((text or "").casefold() in {word.casefold() for word in wordings} for text in bars)
    assert 4 <= named <= 12


@pytest.mark.parametrize("between", [True, False])
def test_a_contact_may_stand_between_name_and_address(between):
    shape = {"party_table": "address", "sidebar": "none", "closing": False, "contact_between": between}
    shape |= {"tail": [["totals"]]}  # whoever signs is the contact too
    printed = 0
    for index in range(24):
        _, invoice, html = document(index, LISTING | shape, **PAGES)
        if not invoice.seller.contact_person:
            continue
        top = {}
        for word in render_document(html, dpi=50).pages[0].words:
            top.setdefault(word.field, word.quad[1])
        if (contact := top.get("seller.contact_person")) is not None:
            printed += 1
            assert top["seller.name"] < contact
            assert (contact < top["seller.address"]) is between
    assert printed


OFFICE = {
    "office": True,
    "listing": False,
    "band": False,
    "seller_caption": "none",
    "seller_compact": False,
    "head": [["seller"], ["buyer"], ["office"], ["title"], ["refs"]],
    "window": False,
    "footer": "none",
    "party_table": "none",
    "party_caption": "none",
    "sidebar": "none",
    "page": "A4",
}


def test_a_letter_with_an_office_has_the_seller_s_address_below_the_buyer():
    hours = 0
    for index in range(8):
        _, invoice, html = document(index, OFFICE, **PAGES)
        page = render_document(html, dpi=50).pages[0]
        top = {}
        for word in page.words:
            top.setdefault(word.field, word.quad[1])
        assert top["seller.name"] < top["buyer.name"] < top["seller.address"]
        assert {word.entity for word in page.words if word.field == "seller.address"} == {"SELLER_ADDRESS"}
        assert list(values(html, "SELLER_NAME")) == [invoice.seller.name]
        hours += any(
            re.fullmatch(r"\d{1,2}[:.][03]0(-\d{1,2}[:.][03]0)?", word.text)
            and not (word.field or word.entity)
            for word in page.words
        )
    assert hours


def test_a_seller_s_name_may_be_broken_over_two_lines():
    broken = 0
    for index in range(60):
        _, invoice, html = document(index, OFFICE, **PAGES)
        name = next(e for e in ET.fromstring(html).iter() if e.get("class") == "pname")
        letters = "".join("".join(name.itertext()).split())
        assert letters.casefold() == "".join(invoice.seller.name.split()).casefold()
        broken += any(part.tag.endswith("br") for part in name.iter())
    assert 0 < broken < 20


def test_a_form_of_address_may_have_a_line_of_its_own():
    alone = set()
    for seed in range(6):
        _, invoice, html = search(
            lambda i: i.buyer and i.buyer.name.startswith(("Herrn ", "Herr ", "Frau ", "Familie ")),
            OFFICE,
            **PAGES | {"seed": seed, "locales": {"de_DE": 1}},
        )
        (element,) = [e for e in ET.fromstring(html).iter() if e.get("data-entity") == "BUYER_NAME"]
        lines = list(element.itertext())
        assert " ".join(lines) == element.get("data-value") == invoice.buyer.name
        alone.add(len(lines))
    assert alone == {1, 2}


def test_values_of_a_wide_listing_stand_in_one_column_far_from_their_captions():
    _, _, html = document(1, LISTING | {"sidebar": "none"}, {"seller_align": "left"}, **PAGES)
    page = render_document(html, dpi=50).pages[0]
    left = {word.field: word.quad[0] for word in reversed(page.words) if word.field}
    narrow = document(
        1, LISTING | {"sidebar": "none", "list_wide": False}, {"seller_align": "left"}, **PAGES
    )[2]
    near = {
        word.field: word.quad[0]
        for word in reversed(render_document(narrow, dpi=50).pages[0].words)
        if word.field
    }
    assert left["seller.name"] == pytest.approx(left["buyer.name"], abs=2)
    assert left["seller.name"] > 0.4 * page.width
    assert near["seller.name"] < left["seller.name"]


def test_the_code_of_a_country_stands_before_the_post_code_and_is_no_part_of_the_value():
    ways = set()
    for seed in range(8):
        _, invoice, html = search(
            lambda record: record.seller.address.lines[-1].startswith(record.seller.address.post_code or "?"),
            {
                "city_country": True,
                "party_table": "none",
                "address_inline": False,
                "footer": "none",
                "window": False,
            },
            **PAGES | {"seed": seed},
        )
        ((value, printed),) = values(html, "SELLER_ADDRESS").items()
        where = invoice.seller.address
        code = re.search(rf"{where.country_code}[ -](?={re.escape(where.post_code)})", " ".join(printed))
        assert code
        assert (code[0] in value) is code[0].endswith("-")  # "D-80331" is one word
        assert where.post_code in value
        ways.add(code[0][-1])
    assert ways == {" ", "-"}


def test_net_is_the_amount_of_a_row_that_prints_net_tax_and_gross():
    columns = ["ITEM_DESCRIPTION", "ITEM_QUANTITY", "ITEM_UNIT_PRICE", "ITEM_AMOUNT"]
    columns += ["ITEM_TAX_RATE", "tax_amount", "gross_amount"]
    genes = {"columns": columns, "page": "A4", "dense": False, "sidebar": "none", "carry_rows": 0}
    _, invoice, html = search(
        lambda record: not record.prices_include_tax and any(line.tax_rate for line in record.lines),
        genes,
        **PAGES,
    )
    found = words(html)
    for row, line in enumerate(invoice.lines):
        printed = {word.column: word for word in found if word.row == row}
        assert printed["gross_amount"].entity is None
        net, gross = (
            int(re.sub(r"\D", "", "".join(w.text for w in found if (w.row, w.column) == (row, name))))
            for name in ("ITEM_AMOUNT", "gross_amount")
        )
        assert net == abs(line.net_amount)
        assert gross == abs(line.net_amount + round_half_up(line.net_amount * line.tax_rate / 100))
    gross_prices = search(lambda record: record.prices_include_tax, genes, **PAGES)[2]
    assert not any(word.column == "gross_amount" for word in words(gross_prices))


@pytest.mark.parametrize("side", ["left", "right"])
def test_text_up_the_margin_is_turned_and_no_entity(side):
    shape = {"page": "A4", "landscape": False, "band": False, "window": False, "dense": False}
    _, _, html = document(4, shape | {"sidebar": "none", "margin_text": side}, **PAGES)
    (mark,) = [e for e in ET.fromstring(html).iter() if e.get("class") == "margin-text"]
    page = render_document(html).pages[0]
    turned = [
        word for word in page.words if abs(word.quad[1] - word.quad[3]) > abs(word.quad[0] - word.quad[2])
    ]
    assert {word.text for word in turned} == set(mark.text.split())
    assert all(word.entity is None for word in turned)
    for word in turned:
        x0, _, x1, _ = quad_to_box(word.quad)
        assert x0 > 0
        assert x1 < page.width
        assert (x1 < page.width / 8) if side == "left" else (x0 > page.width * 7 / 8)


def test_totals_in_a_row_are_those_of_the_record():
    genes = {"totals_place": "row", "tail": [["totals"]], "due_box": False, "page": "A4"}
    _, invoice, html = search(lambda invoice: not invoice.totals.paid, genes, **PAGES)
    (total,) = values(html, "TOTAL_AMOUNT")
    scale = 10**invoice.currency_digits
    assert round(float(total) * scale) == invoice.totals.gross


def test_blocks_with_nothing_to_say_take_no_room():
    genes = {
        "tail": [["totals"], ["advert", "fine_print"], ["remit_to"], ["stamp"]],
        "watermark": False, "totals_place": "right",
    }  # fmt: skip
    nothing = search(
        lambda i: not i.advert and not i.fine_print and not i.remit_to and not i.notes,
        genes,
        **PAGES,
    )
    assert nothing[2].count('class="row tail') == 2


def test_small_blocks_do_not_stand_alone_on_the_last_page():
    """The row before comes along, where a small block has no room below it."""
    genes = {
        "tail": [["totals"], ["payment"], ["stamp"], ["sign"]],
        "footer": "none", "page": "A4", "landscape": False, "carry_rows": 0, "item_rows": "one",
    }  # fmt: skip
    seen = 0
    for index in range(14):
        _, _, html = document(index, genes | {"blank_rows": 3 * index}, {"margin_mm": 25.0}, **PAGES)
        pages = render_document(html).pages
        if len(pages) > 1 and "payment.method" in {word.field for page in pages for word in page.words}:
            seen += 1
            last = {word.field for word in pages[-1].words}
            assert last & {"payment.method", "totals.gross"}, index
    assert seen > 1


@pytest.mark.parametrize("index", range(6))
def test_a_footer_of_columns_stays_on_the_paper(index):
    genes = {"footer": "columns", "footer_bank": True, "band": False, "landscape": False}
    _, _, html = document(index, genes, {"size_pt": 10.5, "margin_mm": 10.0, "line_height": 1.5}, **PAGES)
    assert all(word.visible == 1 for word in words(html))


@pytest.mark.parametrize("font", ["C-64", "B612 Mono", "Liberation Mono"])
def test_wide_type_fits_a_narrow_roll(font):
    _, _, html = document(7, {"sheet": "roll58"}, {"font": font, "size_pt": 9.5}, **ROLLS)
    amounts = [word for word in words(html) if word.entity in ("ITEM_AMOUNT", "TOTAL_AMOUNT")]
    assert amounts
    assert all(word.visible == 1 for word in amounts)


@pytest.mark.parametrize(("elsewhere", "caption"), [(False, "remit_to"), (True, "from")])
def test_a_seller_is_where_to_pay_to_unless_another_address_says_so(elsewhere, caption):
    genes = {
        "seller_caption": "remit_to",
        "party_caption": "bar",
        "seller_compact": False,
        "party_table": "none",
    }
    changes = PAGES | {"locales": {"en_US": 1}}
    plan, invoice, html = search(
        lambda invoice: (invoice.remit_to is not None) is elsewhere, genes, **changes
    )
    assert View(invoice, plan).seller_caption() == caption
    assert list(values(html, "SELLER_NAME")) == [invoice.seller.name]


def test_the_title_has_the_number_where_the_first_reference_is_an_empty_box():
    structure = {"title_number": "number", "refs": "boxes", "refs_blank": 3, "refs_count": 2}
    firsts = set()
    for index in range(120):
        _, invoice, html = document(index, structure, **PAGES)
        assert re.search(rf'class="tnum"><span data-field="number"[^>]*>{re.escape(invoice.number)}<', html)
        firsts.add(re.search(r'class="boxes"><tr><td class="c">[^<]*</td><td class="val">(<span)?', html)[1])
    assert firsts == {"<span", None}


def test_a_standard_number_stands_below_the_name_and_is_no_entity():
    wanted = {"columns": ["ITEM_CODE", "ITEM_DESCRIPTION", "ITEM_QUANTITY", "ITEM_AMOUNT"], "dense": False}
    _, invoice, html = search(lambda record: record.lines[0].standard_id, wanted, **PAGES)
    line = invoice.lines[0]
    assert ean.is_valid(line.standard_id)
    painted = words(html)
    (number,) = [word for word in painted if word.field == "lines.0.standard_id"]
    assert (number.text, number.entity) == (line.standard_id, None)
    named = [word for word in painted if word.entity == "ITEM_DESCRIPTION" and word.row == 0]
    assert number.quad[1] > (named[-1].quad[1] + named[-1].quad[5]) / 2
    alone = {"columns": ["ITEM_DESCRIPTION", "ITEM_AMOUNT"], "dense": False}
    _, _, html = search(lambda record: record.lines[0].standard_id, alone, **PAGES)
    assert not [word for word in words(html) if word.field == "lines.0.standard_id"]


def test_conditions_are_now_and_then_as_long_as_the_rest_of_the_page():
    lengths = [
        len((synthesise(plan_document(index, options(**PAGES))).fine_print or "").split())
        for index in range(400)
    ]
    assert sum(length == 0 for length in lengths) > 200
    assert sum(length > 100 for length in lengths) > 10


@pytest.mark.parametrize("family", [PAGES, ROLLS], ids=["pages", "rolls"])
def test_a_brand_and_a_slogan_beside_the_name_are_no_entity(family):
    genes = {"seller_compact": False, "party_table": "none", "party_caption": "none"}
    seen = 0
    for index in range(1200):
        plan = plan_document(index, options(**family))
        seller = synthesise(plan).seller
        if not seller.trading_name or not seller.slogan:
            continue
        _, _, html = document(index, genes, **family)
        printed = {word.field: word.entity for word in words(html)}
        assert printed["seller.name"] == "SELLER_NAME"
        assert printed["seller.slogan"] is None
        if "seller.trading_name" in printed:
            assert printed["seller.trading_name"] is None
            seen += 1
        if seen == 2:
            return
    raise AssertionError("fewer than two of 1,200 documents print a brand beside a slogan")


def test_a_letter_ends_with_a_closing_and_now_and_then_with_the_sellers_name():
    signed = set()
    for index in range(20):
        _, _, html = document(index, {"closing": True}, **PAGES, locales={"de_DE": 1})
        end = re.search(r'<div class="closing">(.*?)</div></div>', html, re.DOTALL)[1]
        assert re.search("Gr(ü|&#252;)(ß|&#223;)e|Hochachtungsvoll", end)
        signed.add(re.search(r'data-field="seller.name"[^>]*data-entity="SELLER_NAME"', end) is not None)
    assert signed == {True, False}


def test_the_title_goes_on_with_number_and_date():
    for index in range(20):
        _, invoice, html = document(index, {"title_number": "line"}, **PAGES, locales={"de_DE": 1})
        line = re.search(r'class="tnum">(.*?)</div>', html, re.DOTALL)[1]
        assert re.search(rf'data-field="number"[^>]*>{re.escape(invoice.number)}<', line)
        assert 'data-field="issue_date"' in line


def test_a_country_is_printed_in_many_ways_and_belongs_to_the_address():
    spelled = set()
    for index in range(150):
        plan = plan_document(index, options(**PAGES))
        invoice, view = synthesise(plan), None
        for role, party in (("seller", invoice.seller), ("buyer", invoice.buyer)):
            if party is None:
                continue
            view = view or View(invoice, plan)
            lines = view.party(role, party, role.upper()).address
            *street, last = lines.text
            if len(lines.text) > len(party.address.lines):
                assert street == list(party.address.lines)
                assert lines.value.endswith(last)
                assert lines.entity == f"{role.upper()}_ADDRESS"
                name = party.address.country
                ways = {name.replace("-", " "): "spaced", name.upper(): "upper", name: "name"}
                spelled.add(ways.get(last, "code" if len(last) <= 3 else "english"))
    assert spelled >= {"name", "upper", "english", "code"}


BY_RATE = {"totals_place": "by_rate", "tail": [["totals"]], "page": "A4", "listing": False, "due_box": False}


def sums_of(html):
    """Labelled amounts of the totals, in minor units, by entity."""
    entities = ("SUBTOTAL_AMOUNT", "TAX_AMOUNT", "TAX_BASE_AMOUNT", "TOTAL_AMOUNT", "AMOUNT_DUE")
    return {name: values(html, name) for name in entities}


@pytest.mark.parametrize("lines", [1, 2])
def test_totals_with_a_row_a_rate_are_those_of_the_record(lines):
    seen = set()
    for start in range(0, 400, 100):
        _, invoice, html = search(
            lambda i: len(i.tax_lines) == lines and not i.totals.paid and not i.account,
            BY_RATE | {"every_sum": False},
            **PAGES | {"seed": start},
        )
        scale = 10**invoice.currency_digits
        (table,) = [e for e in ET.fromstring(html).iter() if e.get("class") == "grid by-rate"]
        rows = [list(row) for row in table]
        assert len({len(row) for row in rows}) == 1
        (total,) = values(html, "TOTAL_AMOUNT")
        assert round(float(total) * scale) == invoice.totals.gross
        assert any(e.get("data-entity") == "TOTAL_AMOUNT" for e in rows[-1][-1].iter())
        taxes = {round(float(tax) * scale) for tax in values(html, "TAX_AMOUNT")}
        assert taxes == {line.amount for line in invoice.tax_lines} | {invoice.totals.tax}
        (net,) = values(html, "SUBTOTAL_AMOUNT")
        assert round(float(net) * scale) == invoice.totals.net
        seen.add(len(rows))
    assert seen <= ({2, 3} if lines == 1 else {4})


def test_a_document_without_tax_has_its_usual_totals():
    _, invoice, html = search(lambda i: not i.tax_lines, BY_RATE, **PAGES)
    assert 'class="grid by-rate"' not in html
    (total,) = values(html, "TOTAL_AMOUNT")
    assert round(float(total) * 10**invoice.currency_digits) == invoice.totals.gross


@pytest.mark.parametrize("adjusted", [True, False])
def test_every_sum_of_an_electronic_invoice_and_those_of_nothing_are_no_entities(adjusted):
    _, invoice, html = search(
        lambda i: (
            bool(i.allowances_charges) is adjusted
            and bool(i.tax_lines)
            and not (i.prices_include_tax or i.totals.rounding or i.account)
        ),
        LISTING | {"every_sum": True, "totals_place": "full", "tail": [["totals"]]},
        **PAGES,
    )
    t, scale = invoice.totals, 10**invoice.currency_digits
    printed = {}
    for element in ET.fromstring(html).iter():
        path = element.get("data-field") or ""
        if path.startswith("totals."):
            printed[path[7:]] = element.get("data-entity")
    assert {"net", "tax", "gross", "due"} <= printed.keys()
    assert printed["net"] == "SUBTOTAL_AMOUNT"
    assert printed["due"] == "AMOUNT_DUE"
    for name, minor in (("charges", t.charges), ("allowances", t.allowances), ("paid", t.paid)):
        assert printed.get(name, "unprinted" if minor == 0 else "missing") != "missing"
        assert (printed.get(name) is not None) is bool(minor)
    assert printed.get("line_sum") in ((None,) if t.line_sum != t.net else (None, "SUBTOTAL_AMOUNT"))
    assert {round(float(net) * scale) for net in values(html, "SUBTOTAL_AMOUNT")} == {t.net}
    assert round(float(next(iter(values(html, "AMOUNT_DUE")))) * scale) == t.due


def test_a_form_of_four_parties_prints_the_buyer_twice():
    shape = OFFICE | {
        "office": False,
        "four_parties": True,
        "head": [["seller", "buyer"], ["invoicee", "ship_to"], ["title", "refs"]],
        "seller_caption": "from",
        "party_caption": "above",
        "party_number": "gln",
    }
    _, invoice, html = search(lambda i: i.buyer and i.ship_to, shape, **PAGES)
    names = [e for e in ET.fromstring(html).iter() if e.get("data-entity") == "BUYER_NAME"]
    assert len(names) == 2
    assert {e.get("data-value") for e in names} == {invoice.buyer.name}
    assert any(e.get("data-field") == "ship_to.gln" for e in ET.fromstring(html).iter())


@pytest.mark.parametrize("caption", ["above", "left", "none", "bar"])
def test_where_goods_go_always_has_a_caption(caption):
    structure = {"head": [["seller"], ["buyer", "ship_to"], ["title", "refs"]], "party_caption": caption}
    _, _, html = search(lambda i: i.buyer and i.ship_to, structure, locales={"de_DE": 1}, **PAGES)
    buyer, ship_to = (html.index(f'data-field="{party}.name"') for party in ("buyer", "ship_to"))
    assert any(wording in html[buyer:ship_to] for wording in load_lexicon("de")["ship_to"])


@pytest.mark.parametrize(
    ("told", "tail", "rates"),
    [(True, ["tax_table"], 2), (False, [], 2), (True, ["tax_table"], 1), (None, [], 1)],
    ids=["table", "nowhere", "table of one", "one rate in the totals or nowhere"],
)
def test_a_tax_code_is_worth_the_rate_only_where_the_paper_says_so(told, tail, rates):
    """Else it is worth itself: a label says what is printed."""
    plan, invoice, _ = search(
        lambda record: len(record.tax_lines) == rates and all(line.tax_code for line in record.lines),
        {"sheet": "roll80", "item": "two_line", "tax_code": True, "tail": tail, "tax_in_totals": "line"},
        **ROLLS | {"kinds": {"supermarket_receipt": 1}},
    )
    for index in range(8):  # how the totals print tax is drawn
        given = plan.model_copy(update={"index": index})
        painted = words(compose(invoice, given))
        codes = {word.value for word in painted if word.entity == "ITEM_TAX_RATE"}
        printed = {word.value for word in painted if word.entity == "TAX_RATE"}
        letters = {line.tax_code for line in invoice.lines}
        told_here = told if told is not None else bool(printed)
        expected = {f"{line.tax_rate.normalize():f}" for line in invoice.lines} if told_here else letters
        assert codes == expected
        assert not told_here or codes <= printed


@pytest.mark.parametrize("how", ["columns", "description", "counted"])
def test_what_a_set_holds_is_printed_below_it_and_is_no_entity(how):
    structure = {"parts": how, "head_missing": False, "carry_rows": 0}
    _, invoice, html = search(lambda record: any(line.parts for line in record.lines), structure, **PAGES)
    printed = {}
    for word in words(html):
        if word.field and ".parts." in word.field:
            printed.setdefault(word.field, []).append(word)
    expected = {
        f"lines.{row}.parts.{i}.name": part.name
        for row, line in enumerate(invoice.lines)
        for i, part in enumerate(line.parts)
    }
    assert {
        field: " ".join(word.text for word in found)
        for field, found in printed.items()
        if field.endswith(".name")
    } == expected
    counted = {field.removesuffix(".quantity") for field in printed if field.endswith(".quantity")}
    assert counted == (set() if how == "description" else {field.removesuffix(".name") for field in expected})
    assert not any(word.entity or word.cell for found in printed.values() for word in found)
    assert all(part.quantity % line.quantity == 0 for line in invoice.lines for part in line.parts)


@pytest.mark.parametrize("place", ["head", "buyer"])
def test_a_simplified_invoice_names_its_seller_alone_here_or_where_buyers_stand(place):
    plain = {
        "listing": False,
        "four_parties": False,
        "office": False,
        "seller_compact": False,
        "window": True,
    }
    wanted = {"lone_seller": place, "head": [["title"], ["seller"], ["refs"], ["buyer"]], "footer": "none"}
    _, _, html = search(lambda record: record.buyer is None, plain | wanted, **PAGES)
    painted = words(html)
    name = min(word.quad[1] for word in painted if word.entity == "SELLER_NAME")
    number = min(word.quad[1] for word in painted if word.entity == "INVOICE_NUMBER")
    assert (name > number) is (place == "buyer")
    assert not any((word.entity or "").startswith("BUYER") for word in painted)
    assert 'class="sender"' not in html  # over the window of an address that nobody has


def test_a_layout_with_places_of_its_own_keeps_the_seller_in_its_own():
    genes = {"lone_seller": "buyer", "seller_compact": True, "head": [["seller"], ["refs"], ["buyer"]]}
    _, _, html = search(lambda record: record.buyer is None, genes, **PAGES)
    assert 'class="seller compact"' in html


def test_most_invoices_name_their_buyer_and_bills_of_utilities_all():
    records = [synthesise(plan_document(index, options(**PAGES))) for index in range(200)]
    assert 0 < sum(record.buyer is None for record in records) < 30
    bills = options(families=PAGES["families"], kinds={"utility_bill": 1})
    assert all(synthesise(plan_document(index, bills)).buyer for index in range(100))


def test_descriptions_break_where_their_field_ends():
    structure = {"second_line": "same", "dense": False}
    found = 0
    for index in range(8):
        _, invoice, html = document(index, structure, {"description_signs": 20}, **PAGES)
        lines = {}
        for word in words(html):
            if word.entity == "ITEM_DESCRIPTION":
                box = quad_to_box(word.quad)
                lines.setdefault((word.field, round(box[3])), []).append(word.text)
        texts = {}
        for (field, _), parts in sorted(lines.items()):
            texts.setdefault(field, []).append(" ".join(parts))
        for row, line in enumerate(invoice.lines):
            parts = texts[f"lines.{row}.name"]
            assert " ".join(parts).split() == f"{line.name} {line.description or ''}".split()
            assert all(len(part) <= 20 or " " not in part for part in parts), parts
            found += len(parts) > (2 if line.description else 1)
    assert found >= 5


@pytest.mark.parametrize("changes", [PAGES, ROLLS], ids=["page", "roll"])
@pytest.mark.parametrize("font", ["Gillius ADF", "Romande ADF Std"])
def test_letters_are_printed_as_they_are_labelled(changes, font):
    """Both families have a ligature for these, which makes another letter of two."""
    _, _, html = document(0, None, {"font": font, "letter_spacing": "0"}, **changes)
    html = html.replace("</body>", "<p>oeoeoe oooooo eeeeee</p></body>")
    boxes = {word.text: quad_to_box(word.quad) for word in words(html)}
    both, o, e = (boxes[text][2] - boxes[text][0] for text in ("oeoeoe", "oooooo", "eeeeee"))
    assert both == pytest.approx((o + e) / 2, rel=0.04)
