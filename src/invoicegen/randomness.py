"""Random numbers that depend on (seed, index, stage) alone, whatever the worker count or order."""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Stage(IntEnum):
    """Each stage draws from a stream of its own, so that a change in one does not disturb the others."""

    PLAN = 0
    SYNTHESIS = 1
    TEMPLATE = 2
    AUGMENTATION = 3
    LABELING = 4


def document_rng(seed: int, index: int, stage: Stage) -> np.random.Generator:
    """The generator of one stage of one document.

    Philox is counter-based: ``key`` picks the document, the counter's top word the stage, so no two streams meet.

    Source:
        Salmon et al., Parallel Random Numbers: As Easy as 1, 2, 3, SC'11, https://doi.org/10.1145/2063384.2063405
    """
    return np.random.Generator(
        np.random.Philox(
            key=np.array([seed, index], dtype=np.uint64),
            counter=np.array([0, 0, 0, int(stage)], dtype=np.uint64),
        )
    )
