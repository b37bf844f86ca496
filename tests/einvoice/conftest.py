"""Documents of every locale and kind, and one written by hand."""

import datetime as dt
from decimal import Decimal

import pytest

from invoicegen.schema.invoice import (
    RECEIPT_KINDS,
    Address,
    AllowanceCharge,
    Invoice,
    InvoiceLine,
    Party,
    Payment,
    TaxLine,
    Totals,
    document_type_of,
)
from invoicegen.schema.plan import DocumentPlan
from invoicegen.synthesis import LOCALES, load_locale, synthesise


@pytest.fixture(scope="session")
def documents() -> list[Invoice]:
    """One document of every locale and kind."""
    pairs = [(locale, kind) for locale in LOCALES for kind in load_locale(locale).kinds]
    return [
        synthesise(
            DocumentPlan(
                doc_id=f"doc-{index}",
                seed=5,
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
        )
        for index, (locale, kind) in enumerate(pairs)
    ]


def _party(name: str, **values) -> Party:
    address = Address(
        lines=["Hauptstr. 1", "Hof links", "10115 Berlin"],
        city="Berlin",
        post_code="10115",
        country_code="DE",
        country="Deutschland",
    )
    return Party(name=name, address=address, **values)


@pytest.fixture
def written_by_hand() -> Invoice:
    """Two rates, prices that include tax, a line discount, a document allowance and a charge.

    Sums by hand: at 19 %: 3 x 11.90 - 1.19 = 34.51, charge 5.95, allowance 2.38: 38.08 -> 32.00 + 6.08;
    at 7 %: 2.5 x 2.14 = 5.35 -> 5.00 + 0.35.
    """
    return Invoice(
        doc_id="doc-hand",
        seed=1,
        index=0,
        kind="commercial_invoice",
        document_type="invoice",
        locale="de_DE",
        currency="EUR",
        industry="office_supplies",
        number="R-1",
        issue_date=dt.date(2026, 3, 1),
        due_date=dt.date(2026, 3, 31),
        seller=_party("Muster GmbH", tax_id="DE 136 695 976", tax_number="12/345/67890", phone="030 1"),
        buyer=_party("Kunde AG"),
        prices_include_tax=True,
        tax_name="MwSt.",
        lines=[
            InvoiceLine(
                line_id="1",
                name="Ordner",
                item_code="4006381333931",
                quantity=Decimal(3),
                unit_code="PK",
                unit_price=Decimal("11.90"),
                discount=119,
                tax_rate=Decimal(19),
                net_amount=3451,
            ),
            InvoiceLine(
                line_id="2",
                name="Buch",
                item_code="B-7",
                quantity=Decimal("2.5"),
                unit_price=Decimal("2.14"),
                tax_rate=Decimal(7),
                net_amount=535,
            ),
        ],
        allowances_charges=[
            AllowanceCharge(is_charge=False, reason="Rabatt", amount=238, tax_rate=Decimal(19)),
            AllowanceCharge(is_charge=True, reason="Fracht", amount=595, tax_rate=Decimal(19)),
        ],
        tax_lines=[
            TaxLine(rate=Decimal(19), name="MwSt.", base=3200, amount=608),
            TaxLine(rate=Decimal(7), name="MwSt.", base=500, amount=35),
        ],
        totals=Totals(line_sum=3986, allowances=238, charges=595, net=3700, tax=643, gross=4343, due=4343),
        payment=Payment(means_code="58", iban="DE89370400440532013000", reference="RF18539007547034"),
    )
