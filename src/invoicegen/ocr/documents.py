"""PDFs and images as pages: rendered lazily, within safe limits, with errors that say what to do."""

from __future__ import annotations

import math
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
from numpy.typing import NDArray
from PIL import Image, ImageFile, UnidentifiedImageError
from pydantic import BaseModel, ConfigDict, Field

from invoicegen.ocr.text_layer import has_usable_text, page_size_px, read_page_text, seen_words
from invoicegen.schema.annotation import Word

_IMAGE_FORMATS = ("PNG", "JPEG", "TIFF")
_READABLE = "PDF, PNG, JPEG and TIFF"

MediaType = Literal["application/pdf", "image/png", "image/jpeg", "image/tiff"]
SNIFFED_BYTES = 1024
"""How much of a file's beginning says what it is."""
_SIGNATURES: dict[bytes, MediaType] = {
    b"\x89PNG\r\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"II*\x00": "image/tiff",  # either byte order
    b"MM\x00*": "image/tiff",
}
MAX_ATTACHMENT_BYTES = 10_000_000
_INK_DPI = 75  # at which words of the text layer are looked for on the page
# What Pillow and pdfium raise for bytes that they cannot make sense of.
_DAMAGED = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    OverflowError,
)

# EXIF orientation to the turn that undoes it.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class DocumentLimits(BaseModel):
    """What a document may cost; beyond, it is refused (PDF pages that are too long are rendered coarser)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_file_bytes: int = Field(200_000_000, gt=0, description="bytes of the file")
    max_pages: int = Field(500, gt=0, description="pages of a PDF, frames of a TIFF")
    max_image_pixels: int = Field(
        120_000_000, gt=0, description="pixels of an image, or of one frame of a TIFF"
    )
    max_page_side: int = Field(
        4500,
        gt=0,
        description="px; a PDF page that would be longer at the asked dpi is rendered at fewer dpi",
    )
    max_page_objects: int = Field(
        50_000,
        gt=0,
        description="texts, lines, fills and pictures that a PDF page draws; an invoice has some hundreds",
    )


class DocumentError(Exception):
    """A document, or one page of it, that cannot be read.

    Attributes:
        path: The file.
        reason: What is wrong.
        mend: What to do about it.
        page: The page from 0 where only that page is affected, else None.
    """

    def __init__(self, path: Path, reason: str, mend: str, page: int | None = None) -> None:
        where = f"{path}" if page is None else f"{path}, page {page + 1}"
        super().__init__(f"{where}: {reason}; {mend}")
        self.path = path
        self.reason = reason
        self.mend = mend
        self.page = page

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.path, self.reason, self.mend, self.page))


class PageSource(ABC):
    """One page of an open document.

    Everything is made when asked for: pixels on every access (keep them while you need them), the rest once.
    Each property raises :class:`DocumentError` with ``page`` set when this page cannot be read.

    Attributes:
        page: From 0.
        page_count: Pages of the document.
    """

    def __init__(self, path: Path, page: int, page_count: int) -> None:
        self.path = path
        self.page = page
        self.page_count = page_count

    @property
    @abstractmethod
    def width(self) -> int:
        """Pixels of :attr:`image`."""

    @property
    @abstractmethod
    def height(self) -> int:
        """Pixels of :attr:`image`."""

    @property
    @abstractmethod
    def dpi(self) -> float | None:
        """Pixels an inch: as rendered for a PDF, as the file says for an image (None where it does not)."""

    @property
    @abstractmethod
    def image(self) -> NDArray[np.uint8]:
        """The page upright, RGB, shape (height, width, 3), on white where it is transparent."""

    @property
    @abstractmethod
    def text_words(self) -> list[Word] | None:
        """Words of the text layer that can be seen, in pixels of :attr:`image`; None without any, or any of use."""


class Document:
    """An open document; use it in ``with``, or close it. Its pages are of no use afterwards."""

    def __init__(
        self,
        path: Path,
        kind: Literal["pdf", "image"],
        pages: list[PageSource],
        handle: Any,
    ) -> None:
        self.path = path
        self.kind = kind
        self.pages = pages
        self._handle = handle

    def __len__(self) -> int:
        return len(self.pages)

    def __iter__(self) -> Iterator[PageSource]:
        return iter(self.pages)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self.close()

    def attachments(self) -> Iterator[tuple[str, bytes]]:
        """Names and contents of the files in a PDF, but of those over :data:`MAX_ATTACHMENT_BYTES`."""
        if self.kind != "pdf":
            return
        for index in range(self._handle.count_attachments()):
            try:
                attachment = self._handle.get_attachment(index)
                content = bytes(attachment.get_data())
            except pdfium.PdfiumError:
                continue  # a broken attachment says nothing of the pages
            if len(content) <= MAX_ATTACHMENT_BYTES:
                yield attachment.get_name(), content

    def close(self) -> None:
        """Let go of the file."""
        self._handle.close()


def open_document(path: Path | str, *, dpi: float = 200, limits: DocumentLimits | None = None) -> Document:
    """Open a PDF, PNG, JPEG or TIFF (each of its frames is a page).

    What a file is, its content says, not its name. Images are turned upright by their EXIF orientation.

    Args:
        path: The file.
        dpi: Resolution at which PDF pages are rendered; 200 suits OCR.
        limits: What to refuse; the defaults suit untrusted files on an ordinary machine.

    Raises:
        DocumentError: If the file is missing, a folder, empty, neither PDF nor image, protected by a
            password, truncated, damaged, without pages or pixels, animated, or over a limit.
    """
    path = Path(path)
    limits = limits or DocumentLimits()
    head = _check_file(path, limits)
    if sniff_media_type(head) == "application/pdf":
        return _open_pdf(path, dpi, limits)
    return _open_image(path, head, limits)


def sniff_media_type(head: bytes) -> MediaType | None:
    """What a document is, by the first :data:`SNIFFED_BYTES` of it; None for what cannot be read."""
    if b"%PDF-" in head[:SNIFFED_BYTES]:
        return "application/pdf"
    return next((kind for signature, kind in _SIGNATURES.items() if head.startswith(signature)), None)


def _check_file(path: Path, limits: DocumentLimits) -> bytes:
    """The first 1,024 bytes of the file."""
    try:
        if path.is_dir():
            raise DocumentError(path, "is a folder", "name the files in it")
        size = path.stat().st_size
        if size == 0:
            raise DocumentError(path, "the file is empty", "save or download it again")
        if size > limits.max_file_bytes:
            raise DocumentError(
                path,
                f"the file has {size:,} bytes, the limit is {limits.max_file_bytes:,}",
                "split it, or raise max_file_bytes",
            )
        with path.open("rb") as file:
            return file.read(SNIFFED_BYTES)
    except FileNotFoundError:
        raise DocumentError(path, "there is no such file", "check the path") from None
    except OSError as error:
        raise DocumentError(
            path, f"cannot be read ({error.strerror})", "check the path and its rights"
        ) from error


# PDF


def _open_pdf(path: Path, dpi: float, limits: DocumentLimits) -> Document:
    data = path.read_bytes()
    if b"%%EOF" not in data[-4096:] and b"startxref" not in data[-4096:]:
        raise DocumentError(
            path,
            "the PDF is truncated: its end is missing",
            "download or export it again",
        )
    try:
        pdf = pdfium.PdfDocument(data)
    except pdfium.PdfiumError as error:
        # pdfium keeps the code of an earlier failure where it sets none, so the code alone proves nothing.
        if b"/Encrypt" in data and error.err_code in (pdfium_c.FPDF_ERR_PASSWORD, pdfium_c.FPDF_ERR_SECURITY):
            raise DocumentError(
                path, "the PDF is encrypted and needs a password", "save a copy without protection"
            ) from error
        raise DocumentError(path, "the PDF is damaged or has no pages", "export it again") from error
    count = len(pdf)
    if not 0 < count <= limits.max_pages:
        pdf.close()
        raise _bad_count(path, "the PDF", "pages", count, limits)
    pages: list[PageSource] = [_PdfPage(path, page, count, pdf, dpi, limits) for page in range(count)]
    return Document(path, "pdf", pages, pdf)


class _PdfPage(PageSource):
    def __init__(
        self,
        path: Path,
        page: int,
        page_count: int,
        pdf: pdfium.PdfDocument,
        dpi: float,
        limits: DocumentLimits,
    ) -> None:
        super().__init__(path, page, page_count)
        self._pdf = pdf
        self._asked_dpi = dpi
        self._limits = limits

    @cached_property
    def _opened(self) -> pdfium.PdfPage:
        try:
            page = self._pdf[self.page]
        except pdfium.PdfiumError as error:
            raise self._broken("its description cannot be read") from error
        width, height = page.get_size()
        if not (math.isfinite(width) and math.isfinite(height) and width > 0 and height > 0):
            raise self._broken(f"it measures {width} x {height} pt")
        # Filled form fields and stamps are annotations: drawn into the page, they are rendered and read.
        pdfium_c.FPDFPage_Flatten(page.raw, pdfium_c.FLAT_NORMALDISPLAY)
        page.close()
        opened = self._pdf[self.page]
        drawn, limit = pdfium_c.FPDFPage_CountObjects(opened.raw), self._limits.max_page_objects
        if drawn > limit:
            raise DocumentError(
                self.path,
                f"the page draws {drawn:,} objects, the limit is {limit:,}",
                "save it as a picture, or raise max_page_objects",
                self.page,
            )
        return opened

    def _broken(self, what: str) -> DocumentError:
        return DocumentError(
            self.path,
            f"the page is damaged: {what}",
            "export the document again",
            self.page,
        )

    @property
    def dpi(self) -> float:
        longer_in: float = max(self._opened.get_size()) / 72
        return min(self._asked_dpi, self._limits.max_page_side / longer_in)

    @property
    def width(self) -> int:
        return self._size[0]

    @property
    def height(self) -> int:
        return self._size[1]

    @cached_property
    def _size(self) -> tuple[int, int]:
        return page_size_px(self._opened, self.dpi)

    @property
    def image(self) -> NDArray[np.uint8]:
        try:
            bitmap = self._opened.render(scale=self.dpi / 72, rev_byteorder=True)
            pixels = bitmap.to_numpy()
            rgb = np.ascontiguousarray(
                pixels[:, :, :3] if pixels.shape[2] >= 3 else np.repeat(pixels[:, :, :1], 3, axis=2)
            )
            bitmap.close()
        except pdfium.PdfiumError as error:
            raise self._broken(f"it cannot be rendered ({error})") from error
        return rgb

    @cached_property
    def text_words(self) -> list[Word] | None:
        try:
            words = read_page_text(self._opened, self.dpi)
            if not has_usable_text(words, self.width, self.height):
                return None
            bitmap = self._opened.render(scale=_INK_DPI / 72, grayscale=True)
            seen = seen_words(words, bitmap.to_numpy(), _INK_DPI / self.dpi)
            bitmap.close()
        except pdfium.PdfiumError as error:
            raise self._broken(f"its text cannot be read ({error})") from error
        return seen


# Images


def _open_image(path: Path, head: bytes, limits: DocumentLimits) -> Document:
    with _strict_pillow():
        try:
            image = Image.open(path, formats=_IMAGE_FORMATS)
        except UnidentifiedImageError as error:
            if sniff_media_type(head) is not None:
                raise DocumentError(
                    path, "the image is truncated or damaged, or has no pixels", "scan or save it again"
                ) from error
            raise DocumentError(
                path,
                "is neither a PDF nor an image that can be read",
                f"convert it: {_READABLE} can be read",
            ) from error
        except Image.DecompressionBombError as error:
            raise DocumentError(path, f"the image is too large ({error})", "scan it at fewer dpi") from error
        except _DAMAGED as error:
            raise _damaged_image(path, error) from error
    try:
        frames = getattr(image, "n_frames", 1)
    except _DAMAGED as error:
        image.close()
        raise _damaged_image(path, error) from error
    if image.format == "PNG" and frames > 1:
        image.close()
        raise DocumentError(
            path,
            f"the PNG is an animation of {frames:,} frames",
            "save each page as a picture, or all as a TIFF",
        )
    count = frames if image.format == "TIFF" else 1  # what more a telephone's JPEG holds are previews
    if not 0 < count <= limits.max_pages:
        image.close()
        raise _bad_count(path, "the TIFF", "frames", count, limits)
    pages = [_ImagePage(path, page, count, image, limits) for page in range(count)]
    if count == 1:
        try:
            pages[0].load()
        except DocumentError as error:
            image.close()
            raise DocumentError(error.path, error.reason, error.mend) from error
    return Document(path, "image", list(pages), image)


@contextmanager
def _strict_pillow() -> Iterator[None]:
    """Have Pillow refuse truncated images, which WeasyPrint makes it take where both run in one process.

    What it only warns of is silenced: broken metadata, and images up to twice its limit (ours is exact).
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        tolerant, ImageFile.LOAD_TRUNCATED_IMAGES = ImageFile.LOAD_TRUNCATED_IMAGES, False
        try:
            yield
        finally:
            ImageFile.LOAD_TRUNCATED_IMAGES = tolerant


class _ImagePage(PageSource):
    def __init__(
        self,
        path: Path,
        page: int,
        page_count: int,
        file: Image.Image,
        limits: DocumentLimits,
    ) -> None:
        super().__init__(path, page, page_count)
        self._file = file
        self._limits = limits

    def load(self) -> Image.Image:
        """Decode the frame.

        Raises:
            DocumentError: If it is too large, truncated or damaged.
        """
        try:
            with _strict_pillow():
                self._file.seek(self.page)
                width, height = self._file.size
                if width * height > self._limits.max_image_pixels:
                    raise DocumentError(
                        self.path,
                        f"the image has {width:,} x {height:,} px, "
                        f"the limit is {self._limits.max_image_pixels:,} px in all",
                        "scan it at fewer dpi, or raise max_image_pixels",
                        self.page,
                    )
                self._file.load()
        except Image.DecompressionBombError as error:
            raise DocumentError(
                self.path,
                f"the image is too large ({error})",
                "scan it at fewer dpi",
                self.page,
            ) from error
        except _DAMAGED as error:
            raise _damaged_image(self.path, error, self.page) from error
        return self._file

    @property
    def width(self) -> int:
        return self._size[0]

    @property
    def height(self) -> int:
        return self._size[1]

    @cached_property
    def _size(self) -> tuple[int, int]:
        self.load()
        width, height = self._file.size
        return (height, width) if self._orientation >= 5 else (width, height)

    @property
    def _orientation(self) -> int:
        """EXIF orientation 1 to 8; from 5 on, width and height change places."""
        try:
            value = self._file.getexif().get(0x0112, 1)
        except _DAMAGED:
            return 1  # a broken EXIF block says nothing; the pixels are sound
        return value if value in range(1, 9) else 1

    @property
    def dpi(self) -> float | None:
        self.load()
        given = self._file.info.get("dpi")
        return float(given[0]) if given and float(given[0]) > 1 else None

    @property
    def image(self) -> NDArray[np.uint8]:
        frame = self.load()
        try:
            return to_rgb(frame, self._orientation)
        except _DAMAGED as error:
            raise _damaged_image(self.path, error, self.page) from error

    @property
    def text_words(self) -> None:
        return None


def to_rgb(image: Image.Image, orientation: int = 1) -> NDArray[np.uint8]:
    """Any Pillow image as RGB of 8 bits, shape (height, width, 3).

    Transparency is laid on white (paper); 16 and 32 bits are scaled to 8 (by the full range of 16 bits, or
    the image's own where values lie outside it); CMYK, YCbCr, Lab and palettes are converted.

    Args:
        image: In any mode.
        orientation: EXIF orientation, 1 to 8, that turns the pixels upright.
    """
    if image.mode.startswith(("I", "F")):
        image = Image.fromarray(_eight_bits(np.asarray(image, dtype=np.float64)))
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        image = Image.new("RGBA", rgba.size, "white")
        image.alpha_composite(rgba)
    if image.mode == "LAB":
        image = _from_lab(image)
    turn = _TURNS.get(orientation)
    rgb = image.convert("RGB")
    return np.array(rgb if turn is None else rgb.transpose(turn), dtype=np.uint8)


def _eight_bits(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    values = np.nan_to_num(values)
    low, high = float(values.min()), float(values.max())
    if low >= 0 and high <= 1:
        low, high = 0.0, 1.0  # floating-point intensities
    elif low >= 0 and high <= 255:
        low, high = 0.0, 255.0  # eight bits in a wider type
    elif low >= 0 and high <= 65535:
        low, high = 0.0, 65535.0
    return np.asarray(np.rint((values - low) * (255 / max(high - low, 1e-9))), dtype=np.uint8)


def _from_lab(image: Image.Image) -> Image.Image:
    from PIL import ImageCms

    transform = ImageCms.buildTransform(
        ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB"
    )
    converted = ImageCms.applyTransform(image, transform)
    if converted is None:
        raise ValueError("Lab colours cannot be converted")
    return converted


def _damaged_image(path: Path, error: Exception, page: int | None = None) -> DocumentError:
    return DocumentError(
        path,
        f"the image is truncated or damaged ({error})",
        "scan or save it again",
        page,
    )


def _bad_count(path: Path, what: str, pages: str, count: int, limits: DocumentLimits) -> DocumentError:
    if count == 0:
        return DocumentError(path, f"{what} has no {pages}", "export it again")
    return DocumentError(
        path,
        f"{what} has {count:,} {pages}, the limit is {limits.max_pages:,}",
        "split it, or raise max_pages",
    )
