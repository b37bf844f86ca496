import numpy as np
import pytest

from invoicegen.synthesis.currencies import names_currency
from invoicegen.synthesis.draw import Draw
from invoicegen.synthesis.locales import LOCALES, load_locale
from invoicegen.synthesis.parties import Names, at_site, draw_address
from invoicegen.synthesis.vocabulary import chain, words


def draws(seed=0):
    return Draw(np.random.default_rng(seed))


def test_a_chain_makes_new_words_of_the_given_letters():
    towns = ("Hamburg", "Homburg", "Hamborn", "Bamberg", "Burgdorf", "Bergdorf", "Hombergen", "Burghausen")
    draw = draws()
    made = {chain(towns).make(draw) for _ in range(200)}
    assert len(made - set(towns)) > 5
    assert set("".join(made)) <= set("".join(towns))
    assert all(4 <= len(word) <= 24 for word in made)


def test_a_chain_of_one_word_makes_that_word():
    assert chain(("Lyon",)).make(draws()) == "Lyon"
    assert chain(("Au",)).make(draws()) == "Au"  # too short to be made up, so the given one


@pytest.mark.parametrize("locale", sorted({*LOCALES} - {"en_SG"}))
def test_towns_and_firms_go_beyond_the_lists(locale):
    data = load_locale(locale)
    names = Names(draws(), data)
    towns = {draw_address(names, data.language).city for _ in range(300)}
    assert len(towns - {city.city for city in data.cities}) > 25
    firms = {names.company(next(iter(names.language.trades)), "commercial_invoice") for _ in range(300)}
    assert len(firms) > 200


def test_words_name_no_currency_and_no_missing_value():
    for language in {load_locale(name).language for name in LOCALES}:
        found = words(language)
        assert len(found) > 500
        assert not [word for word in found if names_currency(word) or word.casefold() in ("none", "null")]


def test_the_same_draws_give_the_same_names():
    first, second = (Names(draws(7), load_locale("fr_FR")) for _ in range(2))
    assert [first.invented() + first.last() for _ in range(20)] == [
        second.invented() + second.last() for _ in range(20)
    ]


def test_an_address_now_and_then_names_a_house_of_the_firm_first():
    names = Names(draws(), load_locale("en_US"))
    address = draw_address(names, "en")
    sites = [at_site(names, "Acme, Inc.", address).lines for _ in range(1000)]
    named = [lines for lines in sites if lines != address.lines]
    assert 40 < len(named) < 110
    assert all(lines[1:] == address.lines for lines in named)
    assert ["Acme Headquarters", *address.lines] in named
