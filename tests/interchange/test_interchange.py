"""Labelled pages in other tools' formats: what is written, what comes back, and what is refused."""

from __future__ import annotations

import copy
import hashlib
import json
import xml.etree.ElementTree as ET

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from invoicegen.console import app
from invoicegen.interchange import InterchangeError, from_label_studio, label_config, to_coco, to_label_studio
from invoicegen.labeling.annotate import DocumentState, annotate_page
from invoicegen.rendering import render_document
from invoicegen.schema.annotation import check_page
from invoicegen.schema.rows import page_to_row, rows_to_table
from invoicegen.schema.taxonomy import ENTITY_TYPES
from invoicegen.synthesis import synthesise
from invoicegen.templates import PlanOptions, compose, plan_document

FAMILIES = ("modern", "classic", "receipt")
OPTIONS = PlanOptions(
    seed=2,
    locales={"de_DE": 1, "en_US": 1, "fr_FR": 1},
    families=dict.fromkeys(FAMILIES, 1.0),
    kinds={"commercial_invoice": 1, "shop_receipt": 1},
    engines={name: {"pdf_text": 1.0} for name in FAMILIES},
    presets={name: {"clean": 1.0} for name in FAMILIES},
)


@pytest.fixture(scope="module")
def pages():
    made = []
    for index in range(6):
        plan = plan_document(index, OPTIONS)
        invoice = synthesise(plan)
        rendered = render_document(compose(invoice, plan), dpi=100)
        state = DocumentState()
        for truth in rendered.pages:
            name = f"images/{plan.doc_id}-{truth.page}.jpg"
            digest = hashlib.sha256(b"").hexdigest()
            page, _ = annotate_page(
                truth, None, plan, invoice, name, digest, len(rendered.pages), dpi=100, state=state
            )
            made.append(page)
    return made


def test_coco_has_every_value_once_in_its_place(pages):
    coco = to_coco(pages)
    names = {category["id"]: category["name"] for category in coco["categories"]}
    assert list(names.values()) == list(ENTITY_TYPES)
    assert len({one["id"] for one in coco["annotations"]}) == sum(len(page.entities) for page in pages)
    for image, page in zip(coco["images"], pages, strict=True):
        assert (image["file_name"], image["width"], image["height"]) == (page.image, page.width, page.height)
        found = [one for one in coco["annotations"] if one["image_id"] == image["id"]]
        for one, entity in zip(found, page.entities, strict=True):
            x, y, width, height = one["bbox"]
            assert names[one["category_id"]] == entity.type
            assert [x, y, x + width, y + height] == pytest.approx(entity.box)
            assert one["area"] == pytest.approx(width * height)
            assert one["attributes"]["text"] == entity.text
    lines = {one["attributes"]["relation"] for one in coco["annotations"]}
    assert any(line and line.startswith("line-") for line in lines)


@pytest.mark.parametrize("as_predictions", [True, False])
def test_tasks_that_nobody_changed_come_back_as_they_were(pages, as_predictions):
    tasks = json.loads(json.dumps(to_label_studio(pages, as_predictions=as_predictions)))
    back = from_label_studio(tasks)
    for before, after in zip(pages, back, strict=True):
        human = before.provenance.model_copy(update={"label_source": "human"})
        same = {(r.id, tuple(sorted(r.members))) for r in before.relations}
        assert {(r.id, tuple(sorted(r.members))) for r in after.relations} == same
        expected = before.model_copy(update={"provenance": human, "relations": after.relations})
        assert after == expected


def test_rectangles_are_percentages_of_the_image(pages):
    page = pages[0]
    task = to_label_studio([page], image_prefix="/x/")[0]
    assert task["data"]["image"] == f"/x/{page.image}"
    first = task["predictions"][0]["result"][0]
    entity = page.entities[0]
    assert first["value"]["x"] == pytest.approx(100 * entity.box[0] / page.width)
    assert first["value"]["height"] == pytest.approx(100 * (entity.box[3] - entity.box[1]) / page.height)
    assert (first["original_width"], first["original_height"]) == (page.width, page.height)


def test_the_interface_offers_the_taxonomy():
    labels = [label.get("value") for label in ET.fromstring(label_config()).iter("Label")]
    assert labels == list(ENTITY_TYPES)


def rectangles(task):
    return [one for one in task["predictions"][0]["result"] if one["type"] == "rectanglelabels"]


@pytest.fixture
def task(pages):
    return copy.deepcopy(to_label_studio([pages[0]])[0])


def test_a_corrected_label_changes_the_tags_and_drops_the_value(task, pages):
    number = next(one for one in rectangles(task) if one["value"]["rectanglelabels"] == ["INVOICE_NUMBER"])
    number["value"]["rectanglelabels"] = ["PURCHASE_ORDER_NUMBER"]
    (page,) = from_label_studio([task])
    entity = next(one for one in page.entities if one.id == number["id"])
    assert (entity.type, entity.value) == ("PURCHASE_ORDER_NUMBER", None)
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
    task["predictions"][0]["result"].append(drawn)
    (page,) = from_label_studio([task])
    entity = page.entities[-1]
    assert entity.words == [free]
    assert entity.text == source.words[free].text
    assert page.cell_tags[free] == "DATA"
    assert page.table_tags[free] != "OUTSIDE"


def test_a_deleted_rectangle_is_gone_and_its_line_goes_on(task, pages):
    line = next(relation for relation in pages[0].relations if len(relation.members) > 2)
    gone = line.members[1]
    result = task["predictions"][0]["result"]
    task["predictions"][0]["result"] = [
        one for one in result if one.get("id") != gone and gone not in (one.get("from_id"), one.get("to_id"))
    ]
    (page,) = from_label_studio([task])
    assert gone not in {entity.id for entity in page.entities}
    after = next(relation for relation in page.relations if relation.id == line.id)
    assert set(after.members) == set(line.members) - {gone}


def test_the_last_annotation_counts_and_cancelled_ones_do_not(task):
    result = task["predictions"][0]["result"]
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
            r"task 7, region .*not one of",
        ),
        (broken(lambda task, r: r[0]["value"].update(rectanglelabels=[])), "not one of"),
        (broken(lambda task, r: r[0]["value"].update(x=99.0, width=30.0)), "leaves the image"),
        (broken(lambda task, r: r[0]["value"].update(x=0.0, y=0.0, width=0.2, height=0.2)), "holds no word"),
        (broken(lambda task, r: r[0]["value"].update(r[1]["value"])), "both hold the word"),
        (broken(lambda task, r: task["data"].pop("invoicegen_page")), "no page of InvoiceGen"),
        (broken(lambda task, r: task.pop("predictions")), "neither annotations nor predictions"),
    ],
)
def test_what_cannot_be_taken_over_is_named(task, pages, change, message):
    task["id"] = 7
    change(task)
    good = to_label_studio([pages[1]])[0]
    with pytest.raises(InterchangeError, match=message):
        from_label_studio([good, task])


@pytest.fixture
def shards(pages, tmp_path):
    folder = tmp_path / "test_pages"
    folder.mkdir()
    pq.write_table(
        rows_to_table(page_to_row(page, b"picture", "clean") for page in pages), folder / "a.parquet"
    )
    return folder


def run(*arguments):
    return CliRunner().invoke(app, ["convert", *map(str, arguments)])


def test_the_command_writes_and_reads_back(shards, pages, tmp_path):
    done = run(shards, tmp_path / "tasks", "--to", "label-studio")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "tasks" / pages[0].image).read_bytes() == b"picture"
    ET.parse(tmp_path / "tasks/config.xml")
    done = run(tmp_path / "tasks/tasks.json", tmp_path / "back", "--from", "label-studio")
    assert done.exit_code == 0, done.output
    lines = (tmp_path / "back/pages.jsonl").read_text().splitlines()
    assert [json.loads(line)["doc_id"] for line in lines] == [page.doc_id for page in pages]
    assert run(shards, tmp_path / "coco", "--to", "coco").exit_code == 0
    assert len(json.loads((tmp_path / "coco/coco.json").read_text())["images"]) == len(pages)


def test_the_command_imports_nothing_by_halves(shards, tmp_path):
    run(shards, tmp_path / "tasks", "--to", "label-studio")
    tasks = json.loads((tmp_path / "tasks/tasks.json").read_text())
    rectangles(tasks[-1])[0]["value"]["rectanglelabels"] = ["NONSENSE"]
    (tmp_path / "export.json").write_text(json.dumps(tasks))
    done = run(tmp_path / "export.json", tmp_path / "back", "--from", "label-studio")
    assert done.exit_code == 1
    assert "nothing was written" in done.output
    assert not (tmp_path / "back").exists()


@pytest.mark.parametrize("arguments", [(), ("--to", "pdf"), ("--to", "coco", "--from", "label-studio")])
def test_the_command_says_what_it_wants(shards, tmp_path, arguments):
    done = run(shards, tmp_path / "out", *arguments)
    assert done.exit_code == 2
    assert "--to coco" in done.output


def test_a_folder_that_is_full_is_left_alone(shards, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine.txt").write_text("mine")
    done = run(shards, tmp_path / "out", "--to", "coco")
    assert done.exit_code == 2
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]
