"""Fabricated pages, and a model small enough to train in a second."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch

from invoicegen.schema.annotation import Word
from invoicegen.schema.rows import rows_to_table
from invoicegen.schema.taxonomy import CELL_IDS, NER_IDS, TABLE_IDS

WIDTH, HEIGHT = 1000, 1400


def _fabricate_page(index: int, rows: int = 3) -> dict[str, object]:
    """The row of a page: captions with values beside them, then a table of descriptions and amounts."""
    rng = np.random.default_rng(index)
    words: list[tuple[str, float, float, str, str, str]] = []

    def put(
        text: str, x: float, y: float, ner: str = "O", table: str = "OUTSIDE", cell: str = "EMPTY"
    ) -> None:
        words.append((text, x, y, ner, table, cell))

    left, top = rng.integers(20, 120), rng.integers(20, 100)
    put("Acme", left, top, "B-SELLER_NAME")
    put(["Ltd", "GmbH", "Inc"][index % 3], left + 90, top, "I-SELLER_NAME")
    put("Invoice", left, top + 60)
    put("number", left + 90, top + 60)
    put(f"INV-{rng.integers(1000, 9999)}", left + 200, top + 60, "B-INVOICE_NUMBER")
    put("Date", left, top + 100)
    put(f"{rng.integers(1, 28)}.03.2026", left + 200, top + 100, "B-INVOICE_DATE")
    put("Item", left, top + 200, "O", "CELL", "HEADER")
    put("Amount", left + 600, top + 200, "O", "CELL", "HEADER")
    for row in range(rows):
        y = top + 240 + 30 * row
        put("Hex", left, y, "B-ITEM_DESCRIPTION", "CELL", "DATA")
        put("bolt", left + 60, y, "I-ITEM_DESCRIPTION", "INSIDE", "DATA")
        put(f"{rng.integers(1, 99)}.50", left + 600, y, "B-ITEM_AMOUNT", "CELL", "DATA")
    put("Total", left, top + 300 + 30 * rows)
    put(f"{rng.integers(100, 999)}.00", left + 600, top + 300 + 30 * rows, "B-TOTAL_AMOUNT")
    boxes = [[x, y, x + 12.0 * len(text), y + 20.0] for text, x, y, *_ in words]
    scale = np.array([1000 / WIDTH, 1000 / HEIGHT] * 2)
    from PIL import Image

    png = io.BytesIO()
    Image.new("RGB", (20, 28), (index * 40 % 255, 200, 200)).save(png, "PNG")
    return {
        "id": f"d{index}-0",
        "doc_id": f"d{index}",
        "page": 0,
        "page_count": 1,
        "split": "train",
        "document_type": "invoice",
        "locale": "en_GB",
        "template_family": "modern",
        "split_group": f"g{index}",
        "ocr_engine": "none",
        "augmentation": "clean",
        "width": WIDTH,
        "height": HEIGHT,
        "tokens": [text for text, *_ in words],
        "boxes": boxes,
        "bboxes": [[int(v) for v in np.clip(np.array(box) * scale, 0, 1000)] for box in boxes],
        "segment_ids": list(range(len(words))),
        "ner_tags": [NER_IDS[ner] for *_, ner, _, _ in words],
        "table_tags": [TABLE_IDS[table] for *_, table, _ in words],
        "cell_tags": [CELL_IDS[cell] for *_, cell in words],
        "image": {"bytes": png.getvalue(), "path": f"d{index}.png"},
        "annotation": "{}",
    }


def _fabricate_tables(indices: range, per_shard: int = 4, **kwargs: int) -> dict[str, Callable[[], pa.Table]]:
    """Shards of fabricated pages, as the catalog hands them to a node."""
    return {
        f"shard-{begin:03d}": lambda begin=begin: rows_to_table(
            _fabricate_page(i, **kwargs) for i in indices[begin : begin + per_shard]
        )
        for begin in range(0, len(indices), per_shard)
    }


@pytest.fixture(scope="session")
def fabricate_page():
    return _fabricate_page


@pytest.fixture(scope="session")
def fabricate_tables():
    return _fabricate_tables


@pytest.fixture(scope="session")
def page_of():
    """The predictor's input of a fabricated page."""
    from invoicegen.modeling import PageInput

    def make(index: int, rows: int = 3, page: int = 0, **image: object) -> PageInput:
        row = _fabricate_page(index, rows)
        words = [Word(text=text, box=box) for text, box in zip(row["tokens"], row["boxes"], strict=True)]
        return PageInput(page, WIDTH, HEIGHT, words, **image)

    return make


@pytest.fixture(scope="session")
def stock_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stock LayoutLMv3 with patches, tiny, saved by transformers with a tokenizer beside it."""
    import string

    from transformers import BertTokenizer, LayoutLMv3Config, LayoutLMv3Model

    folder = tmp_path_factory.mktemp("stock")
    torch.manual_seed(0)
    words = ["acme", "invoice", "number", "date", "item", "amount", "total", "hex", "bolt"]
    characters = [*string.ascii_lowercase, *string.digits, *".,-"]
    pieces = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        *words,
        *characters,
        *(f"##{c}" for c in characters),
    ]
    tokenizer = BertTokenizer(vocab={piece: i for i, piece in enumerate(pieces)}, do_lower_case=True)
    config = LayoutLMv3Config(
        vocab_size=150,
        hidden_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=96,
        coordinate_size=8,
        shape_size=8,
        max_position_embeddings=130,
        pad_token_id=0,
        input_size=32,
        patch_size=8,
    )
    model = LayoutLMv3Model(config)
    for name, parameter in model.named_parameters():
        if "LayerNorm.weight" not in name:
            torch.nn.init.normal_(parameter, std=0.1)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def model_folder(stock_checkpoint, tmp_path_factory, fabricate_tables) -> Path:
    """A tiny model that has learned the fabricated pages."""
    from invoicegen.modeling import TrainOptions, train_model

    torch.set_num_threads(1)
    options = TrainOptions(
        init_from=str(stock_checkpoint),
        epochs=30,
        batch_size=3,
        max_length=96,
        inference_max_length=128,
        overlap_words=10,
        learning_rate=3e-3,
        new_parameter_learning_rate=1e-2,
        early_stopping_patience=30,
        dropout=0.0,
        progress=False,
        device="cpu",
        precision="fp32",
    )
    pages = fabricate_tables(range(6), rows=12)
    return train_model(pages, pages, options, tmp_path_factory.mktemp("training")).path


@pytest.fixture(autouse=True)
def single_thread() -> None:
    """Small matrices: one thread is fastest, and sums come in one order."""
    torch.set_num_threads(1)
