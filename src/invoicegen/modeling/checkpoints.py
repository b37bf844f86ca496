"""Training state on disk: written beside, then moved into place, so that what exists is complete."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import torch

from invoicegen.modeling.errors import CheckpointError

STATE_FILE = "state.pt"
TRACKED_RUN_FILE = "mlflow_run"
"""Holds the id of the MLflow run that an unfinished training logs to."""


def save_state(folder: Path, state: dict[str, Any]) -> None:
    """Put ``state`` (tensors and plain values) in place of the last one."""
    partial = folder / f"{STATE_FILE}.partial"
    torch.save(state, partial)
    partial.replace(folder / STATE_FILE)


def load_state(folder: Path) -> dict[str, Any] | None:
    """The last state, or None if there is none.

    Raises:
        CheckpointError: If the file is not a training state.
    """
    path = folder / STATE_FILE
    if not path.exists():
        return None
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise CheckpointError(
            f"{path} cannot be read ({type(error).__name__}); delete it to train from the start"
        ) from error
    return state


def check_same_training(folder: Path, state: dict[str, Any], identity: dict[str, Any]) -> None:
    """Refuse to continue with other options or other data.

    Raises:
        CheckpointError: Naming what differs.
    """
    stored = state["identity"]
    different = sorted(key for key in stored.keys() | identity.keys() if stored.get(key) != identity.get(key))
    if different:
        changes = ", ".join(f"{key} (was {stored.get(key)!r}, is {identity.get(key)!r})" for key in different)
        raise CheckpointError(
            f"{folder / STATE_FILE} belongs to another training: {changes}. Restore these to continue it, "
            "or set train.resume to false to start anew"
        )


def clear(folder: Path) -> None:
    """Remove what a training left in ``folder``; nothing else is touched."""
    for name in (STATE_FILE, TRACKED_RUN_FILE):
        (folder / name).unlink(missing_ok=True)
    for best in folder.glob("best-*"):
        shutil.rmtree(best)


def keep_only(folder: Path, best: str) -> None:
    """Remove all best models but one."""
    for other in folder.glob("best-*"):
        if other.name != best:
            shutil.rmtree(other)
