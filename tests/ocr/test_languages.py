from pathlib import Path

import pytest
from pydantic import ValidationError

from invoicegen.ocr import OcrOptions
from invoicegen.ocr.languages import LANGUAGES, UnknownLanguageError, language_names, language_of
from invoicegen.synthesis import load_locale, locale_names

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("locale", locale_names())
def test_every_locale_has_a_language_and_setup_installs_its_pack(locale):
    language = language_of(locale)
    assert language == load_locale(locale).language
    packages = (ROOT / "scripts/debian-packages.txt").read_text(encoding="utf-8").split()
    assert f"tesseract-ocr-{LANGUAGES[language].tesseract}" in packages


def test_a_documents_locale_decides_where_the_options_name_no_language():
    assert OcrOptions().for_locale("nb_NO").languages == ("nb",)
    assert OcrOptions(languages=("de", "en")).for_locale("fr_FR").languages == ("de", "en")


def test_english_is_read_where_nothing_is_known():
    assert language_names(OcrOptions().languages) == [LANGUAGES["en"]]


def test_an_unknown_language_is_refused_with_those_there_are():
    with pytest.raises(ValidationError, match=r"no OCR language 'deu': choose among cs, da, de"):
        OcrOptions(languages=("de", "deu"))
    with pytest.raises(UnknownLanguageError, match="'xx'"):
        language_names(OcrOptions().for_locale("xx_YY").languages)
