"""How dear a change of type within a line of running text is, chosen on validation pages."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from invoicegen.modeling.decoding import Decoder, WordScores
from invoicegen.modeling.scoring import entity_scores

COHESIONS: Final = (0.0, 1.0, 2.0, 3.0, 4.0)
"""What is tried."""


@dataclass(frozen=True, slots=True)
class ChosenCohesion:
    """A cohesion and what it gives.

    Attributes:
        cohesion: As :class:`~invoicegen.modeling.decoding.Decoder` takes it.
        scores: Precision, recall and F1 of entities with it.
    """

    cohesion: float
    scores: dict[str, float]


def choose_cohesion(
    scores: Sequence[WordScores], truth: Sequence[Sequence[str]], decoder: Decoder
) -> ChosenCohesion:
    """The dearest cohesion that is as good as the best on these pages, within a standard error of its F1.

    Generated pages need it less than real ones, on which names are stranger: so the strongest that does no harm is
    taken. The standard error is that of a share, over the true entities.

    Args:
        scores: Of each page.
        truth: BIO tags of each page.
        decoder: Decodes pages of this model; its own cohesion does not matter.

    Source:
        The one-standard-error rule: Breiman, Friedman, Olshen and Stone, Classification and regression trees, 1984,
        section 3.4.3; Hastie, Tibshirani and Friedman, The elements of statistical learning, section 7.10.
    """
    found = []
    for cohesion in COHESIONS:
        decode = decoder.with_cohesion(cohesion)
        found.append(
            ChosenCohesion(cohesion, entity_scores(truth, [decode(page).ner_tags for page in scores]))
        )
    best = max(one.scores["f1"] for one in found)
    entities = sum(tag.startswith("B-") for tags in truth for tag in tags)
    error = math.sqrt(best * (1 - best) / entities) if entities else 0.0
    return [one for one in found if one.scores["f1"] >= best - error][-1]
