"""WeasyPrint, set up for many small documents: the module to import only when something is rendered."""

from __future__ import annotations

import datetime as dt
import gc
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, lru_cache, partial
from importlib.resources import files
from typing import Any, Final
from xml.etree.ElementTree import Element, ParseError, fromstring

from invoicegen.rendering.fontconfig import use_listed_fonts

use_listed_fonts()  # before WeasyPrint loads, which reads the variable it sets

import cssselect2  # type: ignore[import-untyped]  # noqa: E402
import pypdfium2 as pdfium  # noqa: E402
from PIL import ImageFile  # noqa: E402
from weasyprint import CSS, HTML, Attachment  # noqa: E402
from weasyprint.css.counters import CounterStyle  # noqa: E402
from weasyprint.pdf import fonts as pdf_fonts  # noqa: E402
from weasyprint.text.fonts import FontConfiguration  # noqa: E402
from weasyprint.urls import FatalURLFetchingError, URLFetcher  # noqa: E402

from invoicegen.rendering import shortcuts  # noqa: E402
from invoicegen.rendering.document import RenderedDocument  # noqa: E402
from invoicegen.rendering.errors import RenderingError  # noqa: E402
from invoicegen.rendering.marks import Marks  # noqa: E402
from invoicegen.rendering.raster import raster_size  # noqa: E402
from invoicegen.rendering.recorder import Recorder  # noqa: E402
from invoicegen.rendering.words import Affine, Numbering, PaintedText, Polygon, true_words  # noqa: E402
from invoicegen.schema.truth import TruePage  # noqa: E402


class _OpenArrays:
    """WeasyPrint's cffi with arrays of open length.

    For each new length in ``new('type[length]', values)`` cffi parses a declaration of C anew, which took an eighth of
    the time of a document: WeasyPrint makes two such arrays, of ever other lengths, for every font that it cuts down.
    """

    def __init__(self, ffi: Any) -> None:
        self._ffi = ffi

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ffi, name)

    def new(self, declaration: str, *initial: Any) -> Any:
        """As ``FFI.new``; an array that is given its values takes its length from them."""
        return self._ffi.new(re.sub(r"\[\d+\]$", "[]", declaration) if initial else declaration, *initial)


pdf_fonts.ffi = _OpenArrays(pdf_fonts.ffi)
shortcuts.install()

# WeasyPrint makes Pillow take broken images for whole ones, in all of the process; what reads documents must not.
ImageFile.LOAD_TRUNCATED_IMAGES = False

_XHTML: Final = ' xmlns="http://www.w3.org/1999/xhtml"'
_XML_NAME: Final = "factur-x.xml"
# A brace; and what may hold one that is none: an escape, a comment, a string, an address.
_CSS_BRACE: Final = re.compile(
    r"""[{}]|\\.|/\*.*?\*/|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|url\([^"')]*\)""", re.DOTALL | re.IGNORECASE
)
_PX_A_MM: Final = 96 / 25.4  # CSS Values and Units 3, 5.2
# Fonts, caches and the recorder of the process serve one document at a time.
_lock = threading.Lock()
_warm = False


def render(html: str, dpi: int) -> RenderedDocument:
    """See :func:`invoicegen.rendering.render_document`."""
    with _lock, _collecting_afterwards():
        return _render(html, dpi)


def _render(html: str, dpi: int) -> RenderedDocument:
    root = _parse(html)
    counter_style = CounterStyle()
    sheet, counters = _stylesheet(_take_styles(root))
    counter_style.update(counters)
    try:
        document = _Xhtml(root).render(font_config=_fonts(), counter_style=counter_style, stylesheets=[sheet])
    except FatalURLFetchingError as error:
        raise RenderingError(str(error)) from error
    _cut_roll(document, root)
    recorder = Recorder(Marks(root))
    for page in document.pages:
        page.paint = partial(_paint, recorder, page, page.paint)
    with recorder.recording():
        pdf = document.write_pdf()
    missing = {chr(codepoint) for font in document.fonts.values() for codepoint in font.missing}
    if missing:
        shown = ", ".join(f"{character!r} (U+{ord(character):04X})" for character in sorted(missing))
        raise RenderingError(f"no font of templates/fonts.yml has {shown}: replace it, or add such a font")
    pages = _true_pages(pdf, recorder, dpi)
    return RenderedDocument(pdf, pages, sorted({font.family for font in document.fonts.values()}))


def render_factur_x(html: str, xml: bytes, day: dt.date) -> bytes:
    """See :func:`invoicegen.rendering.render_factur_x`."""
    with _lock, _collecting_afterwards():
        return _render_factur_x(html, xml, day)


def _render_factur_x(html: str, xml: bytes, day: dt.date) -> bytes:
    root = _parse(html)
    counter_style = CounterStyle()
    sheet, counters = _stylesheet(_take_styles(root))
    counter_style.update(counters)
    document = _Xhtml(root).render(
        font_config=_fonts(), counter_style=counter_style, stylesheets=[sheet], pdf_variant="pdf/a-3b"
    )
    _cut_roll(document, root)
    noon = dt.datetime.combine(day, dt.time(12))
    described = document.metadata.generate_rdf_metadata
    document.metadata.generate_rdf_metadata = lambda *variant: _with_factur_x(described(*variant))
    document.metadata.created = document.metadata.modified = f"{noon:%Y-%m-%dT%H:%M:%SZ}"
    attachment = Attachment(
        string=xml.decode("utf-8"),
        name=_XML_NAME,
        description="Factur-X invoice",
        created=noon,
        modified=noon,
        relationship="Data",
    )
    pdf: bytes = document.write_pdf(pdf_variant="pdf/a-3b", attachments=[attachment])
    return pdf


def _with_factur_x(rdf: bytes) -> bytes:
    """XMP metadata with the properties of Factur-X and the schema that PDF/A wants of every such extension."""
    described = files(__package__).joinpath("factur_x.rdf").read_bytes()  # PDF/A prescribes its prefixes
    return rdf.replace(b"</rdf:RDF>", described + b"</rdf:RDF>")


def _true_pages(pdf: bytes, recorder: Recorder, dpi: int) -> list[TruePage]:
    """The recorded text as words, in pixels of the raster that pdfium makes of each page."""
    numbering = Numbering()
    pages = []
    file = pdfium.PdfDocument(pdf)
    try:
        for index, painted in enumerate(recorder.pages):
            # The page box starts at the origin; opening the page to ask for it would take a millisecond.
            page_width, page_height = file.get_page_size(index)
            width, height = raster_size(page_width, page_height, dpi)
            scale_x, scale_y = width / page_width, height / page_height
            to_pixels: Affine = (scale_x, 0.0, 0.0, -scale_y, 0.0, page_height * scale_y)
            placed = (_place(text, to_pixels) for text in painted)
            words = true_words(placed, index, (width, height), numbering)
            pages.append(TruePage(page=index, width=width, height=height, words=words))
    finally:
        file.close()
    return pages


def _place(text: PaintedText, to_pixels: Affine) -> PaintedText:
    kx, _, _, ky, x0, y0 = to_pixels
    a, b, c, d, e, f = text.matrix
    return PaintedText(
        clusters=text.clusters,
        matrix=(kx * a, ky * b, kx * c, ky * d, kx * e + x0, ky * f + y0),
        mark=text.mark,
        line=text.line,
        block=text.block,
        clips=tuple(_clip_in_pixels(clip, to_pixels) for clip in text.clips),
        letter_spacing=text.letter_spacing,
    )


def _clip_in_pixels(clip: Polygon, to_pixels: Affine) -> Polygon:
    kx, _, _, ky, x0, y0 = to_pixels
    return tuple((kx * x + x0, ky * y + y0) for x, y in clip)


def _cut_roll(document: Any, root: Element) -> None:
    """Cut the last page where ``data-blank`` on the body says: so many millimetres below its last line."""
    blank = next(root.iter("body")).get("data-blank")
    if blank is None:
        return
    page = document.pages[-1]
    html = page._page_box.children[0]
    bottom = html.position_y + html.margin_height()
    page.height = min(page.height, bottom + float(blank) * _PX_A_MM)


def _paint(recorder: Recorder, page: Any, paint: Any, stream: Any, scale: float = 1) -> None:
    recorder.begin_page(page._page_box)
    paint(stream, scale)


def _parse(html: str) -> Element:
    try:
        root = fromstring(html.replace(_XHTML, "", 1))
    except ParseError as error:
        line = html.splitlines()[error.position[0] - 1 : error.position[0]]
        raise RenderingError(f"not well-formed XHTML: {error}: {''.join(line).strip()[:200]!r}") from error
    if root.tag != "html":
        raise RenderingError(f"the root element is <{root.tag}>, not <html>")
    return root


def _take_styles(root: Element) -> str:
    """The text of all ``<style>`` elements, which are emptied."""
    styles = []
    for style in root.iter("style"):
        styles.append(style.text or "")
        style.text = None
    text = "\n".join(styles)
    if "@font-face" in text or "@import" in text:
        raise RenderingError(
            "@font-face and @import are not allowed: use the families of templates/fonts.yml"
        )
    return text


class _DataFetcher(URLFetcher):  # type: ignore[misc]
    """Opens ``data:`` URLs only: a document needs no network and no file."""

    def fetch(self, url: str, headers: Any = None) -> Any:
        if not url.startswith("data:"):
            raise FatalURLFetchingError(f"{url}: only data: URLs are allowed in a document")
        return super().fetch(url, headers)


@cache
def _fetcher() -> _DataFetcher:
    return _DataFetcher()


@cache
def _fonts() -> Any:
    return FontConfiguration()


@cache
def _user_agent_stylesheet() -> Any:
    return CSS(string=files(__package__).joinpath("user_agent.css").read_text(encoding="utf-8"))


class _Selectors(cssselect2.Matcher):  # type: ignore[misc]
    """Selectors with their declarations, in the order of the stylesheet, to be added to another matcher."""

    def __init__(self) -> None:
        super().__init__()
        self.added: list[tuple[Any, Any]] = []

    def add_selector(self, selector: Any, payload: Any) -> None:
        self.added.append((selector, payload))


def _stylesheet(text: str) -> tuple[Any, Any]:
    """A parsed stylesheet and the counter styles that it defines, put together from its rules.

    Four rules of five are those of other documents: each is parsed once a process.
    """
    counters = CounterStyle()
    sheet = CSS(string="", font_config=_fonts(), url_fetcher=_fetcher())
    for piece in _rules(text):
        parsed, defined = _parsed(piece)
        for selector, declarations in parsed.matcher.added:
            sheet.matcher.add_selector(selector, declarations)
        sheet.page_rules += parsed.page_rules
        sheet.layers += parsed.layers
        counters.update(defined)
    return sheet, counters


@lru_cache(maxsize=4096)
def _parsed(text: str) -> tuple[Any, Any]:
    counters = CounterStyle()
    sheet = CSS(
        string=text,
        font_config=_fonts(),
        counter_style=counters,
        url_fetcher=_fetcher(),
        matcher=_Selectors(),
    )
    return sheet, counters


def _rules(text: str) -> Iterator[str]:
    """The rules of a stylesheet, one by one; all in one piece where one bears upon the others."""
    if "@layer" in text or "@namespace" in text:
        yield text
        return
    start = depth = 0
    for token in _CSS_BRACE.finditer(text):
        if token[0] == "{":
            depth += 1
        elif token[0] == "}" and depth:
            depth -= 1
            if not depth:
                yield text[start : token.end()]
                start = token.end()
    yield text[start:]


class _Xhtml(HTML):  # type: ignore[misc]
    """A parsed document for WeasyPrint, with a small default stylesheet."""

    def __init__(self, root: Element) -> None:
        self.base_url = None
        self.url_fetcher = _fetcher()
        self.media_type = "print"
        self.wrapper_element = cssselect2.ElementWrapper.from_html_root(root, content_language=None)
        self.etree_element = self.wrapper_element.etree_element

    def _ua_stylesheets(self, forms: bool = False) -> list[Any]:
        return [_user_agent_stylesheet()]


@contextmanager
def _collecting_afterwards() -> Iterator[None]:
    """No garbage collection while a document is laid out; its cycles are freed right after it.

    A document leaves thousands of cycles of boxes and styles. Freed at once they are still in the processor's caches,
    which takes a third of the time that it takes some documents later. For that nothing may hold the document any more
    when this context ends. What lives on after the first document is there to stay (modules, fonts, lexicons): it is
    put where later collections do not look.
    """
    global _warm
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if _warm:
            gc.collect(0)
        else:
            gc.collect()
            gc.freeze()
            _warm = True
        if enabled:
            gc.enable()
