"""Label Studio: what people correct comes back, tasks of their own come in, and what cannot be read is named."""

from __future__ import annotations

import copy
import json
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from invoicegen.interchange import (
    InterchangeError,
    ReadOptions,
    WriteOptions,
    from_label_studio,
    label_config,
    read_annotations,
    to_label_studio,
    write_pages,
)
from invoicegen.schema.annotation import check_page
from invoicegen.schema.taxonomy import ENTITY_TYPES


@pytest.mark.parametrize("as_predictions", [True, False])
def test_tasks_that_nobody_changed_come_back_as_they_were(pages, as_predictions):
    tasks = json.loads(json.dumps(to_label_studio(pages, as_predictions=as_predictions)))
    back = from_label_studio(tasks)
    for before, after in zip(pages, back, strict=True):
        source = before.provenance.label_source if as_predictions else "human"
        provenance = before.provenance.model_copy(update={"label_source": source})
        same = {(r.id, tuple(sorted(r.members))) for r in before.relations}
        assert {(r.id, tuple(sorted(r.members))) for r in after.relations} == same
        expected = before.model_copy(update={"provenance": provenance, "relations": after.relations})
        assert after == expected


def test_rectangles_are_percentages_of_the_image(pages):
    page = pages[0]
    task = to_label_studio([page], image_prefix="/x/", as_predictions=False)[0]
    assert task["data"]["image"] == f"/x/{page.image}"
    first = task["annotations"][0]["result"][0]
    entity = page.entities[0]
    assert first["value"]["x"] == pytest.approx(100 * entity.box[0] / page.width)
    assert first["value"]["height"] == pytest.approx(100 * (entity.box[3] - entity.box[1]) / page.height)
    assert (first["original_width"], first["original_height"]) == (page.width, page.height)


def test_the_interface_offers_the_taxonomy():
    labels = [label.get("value") for label in ET.fromstring(label_config()).iter("Label")]
    assert labels == list(ENTITY_TYPES)


def rectangles(task):
    return [one for one in task["annotations"][0]["result"] if one["type"] == "rectanglelabels"]


@pytest.fixture
def task(pages):
    return copy.deepcopy(to_label_studio([pages[0]], as_predictions=False)[0])


def test_a_corrected_label_changes_the_tags_and_has_its_value_read_anew(task, pages):
    number = next(one for one in rectangles(task) if one["value"]["rectanglelabels"] == ["INVOICE_NUMBER"])
    number["value"]["rectanglelabels"] = ["PURCHASE_ORDER_NUMBER"]
    (page,) = from_label_studio([task])
    entity = next(one for one in page.entities if one.id == number["id"])
    assert (entity.type, entity.value) == ("PURCHASE_ORDER_NUMBER", entity.text.lstrip("#"))
    assert page.ner_tags[entity.words[0]] == "B-PURCHASE_ORDER_NUMBER"
    assert check_page(page) == []
    assert page.provenance.label_source == "human"


def test_a_rectangle_drawn_by_hand_holds_the_words_inside(task, pages):
    source = pages[0]
    free = next(i for i, tag in enumerate(source.ner_tags) if tag == "O" and len(source.words[i].text) > 3)
    x0, y0, x1, y1 = source.words[free].box
    drawn = {
        "id": "new",
        "type": "rectanglelabels",
        "value": {
            "x": 100 * (x0 - 1) / source.width,
            "y": 100 * (y0 - 1) / source.height,
            "width": 100 * (x1 - x0 + 2) / source.width,
            "height": 100 * (y1 - y0 + 2) / source.height,
            "rectanglelabels": ["ITEM_CODE"],
        },
    }
    task["annotations"][0]["result"].append(drawn)
    (page,) = from_label_studio([task])
    entity = page.entities[-1]
    assert entity.words == [free]
    assert entity.text == source.words[free].text
    assert page.cell_tags[free] == "DATA"
    assert page.table_tags[free] != "OUTSIDE"


def test_a_deleted_rectangle_is_gone_and_its_line_goes_on(task, pages):
    line = next(relation for relation in pages[0].relations if len(relation.members) > 2)
    gone = line.members[1]
    result = task["annotations"][0]["result"]
    task["annotations"][0]["result"] = [
        one for one in result if one.get("id") != gone and gone not in (one.get("from_id"), one.get("to_id"))
    ]
    (page,) = from_label_studio([task])
    assert gone not in {entity.id for entity in page.entities}
    after = next(relation for relation in page.relations if relation.id == line.id)
    assert set(after.members) == set(line.members) - {gone}


def transcription(task, region):
    results = task["annotations"][0]["result"]
    return next(one for one in results if one["type"] == "textarea" and one["id"] == region)


def test_a_corrected_transcription_corrects_the_words(task, pages):
    seller = next(one for one in rectangles(task) if one["value"]["rectanglelabels"] == ["SELLER_NAME"])
    text = transcription(task, seller["id"])["value"]["text"][0]
    words = ["Corrected", *text.split()[1:]]
    transcription(task, seller["id"])["value"]["text"] = [" ".join(words)]
    (page,) = from_label_studio([task])
    entity = next(one for one in page.entities if one.id == seller["id"])
    assert entity.text == entity.value == " ".join(words)
    assert page.words[entity.words[0]].text == "Corrected"
    assert check_page(page) == []


def test_a_moved_rectangle_need_not_be_transcribed_anew(task, pages):
    source = pages[0]
    total = next(one for one in rectangles(task) if one["value"]["rectanglelabels"] == ["TOTAL_AMOUNT"])
    free = next(i for i, tag in enumerate(source.ner_tags) if tag == "O" and len(source.words[i].text) > 3)
    x0, y0, x1, y1 = source.words[free].box
    w, h = 100 / source.width, 100 / source.height
    total["value"].update(x=x0 * w, y=y0 * h, width=(x1 - x0) * w, height=(y1 - y0) * h)
    (page,) = from_label_studio([task])
    assert next(one for one in page.entities if one.id == total["id"]).words == [free]


def test_the_last_annotation_counts_and_cancelled_ones_do_not(task):
    result = task["annotations"][0]["result"]
    task["annotations"] = [{"result": result[:2]}, {"result": [], "was_cancelled": True}]
    (page,) = from_label_studio([task])
    assert len(page.entities) == 1


def broken(change):
    def apply(task):
        change(task, rectangles(task))

    return apply


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            broken(lambda task, r: r[0]["value"].update(rectanglelabels=["TOTAL"])),
            r"not of the taxonomy: 'TOTAL' \(task 7, region .*--labels",
        ),
        (broken(lambda task, r: r[0]["value"].update(rectanglelabels=[])), "task 7, region .*exactly one"),
        (broken(lambda task, r: r[0]["value"].pop("width")), r"task 7, region .*: width: Field required"),
        (broken(lambda task, r: r[0]["value"].update(rotation=3.0)), "turned by 3.0 degrees"),
        (broken(lambda task, r: r[0]["value"].update(x=99.0, width=30.0)), "leaves the image"),
        (broken(lambda task, r: r[0]["value"].update(x=0.0, y=0.0, width=0.2, height=0.2)), "holds no word"),
        (broken(lambda task, r: r[0]["value"].update(r[1]["value"])), "both hold the word"),
        (
            broken(
                lambda task, r: transcription(task, r[0]["id"])["value"].update(text=["one two three four"])
            ),
            "task 7, region .*: 4 words are transcribed, the rectangle holds",
        ),
        (broken(lambda task, r: task["data"].pop("invoicegen_page")), "no page of InvoiceGen"),
        (broken(lambda task, r: task.pop("annotations")), "neither annotations nor predictions"),
    ],
)
def test_what_cannot_be_taken_over_is_named(task, pages, change, message):
    task["id"] = 7
    change(task)
    good = to_label_studio([pages[1]])[0]
    with pytest.raises(InterchangeError, match=message):
        from_label_studio([good, task])


def test_an_export_comes_back_with_its_images_and_splits(labelled, tmp_path):
    write_pages(labelled, tmp_path / "tasks", "label-studio", WriteOptions(as_predictions=False))
    back, notes = read_annotations(tmp_path / "tasks/tasks.json", "label-studio", ReadOptions())
    assert not notes
    for before, after in zip(labelled, back, strict=True):
        assert after.page.provenance.label_source == "human"
        assert after.page.entities == before.page.entities
        assert after.page.split == before.page.split
        assert after.read_image() == before.read_image()


def test_another_image_than_the_one_that_was_labelled_is_refused(labelled, tmp_path):
    write_pages(labelled, tmp_path / "tasks", "label-studio", WriteOptions())
    (tmp_path / "tasks" / labelled[0].page.image).write_bytes(labelled[1].read_image())
    with pytest.raises(InterchangeError, match=r"task 1: the image .* is not the one that was labelled"):
        read_annotations(tmp_path / "tasks/tasks.json", "label-studio", ReadOptions())


def test_tasks_that_people_made_of_images_get_their_words_from_ocr(tmp_path):
    image = Image.fromarray(np.full((300, 640, 3), 255, dtype=np.uint8))
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(28)
    draw.text((40, 40), "Hammer Tools", "black", font)
    draw.text((40, 140), "Nails", "black", font)
    draw.text((500, 140), "12.50", "black", font)
    draw.text((40, 220), "lnv 7712", "black", font)
    image.save(tmp_path / "receipt.png")

    def rectangle(region, label, x, y, width, height):
        place = {"x": x / 6.4, "y": y / 3, "width": width / 6.4, "height": height / 3, "rotation": 0}
        value = place | {"rectanglelabels": [label]}
        return {"id": region, "type": "rectanglelabels", "from_name": "l", "to_name": "i", "value": value}

    task = {
        "id": 12,
        "data": {"scan": "/data/upload/3/0a1b2c3d-receipt.png"},
        "annotations": [
            {
                "result": [
                    rectangle("a", "shop", 20, 20, 300, 70),
                    rectangle("b", "article", 20, 120, 200, 70),
                    rectangle("c", "price", 450, 120, 180, 70),
                    rectangle("d", "number", 100, 200, 200, 70),
                    {"id": "d", "type": "textarea", "value": {"text": ["A 7712"]}},
                    {"type": "relation", "from_id": "b", "to_id": "c", "direction": "right"},
                ]
            }
        ],
    }
    (tmp_path / "export.json").write_text(json.dumps([task]))
    (tmp_path / "labels.yml").write_text(
        "shop: SELLER_NAME\narticle: ITEM_DESCRIPTION\nprice: ITEM_AMOUNT\nnumber: INVOICE_NUMBER\n"
    )
    options = ReadOptions(labels=tmp_path / "labels.yml")
    ((one,), _) = read_annotations(tmp_path / "export.json", "label-studio", options)
    page = one.page
    assert {e.type: e.text for e in page.entities} == {
        "SELLER_NAME": "Hammer Tools", "ITEM_DESCRIPTION": "Nails", "ITEM_AMOUNT": "12.50",
        "INVOICE_NUMBER": "A 7712",  # as transcribed, though OCR reads one word there
    }  # fmt: skip
    (line,) = page.relations
    assert (line.type, len(line.members)) == ("line_item", 2)
    assert page.provenance.ocr["engine"] == "rapidocr"
    assert page.provenance.label_source == "human"
    assert check_page(page) == []
    task["predictions"] = task.pop("annotations")
    (tmp_path / "export.json").write_text(json.dumps([task]))
    with pytest.raises(InterchangeError, match="task 12: has predictions alone; accept or correct them"):
        read_annotations(tmp_path / "export.json", "label-studio", options)
