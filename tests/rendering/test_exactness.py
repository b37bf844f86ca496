"""Recorded boxes against what pdfium reads from the PDF, and against the ink on the page."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
import pytest

from invoicegen.geometry import areas, intersection_areas, quad_to_box
from invoicegen.rendering import page_count, rasterise, render_document
from invoicegen.synthesis import KINDS, synthesise
from invoicegen.templates import PlanOptions, compose, plan_document
from invoicegen.templates.fonts import load_fonts

TEXT = "Rechnung Nr. 2026-00042 Straße Ärzte 1.234,56 € £12 office AVATAR To, ÉÀ ylg"


def document(families: list[str], text: str = TEXT) -> str:
    body = "".join(
        f"<p style=\"font-family:'{family}'\">{text}<br/><b>Fett</b><br/><i>kursiv</i></p>"
        for family in families
    )
    style = "@page{size:A4;margin:12mm} p{font-size:10pt;margin:3pt 0;line-height:1.4}"
    return f"<html><head><style>{style}</style></head><body>{body}</body></html>"


def pdfium_words(pdf: bytes, page: int, width: int, height: int) -> list[tuple[str, list[float]]]:
    """Words of the text layer with the union of their loose character boxes, in pixels."""
    file = pdfium.PdfDocument(pdf)
    opened = file[page]
    text = opened.get_textpage()
    kx, ky = width / opened.get_width(), height / opened.get_height()
    words: list[tuple[str, list[float]]] = []
    open_word = False
    for index in range(text.count_chars()):
        character = chr(pdfium_c.FPDFText_GetUnicode(text, index))
        if character.isspace() or pdfium_c.FPDFText_IsGenerated(text, index) == 1:
            open_word = False
            continue
        left, bottom, right, top = text.get_charbox(index, loose=True)
        box = [left * kx, (opened.get_height() - top) * ky, right * kx, (opened.get_height() - bottom) * ky]
        if open_word:
            so_far, union = words[-1]
            union = [
                *(min(a, b) for a, b in zip(union[:2], box[:2], strict=True)),
                *(max(a, b) for a, b in zip(union[2:], box[2:], strict=True)),
            ]
            words[-1] = (so_far + character, union)
        else:
            words.append((character, box))
        open_word = True
    file.close()
    return words


def families(*styles: str) -> list[str]:
    return [font.family for font in load_fonts() if font.style in styles]


@pytest.mark.parametrize(
    "styles",
    [("sans",), ("serif",), ("mono", "receipt", "condensed", "script")],
    ids=lambda styles: styles[0],
)
def test_boxes_agree_with_pdfium_in_every_family(styles: tuple[str, ...]) -> None:
    chosen = families(*styles)
    rendered = render_document(document(chosen))
    assert rendered.fonts == sorted(chosen)
    overlaps = []
    for page in rendered.pages:
        read = pdfium_words(rendered.pdf, page.page, page.width, page.height)
        assert [word.text for word in page.words] == [text for text, _ in read]
        ours = np.array([quad_to_box(word.quad) for word in page.words])
        theirs = np.array([box for _, box in read])
        common = np.diagonal(intersection_areas(ours, theirs))
        overlaps.append(common / (areas(ours) + areas(theirs) - common))
    shares = np.concatenate(overlaps)
    assert shares.mean() >= 0.999
    assert shares.min() >= 0.99


def pdfium_characters(pdf: bytes, page: int, width: int, height: int) -> np.ndarray:
    """Loose boxes of all printed characters of the text layer, shape (n, 4), in pixels."""
    file = pdfium.PdfDocument(pdf)
    opened = file[page]
    text = opened.get_textpage()
    kx, ky, top_pt = width / opened.get_width(), height / opened.get_height(), opened.get_height()
    boxes = []
    for index in range(text.count_chars()):
        if (
            chr(pdfium_c.FPDFText_GetUnicode(text, index)).isspace()
            or pdfium_c.FPDFText_IsGenerated(text, index) == 1
        ):
            continue
        left, bottom, right, top = text.get_charbox(index, loose=True)
        boxes.append([left * kx, (top_pt - top) * ky, right * kx, (top_pt - bottom) * ky])
    file.close()
    return np.array(boxes)


@pytest.mark.parametrize("family", ["modern", "classic", "receipt"])
def test_boxes_agree_with_pdfium_on_composed_documents(family: str) -> None:
    weights = {name: {"pdf_text": 1.0} for name in ("modern", "classic", "receipt")}
    options = PlanOptions(
        documents=8,
        seed=11,
        locales={"en_US": 1, "de_DE": 1, "fr_FR": 1, "lv_LV": 1},
        families={family: 1.0},
        kinds=dict.fromkeys(KINDS, 1.0),
        engines=weights,
        presets={name: {"clean": 1.0} for name in weights},
    )
    shares = []
    for index in range(6):
        plan = plan_document(index, options)
        rendered = render_document(compose(synthesise(plan), plan))
        for page in rendered.pages:
            characters = pdfium_characters(rendered.pdf, page.page, page.width, page.height)
            centres = (characters[:, :2] + characters[:, 2:]) / 2
            for word in page.words:
                box = np.array(quad_to_box(word.quad))
                if word.visible < 1 or not any(letter.isalnum() for letter in word.text):
                    continue  # cut off by the edge of the paper, or a line of dashes
                inside = characters[((centres >= box[:2]) & (centres <= box[2:])).all(axis=1)]
                theirs = np.array([[*inside[:, :2].min(axis=0), *inside[:, 2:].max(axis=0)]])
                common = intersection_areas(box[None], theirs)[0, 0]
                shares.append(common / (areas(box[None])[0] + areas(theirs)[0] - common))
    assert len(shares) > 300
    assert np.mean(shares) >= 0.999


@pytest.mark.parametrize("dpi", [72, 150, 200])
def test_all_ink_lies_in_the_boxes_of_the_words(dpi: int) -> None:
    chosen = families("sans", "serif", "script")
    (page, *_), pdf = (rendered := render_document(document(chosen), dpi=dpi)).pages, rendered.pdf
    image = rasterise(pdf, 0, dpi)
    assert image.shape == (page.height, page.width, 3)
    assert image.dtype == np.uint8
    outside = image.min(axis=2) < 128
    for word in page.words:
        x0, y0, x1, y1 = quad_to_box(word.quad)
        span = np.s_[max(0, int(y0 - 0.5)) : int(y1 + 1.5), max(0, int(x0 - 0.5)) : int(x1 + 1.5)]
        assert (image[span].min(axis=2) < 128).any(), f"no ink under {word.text!r}"
        outside[span] = False
    assert not outside.any()


def test_the_raster_is_as_large_as_the_true_page_for_odd_sizes() -> None:
    html = (
        "<html><head><style>@page{size:71.3mm 133.7mm;margin:2mm}</style></head><body><p>7</p></body></html>"
    )
    for dpi in (96, 150, 203):
        rendered = render_document(html, dpi=dpi)
        assert page_count(rendered.pdf) == len(rendered.pages) == 1
        assert rasterise(rendered.pdf, 0, dpi).shape[:2] == (
            rendered.pages[0].height,
            rendered.pages[0].width,
        )
    with pytest.raises(IndexError, match="no page 1"):
        rasterise(rendered.pdf, 1, 150)


def test_the_raster_is_rgb() -> None:
    red = "<html><head><style>@page{size:20mm;margin:0;background:#ff0000}</style></head><body></body></html>"
    assert rasterise(render_document(red).pdf, 0, 30)[5, 5].tolist() == [255, 0, 0]


DIGEST = """
import hashlib, sys
from invoicegen.rendering import render_document
for html in sys.stdin.read().split("\\0"):
    rendered = render_document(html)
    words = repr([page.to_dict() for page in rendered.pages]) + repr(rendered.fonts)
    print(hashlib.sha256(rendered.pdf).hexdigest(), hashlib.sha256(words.encode()).hexdigest())
"""


def test_bytes_and_words_are_the_same_in_every_process_and_order() -> None:
    first = document(["Lato", "TeX Gyre Pagella", "IBM 3270"])
    second = document(["Liberation Sans"], '<span data-entity="TOTAL_AMOUNT" data-cell="data">1,00</span>')

    def digests(order: list[str], hash_seed: str) -> list[str]:
        done = subprocess.run(
            [sys.executable, "-c", DIGEST],
            input="\0".join(order),
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.splitlines()

    one, two, again = digests([first, second, first], "1")
    assert one == again
    assert digests([second, first], "2") == [two, one]
