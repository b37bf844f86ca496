"""A small page, written by hand, that keeps every invariant."""

import io

import pytest
from PIL import Image

from invoicegen.schema.annotation import Page


@pytest.fixture
def record():
    """The page as JSON has it."""
    words = [
        ("A-17", [100, 50, 148, 70]),
        ("Article", [100, 300, 170, 320]),
        ("Somme", [820, 300, 890, 320]),
        ("Vis", [100, 340, 130, 360]),
        ("M8", [140, 340, 165, 360]),
        ("9,50", [840, 340, 890, 360]),
        ("11,40", [830, 540, 890, 560]),
    ]
    return {
        "schema_version": "1.0",
        "doc_id": "doc-7",
        "page": 0,
        "page_count": 1,
        "split": "validation",
        "document_type": "invoice",
        "image": "images/doc-7-0.png",
        "image_sha256": "ab" * 32,
        "width": 1000,
        "height": 1250,
        "words": [
            {
                "text": text,
                "box": box,
                "line_id": line,
                "segment_id": segment,
                "source": "ocr",
                "confidence": 0.9,
            }
            for (text, box), line, segment in zip(
                words, [0, 1, 1, 2, 2, 2, 3], [0, 1, 2, 3, 3, 4, 5], strict=True
            )
        ],
        "boxes_1000": [
            [100, 40, 148, 56],
            [100, 240, 170, 256],
            [820, 240, 890, 256],
            [100, 272, 130, 288],
            [140, 272, 165, 288],
            [840, 272, 890, 288],
            [830, 432, 890, 448],
        ],
        "ner_tags": [
            "B-INVOICE_NUMBER",
            "O",
            "O",
            "B-ITEM_DESCRIPTION",
            "I-ITEM_DESCRIPTION",
            "B-ITEM_AMOUNT",
            "B-TOTAL_AMOUNT",
        ],
        "table_tags": ["OUTSIDE", "CELL", "CELL", "CELL", "INSIDE", "CELL", "OUTSIDE"],
        "cell_tags": ["EMPTY", "HEADER", "HEADER", "DATA", "DATA", "DATA", "EMPTY"],
        "entities": [
            entity("e1", "INVOICE_NUMBER", [0], "A-17", "A-17", "string", [100, 50, 148, 70]),
            entity("e2", "ITEM_DESCRIPTION", [3, 4], "Vis M8", "Vis M8", "string", [100, 340, 165, 360]),
            entity("e3", "ITEM_AMOUNT", [5], "9,50", "9.50", "money", [840, 340, 890, 360]),
            entity("e4", "TOTAL_AMOUNT", [6], "11,40", "11.40", "money", [830, 540, 890, 560]),
        ],
        "relations": [{"type": "line_item", "id": "line-0", "members": ["e2", "e3"]}],
        "tables": [
            {
                "id": "t1",
                "box": [100, 300, 890, 360],
                "columns": [
                    {"entity": "ITEM_DESCRIPTION", "x0": 100, "x1": 170},
                    {"entity": "ITEM_AMOUNT", "x0": 820, "x1": 890},
                ],
                "rows": [
                    {"kind": "header", "y0": 300, "y1": 320},
                    {"kind": "data", "line": "line-0", "y0": 340, "y1": 360},
                ],
                "cells": [
                    {"row": 0, "column": 0, "words": [1]},
                    {"row": 0, "column": 1, "words": [2]},
                    {"row": 1, "column": 0, "words": [3, 4]},
                    {"row": 1, "column": 1, "words": [5]},
                ],
            }
        ],
        "provenance": {
            "generator": "invoicegen",
            "generator_version": "0.1.0",
            "seed": 7,
            "template_family": "classic",
            "template": "classic/77aa",
            "locale": "fr_FR",
            "currency": "EUR",
            "renderer": "weasyprint 70.0",
            "dpi": 150,
            "fonts": ["Lato"],
            "augmentations": [{"name": "rotate", "params": {"degrees": 0.4}, "geometry": True}],
            "ocr": {
                "engine": "rapidocr",
                "version": "3.10.0",
                "cer": 0.0,
                "aligned_words": 7,
                "lost_words": 0,
            },
            "label_source": "ocr_aligned",
            "split_group": "77aa",
        },
    }


def entity(name, kind, words, text, value, value_kind, box):
    return {
        "id": name,
        "type": kind,
        "words": words,
        "text": text,
        "value": value,
        "value_kind": value_kind,
        "box": box,
    }


@pytest.fixture
def page(record):
    return Page.model_validate(record)


@pytest.fixture
def image_bytes():
    buffer = io.BytesIO()
    Image.new("RGB", (1000, 1250), (250, 240, 230)).save(buffer, format="PNG")
    return buffer.getvalue()
