"""Quantity, unit price and amount are the columns that multiply, as far as the model allows."""

from dataclasses import replace

import numpy as np
import pytest

from invoicegen.extraction.columns import INDIRECT, ROLES, TRIVIAL, Figure, find_figures, holds
from invoicegen.extraction.entities import find_entities
from invoicegen.extraction.hints import DocumentHints
from invoicegen.extraction.layout import straighten, upright_words
from invoicegen.extraction.line_items import rebuild_line_items
from invoicegen.schema.annotation import Word
from invoicegen.schema.taxonomy import NER_IDS

HINTS = DocumentHints(decimal=".")
LABELS = {"d": "ITEM_DESCRIPTION", "q": "ITEM_QUANTITY", "p": "ITEM_UNIT_PRICE", "a": "ITEM_AMOUNT",
          "r": "ITEM_TAX_RATE", "c": "ITEM_CODE", "-": None}  # fmt: skip


@pytest.fixture
def table(make_page):
    """Rows of ``text/label`` words, a column each (``.`` for none), with what the model gives their labels."""

    def make(*rows, xs=(60, 400, 520, 640, 760, 880), confidence=0.99):
        words = []
        for i, row in enumerate(rows):
            for x, cell in zip(xs, row.split(), strict=False):
                text, _, label = cell.rpartition("/")
                if text:
                    name = LABELS[label]
                    words.append((text, x, 300 + 30 * i, f"B-{name}" if name else "O", confidence))
        return with_probabilities(make_page(words))

    return make


def with_probabilities(page):
    probabilities = np.zeros((len(page.words), len(NER_IDS)), dtype=np.float32)
    rest = zip(probabilities, page.ner_tags, page.ner_confidences, strict=True)
    for row, tag, confidence in rest:
        row[NER_IDS[tag]] = confidence
        row[NER_IDS["O"]] += 1 - confidence
    return replace(page, ner_probabilities=probabilities)


def figures(page, **options):
    rows = rebuild_line_items([page], HINTS, **options)
    return [tuple(row[name]["value"] if name in row else None for name in ROLES) for row in rows]


NET_AND_GROSS = (
    "Bin/d 64/q 10.00/- 640.00/p 20%/r 768.00/a",
    "Desk/d 6/q 500.00/p 3000.00/p 10%/r 3300.00/a",
    "Lamp/d 85/q 35.00/- 2975.00/p 20%/r 3570.00/a",
)


def test_the_net_column_that_multiplies_goes_before_the_gross_one(table):
    page = table(*NET_AND_GROSS)
    assert figures(page) == [
        ("64", "10.00", "640.00"),
        ("6", "500.00", "3000.00"),
        ("85", "35.00", "2975.00"),
    ]
    assert figures(page, weigh_choices=False)[0] == ("64", "640.00", "768.00")


def test_where_only_the_best_labels_are_known_nothing_changes(table):
    page = replace(table(*NET_AND_GROSS), ner_probabilities=None)
    assert figures(page) == figures(page, weigh_choices=False)


def test_the_gross_amount_is_right_where_no_net_one_is_printed(table):
    page = table("Bin/d 64/q 10.00/p 20%/r 768.00/a", "Desk/d 6/q 500.00/p 10%/r 3300.00/a")
    assert figures(page) == [("64", "10.00", "768.00"), ("6", "500.00", "3300.00")]


def test_a_row_that_was_misread_follows_its_columns(table):
    page = table(*NET_AND_GROSS, "Sofa/d 9O/q 1000.00/- 9000.00/p 20%/r 108000.00/a")
    assert figures(page)[3] == ("90", "1000.00", "9000.00")


def test_decimals_tell_prices_from_quantities_which_products_cannot(table):
    page = table("Sand/d 7.00/q 300/p 2,100.00/a", "Grit/d 9.50/q 20/p 190.00/a")
    assert figures(page) == [("300", "7.00", "2100.00"), ("20", "9.50", "190.00")]


@pytest.mark.parametrize(
    "rows",
    [
        (
            "Sand/d 7.00/q 300/p 2,100.00/a",
            "Grit/d 20/q 9.50/p 190.00/a",
        ),  # this print has prices with decimals
        ("Sand/d 7.00/q 300/p 2100/a", "Grit/d 9.50/q 20/p 190/a"),  # amounts without decimals
        ("Sand/d 7.00/q 300.00/p 2,100.00/a", "Grit/d 9.50/q 20.00/p 190.00/a"),
        ("Sand/d 2.00/q 42/p 75.98/a",),  # 42 is part of a price
        ("Ham/d 5.000/q 12/p 60.00/a", "Beef/d 2.500/q 20/p 50.00/a"),  # weights have three
        ("Sand/d 7/q 300/p 2,100.00/a", "Grit/d 9/q 20/p 180.00/a"),
    ],
)
def test_decimals_that_say_nothing_change_nothing(table, rows):
    page = table(*rows)
    assert figures(page) == figures(page, weigh_choices=False)


def test_a_quantity_at_the_end_of_a_description(table):
    page = table("Bowl/d 2/d 30.00/p 60.00/a", "Cup/d 3/q 10.00/q 30.00/a", xs=(60, 200, 520, 640))
    assert figures(page) == [("2", "30.00", "60.00"), ("3", "10.00", "30.00")]
    assert rebuild_line_items([page], HINTS)[0]["ITEM_DESCRIPTION"]["value"] == "Bowl"


def test_a_row_that_multiplies_as_it_is_stays(table):
    # By its columns the second would be 2 × 5.00 = 10.00, with what is the discount of the first as its amount.
    page = table("Bowl/d 2/q 30.00/p 60.00/a", "Cup/d 2/q 5.00/p 10.00/a 5.00/- 10.00/-")
    assert figures(page) == [("2", "30.00", "60.00"), ("2", "5.00", "10.00")]


def test_rows_of_a_receipt_by_themselves(make_page):
    page = make_page(
        [
            ("TEA", 60, 300, "B-ITEM_DESCRIPTION"), ("2", 60, 330, "O"), ("x", 80, 330, "O"),
            ("5.00", 130, 330, "B-ITEM_UNIT_PRICE"), ("10.00", 500, 330, "B-ITEM_AMOUNT"),
            ("MILK", 60, 360, "B-ITEM_DESCRIPTION"), ("1.20", 500, 360, "B-ITEM_AMOUNT"),
        ]
    )  # fmt: skip
    assert figures(with_probabilities(page)) == [("2", "5.00", "10.00"), (None, None, "1.20")]


def test_positions_are_no_quantities(table):
    rows = [f"{i}/q Mail{i}/d 1/- 5.39/p 5.39/a" for i in range(1, 8)]
    assert figures(table(*rows)) == [("1", "5.39", "5.39")] * 7


def test_a_figure_that_the_model_is_unsure_of_follows_its_column(table):
    page = table(
        "Course/d 3500.00/p 3400.00/a", "Course/d 3600.00/q 3300.00/a", "Course/d 4500.00/p 3375.00/a"
    )
    probabilities = page.ner_probabilities.copy()
    probabilities[4] = 0
    probabilities[4, [NER_IDS["B-ITEM_QUANTITY"], NER_IDS["B-ITEM_UNIT_PRICE"]]] = 0.55, 0.44
    found = figures(replace(page, ner_probabilities=probabilities))
    assert found == [(None, "3500.00", "3400.00"), (None, "3600.00", "3300.00"), (None, "4500.00", "3375.00")]


def test_lines_of_the_tax_summary_are_no_items(table):
    page = table("Bin/d 2/q 100.00/p 200.00/a", "VAT/d 200.00/p 19%/r 38.00/a", "824.88/p")
    assert figures(page) == [("2", "100.00", "200.00")]


def test_a_row_with_its_tax_beside_it_is_an_item(table):
    page = table("Bin/d 2/q 100.00/p 200.00/- 19%/r 38.00/a", "Pan/d 1/q 50.00/p 50.00/- 19%/r 9.50/a")
    assert figures(page) == [("2", "100.00", "200.00"), ("1", "50.00", "50.00")]


@pytest.mark.parametrize(
    ("quantity", "price", "amount", "others", "says"),
    [
        ("300", "7.00", "2100.00", (), 1),
        ("3", "0.333", "1.00", (), 1),  # within what the price was rounded by
        ("1", "7.00", "7.00", (), TRIVIAL),
        ("5", "4.55", "20.48", ("10%",), 1),
        ("5", "4.00", "18.50", ("-1.50",), 1),
        ("2", "20.00", "45.00", ("5.00",), INDIRECT),
        ("64", "10.00", "768.00", ("20%",), INDIRECT),
        ("200", "52.52", "105.04", (), INDIRECT),  # the price is for a hundred
        ("2", "100.00", "38.00", ("19%",), -1),  # the tax
        ("3", "7.00", "22.00", (), 0),
        ("100", "1", "120.00", (), 0),  # so round a price makes anything
        ("0", "7.00", "0.00", (), 0),
    ],
)
def test_what_a_product_says(quantity, price, amount, others, says):
    assert holds(figure(quantity), figure(price), figure(amount), [figure(text) for text in others]) == says


def figure(text):
    number = None if text.endswith("%") else float(text)
    digit = 10.0 ** -len(text.partition(".")[2])
    return Figure((), 0, 0, 0, (number,) * 3, digit, float(text.rstrip("%")), np.zeros(3), "O")


def test_what_is_a_figure(make_page):
    texts = ["RM5.90", "GS60", "19.12.", "€", "42", "210.00", "7%", "4123456000014", "1", "328.29"]
    words = [(text, 60 + 120 * i, 300, "B-ITEM_AMOUNT") for i, text in enumerate(texts)]
    page = with_probabilities(make_page(words))
    boxes = [list(word.box) for word in page.words]
    for first, second in ((3, 4), (4, 5), (8, 9)):  # a sign and groups of digits right beside each other
        boxes[second] = [boxes[first][2] + 5, 300, boxes[first][2] + 5 + 9 * len(texts[second]), 316]
    page = replace(
        page,
        words=[Word(text=text, box=box) for text, box in zip(texts, boxes, strict=True)],
        ner_tags=[*page.ner_tags[:8], "B-ITEM_QUANTITY", "B-ITEM_UNIT_PRICE"],
    )
    found = find_figures(page, straighten(page.words), [range(len(texts))], HINTS)
    assert [" ".join(page.words[i].text for i in f.words) for f in found] == [
        "RM5.90", "€ 42 210.00", "7%", "1", "328.29",
    ]  # fmt: skip
    assert [f.values[2] for f in found] == [5.9, 42210, None, 1, 328.29]


@pytest.mark.parametrize(
    "labels",
    [
        ("B-ITEM_AMOUNT", "B-TAX_AMOUNT"),
        ("B-TAX_AMOUNT", "I-ITEM_AMOUNT"),
        ("B-ITEM_AMOUNT", "B-ITEM_AMOUNT"),
        ("O", "B-TOTAL_AMOUNT"),
    ],
)
def test_groups_of_thousands_are_one_amount_however_they_are_labelled(make_page, labels):
    rows = [
        ("Desk", 60, 300, "B-ITEM_DESCRIPTION"),
        ("99.00", 500, 300, "B-ITEM_QUANTITY"),
        ("876.00", 700, 300, "B-ITEM_UNIT_PRICE"),
        ("86", 900, 300, labels[0]),
        ("724.00", 922, 300, labels[1]),
        ("Chair", 60, 340, "B-ITEM_DESCRIPTION"),
        ("68.00", 500, 340, "B-ITEM_QUANTITY"),
        ("8.00", 700, 340, "B-ITEM_UNIT_PRICE"),
        ("544.00", 922, 340, "B-TAX_AMOUNT" if "TAX" in str(labels) else "B-ITEM_AMOUNT"),
    ]
    items = rebuild_line_items([with_probabilities(make_page(rows))])
    assert [item["ITEM_AMOUNT"]["value"] for item in items] == ["86724.00", "544.00"]


def test_codes_in_a_column_left_of_the_descriptions_are_no_part_of_them(make_page):
    rows = []
    for y, code, label in ((300, "A23", "B-ITEM_CODE"), (340, "Z45", "B-ITEM_DESCRIPTION")):
        rows += [
            (code, 60, y, label),
            ("Item", 260, y, "B-ITEM_DESCRIPTION"),
            ("5.00", 900, y, "B-ITEM_AMOUNT"),
        ]
    first, second = rebuild_line_items([with_probabilities(make_page(rows))])
    assert [item["ITEM_CODE"]["value"] for item in (first, second)] == ["A23", "Z45"]
    assert [item["ITEM_DESCRIPTION"]["value"] for item in (first, second)] == ["Item", "Item"]
    beside = [("Z45", 225, 340, "B-ITEM_DESCRIPTION") if row[0] == "Z45" else row for row in rows]
    second = rebuild_line_items([with_probabilities(make_page(beside))])[1]
    assert second["ITEM_DESCRIPTION"]["value"] == "Z45 Item"


def test_level_words_of_thin_letters_do_not_stand_upright(make_page):
    page = make_page([("Kassarollen", 60, 300, "O"), ("jij", 160, 300, "O"), ("Rev", 250, 300, "O")])
    words = [
        word.model_copy(update={"box": [word.box[0], 300, word.box[0] + 10, 318]})
        if len(word.text) == 3
        else word
        for word in page.words
    ]
    longer = [*words, *make_page([("Zuiveringsheffing", 60, 340, "O"), ("geschat", 260, 340, "O")]).words]
    assert list(upright_words(longer)) == [False, False, True, False, False]


def test_upright_imprints_are_in_no_value(make_page):
    page = make_page(
        [
            ("Copyright", 40, 290, "B-ITEM_DESCRIPTION"), ("Zinc", 60, 300, "I-ITEM_DESCRIPTION"),
            ("5.00", 900, 300, "B-ITEM_AMOUNT"), ("Extended", 40, 90, "B-SELLER_NAME"),
            ("Acme", 60, 100, "I-SELLER_NAME"), ("Invoice", 60, 60, "O"), ("total", 60, 500, "O"),
        ]
    )  # fmt: skip
    words = list(page.words)
    for i in (0, 3):
        words[i] = Word(text=words[i].text, box=[40, 290 - 210 * (i == 3), 54, 380 - 210 * (i == 3)])
    page = replace(page, words=words)
    (item,) = rebuild_line_items([page])
    assert item["ITEM_DESCRIPTION"]["text"] == "Zinc"
    assert [span.text for span in find_entities(page)] == ["Acme"]


def test_a_page_that_is_turned_keeps_its_words(make_page):
    page = make_page([("Acme", 60, 100, "B-SELLER_NAME"), ("Invoice", 60, 300, "O")])
    turned = [
        Word(text=word.text, box=[word.box[1], word.box[0], word.box[1] + 16, word.box[0] + 80])
        for word in page.words
    ]
    assert [span.text for span in find_entities(replace(page, words=turned))] == ["Acme"]
