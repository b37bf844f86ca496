"""Units are read as what they are printed for, in every language that documents are generated in."""

from pathlib import Path

import pytest

from invoicegen.extraction.hints import DocumentHints
from invoicegen.extraction.values import normalise_value
from invoicegen.synthesis import locales
from invoicegen.synthesis.locales import load_language

LANGUAGES = sorted(path.stem for path in (Path(locales.__file__).parent / "languages").glob("*.yml"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_printed_unit_is_read_as_its_code(language):
    units = load_language(language, ()).units
    read = {
        (word, code): normalise_value("ITEM_UNIT", word, DocumentHints(language=language))
        for code, words in units.items()
        for word in words
    }
    assert len(read) > 30
    assert {pair: got for pair, got in read.items() if got != pair[1]} == {}


@pytest.mark.parametrize(
    ("language", "text", "code"),
    [
        ("fi", "tun", "HUR"),
        ("cs", "tun", "TNE"),
        ("da", "ks", "CS"),
        ("cs", "ks", "C62"),
        ("pl", "mb", "MTR"),
        ("en", "MB", None),
        (None, "kartong", "CS"),
        (None, "nætter", "NT"),
    ],
)
def test_the_language_decides_what_a_word_means(language, text, code):
    assert normalise_value("ITEM_UNIT", text, DocumentHints(language=language)) == code
