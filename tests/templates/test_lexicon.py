import re
from pathlib import Path

import pytest

from invoicegen.synthesis import LOCALES
from invoicegen.templates import lexicon as lexicon_module
from invoicegen.templates.lexicon import OPTIONAL_KEYS, LexiconError, load_lexicon, read_lexicon


@pytest.mark.parametrize("language", sorted({locale[:2] for locale in LOCALES}))
def test_every_language_of_a_locale_has_all_captions(language):
    lexicon = load_lexicon(language)
    assert lexicon.keys() >= load_lexicon("en").keys() - {"tax_number"}
    assert all(wording.strip() == wording for key in lexicon.keys() for wording in lexicon[key])  # noqa: SIM118


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("total: [Total, No]", r"total: False is read as bool; put it in quotes"),
        ("total: Total", "total: give a list with at least one wording"),
        ("total: []", "total: give a list with at least one wording"),
        ("- total", "must be a mapping"),
        ("{}", r"missing caption\(s\) total; add a wording"),
        ("{total: [T], totl: [T]}", r"unknown caption\(s\) totl"),
    ],
)
def test_a_bad_lexicon_is_refused_with_file_key_and_mend(tmp_path, text, message):
    path = tmp_path / "xx.yml"
    path.write_text(text)
    with pytest.raises(LexiconError, match=message) as caught:
        read_lexicon(path, {"total"})
    assert str(path) in str(caught.value)


def test_an_unknown_language_names_those_there_are():
    with pytest.raises(LexiconError, match=r"no lexicon for language 'xx'; there are .*de, en"):
        load_lexicon("xx")


def test_every_caption_can_be_printed():
    """Each key is named by a view or a block, or is a reference that documents have."""
    package = Path(lexicon_module.__file__).parent
    sources = [*package.glob("*.py"), *(package / "pages").rglob("*.j2")]
    sources.append(package.parent / "synthesis" / "documents.py")
    named = set(re.findall(r"[\"'](\w+)[\"']", "".join(path.read_text() for path in sources)))
    assert load_lexicon("en").keys() - named - OPTIONAL_KEYS == set()
