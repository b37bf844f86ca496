import io

import pytest
from PIL import Image

from invoicegen.ocr.documents import DocumentError, open_document
from invoicegen.ocr.reading import read_document, read_page

BODY = "<p>Rechnung Nr. 4711 vom 12.03.2024</p><p>Menge 3 Preis 33,00</p><p>Summe 99,00 €</p>"


def scanned(pdf, dpi=200):
    """The PDF's first page as a PDF that holds only its picture."""
    import pypdfium2 as pdfium

    stream = io.BytesIO()
    image = pdfium.PdfDocument(pdf)[0].render(scale=dpi / 72).to_pil()
    image.convert("RGB").save(stream, "PDF", resolution=dpi)
    return stream.getvalue()


def test_a_text_layer_is_taken_where_there_is_one(tmp_path, make_pdf, rapidocr):
    (tmp_path / "a.pdf").write_bytes(make_pdf(BODY))
    with open_document(tmp_path / "a.pdf") as document:
        words, engine = read_page(document.pages[0], rapidocr)
    assert engine == "pdf_text"
    assert " ".join(word.text for word in words).endswith("Preis 33,00 Summe 99,00 €")


def test_a_scan_is_recognised_and_agrees_with_the_text_layer(tmp_path, make_pdf, rapidocr, overlap):
    pdf = make_pdf(BODY)
    (tmp_path / "text.pdf").write_bytes(pdf)
    (tmp_path / "scan.pdf").write_bytes(scanned(pdf))
    with open_document(tmp_path / "text.pdf") as text, open_document(tmp_path / "scan.pdf") as scan:
        expected, _ = read_page(text.pages[0], rapidocr)
        words, engine = read_page(scan.pages[0], rapidocr)
    assert engine == "rapidocr"
    assert [word.text for word in words] == [word.text for word in expected]
    assert [word.line_id for word in words] == [word.line_id for word in expected]
    assert all(overlap(word.box, other.box) > 0.3 for word, other in zip(words, expected, strict=True))


def test_an_image_is_recognised(tmp_path, known_page, rapidocr):
    Image.fromarray(known_page.image).save(tmp_path / "a.png")
    with open_document(tmp_path / "a.png") as document:
        words, engine = read_page(document.pages[0], rapidocr)
    assert (engine, words[0].text) == ("rapidocr", "Invoice")


def test_a_document_is_read_around_its_broken_page(tmp_path, raw_pdf, rapidocr):
    content = "BT /F 14 Tf 40 250 Td (Invoice 4711 of 12.03.2024) Tj 0 -40 Td (Total 99.00 EUR) Tj ET"
    (tmp_path / "a.pdf").write_bytes(raw_pdf(content, kids="3 0 R 99 0 R 3 0 R", count=3))
    with open_document(tmp_path / "a.pdf") as document:
        first, broken, last = read_document(document, rapidocr)
    assert isinstance(broken, DocumentError)
    assert broken.page == 1
    assert (first.page, last.page) == (0, 2)
    assert first.words == last.words
    assert (first.engine, first.width, first.height) == ("pdf_text", 1112, 834)


def test_a_broken_page_raises_when_read_alone(tmp_path, raw_pdf, rapidocr):
    (tmp_path / "a.pdf").write_bytes(raw_pdf("", kids="3 0 R 99 0 R", count=2))
    with open_document(tmp_path / "a.pdf") as document, pytest.raises(DocumentError, match="page 2"):
        read_page(document.pages[1], rapidocr)
