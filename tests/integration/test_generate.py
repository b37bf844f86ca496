import json
import re
import signal
import subprocess
import time
from pathlib import Path

import jsonschema
import pyarrow.parquet as pq
import pytest
from notebooks import count_pictures, run_notebook
from prometheus_client.parser import text_string_to_metric_families

from invoicegen.extraction import rebuild_line_items
from invoicegen.schema.annotation import Page, check_page
from invoicegen.schema.prediction import PagePrediction
from invoicegen.schema.rows import row_to_page
from invoicegen.schema.taxonomy import NER_LABELS

SCHEMA = json.loads((Path(__file__).parents[2] / "src/invoicegen/schema/page.schema.json").read_text())
STAGES = (
    "document_plan",
    "invoices",
    "pdfs",
    "true_words",
    "page_images",
    "page_words",
    "ocr_words",
    "annotations",
    "alignment_stats",
)
SPLITS = ("train", "validation", "test")


def pages(project):
    return [
        Page.model_validate_json(line)
        for file in sorted(project.data("02_intermediate/annotations").rglob("*.jsonl"))
        for line in file.read_text().splitlines()
    ]


def test_every_page_is_of_the_schema(generated):
    validator = jsonschema.Draft202012Validator(SCHEMA)
    checked = pages(generated)
    assert len(checked) >= 30
    for page in checked:
        validator.validate(page.model_dump(mode="json"))
        assert check_page(page) == []


def test_pages_are_read_by_both_engines_and_are_of_all_families(generated):
    provenance = [page.provenance for page in pages(generated)]
    assert {p.ocr["engine"] for p in provenance} == {"pdf_text", "rapidocr"}
    assert {p.template_family for p in provenance} == {"modern", "classic", "receipt"}
    assert len({p.locale for p in provenance}) >= 6


def test_a_run_leaves_its_figures_for_prometheus(generated):
    text = (generated.folder / "textfile" / "invoicegen_generate.prom").read_text()
    figures = {
        (sample.name, sample.labels.get("engine") or sample.labels.get("stage")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert figures["invoicegen_run_succeeded", None] == 1
    by_engine = generated.json("08_reporting/labeling_report.json")["by_engine"]
    for engine, counts in by_engine.items():
        assert figures["invoicegen_generated_pages", engine] == counts["pages"]
        kept = figures["invoicegen_generated_labels_kept_ratio", engine]
        assert kept == pytest.approx(counts["labels_kept"], abs=1e-4)
    assert figures["invoicegen_quarantined_documents", "rendering"] == 0
    assert figures["invoicegen_run_duration_seconds", None] > 0


def test_labels_survive_reading(generated):
    report = generated.json("08_reporting/labeling_report.json")
    assert report["by_engine"]["pdf_text"]["labels_kept"] >= 0.995
    assert report["by_engine"]["rapidocr"]["labels_kept"] >= 0.93


def test_as_many_line_items_and_amounts_are_rebuilt_from_the_tags_as_the_record_has(generated):
    """On pages of the text layer; an OCR engine may miss a word."""
    invoices = {
        record["invoice"]["doc_id"]: record["invoice"]
        for file in generated.data("02_intermediate/invoices").rglob("*.jsonl")
        for record in map(json.loads, file.read_text().splitlines())
    }
    by_document: dict[str, list[Page]] = {}
    for page in pages(generated):
        if page.provenance.ocr["engine"] == "pdf_text":
            by_document.setdefault(page.doc_id, []).append(page)
    wrong = []
    for doc_id, document in by_document.items():
        predictions = [
            PagePrediction(
                p.page,
                p.width,
                p.height,
                p.words,
                p.ner_tags,
                [1.0] * len(p.words),
                p.table_tags,
                p.cell_tags,
            )
            for p in sorted(document, key=lambda p: p.page)
        ]
        items = rebuild_line_items(predictions)
        lines = invoices[doc_id]["lines"]
        amounts = [item["ITEM_AMOUNT"]["text"] for item in items if "ITEM_AMOUNT" in item]
        if len(items) != len(lines) or len(amounts) != len(lines):
            wrong.append(f"{doc_id}: {len(items)} items, {len(amounts)} amounts for {len(lines)} lines")
    assert not wrong, wrong
    assert len(by_document) >= 15


def test_no_layout_is_in_two_splits_and_none_is_lost(generated):
    groups, ids = {}, []
    for split in SPLITS:
        for file in generated.data(f"05_model_input/{split}_pages").rglob("*.parquet"):
            table = pq.read_table(file)
            assert set(table["split"].to_pylist()) <= {split}
            groups.setdefault(split, set()).update(table["split_group"].to_pylist())
            ids += table["id"].to_pylist()
    assert not groups["train"] & groups["validation"]
    assert not groups["train"] & groups["test"]
    assert not groups["validation"] & groups["test"]
    assert sorted(ids) == sorted(f"{page.doc_id}-{page.page}" for page in pages(generated))


def test_hugging_face_datasets_opens_the_shards(generated):
    import datasets

    files = sorted(str(f) for f in generated.data("05_model_input/train_pages").rglob("*.parquet"))
    train = datasets.load_dataset(
        "parquet", data_files={"train": files}, cache_dir=str(generated.folder / "hf"), split="train"
    )
    assert train.features["ner_tags"].feature.names == list(NER_LABELS)
    row = train[0]
    assert row["image"].size == (row["width"], row["height"])
    assert len(row["tokens"]) == len(row["bboxes"]) == len(row["ner_tags"])
    raw = pq.read_table(files[0]).slice(0, 1).to_pylist()[0]
    assert row_to_page(raw).split == "train"


def test_two_workers_make_the_same_bytes(generated, project):
    params = "execution.workers=2,generate.documents=10"
    for pipeline in ("synthesis", "rendering", "augmentation", "ocr", "labeling"):
        project.run(pipeline, params)
    for stage in STAGES:
        first = generated.files(f"02_intermediate/{stage}")
        for name, content in project.files(f"02_intermediate/{stage}").items():
            assert content == first[name], f"{stage}/{name} differs"


def test_a_second_run_makes_nothing_anew(generated):
    before = {p: p.stat().st_mtime_ns for p in generated.data("02_intermediate").rglob("*") if p.is_file()}
    done = generated.run("generate", "execution.workers=1")
    after = {p: p.stat().st_mtime_ns for p in generated.data("02_intermediate").rglob("*") if p.is_file()}
    assert after == before
    assert "3 of 3 shards are finished already" in done.stdout + done.stderr


def test_killed_in_the_middle_of_a_shard_a_run_goes_on_to_the_same_bytes(generated, project):
    params = "execution.workers=1"
    project.run("synthesis", params)
    running = subprocess.Popen(
        project.command("rendering", params),
        cwd=project.folder,
        env=project.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    rendered = project.data("02_intermediate/true_words")
    deadline = time.monotonic() + 120
    while not list(rendered.rglob("*0000000.jsonl")) and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.3)  # into the second shard
    running.send_signal(signal.SIGKILL)
    running.wait()
    finished = len(list(rendered.rglob("*.jsonl")))
    assert 1 <= finished < 3, "the run was not killed in the middle"
    project.run("rendering", params)
    for stage in ("pdfs", "true_words"):
        assert project.files(f"02_intermediate/{stage}") == generated.files(f"02_intermediate/{stage}")


def test_a_broken_document_is_set_aside_and_the_run_goes_on(project):
    params = "execution.workers=1,generate.documents=10,generate.jpeg_quality=61"
    project.run("synthesis", params)
    (invoices,) = project.data("02_intermediate/invoices").rglob("*.jsonl")
    records = [json.loads(line) for line in invoices.read_text().splitlines()]
    records[4]["plan"]["genome"]["style"]["font"] = "No Such Font"
    invoices.write_text("".join(json.dumps(record) + "\n" for record in records))
    project.run("rendering", params)
    (words,) = project.data("02_intermediate/true_words").rglob("*.jsonl")
    assert len(words.read_text().splitlines()) == 9
    (quarantine,) = project.data("08_reporting/quarantine/rendering").rglob("*.jsonl")
    (record,) = map(json.loads, quarantine.read_text().splitlines())
    assert record["doc_id"] == records[4]["plan"]["doc_id"]
    assert "No Such Font" in record["error"]
    assert record["plan"]["genome"]["style"]["font"] == "No Such Font"
    assert record["settings"]["generate"]["jpeg_quality"] == 61


def test_a_document_that_was_set_aside_is_replayed_alone_to_the_same_error(project):
    params = "execution.workers=1,generate.documents=10"
    project.run("synthesis", params)
    (invoices,) = project.data("02_intermediate/invoices").rglob("*.jsonl")
    records = [json.loads(line) for line in invoices.read_text().splitlines()]
    records[4]["plan"]["genome"]["style"]["font"] = "No Such Font"
    invoices.write_text("".join(json.dumps(record) + "\n" for record in records))
    project.run("rendering", params)
    (quarantine,) = project.data("08_reporting/quarantine/rendering").rglob("*.jsonl")
    done = project.invoicegen("replay", "--plan", str(quarantine), "--env", "test")
    assert done.returncode == 1
    (record,) = map(json.loads, quarantine.read_text().splitlines())
    assert f"{record['doc_id']} " in done.stderr
    assert "fails at compose" in done.stderr
    assert record["error"] in done.stderr
    folder = project.data("08_reporting/replay") / record["doc_id"]
    assert "No Such Font" in (folder / "error.txt").read_text()
    assert json.loads((folder / "invoice.json").read_text()) == records[4]["invoice"]
    assert not (folder / "document.pdf").exists()
    other = project.invoicegen("replay", "3", "--plan", str(quarantine), "--env", "test")
    assert other.returncode == 2
    assert f"holds documents {record['index']} (variant 0); name one of them" in other.stderr


def test_a_replayed_document_is_that_of_the_run(generated, tmp_path):
    page = next(page for page in pages(generated) if page.provenance.ocr["engine"] == "rapidocr")
    index = int(page.doc_id.rsplit("-", 1)[1])
    done = generated.invoicegen("replay", str(index), "--env", "test", "--output", str(tmp_path))
    assert done.returncode == 0, done.stderr
    made = [
        Page.model_validate_json(line) for line in (tmp_path / "annotations.jsonl").read_text().splitlines()
    ]
    assert made == sorted((p for p in pages(generated) if p.doc_id == page.doc_id), key=lambda p: p.page)
    (pdf,) = [
        row["pdf"]
        for file in generated.data("02_intermediate/pdfs").rglob("*.parquet")
        for row in pq.read_table(file).to_pylist()
        if row["doc_id"] == page.doc_id
    ]
    assert (tmp_path / "document.pdf").read_bytes() == pdf
    assert (tmp_path / "gallery.html").exists()
    assert not (tmp_path / "error.txt").exists()


def test_shards_made_apart_are_together_one_run_byte_for_byte(generated, project):
    for shard in (1, 0):
        for pipeline in ("synthesis", "rendering", "augmentation", "ocr", "labeling", "splitting"):
            project.run(pipeline, f"execution.workers=1,generate.shard={shard},generate.shards=2")
    for stage in STAGES:
        whole = generated.files(f"02_intermediate/{stage}")
        assert len(whole) >= 3
        assert project.files(f"02_intermediate/{stage}") == whole, stage
    for split in SPLITS:
        assert project.files(f"05_model_input/{split}_pages") == generated.files(
            f"05_model_input/{split}_pages"
        )
    assert project.json("05_model_input/manifest.json") != generated.json("05_model_input/manifest.json")
    whole_run = project.command("splitting", "execution.workers=1")
    subprocess.run(
        [*whole_run, "--nodes", "describe_model_input"],
        cwd=project.folder,
        env=project.environment,
        check=True,
    )
    assert project.json("05_model_input/manifest.json") == generated.json("05_model_input/manifest.json")


def test_variants_share_a_rendering_and_a_split_and_the_first_is_the_document_itself(generated, project):
    params = "execution.workers=1,generate.documents=10,generate.variants_per_document=3"
    for pipeline in ("synthesis", "rendering", "augmentation", "ocr", "labeling", "splitting"):
        project.run(pipeline, params)
    before = {page.image: page for page in pages(generated)}
    made: dict[str, list[Page]] = {}
    for page in pages(project):
        made.setdefault(page.doc_id.split("-v")[0], []).append(page)
    assert len(made) == 10
    for document in made.values():
        ids = {page.doc_id for page in document}
        assert len(ids) == 3
        assert len({page.provenance.split_group for page in document}) == 1
        for page in document:
            if "-v" in page.doc_id:
                assert page.provenance.ocr["engine"] == "rapidocr"
            else:
                assert page == before[page.image]
        first = [page for page in document if page.page == 0]
        assert len({page.image_sha256 for page in first}) == 3
    splits: dict[str, set[str]] = {}
    for split in SPLITS:
        for file in project.data(f"05_model_input/{split}_pages").rglob("*.parquet"):
            for name in pq.read_table(file, columns=["id"])["id"].to_pylist():
                splits.setdefault(re.match(r"synth-\d+-\d+", name)[0], set()).add(split)
    assert splits.keys() == made.keys()
    again = next(page for page in pages(project) if page.doc_id.endswith("-v2"))
    index = int(again.doc_id.split("-")[2])
    several = ["--params", "generate.variants_per_document=3", "--variant", "2", "--env", "test"]
    done = project.invoicegen("replay", str(index), *several, "--output", str(project.folder / "replayed"))
    assert done.returncode == 0, done.stderr
    lines = (project.folder / "replayed/annotations.jsonl").read_text().splitlines()
    assert [Page.model_validate_json(line) for line in lines] == sorted(
        (page for page in pages(project) if page.doc_id == again.doc_id), key=lambda page: page.page
    )
    (pdf,) = [
        row["pdf"]
        for file in project.data("02_intermediate/pdfs").rglob("*.parquet")
        for row in pq.read_table(file).to_pylist()
        if again.doc_id == f"{row['doc_id']}-v2"
    ]
    assert (project.folder / "replayed/document.pdf").read_bytes() == pdf
    assert all(len(one) == 1 for one in splits.values())


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ("generate.locales.tlh_QO=1", "unknown tlh_QO; allowed"),
        ("generate.families.baroque=1", "baroque"),
        ("generate.document=10", "unknown parameter; generate has documents"),
        ("generate.dpi=many", "generate.dpi"),
    ],
)
def test_bad_parameters_are_refused_before_any_work(project, params, message):
    done = project.run("generate", params, fails=True)
    assert message in " ".join((done.stdout + done.stderr).split())
    assert not project.data("02_intermediate").exists()


def test_the_notebook_explores_generated_pages(generated):
    notebook = run_notebook("01_explore_the_generated_data", generated.folder)
    assert count_pictures(notebook) == 4
