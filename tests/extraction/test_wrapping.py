"""A lone word below a description that had no room for it is its end; headings, totals and codes below are not."""

from dataclasses import replace

import pytest

from invoicegen.extraction import assemble
from invoicegen.extraction.layout import straighten
from invoicegen.extraction.wrapping import wrapped_descriptions

LINE = 24
"""Pixels between the lines of a description; words are 16 high and some 8 a letter wide, rows further apart."""


def table(make_page, *below, gap=2.0, lower=1.0, second="Balloons of various colours", beside=()):
    """Two rows, the first with words below its description, the second ``gap`` lines lower."""
    words = []
    for y, text, amount in ((300, "Design of a sample", "160.00"), (300 + LINE * (1 + gap), second, "20.00")):
        x = 100
        for n, word in enumerate(text.split()):
            words.append((word, x, y, f"{'I' if n else 'B'}-ITEM_DESCRIPTION"))
            x += 9 * len(word) + 5
        words.append((amount, 900, y, "B-ITEM_AMOUNT"))
    words += [(text, 100 + 150 * n, 300 + LINE * lower, "O") for n, text in enumerate(below)]
    words += [(text, x, 300 + LINE, "O") for text, x in beside]
    return make_page(words)


def first_description(page, **options):
    return assemble([page], **options)["line_items"][0]["ITEM_DESCRIPTION"]["value"]


def test_a_word_that_found_no_room_is_the_description_s_end(make_page):
    page = table(make_page, "invoicesheet")
    assert first_description(page) == "Design of a sample invoicesheet"
    assert first_description(page, weigh_choices=False) == "Design of a sample"


@pytest.mark.parametrize(
    ("below", "layout"),
    [
        (["size"], {}),  # there was room
        (["invoicesheet"], {"gap": 1.0}),  # as far from both rows: a heading
        (["invoicesheet", "paper"], {}),
        (["invoice-77120"], {}),
        (["Reference-no:"], {}),
        (["&&&&&&&&&&&&&"], {}),
        (["invoicesheet"], {"beside": [("12.00", 900)]}),  # a line of its own
        (["invoicesheet"], {"second": ""}),  # nothing goes on below: a total
        ([], {"beside": [("invoicesheet", 130)]}),  # begins elsewhere
        (["invoicesheet"], {"lower": 2.0, "gap": 5.0}),
    ],
    ids=[
        "room",
        "heading",
        "two",
        "code",
        "caption",
        "rule",
        "figures beside",
        "last",
        "indented",
        "far below",
    ],
)
def test_other_words_below_a_description_are_none_of_it(make_page, below, layout):
    assert first_description(table(make_page, *below, **layout)) == "Design of a sample"


def test_codes_below_one_another_are_rows(make_page):
    words = [("KRIV", 100, 300, "B-ITEM_DESCRIPTION"), ("KTBC", 100, 300 + 3 * LINE, "B-ITEM_DESCRIPTION")]
    page = make_page([*words, ("WFLD", 100, 300 + LINE, "O")])
    assert [item["ITEM_DESCRIPTION"]["value"] for item in assemble([page])["line_items"]] == ["KRIV", "KTBC"]


def test_an_imprint_up_the_margin_is_no_description(make_page):
    """Two rows labelled up a margin, and a word between: neither goes on with the other."""
    page = table(make_page)
    words = list(page.words)
    for text, y in (("Copyright", 300), ("Examples", 400), ("Extended", 700)):
        words.append(words[0].model_copy(update={"text": text, "box": [20.0, y, 36.0, y + 90.0]}))
    labels = ["B-ITEM_DESCRIPTION", "O", "B-ITEM_DESCRIPTION"]
    imprinted = replace(
        page,
        words=words,
        ner_tags=[*page.ner_tags, *labels],
        ner_confidences=[*page.ner_confidences, 0.9, 0.9, 0.9],
        table_tags=[*page.table_tags, *["OUTSIDE"] * 3],
        cell_tags=[*page.cell_tags, *["EMPTY"] * 3],
    )
    tags = wrapped_descriptions(imprinted, straighten(imprinted.words)).ner_tags
    assert tags == imprinted.ner_tags
