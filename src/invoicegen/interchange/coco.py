"""COCO object detection: one category an entity type, one annotation a printed value."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from invoicegen.interchange.records import LabelledPage, image_path
from invoicegen.schema.annotation import Page
from invoicegen.schema.taxonomy import DEFAULT_LABELS, LabelSet


def to_coco(pages: Iterable[Page], known: LabelSet = DEFAULT_LABELS) -> dict[str, Any]:
    """Pages as one COCO file.

    Lossy: words, reading order, tables and relations have no place in COCO. Text, value and line of an entity are kept
    under ``attributes``, which readers of plain COCO pass over.

    Args:
        pages: Any number.
        known: The entity types: categories in this order.

    Returns:
        ``images``, ``annotations`` and ``categories``; ``bbox`` is x, y, width, height in pixels of the image.

    Source:
        Lin et al., Microsoft COCO: Common Objects in Context, 2014; data format of cocodataset.org
    """
    categories = [
        {"id": number, "name": name, "supercategory": "line_item" if name.startswith("ITEM_") else "field"}
        for number, name in enumerate(known.entity_types, 1)
    ]
    ids = {category["name"]: category["id"] for category in categories}
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for page in pages:
        image_id = len(images) + 1
        images.append({"id": image_id, "file_name": page.image, "width": page.width, "height": page.height})
        lines = {member: relation.id for relation in page.relations for member in relation.members}
        for entity in page.entities:
            x0, y0, x1, y1 = entity.box
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image_id,
                    "category_id": ids[entity.type],
                    "bbox": [x0, y0, x1 - x0, y1 - y0],
                    "area": (x1 - x0) * (y1 - y0),
                    "iscrowd": 0,
                    "attributes": {
                        "text": entity.text,
                        "value": entity.value,
                        "relation": lines.get(entity.id),
                        "occurrence": entity.occurrence,
                    },
                }
            )
    return {"images": images, "annotations": annotations, "categories": categories}


def write_coco(pages: Iterable[LabelledPage], folder: Path, known: LabelSet = DEFAULT_LABELS) -> int:
    """``annotations/instances_<split>.json`` and the images.

    Returns:
        Number of pages.
    """
    by_split: dict[str, list[Page]] = {}
    for one in pages:
        place = folder / image_path(one.page)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(one.read_image())
        by_split.setdefault(one.page.split or "all", []).append(one.page)
    (folder / "annotations").mkdir(exist_ok=True)
    for split, found in by_split.items():
        text = json.dumps(to_coco(found, known), ensure_ascii=False, indent=1)
        (folder / "annotations" / f"instances_{split}.json").write_text(text, encoding="utf-8")
    return sum(map(len, by_split.values()))
