"""Generated pages out and in again: all comes back but what docs/annotation.md says is lost."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from itertools import pairwise
from pathlib import Path

import datasets
import pypdfium2 as pdfium
import pytest

from invoicegen.interchange import ReadOptions, WriteOptions, read_annotations, read_shards, write_pages
from invoicegen.interchange.cord import CATEGORIES
from invoicegen.interchange.docile import LABELS
from invoicegen.schema.annotation import check_page
from invoicegen.schema.taxonomy import CELL_LABELS, ENTITY_TYPES, NER_LABELS, TABLE_LABELS

ROOT = Path(__file__).parents[2]
DOCILE_PYTHON = ROOT / ".venv-docile/bin/python"


def words_of(page, role):
    return Counter(word.text for word, tag in zip(page.words, page.cell_tags, strict=True) if tag == role)


def back(folder, source, **options):
    pages, notes = read_annotations(folder, source, ReadOptions(**options))
    assert not notes
    for one in pages:
        assert check_page(one.page) == []
        assert one.page.provenance.label_source == "human"
    return {(one.page.doc_id, one.page.page): one for one in pages}


def line_items(page, only=None):
    """The line items of a page as sets of their cells, and the names of those that go on from before."""
    known = {e.id: (e.type, e.text) for e in page.entities if only is None or e.type in only}
    rows = [
        (frozenset(known[m] for m in r.members if m in known), r.continues is not None)
        for r in page.relations
        if r.type == "line_item"
    ]
    return Counter(row for row in rows if row[0])


def alternating(page):
    """Types of which one value begins before another has ended, in reading order."""
    by_type: dict[str, list[list[int]]] = {}
    for entity in page.entities:
        by_type.setdefault(entity.type, []).append(entity.words)
    return {
        name
        for name, found in by_type.items()
        if any(min(b) < max(a) for a, b in pairwise(sorted(found, key=min)))
    }


def texts(page):
    return [word.text for word in page.words]


def test_our_shards_keep_everything(labelled, shards):
    for before, after in zip(labelled, read_shards(shards), strict=True):
        assert after.page == before.page
        assert after.read_image() == before.read_image()


@pytest.mark.parametrize("column", ["tokens", "words"])
def test_hugging_face_loads_what_was_written_with_splits_and_features(labelled, tmp_path, column):
    write_pages(labelled, tmp_path / "hf", "hf", WriteOptions(words_column=column))
    loaded = datasets.load_dataset(str(tmp_path / "hf"), cache_dir=str(tmp_path / "cache"))
    assert {name: len(part) for name, part in loaded.items()} == Counter(p.page.split for p in labelled)
    features = loaded["train"].features
    assert features["ner_tags"].feature.names == list(NER_LABELS)
    assert features["table_tags"].feature.names == list(TABLE_LABELS)
    assert features["cell_tags"].feature.names == list(CELL_LABELS)
    row, page = loaded["train"][0], labelled[0].page
    assert row["image"].size == (page.width, page.height)
    assert row[column] == texts(page)
    assert row["bboxes"] == page.boxes_1000
    assert [NER_LABELS[tag] for tag in row["ner_tags"]] == page.ner_tags


@pytest.mark.parametrize("saved", [False, True])
def test_hugging_face_and_back(labelled, tmp_path, saved):
    write_pages(labelled, tmp_path / "hf", "hf", WriteOptions())
    folder = tmp_path / "hf"
    if saved:
        loaded = datasets.load_dataset(str(folder), cache_dir=str(tmp_path / "cache"))
        folder = tmp_path / "saved"
        loaded.save_to_disk(str(folder))
    found = back(folder, "hf")
    assert len(found) == len(labelled)
    for one in labelled:
        before, after = one.page, found[one.page.doc_id, one.page.page].page
        for key in (
            "split",
            "page_count",
            "document_type",
            "boxes_1000",
            "ner_tags",
            "table_tags",
            "cell_tags",
        ):
            assert getattr(after, key) == getattr(before, key), key
        assert after.provenance.split_group == before.provenance.split_group
        assert texts(after) == texts(before)
        kept = set(ENTITY_TYPES) - alternating(before)
        assert [(e.type, e.words) for e in after.entities if e.type in kept] == [
            (e.type, e.words) for e in before.entities if e.type in kept
        ]
        assert line_items(after, kept) == line_items(before, kept)
        assert found[before.doc_id, before.page].read_image() == one.read_image()


def test_docile_and_back(labelled, tmp_path):
    write_pages(labelled, tmp_path / "docile", "docile", WriteOptions())
    found = back(tmp_path / "docile", "docile", dpi=100)
    shared = set(LABELS.values())
    assert len(found) == len(labelled)
    for one in labelled:
        before, after = one.page, found[one.page.doc_id, one.page.page].page
        assert (after.split, after.page_count, after.document_type) == (
            before.split,
            before.page_count,
            before.document_type,
        )
        assert abs(after.width - before.width) <= 1
        assert abs(after.height - before.height) <= 1
        assert Counter(texts(after)) == Counter(texts(before))
        for word in before.words:
            same = [other.box for other in after.words if other.text == word.text]
            assert any(box == pytest.approx(word.box, abs=1.5) for box in same), word
        assert Counter((e.type, e.text) for e in after.entities) == Counter(
            (e.type, e.text) for e in before.entities if e.type in shared
        )
        assert line_items(after, shared) == line_items(before, shared)
        for role in ("HEADER", "DATA"):
            assert not words_of(before, role) - words_of(after, role)
    clusters = {one.page.provenance.split_group for one in found.values()}
    assert len(clusters) == len({one.page.provenance.split_group for one in labelled})


def test_the_pdf_of_a_docile_export_shows_the_pages(labelled, tmp_path):
    write_pages(labelled, tmp_path / "docile", "docile", WriteOptions())
    page = next(one.page for one in labelled if one.page.page_count > 1)
    pdf = pdfium.PdfDocument(tmp_path / f"docile/pdfs/{page.doc_id}.pdf")
    assert len(pdf) == page.page_count
    width, height = pdf[0].get_size()
    assert (width, height) == pytest.approx((page.width * 0.72, page.height * 0.72), abs=0.2)
    shown = pdf[0].render(scale=100 / 72).to_numpy()
    x0, y0, x1, y1 = (round(value) for value in max(page.words, key=lambda w: len(w.text)).box)
    assert shown[y0:y1, x0:x1].min() < 128 < shown[y0:y1, x0:x1].max()


@pytest.fixture(scope="module")
def read_by_docile(labelled, tmp_path_factory):
    """What DocILE's own package finds in an export."""
    assert DOCILE_PYTHON.exists(), "no environment for docile-benchmark: run `make setup-docile`"
    folder = tmp_path_factory.mktemp("export") / "docile"
    write_pages(labelled, folder, "docile", WriteOptions())
    script = Path(__file__).with_name("docile_package.py")
    done = subprocess.run(
        [DOCILE_PYTHON, script, folder, "train", "val", "test"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_docile_package_reads_documents_fields_and_words(read_by_docile, labelled):
    documents = {
        name: record for part in read_by_docile.values() for name, record in part["documents"].items()
    }
    assert documents.keys() == {one.page.doc_id for one in labelled}
    for doc_id, record in documents.items():
        pages = [one.page for one in labelled if one.page.doc_id == doc_id]
        assert record["pages"] == len(pages)
        assert record["words"] == [texts(page) for page in pages]
        fields = [*record["fields"], *record["items"]]
        assert all(field["valid"] for field in fields)
        told = Counter((LABELS[field["type"]], field["text"], field["page"]) for field in fields)
        assert told == Counter(
            (e.type, e.text, page.page) for page in pages for e in page.entities if e.type in LABELS.values()
        )
        lines = {field["line"] for field in record["items"]}
        assert len(lines) == len({r.id for page in pages for r in page.relations if r.type == "line_item"})
        assert [len(rows or []) for rows in record["grid_rows"]] == [
            len(page.tables[0].rows) if page.tables else 0 for page in pages
        ]


def test_the_docile_package_scores_its_own_truth_in_full(read_by_docile):
    for part in read_by_docile.values():
        assert part["f1"] == {"kile": 1.0, "lir": 1.0}


def test_cord_and_back(labelled, tmp_path):
    write_pages(labelled, tmp_path / "cord", "cord", WriteOptions())
    found = {one.page.doc_id: one for one in back(tmp_path / "cord", "cord").values()}
    assert len(found) == len(labelled)
    for one in labelled:
        before = one.page
        after = found[f"{before.doc_id}-{before.page}"].page
        kept = [e for e in before.entities if e.type in CATEGORIES]
        assert Counter((e.type, e.text) for e in after.entities) == Counter((e.type, e.text) for e in kept)
        assert Counter(texts(after)) == Counter(before.words[i].text for e in kept for i in e.words)
        rows = [cells for cells, _ in line_items(after).elements()]
        assert Counter(rows) == Counter(cells for cells, _ in line_items(before, CATEGORIES).elements())
        assert after.split == before.split
        assert found[f"{before.doc_id}-{before.page}"].read_image() == one.read_image()


def test_cord_is_an_image_folder_with_a_parse_of_each_receipt(labelled, tmp_path):
    write_pages(labelled, tmp_path / "cord", "cord", WriteOptions())
    loaded = datasets.load_dataset(
        "imagefolder", data_dir=str(tmp_path / "cord"), cache_dir=str(tmp_path / "c")
    )
    assert {name: len(part) for name, part in loaded.items()} == Counter(p.page.split for p in labelled)
    row = loaded["train"][0]
    page = next(one.page for one in labelled if one.page.split == "train")
    assert row["image"].size == (page.width, page.height)
    truth = json.loads(row["ground_truth"])
    assert truth["meta"]["image_size"] == {"width": page.width, "height": page.height}
    menu = truth["gt_parse"]["menu"]
    amounts = [e.text for e in page.entities if e.type == "ITEM_AMOUNT"]
    assert [item["price"] for item in (menu if isinstance(menu, list) else [menu])] == amounts
    totals = [e.text for e in page.entities if e.type == "TOTAL_AMOUNT"]
    assert truth["gt_parse"]["total"]["total_price"] in (totals, *totals)
