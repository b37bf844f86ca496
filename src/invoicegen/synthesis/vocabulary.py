"""Names and words beyond the lists: what a reader has never seen must still be read by its place and its looks.

A country has thousands of towns and no end of firms, streets and articles; lists of twenty teach a model the lists.
So some names are real ones from Faker's longer lists, and some are made up letter by letter in the manner of the
country's own: :class:`LetterChain`.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
from collections import defaultdict
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Final

from invoicegen.synthesis.currencies import names_currency
from invoicegen.synthesis.draw import Draw
from invoicegen.synthesis.locales import Language, load_language

if TYPE_CHECKING:
    from faker import Faker

ORDER: Final = 3
"""Letters that decide on the next one: with 2 names get hard to pronounce, with 4 they repeat the list."""

SAMPLE: Final = 250
"""Names of each sort taken from Faker, where the locale has one."""

_START, _END = "\x02", "\x03"
_LENGTHS: Final = range(4, 25)
_TRIES: Final = 12
_WORD: Final = re.compile(r"[^\W\d_]{2,}")
_LOREM: Final = {
    "cs": "cs_CZ", "da": "da_DK", "de": "de_DE", "en": "en_US", "es": "es_ES", "fr": "fr_FR", "it": "it_IT",
    "nl": "nl_NL", "pl": "pl_PL",
}  # fmt: skip
"""Languages of which Faker has lists of common words; of others it would give Latin."""


_MISSING: Final = frozenset({"none", "null", "nan"})
"""Words that in print look like a value that is missing."""


class LetterChain:
    """Makes words up that look like given ones: each letter is drawn from those that followed the last three.

    Args:
        names: Words or names of one sort; spaces and hyphens are letters like others.

    Source: C. E. Shannon, A Mathematical Theory of Communication (1948), section 3.
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        followers: defaultdict[str, list[str]] = defaultdict(list)
        for name in names:
            text = _START * ORDER + name + _END
            for place in range(ORDER, len(text)):
                followers[text[place - ORDER : place]].append(text[place])
        self._followers = dict(followers)
        self._names = names

    def make(self, draw: Draw) -> str:
        """A word of 4 to 24 letters; one of the given where none comes about in twelve tries."""
        for _ in range(_TRIES):
            text = _START * ORDER
            while text[-1] != _END and len(text) < ORDER + _LENGTHS.stop:
                text += draw.pick(self._followers[text[-ORDER:]])
            word = text.strip(_START + _END).strip()
            if text[-1] == _END and len(word) in _LENGTHS:
                return word
        return draw.pick(self._names)


@lru_cache(maxsize=256)
def chain(names: tuple[str, ...]) -> LetterChain:
    """The chain of these names, built once a process (a few milliseconds)."""
    return LetterChain(names)


@cache
def sample(faker_locale: str, sort: str) -> tuple[str, ...]:
    """Different names from Faker, always the same ones.

    Args:
        faker_locale: Such as ``de_DE``.
        sort: Name of a Faker method: ``city``, ``street_name``, ``last_name``.
    """
    from faker import Faker

    faker: Faker = Faker(faker_locale, providers=["faker.providers.address", "faker.providers.person"])
    faker.seed_instance(0)
    make = getattr(faker, sort)
    return tuple(sorted({str(make()) for _ in range(SAMPLE)}))


@cache
def words(language: str, folders: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Common words of a language: those of its goods, notes and conditions, and of Faker's list where it has one.

    Names of currencies are not among them: the text of a document names none but its own.

    Args:
        language: ISO 639-1.
        folders: The user's folders, whose languages go before the package's.
    """
    own: Language = load_language(language, folders)
    texts = [
        *own.adjectives,
        *(noun for items in own.items.values() for noun in items.nouns),
        *(option for items in own.items.values() for options in items.options for option in options),
        *(pattern for patterns in own.details.values() for pattern in patterns),
        *(pattern for patterns in own.notes.values() for pattern in patterns),
        *own.fine_print,
    ]
    found = {word for text in texts for word in _WORD.findall(re.sub(r"\{\w+\}", " ", text))}
    module = f"faker.providers.lorem.{_LOREM.get(language)}"
    if language in _LOREM and importlib.util.find_spec(module):
        found.update(importlib.import_module(module).Provider.word_list)
    return tuple(
        sorted(word for word in found if word.casefold() not in _MISSING and not names_currency(word))
    )
