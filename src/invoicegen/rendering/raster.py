"""Pages of a PDF as pixels, by pdfium."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

POINTS_PER_INCH = 72


def raster_size(width_pt: float, height_pt: float, dpi: float) -> tuple[int, int]:
    """Width and height in pixels of a page's raster: rounded up, as pdfium's bindings do.

    The page is stretched to fill the last row and column of pixels, so a point is
    ``raster_size / page size`` pixels, which is up to one pixel a page more than ``dpi / 72``.
    """
    scale = dpi / POINTS_PER_INCH
    return math.ceil(width_pt * scale), math.ceil(height_pt * scale)


def rasterise(pdf: bytes, page: int, dpi: int) -> NDArray[np.uint8]:
    """One page as an image.

    Args:
        pdf: The file.
        page: From 0.
        dpi: Pixels an inch.

    Returns:
        Shape (height, width, 3), RGB.

    Raises:
        IndexError: If the document has no such page.
        pypdfium2.PdfiumError: If it is no PDF.
    """
    import pypdfium2 as pdfium

    document = pdfium.PdfDocument(pdf)
    try:
        if not 0 <= page < len(document):
            raise IndexError(f"no page {page} in a document of {len(document)} pages")
        opened = document[page]
        try:
            bitmap = opened.render(scale=dpi / POINTS_PER_INCH, rev_byteorder=True)
            try:
                pixels: NDArray[np.uint8] = np.array(bitmap.to_numpy()[..., :3], dtype=np.uint8, order="C")
            finally:
                bitmap.close()
        finally:
            opened.close()
    finally:
        document.close()
    return pixels


def page_count(pdf: bytes) -> int:
    """The number of pages of a PDF.

    Raises:
        pypdfium2.PdfiumError: If it is no PDF.
    """
    import pypdfium2 as pdfium

    document = pdfium.PdfDocument(pdf)
    try:
        return len(document)
    finally:
        document.close()
