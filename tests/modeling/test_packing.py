"""Weights in eight bits: near those they were, of half the size, and known from others."""

import numpy as np
import pytest
from safetensors.numpy import save_file

from invoicegen.modeling.packing import SCALES, block_of, pack, read_packed, unpack


@pytest.fixture
def weights():
    rng = np.random.default_rng(0)
    return {
        "wide": rng.normal(size=(7, 384)).astype(np.float32)
        * np.logspace(-3, 1, 7, dtype=np.float32)[:, None],
        "narrow": rng.normal(size=(5, 48)).astype(np.float32),
        "odd": rng.normal(size=(5, 73)).astype(np.float32),
        "bias": rng.normal(size=73).astype(np.float32),
        "nothing": np.zeros((2, 128), dtype=np.float32),
    }


def test_each_number_is_off_by_half_a_step_of_its_block_at_most(weights):
    packed = pack(weights)
    restored = unpack(packed)
    assert restored.keys() == weights.keys()
    for name in ("wide", "narrow"):
        scales = packed[f"{name}{SCALES}"].astype(np.float32)
        steps = np.repeat(scales, block_of(weights[name]), axis=1)
        assert (np.abs(restored[name] - weights[name]) <= steps / 2 * 1.001).all()
        assert np.abs(packed[name]).max() == 127
    assert (restored["nothing"] == 0).all()


def test_what_is_no_matrix_of_whole_blocks_stays_in_fp16(weights):
    packed = pack(weights)
    for name in ("odd", "bias"):
        assert packed[name].dtype == np.float16
        assert f"{name}{SCALES}" not in packed
    assert [block_of(weights[name]) for name in ("wide", "narrow", "odd", "bias")] == [128, 16, None, None]


def test_a_packed_file_is_told_from_others(weights, tmp_path):
    save_file(pack(weights), tmp_path / "packed.safetensors")
    save_file(weights, tmp_path / "plain.safetensors")
    found = read_packed(tmp_path / "packed.safetensors")
    assert found.keys() == weights.keys()
    np.testing.assert_allclose(found["wide"], weights["wide"], atol=0.2)
    assert read_packed(tmp_path / "plain.safetensors") is None
