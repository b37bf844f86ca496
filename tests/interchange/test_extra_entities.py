"""Entity types of a user's own go out to other tools and come in from them."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from functools import partial

import annotation_samples as samples
import datasets
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from invoicegen.console import app
from invoicegen.interchange import (
    InterchangeError,
    LabelledPage,
    ReadOptions,
    WriteOptions,
    from_label_studio,
    label_config,
    read_annotations,
    read_label_set,
    read_shards,
    to_label_studio,
    write_pages,
    write_shards,
)
from invoicegen.schema.annotation import check_page
from invoicegen.schema.rows import label_set_of
from invoicegen.schema.taxonomy import ENTITY_TYPES, LabelSet

KNOWN = LabelSet.model_validate(
    {"extra_entities": [{"name": "COST_SHARE", "value_kind": "money", "description": "Part that <we> pay"}]}
)
DECLARED = "taxonomy:\n  extra_entities:\n    - {name: COST_SHARE, value_kind: money}\n"


@pytest.fixture
def tasks(pages):
    """A task whose first amount that is no line item's was relabelled to the added type."""
    made = json.loads(json.dumps(to_label_studio([pages[0]], as_predictions=False)))
    results = made[0]["annotations"][0]["result"]
    amount = next(one for one in results if one.get("value", {}).get("rectanglelabels") == ["TOTAL_AMOUNT"])
    amount["value"]["rectanglelabels"] = ["cost_share"]
    return made


@pytest.fixture
def annotated(tasks, labelled):
    (page,) = from_label_studio(tasks, KNOWN)
    return LabelledPage(page, partial(bytes, labelled[0].read_image()))


def test_an_annotation_has_the_kind_of_value_that_was_declared(annotated, pages):
    page = annotated.page
    (share,) = (one for one in page.entities if one.type == "COST_SHARE")
    total = next(one for one in pages[0].entities if one.type == "TOTAL_AMOUNT")
    assert (share.value_kind, share.value, share.words) == ("money", total.value, total.words)
    assert page.ner_tags[share.words[0]] == "B-COST_SHARE"
    assert check_page(page, KNOWN) == []
    assert check_page(page) == [f"entity {share.id}: unknown type 'COST_SHARE'"]


def test_a_label_that_nobody_declared_is_refused_with_both_mends(tasks):
    with pytest.raises(InterchangeError, match=r"'cost_share' .*--labels .*taxonomy\.extra_entities"):
        from_label_studio(tasks)


def test_the_interface_offers_added_types_with_what_they_mean():
    labels = [label.attrib for label in ET.fromstring(label_config(KNOWN)).iter("Label")]
    assert [label["value"] for label in labels] == [*ENTITY_TYPES, "COST_SHARE"]
    assert labels[-1]["hint"] == "Part that <we> pay"


@pytest.mark.parametrize("source", ["label-studio", "hf"])
def test_pages_with_added_types_survive_a_round_trip(annotated, tmp_path, source):
    write_pages([annotated], tmp_path / "out", source, WriteOptions(as_predictions=False), KNOWN)
    place = tmp_path / "out" / ("tasks.json" if source == "label-studio" else "data")
    ((back,), _) = read_annotations(place, source, ReadOptions(), KNOWN)

    def shares(page):
        return [(one.text, one.value) for one in page.entities if one.type == "COST_SHARE"]

    assert shares(back.page) == shares(annotated.page) != []


def test_names_of_added_types_are_in_the_files_of_other_tools(annotated, tmp_path):
    write_pages([annotated], tmp_path / "hf", "hf", WriteOptions(), KNOWN)
    (file,) = (tmp_path / "hf/data").glob("*.parquet")
    features = datasets.Features.from_arrow_schema(pq.read_schema(file))
    assert features["ner_tags"].feature.names == list(KNOWN.ner_labels)
    write_pages([annotated], tmp_path / "coco", "coco", WriteOptions(), KNOWN)
    (file,) = (tmp_path / "coco/annotations").glob("*.json")
    coco = json.loads(file.read_text())
    assert coco["categories"][-1]["name"] == "COST_SHARE"
    assert coco["categories"][-1]["id"] in {one["category_id"] for one in coco["annotations"]}


def test_writing_pages_whose_types_are_not_declared_is_refused(annotated, tmp_path):
    with pytest.raises(InterchangeError, match=r"has labels of COST_SHARE, .*taxonomy\.extra_entities"):
        write_pages([annotated], tmp_path / "hf", "hf", WriteOptions())
    assert not (tmp_path / "hf").exists()


def test_labels_of_other_datasets_can_mean_added_types(tmp_path):
    labels = samples.put(tmp_path / "labels.yml", "sub_total.tax_price: COST_SHARE\n")
    folder = samples.cord_metadata(tmp_path / "cord")
    ((one,), _) = read_annotations(folder, "cord", ReadOptions(labels=labels), KNOWN)
    assert [(e.text, e.value) for e in one.page.entities if e.type == "COST_SHARE"] == [("2.000", "2000")]
    with pytest.raises(InterchangeError, match=r"mapped to 'COST_SHARE'; write O or one of .*extra_entities"):
        read_annotations(folder, "cord", ReadOptions(labels=labels))


def test_the_command_takes_types_from_a_file_of_parameters_or_from_our_shards(annotated, tmp_path):
    def convert(*arguments):
        return CliRunner().invoke(app, ["convert", *map(str, arguments)])

    write_pages([annotated], tmp_path / "tasks", "label-studio", WriteOptions(as_predictions=False), KNOWN)
    source = tmp_path / "tasks/tasks.json", tmp_path / "ours", "--from", "label-studio"
    refused = convert(*source)
    assert refused.exit_code == 1
    assert "'COST_SHARE'" in refused.output
    done = convert(*source, "--taxonomy", samples.put(tmp_path / "parameters_taxonomy.yml", DECLARED))
    assert done.exit_code == 0, done.output
    (file,) = (tmp_path / "ours").glob("*.parquet")
    assert [one.name for one in label_set_of(pq.read_schema(file)).extra_entities] == ["COST_SHARE"]
    done = convert(tmp_path / "ours", tmp_path / "again", "--to", "label-studio")
    assert done.exit_code == 0, done.output
    assert "COST_SHARE" in (tmp_path / "again/config.xml").read_text()


def test_added_types_survive_our_shards(annotated, tmp_path):
    write_shards([annotated], tmp_path / "shards", labels=KNOWN)
    (back,) = read_shards(tmp_path / "shards")
    assert back.page == annotated.page


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("extra_entities: []\n", "has no key taxonomy"),
        ("taxonomy:\n  extra_entities:\n    - {name: TOTAL_AMOUNT}\n", "type of the taxonomy already"),
        ("taxonomy:\n  extra_entities:\n    - {name: SHARE, kind: money}\n", r"extra_entities.0.kind"),
        ("taxonomy: [\n", "neither YAML nor JSON"),
    ],
)
def test_files_that_declare_nothing_or_wrongly_are_refused(tmp_path, text, says):
    with pytest.raises(InterchangeError, match=rf"taxonomy\.yml.*{says}"):
        read_label_set(samples.put(tmp_path / "taxonomy.yml", text))
