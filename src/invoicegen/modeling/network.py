"""What runs a model: arrays in, logits out, whatever the runtime."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

_Float = TypeVar("_Float", np.float32, np.float64)

Inputs = Mapping[str, NDArray[Any]]
"""``input_ids``, ``bbox``, ``attention_mask`` and, where the model takes them, ``word_features`` and ``pixel_values``;
see ``LayoutLMv3MultiHead``."""


CPU_BATCH_TOKENS: Final = 512
"""Padded subwords a forward pass on a CPU. Larger ones take up to half as long again: they leave the caches."""


class Network(Protocol):
    """A network in some runtime.

    Attributes:
        batch_tokens: Most padded subwords that one call should be given (a longer sequence comes alone).
    """

    batch_tokens: int

    def __call__(self, inputs: Inputs) -> dict[str, NDArray[np.float32]]:
        """Logits of each head that the network has, shape (batch, length, labels)."""
        ...


def log_softmax(logits: NDArray[_Float], temperature: float = 1.0) -> NDArray[_Float]:
    """Log-probabilities over the last axis, of logits divided by a temperature."""
    scaled = logits / logits.dtype.type(temperature)
    scaled = scaled - scaled.max(axis=-1, keepdims=True)
    result: NDArray[_Float] = scaled - np.log(np.exp(scaled).sum(axis=-1, keepdims=True))
    return result
