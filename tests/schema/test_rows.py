"""Pages as Parquet rows, written by us and opened by Hugging Face datasets."""

import pyarrow.parquet as pq
import pytest

from invoicegen.schema.rows import PAGE_SCHEMA, label_set_of, page_to_row, row_to_page, rows_to_table
from invoicegen.schema.taxonomy import CELL_LABELS, NER_IDS, NER_LABELS, TABLE_LABELS, LabelSet


@pytest.fixture
def row(page, image_bytes):
    return page_to_row(page, image_bytes, "office_scan")


def test_a_row_states_the_page_in_columns(page, row):
    assert set(row) == set(PAGE_SCHEMA.names)
    assert row["id"] == "doc-7-0"
    assert row["tokens"] == [word.text for word in page.words]
    assert row["bboxes"] == page.boxes_1000
    assert row["segment_ids"] == [0, 1, 2, 3, 3, 4, 5]
    assert row["ner_tags"][3] == NER_IDS["B-ITEM_DESCRIPTION"]
    assert row["ocr_engine"] == "rapidocr"
    assert row["augmentation"] == "office_scan"


def test_a_page_of_true_words_has_no_engine(page, image_bytes):
    truth = page.model_copy(update={"provenance": page.provenance.model_copy(update={"ocr": None})})
    words = [word.model_copy(update={"segment_id": None}) for word in page.words]
    row = page_to_row(truth.model_copy(update={"words": words}), image_bytes, "clean")
    assert row["ocr_engine"] == "none"
    assert row["segment_ids"] == [-1] * 7


def test_rows_come_back_from_parquet_as_the_same_pages(page, row, tmp_path):
    path = tmp_path / "part.parquet"
    pq.write_table(rows_to_table([row, row]), path)
    table = pq.read_table(path)
    assert table.schema.equals(PAGE_SCHEMA)
    assert table.schema.metadata[b"huggingface"] == PAGE_SCHEMA.metadata[b"huggingface"]
    back = table.to_pylist()
    assert [row_to_page(item) for item in back] == [page, page]
    assert back[0]["image"]["bytes"] == row["image"]["bytes"]


def test_the_row_decides_the_split(page, row):
    assert row_to_page({**row, "split": "test"}) == page.model_copy(update={"split": "test"})


def test_hugging_face_datasets_knows_labels_and_image(page, row, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    import datasets

    path = tmp_path / "part.parquet"
    pq.write_table(rows_to_table([row]), path)
    dataset = datasets.load_dataset(
        "parquet", data_files=str(path), split="train", cache_dir=str(tmp_path / "cache")
    )
    assert dataset.features["ner_tags"].feature.names == list(NER_LABELS)
    assert dataset.features["table_tags"].feature.names == list(TABLE_LABELS)
    assert dataset.features["cell_tags"].feature.names == list(CELL_LABELS)
    assert isinstance(dataset.features["image"], datasets.Image)
    (item,) = dataset
    assert item["image"].size == (page.width, page.height)
    assert item["image"].getpixel((5, 5)) == (250, 240, 230)
    label = dataset.features["ner_tags"].feature
    assert [label.int2str(tag) for tag in item["ner_tags"]] == page.ner_tags
    assert item["tokens"] == [word.text for word in page.words]
    assert item["bboxes"] == page.boxes_1000
    assert row_to_page(item) == page


def test_a_shard_says_which_types_were_added(page, image_bytes, tmp_path):
    labels = LabelSet.model_validate({"extra_entities": [{"name": "PROJECT_CODE", "value_kind": "date"}]})
    tags = ["B-PROJECT_CODE", *["O"] * (len(page.words) - 1)]
    row = page_to_row(page.model_copy(update={"ner_tags": tags}), image_bytes, "clean", labels)
    path = tmp_path / "part.parquet"
    pq.write_table(rows_to_table([row], labels), path)
    schema = pq.read_schema(path)
    assert label_set_of(schema) == labels
    assert label_set_of(PAGE_SCHEMA) == label_set_of(PAGE_SCHEMA.remove_metadata()) == LabelSet()
    assert row["ner_tags"][0] == 73
    import datasets

    assert datasets.Features.from_arrow_schema(schema)["ner_tags"].feature.names == list(labels.ner_labels)
