"""A small invoice page as the renderer tells it, and the documents it belongs to."""

import datetime as dt
from decimal import Decimal

import pytest

from invoicegen.geometry import box_to_quad
from invoicegen.schema.invoice import Address, Invoice, InvoiceLine, Party, TaxLine, Totals
from invoicegen.schema.plan import DocumentPlan
from invoicegen.schema.truth import TruePage, TrueWord

CHAR_PX, HEIGHT_PX, SPACE_PX = 10.0, 20.0, 6.0


class PageBuilder:
    """Prints words on a page of 1000 x 1400 px, 10 px a character, lines 20 px high."""

    def __init__(self, page=0):
        self.page = page
        self.words = []

    def print(self, text, x, y, **marks):
        """All words of a text on one line, from x, y on; ``marks`` are the fields of their true words."""
        for part in text.split():
            width = CHAR_PX * len(part)
            quad = box_to_quad((x, y, x + width, y + HEIGHT_PX))
            self.words.append(TrueWord(part, quad, **marks))
            x += width + SPACE_PX
        return self

    def build(self):
        return TruePage(self.page, 1000, 1400, list(self.words))


@pytest.fixture
def builder():
    return PageBuilder


@pytest.fixture
def plan():
    return DocumentPlan(
        doc_id="doc-1",
        seed=3,
        index=1,
        kind="commercial_invoice",
        document_type="invoice",
        locale="en_GB",
        family="modern",
        genome={"columns": ["description", "amount"]},
        split_group="a1b2",
        ocr_engine="rapidocr",
        augmentation="office_scan",
    )


@pytest.fixture
def invoice():
    address = Address(lines=["1 High St"], city="Leeds", country_code="GB", country="United Kingdom")
    return Invoice(
        doc_id="doc-1",
        seed=3,
        index=1,
        kind="commercial_invoice",
        document_type="invoice",
        locale="en_GB",
        currency="GBP",
        industry="tools",
        number="INV-7",
        issue_date=dt.date(2026, 10, 14),
        seller=Party(name="Acme Ltd", address=address),
        tax_name="VAT",
        lines=[
            InvoiceLine(
                line_id="1",
                name="Hex bolt",
                quantity=Decimal(1),
                unit_price=Decimal("12.00"),
                tax_rate=Decimal(20),
                net_amount=1200,
            )
        ],
        tax_lines=[TaxLine(rate=Decimal(20), name="VAT", base=1200, amount=240)],
        totals=Totals(line_sum=1200, net=1200, tax=240, gross=1440, due=1440),
    )


@pytest.fixture
def true_page():
    """Caption and number, date, a table of a header and two rows (one wrapped), a tax line, the total twice."""
    page = PageBuilder()
    page.print("Invoice no:", 50, 50)
    page.print("INV-7", 200, 50, field="number", entity="INVOICE_NUMBER", instance=1, value="INV-7")
    page.print(
        "14 Oct 2026", 700, 50, field="issue_date", entity="INVOICE_DATE", instance=2, value="2026-10-14"
    )
    page.print("Item", 50, 300, cell=1, cell_role="header", column="ITEM_DESCRIPTION")
    page.print("Colli", 400, 300, cell=2, cell_role="header", column="colli")
    page.print("Amount GBP", 800, 300, cell=3, cell_role="header", column="ITEM_AMOUNT")
    first = {"entity": "ITEM_DESCRIPTION", "instance": 3, "value": "Hex bolt zinc plated", "group": "line-0"}
    cell = {"cell": 4, "cell_role": "data", "column": "ITEM_DESCRIPTION", "row": 0}
    page.print("Hex bolt", 50, 340, field="lines.0.name", **first, **cell)
    page.print("zinc plated", 50, 364, field="lines.0.name", **first, **cell)
    page.print("2", 400, 340, cell=5, cell_role="data", column="colli", row=0)
    page.print(
        "12.00",
        800,
        340,
        field="lines.0.net_amount",
        entity="ITEM_AMOUNT",
        instance=4,
        value="12.00",
        group="line-0",
        cell=6,
        cell_role="data",
        column="ITEM_AMOUNT",
        row=0,
    )
    page.print("VAT", 600, 500)
    page.print(
        "20%", 700, 500, field="tax_lines.0.rate", entity="TAX_RATE", instance=5, value="20", group="tax-0"
    )
    page.print(
        "2.40",
        800,
        500,
        field="tax_lines.0.amount",
        entity="TAX_AMOUNT",
        instance=6,
        value="2.40",
        group="tax-0",
    )
    page.print("Total", 600, 540)
    page.print("14.40", 800, 540, field="totals.gross", entity="TOTAL_AMOUNT", instance=7, value="14.40")
    page.print("Please pay", 50, 900)
    page.print("14.40", 300, 900, field="totals.gross", entity="TOTAL_AMOUNT", instance=8, value="14.40")
    return page.build()
