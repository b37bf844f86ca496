"""benchmarks/rules.py leaves out one rule at a time, and counts what that changes."""

import pytest
from written_lines import line

from invoicegen.evaluation.outcomes import DocumentOutcome
from invoicegen.extraction import assemble

TERMS = ["Zahlbar", "bis", "31.03.2024"]


@pytest.fixture
def rules(benchmark):
    return benchmark("rules")


@pytest.fixture
def page(make_page):
    """An invoice whose due date stands in its terms, with a row, an address and an account."""
    terms = line(*((word, f"{'I' if i else 'B'}-PAYMENT_TERMS") for i, word in enumerate(TERMS)))
    return make_page(
        [
            ("Musterholz", 60, 30, "B-SELLER_NAME"),
            ("Sägeweg", 60, 60, "B-SELLER_ADDRESS"),
            ("01.03.2024", 600, 60, "B-INVOICE_DATE"),
            ("Brett", 60, 200, "B-ITEM_DESCRIPTION"),
            ("100,00", 600, 200, "B-ITEM_AMOUNT"),
            ("100,00", 600, 240, "B-TOTAL_AMOUNT"),
            ("DE89370400440532013000", 60, 400, "B-BANK_ACCOUNT"),
            *terms,
        ]
    )


def test_every_rule_is_one_of_extraction(rules, page):
    """A rule that was renamed or moved is an error, and what stands in for each gives a whole extraction."""
    with_all = assemble([page])
    for name in (*rules.RULES, rules.CHOICES):
        assert rules.assembled_without(name, [page]).keys() == with_all.keys()
    assert rules.assembled_without(None, [page]) == assemble([page]) == with_all


@pytest.mark.parametrize(
    ("name", "lost"),
    [("due date of terms", "DUE_DATE"), ("currency by signs", "CURRENCY")],
)
def test_what_a_rule_finds_is_lost_without_it_alone(rules, page, name, lost):
    with_all, without = assemble([page])["fields"], rules.assembled_without(name, [page])["fields"]
    assert with_all.keys() - without.keys() == {lost}
    assert {field: with_all[field] for field in without} == without


def outcome(document, right, *, layout="a", rows=0):
    return DocumentOutcome(
        document=document,
        layout=layout,
        counts={"line_items": (rows, 5, 5)},
        by_field={field: (count, 1, 1) for field, count in right.items()},
    )


def test_changes_are_counted_by_field_and_layout(rules):
    without = [
        outcome("one", {"total": 0, "due_date": 1}),
        outcome("two", {"total": 1}, layout="b"),
        outcome("three", {}, layout="c"),
    ]
    with_all = [
        outcome("three", {}, layout="c", rows=2),
        outcome("one", {"total": 1, "due_date": 0, "currency": 1}),
        outcome("two", {"total": 1}, layout="b"),
    ]
    assert rules.changed(without, with_all) == (2, 1, 2)


def test_two_models_are_compared_with_all_rules_and_without_choices(rules, capsys):
    def outcomes(rows):
        return lambda name: [
            outcome(f"{n}", {}, layout=f"{n}", rows=rows if name is None else 5 - rows) for n in range(4)
        ]

    rules.show_against("real", outcomes(0), outcomes(5))
    _, _, *rows = capsys.readouterr().out.splitlines()
    names, *_, items = zip(*(row.strip("| ").split("|") for row in rows), strict=True)
    assert [name.strip() for name in names] == [
        "first, all rules", "second, all rules", "second less first",
        "first, no choices", "second, no choices", "second less first",
    ]  # fmt: skip
    assert [value.split()[0] for value in items] == [
        "0.000",
        "1.000",
        "**+1.000",
        "1.000",
        "0.000",
        "**-1.000",
    ]
