"""What a document says: parties, goods, money and dates of a locale, from (seed, index) alone."""

from invoicegen.synthesis.documents import synthesise
from invoicegen.synthesis.locales import KINDS, LOCALES, LocaleError, load_locale, locale_names, read_locale
from invoicegen.synthesis.planning import document_kinds_for

__all__ = [
    "KINDS",
    "LOCALES",
    "LocaleError",
    "document_kinds_for",
    "load_locale",
    "locale_names",
    "read_locale",
    "synthesise",
]
