"""Figures within words are letters that an engine misread; figures of codes, sizes and post codes are not."""

from dataclasses import replace

import pytest

from invoicegen.extraction import assemble
from invoicegen.extraction.letters import mend_letters


@pytest.mark.parametrize(
    ("read", "printed"),
    [
        ("ENTERPR1SE", "ENTERPRISE"),
        ("park1ng", "parking"),
        ("Yel1ow", "Yellow"),
        ("Dobbe1tværelse", "Dobbeltværelse"),
        ("ÁGUI1AS", "ÁGUILAS"),
        ("C1usanent", "Clusanent"),
        ("BLUETO0TH", "BLUETOOTH"),
        ("Br0kkoli", "Brokkoli"),
        ("0rdaz", "Ordaz"),
        ("HDMl", "HDMI"),
        ("SARL Gilles & Dijou×", "SARL Gilles & Dijoux"),
        ("T× 75273", "TX 75273"),
    ],
)
def test_a_figure_within_a_word_is_the_letter_it_looks_like(read, printed):
    assert mend_letters(read) == printed
    assert mend_letters(f"10 x {read}, 2.") == f"10 x {printed}, 2."


@pytest.mark.parametrize(
    "text",
    [
        "SW1A1AA",  # post codes
        "EC1N 2HT",
        "K1A 0B1",
        "LV-1091",
        "80×50",
        "A4×2",
        "3×Lamp",
        "×10",
        "Seksyen U13/X",
        "MP30",
        "Web2Print",
        "Level10",
        "Lot1Jalan",  # two words read as one
        "1Liter",
        "0arkplatz",  # no O: a letter of another form
        "Sel",
        "GmbH l",
    ],
)
def test_figures_that_are_figures_stay(text):
    assert mend_letters(text) == text


def test_words_of_a_text_layer_and_codes_stay(make_page):
    """What is printed so is meant so; what an engine read keeps its text beside the mended value."""
    words = [
        ("ENTERPR1SE", 60, 30, "B-SELLER_NAME"),
        ("PLUS0LUTION", 60, 300, "B-ITEM_CODE"),
        ("BLUETO0TH", 300, 300, "B-ITEM_DESCRIPTION"),
        ("9.00", 900, 300, "B-ITEM_AMOUNT"),
    ]
    layer = make_page(words)
    read = replace(layer, words=[word.model_copy(update={"source": "ocr"}) for word in layer.words])
    for page, options, name, description in (
        (read, {}, "ENTERPRISE", "BLUETOOTH"),
        (read, {"weigh_choices": False}, "ENTERPR1SE", "BLUETO0TH"),
        (layer, {}, "ENTERPR1SE", "BLUETO0TH"),
    ):
        extraction = assemble([page], **options)
        (seller,) = extraction["fields"]["SELLER_NAME"]
        (item,) = extraction["line_items"]
        assert (seller["value"], seller["text"]) == (name, "ENTERPR1SE")
        assert (item["ITEM_DESCRIPTION"]["value"], item["ITEM_CODE"]["value"]) == (description, "PLUS0LUTION")
