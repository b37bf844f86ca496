"""Locales and languages as data: what a country prints, and how its language says it.

A locale (``locales/de_DE.yml``) holds what belongs to a country: addresses, legal forms, taxes, identifiers, banks.
It names a language (``languages/de.yml``), which holds words: goods and services, units, terms of payment, notes.
``industries.yml`` holds what is the same everywhere: which trade sells what, in which units, at which prices.
A new country in a known language is one new file in ``locales/``, without code.
"""

from __future__ import annotations

import datetime as dt
import string
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, TypeVar, get_args

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    model_validator,
)

from invoicegen.schema.invoice import DocumentKind

KINDS: Final[tuple[DocumentKind, ...]] = get_args(DocumentKind)
"""Every kind of document."""

_FOLDER: Final = Path(__file__).parent
LOCALE_FOLDER: Final = _FOLDER / "locales"
LANGUAGE_FOLDER: Final = _FOLDER / "languages"

LOCALES: Final[tuple[str, ...]] = tuple(sorted(path.stem for path in LOCALE_FOLDER.glob("*.yml")))
"""Names of the locales that ship with the package, such as ``de_DE``."""

TaxClass = Literal["standard", "food", "meals", "books", "medicine", "energy", "lodging", "exempt"]
TAX_CLASSES: Final[tuple[TaxClass, ...]] = get_args(TaxClass)

NumberStyle = Literal["1,234.56", "1234.56", "12,34,567.89", "1.234,56", "1234,56", "1'234.56", "1 234,56"]
"""Grouping and decimal signs by example; ``1 234,56`` groups with a no-break space."""


class LocaleError(ValueError):
    """A data file of this package that cannot be used; the message names file, key and mend."""


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _placeholders(*allowed: str) -> AfterValidator:
    def check(pattern: str) -> str:
        try:
            names = {name for _, name, _, _ in string.Formatter().parse(pattern) if name is not None}
        except ValueError as error:
            raise ValueError(
                f"{pattern!r} is not a pattern ({error}); write a brace pair around a name"
            ) from None
        if unknown := names - set(allowed):
            raise ValueError(
                f"{pattern!r} asks for {', '.join(sorted(unknown))}; use only {', '.join(sorted(allowed))}"
            )
        return pattern

    return AfterValidator(check)


def _as_text(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError(f"YAML reads this word as {value}; put it in quotes")
    return str(value) if isinstance(value, int | float) else value


Text = Annotated[str, BeforeValidator(_as_text), Field(min_length=1)]
Texts = Annotated[list[Text], Field(min_length=1)]
Weights = Annotated[dict[Text, Annotated[float, Field(gt=0)]], Field(min_length=1)]
Weight = Annotated[float, Field(gt=0)]
Number = Annotated[Decimal, BeforeValidator(lambda value: str(value) if isinstance(value, float) else value)]


def _date_pattern(pattern: str) -> str:
    from babel.dates import format_date  # slow to import, and only needed where a locale is read

    try:
        printed = format_date(_SAMPLE_DATE, pattern, locale="en")
    except (ValueError, KeyError) as error:
        raise ValueError(
            f"{pattern!r} is no CLDR date pattern ({error}); write one such as dd.MM.yyyy"
        ) from None
    if not all(part in printed for part in ("14", "26")):
        raise ValueError(f"{pattern!r} prints {printed!r}: a date needs day and year, such as dd.MM.yyyy")
    return pattern


_SAMPLE_DATE: Final = dt.date(2026, 10, 14)
DatePattern = Annotated[str, AfterValidator(_date_pattern)]

COMPANY_FIELDS: Final = (
    "first",
    "last",
    "last2",
    "coined",
    "acronym",
    "trade",
    "city",
    "street",
    "adjective",
    "form",
    "number",
)
CompanyPattern = Annotated[str, _placeholders(*COMPANY_FIELDS), Field(min_length=1)]
AddressPattern = Annotated[
    str,
    _placeholders(
        "number",
        "street",
        "building",
        "unit",
        "district",
        "city",
        "CITY",
        "post_code",
        "subdivision",
        "code",
        "box",
    ),
]
NOTE_FIELDS: Final = (
    "seller",
    "phone",
    "email",
    "website",
    "days",
    "percent",
    "date",
    "number",
    "code",
    "city",
)
NotePattern = Annotated[str, _placeholders(*NOTE_FIELDS), Field(min_length=1)]


class People(_Data):
    """Names of persons: from a Faker locale, or from lists."""

    faker: str | None = None
    first: list[Text] = []
    last: list[Text] = []
    orders: list[Annotated[str, _placeholders("first", "last", "last2")]] = Field(
        ["{first} {last}"], min_length=1
    )

    @model_validator(mode="after")
    def _has_a_source(self) -> Self:
        if not self.faker and not (self.first and self.last):
            raise ValueError("no names; give `faker` (a Faker locale), or both `first` and `last`")
        return self


class Streets(_Data):
    """Names of streets: from a Faker locale, from a list, or from both."""

    faker: str | None = None
    names: list[Text] = []

    @model_validator(mode="after")
    def _has_a_source(self) -> Self:
        if not self.faker and not self.names:
            raise ValueError("no streets; give `faker` (a Faker locale), or `names`")
        return self


class City(_Data):
    """A town: its name, masks of its post codes, its state or county in full and in short."""

    city: str = Field(min_length=1)
    post_codes: list[str]
    subdivision: str = ""
    code: str = ""


def _parse_city(value: object) -> object:
    if not isinstance(value, str):
        return value
    parts = [part.strip() for part in value.split("|")]
    if not 1 <= len(parts) <= 4 or not parts[0]:
        raise ValueError(f"{value!r} is not `City | post code masks, comma between | state | short state`")
    parts += [""] * (4 - len(parts))
    masks = [mask.strip() for mask in parts[1].split(",") if mask.strip()]
    return {"city": parts[0], "post_codes": masks, "subdivision": parts[2], "code": parts[3]}


class Addresses(_Data):
    """Printed forms of an address; one list of lines each."""

    formats: Annotated[list[Annotated[list[AddressPattern], Field(min_length=1)]], Field(min_length=1)]
    numbers: Texts = Field(description="masks of house numbers")
    buildings: list[Text] = ["-"]
    units: list[Text] = ["-"]
    districts: list[Text] = ["-"]
    boxes: list[Text] = ["-"]

    @model_validator(mode="after")
    def _has_parts(self) -> Self:
        used = {
            name
            for lines in self.formats
            for line in lines
            for _, name, _, _ in string.Formatter().parse(line)
        }
        for name, key in (
            ("building", "buildings"),
            ("unit", "units"),
            ("district", "districts"),
            ("box", "boxes"),
        ):
            if name in used and key not in self.model_fields_set:
                raise ValueError(f"a format uses {{{name}}}, but there are no `{key}`; add the list")
        return self


class IdFormat(_Data):
    """An identifier: how it is made, which check it must pass, how it is printed.

    ``mask``: ``#`` is a random digit, ``@`` a random letter, ``?`` a check character that is searched for, ``*`` the
    next character of ``inner``; anything else stands for itself. ``prints``: ``X`` takes the next character; no
    ``prints`` prints it as it is.
    """

    mask: Text
    check: str | None = Field(None, description="module of python-stdnum, such as `de.vat`")
    inner: IdFormat | None = None
    prints: list[Text] = []
    weight: float = Field(1, gt=0)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if "?" in self.mask and not self.check:
            raise ValueError(
                f"mask {self.mask!r} has check characters (?) but no `check`; name the stdnum module"
            )
        for pattern in self.prints:
            if pattern.count("X") != len(self.mask):
                raise ValueError(
                    f"{pattern!r} prints {pattern.count('X')} characters of {len(self.mask)}; one X a character"
                )
        return self


def _parse_rates(value: object) -> object:
    return value if isinstance(value, list) else [value]


Rates = Annotated[list[Number], BeforeValidator(_parse_rates), Field(min_length=1)]
TaxShare = Annotated[
    Fraction,
    BeforeValidator(lambda value: Fraction(str(value))),
    PlainSerializer(str),
    Field(gt=0, le=1),
]


class TaxRegime(_Data):
    """The rates of a time and a sort of seller."""

    weight: float = Field(1, gt=0)
    since: dt.date = dt.date(1900, 1, 1)
    until: dt.date = dt.date(2999, 12, 31)
    names: Texts = Field(description="how the tax is called in print")
    rates: dict[TaxClass, Rates] = Field(
        description="percent by class; of several, a document draws one a class"
    )
    zero_category: Literal["Z", "E", "AE", "O"] = Field("Z", description="UNCL5305 code of the rate 0")
    parts: dict[Text, TaxShare] = Field(
        {}, description="taxes that share the rate, such as CGST 1/2, SGST 1/2"
    )
    note: str | None = Field(None, description="why no tax is charged")
    buyer: Literal["any", "business", "foreign"] = "any"
    value_added: bool = Field(True, description="a VAT or GST; false for sales and service taxes")
    seller_has_tax_id: bool = True
    receipts: bool = True
    inclusive: float = Field(0.2, ge=0, le=1, description="share of invoices whose prices include the tax")
    inclusive_receipts: float = Field(1, ge=0, le=1)

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if "standard" not in self.rates:
            raise ValueError("no `standard` rate; every regime needs one (0 where nothing is charged)")
        if self.parts and sum(self.parts.values()) != 1:
            raise ValueError(f"parts sum to {sum(self.parts.values())}; make them 1")
        if self.since > self.until:
            raise ValueError(f"since {self.since} is after until {self.until}; swap them")
        return self

    @property
    def charges_tax(self) -> bool:
        """Whether any class has a rate above 0."""
        return any(rate > 0 for rates in self.rates.values() for rate in rates)


class Bank(_Data):
    """A bank by name and BIC."""

    name: str
    bic: str = Field(pattern=r"^[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?$")


class Banking(_Data):
    """How accounts are named in the country: by IBAN, by local numbers, or by both."""

    iban: str | None = Field(
        None, pattern="^[A-Z]{2}$", description="country code of IBANs, where it has them"
    )
    iban_account: str | None = Field(None, description="mask of the account number within the IBAN")
    sort_codes: list[Text] = Field(
        [], description="printed forms of the bank code within the IBAN, X a character"
    )
    accounts: list[IdFormat] = Field(
        [], description="account numbers beside the IBAN, or where there is none"
    )
    codes: list[IdFormat] = Field([], description="bank codes where there is no IBAN")
    banks: list[Bank] = Field([], description="banks where there is no IBAN; with one, its bank is looked up")

    @model_validator(mode="after")
    def _has_accounts(self) -> Self:
        if not self.iban and not (self.accounts and self.banks):
            raise ValueError(
                "no account numbers; give `iban` (a country code), or both `accounts` and `banks`"
            )
        return self


class Locale(_Data):
    """A country and language, as its documents print them."""

    language: str
    country: str = Field(pattern="^[A-Z]{2}$")
    currency: str = Field(pattern="^[A-Z]{3}$")
    price_level: float = Field(gt=0, description="price of a thing that costs 1 EUR, in this currency")
    date_format: str = Field(description="strftime, for dates within texts")
    numbers: dict[NumberStyle, Weight] = Field(min_length=1, description="number styles by weight")
    dates: dict[DatePattern, Weight] = Field(min_length=1, description="CLDR date patterns by weight")
    symbols: list[Text] = Field(
        [],
        description="signs of the currency where they differ from those usual for it; repeated ones are likelier",
    )
    symbol_side: Literal["before", "after", "either"] = Field(
        "either",
        description="on which side of an amount the sign of a currency stands; a code stands on either",
    )
    avoid: list[Text] = Field(
        [],
        description="words of the language's captions that this country does not print, such as VAT in Australia",
    )
    paper: Literal["A4", "Letter"] = "A4"
    window_share: float = Field(
        0, ge=0, le=1, description="share of letters whose address stands in the window of an envelope"
    )
    kinds: dict[DocumentKind, Annotated[float, Field(gt=0)]] = Field(min_length=1)
    area: str | None = Field(
        None, description="customs union, whose other countries buy under reverse charge"
    )
    shouting: float = Field(0.45, ge=0, le=1, description="share of receipts with the shop in capitals")
    people: People
    streets: Streets
    cities: list[Annotated[City, BeforeValidator(_parse_city)]] = Field(min_length=10)
    addresses: Addresses
    phones: Texts
    domains: Texts
    legal_forms: Weights
    company_patterns: list[CompanyPattern] = []
    shop_patterns: dict[DocumentKind, list[CompanyPattern]] = {}
    trades: dict[str, list[Text]] = {}
    tax: list[TaxRegime] = Field(min_length=1)
    tax_code_styles: list[list[Text]] = Field([["A", "B", "C", "D"]], min_length=1)
    tax_ids: list[IdFormat] = Field(min_length=1)
    tax_numbers: list[IdFormat] = []
    registrations: list[Annotated[str, _placeholders("city", "digits")]] = []
    bank: Banking
    cash_rounding: int = Field(1, ge=1, description="smallest coin, minor units")
    service_charges: list[Number] = Field([], description="percent that restaurants add, where they do")
    tips: float = Field(0, ge=0, le=1, description="share of restaurant receipts with a tip on them")
    notes: dict[str, list[NotePattern]] = {}
    methods: dict[Literal["transfer", "card", "cash", "debit", "online"], Texts] = Field(
        {}, description="ways to pay as the country calls them, in place of those of the language"
    )
    tenders: Weights | None = Field(
        None, description="names of cards and wallets beside those of the language"
    )

    @model_validator(mode="after")
    def _covers_time(self) -> Self:
        usual = [regime for regime in self.tax if regime.buyer == "any" and regime.receipts]
        for year in range(FIRST_YEAR, LAST_YEAR + 1):
            for month in range(1, 13):
                day = dt.date(year, month, 15)
                if not any(regime.since <= day <= regime.until for regime in usual):
                    raise ValueError(
                        f"no tax regime for any buyer on {day}; cover {FIRST_YEAR} to {LAST_YEAR} with since and until"
                    )
        return self


FIRST_YEAR: Final = 2010
LAST_YEAR: Final = 2027


class Family(_Data):
    """Goods or services that are counted and priced alike."""

    units: list[str] = Field(["C62"], min_length=1, description="UN/ECE Recommendation 20 codes")
    price: tuple[float, float] = Field(description="EUR, low and high")
    quantity: tuple[Number, Number] = (Decimal(1), Decimal(20))
    step: Number = Decimal(1)
    ending: Literal["shop", "round", "exact", "fine"] = "exact"
    tax: TaxClass = "standard"
    sizes: list[Text] = []
    branded: float = Field(0.0, ge=0, le=1, description="share of names with a made-up brand")
    models: float = Field(0.0, ge=0, le=1, description="share of names with a model number")
    once: bool = Field(False, description="at most one line a document")
    lead: bool = Field(False, description="the first line is of such a family")
    weight: float = Field(1, gt=0)


class Industry(_Data):
    """A trade: which kinds of documents it writes, and what it sells."""

    kinds: list[DocumentKind] = Field(min_length=1)
    service: bool = False
    families: dict[str, Family] = Field(min_length=1)
    lines: tuple[int, int] = Field((1, 40), description="fewest and most lines")
    project: bool = Field(True, description="rows may have captions over groups of them, and further text")
    days: int = Field(35, ge=0, description="most days before the date of issue that a row is dated")


class Industries(_Data):
    """All trades."""

    industries: dict[str, Industry]


class Items(_Data):
    """Names of a family's goods in one language."""

    nouns: Texts
    options: list[Texts] = Field([], description="lists of words that may follow, one of each at most")


class Term(_Data):
    """Terms of payment, and the due date that they mean."""

    text: Annotated[str, _placeholders("days", "percent", "early", "due_date", "early_date")]
    days: list[int] = Field(min_length=1)
    end_of_month: bool = False


class Language(_Data):
    """The words of a language."""

    adjectives: Texts
    company_patterns: list[CompanyPattern] = Field(min_length=1)
    shop_patterns: dict[DocumentKind, Annotated[list[CompanyPattern], Field(min_length=1)]]
    trades: dict[str, Texts]
    units: dict[str, Texts]
    terms: list[Term] = Field(min_length=1)
    methods: dict[Literal["transfer", "card", "cash", "debit", "online"], Texts]
    tenders: dict[Literal["cash", "card"], Texts]
    allowances: Texts
    departments: list[Text] = Field([], description="what an invoice is addressed to within a firm")
    sites: list[Annotated[str, _placeholders("name")]] = Field(
        [], description="houses of a firm, as first line of its address"
    )
    honorifics: list[Text] = Field([], description="what stands before a person's name in an address")
    commissions: list[Text] = Field([], description="what an agency keeps of the price of advertising")
    charges: dict[Literal["freight", "handling", "service", "tip"], Texts]
    details: dict[Literal["goods", "services"], Annotated[list[NotePattern], Field(min_length=1)]]
    notes: dict[
        Literal["invoice", "receipt", "credit_note", "any"], Annotated[list[NotePattern], Field(min_length=1)]
    ]
    sections: dict[Literal["goods", "services"], list[NotePattern]] = Field(
        {}, description="captions of groups of lines"
    )
    fine_print: list[NotePattern] = Field([], description="paragraphs of conditions")
    adverts: list[NotePattern] = Field([], description="short promotions")
    roles: Texts = Field(description="cashier, waiter, … as printed before a name or number")
    prefixes: dict[Literal["invoice", "credit_note", "order", "contract", "delivery", "customer"], Texts]
    items: dict[str, Items]

    @model_validator(mode="after")
    def _covers_industries(self) -> Self:
        families = {key for industry in load_industries().values() for key in industry.families}
        if unknown := self.items.keys() - families:
            raise ValueError(f"items.{min(unknown)}: no such family in industries.yml; rename or remove it")
        for name, industry in load_industries().items():
            if not self.items.keys() & industry.families.keys():
                raise ValueError(
                    f"items: nothing for industry {name}; name goods of one of {', '.join(industry.families)}"
                )
            if name not in self.trades:
                raise ValueError(
                    f"trades.{name} is missing; add words that firms of this trade have in their names"
                )
        for kind in ("supermarket_receipt", "shop_receipt", "restaurant_receipt", "fuel_receipt"):
            if kind not in self.shop_patterns:
                raise ValueError(f"shop_patterns.{kind} is missing; add patterns of names")
        needed = {unit for i in load_industries().values() for f in i.families.values() for unit in f.units}
        if missing := needed - self.units.keys():
            raise ValueError(f"units.{min(missing)} is missing; say how the unit is printed")
        return self


_MENDS: Final = {
    "missing": "add this key",
    "extra_forbidden": "no such key; remove it or correct its spelling",
}
Model = TypeVar("Model", bound=BaseModel)


def _problems(error: ValidationError) -> Iterable[str]:
    for problem in error.errors():
        key = ".".join(str(part) for part in problem["loc"]) or "(whole file)"
        message = problem["msg"].removeprefix("Value error, ")
        mend = _MENDS.get(problem["type"])
        shown = (
            f" (is {problem['input']!r})" if isinstance(problem["input"], str | int | float | None) else ""
        )
        yield f"{key}: {mend}" if mend else f"{key}: {message}{shown}"


def _load(model: type[Model], path: Path) -> Model:
    try:
        content: Any = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)
    except FileNotFoundError:
        known = ", ".join(sorted(other.stem for other in path.parent.glob("*.yml")))
        raise LocaleError(f"{path}: no such file; choose one of {known}, or add it") from None
    except yaml.YAMLError as error:
        raise LocaleError(f"{path}: not YAML: {error}; correct the line it names") from error
    if not isinstance(content, dict):
        raise LocaleError(f"{path}: holds {type(content).__name__}; write keys and values")
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise LocaleError(f"{path}: " + "; ".join(_problems(error))) from error


_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@cache
def load_industries() -> dict[str, Industry]:
    """The trades of ``industries.yml``.

    Raises:
        LocaleError: If the file is not as it should be.
    """
    return _load(Industries, _FOLDER / "industries.yml").industries


def _find(kind: str, name: str, folders: tuple[str, ...]) -> Path:
    """The file of a locale or language: the first of the user's folders that has it, else the package's."""
    for folder in folders:
        path = Path(folder) / kind / f"{name}.yml"
        if path.is_file():
            return path
    return _FOLDER / kind / f"{name}.yml"


def _known(kind: str, folders: tuple[str, ...]) -> list[str]:
    places = [_FOLDER / kind, *(Path(folder) / kind for folder in folders)]
    return sorted({path.stem for place in places for path in place.glob("*.yml")})


def locale_names(folders: tuple[str, ...] = ()) -> list[str]:
    """Names of the package's locales and of those in the user's folders, in order."""
    return _known("locales", folders)


def read_locale(path: Path, folders: tuple[str, ...] = ()) -> Locale:
    """A locale from a file of one's own.

    Args:
        path: The file.
        folders: The user's folders, whose ``languages/`` are known beside the package's.

    Raises:
        LocaleError: If the file is missing or not as it should be; the message names file, key and mend.
    """
    locale = _load(Locale, path)
    if not _find("languages", locale.language, folders).exists():
        known = ", ".join(_known("languages", folders))
        raise LocaleError(
            f"{path}: language: no words for {locale.language!r}; choose one of {known}, or add a file"
        )
    if unknown := locale.trades.keys() - load_industries().keys():
        raise LocaleError(
            f"{path}: trades.{min(unknown)}: no such industry in industries.yml; rename or remove it"
        )
    return locale


def read_language(path: Path) -> Language:
    """A language from a file of one's own.

    Raises:
        LocaleError: If the file is missing or not as it should be; the message names file, key and mend.
    """
    return _load(Language, path)


@cache
def load_locale(name: str, folders: tuple[str, ...] = ()) -> Locale:
    """A locale of the user's folders or of the package, read once a process.

    Args:
        name: Such as ``de_DE``.
        folders: Folders whose ``locales/`` and ``languages/`` go before the package's.

    Raises:
        LocaleError: If there is no such locale, or its file is not as it should be.
    """
    return read_locale(_find("locales", name, folders), folders)


@cache
def load_language(name: str, folders: tuple[str, ...] = ()) -> Language:
    """A language of the user's folders or of the package, read once a process.

    Raises:
        LocaleError: If there is no such language, or its file is not as it should be.
    """
    return read_language(_find("languages", name, folders))
