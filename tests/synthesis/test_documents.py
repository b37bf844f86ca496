"""What a synthesised document promises: figures that add up, valid identifiers, the same from the same plan."""

from __future__ import annotations

import collections
import datetime as dt
import hashlib
import json
import re
import statistics
import subprocess
import sys
from importlib import import_module

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from schwifty import BIC, IBAN
from stdnum import ean, iso11649
from stdnum.ch import esr

from invoicegen.schema.invoice import RECEIPT_KINDS, Invoice, document_type_of
from invoicegen.schema.plan import DocumentPlan
from invoicegen.synthesis import KINDS, LOCALES, load_locale, synthesise
from invoicegen.synthesis.currencies import names_another
from invoicegen.synthesis.locales import load_industries, load_language

SEED = 11


def plan(index: int, locale: str, kind: str, seed: int = SEED) -> DocumentPlan:
    return DocumentPlan(
        doc_id=f"doc-{index}",
        seed=seed,
        index=index,
        kind=kind,
        document_type=document_type_of(kind),
        locale=locale,
        family="receipt" if kind in RECEIPT_KINDS else "modern",
        genome={},
        split_group="0",
        ocr_engine="pdf_text",
        augmentation="clean",
    )


PLANS = [
    plan(3 * place + repeat, locale, kind)
    for place, (locale, kind) in enumerate(
        (locale, kind) for locale in LOCALES for kind in load_locale(locale).kinds
    )
    for repeat in range(3)
]


@pytest.fixture(scope="module")
def documents() -> list[Invoice]:
    return [synthesise(document_plan) for document_plan in PLANS]


def test_required_locales_are_there():
    assert {"en_US", "en_GB", "de_DE", "fr_FR"} <= set(LOCALES)


def test_every_document_adds_up(documents):
    assert len(documents) > 300
    assert {doc.doc_id + doc.locale: doc.check_totals() for doc in documents if doc.check_totals()} == {}


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**63 - 1),
    index=st.integers(0, 2**40),
    locale=st.sampled_from(LOCALES),
    data=st.data(),
)
def test_any_seed_and_index_add_up(seed, index, locale, data):
    kind = data.draw(st.sampled_from(sorted(load_locale(locale).kinds)))
    document = synthesise(plan(index, locale, kind, seed))
    assert document.check_totals() == []
    assert 1 <= len(document.lines) <= 200


def test_tax_of_each_line_follows_from_its_base(documents):
    # One rate rounds once; prices with tax in them leave at most half a minor unit either way, and a split rate
    # gives the last part what the others left.
    for doc in documents:
        parts = len({line.name for line in doc.tax_lines})
        for line in doc.tax_lines:
            off = abs(line.base * line.rate / 100 - line.amount)
            assert off <= (parts if doc.prices_include_tax else 0.5), (doc.doc_id, doc.locale, line)


def test_every_kind_and_industry_occurs(documents):
    assert {doc.kind for doc in documents} == set(KINDS)
    assert len({doc.industry for doc in documents}) >= 18
    for doc in documents:
        assert doc.document_type == document_type_of(doc.kind)


def test_both_signs_of_credit_notes_occur_and_agree(documents):
    notes = [doc for doc in documents if doc.kind == "credit_note"]
    assert {doc.totals.gross < 0 for doc in notes} == {True, False}
    for doc in notes:
        assert len({line.net_amount < 0 for line in doc.lines if line.net_amount}) <= 1
    assert any(doc.preceding_invoice_number for doc in notes)
    corrections = [doc for doc in documents if doc.kind == "corrective_invoice"]
    assert corrections
    assert all(doc.preceding_invoice_number for doc in corrections)
    others = [doc for doc in documents if doc.kind not in ("credit_note", "corrective_invoice")]
    assert not any(doc.preceding_invoice_number for doc in others)


def test_tax_is_in_receipt_prices_only_where_the_country_says_so(documents):
    for doc in documents:
        if doc.document_type == "receipt" and doc.locale[-2:] in {
            "GB",
            "DE",
            "FR",
            "LV",
            "NL",
            "ES",
            "IT",
            "PT",
        }:
            # A basket of zero-rated food alone has no tax to include.
            assert doc.prices_include_tax or not any(line.rate > 0 for line in doc.tax_lines)
        if doc.locale == "en_US":
            assert not doc.prices_include_tax


def test_tenders_less_change_pay_receipts(documents):
    paid = [doc for doc in documents if doc.tenders]
    assert len(paid) > 100
    for doc in paid:
        assert sum(tender.amount for tender in doc.tenders) - doc.change == doc.totals.due
        assert doc.change >= 0
    assert {doc.document_type for doc in paid} == {"receipt"}


def test_cash_rounding_occurs_where_coins_are_missing(documents):
    rounded = [doc for doc in documents if doc.totals.rounding]
    assert "en_MY" in {doc.locale for doc in rounded}
    for doc in rounded:
        assert doc.totals.due % load_locale(doc.locale).cash_rounding == 0


CHECKS = {
    "US": ["us.ein"],
    "GB": ["gb.vat"],
    "DE": ["de.vat"],
    "FR": ["fr.tva"],
    "LV": ["lv.pvn"],
    "NL": ["nl.btw"],
    "ES": ["es.cif", "es.nif"],
    "IT": ["it.iva"],
    "PT": ["pt.nif"],
    "AT": ["at.uid"],
    "BE": ["be.vat"],
    "AU": ["au.abn"],
    "IE": ["ie.vat"],
    "CA": ["ca.bn"],
    "IN": ["in_.gstin"],
    "SG": ["sg.uen"],
}


def test_tax_ids_pass_their_checks(documents):
    seen = collections.Counter()
    for doc in documents:
        for party in (doc.seller, doc.buyer):
            if party is None or party.tax_id is None:
                continue
            # A seller is registered for tax where it sells, wherever it sits.
            country = doc.locale[-2:] if party is doc.seller else party.address.country_code
            if country not in CHECKS:
                continue
            assert any(import_module(f"stdnum.{name}").is_valid(party.tax_id) for name in CHECKS[country]), (
                country,
                party.tax_id,
            )
            seen[country] += 1
    assert set(seen) == set(CHECKS)


def test_french_numbers_share_one_siren():
    found = 0
    for index in range(80):
        seller = synthesise(plan(index, "fr_FR", "commercial_invoice")).seller
        if seller.tax_id and seller.tax_number:
            assert re.sub(r"\D", "", seller.tax_id)[-9:] == re.sub(r"\D", "", seller.tax_number)[:9]
            found += 1
    assert found > 5


def test_accounts_and_references_are_valid(documents):
    ibans = [doc for doc in documents if doc.payment.iban]
    assert len(ibans) > 60
    for doc in ibans:
        iban = IBAN(doc.payment.iban)
        assert iban.is_valid
        assert iban.country_code == doc.locale[-2:]
        assert doc.payment.bic is None or doc.payment.bic == str(iban.bic)
    for doc in documents:
        assert doc.payment.bic is None or BIC(doc.payment.bic).is_valid
        if doc.payment.reference and doc.payment.reference.startswith("RF"):
            assert iso11649.is_valid(doc.payment.reference)
    assert any((doc.payment.reference or "").startswith("RF") for doc in documents)
    local = [doc for doc in documents if doc.payment.account_number and not doc.payment.iban]
    assert {"US", "AU", "MY", "GB"} <= {doc.locale[-2:] for doc in local}


def test_article_numbers_of_thirteen_digits_are_eans(documents):
    codes = [
        line.item_code
        for doc in documents
        for line in doc.lines
        if re.fullmatch(r"\d{13}", line.item_code or "")
    ]
    assert len(codes) > 50
    assert all(ean.is_valid(code) for code in codes)


def test_due_dates_follow_from_the_printed_terms():
    checked = 0
    for index in range(150):
        doc = synthesise(plan(index, "en_GB", "commercial_invoice"))
        match = re.fullmatch(r"(?:Net |Strictly )?(\d+)(?: days(?: net)?)?", doc.payment.terms or "")
        if match and doc.due_date:
            assert doc.due_date - doc.issue_date == dt.timedelta(days=int(match[1]))
            checked += 1
        if doc.due_date:
            assert doc.due_date >= doc.issue_date
    assert checked > 8


@pytest.mark.parametrize("locale", ["en_GB", "de_DE", "fr_FR", "pl_PL", "fi_FI"])
def test_dates_within_terms_are_those_of_the_record(locale):
    form, checked = load_locale(locale).date_format, 0
    for index in range(600):
        doc = synthesise(plan(index, locale, "commercial_invoice"))
        dates = re.findall(r"\d{1,4}[./-]\d{1,2}[./-]\d{2,4}", doc.payment.terms or "")
        if dates and doc.due_date:
            assert doc.due_date.strftime(form) in dates
            checked += 1
    assert checked > 5


def test_dates_lie_in_the_years_covered(documents):
    years = {doc.issue_date.year for doc in documents}
    assert min(years) >= 2010
    assert max(years) <= 2027
    assert len(years) == 18


def test_line_counts_are_few_with_a_long_tail():
    invoices = [len(synthesise(plan(i, "en_GB", "commercial_invoice")).lines) for i in range(300)]
    receipts = [len(synthesise(plan(i, "en_GB", "supermarket_receipt")).lines) for i in range(300)]
    assert 3 <= statistics.median(invoices) <= 4
    assert 3 <= statistics.median(receipts) <= 5
    assert max(invoices) > 20
    assert max(receipts) > 20


def test_names_are_many(documents):
    items = [line.name for doc in documents for line in doc.lines]
    assert len(set(items)) > 0.85 * len(items)
    sellers = {doc.seller.name for doc in documents}
    assert len(sellers) > 0.97 * len(documents)
    shapes = {re.sub(r"[A-Z]", "A", re.sub(r"\d", "9", doc.number)) for doc in documents}
    assert len(shapes) > 60


def test_receipts_are_often_in_capitals(documents):
    receipts = [line.name for doc in documents if doc.document_type == "receipt" for line in doc.lines]
    assert 0.4 < sum(name.isupper() for name in receipts) / len(receipts) < 0.8


def test_hard_negatives_are_frequent(documents):
    keys = collections.Counter(key for doc in documents for key in doc.extras)
    for key in (
        "customer_number",
        "cashier",
        "table",
        "meter_number",
        "approval_code",
        "delivery_note_number",
    ):
        assert keys[key] > 0, key
    assert sum(bool(doc.notes) for doc in documents) > len(documents) / 2
    assert any(doc.ship_to for doc in documents)


def test_nothing_is_left_unfilled(documents):
    for doc in documents:
        for text in re.findall(r'"((?:[^"\\]|\\.)*)"', doc.model_dump_json()):
            assert not re.search(r"[{}]|\bNone\b", text), text
        assert all(line.strip() == line and line for line in doc.seller.address.lines)


def test_a_document_does_not_depend_on_the_others():
    chosen = PLANS[:: len(PLANS) // 40]
    forward = [synthesise(document_plan).model_dump_json() for document_plan in chosen]
    backward = [synthesise(document_plan).model_dump_json() for document_plan in reversed(chosen)]
    assert forward == backward[::-1]


def test_another_process_writes_the_same():
    chosen = PLANS[:: len(PLANS) // 20]
    here = [hashlib.sha256(synthesise(p).model_dump_json().encode()).hexdigest() for p in chosen]
    code = (
        "import sys, json, hashlib\n"
        "from invoicegen.schema.plan import DocumentPlan\n"
        "from invoicegen.synthesis import synthesise\n"
        "plans = [DocumentPlan.model_validate(p) for p in json.load(sys.stdin)]\n"
        "print(json.dumps([hashlib.sha256(synthesise(p).model_dump_json().encode()).hexdigest() for p in plans]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps([p.model_dump() for p in chosen]),
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == here


def test_other_seeds_and_indices_give_other_documents():
    base = synthesise(plan(5, "de_DE", "commercial_invoice"))
    assert synthesise(plan(6, "de_DE", "commercial_invoice")).number != base.number
    assert synthesise(plan(5, "de_DE", "commercial_invoice", seed=SEED + 1)).number != base.number


def test_a_kind_that_the_locale_lacks_is_refused():
    with pytest.raises(ValueError, match="en_US has no tax_invoice"):
        synthesise(plan(0, "en_US", "tax_invoice"))


def test_bank_names_can_be_printed_in_latin_type():
    # The register of British banks has Korean ones under their Korean names.
    names = {synthesise(plan(i, "en_GB", "commercial_invoice")).payment.bank_name or "" for i in range(400)}
    assert all(letter < "\u0250" for name in names for letter in name)


def test_ways_to_pay_are_those_of_the_country(documents):
    checked = 0
    for doc in documents:
        if doc.payment.method is None:
            continue
        locale = load_locale(doc.locale)
        ways = load_language(locale.language).methods | locale.methods
        assert doc.payment.method in {name for names in ways.values() for name in names}, doc.doc_id
        assert doc.payment.means_code is not None
        checked += 1
    assert checked > 100
    assert not any("SEPA" in (doc.payment.method or "") for doc in documents if doc.locale == "fr_CA")


def test_a_qr_reference_stands_beside_a_qr_iban(documents):
    """Institution numbers 30000 to 31999 in the IBAN, as SIX wants them."""
    swiss = [doc.payment for doc in documents if doc.payment.iban and doc.payment.iban.startswith("CH")]
    for doc in documents:
        if doc.payment.reference_scheme in ("QRR", "ESR"):
            expected = "QRR" if doc.issue_date >= dt.date(2020, 6, 30) else "ESR"
            assert doc.payment.reference_scheme == expected
            assert esr.is_valid(doc.payment.reference)
    institutions = {payment.reference_scheme == "QRR": [] for payment in swiss}
    for payment in swiss:
        institutions[payment.reference_scheme == "QRR"].append(int(payment.iban[4:9]))
    assert institutions[True]
    assert all(30000 <= number <= 31999 for number in institutions[True])
    assert not any(30000 <= number <= 31999 for number in institutions.get(False, []))


def test_no_text_speaks_of_another_currency(documents):
    for doc in documents:
        texts = [*doc.notes, doc.fine_print or "", doc.advert or ""]
        assert not [text for text in texts if names_another(text, doc.currency)], doc.doc_id


def test_no_mask_is_left_in_an_address(documents):
    parties = [party for doc in documents for party in (doc.seller, doc.buyer, doc.ship_to) if party]
    assert len(parties) > 1000
    assert not [line for party in parties for line in party.address.lines if re.search(r"[%@]", line)]


def test_dates_beside_the_document_are_dates(documents):
    keys = {"order_date", "print_date", "ship_date", "tax_point_date", "arrival", "departure"}
    dates = [(doc, key, doc.extras[key]) for doc in documents for key in keys & doc.extras.keys()]
    assert {key for _, key, _ in dates} == keys
    for doc, key, text in dates:
        day = dt.date.fromisoformat(text)
        assert abs((doc.issue_date - day).days) <= 45, (doc.doc_id, key)


def test_the_rows_of_a_stay_lie_in_it(documents):
    stays = [doc for doc in documents if doc.kind == "hotel_bill" and "arrival" in doc.extras]
    assert len(stays) > 10
    for doc in stays:
        days = {line.service_date for line in doc.lines if line.service_date}
        assert all(dt.date.fromisoformat(doc.extras["arrival"]) <= day <= doc.issue_date for day in days)


def test_nothing_is_shipped_with_a_service(documents):
    services = [doc for doc in documents if load_industries()[doc.industry].service]
    assert not [doc.doc_id for doc in services if {"ship_via", "ship_date"} & doc.extras.keys()]


def test_sections_are_in_the_order_of_their_phases(documents):
    several = 0
    for doc in documents:
        sections = load_language(doc.locale[:2]).sections
        known = sections["services" if load_industries()[doc.industry].service else "goods"]
        places = [known.index(line.section) for line in doc.lines if line.section in known]
        assert places == sorted(places), doc.doc_id
        several += len(places) > 1
    assert several > 10


def test_a_bill_begins_with_what_its_trade_lives_by(documents):
    for doc in documents:
        if doc.kind == "utility_bill":
            assert doc.lines[0].unit_code == "KWH", doc.doc_id


def test_persons_are_addressed_with_what_stands_before_a_name_now_and_then():
    names = [
        doc.buyer.name
        for doc in (synthesise(plan(index, "de_DE", "utility_bill")) for index in range(150))
        if doc.buyer
    ]
    addressed = [
        name for name in names if name.split()[0].capitalize() in ("Herr", "Herrn", "Frau", "Familie")
    ]
    assert 5 < len(addressed) < len(names) / 2


def test_a_seller_of_another_country_has_its_address_there_and_its_tax_number_here():
    documents = [synthesise(plan(index, "fr_FR", "commercial_invoice")) for index in range(200)]
    abroad = [doc.seller for doc in documents if doc.seller.address.country_code != "FR"]
    assert 2 < len(abroad) < 30
    assert all(seller.tax_id.startswith("FR") for seller in abroad if seller.tax_id)
    assert all(seller.address.country not in ("France", seller.address.country_code) for seller in abroad)
