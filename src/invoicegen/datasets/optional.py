"""JSON files that may not be there yet: what another pipeline measures, or has not measured."""

from __future__ import annotations

from typing import Any

from kedro_datasets.json import JSONDataset

from invoicegen.datasets.files import JsonLinesDataset


class OptionalJsonDataset(JSONDataset):  # type: ignore[misc]
    """A JSON file that loads as None where it does not exist; it previews as ``JSONDataset`` does."""

    def load(self) -> Any:
        """What the file holds, or None."""
        return super().load() if self._exists() else None


class OptionalJsonLinesDataset(JsonLinesDataset):
    """A JSON Lines file that loads as no records where it does not exist."""

    def load(self) -> list[dict[str, Any]]:
        """All records, in order, or none."""
        return super().load() if self._exists() else []
