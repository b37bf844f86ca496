"""How well words and truth agree: one record a page, summed for the labeling report."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class AlignmentStats:
    """Counts of one page; rules drawn with characters (``--------``) are not counted as words or characters.

    Records that were stored before the last five were counted have 0 there, so their rates are None.

    Attributes:
        engine: What read the words; ``true`` for the true words themselves.
        preset: Augmentation preset of the page image.
        family: Template family.
        true_words: Words printed on the page that can be seen.
        aligned_words: Those of them that a word read stands for.
        lost_words: Those that none stands for.
        spurious_words: Words read where nothing is printed.
        labelled_words: True words that belong to an entity.
        labelled_kept: Those of them whose entity got a word read for them.
        labelled_read: Those of them that the engine gave anything for, see
            :func:`~invoicegen.labeling.alignment.covered`; the others no alignment can label.
        labelled_read_kept: Those of these whose entity got a word read for them.
        entities: Entities with a true word on the page.
        entities_found: Those of them with any true word kept.
        entities_whole: Those of them with every true word kept.
        true_chars: Characters of the true words.
        char_errors: Characters wrong, missing or too many.
    """

    engine: str
    preset: str
    family: str
    true_words: int
    aligned_words: int
    lost_words: int
    spurious_words: int
    labelled_words: int
    labelled_kept: int
    true_chars: int
    char_errors: int
    labelled_read: int = 0
    labelled_read_kept: int = 0
    entities: int = 0
    entities_found: int = 0
    entities_whole: int = 0

    @property
    def cer(self) -> float:
        """Character error rate, wrong characters over printed ones; 0 for a page without text."""
        return self.char_errors / self.true_chars if self.true_chars else 0.0

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        return asdict(self)


_COUNTS = tuple(field.name for field in fields(AlignmentStats) if field.type == "int")


def summarise(stats: Iterable[AlignmentStats]) -> dict[str, Any]:
    """The labeling report: ``{"all", "by_engine_and_preset", "by_engine", "by_preset", "by_family"}``.

    Each part has the number of pages, the summed counts, and these rates: ``aligned`` and ``lost`` (of true words),
    ``spurious`` (per true word), ``labels_kept`` (of true words that belong to an entity), ``labels_kept_of_read``
    (of those that the engine gave anything for), ``entity_coverage`` (entities with every word kept) and
    ``entity_coverage_any`` (with any word kept), and ``cer`` (per printed character). A rate without anything to
    count is None.
    """
    records = list(stats)
    pairs = sorted({(record.engine, record.preset) for record in records})
    table: dict[str, dict[str, Any]] = {engine: {} for engine, _ in pairs}
    for engine, preset in pairs:
        table[engine][preset] = _sum(
            [record for record in records if (record.engine, record.preset) == (engine, preset)]
        )
    report: dict[str, Any] = {"all": _sum(records), "by_engine_and_preset": table}
    for key in ("engine", "preset", "family"):
        names = sorted({getattr(record, key) for record in records})
        report[f"by_{key}"] = {
            name: _sum([record for record in records if getattr(record, key) == name]) for name in names
        }
    return report


def _sum(records: list[AlignmentStats]) -> dict[str, Any]:
    total = {name: sum(getattr(record, name) for record in records) for name in _COUNTS}
    return {
        "pages": len(records),
        **total,
        "aligned": _rate(total["aligned_words"], total["true_words"]),
        "spurious": _rate(total["spurious_words"], total["true_words"]),
        "lost": _rate(total["lost_words"], total["true_words"]),
        "labels_kept": _rate(total["labelled_kept"], total["labelled_words"]),
        "labels_kept_of_read": _rate(total["labelled_read_kept"], total["labelled_read"]),
        "entity_coverage": _rate(total["entities_whole"], total["entities"]),
        "entity_coverage_any": _rate(total["entities_found"], total["entities"]),
        "cer": _rate(total["char_errors"], total["true_chars"]),
    }


def _rate(part: int, whole: int) -> float | None:
    return round(part / whole, 6) if whole else None
