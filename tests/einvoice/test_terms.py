"""Business terms: hand-reckoned values, and sums that hold for every kind and locale."""

from decimal import Decimal

import pytest

from invoicegen.einvoice import business_terms, missing_terms
from invoicegen.schema.invoice import TaxLine


def names(invoice):
    return {item.term for item in missing_terms(invoice, business_terms(invoice))}


def test_prices_with_tax_are_taken_apart(written_by_hand):
    assert written_by_hand.check_totals() == []
    terms = business_terms(written_by_hand)
    first, second = terms["BG-25"]
    # 34.51 / 1.19 = 29.00; its discount 1.19 / 1.19 = 1.00; so 30.00 for three.
    assert (first["BT-131"], first["BG-27"][0]["BT-136"], first["BG-29"]["BT-146"]) == ("29.00", "1.00", "10")
    assert (second["BT-131"], second["BG-29"]["BT-146"], second["BT-129"]) == ("5.00", "2", "2.5")
    assert (terms["BG-20"][0]["BT-92"], terms["BG-21"][0]["BT-99"]) == ("2.00", "5.00")
    assert terms["BG-22"] == {
        "BT-106": "34.00",
        "BT-107": "2.00",
        "BT-108": "5.00",
        "BT-109": "37.00",
        "BT-110": "6.43",
        "BT-112": "43.43",
        "BT-115": "43.43",
    }
    assert [(row["BT-116"], row["BT-117"], row["BT-119"]) for row in terms["BG-23"]] == [
        ("32.00", "6.08", "19"),
        ("5.00", "0.35", "7"),
    ]


def test_identifiers_go_where_the_standard_wants_them(written_by_hand):
    terms = business_terms(written_by_hand)
    assert (terms["BG-4"]["BT-31"], terms["BG-4"]["BT-32"]) == ("DE136695976", "12/345/67890")
    assert terms["BG-25"][0]["BG-31"] == {"BT-153": "Ordner", "BT-157": "4006381333931", "BT-157-1": "0160"}
    assert terms["BG-25"][1]["BG-31"]["BT-155"] == "B-7"
    assert terms["BG-25"][0]["BT-130"] == "XPK"
    assert terms["BG-4"]["BG-5"] == {
        "BT-35": "Hauptstr. 1",
        "BT-36": "Hof links",
        "BT-37": "Berlin",
        "BT-38": "10115",
        "BT-40": "DE",
    }


def test_a_standard_number_stands_beside_the_sellers_code(written_by_hand):
    first, second = written_by_hand.lines
    lines = [first, second.model_copy(update={"standard_id": "4006381333931"})]
    item = business_terms(written_by_hand.model_copy(update={"lines": lines}))["BG-25"][1]["BG-31"]
    assert (item["BT-155"], item["BT-157"], item["BT-157-1"]) == ("B-7", "4006381333931", "0160")


def test_taxes_that_share_a_rate_are_one_row(written_by_hand):
    halves = [
        TaxLine(rate=line.rate / 2, name=name, base=line.base, amount=amount)
        for line, amounts in zip(written_by_hand.tax_lines, ((304, 304), (18, 17)), strict=True)
        for name, amount in zip(("CGST", "SGST"), amounts, strict=True)
    ]
    terms = business_terms(written_by_hand.model_copy(update={"tax_lines": halves}))
    assert [(row["BT-116"], row["BT-117"]) for row in terms["BG-23"]] == [("32.00", "6.08"), ("5.00", "0.35")]


def test_what_is_lacking_is_named(written_by_hand):
    assert names(written_by_hand) == set()
    without = {
        "BT-44": {"buyer": None},
        "BT-9 or BT-20": {"due_date": None},
        "BG-23": {"value_added_tax": False},
        "BT-31 or BT-32": {
            "seller": written_by_hand.seller.model_copy(update={"tax_id": None, "tax_number": None})
        },
    }
    for term, change in without.items():
        assert term in names(written_by_hand.model_copy(update=change)), term


def test_every_document_has_terms_whose_sums_hold(documents):
    """EN 16931-1, BR-CO-10, 11, 12, 13, 14, 15, 16 and BR-S-08, exactly."""
    for invoice in documents:
        terms = business_terms(invoice)
        totals = {name: Decimal(value) for name, value in terms["BG-22"].items()}

        def total(name, totals=totals):
            return totals.get(name, Decimal(0))

        lines = terms["BG-25"]
        allowances, charges = terms.get("BG-20", []), terms.get("BG-21", [])
        assert total("BT-106") == sum(Decimal(line["BT-131"]) for line in lines)
        assert total("BT-107") == sum(Decimal(item["BT-92"]) for item in allowances)
        assert total("BT-108") == sum(Decimal(item["BT-99"]) for item in charges)
        assert total("BT-109") == total("BT-106") - total("BT-107") + total("BT-108")
        assert total("BT-110") == sum(Decimal(row["BT-117"]) for row in terms["BG-23"])
        assert total("BT-112") == total("BT-109") + total("BT-110")
        assert total("BT-115") == total("BT-112") - total("BT-113") + total("BT-114")
        assert total("BT-112") >= 0
        for row in terms["BG-23"]:
            key = (row["BT-118"], row.get("BT-119"))
            parts = [
                Decimal(line["BT-131"])
                for line in lines
                if (line["BG-30"]["BT-151"], line["BG-30"].get("BT-152")) == key
            ]
            parts += [-Decimal(a["BT-92"]) for a in allowances if (a["BT-95"], a.get("BT-96")) == key]
            parts += [Decimal(c["BT-99"]) for c in charges if (c["BT-102"], c.get("BT-103")) == key]
            assert Decimal(row["BT-116"]) == sum(parts)
        for line in lines:
            exact = Decimal(line["BT-129"]) * Decimal(line["BG-29"]["BT-146"])
            discount = sum(Decimal(item["BT-136"]) for item in line.get("BG-27", []))
            assert abs(exact - discount - Decimal(line["BT-131"])) <= Decimal("0.51") * (
                1 if invoice.currency_digits == 0 else Decimal("0.02")
            )


def test_receipts_are_refused_for_want_of_a_buyer(documents):
    receipts = [invoice for invoice in documents if invoice.document_type == "receipt" and not invoice.buyer]
    assert len(receipts) > 50
    assert all({"BT-44", "BG-8"} <= names(invoice) for invoice in receipts)


@pytest.mark.parametrize("locale", ["en_US"])
def test_a_sales_tax_is_no_vat(documents, locale):
    taxed = [invoice for invoice in documents if invoice.locale == locale and invoice.totals.tax]
    assert taxed
    assert all("BG-23" in names(invoice) for invoice in taxed)
