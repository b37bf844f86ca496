"""How a document looks: three families of layouts grown from sampled genomes.

``plan_document`` decides what document an index will be; ``compose`` turns an invoice and its plan into XHTML
whose elements name the field that each printed value came from.
"""

from invoicegen.templates.composition import compose
from invoicegen.templates.families import TemplateError
from invoicegen.templates.planning import PlanOptions, document_id, plan_document, plan_like, plan_variants

__all__ = [
    "PlanOptions",
    "TemplateError",
    "compose",
    "document_id",
    "plan_document",
    "plan_like",
    "plan_variants",
]
