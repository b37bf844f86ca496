"""What processes that read documents share: their start, the limits of a document, and why it cannot be read."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from invoicegen.ocr.documents import DocumentError, DocumentLimits, MediaType, open_document
from invoicegen.serving.logs import configure_logs
from invoicegen.serving.options import HttpOptions
from invoicegen.serving.problems import ApiError
from invoicegen.serving.uploads import too_many_pixels


def prepare_process(options: HttpOptions) -> None:
    """Make this process one that reads documents: threads, logs and memory; before anything is loaded."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # processes share the cores
    configure_logs(options.log_level)
    limit = options.worker_memory_bytes
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def unreadable(path: Path, why: str) -> ApiError:
    """The problem of a document that cannot be read; ``why`` may name its path, which the client is not told."""
    detail = why.replace(f"{path}: ", "").replace(str(path), "the document")
    return ApiError(422, "unreadable-document", detail)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Make a problem of what keeps a document from being read.

    Raises:
        ApiError: 422 where the document is broken, or takes more memory than a worker may have.
    """
    try:
        yield
    except DocumentError as error:
        raise unreadable(path, f"{error.reason}; {error.mend}") from None
    except MemoryError:
        raise unreadable(
            path, "it takes more memory than a document may; scan it coarser or split it"
        ) from None


def check_limits(path: Path, media_type: MediaType, options: HttpOptions) -> int:
    """The number of pages of a document, none of which is decoded.

    Raises:
        ApiError: 413 if it has too many pages or pixels.
        DocumentError: If it cannot be read.
    """
    from PIL import Image

    if media_type == "application/pdf":
        unlimited = DocumentLimits(max_pages=2**31)
        with open_document(path, dpi=options.dpi, limits=unlimited) as document:
            count = len(document)
    else:
        Image.MAX_IMAGE_PIXELS = None  # our own limit is exact
        count = 0
        try:
            with Image.open(path, formats=("PNG", "JPEG", "TIFF")) as image:
                count = getattr(image, "n_frames", 1) if media_type == "image/tiff" else 1
                for frame in range(min(count, options.max_pages)):
                    image.seek(frame)
                    if image.width * image.height > options.max_image_pixels:
                        raise too_many_pixels(image.size, options)
        except (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, OverflowError):
            raise DocumentError(
                path, "the image is truncated or damaged, or has no pixels", "scan or save it again"
            ) from None
    if count > options.max_pages:
        raise ApiError(
            413,
            "too-many-pages",
            f"the document has {count:,} pages, at most {options.max_pages:,} are read; split it",
        )
    return count
