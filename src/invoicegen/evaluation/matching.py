"""When a value counts as right: one set of rules for generated and for real documents.

Money and rates are compared as decimals without their sign, dates by their first ten characters (ISO),
numbers and ids as letters and digits without case and accents. Names, addresses and other texts likewise
(*exact*), and besides by normalised Levenshtein similarity of at least 0.8 (*soft*).

Source:
    Rules of the ``score.py`` that comes with a folder of real documents; Levenshtein, Binary codes capable of
    correcting deletions, insertions and reversals, Soviet Physics Doklady 10 (1966).
"""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Literal

from invoicegen.schema.taxonomy import DEFAULT_LABELS, RUNNING_TEXT, LabelSet

MatchKind = Literal["number", "date", "id", "text"]
SOFT_SIMILARITY: Final = 0.8


def match_kind(entity_type: str, labels: LabelSet = DEFAULT_LABELS) -> MatchKind:
    """How values of an entity type are compared; added types by their kind of value, strings as ids."""
    kind = labels.value_kinds[entity_type]
    if entity_type in RUNNING_TEXT or kind == "address":
        return "text"
    if kind in ("money", "decimal", "percent"):
        return "number"
    return "date" if kind == "date" else "id"


def plain(text: str) -> str:
    """Letters and digits of ``text``, case folded, accents dropped."""
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(character for character in decomposed if character.isalnum())


def as_number(text: str) -> Decimal | None:
    """The decimal of a normalised number such as ``1234.50``; None if there is none."""
    try:
        return Decimal(re.sub(r"[^\d.\-]", "", text))
    except InvalidOperation:
        return None


def similarity(first: str, second: str) -> float:
    """1 - Levenshtein distance / length of the longer, over :func:`plain` text; 0 to 1."""
    first, second = plain(first), plain(second)
    if not first or not second:
        return float(first == second)
    return 1 - levenshtein(first, second) / max(len(first), len(second))


def levenshtein(first: str, second: str) -> int:
    """Fewest insertions, deletions and substitutions that make one text of the other."""
    row = list(range(len(second) + 1))
    for i, left in enumerate(first, 1):
        diagonal, row[0] = row[0], i
        for j, right in enumerate(second, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (left != right))
    return row[-1]


def equal(kind: MatchKind, truth: str, value: str | None) -> bool:
    """Whether a predicted value agrees exactly with a true one; no value agrees with nothing."""
    if value is None:
        return False
    if kind == "number":
        left, right = as_number(truth), as_number(value)
        return left is not None and right is not None and abs(left) == abs(right)
    if kind == "date":
        return truth[:10] == value[:10]
    return plain(truth) == plain(value)


def alike(kind: MatchKind, truth: str, value: str | None) -> bool:
    """Whether a predicted value agrees softly: exactly, or a text by :data:`SOFT_SIMILARITY`."""
    if equal(kind, truth, value):
        return True
    if kind != "text" or value is None:
        return False
    shorter, longer = sorted((len(plain(truth)), len(plain(value))))
    # The distance is the difference in length at least, so most pairs need not be measured.
    return shorter >= SOFT_SIMILARITY * longer and similarity(truth, value) >= SOFT_SIMILARITY


def best_value(candidates: Any) -> str | None:
    """The value of the most confident candidate of a field of an extraction record.

    Args:
        candidates: ``[{"value", "confidence", …}]``, one such dictionary, or nothing.

    Returns:
        Its value as text; None if there is no candidate, or its text could not be normalised.
    """
    if not candidates:
        return None
    value = max(_listed(candidates), key=_confidence).get("value")
    return None if value is None else str(value)


def best_confidence(candidates: Any) -> float:
    """The confidence of the candidate that :func:`best_value` takes, 0 to 1; 0 where there is none."""
    return max(map(_confidence, _listed(candidates)), default=0.0)


def _listed(candidates: Any) -> list[Any]:
    return candidates if isinstance(candidates, list) else [candidates] if candidates else []


def _confidence(candidate: Any) -> float:
    return float(candidate.get("confidence") or 0)
