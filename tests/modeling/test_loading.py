"""Standard LayoutLMv3 token classifiers, as others publish them."""

import json

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer, LayoutLMv3Config, LayoutLMv3ForTokenClassification

from invoicegen.modeling import ModelFolderError, ModelLoader, PageInput, TaxonomyMismatchError
from invoicegen.schema.annotation import Word
from invoicegen.schema.taxonomy import NER_LABELS

LABELS = ["B-TOTAL_AMOUNT", "O", "I-ITEM_DESCRIPTION", "B-ITEM_DESCRIPTION", "B-ITEM_AMOUNT"]


def token_classifier(stock_checkpoint, folder, labels, **changes):
    torch.manual_seed(0)
    config = LayoutLMv3Config.from_pretrained(
        stock_checkpoint,
        id2label=dict(enumerate(labels)),
        label2id={name: i for i, name in enumerate(labels)},
        **changes,
    )
    model = LayoutLMv3ForTokenClassification(config)
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(stock_checkpoint).save_pretrained(folder)
    return model.eval()


def test_a_token_classifier_labels_by_its_own_names_in_any_order(stock_checkpoint, tmp_path):
    model = token_classifier(stock_checkpoint, tmp_path, LABELS, visual_embed=False)
    predictor = ModelLoader().load(tmp_path)
    words = [
        Word(text=text, box=[50 * i, 10, 50 * i + 40, 30]) for i, text in enumerate(["acme", "total", "hex"])
    ]
    page = predictor.encode(PageInput(0, 1000, 1000, words))
    (scores,) = predictor.score_pages([page])
    tokenizer = predictor.tokenizer
    ids = torch.tensor([[tokenizer.cls_id, *page.subwords.tolist(), tokenizer.sep_id]])
    boxes = torch.zeros((1, ids.shape[1], 4), dtype=torch.long)
    boxes[0, 1:-1] = torch.from_numpy(np.repeat(page.boxes, np.diff(page.starts), axis=0).astype(np.int64))
    with torch.no_grad():
        expected = model(input_ids=ids, bbox=boxes).logits[0, 1 + page.starts[:-1]].log_softmax(-1)
    for place, label in enumerate(LABELS):
        np.testing.assert_allclose(scores.ner[:, NER_LABELS.index(label)], expected[:, place], atol=1e-4)
    absent = [i for i, label in enumerate(NER_LABELS) if label not in LABELS]
    assert np.exp(scores.ner[:, absent]).max() == 0
    assert scores.table is None
    assert scores.cell is None


def test_cells_follow_from_entities_where_the_heads_are_absent(stock_checkpoint, tmp_path, page_of):
    model = token_classifier(stock_checkpoint, tmp_path, LABELS, visual_embed=False)
    with torch.no_grad():  # a model that sees a description everywhere
        model.classifier.bias[LABELS.index("I-ITEM_DESCRIPTION")] += 50
    model.save_pretrained(tmp_path)
    (prediction,) = ModelLoader().load(tmp_path).predict_pages([page_of(1)])
    for ner, table, cell in zip(
        prediction.ner_tags, prediction.table_tags, prediction.cell_tags, strict=True
    ):
        expected = ("OUTSIDE", "EMPTY")
        if ner[2:].startswith("ITEM_"):
            expected = ("CELL" if ner.startswith("B-") else "INSIDE", "DATA")
        assert (table, cell) == expected
    assert any(tag[2:].startswith("ITEM_") for tag in prediction.ner_tags)


def test_a_token_classifier_with_patches_reads_the_image(stock_checkpoint, tmp_path, page_of):
    token_classifier(stock_checkpoint, tmp_path, LABELS)
    predictor = ModelLoader().load(tmp_path)
    assert predictor.needs_images
    image = np.random.default_rng(0).integers(0, 255, (70, 50, 3), dtype=np.uint8)
    light, dark = (predictor.predict_pages([page_of(0, image=shown)])[0] for shown in (image, image // 8))
    assert light.ner_confidences != dark.ner_confidences


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["O", "B-MENU.NM", "I-MENU.NM"], r"2 of them foreign .* B-MENU.NM, I-MENU.NM"),
        (["LABEL_0", "LABEL_1"], "LABEL_0"),
        (["B-TOTAL_AMOUNT", "I-TOTAL_AMOUNT"], "without O"),
    ],
)
def test_labels_of_another_taxonomy_are_named(stock_checkpoint, tmp_path, labels, message):
    token_classifier(stock_checkpoint, tmp_path, labels)
    with pytest.raises(TaxonomyMismatchError, match=message):
        ModelLoader().load(tmp_path)


def test_weights_without_the_classifier_are_refused(stock_checkpoint, tmp_path):
    token_classifier(stock_checkpoint, tmp_path, LABELS)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "model.safetensors").write_bytes((stock_checkpoint / "model.safetensors").read_bytes())
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelFolderError, match="lack"):
        ModelLoader().load(tmp_path)


@pytest.mark.parametrize("content", [None, "{}", "no json", '{"model_type": "bert"}'])
def test_a_folder_of_another_kind_is_no_model(tmp_path, content):
    if content is not None:
        (tmp_path / "config.json").write_text(content)
    with pytest.raises(ModelFolderError, match="not an InvoiceGen model"):
        ModelLoader().load(tmp_path)
