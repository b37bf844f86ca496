"""What runs a model: arrays in, logits out, whatever the runtime."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Inputs = Mapping[str, NDArray[Any]]
"""``input_ids``, ``bbox``, ``attention_mask`` and, with patches, ``pixel_values``: see ``LayoutLMv3MultiHead``."""


class Network(Protocol):
    """A network in some runtime."""

    def __call__(self, inputs: Inputs) -> dict[str, NDArray[np.float32]]:
        """Logits of each head that the network has, shape (batch, length, labels)."""
        ...


def log_softmax(logits: NDArray[np.float32], temperature: float = 1.0) -> NDArray[np.float32]:
    """Log-probabilities over the last axis, of logits divided by a temperature."""
    scaled = logits / np.float32(temperature)
    scaled = scaled - scaled.max(axis=-1, keepdims=True)
    result: NDArray[np.float32] = scaled - np.log(np.exp(scaled).sum(axis=-1, keepdims=True))
    return result
