"""Electronic invoices inside PDFs: read first, compared with the page, and never trusted with more than text."""

import pytest

from invoicegen.einvoice import write_xml
from invoicegen.extraction import assemble
from invoicegen.extraction.einvoices import record_terms
from invoicegen.extraction.embedded import RULE, read_embedded

WORDS = [
    ("R-7", 250, 40, "B-INVOICE_NUMBER"), ("03.04.2026", 250, 60, "B-INVOICE_DATE"),
    ("03.05.2026", 250, 80, "B-DUE_DATE"),
    ("Muster", 60, 100, "B-SELLER_NAME"), ("Berlin", 60, 120, "B-SELLER_ADDRESS"),
    ("DE136695976", 60, 140, "B-SELLER_TAX_ID"), ("Durand", 60, 180, "B-BUYER_NAME"),
    ("Lyon", 60, 200, "B-BUYER_ADDRESS"), ("France", 110, 200, "I-BUYER_ADDRESS"),
    ("Schrauben", 60, 300, "B-ITEM_DESCRIPTION"), ("100", 500, 300, "B-ITEM_QUANTITY"),
    ("4,00", 700, 300, "B-ITEM_UNIT_PRICE"), ("400,00", 900, 300, "B-ITEM_AMOUNT"),
    ("400,00", 900, 400, "B-SUBTOTAL_AMOUNT"), ("19", 400, 420, "B-TAX_RATE"), ("%", 425, 420, "I-TAX_RATE"),
    ("76,00", 900, 420, "B-TAX_AMOUNT"), ("476,00", 900, 440, "B-TOTAL_AMOUNT"), ("€", 970, 440, "B-CURRENCY"),
]  # fmt: skip


@pytest.fixture
def page(make_page):
    return make_page(WORDS)


@pytest.fixture
def xml(page):
    """Factur-X of what the page says."""
    terms, missing = record_terms({"file": "a.pdf", **assemble([page])})
    assert not missing
    return write_xml(terms, "cii")


def statuses(result):
    return {check["subject"]: check["status"] for check in result["checks"] if check["rule"] == RULE}


def test_what_xml_and_page_say_alike_is_certain_and_keeps_its_place(page, xml):
    embedded = read_embedded([("notes.pdf", b"%PDF"), ("factur-x.xml", xml)])
    assert embedded.file == "factur-x.xml"
    result, alone = assemble([page], embedded=embedded), assemble([page])
    for name, found in result["fields"].items():
        if name not in ("SELLER_ADDRESS", "BUYER_ADDRESS", "DOCUMENT_TYPE", "TAX_BASE_AMOUNT"):
            assert found == [{**alone["fields"][name][0], "confidence": 1.0}], name
    (item,) = result["line_items"]
    assert item["ITEM_AMOUNT"] == {**alone["line_items"][0]["ITEM_AMOUNT"], "confidence": 1.0}
    assert item["ITEM_UNIT"] == {"value": "C62", "text": "C62", "confidence": 1.0, "page": None, "box": None}
    assert [line["TAX_AMOUNT"]["value"] for line in result["tax_lines"]] == ["76.00"]
    assert "failed" not in statuses(result).values()
    assert statuses(result)["TOTAL_AMOUNT"] == "ok"


def test_a_page_that_says_otherwise_fails_the_comparison(page, xml):
    embedded = read_embedded([("factur-x.xml", xml.replace(b"476.00", b"576.00"))])
    result = assemble([page], embedded=embedded)
    assert [field["value"] for field in result["fields"]["TOTAL_AMOUNT"]] == ["576.00", "476.00"]
    assert result["fields"]["TOTAL_AMOUNT"][0]["box"] is None
    (failed,) = (check for check in result["checks"] if check["rule"] == RULE and check["status"] == "failed")
    assert (failed["subject"], failed["expected"], failed["got"]) == ("TOTAL_AMOUNT", "576.00", "476.00")


def test_zugferd_1_is_read_too():
    old = b"""<rsm:CrossIndustryDocument xmlns:rsm="urn:ferd:CrossIndustryDocument:invoice:1p0"
        xmlns:ram="urn:ram:12" xmlns:udt="urn:udt:15">
      <rsm:HeaderExchangedDocument><ram:ID>RE-1</ram:ID><ram:TypeCode>380</ram:TypeCode>
        <ram:IssueDateTime><udt:DateTimeString format="102">20130305</udt:DateTimeString></ram:IssueDateTime>
      </rsm:HeaderExchangedDocument>
      <rsm:SpecifiedSupplyChainTradeTransaction>
        <ram:ApplicableSupplyChainTradeAgreement><ram:SellerTradeParty><ram:Name>Muster</ram:Name>
          <ram:SpecifiedTaxRegistration><ram:ID schemeID="VA">DE 136695976</ram:ID></ram:SpecifiedTaxRegistration>
        </ram:SellerTradeParty></ram:ApplicableSupplyChainTradeAgreement>
        <ram:ApplicableSupplyChainTradeSettlement><ram:InvoiceCurrencyCode>EUR</ram:InvoiceCurrencyCode>
          <ram:ApplicableTradeTax><ram:CalculatedAmount currencyID="EUR">37.62</ram:CalculatedAmount>
            <ram:BasisAmount>198.00</ram:BasisAmount><ram:ApplicablePercent>19.00</ram:ApplicablePercent>
          </ram:ApplicableTradeTax>
          <ram:SpecifiedTradeSettlementMonetarySummation><ram:GrandTotalAmount>235.62</ram:GrandTotalAmount>
            <ram:DuePayableAmount>235.62</ram:DuePayableAmount>
          </ram:SpecifiedTradeSettlementMonetarySummation>
        </ram:ApplicableSupplyChainTradeSettlement>
        <ram:IncludedSupplyChainTradeLineItem>
          <ram:SpecifiedSupplyChainTradeDelivery><ram:BilledQuantity unitCode="C62">20</ram:BilledQuantity>
          </ram:SpecifiedSupplyChainTradeDelivery>
          <ram:SpecifiedTradeProduct><ram:Name>Folder</ram:Name></ram:SpecifiedTradeProduct>
        </ram:IncludedSupplyChainTradeLineItem>
      </rsm:SpecifiedSupplyChainTradeTransaction></rsm:CrossIndustryDocument>"""
    read = read_embedded([("ZUGFeRD-invoice.xml", old)])
    assert read.fields == {
        "DOCUMENT_TYPE": ["380"],
        "INVOICE_NUMBER": ["RE-1"],
        "INVOICE_DATE": ["2013-03-05"],
        "SELLER_NAME": ["Muster"],
        "SELLER_TAX_ID": ["DE136695976"],
        "CURRENCY": ["EUR"],
        "TAX_RATE": ["19.00"],
        "TAX_BASE_AMOUNT": ["198.00"],
        "TAX_AMOUNT": ["37.62"],
        "TOTAL_AMOUNT": ["235.62"],
    }
    assert read.line_items == [{"ITEM_DESCRIPTION": "Folder", "ITEM_QUANTITY": "20", "ITEM_UNIT": "C62"}]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("factur-x.xml", b"<rsm:CrossIndustryInvoice"),
        (
            "factur-x.xml",
            b'<!DOCTYPE x [<!ENTITY a "aaaa">]><CrossIndustryInvoice>&a;</CrossIndustryInvoice>',
        ),
        ("report.xml", b"<report/>"),
        ("terms.pdf", b"<CrossIndustryInvoice/>"),
    ],
)
def test_other_attachments_are_passed_over(name, content):
    assert read_embedded([(name, content)]) is None


def test_an_empty_invoice_gives_no_values():
    assert read_embedded([("a.xml", b"<CrossIndustryInvoice/>")]).fields == {"DOCUMENT_TYPE": ["380"]}
