"""The words that a document prints, one difficulty of layout at a time."""

from __future__ import annotations

import itertools
import math

import pytest
from PIL import ImageFile

from invoicegen.rendering import RenderingError, render_document
from invoicegen.schema.truth import TruePage, TrueWord

STYLE = "@page{size:105mm 148mm;margin:8mm} body{margin:0;font:9pt 'DejaVu Sans'} p{margin:0}"


def pages(body: str, style: str = "", lang: str = "de") -> list[TruePage]:
    html = f'<html lang="{lang}"><head><style>{STYLE}{style}</style></head><body>{body}</body></html>'
    return render_document(html).pages


def words(body: str, style: str = "", lang: str = "de") -> list[TrueWord]:
    (page,) = pages(body, style, lang)
    return page.words


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<p>Invoice number:  2026-7</p>", "Invoice number: 2026-7"),
        ("<p><b>To</b>tal <i>am</i>o<u>unt</u></p>", "Total amount"),
        ("<p>1\u00a0234\u202f567\u2009€</p>", "1 234 567 €"),
        ("<p style='letter-spacing:0.3em'>wide letters</p>", "wide letters"),
        ("<p style='letter-spacing:0.3em'>wi<b>de</b></p>", "wide"),
        ("<p style='text-transform:uppercase'>straße nr</p>", "STRASSE NR"),
        ("<p style='font-variant:small-caps'>Small Caps</p>", "SMALL CAPS"),
        ("<p>soft\u00adhyphen zero\u200bwidth</p>", "softhyphen zerowidth"),
        ("<p>12<sup>99</sup> m<sup>2</sup></p>", "1299 m2"),
        ("<p><span>a</span><span style='margin-left:3mm'>b</span></p>", "a b"),
        ("<p>one<br/>two</p>", "one two"),
        ("<p>efficient office</p>", "efficient office"),
        ("<p style='visibility:hidden'>not</p><p>seen</p>", "seen"),
        ("<p style='color:transparent'>not</p><p>seen</p>", "seen"),
        ("<p style='opacity:0'>not</p><p>seen</p>", "seen"),
        ("<p style='position:absolute;left:-50mm'>outside</p><p>inside</p>", "inside"),
        ("<p style='position:relative'>a</p><p style='display:none'>b</p>", "a"),
        ("<p style='text-align:justify;width:30mm'>a bb ccc dddd eeeee ffffff</p>", "a bb ccc dddd eeeee ffffff"),
    ],
)  # fmt: skip
def test_words_are_those_that_can_be_read(body: str, expected: str) -> None:
    assert " ".join(word.text for word in words(body)) == expected


def test_an_ellipsis_hides_the_rest() -> None:
    cut = "width:26mm;overflow:hidden;white-space:nowrap;text-overflow:ellipsis"
    (word,) = words(f"<p style='{cut}'>Donaudampfschifffahrtsgesellschaft</p>")
    assert word.text.startswith("Donauda")
    assert word.text.endswith("…")
    assert len(word.text) < 20


def test_clipped_text_is_cut_at_the_last_letter_that_shows() -> None:
    body = "<p style='width:10mm;overflow:hidden;white-space:nowrap'>abcdefghijklm gone</p>"
    (word,) = words(body)
    assert "abcdefghijklm".startswith(word.text)
    assert 3 <= len(word.text) <= 9
    assert word.visible > 0.9
    assert word.quad[2] <= (8 + 10) / 25.4 * 150 + 1


def test_text_under_a_clipped_edge_shows_in_part() -> None:
    (word,) = words("<p style='height:4mm;overflow:hidden;line-height:7mm'>Halved</p>")
    assert word.text == "Halved"
    assert 0.5 <= word.visible < 0.9


def test_a_hyphenated_word_is_two_printed_words() -> None:
    printed = [word.text for word in words("<p style='hyphens:auto;width:22mm'>Rechnungsbetrag</p>")]
    assert len(printed) >= 2
    assert all(part.endswith("-") for part in printed[:-1])
    assert "".join(part.rstrip("-") for part in printed) == "Rechnungsbetrag"


def test_touching_fields_are_words_of_their_own() -> None:
    body = (
        '<p><span data-entity="CURRENCY">EUR</span>'
        '<span data-entity="TOTAL_AMOUNT" data-field="totals.gross" data-value="237.46">237.46</span>.</p>'
    )
    currency, amount, stop = words(body)
    assert (currency.text, currency.entity) == ("EUR", "CURRENCY")
    assert (amount.text, amount.entity, amount.field, amount.value) == (
        "237.46",
        "TOTAL_AMOUNT",
        "totals.gross",
        "237.46",
    )
    assert (stop.text, stop.entity, stop.instance) == (".", None, None)
    assert currency.instance != amount.instance
    assert currency.quad[2] == pytest.approx(amount.quad[0], abs=0.5)


def test_the_innermost_entity_wins_and_an_empty_one_means_none() -> None:
    body = (
        '<div data-entity="SELLER_ADDRESS" data-field="seller.address">Weg 1 '
        '<span data-entity="SELLER_TAX_ID" data-field="seller.vat">DE1</span> '
        '<i data-entity="">Tel</i> <b>Berlin</b></div><p data-field="seller.phone">030</p>'
    )
    shown = {word.text: (word.entity, word.field, word.instance) for word in words(body)}
    address = shown["Weg"]
    assert address[:2] == ("SELLER_ADDRESS", "seller.address")
    assert shown["1"] == shown["Berlin"] == address
    assert shown["DE1"][:2] == ("SELLER_TAX_ID", "seller.vat")
    assert shown["DE1"][2] != address[2]
    assert shown["Tel"] == (None, None, None)
    assert shown["030"] == (None, "seller.phone", None)


def test_content_made_by_css_belongs_to_its_element() -> None:
    body = '<p><span class="n" data-entity="INVOICE_NUMBER">7</span></p>'
    printed = words(body, ".n::before{content:'INV-'}.n::after{content:' (copy)'}")
    assert [word.text for word in printed] == ["INV-7", "(copy)"]
    assert {word.entity for word in printed} == {"INVOICE_NUMBER"}


def test_list_markers_are_words() -> None:
    printed = words("<ol><li>first</li><li>second</li></ol>")
    assert sorted(word.text for word in printed) == ["1.", "2.", "first", "second"]
    line = {word.text: word.line_id for word in printed}
    assert line["1."] == line["first"] != line["2."] == line["second"]


@pytest.mark.parametrize("degrees", [-90, -7, 15, 90])
def test_a_rotated_word_has_a_rotated_quad(degrees: int) -> None:
    style = f"position:absolute;left:40mm;top:60mm;transform:rotate({degrees}deg);transform-origin:0 0"
    flat, turned = words(f"<p>Stamp</p><p style='{style}'>Stamp</p>")
    x0, y0, x1, y1, *_ = turned.quad
    assert math.degrees(math.atan2(y1 - y0, x1 - x0)) == pytest.approx(degrees, abs=0.5)
    assert math.hypot(x1 - x0, y1 - y0) == pytest.approx(flat.quad[2] - flat.quad[0], rel=2e-3)
    assert turned.line_id != flat.line_id


def test_text_in_a_faded_group_keeps_its_place() -> None:
    place = "position:absolute;left:20mm;top:30mm"
    (plain,) = words(f"<p style='{place}'>PAID</p>")
    (faded,) = words(f"<p style='{place};opacity:.4'>PAID</p>")
    assert faded.quad == pytest.approx(plain.quad, abs=1e-6)


def test_svg_text_is_words_without_a_field() -> None:
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="300" height="40">'
        '<text x="0" y="30" font-family="Lato" font-size="20">Muster Bau</text></svg>'
    )
    assert [(word.text, word.entity) for word in words(svg)] == [("Muster", None), ("Bau", None)]


def test_words_side_by_side_share_a_line_and_those_of_a_block_a_segment() -> None:
    body = (
        "<table><tr><td>left one<br/>left two</td><td style='font-size:7pt;vertical-align:top'>right</td></tr></table>"
        "<p>below</p>"
    )
    shown = {(word.text, i): word for i, word in enumerate(words(body))}
    by_text = {text: word for (text, _), word in shown.items()}
    lines = {text: word.line_id for text, word in by_text.items()}
    assert lines["one"] == 0
    assert lines["two"] == lines["one"] + 1
    assert lines["below"] == lines["two"] + 1
    assert by_text["one"].segment_id == by_text["two"].segment_id
    assert len({by_text[text].segment_id for text in ("one", "right", "below")}) == 3


def test_columns_of_one_row_are_one_line() -> None:
    row = "<tr><td>{0}</td><td style='text-align:right'><b>{0}0</b></td></tr>"
    printed = words("<table style='width:80mm'>" + "".join(row.format(i) for i in range(1, 6)) + "</table>")
    line = {word.text: word.line_id for word in printed}
    assert [line[str(i)] for i in range(1, 6)] == [line[f"{i}0"] for i in range(1, 6)] == [0, 1, 2, 3, 4]


ROW = (
    '<tr><td data-cell="data" data-column="ITEM_DESCRIPTION" data-row="{i}" data-group="line-{i}">'
    '<span data-entity="ITEM_DESCRIPTION" data-field="lines.{i}.name">Hex bolt {i}</span></td>'
    '<td data-cell="data" data-column="ITEM_AMOUNT" data-row="{i}" data-group="line-{i}">'
    '<span data-entity="ITEM_AMOUNT" data-value="{i}.00">{i},00</span></td></tr>'
)
HEAD = (
    '<thead><tr><th data-cell="header" data-column="ITEM_DESCRIPTION">Goods sold</th>'
    '<th data-cell="header" data-column="ITEM_AMOUNT">Amount</th></tr></thead>'
)


def test_a_table_over_pages_repeats_its_header_as_new_cells() -> None:
    n = 60
    rows = "".join(ROW.format(i=i) for i in range(n))
    printed = pages(f"<table>{HEAD}<tbody>{rows}</tbody></table>")
    assert len(printed) >= 3
    assert [page.page for page in printed] == list(range(len(printed)))
    headers = [[word for word in page.words if word.cell_role == "header"] for page in printed]
    assert all([word.text for word in found] == ["Goods", "sold", "Amount"] for found in headers)
    cells = [word.cell for found in headers for word in found]
    assert len(set(cells)) == 2 * len(printed)
    data = [word for page in printed for word in page.words if word.cell_role == "data"]
    assert sorted({word.row for word in data if word.row is not None}) == list(range(n))
    assert len({word.cell for word in data}) == 2 * n
    assert not {word.cell for word in data} & set(cells)
    amounts = [word for word in data if word.entity == "ITEM_AMOUNT"]
    assert [word.text for word in amounts] == [f"{i},00" for i in range(n)]
    assert [word.value for word in amounts] == [f"{i}.00" for i in range(n)]
    assert [word.group for word in amounts] == [f"line-{i}" for i in range(n)]
    assert len({word.instance for word in data}) == 2 * n


def test_an_entity_broken_over_pages_is_a_new_instance_on_each() -> None:
    lines = "<br/>".join(f"line {i}" for i in range(60))
    first, second, *_ = pages(f'<div data-entity="PAYMENT_TERMS" data-cell="data">{lines}</div>')
    assert len({word.instance for word in first.words}) == len({word.cell for word in first.words}) == 1
    assert {word.instance for word in first.words} != {word.instance for word in second.words}
    assert {word.cell for word in first.words} != {word.cell for word in second.words}


def test_page_furniture_is_printed_on_every_page() -> None:
    style = "@page{@bottom-right{content:'Page ' counter(page)}}"
    first, second = pages("<p>a</p><p style='break-before:page'>b</p>", style)
    assert [word.text for word in first.words] == ["a", "Page", "1"]
    assert [word.text for word in second.words] == ["b", "Page", "2"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("<p>open", "well-formed"),
        ("<p>&nbsp;</p>", "well-formed"),
        ('<p data-entity="NO_SUCH">x</p>', "NO_SUCH"),
        ('<p data-cell="body">x</p>', "data-cell"),
        ('<p data-cell="data" data-row="-1">x</p>', "data-row"),
        ("<p>漢字</p>", r"U\+6F22"),
        ('<img src="file:///etc/hostname"/>', "data:"),
        ("<style>@font-face{font-family:x;src:url(data:,)}</style><p>x</p>", "@font-face"),
        (
            "<div style='width:9mm;height:9mm;background:url(\"data:image/svg+xml,"
            "&lt;svg xmlns=%27http://www.w3.org/2000/svg%27 width=%2720%27 height=%2720%27&gt;"
            "&lt;text y=%2710%27&gt;a&lt;/text&gt;&lt;/svg&gt;\")'></div>",
            "pattern",
        ),
    ],
)
def test_a_document_that_cannot_be_labelled_exactly_is_refused(body: str, message: str) -> None:
    with pytest.raises(RenderingError, match=message):
        words(body)


def test_text_from_right_to_left_lies_where_it_is_read() -> None:
    """Within a Hebrew value the figure stands between its words, which run leftwards; each keeps its letters."""
    found = words(
        '<p>Total <span data-entity="TOTAL_AMOUNT" data-value="12.50">'
        "\u05d0\u05d1\u05d2 12.50 \u05d3\u05d4</span> end</p>"
    )
    assert [word.text for word in found] == ["Total", "\u05d0\u05d1\u05d2", "12.50", "\u05d3\u05d4", "end"]
    assert [word.entity for word in found] == [None, *["TOTAL_AMOUNT"] * 3, None]
    from_left = sorted(found, key=lambda word: word.quad[0])
    assert [word.text for word in from_left] == [
        "Total",
        "\u05d3\u05d4",
        "12.50",
        "\u05d0\u05d1\u05d2",
        "end",
    ]
    for left, right in itertools.pairwise(from_left):
        assert left.quad[2] < right.quad[0]


def test_rendering_leaves_pillow_strict_about_broken_images() -> None:
    words("<p>1</p>")
    assert not ImageFile.LOAD_TRUNCATED_IMAGES
