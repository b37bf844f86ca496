"""Languages by their two-letter code, and what each engine calls them.

RapidOCR needs none of this: its one model reads all Latin script.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class LanguageNames:
    """Names of one language.

    Attributes:
        tesseract: The traineddata, and the end of its Debian package ``tesseract-ocr-…``.
        easyocr: Of EasyOCR's language list; its alphabet is what counts.
        paddleocr: Of PaddleOCR's language list.
    """

    tesseract: str
    easyocr: str
    paddleocr: str


LANGUAGES: Final[dict[str, LanguageNames]] = {
    "cs": LanguageNames("ces", "cs", "cs"),
    "da": LanguageNames("dan", "da", "da"),
    "de": LanguageNames("deu", "de", "de"),
    "en": LanguageNames("eng", "en", "en"),
    "es": LanguageNames("spa", "es", "es"),
    "et": LanguageNames("est", "et", "et"),
    "fi": LanguageNames("fin", "sv", "fi"),  # EasyOCR has no Finnish; Swedish has its letters
    "fr": LanguageNames("fra", "fr", "fr"),
    "hr": LanguageNames("hrv", "hr", "hr"),
    "hu": LanguageNames("hun", "hu", "hu"),
    "is": LanguageNames("isl", "is", "is"),
    "it": LanguageNames("ita", "it", "it"),
    "lt": LanguageNames("lit", "lt", "lt"),
    "lv": LanguageNames("lav", "lv", "lv"),
    "nb": LanguageNames("nor", "no", "no"),
    "nl": LanguageNames("nld", "nl", "nl"),
    "pl": LanguageNames("pol", "pl", "pl"),
    "pt": LanguageNames("por", "pt", "pt"),
    "ro": LanguageNames("ron", "ro", "ro"),
    "sk": LanguageNames("slk", "sk", "sk"),
    "sl": LanguageNames("slv", "sl", "sl"),
    "sv": LanguageNames("swe", "sv", "sv"),
    "tr": LanguageNames("tur", "tr", "tr"),
}
"""Languages in Latin script that all engines know."""

#: What is read where neither the options nor a document's locale name a language.
DEFAULT_LANGUAGE: Final = "en"


class UnknownLanguageError(ValueError):
    """No language has that code."""


def language_of(locale: str) -> str:
    """The language of a locale: ``nb`` of ``nb_NO``."""
    return locale.partition("_")[0]


def language_names(codes: Sequence[str]) -> list[LanguageNames]:
    """What the engines call these languages; :data:`DEFAULT_LANGUAGE` where there are none.

    Raises:
        UnknownLanguageError: If a code is not in :data:`LANGUAGES`; the message lists those that are.
    """
    unknown = [code for code in codes if code not in LANGUAGES]
    if unknown:
        raise UnknownLanguageError(
            f"no OCR language {', '.join(map(repr, unknown))}: choose among {', '.join(LANGUAGES)}"
        )
    return [LANGUAGES[code] for code in codes or (DEFAULT_LANGUAGE,)]
