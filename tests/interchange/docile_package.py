"""Reads a DocILE dataset with DocILE's own package and prints what it found; run by its own environment.

Usage: python docile_package.py FOLDER SPLIT...
"""

import dataclasses
import json
import sys

from docile.dataset import KILE_FIELDTYPES, LIR_FIELDTYPES, CachingConfig, Dataset
from docile.evaluation.evaluate import evaluate_dataset


def told(field):
    return {
        "type": field.fieldtype,
        "text": field.text,
        "page": field.page,
        "box": dataclasses.astuple(field.bbox),
        "line": field.line_item_id,
        "valid": field.bbox.has_valid_relative_coords(),
    }


found = {}
for split in sys.argv[2:]:
    dataset = Dataset(split, sys.argv[1], cache_images=CachingConfig.OFF)
    kile, lir, documents = {}, {}, {}
    for document in dataset:
        annotation = document.annotation
        assert {field.fieldtype for field in annotation.fields} <= set(KILE_FIELDTYPES)
        assert {field.fieldtype for field in annotation.li_fields} <= set(LIR_FIELDTYPES)
        grids = [annotation.get_table_grid(page) for page in range(document.page_count)]
        documents[document.docid] = {
            "pages": document.page_count,
            "cluster": annotation.cluster_id,
            "document_type": annotation.document_type,
            "fields": [told(field) for field in annotation.fields],
            "items": [told(field) for field in annotation.li_fields],
            "headers": [told(field) for field in annotation.li_headers],
            "grid_rows": [[kind for _, kind in grid.rows_bbox_with_type] if grid else None for grid in grids],
            "words": [
                [word.text for word in document.ocr.get_all_words(page, snapped=True)]
                for page in range(document.page_count)
            ],
        }
        kile[document.docid] = [dataclasses.replace(field, score=1.0) for field in annotation.fields]
        lir[document.docid] = [dataclasses.replace(field, score=1.0) for field in annotation.li_fields]
    result = evaluate_dataset(dataset, kile, lir)
    scores = {task: result.get_metrics(task, same_text=True)["f1"] for task in ("kile", "lir")}
    found[split] = {"documents": documents, "f1": scores}
json.dump(found, sys.stdout)
