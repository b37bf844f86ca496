"""The weights that come with the package, made by ``invoicegen export-model`` and ``invoicegen ensemble``."""

from __future__ import annotations

from pathlib import Path
from typing import Final

SHIPPED: Final = "shipped"
"""The name by which options refer to the shipped weights in place of a folder."""

_FOLDER: Final = Path(__file__).parent / "compact"


def is_model_folder(folder: Path) -> bool:
    """Whether a folder says of itself that it is a model of ours, or an ensemble of them."""
    return any((folder / name).is_file() for name in ("invoicegen.json", "ensemble.json"))


def shipped_model() -> Path | None:
    """The folder of the shipped weights; None in an installation that left them out."""
    return _FOLDER if is_model_folder(_FOLDER) else None


def resolve_model(name: str | Path) -> Path:
    """The folder that an option names: that of the shipped weights for :data:`SHIPPED`, else the path itself.

    Raises:
        FileNotFoundError: If the shipped weights are asked for and are not there.
    """
    if str(name) != SHIPPED:
        return Path(name)
    folder = shipped_model()
    if folder is None:
        raise FileNotFoundError(
            f"this installation has no weights in {_FOLDER}; reinstall invoicegen with its package data, "
            "or train a model with `kedro run --pipeline=train` and name its folder"
        )
    return folder
