"""Page images to bytes and back."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray


def encode_image(image: NDArray[np.uint8], image_format: str, quality: int, dpi: int) -> bytes:
    """An image file; the same bytes for the same pixels.

    Args:
        image: Shape (height, width, 3), RGB.
        image_format: ``jpeg`` or ``png``.
        quality: JPEG quality, 1 to 100.
        dpi: Resolution written into the file.
    """
    from PIL import Image

    buffer = io.BytesIO()
    picture = Image.fromarray(image)
    if image_format == "jpeg":
        picture.save(buffer, "JPEG", quality=quality, dpi=(dpi, dpi))
    else:
        picture.save(buffer, "PNG", compress_level=1, dpi=(dpi, dpi))
    return buffer.getvalue()


def decode_image(data: bytes) -> NDArray[np.uint8]:
    """The pixels of an image file, shape (height, width, 3), RGB."""
    from PIL import Image

    with Image.open(io.BytesIO(data)) as picture:
        return np.asarray(picture.convert("RGB"))
