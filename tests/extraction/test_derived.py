"""What a document says in passing: a due date in its terms, the rate that makes its tax, an IBAN and what it holds."""

import pytest

from invoicegen.extraction import assemble
from invoicegen.extraction.derived import lines_of_sum

DATE = ("01.03.2024", 600, 60, "B-INVOICE_DATE")


def sentence(text, label, y=300):
    """Words of a line, each with the label."""
    placed, x = [], 60
    for i, word in enumerate(text.split()):
        placed.append((word, x, y, label if label == "O" else f"{'I' if i else 'B'}-{label}"))
        x += 9 * len(word) + 6
    return placed


def fields_of(page):
    return assemble([page])["fields"]


def due_dates(page):
    return [field["value"] for field in fields_of(page).get("DUE_DATE", [])]


@pytest.mark.parametrize(
    ("terms", "due"),
    [
        ("Zahlbar bis 31.03.2024 ohne Abzug", ["2024-03-31"]),
        ("Bis 08.03.2024 3 % Skonto, bis 31.03.2024 netto", ["2024-03-31"]),
        ("Netto bis 31.03.2024, bis 08.03.2024 3 % Skonto", ["2024-03-31"]),
        ("Es gelten die AGB vom 01.01.2020", []),
        ("Zahlbar innerhalb von 30 Tagen", []),
    ],
)
def test_the_due_date_is_the_last_date_of_the_terms(make_page, terms, due):
    page = make_page([DATE, *sentence(terms, "PAYMENT_TERMS")])
    assert due_dates(page) == due


def test_a_due_date_of_its_own_goes_before_the_terms(make_page):
    page = make_page(
        [DATE, ("20.03.2024", 600, 90, "B-DUE_DATE"), *sentence("Zahlbar bis 31.03.2024", "PAYMENT_TERMS")]
    )
    assert due_dates(page) == ["2024-03-20"]


def test_a_due_date_that_is_less_sure_goes_behind_that_of_the_terms(make_page):
    page = make_page(
        [
            DATE,
            ("20.03.2024", 600, 90, "B-DUE_DATE", 0.5),
            *sentence("Zahlbar bis 31.03.2024", "PAYMENT_TERMS"),
        ]
    )
    assert due_dates(page) == ["2024-03-31", "2024-03-20"]


def test_a_due_date_that_cannot_be_read_goes_behind_that_of_the_terms(make_page):
    page = make_page(
        [DATE, ("20.3?.2O24x", 600, 90, "B-DUE_DATE"), *sentence("Zahlbar bis 31.03.2024", "PAYMENT_TERMS")]
    )
    assert due_dates(page) == ["2024-03-31", None]


def test_a_derived_due_date_stands_where_its_terms_do_and_is_less_sure(make_page):
    fields = fields_of(make_page([DATE, *sentence("Zahlbar bis 31.03.2024 rein netto", "PAYMENT_TERMS")]))
    (due,), (terms,) = fields["DUE_DATE"], fields["PAYMENT_TERMS"]
    assert (due["text"], due["box"], due["page"]) == ("31.03.2024", terms["box"], terms["page"])
    assert due["confidence"] < terms["confidence"]


SUMS = [
    ("100.00", 900, 700, "B-SUBTOTAL_AMOUNT"),
    ("19.00", 900, 730, "B-TAX_AMOUNT"),
    ("119.00", 900, 760, "B-TOTAL_AMOUNT"),
]


def rates(page):
    return [field["value"] for field in fields_of(page).get("TAX_RATE", [])]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ([("VAT@19%", 700, 730, "O")], ["19"]),
        ([("19%", 700, 730, "O"), ("7%", 700, 700, "O")], ["19"]),
        ([("0%", 300, 730, "B-TAX_RATE"), ("19%", 700, 730, "O")], ["19", "0"]),
        ([("19%", 700, 730, "B-TAX_RATE"), ("21%", 700, 700, "O")], ["19"]),
        ([("7%", 700, 730, "O")], []),
        ([("7%", 700, 730, "B-TAX_RATE")], ["7"]),
    ],
)
def test_the_rate_is_the_printed_one_that_makes_the_tax(make_page, words, found):
    assert rates(make_page([*SUMS, *words])) == found


def test_the_rate_of_the_rows_counts_too(make_page):
    row = [
        ("Widget", 60, 400, "B-ITEM_DESCRIPTION"),
        ("19.00", 600, 400, "B-ITEM_TAX_RATE"),
        ("100.00", 900, 400, "B-ITEM_AMOUNT"),
    ]
    assert rates(make_page([*row, *SUMS])) == ["19.00"]


def test_a_document_without_a_tax_has_no_rate(make_page):
    assert rates(make_page([("119.00", 900, 760, "B-TOTAL_AMOUNT"), ("19%", 700, 730, "O")])) == []


@pytest.mark.parametrize(
    ("name", "values", "first"),
    [
        ("SELLER_TAX_ID", ["78910/12345", "DE136695976"], "DE136695976"),
        ("SELLER_TAX_ID", ["55-4024261", "ID55-4024261"], "55-4024261"),
        ("SELLER_ADDRESS", ["Muster", "Hauptstr.5"], "Hauptstr.5"),
        ("SELLER_NAME", ["Muster", "Muster2"], "Muster"),
        ("BANK_CODE", ["70090100", "GENODEF1M04"], "GENODEF1M04"),
    ],
)
@pytest.mark.parametrize("sure", [0.9, 0.3])
def test_a_value_of_the_usual_form_goes_first_if_it_is_likely(make_page, name, values, first, sure):
    rows = [(values[0], 60, 60, f"B-{name}", 0.99), (values[1], 60, 400, f"B-{name}", sure)]
    found = fields_of(make_page(rows))[name]
    assert found[0]["value"] == (first if sure >= 0.5 else values[0])
    assert found[0]["confidence"] >= found[1]["confidence"]


@pytest.mark.parametrize("order", [1, -1])
def test_an_iban_goes_before_the_number_that_it_holds(make_page, order):
    numbers = [("532013000", 0.99), ("DE89370400440532013000", 0.9)][::order]
    page = make_page(
        [
            (text, 60, 60 + 40 * i, "B-BANK_ACCOUNT", confidence)
            for i, (text, confidence) in enumerate(numbers)
        ]
    )
    accounts = fields_of(page)["BANK_ACCOUNT"]
    assert [account["value"] for account in accounts] == ["DE89370400440532013000", "532013000"]
    assert accounts[0]["confidence"] >= accounts[1]["confidence"]


def test_another_account_stays_first(make_page):
    page = make_page(
        [
            ("777777", 60, 60, "B-BANK_ACCOUNT", 0.99),
            ("DE89370400440532013000", 60, 100, "B-BANK_ACCOUNT", 0.9),
        ]
    )
    assert fields_of(page)["BANK_ACCOUNT"][0]["value"] == "777777"


BALANCE = [
    ("110.00", 900, 700, "B-TOTAL_AMOUNT", 0.9),
    ("500.00", 900, 730, "B-CHARGE_AMOUNT", 0.5),
    ("610.00", 900, 760, "B-TOTAL_AMOUNT", 0.8),
]


def test_a_total_and_an_unpaid_balance_make_what_is_due(make_page):
    fields = fields_of(make_page(BALANCE))
    assert [field["value"] for field in fields["TOTAL_AMOUNT"]] == ["110.00"]
    assert [field["value"] for field in fields["AMOUNT_DUE"]] == ["610.00"]


@pytest.mark.parametrize(
    "change",
    [
        ("500.00", 900, 730, "B-AMOUNT_PAID", 0.9),
        ("400.00", 900, 730, "B-CHARGE_AMOUNT", 0.5),
        ("500.00", 900, 730, "B-AMOUNT_DUE", 0.9),
    ],
)
def test_other_totals_are_not_what_is_due(make_page, change):
    fields = fields_of(make_page([BALANCE[0], change, BALANCE[2]]))
    assert "610.00" in [field["value"] for field in fields["TOTAL_AMOUNT"]]


@pytest.mark.parametrize(
    ("caption", "one"),
    [
        ("Liefer- und Rechnungsdatum:", True),
        ("Rechnungs- und Lieferdatum", True),
        ("Leistungsdatum entspricht dem Rechnungsdatum", True),
        ("Rechnungsdatum = Leistungsdatum", True),
        ("Invoice and delivery date", True),
        ("Invoice date = supply date", True),
        ("Date de facture et de livraison", True),
        ("Factuur- en leverdatum", True),
        ("Rechnungsdatum", False),
        ("Lieferdatum siehe Lieferschein", False),
        ("Rechnungsdatum Liefer-Nr.", False),
    ],
)
def test_one_date_may_be_of_issue_and_of_delivery(make_page, caption, one):
    fields = fields_of(make_page([*sentence(caption, "O", y=60), ("01.03.2024", 700, 60, "B-INVOICE_DATE")]))
    found = [field["value"] for field in fields.get("DELIVERY_DATE", [])]
    assert found == (["2024-03-01"] if one else [])


def value(text):
    return {"value": text, "text": text, "confidence": 0.9, "page": 0, "box": [0.0, 0.0, 1.0, 1.0]}


def type_of(text):
    if "." in text:
        return "ITEM_AMOUNT"
    return "ITEM_QUANTITY" if text.isdigit() else "ITEM_DESCRIPTION"


def rows(*texts):
    """Rows by what stands in each: a description in letters, an amount with a point, a quantity."""
    return [{type_of(text): value(text) for text in row.split()} for row in texts]


LAPTOP, PARTS = rows("Laptop 100.00", "Case 20.00"), rows("Mouse 1", "Sleeve 1")


@pytest.mark.parametrize(
    ("items", "fields", "left"),
    [
        (LAPTOP + PARTS, {"TOTAL_AMOUNT": ["120.00"]}, LAPTOP),
        (LAPTOP + rows("20.00"), {"TOTAL_AMOUNT": ["120.00"]}, LAPTOP),
        (LAPTOP + PARTS, {"TOTAL_AMOUNT": ["142.80"], "TAX_AMOUNT": ["22.80"]}, LAPTOP),
        (LAPTOP + PARTS, {"SUBTOTAL_AMOUNT": ["111.00", "120.00"]}, LAPTOP),  # the second: of all lines
        (LAPTOP[:1] + PARTS, {"SUBTOTAL_AMOUNT": ["111.00", "100.00"]}, None),  # one line proves nothing
        (LAPTOP[:1] + PARTS, {"TOTAL_AMOUNT": ["100.00"]}, None),
        (LAPTOP + PARTS, {"TOTAL_AMOUNT": ["150.00"]}, None),  # the amount of a part was not read
        (LAPTOP + rows("30.00"), {"TOTAL_AMOUNT": ["150.00"]}, None),  # its description was not read
        (LAPTOP + PARTS, {}, None),
        (PARTS, {"TOTAL_AMOUNT": ["120.00"]}, None),
    ],
)
def test_rows_beyond_those_that_make_the_sum_are_parts(items, fields, left):
    given = {name: [value(text) for text in texts] for name, texts in fields.items()}
    assert lines_of_sum(items, given, [], recognised=True) == (items if left is None else left)


@pytest.mark.parametrize(
    ("items", "recognised", "left"),
    [
        (LAPTOP + PARTS, False, LAPTOP),  # nothing is lost in a text layer
        (LAPTOP + PARTS, True, LAPTOP + PARTS),
        (LAPTOP[:1] + PARTS, False, LAPTOP[:1] + PARTS),  # one amount may be no column
    ],
)
def test_rows_without_an_amount_in_a_text_layer_are_parts(items, recognised, left):
    given = {"TOTAL_AMOUNT": [value("115.00")]}  # less an allowance: the rows do not make it
    assert lines_of_sum(items, given, [], recognised=recognised) == left


def test_what_a_bundle_holds_is_no_line(make_page):
    words = [("120.00", 900, 600, "B-TOTAL_AMOUNT")]
    for y, name, amount in ((300, "Laptop", "100.00"), (340, "Mouse", None), (380, "Case", "20.00")):
        words += [(name, 60, y, "B-ITEM_DESCRIPTION"), ("1", 600, y, "B-ITEM_QUANTITY")]
        words += [(amount, 900, y, "B-ITEM_AMOUNT")] if amount else []
    page = make_page(words)
    assert [len(assemble([page], weigh_choices=w)["line_items"]) for w in (True, False)] == [2, 3]
    assert [c["status"] for c in assemble([page])["checks"] if c["rule"].startswith("sum of line")] == ["ok"]
