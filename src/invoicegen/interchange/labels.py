"""Labels of foreign datasets to entity types of the taxonomy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from invoicegen.interchange.errors import InterchangeError
from invoicegen.interchange.reading import read_text
from invoicegen.schema.taxonomy import ENTITY_TYPES

OUTSIDE: Final = "O"


class LabelMap:
    """Which entity type each label means; labels that are left out are ``O``.

    Names of the taxonomy are known in every format, in any case. Unknown labels are collected, so that one error can
    name them all: call :meth:`check` before anything is written.

    Args:
        default: Labels of the format, to entity types or ``O``.
        path: YAML or JSON file of more of them, which go before the format's own.

    Raises:
        InterchangeError: If the file is no map of labels to entity types.
    """

    def __init__(self, default: Mapping[str, str], path: Path | None = None) -> None:
        self._path = path
        self._types = {name.casefold(): name for name in (*ENTITY_TYPES, OUTSIDE)}
        self._types |= {label.casefold(): name for label, name in default.items()}
        self._types |= {} if path is None else _read(path)
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
                f"--labels (import.labels), O for those to leave out, such as:{example}"
            )


def _read(path: Path) -> dict[str, str]:
    import yaml

    try:
        given: Any = yaml.safe_load(read_text(path))
    except yaml.YAMLError as error:
        raise InterchangeError(f"{path}: is neither YAML nor JSON ({error}); mend it") from None
    if not isinstance(given, dict):
        raise InterchangeError(f"{path}: is no map; write one label a line, such as `total: TOTAL_AMOUNT`")
    allowed = {OUTSIDE, *ENTITY_TYPES}
    for label, name in given.items():
        if name not in allowed:
            raise InterchangeError(
                f"{path}: label {label!r} is mapped to {name!r}; write O or one of {', '.join(ENTITY_TYPES)}"
            )
    return {str(label).casefold(): str(name) for label, name in given.items()}
