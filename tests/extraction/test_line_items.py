"""Line items from labels: exact on perfect labels, sensible on imperfect ones."""

from dataclasses import replace

import numpy as np
import pytest

from invoicegen.extraction import rebuild_line_items
from invoicegen.extraction.layout import straighten
from invoicegen.labeling import group_lines
from invoicegen.schema.annotation import Word

N_DOCUMENTS = 80


def share_exact(make_document, texts_of, angle_deg, jitter_px):
    documents = (make_document(seed, angle_deg, jitter_px) for seed in range(N_DOCUMENTS))
    return sum(texts_of(rebuild_line_items(d.predictions)) == d.rows for d in documents) / N_DOCUMENTS


@pytest.mark.parametrize(
    ("angle_deg", "jitter_px", "at_least"),
    [
        (0.0, 0.0, 1.0),
        (1.5, 0.0, 1.0),
        (0.5, 1.0, 0.99),
        (3.0, 0.5, 0.98),
    ],
)
def test_perfect_labels_give_the_table_back(make_document, texts_of, angle_deg, jitter_px, at_least):
    assert share_exact(make_document, texts_of, angle_deg, jitter_px) >= at_least


def test_the_oracle_has_what_makes_tables_hard(make_document):
    documents = [make_document(seed) for seed in range(60)]
    rows = [row for document in documents for row in document.rows]
    assert any(len(document.predictions) > 1 for document in documents)
    assert any("ITEM_QUANTITY" not in row for row in rows)
    assert any(
        tag == "O" and cell == "DATA"
        for document in documents
        for page in document.predictions
        for tag, cell in zip(page.ner_tags, page.cell_tags, strict=True)
    )


def test_pages_in_any_order(make_document, texts_of):
    document = next(d for d in map(make_document, range(50)) if len(d.predictions) == 3)
    assert texts_of(rebuild_line_items(document.predictions[::-1])) == document.rows


def test_without_straightening_the_skewed_table_is_lost(make_document, texts_of, monkeypatch):
    monkeypatch.setattr("invoicegen.labeling.reading_order._slopes", lambda frames: np.zeros(3))
    assert share_exact(make_document, texts_of, 3.0, 0.5) < 0.9


def test_no_words_and_no_items():
    assert rebuild_line_items([]) == []


def test_a_row_says_value_confidence_page_and_box(make_page):
    page = make_page(
        [
            ("Hex", 60, 300, "B-ITEM_DESCRIPTION", 0.8, "CELL"),
            ("bolt", 100, 300, "I-ITEM_DESCRIPTION", 0.9, "INSIDE"),
            ("1.234,50", 900, 300, "B-ITEM_AMOUNT", 0.7, "CELL"),
        ]
    )
    (item,) = rebuild_line_items([page])
    assert item["ITEM_DESCRIPTION"]["value"] == "Hex bolt"
    assert item["ITEM_DESCRIPTION"]["confidence"] == pytest.approx(0.85)
    assert item["ITEM_AMOUNT"] == {
        "value": "1234.50",
        "text": "1.234,50",
        "confidence": 0.7,
        "page": 0,
        "box": page.words[2].box,
    }


def test_rows_are_found_by_quantities_where_no_amount_is_printed(make_page):
    words = []
    for row, y in enumerate((300, 330)):
        words += [(f"thing{row}", 60, y, "B-ITEM_DESCRIPTION"), (str(row + 1), 500, y, "B-ITEM_QUANTITY")]
    assert [item["ITEM_QUANTITY"]["value"] for item in rebuild_line_items([make_page(words)])] == ["1", "2"]


def test_a_missed_amount_does_not_swallow_the_row(make_page):
    words = []
    for row, y in enumerate((300, 330, 360)):
        words += [(f"thing{row}", 60, y, "B-ITEM_DESCRIPTION"), (str(row + 1), 500, y, "B-ITEM_QUANTITY")]
        words += [(f"{row + 1}.00", 900, y, "O" if row == 1 else "B-ITEM_AMOUNT")]
    items = rebuild_line_items([make_page(words)])
    assert [item["ITEM_DESCRIPTION"]["text"] for item in items] == ["thing0", "thing1", "thing2"]
    assert ["ITEM_AMOUNT" in item for item in items] == [True, False, True]


def test_stray_inside_labels_on_figures_still_make_rows(make_page):
    words = []
    for row, y in enumerate((300, 330)):
        words += [(f"thing{row}", 60, y, "B-ITEM_DESCRIPTION"), (f"{row + 1}.00", 900, y, "I-ITEM_AMOUNT")]
    assert [item["ITEM_AMOUNT"]["value"] for item in rebuild_line_items([make_page(words)])] == [
        "1.00",
        "2.00",
    ]


def test_a_description_broken_by_a_stray_begin_is_one_description(make_page):
    words = [
        ("Hex", 60, 300, "B-ITEM_DESCRIPTION", 0.9, "CELL"),
        ("bolt", 95, 300, "B-ITEM_DESCRIPTION", 0.9, "INSIDE"),
        ("zinc", 60, 320, "B-ITEM_DESCRIPTION", 0.9, "CELL"),
        ("1.00", 900, 300, "B-ITEM_AMOUNT", 0.9, "CELL"),
    ]
    (item,) = rebuild_line_items([make_page(words)])
    assert item["ITEM_DESCRIPTION"]["text"] == "Hex bolt zinc"


def test_a_line_with_an_amount_of_its_own_is_a_row_of_its_own(make_page):
    page = make_page(
        [
            ("Bowl", 60, 100, "B-ITEM_DESCRIPTION"), ("60.00", 900, 100, "B-ITEM_AMOUNT"),
            ("blue", 60, 120, "I-ITEM_DESCRIPTION"),
            ("Spoon", 60, 140, "I-ITEM_DESCRIPTION"), ("10.00", 900, 140, "B-ITEM_AMOUNT"),
        ]
    )  # fmt: skip
    rows = rebuild_line_items([page])
    assert [(row["ITEM_DESCRIPTION"]["text"], row["ITEM_AMOUNT"]["text"]) for row in rows] == [
        ("Bowl blue", "60.00"),
        ("Spoon", "10.00"),
    ]


def test_a_description_goes_on_after_the_page_break(make_page):
    first = make_page([("Long", 60, 1600, "B-ITEM_DESCRIPTION"), ("1.00", 900, 1600, "B-ITEM_AMOUNT")])
    second = make_page(
        [
            ("rest", 60, 100, "B-ITEM_DESCRIPTION"),
            ("Next", 60, 140, "B-ITEM_DESCRIPTION"),
            ("2.00", 900, 140, "B-ITEM_AMOUNT"),
        ],
        page=1,
    )
    items = rebuild_line_items([first, second])
    assert [item["ITEM_DESCRIPTION"]["text"] for item in items] == ["Long rest", "Next"]


def receipt(make_page, lines):
    """A till receipt: each line is ``[(text, x, NER label), …]``, lines at even distances."""
    words = [(text, x, 100 + 20 * n, tag) for n, line in enumerate(lines) for text, x, tag in line]
    return make_page(words, width=400, height=1200)


def test_descriptions_above_their_figures(make_page):
    lines = []
    for row, price in enumerate(("1.50", "2.50", "3.50")):
        lines += [
            [(f"thing{row}", 20, "B-ITEM_DESCRIPTION")],
            [("1", 40, "B-ITEM_QUANTITY"), (price, 150, "B-ITEM_UNIT_PRICE"), (price, 300, "B-ITEM_AMOUNT")],
        ]
    items = rebuild_line_items([receipt(make_page, lines)])
    assert [(i["ITEM_DESCRIPTION"]["text"], i["ITEM_AMOUNT"]["text"]) for i in items] == [
        ("thing0", "1.50"),
        ("thing1", "2.50"),
        ("thing2", "3.50"),
    ]


@pytest.mark.parametrize("above", [True, False])
def test_quantities_go_where_the_products_hold(make_page, above):
    lines = []
    for row, (quantity, price, amount) in enumerate(
        [("2", "1.50", "3.00"), (None, None, "9.00"), ("3", "2.00", "6.00")]
    ):
        item = [(f"thing{row}", 20, "B-ITEM_DESCRIPTION"), (amount, 300, "B-ITEM_AMOUNT")]
        times = [(quantity, 40, "B-ITEM_QUANTITY"), (price, 150, "B-ITEM_UNIT_PRICE")] if quantity else None
        lines += [line for line in ((times, item) if above else (item, times)) if line]
    items = rebuild_line_items([receipt(make_page, lines)])
    assert [i.get("ITEM_QUANTITY", {}).get("text") for i in items] == ["2", None, "3"]
    assert [i.get("ITEM_UNIT_PRICE", {}).get("text") for i in items] == ["1.50", None, "2.00"]


def test_discounts_below_their_items(make_page):
    lines = []
    for row, off in enumerate(("0.20", None, "0.30")):
        amount = "1.80" if row == 0 else "2.00" if row == 1 else "1.70"
        lines += [
            [(f"thing{row}", 20, "B-ITEM_DESCRIPTION")],
            [
                ("1", 40, "B-ITEM_QUANTITY"),
                ("2.00", 150, "B-ITEM_UNIT_PRICE"),
                (amount, 300, "B-ITEM_AMOUNT"),
            ],
        ]
        lines += [[(off, 300, "B-ITEM_DISCOUNT")]] if off else []
    items = rebuild_line_items([receipt(make_page, lines)])
    assert [i.get("ITEM_DISCOUNT", {}).get("text") for i in items] == ["0.20", None, "0.30"]


def test_random_labels_never_break_it(make_document):
    document = make_document(5)
    rng = np.random.default_rng(0)
    for _ in range(20):
        noisy = [
            replace(page, ner_tags=list(rng.permutation(page.ner_tags))) for page in document.predictions
        ]
        for item in rebuild_line_items(noisy):
            assert item
            assert all(value["text"] for value in item.values())


@pytest.mark.parametrize("angle_deg", [-3.0, -0.4, 0.0, 1.0, 3.0])
def test_words_of_a_line_are_level_through_skew_and_jitter(make_document, angle_deg):
    page = make_document(7).predictions[0]
    rng = np.random.default_rng(1)
    slope = np.tan(np.radians(angle_deg))
    words = []
    for word in page.words:
        lift = slope * (word.box[0] + word.box[2]) / 2
        box = np.array(word.box) + np.array([0, lift, 0, lift]) + rng.normal(0, 0.5, 4)
        words.append(Word(text=word.text, box=[float(edge) for edge in box]))
    straight, leaning = straighten(page.words), straighten(words)
    for line in group_lines(page.words):
        assert len({straight.y[i] for i in line}) == 1
        assert np.ptp(leaning.y[line]) == 0


def test_straight_words_are_left_as_they_are(make_document):
    page = make_document(7).predictions[0]
    straight = straighten(page.words)
    np.testing.assert_allclose(straight.x0, [word.box[0] for word in page.words], atol=1e-6)
    np.testing.assert_allclose(straight.y, [(w.box[1] + w.box[3]) / 2 for w in page.words], atol=1.0)


def test_discounts_below_their_items_are_not_of_the_next():
    """No unit price says whose they are, and the last item has none."""
    from invoicegen.extraction.line_items import Cell, assign_rows

    cells, top = [], 0.0
    for amount, off in ((37.16, -4.13), (52.46, -5.83), (6.3, None), (8.44, -2.81), (12.75, None)):
        cells.append(Cell("ITEM_AMOUNT", (), top, top + 14.4, amount))
        top += 14.7
        if off is not None:
            cells.append(Cell("ITEM_DISCOUNT", (), top, top + 14.4, off))
            top += 14.7
    rows = [{cell.type: cell.number for cell in row} for row in assign_rows(cells)]
    assert [row.get("ITEM_DISCOUNT") for row in rows] == [-4.13, -5.83, None, -2.81, None]


def test_a_text_does_not_go_on_below_the_figures_of_the_next_row(make_page):
    """Codes and figures stand on the first line of each row, descriptions below."""
    lines = []
    for i, (name, label) in enumerate([("Bolt", "B"), ("Nut", "I"), ("Plate", "I")]):
        y = 300 + 60 * i
        lines += [(f"ZS{i}97", 60, y, "B-ITEM_CODE"), ("2", 400, y, "B-ITEM_QUANTITY")]
        lines += [(f"{i + 1}0.00", 800, y, "B-ITEM_AMOUNT"), (name, 150, y + 25, f"{label}-ITEM_DESCRIPTION")]
    items = rebuild_line_items([make_page(lines)])
    assert [item["ITEM_DESCRIPTION"]["text"] for item in items] == ["Bolt", "Nut", "Plate"]
    assert [item["ITEM_AMOUNT"]["text"] for item in items] == ["10.00", "20.00", "30.00"]


def test_lines_that_follow_so_closely_that_their_boxes_overlap(make_page):
    """A till's pitch is less than the height of the boxes that an engine draws round its lines."""
    words = []
    for row in range(4):
        top = 300 + 32 * row
        words += [(f"thing{row}", 60, top, "B-ITEM_DESCRIPTION", 0.9, "CELL")]
        words += [
            (f"{row + 2}", 80, top + 16, "B-ITEM_QUANTITY"),
            ("1.00", 160, top + 16, "B-ITEM_UNIT_PRICE"),
        ]
        words += [(f"{row + 2}.00", 400, top + 16, "B-ITEM_AMOUNT")]
    items = rebuild_line_items([make_page(words, size=30.0)])
    read = [(item["ITEM_DESCRIPTION"]["text"], item["ITEM_AMOUNT"]["text"]) for item in items]
    assert read == [("thing0", "2.00"), ("thing1", "3.00"), ("thing2", "4.00"), ("thing3", "5.00")]


def test_a_missed_amount_makes_a_row_where_boxes_of_lines_overlap(make_page):
    words = []
    for row in range(4):
        top = 300 + 18 * row
        words += [(f"thing{row}", 60, top, "B-ITEM_DESCRIPTION", 0.9, "CELL")]
        words += [(f"{row + 1}", 400, top, "B-ITEM_QUANTITY"), ("1.00", 600, top, "B-ITEM_UNIT_PRICE")]
        words += [(f"{row + 1}.00", 800, top, "B-ITEM_AMOUNT")] if row != 1 else []
    items = rebuild_line_items([make_page(words, size=30.0)])
    assert [item["ITEM_QUANTITY"]["text"] for item in items] == ["1", "2", "3", "4"]
    assert ["ITEM_AMOUNT" in item for item in items] == [True, False, True, True]


def test_a_description_of_two_cells_is_read_line_by_line(make_page):
    """ "Fair 2026" and "Posters, banners" stand on one line, "and bags" goes on below the first."""
    words = [
        ("Fair", 60, 300, "B-ITEM_DESCRIPTION", 0.9, "CELL"),
        ("2026", 100, 300, "I-ITEM_DESCRIPTION", 0.9, "INSIDE"),
        ("Posters,", 150, 300, "B-ITEM_DESCRIPTION", 0.9, "CELL"),
        ("banners", 230, 300, "I-ITEM_DESCRIPTION", 0.9, "INSIDE"),
        ("and", 60, 320, "I-ITEM_DESCRIPTION", 0.9, "INSIDE"),
        ("bags", 95, 320, "I-ITEM_DESCRIPTION", 0.9, "INSIDE"),
        ("90.00", 900, 300, "B-ITEM_AMOUNT", 0.9, "CELL"),
    ]
    (item,) = rebuild_line_items([make_page(words)])
    assert item["ITEM_DESCRIPTION"]["text"] == "Fair 2026 Posters, banners and bags"


@pytest.mark.parametrize(
    ("wrapped", "descriptions", "codes"),
    [
        (["HB-M8", "HB-M6"], ["Hex bolt", "Hex nut"], ["HB-M8", "HB-M6"]),  # a column of codes
        (["1.5 l", "2.5 l"], ["Hex bolt 1.5 l", "Hex nut 2.5 l"], [None, None]),  # goes on right behind
        (["HB-M8", "zinc"], ["Hex bolt HB-M8", "Hex nut zinc"], [None, None]),  # text below it
    ],
    ids=["codes", "sizes", "a margin of its own"],
)
def test_codes_stand_in_a_column_and_descriptions_wrap_to_a_margin(make_page, wrapped, descriptions, codes):
    words = [("A-100", 40, 250, "B-ITEM_CODE"), ("Rod", 200, 250, "B-ITEM_DESCRIPTION", 0.9, "CELL")]
    words += [("9.00", 900, 250, "B-ITEM_AMOUNT")]
    for row, (name, rest) in enumerate(zip(("bolt", "nut"), wrapped, strict=True)):
        y = 300 + 60 * row
        words += [("Hex", 200, y, "B-ITEM_DESCRIPTION", 0.9, "CELL")]
        words += [
            (name, 240, y, "I-ITEM_DESCRIPTION", 0.9, "INSIDE"),
            (f"{row + 1}.00", 900, y, "B-ITEM_AMOUNT"),
        ]
        words += [
            (word, 40 + 40 * place, y + 20, "I-ITEM_DESCRIPTION", 0.9, "INSIDE")
            for place, word in enumerate(rest.split())
        ]
    items = rebuild_line_items([make_page(words)])[1:]
    assert [item["ITEM_DESCRIPTION"]["text"] for item in items] == descriptions
    assert [item["ITEM_CODE"]["text"] if "ITEM_CODE" in item else None for item in items] == codes
