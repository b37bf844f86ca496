"""Pages written by hand, and predictions of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from invoicegen.geometry import union
from invoicegen.schema.annotation import Entity, Page, Provenance, Relation, Word, check_page
from invoicegen.schema.prediction import PagePrediction
from invoicegen.schema.taxonomy import DEFAULT_LABELS, ITEM_ENTITY_TYPES, LabelSet, bio_tags

PagePart = tuple[str, str | None, str | None, str | None]


@pytest.fixture(scope="session")
def make_page() -> Callable[..., Page]:
    """A function that makes a page of ``(text, entity type, value, line item)`` parts.

    A part's words stand beside each other; a part without a type is O. Every word is 90 px wide; parts are 20 px
    below each other.
    """

    def make(
        parts: Sequence[PagePart],
        *,
        doc_id: str = "doc-1",
        page: int = 0,
        page_count: int = 1,
        locale: str = "de_DE",
        continues: dict[str, str] | None = None,
        labels: LabelSet = DEFAULT_LABELS,
    ) -> Page:
        words: list[Word] = []
        entities: list[Entity] = []
        items: dict[str, list[str]] = {}
        for row, (text, name, value, item) in enumerate(parts):
            places = []
            for column, token in enumerate(text.split()):
                box = [100.0 * column, 20.0 * row, 100.0 * column + 90, 20.0 * row + 15]
                places.append(len(words))
                words.append(Word(text=token, box=box, line_id=row, segment_id=row))
            if name is None:
                continue
            entities.append(
                Entity(
                    id=f"e{len(entities)}",
                    type=name,
                    words=places,
                    text=text,
                    value=value,
                    value_kind=labels.value_kinds[name],
                    box=list(union([words[i].box for i in places])),
                )
            )
            if item is not None:
                items.setdefault(item, []).append(entities[-1].id)
        tags = bio_tags(len(words), [(entity.type, entity.words) for entity in entities], labels)
        data = [tag[2:] in ITEM_ENTITY_TYPES for tag in tags]
        result = Page(
            doc_id=doc_id,
            page=page,
            page_count=page_count,
            split="test",
            document_type="invoice",
            image=f"{doc_id}-{page}.png",
            image_sha256="0" * 64,
            width=1000,
            height=1000,
            words=words,
            boxes_1000=[[int(x) for x in word.box] for word in words],
            ner_tags=tags,
            table_tags=[
                ("CELL" if tag.startswith("B-") else "INSIDE") if inside else "OUTSIDE"
                for tag, inside in zip(tags, data, strict=True)
            ],
            cell_tags=["DATA" if inside else "EMPTY" for inside in data],
            entities=entities,
            relations=[
                Relation(type="line_item", id=name, members=members, continues=(continues or {}).get(name))
                for name, members in items.items()
            ],
            tables=[],
            provenance=Provenance(
                generator="test",
                generator_version="0",
                seed=1,
                template_family="modern",
                template="modern/test",
                locale=locale,
                currency="EUR",
                renderer="none",
                dpi=150,
                label_source="human",
                split_group="g",
            ),
        )
        assert check_page(result, labels) == []
        return result

    return make


@pytest.fixture(scope="session")
def predict() -> Callable[..., PagePrediction]:
    """A function that makes the prediction of a page: its own tags, but for those given."""

    def make(page: Page, ner_tags: dict[int, str] | None = None, confidence: float = 0.9) -> PagePrediction:
        tags = list(page.ner_tags)
        for place, tag in (ner_tags or {}).items():
            tags[place] = tag
        return PagePrediction(
            page=page.page,
            width=page.width,
            height=page.height,
            words=page.words,
            ner_tags=tags,
            ner_confidences=[confidence] * len(tags),
            table_tags=list(page.table_tags),
            cell_tags=list(page.cell_tags),
        )

    return make


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory) -> Path:
    """A model of two thin layers that learned nothing: it reads pages like any other."""
    import torch
    from transformers import AutoTokenizer, LayoutLMv3Config

    from invoicegen.modeling.configuration import multi_head_config
    from invoicegen.modeling.model import LayoutLMv3MultiHead
    from invoicegen.modeling.settings import SETTINGS_FILE
    from invoicegen.modeling.warm_start import compact_folder

    torch.manual_seed(0)
    torch.set_num_threads(1)
    base = LayoutLMv3Config(
        vocab_size=30522,
        hidden_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=96,
        coordinate_size=8,
        shape_size=8,
        max_position_embeddings=130,
        pad_token_id=0,
        visual_embed=False,
    )
    folder = tmp_path_factory.mktemp("model")
    LayoutLMv3MultiHead(multi_head_config(base)).save_pretrained(folder)
    AutoTokenizer.from_pretrained(compact_folder()).save_pretrained(folder)
    (folder / SETTINGS_FILE).write_text(json.dumps({"max_length": 128, "overlap_words": 8}))
    return folder


def _text_pdf(lines: Sequence[str]) -> bytes:
    text = "".join(f"1 0 0 1 60 {760 - 24 * i} Tm ({line}) Tj " for i, line in enumerate(lines))
    stream = f"BT /F1 12 Tf {text}ET"
    objects = [
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 5 0 R/Resources<</Font<</F1 4 0 R>>>>>>",
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        f"<</Length {len(stream)}>>stream\n{stream}\nendstream",
    ]
    pdf, offsets = "%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(pdf))
        pdf += f"{number} 0 obj{body}endobj\n"
    table = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    end = f"trailer<</Size 6/Root 1 0 R>>\nstartxref\n{len(pdf)}\n%%EOF"
    pdf += f"xref\n0 6\n0000000000 65535 f \n{table}{end}"
    return pdf.encode("latin-1")


@pytest.fixture(scope="session")
def text_pdf() -> Callable[[Sequence[str]], bytes]:
    """A function that makes a PDF of one page with a text layer of given lines."""
    return _text_pdf
