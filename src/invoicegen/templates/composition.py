"""Invoice and plan in, well-formed XHTML out."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from invoicegen.schema.invoice import Invoice
from invoicegen.schema.plan import DocumentPlan
from invoicegen.templates.receipt_view import ReceiptView
from invoicegen.templates.view import View


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("invoicegen.templates", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["tint"] = _tint
    return environment


def _tint(colour: str, share: float) -> str:
    """``#rrggbb`` mixed with white; ``share`` of the colour stays."""
    channels = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(255 - (255 - channel) * share):02x}" for channel in channels)


def compose(invoice: Invoice, plan: DocumentPlan) -> str:
    """The document as XHTML with its style sheet inside.

    Every printed value is an element with ``data-field`` (path in the record) and, where the taxonomy has a
    label for it, ``data-entity`` and ``data-value`` (normalised); cells of the line-item table carry
    ``data-cell``, ``data-column`` and ``data-row``.

    Raises:
        LexiconError: If the language of the locale has no lexicon.
    """
    receipt = plan.family == "receipt"
    view = ReceiptView(invoice, plan) if receipt else View(invoice, plan)
    template = _environment().get_template("receipt.html.j2" if receipt else "page.html.j2")
    context: dict[str, Any] = {
        "v": view,
        "g": view.structure,
        "s": view.style,
        "invoice": invoice,
        "lang": view.language,
    }
    context |= {} if receipt else _page_parts(view)
    return template.render(context)


def _page_parts(view: View) -> dict[str, Any]:
    """What the blocks of a page share: computed once, so that a block printed twice says the same."""
    invoice = view.invoice
    columns = view.columns()
    notes = [Markup("{}").format(note) for note in invoice.notes]
    return {
        "seller": view.party("seller", invoice.seller, "SELLER"),
        "buyer": view.party("buyer", invoice.buyer, "BUYER") if invoice.buyer else None,
        "ship_to": view.party("ship_to", invoice.ship_to, None) if invoice.ship_to else None,
        "remit_to": view.party("remit_to", invoice.remit_to, None) if invoice.remit_to else None,
        "references": view.references(view.structure["refs_count"]),
        "columns": columns,
        "numeric": {
            "ITEM_QUANTITY",
            "ITEM_UNIT_PRICE",
            "ITEM_DISCOUNT",
            "ITEM_TAX_RATE",
            "ITEM_AMOUNT",
            "tax_amount",
        },
        "header": [view.header_cell(column) for column in columns],
        "item_tables": view.item_tables(columns),
        "totals": view.totals(),
        "account": view.account_rows() if view.structure["account_box"] else [],
        "payment": view.payment(),
        "notes": notes,
    }
