import io
import pickle
import zlib

import numpy as np
import pytest
from PIL import Image

from invoicegen.ocr.documents import DocumentError, DocumentLimits, open_document

TEXT = "BT /F 14 Tf 40 250 Td (Invoice 4711 of 12.03.2024) Tj 0 -40 Td (Total 99.00 EUR due now) Tj ET"
STAMP = (
    "<< /Type /Annot /Subtype /Stamp /Rect [40 20 240 60] /F 4 /AP << /N 7 0 R >> >>",
    "<< /Type /XObject /Subtype /Form /BBox [0 0 200 40] /Resources << /Font << /F 5 0 R >> >> "
    "/Length 40 >>\nstream\nBT /F 14 Tf 5 10 Td (Paid 1.4.2024) Tj ET\nendstream",
)


def save(path, image, **options):
    image.save(path, **options)
    return path


def write(path, data):
    path.write_bytes(data)
    return path


def picture(mode="RGB", size=(60, 40)):
    """White, with a black square at the top left."""
    image = Image.new("L", size, 255)
    image.paste(0, (0, 0, 20, 10))
    return image.convert(mode)


def encoded(image, kind, **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 255, (200, 200, 3), dtype=np.uint8))
ENCRYPT = "/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <{0}> /U <{0}> >> /ID [<00> <00>]".format(
    "5A" * 32
)


def without_pixels(kind):
    data = bytearray(encoded(NOISE, kind))
    if kind == "PNG":
        data[16:24] = bytes(8)  # IHDR; its checksum is wrong then too
        data[29:33] = zlib.crc32(bytes(data[12:29])).to_bytes(4, "big")
    elif kind == "JPEG":
        at = data.index(b"\xff\xc0") + 5  # SOF0
        data[at : at + 4] = bytes(4)
    else:
        at = data.index(b"\x00\x01\x04\x00\x01\x00\x00\x00") + 8  # ImageWidth
        data[at : at + 4] = bytes(4)
    return bytes(data)


NO_PIXELS = "the image is truncated or damaged, or has no pixels; scan or save it again"
BAD_FILES = {
    "empty.pdf": (b"", "the file is empty; save or download it again"),
    "letter.pdf": (b"Dear Sir or Madam", "neither a PDF nor an image that can be read; convert it"),
    "page.gif": (encoded(NOISE, "GIF"), "neither a PDF nor an image that can be read; convert it: PDF, PNG"),
    "head.pdf": (b"%PDF-1.7\n", "the PDF is truncated"),
    "junk.pdf": (b"%PDF-1.7\nnothing of use\n%%EOF\n", "the PDF is damaged"),
    "no_pixels.png": (without_pixels("PNG"), NO_PIXELS),
    "no_pixels.jpg": (without_pixels("JPEG"), NO_PIXELS),
    "no_pixels.tif": (without_pixels("TIFF"), NO_PIXELS),
    "moving.png": (
        encoded(NOISE, "PNG", save_all=True, append_images=[NOISE.rotate(90)]),
        "the PNG is an animation of 2 frames; save each page as a picture",
    ),
    "head.png": (encoded(NOISE, "PNG")[:30], "truncated or damaged|neither a PDF nor an image"),
    "half.png": (encoded(NOISE, "PNG")[:60_000], "truncated or damaged .*; scan or save it again"),
    "half.jpg": (encoded(NOISE, "JPEG")[:10_000], "truncated or damaged"),
    "half.tif": (
        encoded(NOISE, "TIFF", compression="tiff_lzw")[:60_000],
        "truncated or damaged|neither a PDF",
    ),
    "early.tif": (encoded(NOISE, "TIFF")[:60_000], "truncated or damaged"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_refused_with_reason_and_mend(tmp_path, name):
    data, message = BAD_FILES[name]
    path = write(tmp_path / name, data)
    with pytest.raises(DocumentError, match=message) as raised:
        open_document(path)
    assert str(raised.value).startswith(f"{path}: ")
    assert raised.value.page is None
    assert raised.value.mend


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(DocumentError, match="there is no such file; check the path"):
        open_document(tmp_path / "no.pdf")
    with pytest.raises(DocumentError, match="is a folder"):
        open_document(tmp_path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"trailer": ENCRYPT}, "encrypted and needs a password; save a copy without"),
        ({"kids": "", "count": 0}, "damaged or has no pages"),
    ],
)
def test_a_pdf_that_opens_to_nothing_is_refused(tmp_path, raw_pdf, options, message):
    path = write(tmp_path / "a.pdf", raw_pdf(TEXT, **options))
    with pytest.raises(DocumentError, match=message):
        open_document(path)


def test_a_pdf_without_its_end_is_refused(tmp_path, make_pdf):
    pdf = make_pdf("<p>one</p>" * 100)
    with pytest.raises(DocumentError, match="truncated"):
        open_document(write(tmp_path / "a.pdf", pdf[: len(pdf) * 3 // 4]))


@pytest.mark.parametrize(
    ("limits", "name", "message"),
    [
        ({"max_file_bytes": 100}, "a.pdf", "bytes, the limit is 100; split it, or raise max_file_bytes"),
        ({"max_pages": 1}, "a.pdf", "the PDF has 2 pages, the limit is 1"),
        ({"max_pages": 1}, "a.tif", "the TIFF has 2 frames, the limit is 1"),
        ({"max_image_pixels": 2399}, "a.png", "60 x 40 px, the limit is 2,399 px in all"),
    ],
)
def test_limits_are_kept(tmp_path, raw_pdf, limits, name, message):
    write(tmp_path / "a.pdf", raw_pdf(TEXT, kids="3 0 R 3 0 R", count=2))
    save(tmp_path / "a.tif", picture(), save_all=True, append_images=[picture()])
    save(tmp_path / "a.png", picture())
    with pytest.raises(DocumentError, match=message):
        open_document(tmp_path / name, limits=DocumentLimits(**limits))


@pytest.mark.parametrize("limit", [10**9, 120_000_000])
def test_a_decompression_bomb_is_refused_before_it_unfolds(tmp_path, limit):
    # 20,000 x 20,000 px of nothing: 400 Mpx in a file of 50 kB
    header = encoded(Image.new("1", (20_000, 20_000)), "PNG")
    assert len(header) < 100_000
    with pytest.raises(DocumentError, match=r"too large|the limit is"):
        open_document(write(tmp_path / "bomb.png", header), limits=DocumentLimits(max_image_pixels=limit))


def test_what_a_file_is_its_content_says(tmp_path, raw_pdf):
    with open_document(write(tmp_path / "scan.jpg", raw_pdf(TEXT))) as document:
        assert (document.kind, len(document)) == ("pdf", 1)
    with open_document(write(tmp_path / "scan.pdf", encoded(picture(), "PNG"))) as document:
        assert (document.kind, len(document)) == ("image", 1)


# Images


@pytest.mark.parametrize(
    ("mode", "kind", "tolerance"),
    [
        ("1", "PNG", 0),
        ("1", "TIFF", 0),
        ("L", "PNG", 0),
        ("LA", "PNG", 0),
        ("P", "PNG", 0),
        ("RGB", "PNG", 0),
        ("RGBA", "PNG", 0),
        ("RGB", "JPEG", 40),
        ("L", "JPEG", 40),
        ("CMYK", "JPEG", 40),
        ("CMYK", "TIFF", 3),
        ("LAB", "TIFF", 3),
        ("YCbCr", "TIFF", 3),
    ],
)
def test_every_mode_of_image_is_black_on_white(tmp_path, mode, kind, tolerance):
    image = picture("RGB" if mode in ("CMYK", "LAB", "YCbCr") else mode)
    if mode == "LAB":
        from PIL import ImageCms

        rgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        image = ImageCms.applyTransform(image, ImageCms.buildTransform(rgb, lab, "RGB", "LAB"))
    path = write(tmp_path / "page", encoded(image.convert(mode) if image.mode != mode else image, kind))
    with open_document(path) as document:
        (page,) = document
        pixels = page.image
    assert (pixels.dtype, pixels.shape) == (np.uint8, (40, 60, 3))
    expected = np.asarray(picture()).astype(int)
    assert np.abs(pixels - expected).max() <= tolerance


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (np.array([[0, 65535], [32768, 257]], np.uint16), "PNG"),
        (np.array([[0, 65535], [32768, 257]], np.uint16), "TIFF"),
        (np.array([[0, 65535], [32768, 257]], np.int32), "TIFF"),
        (np.array([[0, 1], [0.5, 1 / 255]], np.float32), "TIFF"),
        (np.array([[0, 255], [128, 1]], np.float32), "TIFF"),
    ],
)
def test_deeper_images_are_scaled_to_eight_bits(tmp_path, values, kind):
    path = write(tmp_path / "deep", encoded(Image.fromarray(values), kind))
    with open_document(path) as document:
        np.testing.assert_array_equal(document.pages[0].image[:, :, 1], [[0, 255], [128, 1]])


def test_what_is_transparent_is_white(tmp_path):
    image = Image.new("RGBA", (2, 1), (0, 0, 0, 0))
    image.putpixel((1, 0), (200, 0, 0, 255))
    indexed = Image.new("P", (2, 1), 0)
    indexed.putpalette([0, 0, 0, 200, 0, 0])
    indexed.putpixel((1, 0), 1)
    paths = [save(tmp_path / "a.png", image), save(tmp_path / "b.png", indexed, transparency=0)]
    for path in paths:
        with open_document(path) as document:
            assert document.pages[0].image.tolist() == [[[255, 255, 255], [200, 0, 0]]]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_images_are_turned_upright_by_their_exif_orientation(tmp_path, orientation):
    stored = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }.get(orientation)
    upright = picture()
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = upright.transpose(stored) if stored is not None else upright
    path = save(tmp_path / "a.png", image, exif=exif)
    with open_document(path) as document:
        (page,) = document
        assert (page.width, page.height) == upright.size
        np.testing.assert_array_equal(page.image, np.asarray(upright))


def test_each_frame_of_a_tiff_is_a_page(tmp_path):
    frames = [picture("1"), Image.new("RGB", (30, 50), (1, 2, 3)), picture("CMYK")]
    path = save(tmp_path / "a.tif", frames[0], save_all=True, append_images=frames[1:], dpi=(300, 300))
    with open_document(path) as document:
        pages = list(document)
        assert [(page.page, page.page_count) for page in pages] == [(0, 3), (1, 3), (2, 3)]
        assert [(page.width, page.height) for page in pages] == [(60, 40), (30, 50), (60, 40)]
        for index in (2, 0, 1, 0):  # in any order, and again
            frame = pages[index]
            assert frame.image.shape == (frame.height, frame.width, 3)
        assert pages[1].image[0, 0].tolist() == [1, 2, 3]
        assert pages[0].dpi == 300
        assert pages[0].text_words is None


def test_a_broken_frame_does_not_lose_the_others(tmp_path):
    path = save(tmp_path / "a.tif", picture(), save_all=True, append_images=[NOISE], compression="tiff_lzw")
    data = bytearray(path.read_bytes())
    place = len(data) - 40_000
    data[place : place + 20_000] = bytes(20_000)
    write(path, bytes(data))
    with open_document(path) as document:
        assert document.pages[0].image.shape == (40, 60, 3)
        with pytest.raises(DocumentError, match="page 2: the image is truncated or damaged") as raised:
            _ = document.pages[1].image
    assert raised.value.page == 1


# PDF


def test_a_pdf_page_is_rendered_at_the_asked_resolution(tmp_path, raw_pdf):
    path = write(tmp_path / "a.pdf", raw_pdf(TEXT))
    for dpi in (72, 200):
        with open_document(path, dpi=dpi) as document:
            page = document.pages[0]
            assert page.dpi == dpi
            assert (page.width, page.height) == (np.ceil(400 * dpi / 72), np.ceil(300 * dpi / 72))
            assert page.image.shape == (page.height, page.width, 3)
            assert page.image.min() < 50
            assert page.image.max() == 255


def test_colours_are_rgb(tmp_path, raw_pdf):
    with open_document(write(tmp_path / "a.pdf", raw_pdf("1 0 0 rg 0 0 400 300 re f"))) as document:
        assert document.pages[0].image[5, 5].tolist() == [255, 0, 0]


def test_text_words_are_in_the_pixels_of_the_image(tmp_path, raw_pdf):
    with open_document(write(tmp_path / "a.pdf", raw_pdf(TEXT)), dpi=150) as document:
        page = document.pages[0]
        assert [word.text for word in page.text_words][:3] == ["Invoice", "4711", "of"]
        for word in page.text_words:
            x0, y0, x1, y1 = map(round, word.box)
            assert page.image[y0:y1, x0:x1].min() < 100


def test_a_huge_page_is_rendered_at_fewer_dpi(tmp_path, raw_pdf):
    path = write(tmp_path / "a.pdf", raw_pdf(f"20 0 0 20 0 0 cm {TEXT}", width=14400, height=7200))
    with open_document(path, limits=DocumentLimits(max_page_side=1000)) as document:
        page = document.pages[0]
        assert page.dpi == pytest.approx(5)
        assert page.image.shape == (500, 1000, 3)
        assert 200 < max(word.box[2] for word in page.text_words) < 400


def test_a_page_that_draws_too_much_fails_alone(tmp_path, raw_pdf):
    path = write(tmp_path / "a.pdf", raw_pdf(f"{'0 0 9 9 re f ' * 60} {TEXT}"))
    with open_document(path, limits=DocumentLimits(max_page_objects=100)) as document:
        assert document.pages[0].text_words
    with (
        open_document(path, limits=DocumentLimits(max_page_objects=50)) as document,
        pytest.raises(
            DocumentError, match=r"page 1: the page draws \d+ objects, the limit is 50; .*raise"
        ) as caught,
    ):
        document.pages[0].image  # noqa: B018
    assert caught.value.page == 0


def test_a_scan_has_no_text_words(tmp_path):
    with open_document(write(tmp_path / "a.pdf", encoded(NOISE, "PDF"))) as document:
        assert document.kind == "pdf"
        assert document.pages[0].text_words is None


def test_stamps_and_form_fields_are_rendered_and_read(tmp_path, raw_pdf):
    path = write(tmp_path / "a.pdf", raw_pdf(TEXT, page="/Annots [6 0 R]", more=STAMP))
    with open_document(path, dpi=72) as document:
        page = document.pages[0]
        assert [word.text for word in page.text_words][-2:] == ["Paid", "1.4.2024"]
        assert page.image[240:280, 40:150].min() < 100


def test_a_broken_page_does_not_lose_the_others(tmp_path, raw_pdf):
    path = write(tmp_path / "a.pdf", raw_pdf(TEXT, kids="3 0 R 99 0 R 3 0 R", count=3))
    with open_document(path) as document:
        assert len(document) == 3
        assert len(document.pages[0].text_words) == len(document.pages[2].text_words) == 9
        for wanted in ("width", "image", "text_words"):
            with pytest.raises(DocumentError, match=r"a\.pdf, page 2: the page is damaged") as raised:
                getattr(document.pages[1], wanted)
    assert raised.value.page == 1


def test_an_error_travels_between_processes(tmp_path):
    error = DocumentError(tmp_path, "is bad", "mend it", 3)
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.page, again.mend) == (str(error), 3, "mend it")


VISIBLE = "BT /F 12 Tf 50 250 Td 30 TL (Invoice 4711 of March) Tj T* (Total 99,00 EUR due now) Tj ET "


@pytest.mark.parametrize(
    ("hidden", "words"),
    [
        ("", 9),
        ("1 g BT /F 12 Tf 50 150 Td (ignored) Tj ET", 9),  # white on white: left out
        ("1 g BT /F 12 Tf 50 150 Td (Total 11,00 EUR due never at all) Tj ET", None),  # another page's layer
        ("0 g 40 140 300 30 re f 1 g BT /F 12 Tf 50 150 Td (Thank you) Tj ET", 11),  # white on black is seen
    ],
)
def test_a_text_layer_counts_as_far_as_it_can_be_seen(tmp_path, raw_pdf, hidden, words):
    path = tmp_path / "a.pdf"
    path.write_bytes(raw_pdf(VISIBLE + hidden))
    with open_document(path) as document:
        found = document.pages[0].text_words
    assert (None if found is None else len(found)) == words
