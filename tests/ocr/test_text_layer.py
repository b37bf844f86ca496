import numpy as np
import pypdfium2 as pdfium
import pytest

from invoicegen.ocr.text_layer import has_usable_text, page_size_px, read_text_layer
from invoicegen.schema.annotation import Word


def texts(words):
    return [word.text for word in words]


def ink_box(pdf, dpi):
    """The box around everything dark on the rendered page."""
    document = pdfium.PdfDocument(pdf)
    pixels = document[0].render(scale=dpi / 72).to_numpy()[:, :, :3].min(axis=2)
    ys, xs = np.nonzero(pixels < 128)
    return xs.min(), ys.min(), xs.max() + 1, ys.max() + 1


def test_words_of_a_table_in_reading_order(make_pdf):
    body = """<p>Rechnung Nr. 4711</p><table style="width:100%">
    <tr><td>Müller &amp; Söhne</td><td style="text-align:right">1.234,56&nbsp;€</td></tr>
    <tr><td>(netto)</td><td style="text-align:right">-12,00</td></tr></table>"""
    words = read_text_layer(make_pdf(body), 0, 150)
    assert texts(words) == [
        "Rechnung",
        "Nr.",
        "4711",
        "Müller",
        "&",
        "Söhne",
        "1.234,56",
        "€",
        "(netto)",
        "-12,00",
    ]
    assert [word.line_id for word in words] == [0] * 3 + [1] * 5 + [2] * 2
    assert [word.segment_id for word in words] == [0] * 3 + [1] * 3 + [2] * 2 + [3, 4]
    assert {word.source for word in words} == {"pdf"}
    assert {word.confidence for word in words} == {None}


@pytest.mark.parametrize("rotation", ["", "/Rotate 90", "/Rotate 180", "/Rotate 270"])
@pytest.mark.parametrize("crop", ["", "/CropBox [30 40 350 290]"])
@pytest.mark.parametrize("dpi", [72, 200])
def test_boxes_lie_on_the_ink_of_the_rendered_page(raw_pdf, rotation, crop, dpi):
    pdf = raw_pdf("BT /F 30 Tf 60 120 Td (Hxg) Tj ET", page=f"{rotation} {crop}")
    (word,) = read_text_layer(pdf, 0, dpi)
    assert word.text == "Hxg"
    ink = np.array(ink_box(pdf, dpi))
    # The box holds the ink; along the line it is wider by the side bearings, across by ascent and descent.
    size = 30 * dpi / 72
    outside = np.array(word.box) - ink
    assert (outside[:2] <= 1).all()
    assert (outside[2:] >= -1).all()
    assert (np.abs(outside) < 0.35 * size).all()


def test_the_frame_is_the_raster_of_pypdfium2(raw_pdf):
    document = pdfium.PdfDocument(raw_pdf("", width=401.3, height=299.9))
    assert page_size_px(document[0], 133) == document[0].render(scale=133 / 72).to_pil().size


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            "BT /F 12 Tf 50 100 Td (Total) Tj 60 0 Td (42.00) Tj ET",
            ["Total", "42.00"],
        ),  # a gap without a space
        ("BT /F 12 Tf 50 100 Td (12) Tj 13.5 0 Td (.50) Tj ET", ["12.50"]),  # touching pieces are one word
        ("BT /F 12 Tf 50 100 Td (12) Tj 13.5 0 Td 4 Ts /F 8 Tf (50) Tj ET", ["1250"]),  # raised cents
        ("BT /F 12 Tf 50 100 Td (seen) Tj 3 Tr 0 -40 Td (hidden) Tj ET", ["seen"]),  # text under a scan
        ("BT /F 12 Tf 50 100 Td (seen) Tj 0 400 Td (above) Tj -500 -400 Td (left) Tj ET", ["seen"]),
        ("BT /F 12 Tf 50 100 Td (bold) Tj .3 0 Td (bold) Tj ET", ["bold"]),  # printed twice, shifted
        (
            "BT /F 12 Tf 50 100 Td (b) Tj .3 0 Td (b) Tj 7 0 Td (o) Tj .3 0 Td (o) Tj ET",
            ["bo"],
        ),  # by character
        (
            "BT /F 12 Tf 50 100 Td (11 22) Tj 60 0 Td (11) Tj ET",
            ["11", "22", "11"],
        ),  # the same word elsewhere
        (
            "BT /F 12 Tf 50 100 Td (a\\001b\\255c) Tj ET",
            ["ab-c"],
        ),  # a control character, a soft hyphen that shows
        ("BT /F 12 Tf 50 100 Td (pay-) Tj 0 -14 Td (ment) Tj ET", ["pay-", "ment"]),
        ("BT /F 12 Tf 0 1 -1 0 50 100 Tm (up right) Tj ET", ["up", "right"]),  # turned by 90 degrees
        ("BT /F 12 Tf 0 -1 1 0 50 250 Tm (up right) Tj ET", ["up", "right"]),
        ("BT /F 12 Tf .97 .24 -.24 .97 50 100 Tm (some slant) Tj ET", ["some", "slant"]),
        ("", []),
    ],
)
def test_words_of_hand_written_content(raw_pdf, content, expected):
    assert texts(read_text_layer(raw_pdf(content), 0, 100)) == expected


def test_ligatures_are_spelt_out(make_pdf):
    words = read_text_layer(make_pdf("<p>\ufb01nal o\ufb03ce ½ m² №7</p>"), 0, 100)
    assert texts(words) == ["final", "office", "½", "m²", "№7"]


def test_boxes_at_another_resolution_are_scaled(make_pdf):
    pdf = make_pdf("<p>one two three</p>")
    small, large = (read_text_layer(pdf, 0, dpi) for dpi in (100, 200))
    for first, second in zip(small, large, strict=True):
        np.testing.assert_allclose(np.array(first.box) * 2, second.box, atol=0.05)


def test_a_page_that_is_not_there(make_pdf):
    with pytest.raises(IndexError, match="no page 1 in a document of 1 pages"):
        read_text_layer(make_pdf("x"), 1, 100)


def test_bytes_that_are_no_pdf():
    with pytest.raises(pdfium.PdfiumError):
        read_text_layer(b"no PDF", 0, 100)


SENTENCES = (
    "Invoice number 4711 to Muster GmbH Berlin for the repair of two bicycles and the delivery of spare parts, "
    "payable within thirty days after receipt by bank transfer, total amount 99,00 EUR including value added tax"
)


def spread(text):
    return [
        Word(
            text=word,
            box=[10 + 60 * (i % 5), 20 * (i // 5), 60 + 60 * (i % 5), 15 + 20 * (i // 5)],
            source="pdf",
        )
        for i, word in enumerate(text.split())
    ]


@pytest.mark.parametrize(
    ("words", "usable"),
    [
        (spread("Invoice 4711 of 12.03.2024 Total 99,00 EUR"), True),
        (spread("Фактура № 17 от 3 марта Итого 99,00 руб."), True),
        ([], False),  # a scan
        (spread("Page 1"), False),  # a scan with a stamp
        (
            spread("\ue001\ue002\ue003 \ue010\ue011 \ue020\ue021 Invoice \ue030 total 99,00"),
            False,
        ),  # no Unicode map
        (spread("\ufffd\ufffd\ufffd\ufffd \ufffd\ufffd Invoice of 12.03.2024 99,00"), False),
        (spread("!!\"# $%&'( )*+,- ./:;< =>?@[ a1"), False),
        ([Word(text="Invoice", box=[5, 5, 9, 9], source="pdf")] * 20, False),  # all upon one spot
        (spread(SENTENCES), True),
        (
            spread("".join(chr(ord(c) + 3) if c.isalpha() else c for c in SENTENCES)),
            False,
        ),  # a wrong Unicode map
    ],
)
def test_has_usable_text(words, usable):
    assert has_usable_text(words, 400, 300) is usable
