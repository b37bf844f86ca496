"""What tests of several packages share."""

from __future__ import annotations

import importlib
import io
import json
import string
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from chromium import axe_violations, chromium, open_page  # fixtures of every test that needs a browser
from text_pdf import text_pdf

__all__ = ["axe_violations", "chromium", "open_page"]


@pytest.fixture(scope="session")
def untrained_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole model folder with a tiny network and random weights: it loads and labels, if badly."""
    import torch
    from transformers import BertTokenizer, LayoutLMv3Config

    from invoicegen.modeling.configuration import multi_head_config
    from invoicegen.modeling.model import LayoutLMv3MultiHead

    folder = tmp_path_factory.mktemp("model")
    characters = [*string.ascii_lowercase, *string.digits, *".,-"]
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *characters, *(f"##{c}" for c in characters)]
    tokenizer = BertTokenizer(vocab={piece: i for i, piece in enumerate(pieces)}, do_lower_case=True)
    base = LayoutLMv3Config(
        vocab_size=len(pieces),
        hidden_size=24,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        coordinate_size=4,
        shape_size=4,
        max_position_embeddings=130,
        pad_token_id=0,
        visual_embed=False,
    )
    torch.manual_seed(0)
    LayoutLMv3MultiHead(multi_head_config(base)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / "invoicegen.json").write_text(
        json.dumps({"max_length": 64, "overlap_words": 8}), encoding="utf-8"
    )
    return folder


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Modules of benchmarks/, which are scripts and no package."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "benchmarks"))

    def load(name: str) -> ModuleType:
        monkeypatch.delitem(sys.modules, name, raising=False)
        return importlib.import_module(name)

    return load


@pytest.fixture(scope="session")
def make_pdf():
    """A function that makes a PDF with a text layer: of each page its ``(x, y, text)`` lines."""
    return text_pdf


@pytest.fixture(scope="session")
def invoice_pdf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A two-page invoice with a text layer."""
    path = tmp_path_factory.mktemp("documents") / "invoice.pdf"
    first = [
        (50, 60, "Invoice INV-2026-00042"),
        (50, 80, "Date 14.10.2026"),
        (50, 200, "Hex bolt zinc plated"),
        (480, 200, "392,00"),
        (50, 230, "Washer"),
        (480, 230, "8,00"),
    ]
    second = [
        (50, 60, "Total"),
        (480, 60, "400,00"),
        (50, 90, "Thank you for your order"),
        (50, 700, "Page 2 of 2"),
    ]
    path.write_bytes(text_pdf([first, second]))
    return path


@pytest.fixture(scope="session")
def scan(invoice_pdf: Path) -> bytes:
    """The first page of the invoice as a scanner gives it."""
    import pypdfium2

    image = pypdfium2.PdfDocument(invoice_pdf)[0].render(scale=150 / 72).to_pil()
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()
