"""XHTML to PDF to page image, with the exact place and the field of every printed word.

``render_document`` lays a document out with WeasyPrint and records the words while they are painted;
``rasterise`` turns a page of the PDF into pixels. The records refer to exactly that raster.
"""

from invoicegen.rendering.document import RenderedDocument, render_document, render_factur_x
from invoicegen.rendering.errors import RenderingError
from invoicegen.rendering.raster import page_count, rasterise

__all__ = [
    "RenderedDocument",
    "RenderingError",
    "page_count",
    "rasterise",
    "render_document",
    "render_factur_x",
]
