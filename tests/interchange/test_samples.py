"""Datasets of others, as they are published, become pages of schema 1.0."""

from __future__ import annotations

import hashlib
import io
import json
from collections import Counter

import annotation_samples as samples
import numpy as np
import pytest
from PIL import Image

from invoicegen.interchange import ReadOptions, read_annotations
from invoicegen.schema.annotation import check_page


def read(folder, source, **options):
    pages, notes = read_annotations(folder, source, ReadOptions(**options))
    for one in pages:
        page = one.page
        assert check_page(page) == []
        assert page.provenance.label_source == "human"
        with Image.open(io.BytesIO(one.read_image())) as image:
            assert image.size == (page.width, page.height)
    return [one.page for one in pages], notes


def told(page):
    return {(entity.type, entity.text) for entity in page.entities}


def rows(page):
    texts = {entity.id: entity.text for entity in page.entities}
    return [[texts[member] for member in r.members] for r in page.relations if r.type == "line_item"]


def test_funsd(tmp_path):
    pages, _ = read(samples.funsd(tmp_path), "funsd")
    assert {page.doc_id: page.split for page in pages} == {"0001": "train", "0002": "test"}
    page = pages[0]
    assert told(page) == {
        ("SELLER_NAME", "Hammer Ltd"), ("TOTAL_AMOUNT", "19.90"), ("ITEM_DESCRIPTION", "Steel nails"),
        ("ITEM_AMOUNT", "12.00"), ("ITEM_DESCRIPTION", "Glue"), ("ITEM_AMOUNT", "7.90"),
    }  # fmt: skip
    assert rows(page) == [["Steel nails", "12.00"], ["Glue", "7.90"]]
    assert " ".join(w.text for w in page.words) == "Hammer Ltd Steel nails 12.00 Glue 7.90 Total 19.90 Thanks"
    assert page.words[0].box == [40, 20, 110, 40]
    assert [page.table_tags[i] for i in (2, 3, 4)] == ["CELL", "INSIDE", "CELL"]
    assert page.provenance.split_group == "seller/hammer ltd"


@pytest.mark.parametrize("layout", [samples.cord_metadata, samples.cord_parquet, samples.cord_json])
def test_cord(tmp_path, layout):
    (page,), _ = read(layout(tmp_path / "cord"), "cord")
    assert page.split == "train"
    assert page.document_type == "receipt"
    assert told(page) == {
        ("ITEM_QUANTITY", "1 x"), ("ITEM_DESCRIPTION", "NASI GORENG EXTRA EGG"), ("ITEM_AMOUNT", "25.000"),
        ("TAX_AMOUNT", "2.000"), ("TOTAL_AMOUNT", "27.000"),
    }  # fmt: skip
    assert Counter(rows(page)[0]) == Counter(["1 x", "NASI GORENG EXTRA EGG", "25.000"])
    captions = {page.words[i].text for i, tag in enumerate(page.ner_tags) if tag == "O"}
    assert captions == {"TAX", "TOTAL", "CHANGE", "0"}


def test_sroie_lines_are_cut_to_words_and_values_are_found_in_them(tmp_path):
    (page,), notes = read(samples.sroie(tmp_path), "sroie")
    assert not notes
    assert told(page) == {
        ("SELLER_NAME", "BOOK TA .K(TAMAN DAYA) SDN BND"),  # read so, though the key says BHD
        ("SELLER_ADDRESS", "NO.53 55,57 & 59, JALAN SAGU 18, TAMAN DAYA, 81100 JOHOR BAHRU,"),
        ("INVOICE_DATE", "25/12/2018"),
        ("TOTAL_AMOUNT", "9.00"),
    }
    (total,) = (e for e in page.entities if e.type == "TOTAL_AMOUNT")
    assert total.box == pytest.approx([300, 561, 360, 577])  # not the subtotal, not the cash
    assert (total.value, page.document_type) == ("9.00", "receipt")
    tan, woon, yann = page.words[:3]
    assert [tan.text, woon.text, yann.text] == ["TAN", "WOON", "YANN"]
    assert (tan.box[0], yann.box[2]) == (72, 326)
    assert tan.box[2] < woon.box[0] < woon.box[2] < yann.box[0]
    assert tan.box[2] - tan.box[0] == pytest.approx(3 / 13 * 254)


def test_a_value_that_is_not_among_the_words_is_told(tmp_path):
    folder = samples.sroie(tmp_path)
    stated = {**samples.SROIE_VALUES, "company": "ANOTHER COMPANY ALTOGETHER", "total": "1234.56"}
    samples.put(folder / "train/entities/X51005255805.txt", stated)
    (page,), notes = read(folder, "sroie")
    assert {kind for kind, _ in told(page)} == {"SELLER_ADDRESS", "INVOICE_DATE"}
    assert [note.split(": ", 1)[1] for note in notes] == [
        "company 'ANOTHER COMPANY ALTOGETHER' was not found among the words; it has no label",
        "total '1234.56' was not found among the words; it has no label",
    ]


def test_docile_over_two_pages(tmp_path, invoice_pdf):
    (first, second), _ = read(samples.docile(tmp_path, invoice_pdf.read_bytes()), "docile", dpi=100)
    assert (first.page_count, second.page, first.split) == (2, 1, "train")
    assert told(first) == {
        ("SELLER_NAME", "Acme Broadcast"), ("INVOICE_NUMBER", "7712"), ("INVOICE_DATE", "01/31/20"),
        ("ITEM_DESCRIPTION", "Spot prime time"), ("ITEM_AMOUNT", "20.00"),
    }  # fmt: skip
    # Of two labels on one word the total wins; customer_id is no entity type.
    assert told(second) == {
        ("TOTAL_AMOUNT", "30.00"), ("ITEM_DESCRIPTION", "Production"), ("ITEM_AMOUNT", "10.00"),
    }  # fmt: skip
    assert rows(first) == [["Spot prime time", "20.00"]]
    assert rows(second) == [["Production", "10.00"]]
    by_text = {word.text: i for i, word in enumerate(first.words)}
    assert "01/31/20" in by_text  # the annotation's text, where OCR has read nothing
    role = {text: (first.table_tags[i], first.cell_tags[i]) for text, i in by_text.items()}
    assert role["Description"] == role["Amount"] == ("CELL", "HEADER")
    assert role["Spot"] == role["A1"] == role["20.00"] == ("CELL", "DATA")
    assert role["prime"] == role["time"] == ("INSIDE", "DATA")
    assert role["Acme"] == ("OUTSIDE", "EMPTY")
    assert first.provenance.split_group == "docile/cluster-554"
    assert first.provenance.currency == "USD"


def test_docile_without_a_table_grid_knows_its_headers(tmp_path, invoice_pdf):
    folder = samples.docile(tmp_path, invoice_pdf.read_bytes())
    annotation = samples.docile_annotation()
    annotation["metadata"]["page_to_table_grid"] = {}
    annotation["line_item_headers"] = [
        {
            "bbox": samples.box(58, 298, 170, 320),
            "page": 0,
            "fieldtype": "line_item_description",
            "text": "Description",
        }
    ]
    samples.put(folder / "annotations/0a1b.json", annotation)
    (first, _), _ = read(folder, "docile", dpi=100)
    headers = [first.words[i].text for i, tag in enumerate(first.cell_tags) if tag == "HEADER"]
    assert headers == ["Description"]


def test_docile_without_its_ocr_takes_the_text_of_the_pdf(tmp_path, invoice_pdf):
    folder = samples.docile(tmp_path, invoice_pdf.read_bytes(), ocr=False)
    annotation = samples.docile_annotation()
    annotation["line_item_extractions"] = []
    # "Invoice INV-2026-00042" at 50 pt from the left, its base line 60 pt from the top
    place = [92 / 595, 48 / 842, 190 / 595, 64 / 842]
    annotation["field_extractions"] = [
        {"bbox": place, "page": 0, "fieldtype": "document_id", "text": "INV-2026-00042", "line_item_id": None}
    ]
    samples.put(folder / "annotations/0a1b.json", annotation)
    (first, _), _ = read(folder, "docile")
    assert told(first) == {("INVOICE_NUMBER", "INV-2026-00042")}
    assert first.words[0].source == "pdf"
    assert first.provenance.ocr["engine"] == "pdf_text"


@pytest.mark.parametrize(
    "names", [None, ("O", "B-SELLER_NAME", "I-SELLER_NAME", "B-INVOICE_NUMBER", "B-TOTAL_AMOUNT")]
)
def test_hugging_face(tmp_path, names):
    (page,), _ = read(samples.hf(tmp_path / "hf", names=names), "hf")
    assert told(page) == {("SELLER_NAME", "Acme Ltd"), ("INVOICE_NUMBER", "7712"), ("TOTAL_AMOUNT", "30.00")}
    assert page.boxes_1000 == samples.HF_ROW["bboxes"]
    assert (page.doc_id, page.split, page.document_type) == ("7", "test", "invoice")


def test_labels_of_ones_own_are_mapped_by_a_file(tmp_path):
    form = {"form": [samples.segment(0, "Rechnungssumme", [("19,90", [300, 500, 350, 515])]),
                     samples.segment(1, "Telefon", [("0431", [40, 20, 90, 40])])]}  # fmt: skip
    file = samples.put(tmp_path / "annotations/a.json", form)
    samples.put(tmp_path / "images/a.png", samples.image_bytes("PNG"))
    labels = samples.put(tmp_path / "labels.json", {"rechnungssumme": "TOTAL_AMOUNT", "Telefon": "O"})
    (page,), _ = read(file, "funsd", labels=labels, document_type="credit_note")
    assert told(page) == {("TOTAL_AMOUNT", "19,90")}
    assert page.document_type == "credit_note"


def test_what_nobody_knows_of_a_document_is_said_to_be_unknown(tmp_path):
    pages, _ = read(samples.funsd(tmp_path), "funsd")
    provenance = pages[0].provenance
    assert (provenance.seed, provenance.renderer, provenance.dpi) == (0, "none", 0)
    assert (provenance.locale, provenance.currency) == ("und", "XXX")
    assert provenance.generator == "imported from funsd"
    assert "not generated" in json.dumps(provenance.layout_params)


@pytest.mark.parametrize("mode", ["CMYK", "I;16", "1", "P", "RGBA"])
def test_images_of_other_kinds_become_plain_ones_with_the_same_picture(tmp_path, mode):
    grey = np.full((samples.HEIGHT, samples.WIDTH), 255, dtype=np.uint8)
    grey[500:515, 300:350] = 0
    image = (
        Image.fromarray(grey.astype(np.uint16) * 257)
        if mode == "I;16"
        else Image.fromarray(grey).convert(mode)
    )
    if mode == "RGBA":  # the paper is transparent, and black where nobody sees it
        image = Image.fromarray(np.dstack([np.zeros((*grey.shape, 3), dtype=np.uint8), 255 - grey]))
    file = samples.put(tmp_path / "annotations/a.json", samples.FUNSD_FORM)
    (tmp_path / "images").mkdir()
    image.save(tmp_path / f"images/a.{'jpg' if mode == 'CMYK' else 'png'}")
    ((one,), _) = read_annotations(file, "funsd", ReadOptions())
    with Image.open(io.BytesIO(one.read_image())) as plain:
        assert (plain.format, plain.mode) == ("PNG", "RGB")
        pixels = np.asarray(plain)
    assert pixels[505:510, 310:340].max() < 10
    assert pixels[20:400].min() > 245
    assert hashlib.sha256(one.read_image()).hexdigest() == one.page.image_sha256


def test_a_tiff_becomes_png_and_other_images_stay_as_they_are(tmp_path):
    folder = samples.funsd(tmp_path)
    (folder / "training_data/images/0001.png").unlink()
    samples.put(folder / "training_data/images/0001.tif", samples.image_bytes("TIFF"))
    pages, _ = read_annotations(folder, "funsd", ReadOptions())
    by_id = {one.page.doc_id: one for one in pages}
    assert by_id["0001"].read_image().startswith(b"\x89PNG")
    assert by_id["0002"].read_image() == (folder / "testing_data/images/0002.png").read_bytes()
