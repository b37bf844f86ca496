"""Labels of foreign datasets to entity types of the taxonomy, or of a user's own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from invoicegen.interchange.errors import InterchangeError
from invoicegen.interchange.reading import read_text, validate
from invoicegen.schema.taxonomy import DEFAULT_LABELS, ENTITY_TYPES, LabelSet

OUTSIDE: Final = "O"


class LabelMap:
    """Which entity type each label means; labels that are left out are ``O``.

    Names of entity types are known in every format, in any case; those that a user adds go before labels that the
    format has by the same name. Unknown labels are collected, so that one error can
    name them all: call :meth:`check` before anything is written.

    Args:
        default: Labels of the format, to entity types or ``O``.
        path: YAML or JSON file of more of them, which go before the format's own.
        known: The entity types there are.

    Attributes:
        known: As given.

    Raises:
        InterchangeError: If the file is no map of labels to entity types.
    """

    def __init__(
        self, default: Mapping[str, str], path: Path | None = None, known: LabelSet = DEFAULT_LABELS
    ) -> None:
        self.known = known
        self._types = {name.casefold(): name for name in (*ENTITY_TYPES, OUTSIDE)}
        self._types |= {label.casefold(): name for label, name in default.items()}
        self._types |= {entity.name.casefold(): entity.name for entity in known.extra_entities}
        self._types |= {} if path is None else _read(path, known)
        self._unknown: dict[str, str] = {}

    def __call__(self, label: str, where: str) -> str:
        """The entity type of a label, or ``O``; an unknown one is ``O`` until :meth:`check`."""
        known = self._types.get(label.casefold())
        if known is None:
            self._unknown.setdefault(label, where)
            return OUTSIDE
        return known

    def check(self) -> None:
        """Refuse what was asked for and is not known.

        Raises:
            InterchangeError: With all unknown labels, and where each was first met.
        """
        if self._unknown:
            met = "; ".join(f"{label!r} ({where})" for label, where in self._unknown.items())
            example = "".join(f"\n  {label!r}: O" for label in self._unknown)
            raise InterchangeError(
                f"labels that are not of the taxonomy: {met}; say what they mean in a YAML file and name it with "
                "--labels (import.labels), or declare entity types of your own (taxonomy.extra_entities, --taxonomy); "
                f"O for those to leave out, such as:{example}"
            )


def read_label_set(path: Path) -> LabelSet:
    """The entity types that a file of parameters declares, as ``conf/base/parameters_taxonomy.yml`` does.

    Raises:
        InterchangeError: If it declares none, or wrongly; names the key and the mend.
    """
    given = _yaml(path)
    if not isinstance(given, dict) or not isinstance(given.get("taxonomy"), dict):
        raise InterchangeError(
            f"{path}: has no key taxonomy; write it as in conf/base/parameters_taxonomy.yml (docs/model.md)"
        )
    return validate(LabelSet, given["taxonomy"], f"{path}: taxonomy")


def _yaml(path: Path) -> Any:
    import yaml

    try:
        return yaml.safe_load(read_text(path))
    except yaml.YAMLError as error:
        raise InterchangeError(f"{path}: is neither YAML nor JSON ({error}); mend it") from None


def _read(path: Path, known: LabelSet) -> dict[str, str]:
    given = _yaml(path)
    if not isinstance(given, dict):
        raise InterchangeError(f"{path}: is no map; write one label a line, such as `total: TOTAL_AMOUNT`")
    allowed = {OUTSIDE, *known.entity_types}
    for label, name in given.items():
        if name not in allowed:
            raise InterchangeError(
                f"{path}: label {label!r} is mapped to {name!r}; write O or one of {', '.join(known.entity_types)}; "
                "other types are declared under taxonomy.extra_entities (--taxonomy)"
            )
    return {str(label).casefold(): str(name) for label, name in given.items()}
