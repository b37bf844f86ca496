"""Pictures of wrong fields of real documents."""

import base64
import io

import pytest
from PIL import Image

from invoicegen.evaluation.real import RealLabel, score_real
from invoicegen.evaluation.real_crops import choose_wrong, picture_wrong
from invoicegen.ocr.documents import open_document

DPI = 100


@pytest.fixture
def record(tmp_path, make_pdf):
    """An extraction of a document of one page: the total was given wrong, its value for another field."""
    path = tmp_path / "a.pdf"
    path.write_bytes(make_pdf([[(50, 100, "Net 400.00"), (50, 140, "Total 466.48")]]))
    with open_document(path, dpi=DPI) as document:
        (page,) = document.pages
        size = {"page": 0, "width": page.width, "height": page.height}

    def given(value, y):
        return [{"value": value, "confidence": 0.9, "page": 0, "box": [65.0, y, 160.0, y + 14]}]

    return {
        "file": "a.pdf",
        "pages": [size],
        "fields": {"TOTAL_AMOUNT": given("400.00", 126.0), "SUBTOTAL_AMOUNT": given("466.48", 182.0)},
        "line_items": [],
    }


def shown_colours(row):
    with Image.open(io.BytesIO(base64.b64decode(row["image"]))) as picture:
        pixels = picture.convert("RGB")
        assert pixels.width < 800
        return {
            "orange": any(r > 150 and b < 90 for _, (r, g, b) in pixels.getcolors(1 << 16)),
            "green": any(g > r + 60 for _, (r, g, b) in pixels.getcolors(1 << 16)),
        }


def test_what_was_given_and_what_the_right_value_was_taken_for_are_shown(record, tmp_path):
    fields = {"total": ["466.48"], "subtotal": ["400.00"], "due_date": ["2026-01-31"]}
    label = RealLabel(file="a.pdf", kind="invoice", source="x", fields=fields)
    wrong = score_real([label], [record])["wrong"]
    rows = {row["field"]: row for row in picture_wrong(wrong, {"a.pdf": record}, tmp_path, DPI)}
    assert rows["total"]["value"] == "400.00"
    assert rows["total"]["taken_for"] == ["SUBTOTAL_AMOUNT"]
    assert rows["total"]["page"] == 0
    assert shown_colours(rows["total"]) == {"orange": True, "green": True}
    # of a date that was missed, nothing can be shown
    assert (rows["due_date"]["image"], rows["due_date"]["page"], rows["due_date"]["taken_for"]) == (
        None,
        None,
        [],
    )


def test_of_a_value_without_a_place_nothing_is_shown(record, tmp_path):
    country = {"value": "EUR", "text": "", "confidence": 0.5, "page": None, "box": None}
    given = {**record, "fields": {"CURRENCY": [country]}}
    label = RealLabel(file="a.pdf", kind="invoice", source="x", fields={"currency": ["CHF"]})
    wrong = score_real([label], [given])["wrong"]
    (row,) = picture_wrong(wrong, {"a.pdf": given}, tmp_path, DPI)
    assert (row["value"], row["image"], row["page"]) == ("EUR", None, None)


def test_boxes_of_other_pixels_are_not_drawn(record, tmp_path):
    label = RealLabel(file="a.pdf", kind="invoice", source="x", fields={"total": ["1.00"]})
    wrong = score_real([label], [record])["wrong"]
    (row,) = picture_wrong(wrong, {"a.pdf": record}, tmp_path, 2 * DPI)
    assert row["image"] is None


def test_scores_of_another_extraction_are_refused(record, tmp_path):
    label = RealLabel(file="a.pdf", kind="invoice", source="x", fields={"total": ["1.00"]})
    wrong = score_real([label], [record])["wrong"]
    with pytest.raises(
        ValueError, match=r"a\.pdf: total was scored as '400\.00', .* --pipeline=evaluate_real` anew"
    ):
        picture_wrong(wrong, {}, tmp_path, DPI)


def test_every_sort_of_wrong_field_comes_before_a_second_of_any():
    wrong = [{"field": "total", "value": "1", "file": str(i)} for i in range(5)]
    wrong += [{"field": "total", "value": None, "file": "5"}, {"field": "iban", "value": None, "file": "6"}]
    assert [row["file"] for row in choose_wrong(wrong, 4)] == ["0", "5", "6", "1"]
