"""Which documents there are: kinds by template family and locale, with their weights."""

from __future__ import annotations

from typing import Final

from invoicegen.schema.annotation import TemplateFamily
from invoicegen.schema.invoice import RECEIPT_KINDS, DocumentKind
from invoicegen.synthesis.locales import KINDS, load_locale

_FAMILIES: Final[dict[TemplateFamily, tuple[DocumentKind, ...]]] = {
    "modern": tuple(kind for kind in KINDS if kind not in RECEIPT_KINDS),
    "classic": tuple(kind for kind in KINDS if kind not in RECEIPT_KINDS),
    "receipt": tuple(kind for kind in KINDS if kind in RECEIPT_KINDS),
}


def document_kinds_for(
    family: TemplateFamily, locale: str | None = None, folders: tuple[str, ...] = ()
) -> dict[DocumentKind, float]:
    """Kinds that a template family can lay out, with weights; those of one locale, or of all.

    Raises:
        LocaleError: If there is no such locale.
    """
    weights: dict[DocumentKind, float] = dict.fromkeys(KINDS, 1.0)
    if locale is not None:
        weights = dict(load_locale(locale, folders).kinds)
    return {kind: weights[kind] for kind in _FAMILIES[family] if kind in weights}
