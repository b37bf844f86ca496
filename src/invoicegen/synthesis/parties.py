"""Who sells and who buys: names, addresses, numbers."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from invoicegen.schema.invoice import RECEIPT_KINDS, Address, DocumentKind, Party
from invoicegen.synthesis.draw import Draw
from invoicegen.synthesis.identifiers import draw_id
from invoicegen.synthesis.locales import City, Language, Locale, load_language
from invoicegen.synthesis.vocabulary import chain, sample, words

if TYPE_CHECKING:
    from faker import Faker

_SYLLABLES: Final = {
    "onset": "b br c ch cl d dr el f fl g gr h in j k kr l m n nov or p pr qu r s st sol t tr v ver z zen al ax am ur",
    "vowel": "a e i o u",
    "coda": "n r l x s m lex tec dor vex nox mar sys nex lin ver san rok bel gen pol rix tan",
    "ending": "a o ix is io ex ora ent ify on us ium line max",
}
_PARTS: Final = {name: tuple(parts.split(" ")) for name, parts in _SYLLABLES.items()}


_OPEN_PATTERNS: Final = {
    "{word} {form}": 3.0,
    "{word} {word2} {form}": 3.0,
    "{word}": 1.5,
    "{word} {word2}": 2.0,
    "{word} {word2} {word3}": 1.0,
    "{word} & {word2} {form}": 1.0,
    "{word}-{word2} {form}": 1.0,
    "{word} {coined} {form}": 1.0,
    "{acronym} {word} {word2} {form}": 1.0,
    "{invented} {form}": 2.0,
    "{invented}": 1.0,
    "{invented} {trade} {form}": 1.5,
    "{invented} {word} {form}": 1.0,
    "{word} {trade} {form}": 1.5,
}
"""Names of firms out of any words: ``word`` is a common word of the language, ``invented`` one that it could have."""

_SHOPS: Final[tuple[DocumentKind, ...]] = ("shop_receipt", "restaurant_receipt", "fuel_receipt")


class Names:
    """Names for one document, from the locale's lists and from Faker seeded by the document's stream.

    Args:
        draw: The document's draws.
        locale: Whose names.
        folders: The user's folders, whose languages go before the package's.
    """

    def __init__(self, draw: Draw, locale: Locale, folders: tuple[str, ...] = ()) -> None:
        self.draw = draw
        self.locale = locale
        self.language: Language = load_language(locale.language, folders)
        self._folders = folders
        self._seed = draw.seed()
        self._fakers: dict[str, Faker] = {}

    def _faker(self, name: str | None) -> Faker:
        assert name is not None, "a locale without lists has a Faker locale: its model sees to that"
        if name not in self._fakers:
            faker = _faker(name)
            faker.seed_instance(self._seed)
            self._fakers[name] = faker
        return self._fakers[name]

    def first(self) -> str:
        """A first name."""
        people = self.locale.people
        return self.draw.pick(people.first) if people.first else str(self._faker(people.faker).first_name())

    def last(self) -> str:
        """A family name."""
        if self.draw.chance(0.2):
            return chain(self._known_last_names()).make(self.draw)
        people = self.locale.people
        return self.draw.pick(people.last) if people.last else str(self._faker(people.faker).last_name())

    def _known_last_names(self) -> tuple[str, ...]:
        people = self.locale.people
        return tuple(people.last) or sample(str(people.faker), "last_name")

    def person(self) -> str:
        """A full name as printed."""
        order = self.draw.pick(self.locale.people.orders)
        return order.format_map(
            {"first": self.first(), "last": self.last(), "last2": self.last() if "last2" in order else ""}
        )

    def addressed_person(self) -> str:
        """A full name as it stands in an address."""
        honorifics = self.language.honorifics
        if not honorifics or not self.draw.chance(0.3):
            return self.person()
        return f"{self.draw.pick(honorifics)} {self.person()}"

    def street(self) -> str:
        """The name of a street, without a number."""
        streets = self.locale.streets
        known = (*streets.names, *(sample(streets.faker, "street_name") if streets.faker else ()))
        if self.draw.chance(0.3):
            return self.draw.mask(chain(known).make(self.draw))
        if streets.names and (not streets.faker or self.draw.chance(0.5)):
            return self.draw.mask(self.draw.pick(streets.names))
        return str(self._faker(streets.faker).street_name())

    def town(self, city: City) -> str:
        """The name of a town: the one given, or another that the country has or could have."""
        cities = {known.city for known in self.locale.cities}
        if len(cities) == 1:  # a city state
            return city.city
        faker = self.locale.streets.faker
        further = sample(faker, "city") if faker else ()
        if further and self.draw.chance(0.3):
            return self.draw.pick(further)
        if self.draw.chance(0.35):
            return chain((*sorted(cities), *further, *self._known_last_names())).make(self.draw)
        return city.city

    def word(self) -> str:
        """A common word of the language, in its own case."""
        return self.draw.pick(words(self.locale.language, self._folders))

    def sentence(self) -> str:
        """Six to eighteen common words between a capital and a full stop; what they say is nothing."""
        text = " ".join(self.word() for _ in range(self.draw.between(6, 18)))
        return f"{text[0].upper()}{text[1:]}."

    def invented(self) -> str:
        """A word that the language could have."""
        word = chain(words(self.locale.language, self._folders)).make(self.draw)
        return word[0].upper() + word[1:]

    def coined(self) -> str:
        """A made-up word such as a brand."""
        draw = self.draw
        word = ""
        for _ in range(1 if draw.chance(0.45) else 2):
            word += draw.pick(_PARTS["onset"]) + draw.pick(_PARTS["vowel"])
        word += draw.pick(_PARTS["coda"])
        if len(word) < 7 and draw.chance(0.8):
            word += draw.pick(_PARTS["ending"])
        return word.upper() if draw.chance(0.08) else word.capitalize()

    def acronym(self) -> str:
        """Two to four capital letters, sometimes with points, an ampersand or a number."""
        letters = self.draw.mask("@" * self.draw.weighted({2: 3, 3: 6, 4: 2}))
        style = self.draw.random.random()
        if style < 0.1:
            return ".".join(letters) + "."
        if style < 0.2:
            return f"{letters[0]}&{letters[1:]}"
        if style < 0.26:
            return f"{letters}{self.draw.between(1, 99)}"
        return letters

    def company(self, industry: str, kind: DocumentKind) -> str:
        """The name of a firm of this trade; receipts come from shops, restaurants and filling stations."""
        draw, language, locale = self.draw, self.language, self.locale
        # A card terminal stands in any shop.
        place: DocumentKind = draw.pick(_SHOPS) if kind == "card_slip" else kind
        shop = [*language.shop_patterns.get(place, []), *locale.shop_patterns.get(place, [])]
        patterns = [*language.company_patterns, *locale.company_patterns, *locale.company_patterns]
        pattern = draw.pick(shop) if shop and draw.chance(0.75) else draw.pick(patterns)
        if draw.chance(0.3):
            pattern = draw.weighted(_OPEN_PATTERNS)
        trades = [*language.trades[industry], *locale.trades.get(industry, [])]
        form = draw.weighted(locale.legal_forms)
        capitals = draw.chance(0.85)

        def capital() -> str:
            word = self.word()
            return word[0].upper() + word[1:] if capitals else word

        makers: dict[str, Callable[[], str]] = {
            "first": self.first,
            "last": self.last,
            "last2": self.last,
            "coined": self.coined,
            "acronym": self.acronym,
            "trade": lambda: draw.pick(trades),
            "city": lambda: draw.pick(locale.cities).city,
            "street": self.street,
            "adjective": lambda: draw.pick(language.adjectives),
            "form": lambda: form,
            "number": lambda: str(draw.between(1, 9999)),
            "word": capital,
            "word2": capital,
            "word3": capital,
            "invented": self.invented,
        }
        values = {name: make() for name, make in makers.items() if f"{{{name}}}" in pattern}
        words = pattern.format_map(values).replace(" ,", ",").split()
        return " ".join(word for before, word in pairwise(["", *words]) if word != before)

    def trading_name(self, legal_name: str, industry: str, kind: DocumentKind) -> str:
        """What a shop calls itself beside its legal name: a brand, another name, or a part of that name."""
        draw = self.draw
        makers: dict[str, Callable[[], str]] = {
            "coined": self.coined,
            "name": lambda: self.company(industry, kind),
            "part": lambda: legal_name.split()[0],
            "words": lambda: " ".join(self.word().capitalize() for _ in range(draw.between(1, 3))),
        }
        name = makers[draw.weighted({"coined": 3, "name": 3, "part": 1.5, "words": 2.5})]()
        if draw.chance(0.2):
            name += draw.pick((" ", " - ", " @ ", ", ")) + draw.pick(self.locale.cities).city
        return name.upper() if draw.chance(0.35) else name

    def slogan(self) -> str:
        """Two to five common words that a firm prints under its name."""
        text = " ".join(self.word() for _ in range(self.draw.between(2, 5)))
        return f"{text[0].upper()}{text[1:]}" + self.draw.pick(("", "", ".", "!"))


@cache
def _faker(name: str) -> Faker:
    # One a process, with the two providers that Names asks: building it takes 7 ms, with all of them 18 ms.
    # Names.* reseed it for every document.
    from faker import Faker

    return Faker(name, providers=["faker.providers.address", "faker.providers.person"])


@cache
def country_name(code: str, language: str) -> str:
    """The name of a country in a language, from the CLDR.

    Args:
        code: ISO 3166-1 alpha-2.
        language: ISO 639-1.
    """
    from babel import Locale as Cldr

    return str(Cldr.parse(language).territories.get(code, code))


def draw_address(names: Names, language: str, city_index: int | None = None) -> Address:
    """A postal address in one of the printed forms of the country."""
    draw, locale = names.draw, names.locale
    form = locale.addresses
    city = draw.pick(locale.cities) if city_index is None else locale.cities[city_index]
    lines = draw.pick(form.formats)
    post_code = draw.mask(draw.pick(city.post_codes)) if city.post_codes else ""
    town = names.town(city)
    values = {
        "number": draw.mask(draw.pick(form.numbers)),
        "street": names.street(),
        "building": draw.mask(draw.pick(form.buildings)),
        "unit": draw.mask(draw.pick(form.units)),
        "district": draw.mask(draw.pick(form.districts)),
        "box": draw.mask(draw.pick(form.boxes)),
        "city": town,
        "CITY": town.upper(),
        "post_code": post_code,
        "subdivision": city.subdivision,
        "code": city.code,
    }
    return Address(
        lines=[line.format_map(values) for line in lines],
        city=town,
        post_code=post_code,
        subdivision=city.subdivision or None,
        country_code=locale.country,
        country=country_name(locale.country, language),
    )


def at_site(names: Names, firm: str, address: Address) -> Address:
    """An address whose first line now and then says which house of the firm it is (BT-36): "Acme Headquarters"."""
    sites = names.language.sites
    if not sites or not names.draw.chance(0.07):
        return address
    site = names.draw.pick(sites).format(name=firm.split()[0].rstrip(","))
    return address.model_copy(update={"lines": [site, *address.lines]})


_PLAIN: Final = str.maketrans({"ß": "ss", "ø": "o", "æ": "ae", "ł": "l", "đ": "d"})


def slug(name: str) -> str:
    """A name as it stands in a domain: letters and digits only."""
    plain = unicodedata.normalize("NFKD", name.lower().translate(_PLAIN))
    return "".join(sign for sign in plain if sign.isascii() and sign.isalnum())


def draw_seller(names: Names, industry: str, kind: DocumentKind, with_tax_id: bool) -> Party:
    """The firm that writes the document."""
    draw, locale = names.draw, names.locale
    receipt = kind in RECEIPT_KINDS
    name = names.company(industry, kind)
    domain = f"{slug(name)[: draw.between(6, 18)] or 'shop'}.{draw.pick(locale.domains)}"
    bodies: dict[str, str] = {}
    # Made before the registration, which shares its body (France).
    tax_id = draw_id(draw, locale.tax_ids, bodies) if with_tax_id else None
    tax_number = (
        draw_id(draw, locale.tax_numbers, bodies) if locale.tax_numbers and draw.chance(0.35) else None
    )
    registration = None
    if locale.registrations and draw.chance(0.3 if receipt else 0.55):
        registration = draw.mask(draw.pick(locale.registrations)).format_map(
            {
                "city": draw.pick(locale.cities).city,
                "digits": next(iter(bodies.values()), None) or draw.mask("%" + "#" * draw.between(4, 7)),
            }
        )
    trading = names.trading_name(name, industry, kind) if draw.chance(0.35 if receipt else 0.12) else None
    address = draw_address(names, locale.language)
    address = address if receipt else at_site(names, name, address)
    if draw.chance(locale.shouting if receipt else 0.12):
        name = name.upper()
        address = address.model_copy(update={"lines": [line.upper() for line in address.lines]})
    return Party(
        name=name,
        trading_name=trading,
        slogan=names.slogan() if draw.chance(0.15 if receipt else 0.08) else None,
        contact_person=names.person() if draw.chance(0.3) else None,
        address=address,
        tax_id=tax_id,
        tax_number=tax_number,
        registration_id=registration,
        phone=draw.mask(draw.pick(locale.phones)) if draw.chance(0.75) else None,
        fax=draw.mask(draw.pick(locale.phones)) if draw.chance(0.1 if receipt else 0.3) else None,
        email=f"{draw.pick(_MAILBOXES)}@{domain}" if draw.chance(0.25 if receipt else 0.65) else None,
        website=f"{draw.pick(('www.', 'www.', '', 'https://www.'))}{domain}" if draw.chance(0.5) else None,
    )


_MAILBOXES: Final = ("info", "office", "billing", "accounts", "sales", "contact", "mail", "hello", "service")


def draw_buyer(names: Names, industry: str, language: str, *, business: bool, with_tax_id: bool) -> Party:
    """A firm or a private person that pays.

    Args:
        names: Names of the buyer's country.
        industry: Trade of the firm.
        language: Language of the document, for the country's name.
        business: A firm, else a person.
        with_tax_id: Whether its tax number is printed.
    """
    draw, locale = names.draw, names.locale
    name = names.company(industry, "commercial_invoice") if business else names.addressed_person()
    address = draw_address(names, language)
    address = at_site(names, name, address) if business else address
    if draw.chance(0.12):
        name = name.upper()
        address = address.model_copy(update={"lines": [line.upper() for line in address.lines]})
    host = f"{slug(name)[:14] or 'mail'}.{draw.pick(locale.domains)}"
    departments = names.language.departments
    person = draw.pick(departments) if departments and draw.chance(0.4) else names.person()
    return Party(
        name=name,
        contact_person=person if business and draw.chance(0.35) else None,
        address=address,
        tax_id=draw_id(draw, locale.tax_ids, {}) if with_tax_id else None,
        phone=draw.mask(draw.pick(locale.phones)) if draw.chance(0.2) else None,
        email=f"{draw.pick(_MAILBOXES)}@{host}" if draw.chance(0.15) else None,
    )
