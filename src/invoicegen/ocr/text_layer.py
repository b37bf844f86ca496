"""Words from a PDF's own text layer, by pypdfium2."""

from __future__ import annotations

import ctypes
import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
from numpy.typing import NDArray

from invoicegen.geometry import Box
from invoicegen.ocr.lines import in_reading_order
from invoicegen.schema.annotation import Word

_LIGATURES = {chr(code): unicodedata.normalize("NFKC", chr(code)) for code in range(0xFB00, 0xFB07)}
# pdfium gives U+0002 for a hyphen at the end of a line; U+FFFE stands for the same in older files.
_HYPHENS = {"\x02", "\ufffe", "\u00ad"}
_RENDER_INVISIBLE = 3  # text render mode of ISO 32000-1, table 106; 7 only adds to the clipping path
_RENDER_CLIP = 7
# Shares of the character's height: a gap that ends a word without a space, a gap that ends the run, and a
# step across the line that ends the run (a raised cent amount stays).
_WORD_GAP = 0.45
_RUN_GAP = 2.0
_LINE_STEP = 0.6
# A character printed again within this share of its own size is fake bold.
_OVERPRINT = 0.3
# Shares of the letters a to z in per mille, mean over generated pages in 14 languages of Latin script.
_LETTERS = np.array(
    [97, 23, 38, 36, 112, 16, 24, 19, 65, 5, 16, 46, 34, 71, 65, 28, 2, 72, 61, 80, 39, 16, 11, 8, 9, 6]
)
# Cosine with these shares. Generated pages have .84 and more; with letters that stand for others, 95 of 100 have
# less than .75.
_LIKE_LANGUAGE = 0.75
_ENOUGH_LETTERS = 60
# Grey levels, of 256, between the lightest and the darkest pixel of a word that can be seen.
_CONTRAST = 24
# Share of words that may be hidden; a layer that hides more is not of the page.
_HIDDEN = 0.2


@dataclass(slots=True)
class _Character:
    text: str
    box: Box
    upright: bool
    index: int
    text_object: int


def read_text_layer(pdf: bytes | pdfium.PdfDocument, page: int = 0, dpi: float = 150) -> list[Word]:
    """The visible words of a page's text layer.

    Args:
        pdf: A document, or the bytes of one.
        page: From 0.
        dpi: Resolution of the raster that the boxes refer to.

    Returns:
        Words in reading order with ``source="pdf"`` and no confidence; boxes in pixels of the page rendered
        at ``dpi`` as it is shown (crop box and rotation applied). A box spans its characters' advance widths
        and the font's ascent and descent. Empty when the page has no text.

    Raises:
        pypdfium2.PdfiumError: If the bytes are no PDF, or the page cannot be read.
        IndexError: If there is no such page.
    """
    document = pdfium.PdfDocument(pdf) if isinstance(pdf, bytes) else pdf
    try:
        if not 0 <= page < len(document):
            raise IndexError(f"no page {page} in a document of {len(document)} pages")
        opened = document[page]
        try:
            return read_page_text(opened, dpi)
        finally:
            opened.close()
    finally:
        if isinstance(pdf, bytes):
            document.close()


def read_page_text(page: pdfium.PdfPage, dpi: float) -> list[Word]:
    """As :func:`read_text_layer`, of a page already opened."""
    width, height = page_size_px(page, dpi)
    to_pixels = _page_to_pixels(page, width, height)
    textpage = page.get_textpage()
    try:
        runs = _runs(textpage, to_pixels)
    finally:
        textpage.close()
    pieces = []
    for run in runs:
        words = [word for characters in run if (word := _word(characters, width, height))]
        if words:
            # Text that runs to the left, as on a page turned upside down, is put left to right like the rest.
            pieces.append(words if run[0][0].upright else sorted(words, key=lambda word: word.box[0]))
    return in_reading_order(_without_overprints(pieces))


def page_size_px(page: pdfium.PdfPage, dpi: float) -> tuple[int, int]:
    """Width and height in pixels of the raster that pypdfium2 makes of the page at ``dpi``."""
    width, height = page.get_size()
    return math.ceil(width * dpi / 72), math.ceil(height * dpi / 72)


def has_usable_text(words: Sequence[Word], width: int, height: int) -> bool:
    """Whether a page's text layer can stand for the page, so that no OCR is needed.

    Not usable: next to no text (a scan, perhaps with a stamp or a page number put over it), text whose fonts
    lack a mapping to Unicode (private use, replacement and control characters, unassigned code points) or have a
    wrong one (letters in shares that no language of Latin script has), text that is mostly not letters and digits,
    and words piled upon one spot.

    Args:
        words: What :func:`read_text_layer` gave.
        width: Page width in pixels of the words' frame.
        height: Page height.
    """
    text = "".join(word.text for word in words)
    if len(words) < 5 or len(text) < 20:
        return False
    unreadable = sum(
        unicodedata.category(char) in ("Co", "Cn", "Cc", "Cs") or char == "\ufffd" for char in text
    )
    if unreadable > 0.05 * len(text):
        return False
    if sum(char.isalnum() for char in text) < 0.5 * len(text) or not _reads_like_language(text):
        return False
    centres = np.array(
        [((w.box[0] + w.box[2]) / 2 / width, (w.box[1] + w.box[3]) / 2 / height) for w in words]
    )
    return bool((np.ptp(centres, axis=0) > 0.02).any())


def _reads_like_language(text: str) -> bool:
    """Whether letters occur about as often as they do in languages; True where there are few Latin ones."""
    folded = unicodedata.normalize("NFKD", text).casefold()
    letters = [ord(char) - ord("a") for char in folded if "a" <= char <= "z"]
    if len(letters) < _ENOUGH_LETTERS:
        return True
    counts = np.bincount(letters, minlength=len(_LETTERS))
    return bool(counts @ _LETTERS > _LIKE_LANGUAGE * np.linalg.norm(counts) * np.linalg.norm(_LETTERS))


def seen_words(words: Sequence[Word], grey: NDArray[np.uint8], scale: float) -> list[Word] | None:
    """The words that leave ink on the page; None where too many leave none, so that the layer is not of this page.

    Args:
        words: What the text layer says.
        grey: The page as it is shown, shape (height, width), in any resolution.
        scale: Its pixels for one pixel of the words' frame.
    """
    seen = []
    for word in words:
        x0, y0 = (math.floor(edge * scale) for edge in word.box[:2])
        x1, y1 = (math.ceil(edge * scale) for edge in word.box[2:])
        spot = grey[y0 : y1 + 1, x0 : x1 + 1]
        if spot.size and int(spot.max()) - int(spot.min()) >= _CONTRAST:
            seen.append(word)
    return seen if len(seen) >= (1 - _HIDDEN) * len(words) else None


def _page_to_pixels(page: pdfium.PdfPage, width: int, height: int) -> NDArray[np.float64]:
    """The affine map, shape (2, 3), from page units (origin bottom left) to pixels of the page as shown."""
    fine = 1000  # pdfium answers in whole pixels: ask about a much larger raster
    x, y = ctypes.c_int(), ctypes.c_int()

    def at(page_x: float, page_y: float) -> NDArray[np.float64]:
        done = pdfium_c.FPDF_PageToDevice(
            page.raw,
            0,
            0,
            width * fine,
            height * fine,
            0,
            page_x,
            page_y,
            ctypes.byref(x),
            ctypes.byref(y),
        )
        if not done:
            raise pdfium.PdfiumError("page coordinates cannot be mapped to pixels")
        return np.array([x.value, y.value]) / fine

    far = 100.0
    origin = at(0, 0)
    return np.column_stack([(at(far, 0) - origin) / far, (at(0, far) - origin) / far, origin])


def _runs(textpage: pdfium.PdfTextPage, to_pixels: NDArray[np.float64]) -> list[list[list[_Character]]]:
    """Characters by word, words by run: a run is a stretch of one line in the order of the content stream."""
    raw = textpage.raw
    loose = pdfium_c.FS_RECTF()
    matrix = to_pixels.tolist()
    turned = abs(matrix[0][0]) < abs(matrix[0][1])
    styles: dict[int, tuple[bool, bool]] = {}
    runs: list[list[list[_Character]]] = []
    recent: list[_Character] = []
    space = False
    high = 0
    for index in range(textpage.count_chars()):
        code = pdfium_c.FPDFText_GetUnicode(raw, index)
        if 0xD800 <= code < 0xDC00:
            high = code
            continue
        if 0xDC00 <= code < 0xE000 and high:
            code = 0x10000 + ((high - 0xD800) << 10) + (code - 0xDC00)
        high = 0
        text = _printable(chr(code))
        if text.isspace():
            space = True
            continue
        if not text:
            continue
        pointer = pdfium_c.FPDFText_GetTextObject(raw, index)
        text_object = ctypes.cast(pointer, ctypes.c_void_p).value or 0
        style = styles.get(text_object)
        if style is None:
            style = styles[text_object] = _style(raw, index, pointer, turned)
        visible, upright = style
        if not visible or not pdfium_c.FPDFText_GetLooseCharBox(raw, index, loose):
            continue
        character = _Character(text, _to_pixels(matrix, loose), upright, index, text_object)
        if any(_is_overprint(character, other) for other in recent):
            continue
        previous = recent[-1] if recent else None
        if previous is None:
            runs.append([[]])
        else:
            gap, step, size = _distance(previous, character)
            if step > _LINE_STEP * size or gap > _RUN_GAP * size or previous.upright != upright:
                runs.append([[]])
            elif space or gap > _WORD_GAP * size:
                runs[-1].append([])
        runs[-1][-1].append(character)
        recent = [*recent[-3:], character]
        space = False
    return runs


def _printable(char: str) -> str:
    """The character as it should read; nothing for what prints nothing."""
    if char in _HYPHENS:
        return "-"
    if char in _LIGATURES:
        return _LIGATURES[char]
    if char.isspace():
        return " "
    if unicodedata.category(char) in ("Cc", "Cf"):
        return ""
    return char


def _style(raw: Any, index: int, text_object: Any, turned: bool) -> tuple[bool, bool]:
    """Whether a text object leaves ink (under a scan it does not), and whether it runs up or down the page.

    Args:
        raw: pdfium's text page.
        index: A character of the object.
        text_object: pdfium's handle of it.
        turned: Whether the page is shown turned by a quarter.
    """
    visible = True
    if text_object:
        visible = pdfium_c.FPDFTextObj_GetTextRenderMode(text_object) not in (_RENDER_INVISIBLE, _RENDER_CLIP)
    alpha, unused = ctypes.c_uint(), ctypes.c_uint()
    if pdfium_c.FPDFText_GetFillColor(raw, index, unused, unused, unused, alpha):
        visible = visible and alpha.value > 0
    upright = abs(math.sin(pdfium_c.FPDFText_GetCharAngle(raw, index))) > 0.7
    return visible, upright != turned


def _to_pixels(matrix: list[list[float]], rect: Any) -> Box:
    (a, c, e), (b, d, f) = matrix
    xs = (a * rect.left + c * rect.bottom + e, a * rect.right + c * rect.top + e)
    ys = (b * rect.left + d * rect.bottom + f, b * rect.right + d * rect.top + f)
    return (min(xs), min(ys), max(xs), max(ys))


def _is_overprint(character: _Character, other: _Character) -> bool:
    if character.text != other.text:
        return False
    if (
        character.index == other.index + 1
        and character.text_object == other.text_object
        and character.box == other.box
    ):
        return False  # pdfium spells a ligature as characters with one box
    a, b = character.box, other.box
    return abs(a[0] + a[2] - b[0] - b[2]) < 2 * _OVERPRINT * (b[2] - b[0]) and abs(
        a[1] + a[3] - b[1] - b[3]
    ) < 2 * _OVERPRINT * (b[3] - b[1])


def _distance(before: _Character, after: _Character) -> tuple[float, float, float]:
    """Gap along the line, step across it, and size of the characters, pixels."""
    along, across = (1, 0) if after.upright else (0, 1)
    a, b = before.box, after.box
    size = max(min(a[across + 2] - a[across], b[across + 2] - b[across]), 1e-6)
    gap = max(b[along] - a[along + 2], a[along] - b[along + 2])  # text may run either way
    step = abs(a[across] + a[across + 2] - b[across] - b[across + 2]) / 2
    return gap, step, size


def _word(characters: Sequence[_Character], width: int, height: int) -> Word | None:
    """The word of these characters, its box cut at the page's edges; None if most of it is off the page."""
    if not characters:
        return None
    boxes = [character.box for character in characters]
    x0, y0 = min(box[0] for box in boxes), min(box[1] for box in boxes)
    x1, y1 = max(box[2] for box in boxes), max(box[3] for box in boxes)
    middle_x, middle_y = (x0 + x1) / 2, (y0 + y1) / 2
    if not (0 <= middle_x <= width and 0 <= middle_y <= height) or x1 <= x0 or y1 <= y0:
        return None
    box = [max(x0, 0.0), max(y0, 0.0), min(x1, float(width)), min(y1, float(height))]
    return Word(text="".join(character.text for character in characters), box=box, source="pdf")


def _without_overprints(pieces: list[list[Word]]) -> list[list[Word]]:
    """Without words printed a second time on the same spot."""
    seen: dict[str, list[list[float]]] = {}
    kept = []
    for piece in pieces:
        words = []
        for word in piece:
            places = seen.setdefault(word.text, [])
            size = word.box[3] - word.box[1]
            if any(
                max(abs(a - b) for a, b in zip(word.box, box, strict=True)) < 0.25 * size for box in places
            ):
                continue
            places.append(word.box)
            words.append(word)
        if words:
            kept.append(words)
    return kept
