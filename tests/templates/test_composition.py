import xml.etree.ElementTree as ET
from collections import Counter
from decimal import Decimal

import numpy as np
import pytest
from pydantic import ValidationError

from invoicegen.geometry import quad_to_box
from invoicegen.rendering import rasterise, render_document
from invoicegen.schema.taxonomy import ENTITY_TYPES
from invoicegen.synthesis import LOCALES, load_locale, synthesise
from invoicegen.synthesis.documents import FOREIGN_CURRENCIES
from invoicegen.templates import PlanOptions, compose, plan_document, plan_like, plan_variants
from invoicegen.templates.genome import structure_hash

OPTIONS = {
    "documents": 300,
    "seed": 5,
    "locales": dict.fromkeys(LOCALES, 1.0),
    "families": {"modern": 1, "classic": 1, "receipt": 1},
    "kinds": dict.fromkeys(
        (
            "commercial_invoice", "tax_invoice", "proforma_invoice", "utility_bill", "service_invoice",
            "subscription_invoice", "advertising_invoice", "credit_note", "supermarket_receipt", "shop_receipt",
            "restaurant_receipt", "fuel_receipt",
        ),
        1.0,
    ),
    "engines": {family: {"pdf_text": 1, "rapidocr": 1} for family in ("modern", "classic", "receipt")},
    "presets": {family: {"clean": 1, "office_scan": 1} for family in ("modern", "classic", "receipt")},
}  # fmt: skip


def options(**changes):
    return PlanOptions.model_validate({**OPTIONS, **changes})


@pytest.fixture(scope="module")
def documents():
    plans = [plan_document(i, options()) for i in range(150)]
    composed = []
    for plan in plans:
        invoice = synthesise(plan)
        composed.append((plan, invoice, ET.fromstring(compose(invoice, plan))))
    return composed


def test_every_foreign_currency_is_laid_out():
    """Bills in a currency that is not their country's, those without decimals among them."""
    left, rendered = set(FOREIGN_CURRENCIES), 0
    only = options(families={"modern": 1, "classic": 1}, kinds={"commercial_invoice": 1})
    for index in range(1500):
        plan = plan_document(index, only)
        invoice = synthesise(plan)
        if invoice.currency == load_locale(plan.locale).currency or invoice.currency not in left:
            continue
        html = compose(invoice, plan)
        words = [word for page in render_document(html).pages for word in page.words]
        scale = Decimal(10) ** invoice.currency_digits
        totals = {Decimal(word.value) for word in words if word.entity == "TOTAL_AMOUNT"}
        assert Decimal(invoice.totals.gross) / scale in totals
        left.remove(invoice.currency)
        rendered += 1
    assert not left
    assert rendered == len(FOREIGN_CURRENCIES)


def test_every_word_on_and_under_a_coloured_band_can_be_seen():
    """Nothing is printed in the colour of its ground: words that nobody sees must not be true words."""
    only = options(families={"modern": 1}, kinds={"commercial_invoice": 1, "freight_invoice": 1})
    seen = 0
    for plan in (
        plan for plan in (plan_document(i, only) for i in range(260)) if plan.genome["structure"]["band"]
    ):
        structure = plan.genome["structure"]
        forms = {**structure, "refs": "form", "head": [["seller", "refs"], *structure["head"]]}
        for genes in (structure, forms):
            layout = plan.model_copy(update={"genome": {**plan.genome, "structure": genes}})
            rendered = render_document(compose(synthesise(layout), layout))
            grey = rasterise(rendered.pdf, 0, 150).mean(axis=2)
            for word in rendered.pages[0].words:
                x0, y0, x1, y1 = (int(value) for value in quad_to_box(word.quad))
                ground = grey[max(0, y0) : y1 + 1, max(0, x0) : x1 + 1]
                assert np.ptp(ground) > 25, f"{plan.doc_id}: {word.text!r} cannot be seen"
                seen += 1
    assert seen > 1000


def test_documents_are_well_formed_and_carry_known_entities_alone(documents):
    seen = Counter(
        element.get("data-entity")
        for _, _, root in documents
        for element in root.iter()
        if element.get("data-entity")
    )
    assert set(seen) <= set(ENTITY_TYPES)
    rare = {"PRECEDING_INVOICE_NUMBER", "ITEM_DISCOUNT", "BANK_CODE", "DELIVERY_DATE"}
    assert set(ENTITY_TYPES) - set(seen) <= rare


def test_the_mandatory_fields_are_on_every_document(documents):
    for plan, invoice, root in documents:
        printed = {}
        for element in root.iter():
            if element.get("data-entity"):
                printed.setdefault(element.get("data-entity"), set()).add(element.get("data-value"))
        for entity in ("SELLER_NAME", "INVOICE_NUMBER", "INVOICE_DATE", "TOTAL_AMOUNT", "ITEM_AMOUNT"):
            assert entity in printed, f"{plan.doc_id} ({plan.family}) lacks {entity}"
        assert printed["INVOICE_NUMBER"] == {invoice.number}
        assert printed["INVOICE_DATE"] == {invoice.issue_date.isoformat()}
        assert len(printed["TOTAL_AMOUNT"]) == 1, f"{plan.doc_id}: {printed['TOTAL_AMOUNT']}"


def test_every_line_item_is_printed_with_its_amount(documents):
    for _plan, invoice, root in documents:
        rows = {
            int(e.get("data-row"))
            for e in root.iter()
            if e.get("data-column") == "ITEM_AMOUNT" and e.get("data-row")
        }
        assert rows == set(range(len(invoice.lines)))


def test_every_item_value_stands_in_a_data_cell(documents):
    for _plan, _invoice, root in documents:
        parents = {child: parent for parent in root.iter() for child in parent}
        for element in root.iter():
            if (element.get("data-entity") or "").startswith("ITEM_"):
                chain = [element]
                while chain[-1] in parents:
                    chain.append(parents[chain[-1]])
                assert any(e.get("data-cell") == "data" for e in chain)


def test_a_plan_depends_on_seed_and_index_alone():
    forward = [plan_document(i, options()) for i in range(20)]
    backward = [plan_document(i, options()) for i in reversed(range(20))]
    assert forward == backward[::-1]
    assert plan_document(3, options(documents=9999)) == forward[3]
    assert plan_document(3, options(seed=6)) != forward[3]


def test_text_is_the_same_whenever_it_is_composed():
    plan = plan_document(7, options())
    assert compose(synthesise(plan), plan) == compose(synthesise(plan), plan)


def test_layouts_are_many_and_blind_to_style():
    plans = [plan_document(i, options()) for i in range(600)]
    by_family = {
        family: {p.split_group for p in plans if p.family == family} for family in OPTIONS["families"]
    }
    for family, groups in by_family.items():
        count = sum(p.family == family for p in plans)
        assert len(groups) > 0.9 * count, f"{family}: {len(groups)} layouts in {count} documents"
    genome = plans[0].genome
    other = {**genome, "style": {**genome["style"], "accent": "#123456", "font": "Other"}}
    assert structure_hash(other) == plans[0].split_group


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"locales": {"xx_XX": 1}}, "unknown xx_XX; allowed: .*en_US"),
        ({"families": {"baroque": 1}}, "baroque|modern"),
        ({"kinds": {"parking_ticket": 1}}, "parking_ticket|commercial_invoice"),
        ({"kinds": {"supermarket_receipt": 1}}, "kinds: none of those weighted above 0"),
        ({"engines": {"modern": {"rapidocr": -1}}}, "engines.modern: weights must be 0 or more"),
        ({"engines": {"modern": {"pdf_text": 1}}}, "engines: none given for family"),
        ({"presets": {"modern": {"clean": 1}}}, "presets: none given for family"),
    ],
)
def test_impossible_plans_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        options(**changes)


@pytest.mark.parametrize("index", [2, 17, 90, 140])  # 90 and 140 ran off a roll of 80 mm
def test_no_amount_of_a_receipt_runs_off_the_paper(index):
    plan = plan_document(index, options(families={"receipt": 1}))
    invoice = synthesise(plan)
    printed = {
        word.group
        for page in render_document(compose(invoice, plan)).pages
        for word in page.words
        if word.entity == "ITEM_AMOUNT" and word.visible == 1
    }
    assert printed == {f"line-{row}" for row in range(len(invoice.lines))}


def test_a_document_like_another_has_its_layout_and_contents_of_its_own():
    first = plan_document(3, options())
    later = [plan_like(first, index, options()) for index in range(100, 120)]
    same = {(plan.split_group, plan.kind, plan.locale, plan.family) for plan in later}
    assert same == {(first.split_group, first.kind, first.locale, first.family)}
    assert [plan.doc_id for plan in later[:2]] == ["synth-5-0000100", "synth-5-0000101"]
    assert {plan.ocr_engine for plan in later} == {"pdf_text", "rapidocr"}
    assert all(plan.augmentation == "clean" for plan in later if plan.ocr_engine == "pdf_text")
    assert plan_like(first, 100, options()) == later[0]
    written = [synthesise(plan) for plan in (first, *later[:2])]
    assert len({invoice.number for invoice in written}) == 3


def test_variants_are_read_from_pixels_and_depend_on_seed_index_and_variant_alone():
    several = options(
        variants_per_document=4,
        engines={
            family: {"pdf_text": 0.8, "rapidocr": 0.1, "tesseract": 0.1} for family in OPTIONS["families"]
        },
        presets={family: {"clean": 1, "office_scan": 1, "fax": 1} for family in OPTIONS["families"]},
    )
    variants = [plan for i in range(30) for plan in plan_variants(plan_document(i, several), several)]
    assert len({plan.doc_id for plan in variants}) == 120
    later = [plan for plan in variants if plan.variant]
    assert {plan.ocr_engine for plan in later} == {"rapidocr", "tesseract"}
    assert {plan.augmentation for plan in later} == {"fax", "office_scan"}
    assert plan_variants(plan_document(7, several), several) == variants[28:32]
    assert plan_variants(plan_document(7, several), several)[0] == plan_document(7, several)
    for changed, lacking in (
        (
            {"engines": {family: {"pdf_text": 1} for family in OPTIONS["families"]}},
            "an engine that reads pixels",
        ),
        (
            {"presets": {family: {"clean": 1} for family in OPTIONS["families"]}},
            "a preset that changes the page",
        ),
    ):
        with pytest.raises(ValidationError, match=rf"variants_per_document: 4 need {lacking}.* or take 1"):
            PlanOptions.model_validate(several.model_dump() | changed)
