"""Locales, lexicons and templates of one's own: the documented example works, and what is wrong is refused at load."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from invoicegen.rendering import render_document
from invoicegen.synthesis import LocaleError, load_locale, locale_names, synthesise
from invoicegen.synthesis.identifiers import passes
from invoicegen.templates import PlanOptions, TemplateError, compose, plan_document
from invoicegen.templates.families import (
    FAMILIES,
    PAGE_NAMES,
    RECEIPT_NAMES,
    base_folder,
    environment,
    load_template,
    used_names,
)
from invoicegen.templates.genome import impossible
from invoicegen.templates.lexicon import LexiconError, load_lexicon

EXAMPLE = Path(__file__).parents[2] / "docs/examples/acme"
WIDE = ("position", "ITEM_CODE", "ITEM_DESCRIPTION", "ITEM_QUANTITY", "ITEM_UNIT", "ITEM_AMOUNT")
KINDS = ["commercial_invoice", "tax_invoice", "credit_note", "shop_receipt"]


def options(folder=EXAMPLE, **changed):
    given = {
        "locales": {"en_NZ": 1},
        "families": {"acme": 1},
        "kinds": dict.fromkeys(KINDS, 1),
        "engines": {family: {"pdf_text": 1} for family in FAMILIES},
        "presets": {family: {"clean": 1} for family in FAMILIES},
        "extensions": [str(folder)],
    }
    return PlanOptions.model_validate(given | changed)


@pytest.fixture
def own(tmp_path):
    """A copy of the example to break."""
    return Path(shutil.copytree(EXAMPLE, tmp_path / "own"))


def test_the_example_of_the_docs_prints_its_own_country_words_and_blocks():
    plans = [plan_document(index, options()) for index in range(40)]
    assert {(p.family, p.template, p.locale) for p in plans} == {("modern", "acme", "en_NZ")}
    places = {p.genome["structure"]["totals_place"] for p in plans}
    assert places == {"right", "full"}
    pages = [compose(synthesise(plan), plan) for plan in plans]
    assert all("acme-title" in page and "#1a5276" in page for page in pages)
    for added in ("Acme bill reference", "Grand sum payable"):  # each one wording of some thirty
        more = (plan_document(index, options()) for index in range(600))
        assert any(added in compose(synthesise(plan), plan) for plan in more)
    words = {w.text for p in render_document(pages[0]).pages for w in p.words}
    assert synthesise(plans[0]).number in " ".join(words)


def test_a_template_is_a_layout_of_its_own_and_leaves_the_others_as_they_were():
    mine = plan_document(3, options())
    plain = plan_document(3, options(families={"modern": 1}, extensions=[], locales={"en_GB": 1}))
    same = plan_document(3, options(families={"modern": 1}, locales={"en_GB": 1}))
    assert mine.genome["structure"]["template"] == "acme"
    assert mine.split_group != plain.split_group
    assert same.genome == plain.genome
    assert "template" not in plain.genome["structure"]


def test_own_locales_go_before_the_packages(own):
    folders = (str(own),)
    assert set(locale_names(folders)) - set(locale_names()) == {"en_NZ"}
    content = yaml.safe_load((own / "locales/en_NZ.yml").read_text())
    (own / "locales/en_GB.yml").write_text(yaml.safe_dump(content | {"country": "GB"}))
    assert load_locale("en_GB", folders).currency == "NZD"
    assert load_locale("en_GB").currency == "GBP"


def test_own_wordings_are_added_and_a_countrys_take_the_place_of_the_languages(own):
    assert "Acme bill reference" in load_lexicon("en", (str(own),))["number"]
    assert set(load_lexicon("en")["number"]) < set(load_lexicon("en", (str(own),))["number"])
    assert "CNPJ" in load_lexicon("pt", (), "pt_BR")["seller_tax_id"]
    assert "CNPJ" not in load_lexicon("pt", (), "pt_PT")["seller_tax_id"]
    (own / "lexicons/en.yml").write_text("numbre: [Bill]\n")
    with pytest.raises(LexiconError, match=r"en\.yml: unknown caption.*numbre.*rename"):
        load_lexicon("en", (str(own),), "en_IE")
    (own / "lexicons/eo.yml").write_text("number: [Numero]\n")
    with pytest.raises(LexiconError, match=r"eo\.yml: missing caption.*add a wording"):
        load_lexicon("eo", (str(own),))


def test_a_country_does_not_print_the_words_that_it_avoids():
    assert "VAT" in load_lexicon("en")["tax_total"]
    assert "VAT" in load_lexicon("en", (), "en_GB")["tax_total"]
    for locale, words in (
        ("en_US", ("VAT", "GST")),
        ("en_AU", ("VAT",)),
        ("en_GB", ("GST", "EIN")),
        ("fr_CA", ("TVA",)),
    ):
        lexicon = load_lexicon(load_locale(locale).language, (), locale)
        for key in ("seller_tax_id", "tax_total", "tax_rate", "tax_table"):
            assert lexicon[key], key
            assert not [text for text in lexicon[key] if set(words) & set(re.findall(r"\w+", text))], (
                locale,
                key,
            )


def _rewrite(path, **changed):
    content = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump(content | changed))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"extends": "baroque"}, r"family\.yml: extends: .*modern"),
        ({"colour": "red"}, r"family\.yml: colour: .*keys are extends"),
        (
            {"structure": {"total_place": "right"}},
            r"structure\.total_place: no such gene; genes are .*totals_place",
        ),
        ({"style": {"size_pt": "big"}}, r"style\.size_pt: 'big' is str; give a value like"),
        ({"structure": {"totals_place": {"right": -1}}}, r"structure\.totals_place: weights"),
        (
            {"structure": {"columns": ["ITEM_DESCRIPTION", "PRICE"]}},
            r"structure: columns: unknown PRICE; choose of",
        ),
        (
            {
                "structure": {
                    "page": "A5",
                    "columns": [*WIDE],
                }
            },
            "A5 holds 5 columns and not 6; take A4",
        ),
    ],
)
def test_genes_that_cannot_be_are_refused_at_load(own, changed, message):
    _rewrite(own / "templates/acme/family.yml", **changed)
    with pytest.raises(TemplateError, match=message):
        load_template("acme", (str(own),))


def test_a_roll_of_58_mm_with_every_column_is_refused(own):
    everything = {"sheet": "roll58", "item": "columns", "item_order": "dqpa", "code": True, "tax_code": True}
    for path in (own / "templates/acme").glob("*.j2"):
        path.unlink()
    (own / "templates/acme/family.yml").write_text(
        yaml.safe_dump({"extends": "receipt", "structure": everything})
    )
    with pytest.raises(TemplateError, match=r"roll58 has no room .* take item_order dqa"):
        load_template("acme", (str(own),))
    assert impossible({"family": "receipt", **everything, "code": False}) is None


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("title.html.j2", "{{ v.title( }}", r"title\.html\.j2: line 1: "),
        (
            "title.html.j2",
            "{{ invoise.number }}",
            r"title\.html\.j2: uses invoise, which there is not; use .*invoice",
        ),
        ("titel.html.j2", "x", r"titel\.html\.j2: no such block of modern; blocks are .*title\.html\.j2"),
    ],
)
def test_blocks_that_cannot_be_used_are_refused_at_load(own, name, text, message):
    (own / "templates/acme" / name).write_text(text)
    with pytest.raises(ValidationError, match=message):
        options(own)


def test_names_that_there_are_not_are_refused_with_those_there_are(own):
    with pytest.raises(
        ValidationError, match=r"families\.acne: unknown; allowed: modern, classic, receipt, acme"
    ):
        options(own, families={"acne": 1})
    with pytest.raises(ValidationError, match=r"extensions: no folder 'nowhere'.*correct the path"):
        options("nowhere")
    with pytest.raises(ValidationError, match=r"locales: unknown en_NZ; allowed: .*en_GB"):
        options(extensions=[], families={"modern": 1})
    (own / "locales/en_NZ.yml").write_text("language: en\n")
    with pytest.raises((LocaleError, ValidationError), match=r"en_NZ\.yml: country: add this key"):
        options(own)


@pytest.mark.parametrize("family", FAMILIES)
def test_blocks_use_only_what_is_promised_to_templates(family):
    """What a user may write in a block is what the package's own blocks use."""
    names = RECEIPT_NAMES if family == "receipt" else PAGE_NAMES
    jinja = environment(family)
    assert jinja.loader is not None
    for name in jinja.list_templates():
        if name.startswith(f"{base_folder(family)}/") and "macros" not in name:
            source, _, _ = jinja.loader.get_source(jinja, name)
            assert used_names(jinja, source) <= names, name


def test_identifiers_are_wrong_only_on_purpose():
    given = {"families": {"modern": 1}, "locales": {"de_DE": 1, "nl_BE": 1}, "extensions": []}
    right = [synthesise(plan_document(i, options(**given))) for i in range(40)]
    wrong = [synthesise(plan_document(i, options(**given, invalid_identifiers=1))) for i in range(40)]
    assert all(passes(i.payment.iban, "iban") and not i.invalid_identifiers for i in right if i.payment.iban)
    with_iban = [i for i in wrong if i.payment.iban]
    assert len(with_iban) > 10
    for invoice in with_iban:
        assert "payment.iban" in invoice.invalid_identifiers
        assert not passes(invoice.payment.iban, "iban")
    changed = {path for invoice in wrong for path in invoice.invalid_identifiers}
    assert changed == {"seller.tax_id", "payment.iban", "payment.reference"}
    share = [
        plan_document(i, options(**given, invalid_identifiers=0.3)).invalid_identifiers for i in range(300)
    ]
    assert 60 < sum(share) < 120


def test_the_docs_show_the_example_as_it_is():
    shown = (EXAMPLE.parents[1] / "templates.md").read_text()
    for path in ("templates/acme/family.yml", "templates/acme/title.html.j2", "lexicons/en.yml"):
        text = re.sub(r"^(#|\{#).*\n", "", (EXAMPLE / path).read_text())
        assert text.strip() in shown, path
