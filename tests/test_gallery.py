import io
import json

import pytest
from PIL import Image

from invoicegen.gallery import ShownPage, colour_of, contact_sheet, render_gallery
from invoicegen.schema.annotation import Page
from invoicegen.schema.taxonomy import ENTITY_TYPES


@pytest.fixture
def page():
    entity = {
        "id": "e1", "type": "TOTAL_AMOUNT", "words": [0], "text": "<12.00", "value": "12.00", "value_kind": "money",
        "box": [10.0, 10.0, 60.0, 30.0],
    }  # fmt: skip
    record = {
        "doc_id": "d1", "page": 0, "page_count": 1, "document_type": "invoice", "image": "images/d1-0.png",
        "image_sha256": "0" * 64, "width": 100, "height": 140,
        "words": [{"text": "<12.00", "box": [10.0, 10.0, 60.0, 30.0]}], "boxes_1000": [[100, 71, 600, 215]],
        "ner_tags": ["B-TOTAL_AMOUNT"], "table_tags": ["OUTSIDE"], "cell_tags": ["EMPTY"], "entities": [entity],
        "relations": [], "tables": [],
        "provenance": {
            "generator": "invoicegen", "generator_version": "0", "seed": 0, "template_family": "modern",
            "template": "modern/x", "locale": "de_DE", "currency": "EUR", "renderer": "weasyprint", "dpi": 150,
            "label_source": "template", "split_group": "x",
        },
    }  # fmt: skip
    return Page.model_validate_json(json.dumps(record))


@pytest.fixture
def image():
    buffer = io.BytesIO()
    Image.new("RGB", (100, 140), "white").save(buffer, "PNG")
    return buffer.getvalue()


def test_the_gallery_shows_each_entity_and_loads_nothing(page, image):
    html = render_gallery([ShownPage(page, image)])
    assert '<rect data-entity="TOTAL_AMOUNT" x="10.0" y="10.0" width="50.0" height="20.0"' in html
    assert "TOTAL_AMOUNT: &lt;12.00 → 12.00" in html
    assert 'href="data:image/png;base64,' in html
    assert "http" not in html
    assert "url(" not in html


def test_entities_have_colours_of_their_own():
    assert len({colour_of(name) for name in ENTITY_TYPES}) == len(ENTITY_TYPES)


def test_the_contact_sheet_of_no_page_says_so(tmp_path):
    figure = contact_sheet([])
    figure.savefig(tmp_path / "sheet.png")
    assert [text.get_text() for text in figure.texts] == [
        "No page of these documents is of the training split."
    ]


def test_the_contact_sheet_draws_every_page_with_its_boxes(page, image):
    figure = contact_sheet([ShownPage(page, image)] * 5, columns=4)
    assert len(figure.axes) == 5
    assert all(len(axis.patches) == 1 for axis in figure.axes)
