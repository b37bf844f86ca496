"""Entities, fields and checks of whole documents written by hand."""

from dataclasses import replace

import pytest

from invoicegen.extraction import assemble
from invoicegen.extraction.entities import find_entities
from invoicegen.extraction.values import normalise_value
from invoicegen.schema.taxonomy import LabelSet


def texts(page):
    return [(entity.type, entity.text) for entity in find_entities(page)]


def check(result, rule, subject=None):
    found = [c for c in result["checks"] if c["rule"] == rule and subject in (None, c["subject"])]
    assert found, f"no check {rule!r}"
    return found[0]


def test_an_address_beside_another_column_is_one_entity(make_page):
    # In page order the lines of the two addresses alternate.
    page = make_page(
        [
            ("Hauptstr.", 60, 100, "B-SELLER_ADDRESS"), ("5", 150, 100, "I-SELLER_ADDRESS"),
            ("35", 700, 100, "B-BUYER_ADDRESS"), ("rue", 725, 100, "I-BUYER_ADDRESS"),
            ("10115", 60, 120, "I-SELLER_ADDRESS"), ("Berlin", 110, 120, "I-SELLER_ADDRESS"),
            ("69001", 700, 120, "I-BUYER_ADDRESS"), ("Lyon", 750, 120, "I-BUYER_ADDRESS"),
        ]
    )  # fmt: skip
    assert texts(page) == [
        ("SELLER_ADDRESS", "Hauptstr. 5 10115 Berlin"),
        ("BUYER_ADDRESS", "35 rue 69001 Lyon"),
    ]


def test_two_entities_of_one_type_side_by_side_stay_apart(make_page):
    page = make_page(
        [
            ("Bill", 60, 100, "B-BUYER_ADDRESS"), ("Ship", 700, 100, "B-BUYER_ADDRESS"),
            ("Street", 60, 120, "I-BUYER_ADDRESS"), ("Road", 700, 120, "I-BUYER_ADDRESS"),
        ]
    )  # fmt: skip
    assert texts(page) == [("BUYER_ADDRESS", "Bill Street"), ("BUYER_ADDRESS", "Ship Road")]


def test_a_name_goes_on_in_its_own_block(make_page):
    page = make_page(
        [
            ("Acme", 60, 100, "B-SELLER_NAME"), ("Ltd", 110, 100, "I-SELLER_NAME"),
            ("Invoice", 500, 100, "I-SELLER_NAME"),  # a column to the right
            ("Trading", 60, 120, "I-SELLER_NAME"),
            ("Regards", 60, 300, "I-SELLER_NAME"),  # ten lines down
        ]
    )  # fmt: skip
    assert texts(page) == [
        ("SELLER_NAME", "Acme Ltd Trading"),
        ("SELLER_NAME", "Invoice"),
        ("SELLER_NAME", "Regards"),
    ]


def test_a_paragraph_wraps_back_to_its_margin(make_page):
    page = make_page(
        [
            ("Payable", 700, 100, "B-PAYMENT_TERMS"), ("within", 780, 100, "I-PAYMENT_TERMS"),
            ("30", 60, 120, "I-PAYMENT_TERMS"), ("days", 85, 120, "I-PAYMENT_TERMS"),
        ]
    )  # fmt: skip
    assert texts(page) == [("PAYMENT_TERMS", "Payable within 30 days")]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([("10.00", 900, 100, "B-TAX_AMOUNT"), ("20.00", 900, 120, "I-TAX_AMOUNT")], ["10.00", "20.00"]),
        ([("1", 880, 100, "B-TAX_AMOUNT"), ("234.00", 892, 100, "I-TAX_AMOUNT")], ["1 234.00"]),
        ([("12.00", 900, 100, "I-TAX_AMOUNT")], ["12.00"]),  # stray I-
        (
            [("12.00", 900, 100, "B-TAX_AMOUNT"), ("EUR", 60, 900, "I-TAX_AMOUNT")],
            ["12.00", "EUR"],
        ),  # out of reach
    ],
)
def test_inside_labels_join_what_is_near(make_page, words, expected):
    assert [text for _, text in texts(make_page(words))] == expected


def test_confidence_is_the_mean_of_the_words(make_page):
    page = make_page([("A", 60, 100, "B-SELLER_NAME", 0.9), ("B", 80, 100, "I-SELLER_NAME", 0.5)])
    assert find_entities(page)[0].confidence == pytest.approx(0.7)


INVOICE = [
    ("Rechnung", 60, 60, "B-DOCUMENT_TYPE"), ("vom", 200, 60, "O"), ("03.04.2026", 250, 60, "B-INVOICE_DATE"),
    ("Fällig:", 60, 80, "O"), ("03.05.2026", 250, 80, "B-DUE_DATE"),
    ("Schrauben", 60, 300, "B-ITEM_DESCRIPTION"), ("100", 500, 300, "B-ITEM_QUANTITY"),
    ("3,92", 700, 300, "B-ITEM_UNIT_PRICE"), ("392,00", 900, 300, "B-ITEM_AMOUNT"),
    ("Netto", 60, 400, "O"), ("392,00", 900, 400, "B-SUBTOTAL_AMOUNT"),
    ("MwSt", 60, 420, "O"), ("19", 400, 420, "B-TAX_RATE"), ("%", 425, 420, "I-TAX_RATE"),
    ("392,00", 600, 420, "B-TAX_BASE_AMOUNT"), ("74,48", 900, 420, "B-TAX_AMOUNT"),
    ("Gesamt", 60, 440, "O"), ("466,48", 900, 440, "B-TOTAL_AMOUNT"), ("€", 970, 440, "B-CURRENCY"),
    ("DE89", 60, 600, "B-BANK_ACCOUNT"), ("3704", 110, 600, "I-BANK_ACCOUNT"), ("0044", 160, 600, "I-BANK_ACCOUNT"),
    ("0532", 210, 600, "I-BANK_ACCOUNT"), ("0130", 260, 600, "I-BANK_ACCOUNT"), ("00", 310, 600, "I-BANK_ACCOUNT"),
    ("DE136695976", 60, 620, "B-SELLER_TAX_ID"),
]  # fmt: skip


def test_a_whole_invoice(make_page):
    result = assemble([make_page(INVOICE)])
    assert result["document_type"] == "invoice"
    values = {name: [field["value"] for field in found] for name, found in result["fields"].items()}
    assert values == {
        "DOCUMENT_TYPE": ["380"],
        "INVOICE_DATE": ["2026-04-03"],
        "DUE_DATE": ["2026-05-03"],
        "SELLER_TAX_ID": ["DE136695976"],
        "CURRENCY": ["EUR"],
        "SUBTOTAL_AMOUNT": ["392.00"],
        "TAX_RATE": ["19"],
        "TAX_BASE_AMOUNT": ["392.00"],
        "TAX_AMOUNT": ["74.48"],
        "TOTAL_AMOUNT": ["466.48"],
        "BANK_ACCOUNT": ["DE89370400440532013000"],
    }
    assert len(result["line_items"]) == 1
    ran = {c["rule"] for c in result["checks"] if c["status"] == "ok"}
    assert ran == {
        "subtotal + tax = total",
        "base × rate = tax",
        "sum of tax bases = subtotal",
        "quantity × unit price - discount = amount",
        "sum of line amounts = subtotal",
        "invoice date <= due date",
        "IBAN checksum",
        "VAT id checksum",
        "one currency",
    }


def test_checks_that_cannot_run_say_why(make_page):
    result = assemble([make_page([("Hello", 60, 60, "O")])])
    assert result["fields"] == {}
    assert result["checks"]
    assert all(c["status"] == "not_applicable" and c["reason"] for c in result["checks"])


@pytest.mark.parametrize(
    ("text", "replacement", "rule"),
    [
        ("466,48", "466,84", "subtotal + tax = total"),
        ("74,48", "47,48", "base × rate = tax"),
        ("3,92", "3,29", "quantity × unit price - discount = amount"),
        ("03.05.2026", "03.03.2026", "invoice date <= due date"),
        ("DE89", "DE88", "IBAN checksum"),
        ("DE136695976", "DE136695967", "VAT id checksum"),
        ("466,48", "$466,48", "one currency"),
    ],
)
def test_a_wrong_value_fails_its_check(make_page, text, replacement, rule):
    words = [(replacement if word[0] == text else word[0], *word[1:]) for word in INVOICE]
    failed = check(assemble([make_page(words)]), rule)
    assert failed["status"] == "failed"
    assert failed["expected"] != failed["got"]


def test_a_wrong_item_amount_fails_the_sum(make_page):
    words = [("393,00", *w[1:]) if w[3] == "B-ITEM_AMOUNT" else w for w in INVOICE]
    assert check(assemble([make_page(words)]), "sum of line amounts = subtotal")["status"] == "failed"


@pytest.mark.parametrize(
    ("quantity", "price", "discount", "amount"),
    [
        ("26", "12,15", "5,00", "300,10"),  # a rate whose sign is in the caption
        ("26", "12,15", "5 %", "300,10"),
        ("2", "10,00", "-1,50", "18,50"),
        ("-2", "10,00", "1,50", "-18,50"),  # a credit note
        ("3", "0,333", None, "1,00"),
    ],
)
def test_discounted_rows_hold(make_page, quantity, price, discount, amount):
    words = [(quantity, 400, 300, "B-ITEM_QUANTITY"), (price, 500, 300, "B-ITEM_UNIT_PRICE")]
    words += [(discount, 700, 300, "B-ITEM_DISCOUNT")] if discount else []
    result = assemble([make_page([*words, (amount, 900, 300, "B-ITEM_AMOUNT")])])
    assert check(result, "quantity × unit price - discount = amount")["status"] == "ok"


def test_paid_and_due_make_the_total(make_page):
    words = [
        ("100.00", 900, 100, "B-TOTAL_AMOUNT"),
        ("40.00", 900, 120, "B-AMOUNT_PAID"),
        ("60.00", 900, 140, "B-AMOUNT_DUE"),
    ]
    assert check(assemble([make_page(words)]), "total - paid = due")["status"] == "ok"


def test_a_lone_final_figure_is_the_total(make_page):
    fields = assemble([make_page([("12.00", 900, 100, "B-AMOUNT_DUE")])])["fields"]
    assert [field["value"] for field in fields["TOTAL_AMOUNT"]] == ["12.00"]
    assert "AMOUNT_DUE" not in fields


def test_equal_values_are_kept_once_and_the_best_goes_first(make_page):
    words = [
        ("466.48", 900, 100, "B-TOTAL_AMOUNT", 0.6), ("466,48", 900, 200, "B-TOTAL_AMOUNT", 0.9),
        ("400.00", 900, 300, "B-TOTAL_AMOUNT", 0.7), ("TOTAL", 900, 400, "B-TOTAL_AMOUNT", 0.99),
    ]  # fmt: skip
    found = assemble([make_page(words)])["fields"]["TOTAL_AMOUNT"]
    assert [(field["value"], field["confidence"]) for field in found] == [
        ("466.48", 0.9),
        ("400.00", 0.7),
        (None, pytest.approx(0.495)),  # unreadable: half its confidence
    ]


@pytest.mark.parametrize(
    ("words", "value", "confidence"),
    [
        ([("RM5.90", 900, 100, "B-TOTAL_AMOUNT", 0.8)], "MYR", 0.8),
        ([("12,00", 900, 100, "B-TOTAL_AMOUNT", 0.8), ("€", 950, 100, "I-TOTAL_AMOUNT", 0.8)], "EUR", 0.8),
        (
            [("Total", 60, 100, "O"), ("(RM)", 120, 100, "O"), ("5.90", 900, 100, "B-TOTAL_AMOUNT")],
            "MYR",
            0.5,
        ),
        ([("£4.00", 900, 100, "B-ITEM_AMOUNT", 0.7)], "GBP", 0.7),
    ],
)
def test_currency_comes_from_signs_where_none_stands_alone(make_page, words, value, confidence):
    (field,) = assemble([make_page(words)])["fields"]["CURRENCY"]
    assert (field["value"], field["confidence"]) == (value, confidence)


@pytest.mark.parametrize(
    ("text", "currency"),
    [("12ABCDE0123A1Z5", "INR"), ("CHE-123.456.789", "CHF"), ("DE136695976", "EUR")],
)
def test_without_a_sign_the_currency_is_that_of_the_country(make_page, text, currency):
    page = make_page([(text, 60, 60, "O"), ("12.00", 60, 90, "B-TOTAL_AMOUNT")])
    (found,) = assemble([page])["fields"]["CURRENCY"]
    assert (found["value"], found["page"], found["box"]) == (currency, None, None)
    assert found["confidence"] < 0.9


def test_no_currency_is_made_up(make_page):
    assert "CURRENCY" not in assemble([make_page([("5.90", 900, 100, "B-TOTAL_AMOUNT")])])["fields"]


def test_code_letters_of_rows_are_resolved_through_the_tax_lines(make_page):
    words = [
        ("Milk", 60, 100, "B-ITEM_DESCRIPTION"), ("1.00", 400, 100, "B-ITEM_AMOUNT"),
        ("B", 450, 100, "B-ITEM_TAX_RATE"),
        ("A", 60, 300, "O"), ("19", 100, 300, "B-TAX_RATE"), ("0.19", 400, 300, "B-TAX_AMOUNT"),
        ("B", 60, 320, "O"), ("7", 100, 320, "B-TAX_RATE"), ("0.07", 400, 320, "B-TAX_AMOUNT"),
    ]  # fmt: skip
    (item,) = assemble([make_page(words)])["line_items"]
    assert item["ITEM_TAX_RATE"]["value"] == "7"
    assert item["ITEM_TAX_RATE"]["text"] == "B"


@pytest.mark.parametrize(
    ("code", "lines", "rate"),
    [
        ("SR", [("SR", "6"), ("ZR", "0")], "6"),
        ("T01", [("T01", "12"), ("T02", "21")], "12"),
        ("*", [("*", "15"), ("#", "25")], "15"),
        ("TX", [("TX", "6"), ("TX", "2")], None),  # a state's tax and a town's: neither alone
        ("TX", [("TX", "6"), ("TX", "6.00")], "6"),
        ("A", [("T1", "6"), ("T2", "2")], None),
        ("T1", [("x", "20"), ("y", "7")], None),  # nobody says, and it is no rate of 1 %
        ("A", [("T1", "6")], "6"),  # one rate, one code
        ("20", [("T1", "19"), ("T2", "7")], "20"),  # a rate itself
    ],
)
def test_codes_of_more_than_a_letter_stand_for_the_one_rate_beside_them(make_page, code, lines, rate):
    words = [("Milk", 60, 100, "B-ITEM_DESCRIPTION"), ("1.00", 400, 100, "B-ITEM_AMOUNT")]
    words += [(code, 450, 100, "B-ITEM_TAX_RATE")]
    for n, (beside, printed) in enumerate(lines):
        words += [(beside, 60, 300 + 20 * n, "O"), (printed, 100, 300 + 20 * n, "B-TAX_RATE")]
    (item,) = assemble([make_page(words)])["line_items"]
    assert (item["ITEM_TAX_RATE"]["value"], item["ITEM_TAX_RATE"]["text"]) == (rate, code)


@pytest.mark.parametrize(
    ("words", "size", "expected"),
    [
        ([("Gutschrift", 60, 60, "B-DOCUMENT_TYPE")], (1240, 1754), "credit_note"),
        ([("RECEIPT", 60, 60, "B-DOCUMENT_TYPE")], (1240, 1754), "receipt"),
        ([("Invoice", 60, 60, "B-DOCUMENT_TYPE")], (1240, 1754), "invoice"),
        ([("Invoice", 60, 60, "B-DOCUMENT_TYPE")], (400, 1600), "receipt"),
        (
            [("Invoice", 60, 60, "B-DOCUMENT_TYPE"), ("Durand", 60, 90, "B-BUYER_NAME")],
            (400, 1600),
            "invoice",
        ),
        ([("5.00", 60, 60, "B-TOTAL_AMOUNT")], (400, 1600), "receipt"),
        ([("5.00", 60, 60, "B-TOTAL_AMOUNT")], (1240, 1754), "invoice"),
        ([("5.00", 60, 60, "B-AMOUNT_PAID")], (1240, 1754), "receipt"),
        ([("5.00", 60, 60, "B-AMOUNT_PAID"), ("Durand", 60, 90, "B-BUYER_NAME")], (1240, 1754), "invoice"),
    ],
)
def test_document_type(make_page, words, size, expected):
    assert assemble([make_page(words, width=size[0], height=size[1])])["document_type"] == expected


def test_item_types_are_not_among_the_fields(make_document):
    result = assemble(make_document(11, 1.0, 0.5).predictions)
    assert not any(name.startswith("ITEM_") for name in result["fields"])
    assert all(name.startswith("ITEM_") for item in result["line_items"] for name in item)


def test_lines_of_an_address_may_stand_wide_apart(make_page):
    lines = [("Bahnstr.", 60, 100, "B-BUYER_ADDRESS"), ("88802", 60, 164, "I-BUYER_ADDRESS")]
    assert texts(make_page(lines)) == [("BUYER_ADDRESS", "Bahnstr. 88802")]
    between = ("Tel.", 60, 132, "O")
    assert len(texts(make_page([*lines, between]))) == 2
    aside = [lines[0], ("88802", 140, 164, "I-BUYER_ADDRESS")]
    assert len(texts(make_page(aside))) == 2
    far = [lines[0], ("88802", 60, 190, "I-BUYER_ADDRESS")]
    assert len(texts(make_page(far))) == 2


def test_a_name_does_not_go_on_in_a_column_to_the_left(make_page):
    page = make_page(
        [("Acme", 700, 100, "B-SELLER_NAME"), ("Slogan", 60, 120, "I-SELLER_NAME")],
    )
    assert texts(page) == [("SELLER_NAME", "Acme"), ("SELLER_NAME", "Slogan")]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([("285", 800, 100, "B-TOTAL_AMOUNT"), ("580,80", 838, 100, "B-TOTAL_AMOUNT")], ["285 580,80"]),
        ([("€1", 800, 100, "B-TOTAL_AMOUNT"), ("285", 830, 100, "B-TOTAL_AMOUNT"),
          ("580,80", 868, 100, "B-TOTAL_AMOUNT")], ["€1 285 580,80"]),
        ([("12.50", 800, 100, "B-TAX_AMOUNT"), ("100", 860, 100, "B-TAX_AMOUNT")], ["12.50", "100"]),
        ([("285", 600, 100, "B-TAX_AMOUNT"), ("580,80", 838, 100, "B-TAX_AMOUNT")], ["285", "580,80"]),
        ([("285", 800, 100, "B-TAX_AMOUNT"), ("580,80", 800, 130, "B-TAX_AMOUNT")], ["285", "580,80"]),
    ],
)  # fmt: skip
def test_groups_of_digits_are_one_figure_and_figures_stay_apart(make_page, words, expected):
    assert [text for _, text in texts(make_page(words))] == expected


def test_types_that_a_model_adds_are_fields_behind_those_of_the_taxonomy(make_page):
    labels = LabelSet.model_validate(
        {"extra_entities": [{"name": "PROJECT_CODE"}, {"name": "SHARE", "value_kind": "money"}]}
    )
    page = make_page(
        [
            ("PX-7", 60, 60, "B-PROJECT_CODE"), ("North", 110, 60, "I-PROJECT_CODE"),
            ("1", 880, 80, "B-SHARE"), ("234,50", 892, 80, "I-SHARE"), ("PX-9", 60, 300, "B-PROJECT_CODE"),
            ("2.345,00", 880, 100, "B-TOTAL_AMOUNT"),
        ]
    )  # fmt: skip
    fields = assemble([replace(page, labels=labels)])["fields"]
    assert list(fields) == ["TOTAL_AMOUNT", "PROJECT_CODE", "SHARE"]
    assert [(one["text"], one["value"]) for one in fields["PROJECT_CODE"]] == [
        ("PX-7 North",) * 2,
        ("PX-9",) * 2,
    ]
    assert [one["value"] for one in fields["SHARE"]] == ["1234.50"]


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("string", " PX  7 ", "PX 7"), ("date", "3. März 2026", "2026-03-03"), ("money", "1.234,50 €", "1234.50"),
        ("decimal", "2,5", "2.5"), ("percent", "19 %", "19"), ("address", "Weg 1, Bonn,", "Weg 1, Bonn"),
        ("money", "none", None),
    ],
)  # fmt: skip
def test_values_of_added_types_are_read_by_their_kind(kind, text, value):
    labels = LabelSet.model_validate({"extra_entities": [{"name": "THING", "value_kind": kind}]})
    assert normalise_value("THING", text, labels=labels) == value
