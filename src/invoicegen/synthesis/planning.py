"""Which documents there are: kinds by template family and locale, with their weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from invoicegen.schema.annotation import TemplateFamily
from invoicegen.schema.invoice import RECEIPT_KINDS, DocumentKind
from invoicegen.synthesis.locales import KINDS, LOCALES, load_locale

_FAMILIES: Final[dict[TemplateFamily, tuple[DocumentKind, ...]]] = {
    "modern": tuple(kind for kind in KINDS if kind not in RECEIPT_KINDS),
    "classic": tuple(kind for kind in KINDS if kind not in RECEIPT_KINDS),
    "receipt": tuple(kind for kind in KINDS if kind in RECEIPT_KINDS),
}


def document_kinds_for(family: TemplateFamily, locale: str | None = None) -> dict[DocumentKind, float]:
    """Kinds that a template family can lay out, with weights; those of one locale, or of all.

    Raises:
        LocaleError: If there is no such locale.
    """
    weights: dict[DocumentKind, float] = dict.fromkeys(KINDS, 1.0)
    if locale is not None:
        weights = dict(load_locale(locale).kinds)
    return {kind: weights[kind] for kind in _FAMILIES[family] if kind in weights}


def locale_weights(locales: Sequence[str] = LOCALES) -> dict[str, float]:
    """How often each locale is drawn.

    Raises:
        LocaleError: If there is no such locale.
    """
    return {name: load_locale(name).weight for name in locales}


def sample_locale(rng: np.random.Generator, locales: Sequence[str] = LOCALES) -> str:
    """A locale, as likely as its weight.

    Raises:
        LocaleError: If there is no such locale.
    """
    weights = np.array(list(locale_weights(locales).values()))
    return locales[int(rng.choice(len(locales), p=weights / weights.sum()))]


def sample_kind(rng: np.random.Generator, family: TemplateFamily, locale: str) -> DocumentKind:
    """A kind that the family can lay out and the locale has, as likely as its weight there.

    Raises:
        LocaleError: If there is no such locale.
        ValueError: If the locale has no kind of this family.
    """
    weights = document_kinds_for(family, locale)
    if not weights:
        raise ValueError(f"locale {locale} has no kinds for the {family} family; add some to its `kinds`")
    kinds = list(weights)
    shares = np.array(list(weights.values()))
    return kinds[int(rng.choice(len(kinds), p=shares / shares.sum()))]
