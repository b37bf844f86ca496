"""Small datasets in the formats of others, written by hand from how those are published."""

from __future__ import annotations

import io
import json
from pathlib import Path

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

WIDTH, HEIGHT = 400, 600


def image_bytes(form="JPEG", size=(WIDTH, HEIGHT), **options):
    buffer = io.BytesIO()
    Image.fromarray(np.full((size[1], size[0], 3), 250, dtype=np.uint8)).save(buffer, form, **options)
    return buffer.getvalue()


def put(path: Path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def segment(number, label, words, linking=()):
    return {
        "id": number,
        "label": label,
        "text": " ".join(text for text, _ in words),
        "box": [min(b[0] for _, b in words), words[0][1][1], max(b[2] for _, b in words), words[0][1][3]],
        "words": [{"text": text, "box": box} for text, box in words],
        "linking": [list(pair) for pair in linking],
    }


FUNSD_FORM = {
    "form": [
        segment(0, "question", [("Total", [40, 500, 90, 515])], [(0, 1)]),
        segment(1, "total_amount", [("19.90", [300, 500, 350, 515])], [(0, 1)]),
        segment(2, "seller_name", [("Hammer", [40, 20, 110, 40]), ("Ltd", [115, 20, 150, 40])]),
        segment(
            3, "ITEM_DESCRIPTION", [("Steel", [40, 200, 80, 215]), ("nails", [85, 200, 130, 215])], [(3, 4)]
        ),
        segment(4, "ITEM_AMOUNT", [("12.00", [300, 200, 350, 215])], [(3, 4)]),
        segment(5, "ITEM_DESCRIPTION", [("Glue", [40, 230, 80, 245])], [(5, 6)]),
        segment(6, "ITEM_AMOUNT", [("7.90", [305, 230, 350, 245])], [(5, 6)]),
        segment(7, "other", [("Thanks", [40, 560, 100, 575]), ("", [110, 560, 112, 575])]),
    ]
}


def funsd(folder: Path) -> Path:
    put(folder / "training_data/annotations/0001.json", FUNSD_FORM)
    put(folder / "training_data/images/0001.png", image_bytes("PNG"))
    put(folder / "testing_data/annotations/0002.json", FUNSD_FORM)
    put(folder / "testing_data/images/0002.png", image_bytes("PNG"))
    return folder


def quad(x0, y0, x1, y1):
    return {"x1": x0, "y1": y0, "x2": x1, "y2": y0, "x3": x1, "y3": y1, "x4": x0, "y4": y1}


def cord_line(category, group, *words):
    return {
        "category": category,
        "group_id": group,
        "sub_group_id": 0,
        "words": [
            {"quad": quad(*box), "is_key": key, "row_id": 2 + group, "text": text} for text, box, key in words
        ],
    }


def cord_truth():
    return {
        "gt_parse": {"menu": [{"nm": "NASI GORENG"}], "total": {"total_price": "27.000"}},
        "meta": {"version": "2.0.0", "split": "train", "image_id": 0, "image_size": {"width": WIDTH, "height": HEIGHT}},
        "valid_line": [
            cord_line("menu.cnt", 3, ("1", [30, 100, 40, 120], 0), ("x", [44, 100, 52, 120], 0)),
            cord_line("menu.nm", 3, ("NASI", [60, 100, 110, 120], 0), ("GORENG", [115, 100, 190, 120], 0)),
            cord_line("menu.sub_nm", 3, ("EXTRA", [60, 125, 110, 145], 0), ("EGG", [115, 125, 160, 145], 0)),
            cord_line("menu.price", 3, ("25.000", [320, 100, 380, 120], 0)),
            cord_line("sub_total.tax_price", 4, ("TAX", [30, 200, 60, 220], 1), ("2.000", [330, 200, 380, 220], 0)),
            cord_line("total.total_price", 5, ("TOTAL", [30, 230, 90, 250], 1), ("27.000", [320, 230, 380, 250], 0)),
            cord_line("total.changeprice", 6, ("CHANGE", [30, 300, 100, 320], 1), ("0", [370, 300, 380, 320], 0)),
        ],
        "roi": {},
        "repeating_symbol": [],
        "dontcare": [],
    }  # fmt: skip


def cord_metadata(folder: Path) -> Path:
    """As ``imagefolder`` of datasets has it."""
    row = {"file_name": "receipt_0.jpg", "ground_truth": json.dumps(cord_truth())}
    put(folder / "train/metadata.jsonl", json.dumps(row) + "\n")
    put(folder / "train/receipt_0.jpg", image_bytes())
    return folder


def cord_parquet(folder: Path) -> Path:
    """As naver-clova-ix/cord-v2 has it."""
    folder.mkdir(parents=True)
    image = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    table = pa.table(
        {
            "image": pa.array([{"bytes": image_bytes("PNG"), "path": None}], image),
            "ground_truth": [json.dumps(cord_truth())],
        }
    )
    pq.write_table(table, folder / "train-00000-of-00001.parquet")
    return folder


def cord_json(folder: Path) -> Path:
    """As the archives of the first CORD have it."""
    put(folder / "train/json/receipt_00000.json", cord_truth())
    put(folder / "train/image/receipt_00000.png", image_bytes("PNG"))
    return folder


SROIE_BOXES = """\
72,25,326,25,326,64,72,64,TAN WOON YANN
50,82,440,82,440,121,50,121,BOOK TA .K(TAMAN DAYA) SDN BND
205,121,285,121,285,139,205,139,789417-W
110,144,383,144,383,163,110,163,NO.53 55,57 & 59, JALAN SAGU 18,
192,169,299,169,299,187,192,187,TAMAN DAYA,
162,193,334,193,334,211,162,211,81100 JOHOR BAHRU,
63,404,190,404,190,421,63,421,DATE: 25/12/2018
300,500,360,500,360,516,300,516,9.000
40,540,180,540,180,556,40,556,SUB TOTAL: 9.00
40,560,180,560,180,576,40,576,TOTAL AMOUNT:
300,561,360,561,360,577,300,577,9.00
40,600,100,600,100,616,40,616,CASH
300,600,360,600,360,616,300,616,9.00
"""
SROIE_VALUES = {
    "company": "BOOK TA .K (TAMAN DAYA) SDN BHD",
    "date": "25/12/2018",
    "address": "NO.53 55,57 & 59, JALAN SAGU 18, TAMAN DAYA, 81100 JOHOR BAHRU",
    "total": "9.00",
}


def sroie(folder: Path) -> Path:
    put(folder / "train/box/X51005255805.txt", SROIE_BOXES)
    put(folder / "train/entities/X51005255805.txt", SROIE_VALUES)
    put(folder / "train/img/X51005255805.jpg", image_bytes(size=(463, 700)))
    return folder


def box(x0, y0, x1, y1):
    """Pixels of a page of A4 at 100 dpi as DocILE's shares of it."""
    return [x0 / 827, y0 / 1170, x1 / 827, y1 / 1170]


def docile_ocr(*words):
    lines = [{"geometry": [box(*b)[:2], box(*b)[2:]], "words": [
        {"value": text, "confidence": 0.98, "geometry": [box(*b)[:2], box(*b)[2:]]}]} for text, b in words]  # fmt: skip
    return {"page_idx": 0, "dimensions": [2340, 1654], "blocks": [{"geometry": [], "lines": lines}]}


def docile_annotation():
    def field(kind, text, place, page=0, line=None):
        return {"bbox": box(*place), "page": page, "fieldtype": kind, "text": text, "line_item_id": line}

    grid = {
        "bbox": box(50, 290, 700, 400),
        "rows": [
            {"top": 290 / 1170, "bottom": 320 / 1170, "row_type": "header"},
            {"top": 320 / 1170, "bottom": 345 / 1170, "row_type": "data"},
            {"top": 345 / 1170, "bottom": 370 / 1170, "row_type": "up-merge"},
        ],
        "columns": [
            {"left": 50 / 827, "right": 300 / 827, "column_type": "line_item_description"},
            {"left": 300 / 827, "right": 500 / 827, "column_type": ""},
            {"left": 500 / 827, "right": 700 / 827, "column_type": "line_item_amount_net"},
        ],
        "missing_columns": False,
        "missing_second_table_on_page": False,
        "table_border_type": "no_borders",
        "table_structure": "normal",
    }
    return {
        "field_extractions": [
            field("document_id", "7712", (398, 98, 452, 122)),
            field("vendor_name", "Acme\nBroadcast", (48, 38, 222, 62)),
            field("customer_id", "C-9", (598, 98, 652, 122)),
            field("amount_total_gross", "30.00", (598, 98, 662, 122), page=1),
            field("amount_due", "30.00", (598, 98, 662, 122), page=1),
            field("date_issue", "01/31/20", (398, 138, 472, 162)),
        ],
        "line_item_extractions": [
            field("line_item_description", "Spot prime time", (58, 322, 222, 368), line=1),
            field("line_item_amount_net", "20.00", (598, 322, 652, 344), line=1),
            field("line_item_description", "Production", (58, 48, 162, 72), page=1, line=2),
            field("line_item_amount_net", "10.00", (598, 48, 652, 72), page=1, line=2),
        ],
        "line_item_headers": [],
        "metadata": {
            "page_count": 2,
            "cluster_id": 554,
            "page_sizes_at_200dpi": [[1654, 2340], [1654, 2340]],
            "document_type": "tax_invoice",
            "currency": "usd",
            "language": "eng",
            "source": "ucsf",
            "original_filename": "abcd1234",
            "page_to_table_grid": {"0": grid, "1": None},
        },
    }


def docile(folder: Path, pdf: bytes, *, ocr: bool = True) -> Path:
    """One document of two pages; ``pdf`` has two of A4."""
    put(folder / "annotations/0a1b.json", docile_annotation())
    put(folder / "pdfs/0a1b.pdf", pdf)
    put(folder / "train.json", ["0a1b"])
    if ocr:
        first = docile_ocr(
            ("Acme", (50, 40, 120, 60)), ("Broadcast", (125, 40, 220, 60)), ("Invoice", (300, 100, 380, 120)),
            ("7712", (400, 100, 450, 120)), ("C-9", (600, 100, 650, 120)), ("Description", (60, 300, 160, 318)),
            ("Amount", (600, 300, 670, 318)), ("Spot", (60, 324, 100, 342)), ("A1", (310, 324, 340, 342)),
            ("20.00", (600, 324, 650, 342)), ("prime", (60, 348, 110, 366)), ("time", (115, 348, 150, 366)),
        )  # fmt: skip
        second = docile_ocr(
            ("Production", (60, 50, 160, 70)), ("10.00", (600, 50, 650, 70)), ("Total", (500, 100, 560, 120)),
            ("30.00", (600, 100, 660, 120)),
        )  # fmt: skip
        put(folder / "ocr/0a1b.json", {"pages": [first, second]})
    return folder


HF_ROW = {
    "id": "7",
    "tokens": ["Acme", "Ltd", "Invoice", "7712", "Total", "30.00"],
    "bboxes": [[50, 40, 120, 60], [125, 40, 200, 60], [50, 100, 120, 120], [140, 100, 200, 120],
               [50, 500, 120, 520], [700, 500, 760, 520]],
    "ner_tags": ["B-SELLER_NAME", "I-SELLER_NAME", "O", "B-INVOICE_NUMBER", "O", "B-TOTAL_AMOUNT"],
}  # fmt: skip


def hf(
    folder: Path,
    row=HF_ROW,
    names=("O", "B-SELLER_NAME", "I-SELLER_NAME", "B-INVOICE_NUMBER", "B-TOTAL_AMOUNT"),
):
    """As funsd-layoutlmv3 has it, through ``datasets`` itself; numbers with names, or names (``names=None``)."""
    label = datasets.ClassLabel(names=list(names)) if names else datasets.Value("string")
    features = datasets.Features(
        {
            "id": datasets.Value("string"),
            "tokens": datasets.List(datasets.Value("string")),
            "bboxes": datasets.List(datasets.List(datasets.Value("int64"))),
            "ner_tags": datasets.List(label),
            "image": datasets.Image(),
        }
    )
    columns = {**row, "image": {"bytes": image_bytes("PNG"), "path": None}}
    made = datasets.Dataset.from_dict({key: [value] for key, value in columns.items()}, features=features)
    (folder / "data").mkdir(parents=True)
    made.to_parquet(str(folder / "data/test-00000-of-00001.parquet"))
    return folder
