"""Kedro datasets of our own: shards that appear whole or not at all."""

from invoicegen.datasets.files import JsonLinesDataset, ParquetTableDataset, TextFileDataset
from invoicegen.datasets.shards import ShardNamesDataset, ShardsDataset

__all__ = [
    "JsonLinesDataset",
    "ParquetTableDataset",
    "ShardNamesDataset",
    "ShardsDataset",
    "TextFileDataset",
]
