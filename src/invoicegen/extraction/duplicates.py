"""Documents that came twice: which record of a batch says the same as one before it."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, Final

from invoicegen.extraction.checks import Check, not_applicable, verdict
from invoicegen.extraction.line_items import FieldValue

RULE: Final = "not twice in the batch"
SUBJECT: Final = "document"


class DuplicateFinder:
    """Compares each record with all that it was given before.

    Two documents of one type are the same if they have the number and the seller in common, or the number, the date
    and the total. Those without a number, such as receipts, if they have seller, date and total in common.
    """

    def __init__(self) -> None:
        self._seen: dict[tuple[str, ...], str] = {}

    def check(self, record: Mapping[str, Any]) -> Check:
        """Whether a document was there before; ``got`` names the file that it repeats.

        Args:
            record: What was extracted; errors are not to be given.
        """
        keys = _keys(record["document_type"], record["fields"])
        if not keys:
            reason = "neither INVOICE_NUMBER with a seller or date and total, nor seller, date and total"
            return not_applicable(RULE, SUBJECT, reason)
        before = next((self._seen[key] for key in keys if key in self._seen), None)
        for key in keys:
            self._seen.setdefault(key, _place(record))
        return verdict(RULE, SUBJECT, before is None, "no other file", before or "no other file")


def _place(record: Mapping[str, Any]) -> str:
    """The file of a document, and where in it where it came with others."""
    if "page_range" not in record:
        return str(record["file"])
    return f"{record['file']}, from page {record['page_range'][0] + 1}"


def _keys(kind: str, fields: Mapping[str, Sequence[FieldValue]]) -> list[tuple[str, ...]]:
    """What a document is known by; sellers by tax number and by name, since either may be misread."""
    number, date, total = (
        _plain(fields, name) for name in ("INVOICE_NUMBER", "INVOICE_DATE", "TOTAL_AMOUNT")
    )
    sellers = [seller for name in ("SELLER_TAX_ID", "SELLER_NAME") if (seller := _plain(fields, name))]
    dated = bool(date and total)
    keys: list[tuple[str, ...]] = []
    if number:
        keys += [(kind, number, seller) for seller in sellers]
        keys += [(kind, number, date, total)] if dated else []
    elif dated:
        keys += [(kind, "", date, total, seller) for seller in sellers]
    return keys


def _plain(fields: Mapping[str, Sequence[FieldValue]], name: str) -> str:
    """The best value as letters and digits without case and accents; empty where there is none."""
    value = next((field["value"] for field in fields.get(name, ()) if field["value"]), "")
    text = unicodedata.normalize("NFKD", value).casefold()
    return "".join(character for character in text if character.isalnum())
