"""Captions by language: what a field is called on paper, in all the wordings that are sampled from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

import yaml

from invoicegen.synthesis import load_locale

OPTIONAL_KEYS: Final[frozenset[str]] = frozenset({"tax_number"})


class LexiconError(ValueError):
    """A lexicon file that cannot be used, with the file, the key and what to do."""


class Lexicon:
    """The captions of one language; every key has at least one wording."""

    def __init__(self, language: str, captions: dict[str, list[str]]) -> None:
        self.language = language
        self._captions = captions

    def __contains__(self, key: str) -> bool:
        return key in self._captions

    def __getitem__(self, key: str) -> list[str]:
        return self._captions[key]

    def keys(self) -> set[str]:
        """All keys of the lexicon."""
        return set(self._captions)


def read_lexicon(path: Path, required: set[str] | None = None) -> dict[str, list[str]]:
    """The captions of one file, checked.

    Args:
        path: A YAML file of ``key: [wording, …]``.
        required: Keys that must be there; by default none.

    Raises:
        LexiconError: If a key is missing or unknown, or a value is no list of strings; names file, key and mend.
    """
    captions = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(captions, dict):
        raise LexiconError(f"{path}: must be a mapping of caption keys to lists of wordings")
    for key, wordings in captions.items():
        if not isinstance(wordings, list) or not wordings:
            raise LexiconError(f"{path}: {key}: give a list with at least one wording")
        for wording in wordings:
            if not isinstance(wording, str):
                raise LexiconError(
                    f"{path}: {key}: {wording!r} is read as {type(wording).__name__}; put it in quotes"
                )
    if required is not None:
        missing = sorted(required - captions.keys())
        unknown = sorted(captions.keys() - required - OPTIONAL_KEYS)
        if missing:
            raise LexiconError(f"{path}: missing caption(s) {', '.join(missing)}; add a wording for each")
        if unknown:
            raise LexiconError(f"{path}: unknown caption(s) {', '.join(unknown)}; remove or rename them")
    return captions


def _usual(captions: dict[str, list[str]], avoid: Sequence[str]) -> dict[str, list[str]]:
    """The wordings without those words; a key of which nothing would be left keeps all."""
    if not avoid:
        return captions
    foreign = re.compile(rf"(?<!\w)({'|'.join(map(re.escape, avoid))})(?!\w)", re.IGNORECASE)
    return {
        key: [wording for wording in wordings if not foreign.search(wording)] or wordings
        for key, wordings in captions.items()
    }


def _checked(path: Path, required: set[str]) -> dict[str, list[str]]:
    """A file of some of the keys."""
    captions = read_lexicon(path)
    if unknown := sorted(captions.keys() - required - OPTIONAL_KEYS):
        raise LexiconError(f"{path}: unknown caption(s) {', '.join(unknown)}; remove or rename them")
    return captions


def _folder() -> Path:
    return Path(str(files(__package__))) / "lexicons"


@cache
def load_lexicon(language: str, folders: tuple[str, ...] = (), locale: str = "") -> Lexicon:
    """The lexicon of an ISO 639-1 language, as one country uses it.

    Args:
        language: Such as ``de``.
        folders: The user's folders. ``lexicons/<language>.yml`` or ``lexicons/<locale>.yml`` there adds its wordings
            to the package's; for a language that the package has not, it must have every key of ``en.yml``.
        locale: Such as ``de_CH``; wordings with a word that the country avoids are left out, and the keys of the
            package's ``de_CH.yml``, where there is one, take the place of those of ``de.yml``.

    Raises:
        LexiconError: If there is none, or its keys are not those of ``en.yml``.
    """
    required = set(read_lexicon(_folder() / "en.yml")) - OPTIONAL_KEYS
    path = _folder() / f"{language}.yml"
    captions = read_lexicon(path, required) if path.is_file() else {}
    if locale:
        captions = _usual(captions, load_locale(locale, folders).avoid)
        country = _folder() / f"{locale}.yml"
        captions |= _checked(country, required) if country.is_file() else {}
    for folder in folders:
        for name in filter(None, (language, locale)):
            own = Path(folder) / "lexicons" / f"{name}.yml"
            if own.is_file():
                added = _checked(own, required) if captions else read_lexicon(own, required)
                captions = {key: [*captions.get(key, []), *added.get(key, [])] for key in captions | added}
    if not captions:
        known = ", ".join(sorted(file.stem for file in _folder().glob("??.yml")))
        raise LexiconError(
            f"no lexicon for language {language!r}; there are {known}; add lexicons/{language}.yml to a folder of "
            "generate.extensions"
        )
    return Lexicon(language, captions)
