"""What cannot be taken over is refused by file, line or record and mend, and nothing is written."""

from __future__ import annotations

import copy
import json

import annotation_samples as samples
import pytest
from typer.testing import CliRunner

from invoicegen.console import app
from invoicegen.interchange import (
    ImportOptions,
    InterchangeError,
    LabelledPage,
    ReadOptions,
    WriteOptions,
    deal_splits,
    import_pages,
    read_annotations,
    write_pages,
)


def refused(folder, source, **options):
    with pytest.raises(InterchangeError) as caught:
        read_annotations(folder, source, ReadOptions(**options))
    return str(caught.value)


def changed(form, change):
    form = copy.deepcopy(form)
    change(form)
    return form


FORM = samples.FUNSD_FORM


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ('{"form": [\n  {"id": 0,\n', ["0001.json, line 3: broken JSON", "export it again"]),
        (changed(FORM, lambda f: f["form"][1].update(label="answer")),
         ["'answer'", "0001.json, segment 1", "--labels", "'answer': O"]),
        (changed(FORM, lambda f: f["form"][1]["words"][0].update(box=[300, 500, 350])),
         ["0001.json: form.1.words.0.box", "at least 4 items"]),
        (changed(FORM, lambda f: f["form"][1]["words"][0].update(box=[300, 500, 480, 515])),
         ["0001.json: word 2 '19.90'", "off the page of 400 x 600 px", "--clip"]),
        (changed(FORM, lambda f: f["form"][1]["words"][0].update(box=[350, 500, 300, 515])),
         ["word 2 '19.90'", "inside out"]),
        (changed(FORM, lambda f: f["form"][1].pop("label")), ["0001.json: form.1.label: Field required"]),
        ([1, 2], ["0001.json: record"]),
        (b"\xff\xfe{", ["0001.json, line 1: not in UTF-8"]),
    ],
)  # fmt: skip
def test_funsd(tmp_path, form, says):
    folder = samples.funsd(tmp_path)
    samples.put(folder / "training_data/annotations/0001.json", form)
    message = refused(folder, "funsd")
    assert all(part in message for part in says), message


def test_all_unknown_labels_are_told_at_once(tmp_path):
    folder = samples.funsd(tmp_path)
    form = changed(
        FORM, lambda f: [f["form"][i].update(label=name) for i, name in ((1, "summe"), (2, "firma"))]
    )
    samples.put(folder / "training_data/annotations/0001.json", form)
    message = refused(folder, "funsd")
    assert "'summe'" in message
    assert "'firma'" in message


def test_a_box_over_the_edge_is_cut_on_demand_but_one_outside_is_not(tmp_path):
    folder = samples.funsd(tmp_path)
    file = folder / "training_data/annotations/0001.json"
    samples.put(file, changed(FORM, lambda f: f["form"][1]["words"][0].update(box=[300, 500, 480, 515])))
    pages, _ = read_annotations(folder, "funsd", ReadOptions(clip=True))
    (page,) = (one.page for one in pages if one.page.doc_id == "0001")
    (word,) = (word for word in page.words if word.text == "19.90")
    assert word.box == [300, 500, 400, 515]
    samples.put(file, changed(FORM, lambda f: f["form"][1]["words"][0].update(box=[500, 500, 580, 515])))
    assert "off the page" in refused(folder, "funsd", clip=True)


def exif():
    from PIL import Image

    data = Image.Exif()
    data[0x0112] = 6
    return data


@pytest.mark.parametrize(
    ("image", "says"),
    [
        (None, ["0001.json: no image '0001' in", "images", "--images"]),
        (b"GIF89a....", ["0001.png: is no image of PNG, JPEG or TIFF"]),
        (samples.image_bytes("PNG")[:100], ["0001.png: the image is damaged"]),
        (samples.image_bytes("JPEG", exif=exif()), ["EXIF orientation 6", "save it upright"]),
    ],
)
def test_images(tmp_path, image, says):
    folder = samples.funsd(tmp_path)
    place = folder / "training_data/images/0001.png"
    place.unlink()
    if image is not None:
        samples.put(place, image)
    message = refused(folder, "funsd")
    assert all(part in message for part in says), message


def test_an_image_too_large_is_refused(tmp_path):
    from PIL import Image

    folder = samples.funsd(tmp_path)
    Image.new("1", (11_000, 11_000)).save(folder / "training_data/images/0001.png")
    assert "11,000 x 11,000 px, the limit is" in refused(folder, "funsd")


def cord_row(change=None, **row):
    truth = samples.cord_truth()
    if change:
        change(truth)
    return json.dumps({"file_name": "receipt_1.jpg", "ground_truth": json.dumps(truth), **row})


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{broken", ["metadata.jsonl, line 2: broken JSON"]),
        (cord_row(ground_truth="{broken"), ["metadata.jsonl, line 2: broken JSON"]),
        (json.dumps({"file_name": "a.jpg"}), ["line 2: has no file_name and ground_truth"]),
        (cord_row(file_name="gone.jpg"), ["line 2: no image 'gone.jpg'"]),
        (cord_row(lambda t: t["valid_line"][0].update(category="menu.colour")),
         ["'menu.colour'", "line 2, valid_line 1"]),
        (cord_row(lambda t: t["valid_line"][0]["words"][0]["quad"].pop("x3")),
         ["line 2: valid_line.0.words.0.quad.x3: Field required"]),
        (cord_row(lambda t: t["valid_line"][0]["words"][0]["quad"].update(x1=-90)),
         ["line 2: word 1 '1'", "off the page"]),
        (cord_row(file_name="receipt_0.jpg"), ["line 1: document receipt_0 has pages [0, 0]", "each of 0 to 0"]),
    ],
)  # fmt: skip
def test_cord(tmp_path, line, says):
    folder = samples.cord_metadata(tmp_path)
    samples.put(folder / "train/receipt_1.jpg", samples.image_bytes())
    file = folder / "train/metadata.jsonl"
    file.write_text(file.read_text() + line + "\n")
    message = refused(folder, "cord")
    assert all(part in message for part in says), message


@pytest.mark.parametrize(
    ("file", "content", "says"),
    [
        ("box", "72,25,326,25,326,64,72,TAN WOON\n", ["X51005255805.txt, line 1:", "eight numbers"]),
        ("box", samples.SROIE_BOXES + "1,2,3\n", ["X51005255805.txt, line 14:"]),
        (
            "box",
            samples.SROIE_BOXES.replace("326,25,326,64", "926,25,926,64"),
            ["word 2 'WOON'", "off the page"],
        ),
        ("box", b"72,25,326,25,326,64,72,64,CAF\xc9\n", ["line 1: not in UTF-8"]),
        ("entities", '{\n"company": "A"\n"date": ""}', ["entities", "line 3: broken JSON"]),
        ("entities", None, ["no entities/X51005255805.txt"]),
        ("img", None, ["no image 'X51005255805'"]),
    ],
)
def test_sroie(tmp_path, file, content, says):
    folder = samples.sroie(tmp_path)
    (place,) = (folder / "train" / file).iterdir()
    place.unlink()
    if content is not None:
        samples.put(place, content)
    message = refused(folder, "sroie")
    assert all(part in message for part in says), message


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda a: a["field_extractions"][1].update(fieldtype="colour"),
         ["'colour'", "0a1b.json, field_extractions 2"]),
        (lambda a: a["field_extractions"][0].update(bbox=[0.4, 0.1, 1.4, 0.2]),
         ["field_extractions 1 (document_id)", "off the page", "from 0 to 1"]),
        (lambda a: a["line_item_extractions"][3].update(page=2), ["line_item_extractions 4", "page 2 of 2"]),
        (lambda a: a["metadata"].update(page_count=3), ["page_count is 3, the PDF has 2"]),
        (lambda a: a.pop("line_item_extractions"), ["0a1b.json: line_item_extractions: Field required"]),
        (lambda a: a["field_extractions"][5].update(text=""), ["field_extractions 6 (date_issue): holds no word"]),
    ],
)  # fmt: skip
def test_docile(tmp_path, invoice_pdf, change, says):
    folder = samples.docile(tmp_path, invoice_pdf.read_bytes())
    annotation = samples.docile_annotation()
    change(annotation)
    samples.put(folder / "annotations/0a1b.json", annotation)
    message = refused(folder, "docile", dpi=72)
    assert all(part in message for part in says), message


def test_docile_files_that_are_missing(tmp_path, invoice_pdf):
    folder = samples.docile(tmp_path / "a", invoice_pdf.read_bytes())
    samples.put(folder / "train.json", ["0a1b", "ffff"])
    assert "train.json: document 'ffff' has no annotations/ffff.json" in refused(folder, "docile")
    samples.put(folder / "train.json", ["0a1b"])
    samples.put(folder / "ocr/0a1b.json", {"pages": [samples.docile_ocr()]})
    assert "has 1 pages, the PDF 2" in refused(folder, "docile", dpi=72)
    (folder / "pdfs/0a1b.pdf").unlink()
    assert "there is no such file" in refused(folder, "docile")
    assert "has no folder annotations" in refused(tmp_path, "docile")


@pytest.mark.parametrize(
    ("row", "names", "says"),
    [
        ({"ner_tags": ["O"] * 5}, None, ["row 1: 6 tokens, 6 bboxes, 5 ner_tags"]),
        ({"bboxes": [[50, 40, 120, 60]] * 5}, None, ["row 1: 6 tokens, 5 bboxes"]),
        ({"bboxes": [[50, 40, 1200, 60]] * 6}, None, ["row 1: word 1 'Acme'", "from 0 to 1000"]),
        ({"ner_tags": ["O"] * 5 + ["B-GESAMT"]}, None, ["'GESAMT'", "row 1, word 6"]),
        ({"ner_tags": ["O"] * 5 + ["TOTAL"]}, None, ["row 1: tag 'TOTAL' of word 6 is not O, B-"]),
    ],
)
def test_hugging_face(tmp_path, row, names, says):
    message = refused(samples.hf(tmp_path / "hf", samples.HF_ROW | row, names), "hf")
    assert all(part in message for part in says), message


def test_hugging_face_numbers_without_names(tmp_path):
    import pyarrow.parquet as pq

    file = next(samples.hf(tmp_path / "hf").rglob("*.parquet"))
    pq.write_table(pq.read_table(file).replace_schema_metadata(None), file)
    assert "ner_tags has 1 without a name; store the dataset with ClassLabel" in refused(
        tmp_path / "hf", "hf"
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("answer: TOTAL", "label 'answer' is mapped to 'TOTAL'; write O or one of"),
        ("- answer", "is no map"),
        ("{", "neither YAML nor JSON"),
    ],
)
def test_label_files(tmp_path, text, says):
    labels = samples.put(tmp_path / "labels.yml", text)
    assert says in refused(samples.funsd(tmp_path / "f"), "funsd", labels=labels)


@pytest.mark.parametrize(("source", "says"), [("funsd", "annotations"), ("cord", "metadata.jsonl"), ("sroie", "box"),
                                              ("hf", "Parquet")])  # fmt: skip
def test_folders_that_hold_something_else(tmp_path, source, says):
    assert says in refused(tmp_path, source)
    assert "is not there" in refused(tmp_path / "gone", source)


def test_the_command_writes_nothing_if_one_page_of_many_is_bad(tmp_path):
    folder = samples.funsd(tmp_path / "f")
    samples.put(folder / "training_data/annotations/0009.json", "{")
    done = CliRunner().invoke(app, ["convert", str(folder), str(tmp_path / "out"), "--from", "funsd"])
    assert done.exit_code == 1
    assert "0009.json, line 1: broken JSON" in done.output
    assert "nothing was written" in done.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["f"]


def dealt(labelled, groups):
    pages = []
    for one, group in zip(labelled, groups, strict=False):
        provenance = one.page.provenance.model_copy(update={"split_group": group})
        page = one.page.model_copy(update={"split": None, "provenance": provenance})
        pages.append(LabelledPage(page, one.read_image))
    return pages


def test_a_split_that_stays_empty_is_refused_with_a_seed_that_fills_all(labelled):
    pages = dealt(labelled, "abcabc")
    with pytest.raises(
        InterchangeError, match=r"no pages for .*: 3 groups .* take import.seed=\d+"
    ) as caught:
        deal_splits(pages, ImportOptions(seed=3))
    seed = int(str(caught.value).split("import.seed=")[1].split(",")[0])
    found = deal_splits(pages, ImportOptions(seed=seed))
    assert {one.page.split for one in found} == {"train", "validation", "test"}
    by_group: dict[str, set[str]] = {}
    for one in found:
        by_group.setdefault(one.page.provenance.split_group, set()).add(one.page.split)
    assert all(len(splits) == 1 for splits in by_group.values())


def test_splits_that_cannot_be_filled_or_kept_are_refused(labelled):
    pages = dealt(labelled, "aabb")
    with pytest.raises(InterchangeError, match=r"2 groups .*set its share to 0"):
        deal_splits(pages, ImportOptions())
    with pytest.raises(InterchangeError, match=r"does not say its split; take import.splits=deal"):
        deal_splits(pages, ImportOptions(splits="keep"))
    only_test = ImportOptions.model_validate({"shares": {"train": 0, "validation": 0, "test": 1}})
    assert {one.page.split for one in deal_splits(pages, only_test)} == {"test"}


@pytest.mark.parametrize("target", ["docile", "cord"])
def test_a_document_whose_name_is_a_path_is_not_written(labelled, tmp_path, target):
    page = labelled[0].page.model_copy(update={"doc_id": "../outside"})
    with pytest.raises(InterchangeError, match=r"document '\.\./outside': its name cannot be that of a file"):
        write_pages([LabelledPage(page, labelled[0].read_image)], tmp_path / "out", target, WriteOptions())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("target", ["coco", "label-studio"])
def test_an_image_outside_of_the_dataset_is_not_written(labelled, tmp_path, target):
    page = labelled[0].page.model_copy(update={"image": "../outside.jpg"})
    with pytest.raises(InterchangeError, match="is not within the dataset"):
        write_pages([LabelledPage(page, labelled[0].read_image)], tmp_path / "out", target, WriteOptions())
    assert list(tmp_path.iterdir()) == []


def test_an_import_of_nothing_says_how():
    with pytest.raises(InterchangeError, match=r"--params=import.path=…,import.format="):
        import_pages(ImportOptions())
