"""Random numbers that depend on (seed, index, stage) alone, whatever the worker count or order."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import TypeVar

import numpy as np

Key = TypeVar("Key", bound=str)


class Stage(IntEnum):
    """Each stage draws from a stream of its own, so that a change in one does not disturb the others."""

    PLAN = 0
    SYNTHESIS = 1
    TEMPLATE = 2
    AUGMENTATION = 3
    RECOGNITION = 4


def document_rng(seed: int, index: int, stage: Stage, variant: int = 0) -> np.random.Generator:
    """The generator of one stage of one document.

    Philox is counter-based: ``key`` picks the document, the counter's top word the stage and the one below it the
    variant, so no two streams meet.

    Args:
        seed: Of the run.
        index: Of the document.
        stage: Which part of the work draws.
        variant: Which of a rendering's augmented variants draws.

    Source:
        Salmon et al., Parallel Random Numbers: As Easy as 1, 2, 3, SC'11, https://doi.org/10.1145/2063384.2063405
    """
    return np.random.Generator(
        np.random.Philox(
            key=np.array([seed, index], dtype=np.uint64),
            counter=np.array([0, 0, variant, int(stage)], dtype=np.uint64),
        )
    )


def pick(rng: np.random.Generator, weights: Mapping[Key, float]) -> Key:
    """One key, drawn by weight; the order of the keys decides which draw gives which."""
    keys = list(weights)
    total = np.cumsum(np.array([weights[key] for key in keys], dtype=np.float64))
    return keys[int(np.searchsorted(total, rng.random() * total[-1], side="right"))]
