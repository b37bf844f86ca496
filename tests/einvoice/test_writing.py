"""Electronic invoices are valid by schema and rules, and say what the record says."""

import re
import subprocess
import sys
from decimal import Decimal

import pytest

from invoicegen.einvoice import (
    EInvoiceError,
    RefusedError,
    SchematronError,
    broken_rules,
    business_terms,
    missing_terms,
    schematron,
    write_einvoice,
    write_xml,
)


@pytest.mark.parametrize("syntax", ["cii", "ubl"])
def test_every_document_is_valid_or_refused(documents, syntax):
    valid = refused = 0
    for invoice in documents:
        try:
            write_einvoice(invoice, syntax)
            valid += 1
        except RefusedError:
            refused += 1
    assert valid > 100
    assert refused > 100


@pytest.mark.parametrize("syntax", ["cii", "ubl"])
def test_an_independent_reader_finds_the_record(documents, syntax):
    from facturx.parse_xml import parse_ubl_cii_xml

    read = 0
    for invoice in documents[::3]:
        terms = business_terms(invoice)
        if missing_terms(invoice, terms):
            continue
        found = parse_ubl_cii_xml(write_xml(terms, syntax))
        read += 1
        assert found["BT-1"] == invoice.number
        assert str(found["BT-2"]) == invoice.issue_date.isoformat()
        sign = -1 if invoice.totals.gross < 0 else 1
        assert Decimal(str(found["BT-112"])) == Decimal(sign * invoice.totals.gross).scaleb(
            -invoice.currency_digits
        )
        assert found["BG-4"]["name"] == invoice.seller.name
        assert found["BG-7"]["name"] == invoice.buyer.name
        assert [line["BT-153"] for line in found["BG-25"]] == [line.name for line in invoice.lines]
    assert read > 40


@pytest.mark.parametrize(
    ("syntax", "pattern", "replacement", "rule"),
    [
        ("cii", r"<ram:DuePayableAmount>43.43", "<ram:DuePayableAmount>43.44", "BR-CO-16"),
        ("cii", r"<ram:BuyerTradeParty>\s*<ram:Name>[^<]*</ram:Name>", "<ram:BuyerTradeParty>", "BR-07"),
        ("ubl", r"(<cbc:PayableAmount[^>]*>)43.43", r"\g<1>43.44", "BR-CO-16"),
    ],
)
def test_a_broken_rule_is_found(written_by_hand, syntax, pattern, replacement, rule):
    xml = write_einvoice(written_by_hand, syntax).decode()
    spoilt, count = re.subn(pattern, replacement, xml)
    assert count == 1
    assert any(found.startswith(f"[{rule}]") for found in broken_rules(spoilt.encode(), syntax))


def test_what_the_schema_forbids_is_an_error(written_by_hand):
    terms = business_terms(written_by_hand)
    terms["BG-25"][0]["BT-130"] = ""
    with pytest.raises(EInvoiceError, match="R-1"):
        write_xml(terms | {"BT-5": "euros"}, "cii")


def test_a_refusal_lists_the_terms(written_by_hand):
    with pytest.raises(RefusedError, match=r"BT-44 Buyer name \(BR-07\)"):
        write_einvoice(written_by_hand.model_copy(update={"buyer": None}), "cii")


def test_what_is_no_invoice_is_no_pass():
    with pytest.raises(SchematronError, match="not CrossIndustryInvoice"):
        broken_rules(b"<a/>", "cii")
    with pytest.raises(SchematronError):
        broken_rules(b"no xml", "ubl")


def test_a_crash_of_saxon_is_an_error_and_the_next_document_is_checked(written_by_hand):
    xml = write_einvoice(written_by_hand, "ubl")
    child = schematron._child()
    child.process.kill()
    with pytest.raises(SchematronError, match="not checked"):
        child.check(xml, "ubl")
    assert broken_rules(xml, "ubl") == []
    assert schematron._child() is not child


def test_the_process_is_replaced_in_time(written_by_hand):
    xml = write_einvoice(written_by_hand, "ubl")
    first = schematron._child()
    first.left = 1
    assert broken_rules(xml, "ubl") == []
    assert schematron._child() is not first
    assert first.process.poll() == 0


def test_without_saxon_nothing_passes(written_by_hand, tmp_path):
    (tmp_path / "saxonche.py").write_text("raise ImportError('not here')")
    xml = tmp_path / "invoice.xml"
    xml.write_bytes(write_einvoice(written_by_hand, "ubl"))
    code = (
        "import sys; from pathlib import Path; from invoicegen.einvoice import broken_rules;"
        "broken_rules(Path(sys.argv[1]).read_bytes(), 'ubl')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(xml)],
        env={"PYTHONPATH": str(tmp_path), "PATH": ""},
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert "SchematronError" in done.stderr
    assert "invoicegen[einvoice]" in done.stderr
