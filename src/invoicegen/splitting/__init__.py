"""Which split a layout belongs to: decided by its hash alone, so that any machine decides alike."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping


def assign_split(split_group: str, seed: int, shares: Mapping[str, float]) -> str:
    """The split of a layout: the same for all its documents, whoever asks.

    Args:
        split_group: Hash of the layout's structure.
        seed: Seed of the run; another seed deals anew.
        shares: Share of the layouts by split, in order; they sum to 1.

    Returns:
        One of the keys of ``shares``.
    """
    digest = hashlib.sha256(f"{seed}:{split_group}".encode()).digest()
    position = int.from_bytes(digest[:8], "big") / 2**64
    limit = 0.0
    for split, share in shares.items():
        limit += share
        if position < limit:
            return split
    return split
