"""The fast encoder gives what stock LayoutLMv3 gives, and trains what stock transformers does not."""

import platform

import pytest
import torch
from transformers import AutoConfig, AutoModel, LayoutLMv3Config, LayoutLMv3Model

from invoicegen.modeling.configuration import multi_head_config
from invoicegen.modeling.encoder import (
    Dropout,
    SelfAttention,
    _looked_up,
    _looked_up_at_once,
    relative_position_buckets,
)
from invoicegen.modeling.errors import TaxonomyMismatchError, WarmStartError
from invoicegen.modeling.memory import freed_memory_kept
from invoicegen.modeling.model import LayoutLMv3MultiHead
from invoicegen.modeling.warm_start import starting_point
from invoicegen.schema.taxonomy import NER_LABELS


def random_inputs(length=60, pad_id=0, vocabulary=150):
    generator = torch.Generator().manual_seed(3)
    ids = torch.randint(5, vocabulary, (3, length), generator=generator)
    corners = torch.randint(0, 500, (3, length, 4), generator=generator)
    boxes = torch.cat([corners[..., :2], corners[..., :2] + corners[..., 2:]], dim=-1)
    mask = torch.ones(3, length, dtype=torch.long)
    mask[1, 40:], ids[1, 40:] = 0, pad_id
    return ids, boxes, mask


@pytest.mark.parametrize("visual", [False, True])
def test_outputs_equal_stock_layoutlmv3(stock_checkpoint, visual):
    config = LayoutLMv3Config.from_pretrained(stock_checkpoint, visual_embed=visual)
    stock = LayoutLMv3Model.from_pretrained(stock_checkpoint, config=config).eval()
    ours = starting_point(str(stock_checkpoint), 0, visual_embed=visual).model.eval()
    ids, boxes, mask = random_inputs()
    pixels = torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(1)) if visual else None
    with torch.no_grad():
        expected = stock(input_ids=ids, bbox=boxes, attention_mask=mask, pixel_values=pixels)
        states = ours.layoutlmv3(ids, boxes, mask, pixels)
    expected = expected.last_hidden_state[:, : ids.shape[1]]
    assert expected[mask.bool()].std() > 0.1
    torch.testing.assert_close(states[mask.bool()], expected[mask.bool()], atol=1e-4, rtol=0)


def test_training_and_inference_paths_of_attention_agree(stock_checkpoint):
    model = starting_point(
        str(stock_checkpoint),
        0,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        visual_embed=False,
    ).model
    ids, boxes, mask = random_inputs()
    with_gradient = model.layoutlmv3(ids, boxes, mask)
    with torch.no_grad():
        without = model.layoutlmv3(ids, boxes, mask)
    torch.testing.assert_close(with_gradient, without, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    "attention_dropout", [0.0, 1e-12]
)  # the second drops nothing, but goes the way of those that do
def test_leaving_out_tokens_without_labels_changes_neither_loss_nor_gradients(
    stock_checkpoint, attention_dropout
):
    model = starting_point(
        str(stock_checkpoint),
        0,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=attention_dropout,
        visual_embed=False,
    ).model
    ids, boxes, mask = random_inputs()
    labels = torch.full_like(ids, -100)
    labels[0, 3:30:3], labels[1, 5] = 2, 1  # the third window has none
    found = {}
    for training in (True, False):
        model.train(training)
        loss = model(ids, boxes, mask, ner_labels=labels, cell_labels=labels).loss
        found[training] = loss, *torch.autograd.grad(loss, list(model.layoutlmv3.encoder.parameters()))
    torch.testing.assert_close(found[True], found[False], atol=1e-6, rtol=1e-4)
    with torch.no_grad():
        unlearnt = model.train()(ids, boxes, mask, ner_labels=labels, cell_labels=labels).loss
    torch.testing.assert_close(unlearnt, found[False][0])


@pytest.mark.parametrize("shared_by_windows", [False, True])
def test_attention_and_its_gradients_are_those_of_the_formula(shared_by_windows):
    torch.manual_seed(0)
    heads, size = 3, 24
    stock = LayoutLMv3Config(hidden_size=size, num_attention_heads=heads, attention_probs_dropout_prob=0.0)
    config = multi_head_config(stock)
    layers = torch.nn.ModuleList(SelfAttention(config) for _ in range(3))
    states = torch.randn(2, 17, size, requires_grad=True)
    bias = torch.randn(1 if shared_by_windows else 2, heads, 17, 17)
    if not shared_by_windows:
        bias[1, :, :, 11:] = torch.finfo(torch.float32).min
    bias.requires_grad_()
    learnt = [states, bias, *layers.parameters()]
    weight = torch.randn(2, 17, size)

    def formula(attention, given):
        query, key, value = (
            part(given).unflatten(-1, (heads, -1)).transpose(1, 2)
            for part in (attention.query, attention.key, attention.value)
        )
        scores = query @ key.mT / (size // heads) ** 0.5 + bias
        return (scores.softmax(-1) @ value).transpose(1, 2).flatten(2)

    mine, passed_on, plain = states, bias, states
    for attention in layers:
        context, passed_on = attention(mine, passed_on)
        mine, plain = mine + context, plain + formula(attention, plain)
    torch.testing.assert_close(mine, plain, atol=1e-5, rtol=1e-5)
    gradients = torch.autograd.grad((mine * weight).sum(), learnt)
    expected = torch.autograd.grad((plain * weight).sum(), learnt)
    assert expected[1].abs().max() > 0.1
    torch.testing.assert_close(gradients, expected, atol=1e-5, rtol=1e-4)


def test_relative_biases_get_the_gradient_of_a_plain_lookup(stock_checkpoint):
    model = starting_point(str(stock_checkpoint), 0, visual_embed=False).model
    encoder = model.layoutlmv3.encoder
    _, boxes, _ = random_inputs(length=20)
    weight = torch.randn(3, encoder.rel_pos_bias.weight.shape[0], 20, 20)
    (encoder.bias(boxes, torch.arange(20), None, torch.float32) * weight).sum().backward()
    mine = [encoder.rel_pos_bias, encoder.rel_pos_x_bias, encoder.rel_pos_y_bias]
    gradients = [part.weight.grad.clone() for part in mine]

    model.zero_grad()
    positions = torch.arange(20).expand(3, 20)
    for part, values, buckets in zip(
        mine,
        (positions, boxes[..., 0], boxes[..., 3]),
        (encoder.sequential_buckets, encoder.spatial_buckets, encoder.spatial_buckets),
        strict=True,
    ):
        index = buckets[values[:, None, :] - values[:, :, None] + (len(buckets) - 1) // 2]
        (part.weight[:, index].transpose(0, 1) * encoder.scale * weight).sum().backward()
    for part, gradient in zip(mine, gradients, strict=True):
        assert gradient.abs().max() > 0
        torch.testing.assert_close(gradient, part.weight.grad, atol=1e-4, rtol=1e-4)


def test_biases_and_their_gradients_are_the_same_window_by_window_and_at_once():
    """The first is how CPUs do it, the second how GPUs do."""
    generator = torch.Generator().manual_seed(5)
    index = torch.randint(0, 7, (3, 10, 10), generator=generator)
    mask = torch.ones(3, 10, dtype=torch.bool)
    mask[1, 6:] = False
    weight = torch.randn(3, 4, 10, 10, generator=generator)
    found = []
    for look_up in (_looked_up, _looked_up_at_once):
        table = torch.linspace(-1, 1, 28).view(4, 7).requires_grad_()
        added = torch.linspace(0, 2, 400).view(1, 4, 10, 10).requires_grad_()
        biases = look_up(table, index, added, mask, torch.float32)
        (biases.softmax(dim=-1) * weight).sum().backward()
        found.append((biases.detach(), table.grad, added.grad))
    for by_window, at_once in zip(*found, strict=True):
        assert at_once.abs().sum() > 0.1
        torch.testing.assert_close(at_once, by_window, atol=1e-5, rtol=1e-5)


def test_buckets_follow_stock_rule():
    from transformers.models.layoutlmv3.modeling_layoutlmv3 import LayoutLMv3Encoder

    stock = LayoutLMv3Encoder(LayoutLMv3Config(num_hidden_layers=0))
    distances = torch.arange(-1024, 1025)
    for bins, largest in ((32, 128), (64, 256)):
        expected = stock.relative_position_bucket(distances, num_buckets=bins, max_distance=largest)
        assert torch.equal(relative_position_buckets(bins, largest), expected)


def test_save_and_load_round_trip_through_auto_classes(stock_checkpoint, tmp_path):
    model = starting_point(str(stock_checkpoint), 0, visual_embed=False).model.eval()
    model.save_pretrained(tmp_path)
    config = AutoConfig.from_pretrained(tmp_path)
    assert config.head_labels["ner"] == list(NER_LABELS)
    loaded = AutoModel.from_pretrained(tmp_path).eval()
    assert isinstance(loaded, LayoutLMv3MultiHead)
    ids, boxes, mask = random_inputs()
    with torch.no_grad():
        for name in ("ner_logits", "table_logits", "cell_logits"):
            assert torch.equal(model(ids, boxes, mask)[name], loaded(ids, boxes, mask)[name])


def test_checkpoint_of_another_taxonomy_is_refused(stock_checkpoint, tmp_path):
    model = starting_point(str(stock_checkpoint), 0, visual_embed=False).model
    model.config.head_labels["ner"][5] = "B-SHOE_SIZE"
    model.save_pretrained(tmp_path)
    with pytest.raises(TaxonomyMismatchError, match=r"label 5 is 'B-SHOE_SIZE' there"):
        LayoutLMv3MultiHead.from_pretrained(tmp_path)
    with pytest.raises(TaxonomyMismatchError, match="SHOE_SIZE"):
        starting_point(str(tmp_path), 0)


def test_loss_ignores_unlabelled_tokens_and_weighs_heads(stock_checkpoint):
    model = starting_point(
        str(stock_checkpoint), 0, visual_embed=False, loss_weights={"ner": 1.0, "table": 0.5, "cell": 0.25}
    ).model.eval()
    ids, boxes, mask = random_inputs(length=8)
    labels = torch.full((3, 8), -100)
    labels[0, 2], labels[2, 5] = 2, 1
    output = model(ids, boxes, mask, ner_labels=labels, table_labels=labels, cell_labels=labels)
    for head in ("ner", "table", "cell"):
        log_probabilities = output[f"{head}_logits"].log_softmax(-1)
        expected = -(log_probabilities[0, 2, 2] + log_probabilities[2, 5, 1]) / 2
        torch.testing.assert_close(output.head_losses[head], expected)
    parts = output.head_losses
    torch.testing.assert_close(output.loss, parts["ner"] + 0.5 * parts["table"] + 0.25 * parts["cell"])
    nothing = torch.full((3, 8), -100)
    assert model(ids, boxes, mask, ner_labels=nothing).loss.item() == 0


def test_images_and_configuration_must_agree(stock_checkpoint):
    model = starting_point(str(stock_checkpoint), 0, visual_embed=True).model
    ids, boxes, mask = random_inputs(length=8)
    with pytest.raises(ValueError, match="needs page images"):
        model(ids, boxes, mask)


def test_label_names_are_written_though_they_are_todays_defaults(stock_checkpoint):
    config = multi_head_config(LayoutLMv3Config.from_pretrained(stock_checkpoint))
    assert '"B-TOTAL_AMOUNT"' in config.to_json_string()


def test_missing_source_is_a_named_error(tmp_path):
    with pytest.raises(WarmStartError, match="no model configuration"):
        starting_point(str(tmp_path / "nowhere"), 0)


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_dropout_drops_its_share_and_keeps_the_mean(rate):
    states = torch.ones(300, 1001, requires_grad=True)
    torch.manual_seed(0)
    dropped = Dropout(rate)(states)
    assert (dropped == 0).float().mean().item() == pytest.approx(rate, abs=0.005)
    torch.testing.assert_close(dropped.detach().unique(), torch.tensor([0.0, 1 / (1 - rate)]))
    neighbours = torch.corrcoef((dropped.detach()[:, :1000].reshape(-1, 4) == 0).float().T)
    assert (neighbours - torch.eye(4)).abs().max() < 0.02  # the four that share one random number
    dropped.sum().backward()
    assert torch.equal(states.grad, dropped.detach())
    torch.manual_seed(0)
    assert torch.equal(Dropout(rate)(states), dropped)
    assert Dropout(rate).eval()(states) is states


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the allocator is glibc's")
def test_freed_memory_is_kept_within_and_given_back_after():
    import resource

    def faults():
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _ in range(5):
            torch.ones(64 * 2**18)  # 64 MB: 32 huge pages or 16,384 small ones
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    with freed_memory_kept():
        faults()
        assert faults() < 32
    assert faults() >= 5 * 32
