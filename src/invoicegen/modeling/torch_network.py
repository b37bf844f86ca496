"""Networks that torch runs: our own model, and standard LayoutLMv3 token classifiers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from invoicegen.modeling.labels import HEADS
from invoicegen.modeling.model import LayoutLMv3MultiHead
from invoicegen.modeling.network import CPU_BATCH_TOKENS, Inputs

_GPU_BATCH_TOKENS = 4096


def resolve_device(name: str) -> torch.device:
    """The device of a name; ``auto`` is CUDA where there is one."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def _batch_tokens(device: torch.device) -> int:
    return CPU_BATCH_TOKENS if device.type == "cpu" else _GPU_BATCH_TOKENS


class TorchNetwork:
    """:class:`~invoicegen.modeling.model.LayoutLMv3MultiHead`, in the mode and on the device it is in."""

    def __init__(self, model: LayoutLMv3MultiHead) -> None:
        self.model = model
        self.batch_tokens = _batch_tokens(model.device)

    @torch.inference_mode()
    def __call__(self, inputs: Inputs) -> dict[str, NDArray[np.float32]]:
        """Logits of all heads."""
        output = self.model(**_tensors(inputs, self.model.device))
        return {head: output[f"{head}_logits"].cpu().numpy() for head in HEADS}


class TokenClassifier:
    """A stock ``LayoutLMv3ForTokenClassification`` as an NER head alone.

    Args:
        model: In evaluation mode.
        order: For each NER label of the taxonomy, its place among the model's logits; None where it has none.
    """

    def __init__(self, model: Any, order: Sequence[int | None]) -> None:
        self.model = model
        self.batch_tokens = _batch_tokens(model.device)
        self._present = [label for label, place in enumerate(order) if place is not None]
        self._places = [place for place in order if place is not None]
        self._n_labels = len(order)

    @torch.inference_mode()
    def __call__(self, inputs: Inputs) -> dict[str, NDArray[np.float32]]:
        """Logits of the NER head in the taxonomy's order; labels that the model lacks are never chosen."""
        tensors = _tensors(inputs, self.model.device)
        # With an image the stock model appends its patches to the text; logits are those of the text alone.
        given = self.model(**tensors).logits[:, : tensors["input_ids"].shape[1]].float().cpu().numpy()
        logits = np.full((*given.shape[:2], self._n_labels), -1e4, dtype=np.float32)
        logits[..., self._present] = given[..., self._places]
        return {"ner": logits}


def _tensors(inputs: Inputs, device: torch.device) -> dict[str, torch.Tensor]:
    convert: Callable[[Any], torch.Tensor] = torch.from_numpy
    return {name: convert(array).to(device) for name, array in inputs.items() if not name.endswith("_labels")}
