"""Folders of shards: partitions that stream in and out, and the list of those that are finished."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import fsspec
from kedro.io.core import AbstractDataset, DatasetError, get_protocol_and_path
from kedro_datasets.partitions import PartitionedDataset


class ShardsDataset(PartitionedDataset):  # type: ignore[misc]
    """A :class:`PartitionedDataset` that may be empty and may be narrowed to the current generation.

    Partition ids look like ``<fingerprint>/docs-0000003``: the folder is a hash of the options, so that other
    options are other work.

    Args:
        manifest: JSON file whose ``fingerprint`` names the folder that loads; without it all folders load.
        **kwargs: As for ``PartitionedDataset``.
    """

    def __init__(self, *, manifest: str | None = None, **kwargs: Any) -> None:
        if kwargs.get("overwrite"):
            raise DatasetError(
                "overwrite: true would wipe the shards that a stream saved before; leave it out"
            )
        super().__init__(**kwargs)
        self._manifest = manifest

    def load(self) -> dict[str, Callable[[], Any]]:
        """A loader for each shard, by partition id, in order of the ids."""
        if not self._exists():
            return {}
        shards = super().load()
        if self._manifest is not None:
            fingerprint = _read_manifest(self._manifest)["fingerprint"]
            shards = {name: load for name, load in shards.items() if name.startswith(f"{fingerprint}/")}
        return dict(sorted(shards.items()))

    def _exists(self) -> bool:
        self._invalidate_caches()
        return bool(self._filesystem.exists(self._normalized_path) and self._list_partitions())


def _read_manifest(path: str) -> dict[str, Any]:
    protocol, local = get_protocol_and_path(path)
    filesystem = fsspec.filesystem(protocol)
    if not filesystem.exists(local):
        raise DatasetError(f"{path} is not there: run `kedro run --pipeline=generate` first")
    with filesystem.open(local, "rt", encoding="utf-8") as file:
        manifest: dict[str, Any] = json.load(file)
    return manifest


class ShardNamesDataset(AbstractDataset[None, frozenset[str]]):
    """Partition ids that a folder of shards holds: what a run before this one has finished."""

    def __init__(self, *, path: str, filename_suffix: str, metadata: dict[str, Any] | None = None) -> None:
        protocol, self._path = get_protocol_and_path(path)
        self._fs = fsspec.filesystem(protocol)
        self._suffix = filename_suffix
        self.metadata = metadata

    def load(self) -> frozenset[str]:
        """The ids; none when the folder is not there."""
        root = self._path.rstrip("/")
        if not self._fs.exists(root):
            return frozenset()
        prefix = self._fs._strip_protocol(root) + "/"
        return frozenset(
            path.split(prefix, 1)[-1].removesuffix(self._suffix)
            for path in self._fs.find(root)
            if path.endswith(self._suffix)
        )

    def save(self, data: None) -> None:
        """Refused: the list follows from the folder.

        Raises:
            DatasetError: Always.
        """
        raise DatasetError(f"{self._path}: the list of finished shards is read from the folder, not saved")

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {"path": self._path, "filename_suffix": self._suffix}
