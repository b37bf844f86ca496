"""Invoice and plan in, well-formed XHTML out."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from invoicegen.schema.invoice import Invoice
from invoicegen.schema.plan import DocumentPlan
from invoicegen.templates.families import environment, load_template
from invoicegen.templates.receipt_view import ReceiptView
from invoicegen.templates.view import View


def compose(invoice: Invoice, plan: DocumentPlan) -> str:
    """The document as XHTML with its style sheet inside.

    Every printed value is an element with ``data-field`` (path in the record) and, where the taxonomy has a
    label for it, ``data-entity`` and ``data-value`` (normalised); cells of the line-item table carry
    ``data-cell``, ``data-column`` and ``data-row``.

    Raises:
        LexiconError: If the language of the locale has no lexicon.
        TemplateError: If the plan names a template of the user's own that cannot be used.
    """
    receipt = plan.family == "receipt"
    view = ReceiptView(invoice, plan) if receipt else View(invoice, plan)
    own = load_template(plan.template, plan.extensions).folder if plan.template else None
    template = environment(plan.family, own).get_template("receipt.html.j2" if receipt else "page.html.j2")
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
    own_places = any(view.structure[name] for name in ("listing", "four_parties", "office", "seller_compact"))
    notes = [Markup("{}").format(note) for note in invoice.notes]
    return {
        "seller": view.party("seller", invoice.seller, "SELLER"),
        "buyer": view.party("buyer", invoice.buyer, "BUYER") if invoice.buyer else None,
        "seller_below": invoice.buyer is None and view.structure["lone_seller"] == "buyer" and not own_places,
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
            "gross_amount",
        },
        "header": [view.header_cell(column) for column in columns],
        "item_tables": view.item_tables(columns),
        "totals": view.totals(),
        "account": view.account_rows() if view.structure["account_box"] else [],
        "payment": view.payment(),
        "notes": notes,
    }
