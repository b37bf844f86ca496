"""The weights that come with the package: folders of exported models, made by ``invoicegen export-model``."""

from __future__ import annotations

from pathlib import Path
from typing import Final

SHIPPED: Final = "shipped"
"""The name by which options refer to the shipped weights in place of a folder."""

_FOLDER: Final = Path(__file__).parent / "compact"


def shipped_model() -> Path | None:
    """The folder of the shipped weights; None in an installation that left them out."""
    return _FOLDER if (_FOLDER / "invoicegen.json").is_file() else None


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
