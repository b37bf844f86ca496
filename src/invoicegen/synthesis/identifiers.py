"""Identifiers that pass their own checks: tax numbers, accounts, references, document numbers, article codes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from itertools import product
from typing import Any, Final, Literal, Protocol, cast

from stdnum import luhn
from stdnum.ch import esr
from stdnum.iso7064 import mod_97_10

from invoicegen.synthesis.draw import Draw
from invoicegen.synthesis.locales import IdFormat, Locale, LocaleError

ReferenceScheme = Literal["RF", "OGM", "KID", "ESR", "QRR", "VS", "FI", "SE"]

_TRIES: Final = 5000
_DIGITS: Final = "0123456789"
_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LATIN_END: Final = "\u0250"  # the first letter after Latin Extended-B


class _NumberModule(Protocol):
    def is_valid(self, number: str) -> bool: ...


@cache
def _checker(name: str) -> _NumberModule:
    try:
        return cast(_NumberModule, import_module(f"stdnum.{name}"))
    except ImportError:
        raise LocaleError(
            f"check: python-stdnum has no module {name!r}; see arthurdejong.org/python-stdnum/formats"
        ) from None


def _check_characters(mask: str) -> list[str]:
    """All fillings of the ``?`` of a mask: digits first, letters after them for single characters."""
    count = mask.count("?")
    digits = ["".join(filling) for filling in product(_DIGITS, repeat=count)]
    return digits + list(_LETTERS) if count == 1 else digits


def _substitute(mask: str, sign: str, characters: str) -> str:
    filling = iter(characters)
    return "".join(next(filling) if character == sign else character for character in mask)


def make_id(draw: Draw, form: IdFormat, bodies: dict[str, str]) -> str:
    """An identifier of this form that passes its check, unprinted.

    Args:
        draw: The document's draws.
        form: What the identifier looks like.
        bodies: Inner identifiers of the same party by check name; one that is there is used again and a new one is
            put in, so that the French VAT number and SIRET of a firm share its SIREN.

    Raises:
        LocaleError: If nothing that fits the mask passes the check.
    """
    checker = _checker(form.check) if form.check else None
    for _ in range(_TRIES):
        number = form.mask
        if form.inner:
            key = form.inner.check or form.inner.mask
            bodies[key] = bodies.get(key) or make_id(draw, form.inner, bodies)
            number = _substitute(number, "*", bodies[key])
        number = draw.mask(number)
        if checker is None:
            return number
        for filling in _check_characters(number) if "?" in number else [""]:
            candidate = _substitute(number, "?", filling)
            if checker.is_valid(candidate):
                return candidate
    raise LocaleError(f"mask {form.mask!r} never passes check {form.check}; correct one of them")


def print_id(draw: Draw, form: IdFormat, number: str) -> str:
    """The identifier in one of its printed forms."""
    return _substitute(draw.pick(form.prints), "X", number) if form.prints else number


def draw_id(draw: Draw, forms: list[IdFormat], bodies: dict[str, str]) -> str:
    """An identifier of one of several forms, as printed."""
    form = forms[draw.weighted({place: form.weight for place, form in enumerate(forms)})]
    return print_id(draw, form, make_id(draw, form, bodies))


@dataclass(frozen=True, slots=True)
class Account:
    """A bank account; fields as in ``schema.invoice.Payment``."""

    iban: str | None
    number: str | None
    bic: str
    code: str | None
    bank: str


def draw_account(draw: Draw, locale: Locale) -> Account:
    """An account of the country: a valid IBAN with the BIC of its bank, or a local number with a bank code."""
    banking = locale.bank
    if not banking.iban:
        bank = draw.pick(banking.banks)
        code = draw_id(draw, banking.codes, {}) if banking.codes else None
        return Account(None, draw_id(draw, banking.accounts, {}), bank.bic, code, bank.name)
    from schwifty import IBAN

    values: dict[str, Any] = {"account_code": draw.mask(banking.iban_account)} if banking.iban_account else {}
    for _ in range(_TRIES):
        iban = IBAN.random(banking.iban, random=draw.random, **values)
        # schwifty checks less than python-stdnum does: the check digit of a Norwegian kontonummer, for one.
        own = banking.iban != "CH" or int(iban.bank_code) not in QR_INSTITUTIONS
        if iban.bic is not None and own and passes(str(iban), "iban"):
            break
    else:
        raise LocaleError(
            f"bank.iban: no bank of {banking.iban} has a BIC; give `accounts` and `banks` instead"
        )
    number = code = None
    if banking.sort_codes:
        digits = str(iban.branch_code or iban.bank_code)
        patterns = [pattern for pattern in banking.sort_codes if pattern.count("X") == len(digits)]
        code = _substitute(draw.pick(patterns or ["X" * len(digits)]), "X", digits)
        number = str(iban.account_code)
    elif banking.accounts:
        number = draw_id(draw, banking.accounts, {})
    # The register has some banks under names that no Latin document would print.
    name = iban.bank_name if iban.bank_name and max(iban.bank_name) < _LATIN_END else iban.bic
    return Account(str(iban), number, str(iban.bic), code, str(name).strip())


QR_INSTITUTIONS: Final = range(30000, 32000)
"""Institution numbers of QR-IBANs (QR-IID), see :func:`qr_account`."""


def qr_account(draw: Draw, account: Account) -> Account:
    """The account as Swiss payers name it beside a QR reference: a QR-IBAN, which has no BIC of its own.

    Source:
        SIX, Swiss Payment Standards, QR-IID: institution numbers 30000 to 31999 stand for the QR-bill procedure.
    """
    from schwifty import IBAN

    if account.iban is None:
        return account
    iban = IBAN.generate("CH", str(draw.pick(QR_INSTITUTIONS)), IBAN(account.iban).account_code)
    return Account(str(iban), account.number, "", account.code, account.bank)


DOCUMENT_NUMBERS: Final = (
    "{prefix}-{yyyy}-{n5}",
    "{prefix}-{n6}",
    "{prefix}{n6}",
    "{prefix}{yyyy}{n4}",
    "{prefix}/{yyyy}/{n3}",
    "{prefix} {n5}",
    "{prefix}-{yy}{mm}-{n3}",
    "{prefix}{yy}/{n5}",
    "{prefix}{n8}",
    "{prefix}-{n4}-@",
    "{yyyy}{n4}",
    "{yyyy}-{n3}",
    "{yyyy}/{n4}",
    "{yy}{mm}{n4}",
    "{yyyy}{mm}{dd}-{n2}",
    "{n3}/{yyyy}",
    "{n4}/{yy}",
    "{n2}-{yy}",
    "{n5}",
    "{n6}",
    "{n7}",
    "{n8}",
    "{n4}",
    "{n10}",
    "#{n5}",
    "{n4}-{n4}",
    "@{n5}",
    "@@{n7}",
    "@@@-{n5}",
    "@@{n4}@",
    "{n6}-1",
    "{yyyy}.{n4}",
    "{n3} {n3} {n3}",
    "{prefix}-{n4}/{yy}-{yy1}",
)
RECEIPT_NUMBERS: Final = (
    "{n4}",
    "{n5}",
    "{n6}",
    "{n7}",
    "{n8}",
    "{n10}",
    "0000{n4}",
    "00{n6}",
    "CS{n8}",
    "R{n6}",
    "R000{n6}",
    "OR{n7}",
    "{n4}-{n2}-{n5}",
    "{n3}/{n3}/{n5}",
    "{yy}{mm}{dd}{n4}",
    "{yyyy}{mm}{dd}{n5}",
    "{n2}-{n6}",
    "#{n4}",
    "@{n2}-{n6}",
    "T{n4}-{n5}",
    "{n5}/{n3}/T0{n2}",
    "{n12}",
    "{n4} {n4} {n2}",
    "BL{n5}",
    "{n3}-{n5}",
)


def draw_number(draw: Draw, pattern: str, prefix: str, date: dt.date) -> str:
    """A document number: serials are as wide as ``{n5}`` says, small ones padded or not."""
    widths = {f"n{width}": width for width in range(2, 13)}
    # A serial of n digits is padded when it counts from the start of a year and full when it counts for ever.
    padded = "yy" in pattern or "0" in pattern or draw.chance(0.4)
    values: dict[str, str] = {
        "prefix": prefix,
        "yyyy": f"{date:%Y}",
        "yy": f"{date:%y}",
        "yy1": f"{(date.year + 1) % 100:02}",
        "mm": f"{date:%m}",
        "dd": f"{date:%d}",
    }
    for name, width in widths.items():
        if f"{{{name}}}" in pattern:
            low = 1 if padded else 10 ** (width - 1)
            values[name] = f"{int(draw.log_uniform(low, 10**width - 1)):0{width}}"
    letters = "".join(draw.pick(_LETTERS) if sign == "@" else sign for sign in pattern)
    return letters.format_map(values)


def draw_ean(draw: Draw, prefix: str = "") -> str:
    """An EAN-13 with a right check digit."""
    from stdnum import ean

    body = prefix + draw.digits(12 - len(prefix))
    return body + str(ean.calc_check_digit(body))


def creditor_reference(draw: Draw, length: int) -> str:
    """A creditor reference ``RFnn…``.

    Source:
        ISO 11649:2009; check digits by ISO 7064 MOD 97-10.
    """
    body = draw.digits(length)
    check = 98 - int(mod_97_10.checksum(f"{body}RF00"))
    return f"RF{check:02}{body}"


def structured_reference(draw: Draw, country: str, number: str) -> tuple[str, ReferenceScheme] | None:
    """A payment reference with check digits as the country's banks want it, as printed, and its scheme.

    Args:
        draw: The document's draws.
        country: ISO 3166-1 alpha-2 of the seller.
        number: The document's number, which a Czech variable symbol repeats.

    Returns:
        None where the country has no scheme of its own.

    Sources:
        BE: structured communication (OGM/VCS), Febelfin: ten digits and their remainder by 97, 97 for 0.
        CH: QR reference, SIX Implementation Guidelines QR-bill, annex B: modulo 10, recursive.
        FI: viitenumero, Finance Finland: weights 7, 3, 1 from the right.
        NO: KID, Nets/Bits, and SE: OCR, Bankgirot: Luhn.
        CZ: variable symbol: up to ten digits, no check.
    """
    match country:
        case "BE":
            body = draw.digits(10)
            digits = f"{body}{int(body) % 97 or 97:02}"
            shape = draw.pick(("+++{}/{}/{}+++", "***{}/{}/{}***", "{}/{}/{}"))
            return shape.format(digits[:3], digits[3:7], digits[7:]), "OGM"
        case "CH":
            body = draw.digits(draw.between(10, 26)).zfill(26)
            digits = body + str(esr.calc_check_digit(body))
            groups = [digits[:2], *(digits[i : i + 5] for i in range(2, 27, 5))]
            return " ".join(groups) if draw.chance(0.8) else digits, "QRR"
        case "FI":
            body = draw.mask("%") + draw.digits(draw.between(3, 12))
            weighted = sum(int(d) * (7, 3, 1)[i % 3] for i, d in enumerate(reversed(body)))
            digits = f"{body}{-weighted % 10}"
            head = len(digits) % 5
            groups = [digits[:head]] * bool(head) + [digits[i : i + 5] for i in range(head, len(digits), 5)]
            return " ".join(groups) if draw.chance(0.7) else digits, "FI"
        case "NO" | "SE":
            body = draw.mask("%") + draw.digits(draw.between(5, 14))
            return body + str(luhn.calc_check_digit(body)), "KID" if country == "NO" else "SE"
        case "CZ":
            digits = "".join(sign for sign in number if sign.isdigit())[-10:].lstrip("0")
            return (digits, "VS") if digits else None
    return None


def passes(text: str, check: str) -> bool:
    """Whether an identifier passes the check of a python-stdnum module."""
    return _checker(check).is_valid(text)


def spoil_digit(text: str, wrong: Callable[[str], bool]) -> str | None:
    """The identifier with one digit changed, the last that makes it ``wrong``; None where none does."""
    for place in reversed(range(len(text))):
        if text[place].isdigit():
            changed = f"{text[:place]}{(int(text[place]) + 1) % 10}{text[place + 1 :]}"
            if wrong(changed):
                return changed
    return None
