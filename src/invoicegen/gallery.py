"""Labelled pages to look at: a self-contained HTML page and a contact sheet."""

from __future__ import annotations

import base64
import colorsys
import html
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from invoicegen.schema.taxonomy import ENTITY_TYPES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from invoicegen.schema.annotation import Page

_STYLE = """
:root { font: 15px/1.4 system-ui, sans-serif; color: #222; background: #f4f4f2 }
body { margin: 0 auto; max-width: 1500px; padding: 1rem }
.pages { display: grid; grid-template-columns: repeat(auto-fill, minmax(330px, 1fr)); gap: 1rem }
figure { margin: 0; background: #fff; padding: .5rem; box-shadow: 0 1px 4px #0003 }
figure svg { width: 100%; height: auto; display: block }
figure:target, figure:focus { position: fixed; inset: 1vh 1vw; overflow: auto; z-index: 2; outline: none }
figcaption { font-size: .8rem; color: #555 }
rect { fill-opacity: .22; stroke-width: 1.5 } rect:hover { fill-opacity: .5 }
.legend span { display: inline-block; padding: 0 .4rem; margin: .1rem; border-radius: .2rem; font-size: .75rem }
select { font: inherit; margin-right: 1rem }
.boxes-off rect { display: none }
"""
_SCRIPT = """
const pick = id => document.getElementById(id);
function filter() {
  for (const page of document.querySelectorAll('figure'))
    page.hidden = ['family', 'locale'].some(key => pick(key).value && page.dataset[key] !== pick(key).value);
}
for (const id of ['family', 'locale']) pick(id).addEventListener('change', filter);
document.addEventListener('keydown', event => { if (event.key === 'Escape') document.activeElement.blur(); });
pick('boxes').addEventListener('change', event => document.body.classList.toggle('boxes-off', !event.target.checked));
"""


def colour_of(entity: str) -> str:
    """The colour of an entity type, ``#rrggbb``; the same everywhere."""
    position = ENTITY_TYPES.index(entity)
    # The golden ratio spreads hues, so that neighbours in the taxonomy differ.
    red, green, blue = colorsys.hls_to_rgb((position * 0.618034) % 1, 0.42, 0.75)
    return f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"


def render_gallery(pages: Sequence[tuple[Page, bytes]]) -> str:
    """One HTML page that needs nothing else: page images with a box a labelled entity, filters, and zoom by click.

    Args:
        pages: Annotated pages with their image files.
    """
    figures = "\n".join(_figure(number, page, image) for number, (page, image) in enumerate(pages))
    used = sorted({entity.type for page, _ in pages for entity in page.entities}, key=ENTITY_TYPES.index)
    legend = "".join(f'<span style="background:{colour_of(name)}40">{name}</span>' for name in used)
    choices: dict[str, list[str]] = {
        "family": sorted({page.provenance.template_family for page, _ in pages}),
        "locale": sorted({page.provenance.locale for page, _ in pages}),
    }
    selects = "".join(
        f'<label>{key} <select id="{key}"><option value="">all</option>'
        + "".join(f"<option>{html.escape(value)}</option>" for value in values)
        + "</select></label>"
        for key, values in choices.items()
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>InvoiceGen: generated pages</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>'
        f"<h1>{len(pages)} generated pages</h1><p>Every box is a labelled entity; its value shows on hover. "
        f'Click a page to enlarge it, Esc or a click elsewhere to return.</p><p>{selects}<label><input id="boxes" '
        f'type="checkbox" checked> boxes</label></p><p class="legend">{legend}</p><div class="pages">{figures}</div>'
        f"<script>{_SCRIPT}</script></body></html>\n"
    )


def _figure(number: int, page: Page, image: bytes) -> str:
    kind = "png" if image.startswith(b"\x89PNG") else "jpeg"
    source = f"data:image/{kind};base64,{base64.b64encode(image).decode()}"
    boxes = "".join(_box(entity) for entity in page.entities)
    p = page.provenance
    reader = (p.ocr or {}).get("engine", "true words")
    caption = f"{page.doc_id}, page {page.page + 1} of {page.page_count} · {p.template_family} · {p.locale} · {reader}"
    return (
        f'<figure id="p{number}" tabindex="0" data-family="{p.template_family}" data-locale="{p.locale}">'
        f'<svg viewBox="0 0 {page.width} {page.height}"><image href="{source}" width="{page.width}" '
        f'height="{page.height}"/>{boxes}</svg><figcaption>{html.escape(caption)}</figcaption></figure>'
    )


def _box(entity: Any) -> str:
    x0, y0, x1, y1 = entity.box
    colour = colour_of(entity.type)
    title = html.escape(f"{entity.type}: {entity.text} → {entity.value}")
    return (
        f'<rect x="{x0:.1f}" y="{y0:.1f}" width="{x1 - x0:.1f}" height="{y1 - y0:.1f}" fill="{colour}" '
        f'stroke="{colour}"><title>{title}</title></rect>'
    )


def contact_sheet(pages: Sequence[tuple[Page, bytes]], columns: int = 4) -> Figure:
    """A figure of the pages side by side with their boxes.

    Args:
        pages: Annotated pages with their image files.
        columns: Pages beside each other.
    """
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle
    from PIL import Image

    rows = -(-len(pages) // columns)
    figure = Figure(figsize=(3.2 * columns, 4.4 * rows), layout="tight")
    axes = [figure.add_subplot(rows, columns, number + 1) for number in range(len(pages))]
    for axis in axes:
        axis.set_axis_off()
    for axis, (page, image) in zip(axes, pages, strict=True):
        with Image.open(io.BytesIO(image)) as picture:
            axis.imshow(picture.convert("RGB"))
        axis.set_title(f"{page.provenance.template_family} · {page.provenance.locale}", fontsize=8)
        for entity in page.entities:
            x0, y0, x1, y1 = entity.box
            axis.add_patch(
                Rectangle((x0, y0), x1 - x0, y1 - y0, color=colour_of(entity.type), alpha=0.3, linewidth=0.5)
            )
    return figure
