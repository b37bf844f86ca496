"""Weights in eight bits, with a scale for up to 128 neighbours of a row: a file takes half of what fp16 takes.

They are stored so and computed with in bf16 or fp32 ("w8a16": weights of 8 bits, activations of 16).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

BLOCK: Final = 128
"""Most neighbours in a row that share a scale."""
_LEAST_BLOCK: Final = 16
SCALES: Final = ".scales"
"""Behind the name of a packed tensor, that of its scales."""
_LARGEST: Final = 127


def block_of(array: NDArray[Any]) -> int | None:
    """How many neighbours share a scale, so that rows are whole blocks; None of what is not packed."""
    block = math.gcd(array.shape[1], BLOCK) if array.ndim == 2 else 1
    return block if block >= _LEAST_BLOCK else None


def pack(weights: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[Any]]:
    """Matrices as whole numbers from -127 to 127 with scales; all else in fp16.

    Args:
        weights: By name.

    Returns:
        Of a matrix of shape (rows, columns) its int8 of the same shape under its name, and fp16 scales of shape
        (rows, columns / block) under its name with :data:`SCALES` behind.

    Source:
        Symmetric linear quantisation by blocks: Dettmers et al., 8-bit optimizers via block-wise quantization, 2022,
        section 2.1, https://arxiv.org/abs/2110.02861 (which has another code for the numbers).
    """
    packed: dict[str, NDArray[Any]] = {}
    for name, array in weights.items():
        block = block_of(array)
        if block is None:
            packed[name] = array.astype(np.float16)
            continue
        blocks = array.reshape(len(array), -1, block)
        # A scale is rounded up in fp16, so that no quotient is beyond the largest number.
        scales = np.nextafter((np.abs(blocks).max(axis=2) / _LARGEST).astype(np.float16), np.float16(np.inf))
        numbers = np.rint(blocks / scales.astype(np.float32)[..., None])
        packed[name] = numbers.astype(np.int8).reshape(array.shape)
        packed[f"{name}{SCALES}"] = scales
    return packed


def unpack(packed: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[np.float32]]:
    """What :func:`pack` was given, in fp32, each number off by at most half a scale."""
    weights: dict[str, NDArray[np.float32]] = {}
    for name, array in packed.items():
        if name.endswith(SCALES):
            continue
        values = array.astype(np.float32)
        scales = packed.get(f"{name}{SCALES}")
        if scales is not None:
            blocks = values.reshape(*scales.shape, -1) * scales.astype(np.float32)[..., None]
            values = blocks.reshape(array.shape)
        weights[name] = values
    return weights


def read_packed(path: Path) -> dict[str, NDArray[np.float32]] | None:
    """The weights of a safetensors file that :func:`pack` made, in fp32; None of any other.

    Raises:
        OSError: If it cannot be read.
        safetensors.SafetensorError: If it is damaged.
    """
    from safetensors import safe_open
    from safetensors.numpy import load_file

    with safe_open(path, "numpy") as file:
        if not any(name.endswith(SCALES) for name in file.keys()):  # noqa: SIM118 -- no mapping
            return None
    return unpack(load_file(path))
