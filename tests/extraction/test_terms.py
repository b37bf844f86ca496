"""Payment terms are those of their column, whole."""

import pytest
from written_lines import line

from invoicegen.extraction import assemble

FIRST, NEXT = "B-PAYMENT_TERMS", "I-PAYMENT_TERMS"


def terms(page):
    return [field["value"] for field in assemble([page])["fields"].get("PAYMENT_TERMS", [])]


def labelled(text, *, y=300, x=60, first=FIRST):
    head, *rest = text.split()
    return line((head, first), *((word, NEXT) for word in rest), y=y, x=x)


def test_terms_end_where_another_column_begins(make_page):
    words = [
        *labelled("Bis zum 15.03.2024 ohne Abzug"),
        *labelled("15.03.2024", x=600, first=NEXT),
    ]
    assert terms(make_page(words)) == ["Bis zum 15.03.2024 ohne Abzug"]


def test_a_line_of_a_table_below_is_another_column(make_page):
    words = [
        *labelled("Bei Zahlung innerhalb 14 Tagen gewähren wir 2 % Skonto."),
        *labelled("Bezug", x=300, y=325, first=NEXT),
    ]
    assert terms(make_page(words))[0] == "Bei Zahlung innerhalb 14 Tagen gewähren wir 2 % Skonto."


@pytest.mark.parametrize(
    ("x", "caption"),
    [(200, ""), (390, ""), (295, ""), (140, "Terms:")],
    ids=["left", "right", "centred", "below the caption"],
)
def test_terms_of_two_lines_stay_one(make_page, x, caption):
    first = labelled("Payable within thirty days of receipt", x=200)
    words = [*first, *labelled("net, no discount", x=x, y=325, first=NEXT)]
    if caption:
        words = [*line((caption, "O"), x=140), *words]
    assert terms(make_page(words)) == ["Payable within thirty days of receipt net, no discount"]


def test_the_beginning_of_a_sentence_that_was_left_out(make_page):
    before = line(("Erhalten.", "O"), ("Bei", "O"), ("Zahlung", "O"))
    words = [*before, *labelled("innerhalb 14 Tagen 2 % Skonto", x=before[-1][1] + 9 * len("Zahlung") + 6)]
    assert terms(make_page(words)) == ["Bei Zahlung innerhalb 14 Tagen 2 % Skonto"]


@pytest.mark.parametrize("caption", ["Conditions de paiement", "Zahlungsbedingungen:"])
def test_a_caption_is_no_part_of_terms(make_page, caption):
    before = line(*((word, "O") for word in caption.split()))
    value = "Paiement comptant" if caption[0] == "C" else "innerhalb 14 Tagen"
    words = [*before, *labelled(value, x=before[-1][1] + 9 * len(before[-1][0]) + 6)]
    assert terms(make_page(words)) == [value]


def test_a_figure_that_wraps_behind_its_currency(make_page):
    words = [
        *labelled("Bis zum 08.03.2024 mit 3 % Skonto €"),
        *line(("1.234,50", "B-TOTAL_AMOUNT"), y=325),
    ]
    assert terms(make_page(words)) == ["Bis zum 08.03.2024 mit 3 % Skonto € 1.234,50"]


def test_dates_alone_are_terms_only_where_nothing_else_is(make_page):
    date, sentence = labelled("15.03.2024", x=600), labelled("Bis zum 15.03.2024 ohne Abzug", y=400)
    assert terms(make_page([*date, *sentence])) == ["Bis zum 15.03.2024 ohne Abzug"]
    assert terms(make_page(date)) == ["15.03.2024"]


@pytest.mark.parametrize("due", [(), line(("01.04.2024", "B-DUE_DATE"), y=700)])
def test_a_date_alone_beside_terms_is_due_where_no_other_is(make_page, due):
    date, sentence = labelled("15.03.2024", x=600), labelled("Teilzahlung", y=400)
    fields = assemble([make_page([*date, *sentence, *due])])["fields"]
    assert [field["value"] for field in fields["DUE_DATE"]] == ["2024-04-01" if due else "2024-03-15"]
    assert [field["text"] for field in fields["PAYMENT_TERMS"]] == ["Teilzahlung"]
