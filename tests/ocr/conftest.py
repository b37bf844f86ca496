"""A page whose words are known, drawn with Pillow."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

FONT_PLACES = (
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
    f"{__import__('matplotlib').get_data_path()}/fonts/ttf/DejaVuSans.ttf",
)
FONT = next(place for place in FONT_PLACES if Path(place).exists())

LINES = (
    (40, 30, "Invoice No. INV-2024/001"),
    (520, 30, "12.03.2024"),
    (40, 90, "Müller & Söhne GmbH, Straße 5"),
    (40, 150, "Total (incl. VAT):"),
    (600, 150, "1.234,56 €"),
)


@dataclass(frozen=True)
class KnownPage:
    """A drawn page and its words: (text, box)."""

    image: np.ndarray
    words: tuple[tuple[str, tuple[float, float, float, float]], ...]


def draw_lines(lines=LINES, size=(800, 220), font_size=24) -> KnownPage:
    picture = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(picture)
    font = ImageFont.truetype(FONT, font_size)
    words = []
    for x, y, text in lines:
        draw.text((x, y), text, font=font, fill="black")
        at = 0
        for word in text.split(" "):
            x0 = x + draw.textlength(text[:at], font=font)
            words.append((word, draw.textbbox((x0, y), word, font=font)))
            at += len(word) + 1
    return KnownPage(np.asarray(picture), tuple(words))


def overlap(first, second) -> float:
    """Intersection over union."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    both = max(width, 0) * max(height, 0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (first, second)]
    return both / (sum(areas) - both)


CSS = """
@page { size: 400pt 300pt; margin: 20pt }
body { font: 12pt 'DejaVu Sans'; margin: 0 }
p { margin: 0 0 8pt }
td { padding: 0 }
"""


def make_pdf(body, css=""):
    from weasyprint import HTML

    return HTML(string=f"<html><head><style>{CSS}{css}</style></head><body>{body}</body></html>").write_pdf()


def raw_pdf(content, *, page="", width=400, height=300, kids="3 0 R", count=1, trailer="", more=()):
    """A PDF written by hand: a page in Helvetica with this content stream; ``more`` are objects from 6 on."""
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {count} >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {width} {height}] /Contents 4 0 R "
        f"/Resources << /Font << /F 5 0 R >> >> {page} >>",
        f"<< /Length {len(content)} >>\nstream\n{content}\nendstream",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        *more,
    ]
    text = "%PDF-1.7\n"
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(text))
        text += f"{number} 0 obj\n{body}\nendobj\n"
    start = len(text)
    text += f"xref\n0 {len(places) + 1}\n0000000000 65535 f \n"
    text += "".join(f"{place:010} 00000 n \n" for place in places)
    text += f"trailer << /Size {len(places) + 1} /Root 1 0 R {trailer} >>\nstartxref\n{start}\n%%EOF\n"
    return text.encode("latin-1")


@pytest.fixture(scope="session", name="make_pdf")
def make_pdf_fixture():
    return make_pdf


@pytest.fixture(scope="session", name="raw_pdf")
def raw_pdf_fixture():
    return raw_pdf


@pytest.fixture(scope="session", name="draw_lines")
def draw_lines_fixture():
    return draw_lines


@pytest.fixture(scope="session", name="overlap")
def overlap_fixture():
    return overlap


@pytest.fixture(scope="session")
def known_page() -> KnownPage:
    return draw_lines()


@pytest.fixture(scope="session")
def rapidocr():
    from invoicegen.ocr import create_engine

    return create_engine("rapidocr")
