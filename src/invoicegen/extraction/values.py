"""Printed text of an entity to its normalised value.

Dates become ISO 8601, amounts decimals with a point (printed precision kept), currencies ISO 4217 codes,
account and tax numbers lose their spaces, titles and units become codes. Text that cannot be read as its kind
gives None: nothing is guessed beyond what the document's :class:`~invoicegen.extraction.hints.DocumentHints`
support.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from invoicegen.extraction.dates import parse_date, parse_period
from invoicegen.extraction.hints import DocumentHints
from invoicegen.extraction.letters import mend_letters
from invoicegen.extraction.lexicon import (
    DOCUMENT_TYPE_WORDS,
    LOCAL_UNIT_CODES,
    UNIT_CODES,
    currency_of,
    fold,
    one_apart,
)
from invoicegen.extraction.marks import with_mark
from invoicegen.extraction.numbers import NumberKind, parse_number
from invoicegen.schema.taxonomy import DEFAULT_LABELS, LabelSet

NO_HINTS: Final = DocumentHints()

_CONFUSIONS: Final[dict[str, str]] = {
    "O": "0", "0": "O", "Q": "0", "D": "0", "I": "1", "1": "I", "L": "1", "|": "1", "S": "5", "5": "S", "B": "8",
    "8": "B", "Z": "2", "2": "Z", "G": "6", "6": "G",
}  # fmt: skip
"""Characters that engines take for one another."""

MAX_CONFUSIONS: Final = 2
"""Characters of one number that may be exchanged to satisfy its checksum; more would make checksums pass by chance."""

_ID_CAPTION = re.compile(
    r"^\s*(?:[^\W\d_][\w.\- ]*[:#]\s*|(?:IBAN|BIC|SWIFT(?:-?BIC)?|VAT|UST-?ID(?:-?NR)?\.?|TVA|BTW|NIF|CIF|ABN|GSTIN)\b"
    r"[.:\s-]*)(?=\S)",
    re.IGNORECASE,
)
EU_VAT: Final = re.compile(
    r"(AT|BE|BG|CY|CZ|DE|DK|EE|EL|ES|FI|FR|HR|HU|IE|IT|LT|LU|LV|MT|NL|PL|PT|RO|SE|SI|SK|XI)[A-Z0-9]{7,12}"
)
"""A compact VAT number with the prefix of an EU country (or Northern Ireland)."""

_NUMBER_SIGN: Final = re.compile(r"^(?:n[°º]|№)\s?[.:]?\s*(?=\w)", re.IGNORECASE)
"""A sign for "number" glued to what it numbers."""
_NUMBERED_CODE: Final = re.compile(r"[A-Z]{1,2}\d{1,2}")
"""A tax code of a letter or two and a number; three letters are what the tax is called ("VAT20")."""
_GLUED_CAPTION: Final = re.compile(r"^[^\W\d_]{3,}:(?=[^\W_])")
"""A caption of one word that ends in a colon, glued to what it names: "Nom:SARL Mathier"."""
_EDGES = " \t\n,;:|·•-–—_*"


def format_decimal(value: Decimal) -> str:
    """A decimal with a point and without an exponent, as many decimals as it has."""
    return format(value, "f")


def join_text(text: str) -> str:
    """Spaces unified, separators at either end trimmed."""
    return re.sub(r"\s+", " ", unicodedata.normalize("NFC", text)).strip(_EDGES).strip()


def _number(kind: NumberKind) -> Callable[[str, DocumentHints], str | None]:
    def normalise(text: str, hints: DocumentHints) -> str | None:
        value = parse_number(text, hints, kind)
        return None if value is None else format_decimal(value)

    return normalise


def _rate(text: str, hints: DocumentHints) -> str | None:
    """A rate, without the sign that brackets or a dash around it would be, nor a last digit that was a percent sign
    ("168" for 16 %); a tax code ("T1") is none.
    """
    value = None if _NUMBERED_CODE.fullmatch(text.strip()) else parse_number(text, hints, "percent")
    if value is None:
        return None
    value = abs(value)
    if re.fullmatch(r"[12]\d\d", text.strip()):
        value //= 10
    return format_decimal(value)


def _discount(text: str, hints: DocumentHints) -> str | None:
    """A rate keeps its percent sign, which tells it from an amount."""
    if "%" in text:
        value = _number("percent")(text, hints)
        return None if value is None else f"{value}%"
    return _number("money")(text, hints)


def _currency(text: str, hints: DocumentHints) -> str | None:
    return currency_of(text, hints.language, hints.country)


def _document_type(text: str, hints: DocumentHints) -> str | None:
    folded = re.sub(r"[\s-]+", " ", fold(text))
    return next((code for code, pattern in DOCUMENT_TYPE_WORDS if pattern.search(folded)), None)


def _unit(text: str, hints: DocumentHints) -> str | None:
    joined = join_text(text)
    if per := re.match(r"(?:\w+\s+)?(%|100|1000)(?=\s|$)", joined):
        return "MIL" if per[1] == "1000" else "CEN"
    counted = re.fullmatch(r"(?:(?:per|à|je|par|pro|le|la)\s+)?(?:1\s+)?(.+)", joined, re.IGNORECASE)
    key = fold(counted[1] if counted else joined).replace(" ", "-").strip(".,:/()-")
    language = hints.language or ""
    return (
        LOCAL_UNIT_CODES.get((language, joined))
        or LOCAL_UNIT_CODES.get((language, key))
        or UNIT_CODES.get(key)
    )


def without_caption(text: str) -> str:
    """An identifier without a caption glued to it ("IBAN:DE89…") and without spaces, upper case."""
    stripped = _ID_CAPTION.sub("", text, count=1)
    return re.sub(r"\s+", "", stripped).strip(_EDGES + ".").upper()


def confirmed(text: str, valid: Callable[[str], bool]) -> str | None:
    """``text`` with at most :data:`MAX_CONFUSIONS` confusable characters exchanged so that its checksum holds.

    None unless exactly one such reading with the fewest exchanges exists.
    """
    if valid(text):
        return text
    places = [i for i, c in enumerate(text) if c in _CONFUSIONS]
    for n in range(1, MAX_CONFUSIONS + 1):
        readings = set()
        for chosen in itertools.combinations(places, n):
            reading = "".join(_CONFUSIONS[c] if i in chosen else c for i, c in enumerate(text))
            if valid(reading):
                readings.add(reading)
        if readings:
            return readings.pop() if len(readings) == 1 else None
    return None


def is_iban(text: str) -> bool:
    """Whether a compact IBAN has the structure of its country and the right check digits (ISO 13616)."""
    from schwifty import IBAN
    from schwifty.exceptions import SchwiftyException

    try:
        IBAN(text)
    except (SchwiftyException, ValueError):
        return False
    return True


def is_eu_vat(text: str) -> bool:
    """Whether a compact number with its country prefix passes that EU country's VAT check."""
    from stdnum.eu import vat

    return bool(vat.is_valid(text))


def tax_id_rule(value: str) -> tuple[str, Callable[[str], bool]] | None:
    """Which country's rule a tax number is under, and the rule; None where its form does not tell.

    Args:
        value: Capital letters and digits.
    """
    if EU_VAT.fullmatch(value):
        return value[:2], is_eu_vat
    if re.fullmatch(r"GB(\d{9}|\d{12}|(GD|HA)\d{3})", value):
        from stdnum.gb import vat as gb_vat

        return "GB", lambda v: bool(gb_vat.is_valid(v))
    if re.fullmatch(r"CHE\d{9}(MWST|TVA|IVA|TPV)", value):
        from stdnum.ch import vat as ch_vat

        return "CH", lambda v: bool(ch_vat.is_valid(v))
    if re.fullmatch(r"NO?\d{9}MVA", value):
        from stdnum.no import mva

        return "NO", lambda v: bool(mva.is_valid(v))
    if re.fullmatch(r"\d{2}[A-Z]{5}\d{4}[A-Z][A-Z0-9]{3}", value):
        from stdnum.in_ import gstin

        return "IN", lambda v: bool(gstin.is_valid(v))
    return None


def _bank_account(text: str, hints: DocumentHints) -> str | None:
    compact = without_caption(text)
    if re.match(r"[A-Z0O]{2}[\dOIlSB]{2}", compact) and len(compact) >= 15:
        # Sign and structure of an IBAN; a local number never starts with two letters.
        return confirmed(re.sub(r"[^A-Z0-9|]", "", compact), is_iban) or compact
    return compact or None


def _bank_code(text: str, hints: DocumentHints) -> str | None:
    return without_caption(text) or None


def _tax_id(text: str, hints: DocumentHints) -> str | None:
    compact = without_caption(text)
    bare = re.sub(r"[^A-Z0-9]", "", compact)
    if EU_VAT.fullmatch(bare) and (reading := confirmed(bare, is_eu_vat)):
        return reading
    if (match := _MISREAD_PREFIX.fullmatch(bare)) is not None:
        mended = match[1] + match[2].translate(_LETTERS) + match[3]
        rule = tax_id_rule(mended)
        # British numbers of the right form go without: they are often made up, and nothing else has it.
        if rule is not None and (rule[0] == "GB" or rule[1](mended)):
            return mended
    return compact or None


_MISREAD_PREFIX: Final = re.compile(r"([A-Z])([8015])(\d{7,12})")
_LETTERS: Final = str.maketrans("8015", "BOIS")
"""Digits that a letter of a country's prefix is read as: "G8" for "GB"."""


def _string(text: str, hints: DocumentHints) -> str | None:
    return join_text(text) or None


def _words(text: str, hints: DocumentHints) -> str | None:
    """Words of a language, the letters mended that an engine took for figures."""
    joined = join_text(text)
    return (mend_letters(joined) if hints.recognised else joined) or None


def _party(text: str, hints: DocumentHints) -> str | None:
    """A name or an address, without a caption of one word glued to it."""
    return _words(_GLUED_CAPTION.sub("", join_text(text)), hints)


_COMPANY_NUMBER: Final = re.compile(r"(?<=\S) \(?(?=[A-Z]*\d)[A-Z\d]{5,}-[A-Z]\)?$")
"""A number of a register as it stands behind names in Malaysia: "(123456-A)"; letters are digits that were misread."""
_TWO_WORD_FORMS: Final = (("sdn", "bhd"), ("pte", "ltd"), ("pvt", "ltd"), ("pty", "ltd"))
"""Folded legal forms of Malaysia, Singapore, India and Australia."""


def two_word_form(first: str, second: str) -> tuple[str, str] | None:
    """The legal form that two words are, one letter of one of them read wrong or none: "SDN DHD", "Put Ltd"; folded."""
    pair = (fold(first).strip(".,"), fold(second).strip(".,"))
    meant = [form for form in _TWO_WORD_FORMS if _is_misread(pair, form)]
    return pair if pair in _TWO_WORD_FORMS else meant[0] if len(meant) == 1 else None


def _name(text: str, hints: DocumentHints) -> str | None:
    """A name without the company's number behind it, its legal form of two words with the letter that was read wrong
    mended.
    """
    words = _COMPANY_NUMBER.sub("", _party(text, hints) or "").split()
    for n, pair in enumerate(itertools.pairwise(tuple(words))):
        for place, (read, right) in enumerate(zip(pair, two_word_form(*pair) or pair, strict=True), start=n):
            if fold(read).strip(".,") != fold(right).strip(".,"):
                words[place] = right.upper() if "".join(pair).isupper() else right.capitalize()
    return " ".join(words) or None


def _is_misread(pair: tuple[str, str], form: tuple[str, str]) -> bool:
    """Whether one of two words is as it should be and the other has a letter more, less or another."""
    (first, second), (one, other) = pair, form
    return (first == one and one_apart(second, other)) or (second == other and one_apart(first, one))


def _identifier(text: str, hints: DocumentHints) -> str | None:
    """Document and order numbers: inner spaces are kept out of numbers that are digits only."""
    joined = _NUMBER_SIGN.sub("", join_text(text)).lstrip("#:").strip()
    return joined or None


_BY_TYPE: Final[dict[str, Callable[[str, DocumentHints], str | None]]] = {
    "DOCUMENT_TYPE": _document_type,
    "SELLER_NAME": _name,
    "BUYER_NAME": _name,
    "DELIVERY_DATE": parse_period,
    "CURRENCY": _currency,
    "BANK_ACCOUNT": _bank_account,
    "BANK_CODE": _bank_code,
    "SELLER_TAX_ID": _tax_id,
    "BUYER_TAX_ID": _tax_id,
    "INVOICE_NUMBER": _identifier,
    "PURCHASE_ORDER_NUMBER": _identifier,
    "PRECEDING_INVOICE_NUMBER": _identifier,
    "ITEM_DESCRIPTION": _words,
    "PAYMENT_METHOD": _words,
    "PAYMENT_TERMS": _words,
    "ITEM_UNIT": _unit,
    "ITEM_DISCOUNT": _discount,
    "ITEM_UNIT_PRICE": _number("price"),
    "ITEM_QUANTITY": _number("quantity"),
}
_BY_KIND: Final[dict[str, Callable[[str, DocumentHints], str | None]]] = {
    "date": parse_date,
    "money": _number("money"),
    "decimal": _number("quantity"),
    "percent": _rate,
    "string": _string,
    "address": _party,
}


def normalise_value(
    entity_type: str, text: str, hints: DocumentHints = NO_HINTS, labels: LabelSet = DEFAULT_LABELS
) -> str | None:
    """The value of a printed entity, or None where its text cannot be read as what the type demands.

    Args:
        entity_type: A type of ``labels``.
        text: The entity's words, joined by spaces.
        hints: What the rest of the document says of its dates, amounts and currency signs.
        labels: Says what kind of value a type has.

    Returns:
        Dates ``YYYY-MM-DD``; a DELIVERY_DATE period ``first/last``. Amounts, quantities and rates as decimals
        with a point (an ITEM_DISCOUNT rate keeps ``%``). CURRENCY ISO 4217. DOCUMENT_TYPE ``380``, ``381``,
        ``384`` (UNTDID 1001) or ``rcpt``. ITEM_UNIT a UN/ECE Recommendation 20 code. Account, bank and tax
        numbers without spaces. Names without a company's number, their legal form mended. Everything else the text
        with its spaces unified; in words (names, addresses, descriptions, terms) that an engine recognised, letters
        that it took for figures are mended (:mod:`invoicegen.extraction.letters`).

    Raises:
        ValueError: If the type is not in ``labels``.
    """
    if entity_type not in labels.value_kinds:
        raise ValueError(f"entity type {entity_type!r} is not in {labels.title}")
    normalise = _BY_TYPE.get(entity_type) or _BY_KIND[labels.value_kinds[entity_type]]
    value = normalise(text, hints)
    places = dict(hints.decimals).get(entity_type)
    return value if value is None or places is None else with_mark(value, text, places)
