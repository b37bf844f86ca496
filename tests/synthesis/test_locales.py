"""Data files: what ships loads, and what is wrong is refused by file, key and mend."""

from __future__ import annotations

import subprocess
import sys

import pytest
import yaml

from invoicegen.schema.invoice import RECEIPT_KINDS
from invoicegen.synthesis import (
    LOCALES,
    LocaleError,
    document_kinds_for,
    load_locale,
    read_locale,
)
from invoicegen.synthesis.locales import (
    LANGUAGE_FOLDER,
    LOCALE_FOLDER,
    load_industries,
    load_language,
    read_language,
)


@pytest.fixture
def edited(tmp_path):
    def write(change):
        content = yaml.safe_load((LOCALE_FOLDER / "de_DE.yml").read_text(encoding="utf-8"))
        change(content)
        path = tmp_path / "xx_XX.yml"
        path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
        return path

    return write


def _drop(key):
    return lambda content: content.pop(key)


def _put(value, *keys):
    def change(content):
        for key in keys[:-1]:
            content = content[key]
        content[keys[-1]] = value

    return change


@pytest.mark.parametrize("name", LOCALES)
def test_every_locale_loads_with_its_language(name):
    locale = load_locale(name)
    language = load_language(locale.language)
    assert len(locale.cities) >= 10
    assert set(language.trades) == set(load_industries())


def test_a_file_of_ones_own_is_read(edited):
    assert read_locale(edited(_put("CHF", "currency"))).currency == "CHF"


@pytest.mark.parametrize(
    ("change", "key", "mend"),
    [
        (_drop("currency"), "currency", "add this key"),
        (_drop("bank"), "bank", "add this key"),
        (_put(1, "curency"), "curency", "correct its spelling"),
        (_put("Euro", "currency"), "currency", "pattern"),
        (_put(-1, "price_level"), "price_level", "greater than 0"),
        (_put({"commercial_invoce": 1}, "kinds"), "kinds.commercial_invoce", "commercial_invoice"),
        (_put({}, "people"), "people", "give `faker`"),
        (_put([["{road} {number}"]], "addresses", "formats"), "addresses.formats.0.0", "road"),
        (_put([["{building}"]], "addresses", "formats"), "addresses", "add the list"),
        (_put(["A | 1 | b | c | d"] * 10, "cities"), "cities.0", "post code masks"),
        (lambda content: content.update(tax=content["tax"][:1]), "(whole file)", "since and until"),
        (_put({"food": 7}, "tax", 0, "rates"), "tax.0", "standard"),
        (_put({"A": "1/3"}, "tax", 0, "parts"), "tax.0", "make them 1"),
        (_put("?#", "tax_ids", 0, "mask"), "tax_ids.0", "one X a character"),
        (_put("xx", "language"), "language", "choose one of"),
        (_put({"bakers": ["Brot"]}, "trades"), "trades.bakers", "industries.yml"),
        (_put({}, "bank"), "bank", "give `iban`"),
    ],
)
def test_what_is_wrong_is_named_with_file_key_and_mend(edited, change, key, mend):
    path = edited(change)
    with pytest.raises(LocaleError) as caught:
        read_locale(path)
    message = str(caught.value)
    assert str(path) in message
    assert key in message
    assert mend in message


def test_a_missing_or_broken_file_is_refused(tmp_path):
    with pytest.raises(LocaleError, match=r"no such file; choose one of .*de_DE"):
        load_locale("xx_YY")
    broken = tmp_path / "broken.yml"
    broken.write_text("language: [de", encoding="utf-8")
    with pytest.raises(LocaleError, match="not YAML"):
        read_locale(broken)
    broken.write_text("- de", encoding="utf-8")
    with pytest.raises(LocaleError, match="write keys and values"):
        read_locale(broken)


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (
            lambda content: content["items"].pop("pens") and content["items"].update(pen={"nouns": ["x"]}),
            "items.pen",
        ),
        (lambda content: content["trades"].pop("hotel"), "trades.hotel"),
        (lambda content: content["units"].pop("HUR"), "units.HUR"),
        (lambda content: [content["items"].pop(key) for key in ("nights", "guest_extras")], "industry hotel"),
        (lambda content: content["terms"].append({"text": "{tage} Tage", "days": [1]}), "tage"),
        (lambda content: content["roles"].append(True), "put it in quotes"),
    ],
)
def test_a_language_with_gaps_is_refused(tmp_path, change, part):
    content = yaml.safe_load((LANGUAGE_FOLDER / "de.yml").read_text(encoding="utf-8"))
    change(content)
    path = tmp_path / "xx.yml"
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    with pytest.raises(LocaleError) as caught:
        read_language(path)
    assert part in str(caught.value)
    assert str(path) in str(caught.value)


def test_families_get_the_kinds_they_can_lay_out():
    for locale in LOCALES:
        assert set(document_kinds_for("receipt", locale)) <= RECEIPT_KINDS
        assert not set(document_kinds_for("modern", locale)) & RECEIPT_KINDS
        assert "credit_note" in document_kinds_for("classic", locale)


def test_naming_the_locales_imports_nothing_slow():
    code = (
        "import sys, invoicegen.synthesis\n"
        "slow = {'faker', 'schwifty', 'babel', 'torch'} & set(sys.modules)\n"
        "assert not slow, slow"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
