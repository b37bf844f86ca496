"""benchmarks/real_errors.py says how wrong values differ from their labels."""

import pytest


@pytest.fixture
def errors(benchmark):
    return benchmark("real_errors")


@pytest.mark.parametrize(
    ("label", "value", "expected"),
    [
        ("Kundenstraße 15 69876 Frankfurt", "Kundenstrasse 15, 69876 FRANKFURT, Deutschland", "COUNTRY"),
        ("1 High St, Leeds, United Kingdom", "1 High St Leeds", "COUNTRY"),
        ("Ecke 12 12345 Stadt", "Ecke 12 12345 Stadt Deutschland / Germany", "COUNTRY"),
        ("Au bon moulin", "Au bon moulin SARL", "more than the label"),
        ("Morrisons Supermarkets", "Morrisons", "part of the label"),
        ("CONFECTIONERY SDN BHD", "CONFECTIUNERY SDN BHD", "misread"),
        ("Waitrose", "The fresh food people", "something else"),
        ("Waitrose", None, "nothing found"),
    ],
)
def test_a_party_differs_from_its_label_in_one_way(errors, label, value, expected):
    found = errors.difference(["Nobody at all", label], value, party=True)
    assert found == (errors.COUNTRY if expected == "COUNTRY" else expected)


def test_values_are_counted_by_fields_and_kinds_of_documents(errors):
    wrong = [
        {"file": "a.pdf", "field": "seller_name", "true": ["Au bon moulin"], "value": "Au bon moulin SARL"},
        {"file": "b.jpg", "field": "seller_name", "true": ["Waitrose"], "value": "Waitrase"},
        {"file": "b.jpg", "field": "total", "true": ["72.93"], "value": "72.95"},
        {"file": "a.pdf", "field": "buyer_vat_id", "true": ["DE123"], "value": None},
    ]
    counts = errors.count(wrong, {"a.pdf": "invoice", "b.jpg": "receipt"})
    assert errors.as_table(counts).splitlines()[2:] == [
        "| names and addresses | more than the label | 0 | 1 |",
        "| names and addresses | misread | 1 | 0 |",
        "| other fields | another value | 1 | 0 |",
        "| other fields | nothing found | 0 | 1 |",
        "",
        "4 in all",
    ]
