"""Which wordings of a caption contradict nothing that the document says."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from invoicegen.schema.invoice import Invoice
from invoicegen.synthesis.currencies import names_another
from invoicegen.synthesis.locales import load_industries


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![^\W\d_])(?:{pattern})(?![^\W\d_])", re.IGNORECASE)


_NET: Final = _words(
    r"excl|excl\. ?vat|excluding \w+|exkl|exc|ex|ekskl|eks|net|nett|netto|neto|netta|ht|h\.t|hors|bez|s/ ?iva|sin iva|"
    r"sem iva|sans taxes|iva escl|senza iva|imponibile|veroton|veroto\w*|alv 0|před|nettosumma|nettobel\w+|"
    r"nettobetrag|nettopreis|nettopris|nettohinta|nettoprijs|nettobedrag|líquid[oa]|ilíquido|základ|before tax"
)
_GROSS: Final = _words(
    r"incl|inkl|including \w+|ttc|t\.t\.c|tvac|gross|brutto|verollinen|c/ ?iva|con iva|com iva|iva incl\w*|s dph|"
    r"enthaltene|ivato|med moms"
)
_HOURS: Final = _words(
    r"hours?|hrs|hrs/qty|hourly \w+|heures?|nb h|taux horaire|stunden\w*|std|menge/std|horas?|ore|oraria|"
    r"orario|uren|uurtarief|timer|timepris|timmar|tim|timpris|tunnit|tuntia|tuntihinta|hodin\w*|godz\w*|stundas|"
    r"precio hora|preço hora"
)
_WORK: Final = _words(
    r"services?|services rendered|task|activity|work performed|charge description|tätigkeit|leistung\w*|dienst\w*|"
    r"prestations?|travaux|servicios?\w*|serviços?|tjeneste|ydelse|arbejde|udført arbejde|arbeid|palvelu|työ|suorite|"
    r"služba|usług[ai]|pakalpojum\w*|darba|tjänst|arbete|werkzaamheden|lavor\w+|prestazion\w+|serviz\w+"
)
_GOODS: Final = _words(
    r"goods|merchandise|tuote|beni|ware|waren\w*|varebeskrivelse|towar\w*|zboží|preces?|preču|tavara"
)
_FEES: Final = _words(
    r"honor\w+|honorar\w*|note d'honoraires|parcella|services?|prestations|servicios|serviços|service|pakalpojumiem"
)
_DELIVERED: Final = _words(
    r"lieferschein|liefer-rechnung|warenrechnung|varefaktura|towary|dodací list|preču|pavadzīme\S*|"
    r"accompagnatoria|differita"
)
_AT_TABLE: Final = _words(
    r"guest check|waiter|server|serveur|serveuse|addition|kellner\w*|bewirtungsbeleg|camarero|mesero|cuenta|cameriere|"
    r"preconto|consulta de mesa|kelner\w*|číšník|servitör|tjener|servitør|tarjoilija|oficiants|ober"
)
_PRICED: Final = frozenset({"amount", "unit_price"})
_COUNTED: Final = frozenset({"quantity", "unit_price"})
_DAYS: Final = _words(r"days|jours")


def fitting(key: str, wordings: Sequence[str], invoice: Invoice) -> list[str]:
    """The wordings that suit a document: of its currency, net or gross as its prices are, hours only where some are
    billed, services only where some are sold; all of them where none would be left.

    Args:
        key: Key of the lexicon.
        wordings: What the lexicon has for it.
        invoice: The record.
    """
    service = load_industries()[invoice.industry].service
    unfit: list[re.Pattern[str]] = []
    kept: re.Pattern[str] | None = None
    if key in _PRICED:
        unfit.append(_NET if invoice.prices_include_tax else _GROSS)
    if key in _COUNTED:
        units = {line.unit_code for line in invoice.lines}
        unfit += [] if "HUR" in units else [_HOURS]
        unfit += [] if "DAY" in units and "HUR" not in units else [_DAYS]
    if key in ("description", "greeting"):
        # "Goods and services" suits both.
        sold, other = (_WORK, _GOODS) if service else (_GOODS, _WORK)
        unfit.append(other)
        kept = sold
    if key in ("title_receipt", "cashier") and invoice.kind != "restaurant_receipt":
        unfit.append(_AT_TABLE)
    if key == "title_invoice":
        unfit.append(_DELIVERED if service else _FEES)
    return [
        wording
        for wording in wordings
        if not names_another(wording, invoice.currency)
        and (
            "/" in wording
            or (kept is not None and kept.search(wording))
            or not any(pattern.search(wording) for pattern in unfit)
        )
    ] or list(wordings)
