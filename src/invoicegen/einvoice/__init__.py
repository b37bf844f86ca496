"""Electronic invoices: what a document says in the terms of EN 16931, and files that receivers' systems take.

:func:`business_terms` gives the record of any document, keyed by business term; :func:`missing_terms` says what an
electronic invoice would still need; :func:`write_xml` writes one (CII or UBL), checked against its schema, and
:func:`broken_rules` checks it against the rules of EN 16931.
"""

from invoicegen.einvoice.schematron import SchematronError, broken_rules
from invoicegen.einvoice.terms import MissingTerm, business_terms, missing_terms
from invoicegen.einvoice.writing import (
    EInvoiceError,
    RefusedError,
    Syntax,
    require_libraries,
    write_einvoice,
    write_xml,
)

__all__ = [
    "EInvoiceError",
    "MissingTerm",
    "RefusedError",
    "SchematronError",
    "Syntax",
    "broken_rules",
    "business_terms",
    "missing_terms",
    "require_libraries",
    "write_einvoice",
    "write_xml",
]
