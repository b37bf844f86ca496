"""A training batch whose loss was not finite, run again: which module was the first to give what is no number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import nn

from invoicegen.modeling.errors import ModelingError

BATCH_FILE: Final = "non_finite_batch.pt"
"""What a training saves when its loss is not finite, in the folder of its checkpoints."""


@dataclass(frozen=True, slots=True)
class BatchReplay:
    """What came of a saved batch.

    Attributes:
        step: Of the training.
        windows: Page, first word and end of each window of the batch.
        bad_parameters: Parameters with a value that is not finite; the step before has made them so.
        first_module: Name of the first module, in the order of their ends, whose output is not finite; None for none.
        losses: Mean of each head over the batch.
    """

    step: int
    windows: list[tuple[str, int, int]]
    bad_parameters: list[str]
    first_module: str | None
    losses: dict[str, float]


def save_batch(path: Path, model: nn.Module, batch: dict[str, Any]) -> None:
    """Write the model as it is, with the ``inputs``, ``windows``, ``step``, ``seed`` and ``dtype`` of a batch."""
    torch.save({**batch, "model": model}, path)


def replay_batch(path: Path) -> BatchReplay:
    """Run a saved batch through the model as it was, on the CPU, with the dropout that it had.

    The file holds a pickled model: read only files that a training of yours has written.

    Args:
        path: ``non_finite_batch.pt`` in the folder of a training's checkpoints.

    Raises:
        ModelingError: If there is no such file, or it is none of these; says what to do.
    """
    try:
        saved = torch.load(path, map_location="cpu", weights_only=False)
        model, inputs, dtype = saved["model"], saved["inputs"], saved["dtype"]
    except FileNotFoundError:
        raise ModelingError(
            f"{path}: no such file; a training that stops for a NaN writes {BATCH_FILE} beside its checkpoints"
        ) from None
    except Exception as error:
        raise ModelingError(f"{path} is no saved batch ({type(error).__name__}: {error})") from error
    found, losses = forward_pass(model, inputs, saved["seed"], dtype)
    return BatchReplay(
        step=saved["step"],
        windows=saved["windows"],
        bad_parameters=[name for name, value in model.named_parameters() if not torch.isfinite(value).all()],
        first_module=found,
        losses=losses,
    )


@torch.no_grad()
def forward_pass(
    model: nn.Module, inputs: dict[str, torch.Tensor], seed: int, dtype: torch.dtype
) -> tuple[str | None, dict[str, float]]:
    """What a model makes of a batch.

    Args:
        model: As :attr:`BatchReplay`'s.
        inputs: Its arguments, labels among them.
        seed: Of dropout.
        dtype: Of matrix products.

    Returns:
        The first module, in the order of their ends, whose output is not finite, and the loss of each head.
    """
    found: list[str] = []

    def watch(name: str) -> Callable[[nn.Module, Any, Any], None]:
        def hook(module: nn.Module, given: Any, output: Any) -> None:
            if not found and any(not torch.isfinite(tensor).all() for tensor in _floats(output)):
                found.append(name)

        return hook

    hooks = [module.register_forward_hook(watch(name)) for name, module in model.named_modules() if name]
    torch.manual_seed(seed)
    device = next(iter(inputs.values())).device.type
    try:
        with torch.autocast(device, dtype=dtype, enabled=dtype != torch.float32):
            output = model(**inputs)
    finally:
        for hook in hooks:
            hook.remove()
    return found[0] if found else None, {head: float(loss) for head, loss in output.head_losses.items()}


def _floats(output: Any) -> list[torch.Tensor]:
    if isinstance(output, torch.Tensor):
        return [output] if output.is_floating_point() else []
    if isinstance(output, dict):
        output = output.values()
    elif not isinstance(output, tuple | list):
        return []
    return [tensor for part in output for tensor in _floats(part)]
