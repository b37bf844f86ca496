"""Page images of foreign datasets: checked once, and read again when they are written."""

from __future__ import annotations

import hashlib
import io
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from invoicegen.interchange.errors import InterchangeError

SUFFIXES: Final = (".png", ".jpg", ".jpeg", ".tif", ".tiff")
_FORMATS: Final = ("PNG", "JPEG", "TIFF")
_KEPT: Final = {"PNG": ".png", "JPEG": ".jpg"}
_PLAIN_MODES: Final = ("RGB", "L")
_ORIENTATION: Final = 0x0112


@dataclass(frozen=True, slots=True)
class Picture:
    """A page image that was found sound.

    Attributes:
        read: Gives the bytes of a PNG or JPEG file.
        suffix: ``.png`` or ``.jpg``.
        width: Pixels.
        height: Pixels.
        sha256: Of the bytes, 64 hexadecimal digits.
        dpi: As the file says; 0 where it does not.
    """

    read: Callable[[], bytes]
    suffix: str
    width: int
    height: int
    sha256: str
    dpi: int


def check_picture(read: Callable[[], bytes], where: str) -> Picture:
    """The picture that ``read`` gives; PNG and JPEG in RGB or grey are kept byte for byte.

    All else (TIFF, CMYK, 16 bits, one bit, palettes, alpha, which is laid on white) becomes a PNG in RGB.

    Raises:
        InterchangeError: If it is no image, damaged, too large, of several frames, or turned by its EXIF orientation
            (whether boxes mean it turned or not, nobody knows).
    """
    from PIL import Image, UnidentifiedImageError

    from invoicegen.ocr.documents import DocumentLimits, to_rgb

    data = read()
    try:
        with _without_warnings(), Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            width, height = image.size
            limit = DocumentLimits().max_image_pixels
            if width * height > limit:
                raise InterchangeError(
                    f"{where}: the image has {width:,} x {height:,} px, the limit is {limit:,} px in all; "
                    "scan it at fewer dpi"
                )
            if getattr(image, "n_frames", 1) > 1:
                raise InterchangeError(f"{where}: the image has several frames; save each page as a file")
            image.load()
            if (turn := image.getexif().get(_ORIENTATION, 1)) != 1:
                raise InterchangeError(
                    f"{where}: the image is turned by its EXIF orientation {turn}, and boxes could mean either; "
                    "save it upright, without the orientation"
                )
            dpi = round(float(image.info.get("dpi", (0,))[0]))
            suffix = _KEPT.get(image.format or "")
            if suffix is None or image.mode not in _PLAIN_MODES or image.has_transparency_data:
                return _as_png(read, to_rgb, dpi)
    except UnidentifiedImageError:
        raise InterchangeError(f"{where}: is no image of PNG, JPEG or TIFF; convert it") from None
    except Image.DecompressionBombError as error:
        raise InterchangeError(f"{where}: the image is too large ({error}); scan it at fewer dpi") from None
    except (OSError, SyntaxError, EOFError) as error:
        raise InterchangeError(f"{where}: the image is damaged ({error}); save it again") from None
    return Picture(read, suffix, width, height, hashlib.sha256(data).hexdigest(), dpi)


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Silence what Pillow warns of: images near its own limit (ours is exact), and broken metadata."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        yield


def _as_png(read: Callable[[], bytes], to_rgb: Callable[..., object], dpi: int) -> Picture:
    import numpy as np
    from PIL import Image

    from invoicegen.images import encode_image

    def converted() -> bytes:
        with Image.open(io.BytesIO(read())) as image:
            return encode_image(np.asarray(to_rgb(image), dtype=np.uint8), "png", 100, dpi or 72)

    data = converted()
    with Image.open(io.BytesIO(data)) as image:
        width, height = image.size
    return Picture(converted, ".png", width, height, hashlib.sha256(data).hexdigest(), dpi)


def file_picture(path: Path, where: str) -> Picture:
    """The picture in a file; see :func:`check_picture`."""
    try:
        return check_picture(path.read_bytes, f"{where}, image {path}")
    except OSError as error:
        raise InterchangeError(
            f"{where}: image {path} cannot be read ({error.strerror}); check the path"
        ) from None


def find_image(name: str, folders: Iterable[Path], where: str) -> Path:
    """The image ``name`` (with or without a suffix) in the first folder that has it.

    Raises:
        InterchangeError: If none has it.
    """
    tried = list(folders)
    wanted = Path(name).name
    names = [wanted] if Path(wanted).suffix.lower() in SUFFIXES else [f"{wanted}{end}" for end in SUFFIXES]
    for folder in tried:
        for one in (*names, *(name.upper() for name in names[: len(names) * (len(names) > 1)])):
            if (folder / one).is_file():
                return folder / one
    places = ", ".join(str(folder) for folder in tried)
    raise InterchangeError(
        f"{where}: no image {wanted!r} in {places}; put it there, or name the folder of images with --images "
        "(import.images)"
    )


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """A folder that appears whole or not at all: filled beside its place, moved there at the end.

    Raises:
        InterchangeError: If there is something at its place already.
    """
    import shutil

    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InterchangeError(f"{folder} is there already; name a new or empty folder")
    partial = folder.with_name(f"{folder.name}.partial")
    if partial.exists():
        shutil.rmtree(partial)
    partial.mkdir(parents=True)
    try:
        yield partial
    except BaseException:
        shutil.rmtree(partial)
        raise
    if folder.exists():
        folder.rmdir()
    partial.rename(folder)
