"""COCO: boxes by entity type."""

from __future__ import annotations

import json

import pytest

from invoicegen.interchange import WriteOptions, to_coco, write_pages
from invoicegen.schema.taxonomy import ENTITY_TYPES


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


def test_a_file_a_split_with_the_images_beside_it(labelled, tmp_path):
    write_pages(labelled, tmp_path / "coco", "coco", WriteOptions())
    named = []
    for split in ("train", "validation", "test"):
        coco = json.loads((tmp_path / f"coco/annotations/instances_{split}.json").read_text())
        names = [image["file_name"] for image in coco["images"]]
        assert names == [one.page.image for one in labelled if one.page.split == split]
        named += names
    assert all((tmp_path / "coco" / name).read_bytes().startswith(b"\xff\xd8") for name in named)
    assert len(named) == len(labelled)
