"""The compact model is MiniLM when its layout is switched off."""

import pytest
import torch
from transformers import BertModel

from invoicegen.modeling import warm_start
from invoicegen.modeling.errors import WarmStartError
from invoicegen.modeling.warm_start import COMPACT, compact_folder, starting_point


def test_compact_equals_its_source_with_layout_zeroed():
    start = starting_point(COMPACT, seed=0)
    model = start.model.eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if any(
                part in name for part in ("x_position", "y_position", "h_position", "w_position", "rel_pos")
            ):
                parameter.zero_()
    bert = BertModel.from_pretrained(compact_folder(), add_pooling_layer=False).eval()
    texts = ["Invoice number INV-2026-00042", "Total amount due 1,234.56 EUR within thirty days of receipt"]
    inputs = start.tokenizer(texts, padding=True, return_tensors="pt")
    boxes = torch.randint(0, 400, (*inputs["input_ids"].shape, 4)).cumsum(-1).clamp(max=1000)
    with torch.no_grad():
        expected = bert(**inputs).last_hidden_state
        states = model.layoutlmv3(inputs["input_ids"], boxes, inputs["attention_mask"])
    real = inputs["attention_mask"].bool()
    torch.testing.assert_close(states[real], expected[real], atol=1e-4, rtol=0)


def test_compact_knows_its_new_parameters_and_reads_512_subwords():
    start = starting_point(COMPACT, seed=0)
    model = start.model
    assert model.config.sequence_limit == 512
    assert model.config.coordinate_size == model.config.shape_size == 64
    kinds = {name.rsplit(".", 2)[-2] for name in start.new_parameters}
    tables = {f"{axis}_position_embeddings" for axis in "xyhw"}
    assert kinds == {"ner", "table", "cell", *tables, "rel_pos_bias", "rel_pos_x_bias", "rel_pos_y_bias"}
    ids = torch.full((1, 512), 2000)
    with torch.no_grad():
        assert model(ids, torch.zeros(1, 512, 4, dtype=torch.long)).ner_logits.shape == (1, 512, 73)


def test_other_weights_than_the_pinned_ones_are_refused(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"other")
    with pytest.raises(WarmStartError, match="SHA-256"):
        warm_start.read_compact_weights(tmp_path)


def test_same_seed_same_start():
    first, second = starting_point(COMPACT, 5).model, starting_point(COMPACT, 5).model
    other = starting_point(COMPACT, 6).model
    name = "heads.ner.weight"
    assert torch.equal(first.state_dict()[name], second.state_dict()[name])
    assert not torch.equal(first.state_dict()[name], other.state_dict()[name])
