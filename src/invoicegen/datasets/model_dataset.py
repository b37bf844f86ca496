"""A trained model as a folder: it appears whole or not at all."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from kedro.io.core import AbstractDataset, DatasetError

from invoicegen.weights import is_model_folder


class ModelDirectoryDataset(AbstractDataset[Path, Path]):
    """The folder of a model that ``Predictor.from_pretrained`` reads; the weights are not held in memory.

    Args:
        filepath: The folder, on a local file system.
        metadata: For Kedro-Viz.
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        if "://" in filepath:
            raise DatasetError(
                f"{filepath}: models are folders of a local file system; mount the store or copy"
            )
        self._path = Path(filepath)
        self.metadata = metadata

    def load(self) -> Path:
        """The folder.

        Raises:
            DatasetError: If there is none.
        """
        if not self._exists():
            raise DatasetError(f"no model in {self._path}: train one with `kedro run --pipeline=train`")
        return self._path

    def save(self, data: Path) -> None:
        """Copy the model folder ``data`` here, in place of what was here."""
        partial = self._path.with_name(f"{self._path.name}.partial")
        former = self._path.with_name(f"{self._path.name}.former")
        self._path.parent.mkdir(parents=True, exist_ok=True)
        for leftover in (partial, former):
            if leftover.exists():
                shutil.rmtree(leftover)
        shutil.copytree(data, partial)
        if self._path.exists():
            self._path.rename(former)
        partial.rename(self._path)
        if former.exists():
            shutil.rmtree(former)

    def _exists(self) -> bool:
        return (self._path / "config.json").is_file() or is_model_folder(self._path)

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._path)}
