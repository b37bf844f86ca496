"""Labelled pages to look at: a self-contained HTML page and a contact sheet."""

from __future__ import annotations

import base64
import colorsys
import hashlib
import io
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from invoicegen.geometry import Box, union
from invoicegen.schema.taxonomy import ENTITY_TYPES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from invoicegen.schema.annotation import Page
    from invoicegen.schema.plan import DocumentPlan


def colour_of(entity: str) -> str:
    """The colour of an entity type, ``#rrggbb``; the same everywhere."""
    # Types that a user adds have no place in the taxonomy: their letters give them one.
    position = ENTITY_TYPES.index(entity) if entity in ENTITY_TYPES else zlib.crc32(entity.encode()) % 1000
    # The golden ratio spreads hues, so that neighbours in the taxonomy differ.
    red, green, blue = colorsys.hls_to_rgb((position * 0.618034) % 1, 0.42, 0.75)
    return f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"


@dataclass(frozen=True, slots=True)
class ShownPage:
    """A page of the gallery.

    Attributes:
        page: Its labels.
        image: The file of its image, PNG or JPEG.
        kind: Kind of its document, where it is known; a filter of the gallery.
    """

    page: Page
    image: bytes
    kind: str | None = None


def sample_document(plan: DocumentPlan, dpi: int, augmented: bool) -> list[ShownPage]:
    """The pages of one document with the labels of their true words, made from its plan alone.

    Args:
        plan: What to make.
        dpi: Resolution of the images.
        augmented: Whether the pages go through the plan's augmentation.

    Raises:
        ValueError: If the document cannot be made; the error of the stage that failed.
    """
    from invoicegen.augmentation import augment
    from invoicegen.images import encode_image
    from invoicegen.labeling import DocumentState, annotate_page
    from invoicegen.randomness import Stage, document_rng
    from invoicegen.rendering import rasterise, render_document
    from invoicegen.synthesis import synthesise
    from invoicegen.templates import compose

    invoice = synthesise(plan)
    rendered = render_document(compose(invoice, plan), dpi=dpi)
    rng = document_rng(plan.seed, plan.index, Stage.AUGMENTATION)
    state, shown = DocumentState(), []
    for truth in rendered.pages:
        preset = plan.augmentation if augmented else "clean"
        seen = augment(rasterise(rendered.pdf, truth.page, dpi), truth, preset, rng, plan.extensions)
        image = encode_image(seen.image, "jpeg", 80, dpi)
        page, _ = annotate_page(
            seen.page,
            None,
            plan,
            invoice,
            f"{plan.doc_id}-{truth.page}.jpg",
            hashlib.sha256(image).hexdigest(),
            len(rendered.pages),
            dpi=dpi,
            fonts=rendered.fonts,
            augmentations=seen.applied,
            state=state,
        )
        shown.append(ShownPage(page, image, plan.kind))
    return shown


def render_gallery(shown: Sequence[ShownPage]) -> str:
    """One HTML page that needs nothing else: page images with a box a labelled entity, filters, and zoom.

    Args:
        shown: Pages in the order to show them.
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("invoicegen", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    items = [_item(one) for one in shown]
    choices = {
        key: sorted({item["facets"][key] for item in items if key in item["facets"]})
        for key in ("family", "kind", "locale")
    }
    there = {entity.type for one in shown for entity in one.page.entities}
    used = [*(name for name in ENTITY_TYPES if name in there), *sorted(there - set(ENTITY_TYPES))]
    return environment.get_template("gallery.html.j2").render(
        shown=items,
        choices={key: values for key, values in choices.items() if len(values) > 1},
        used=used,
        colours={name: colour_of(name) for name in used},
    )


def _item(one: ShownPage) -> dict[str, Any]:
    page, image = one.page, one.image
    kind = "png" if image.startswith(b"\x89PNG") else "jpeg"
    p = page.provenance
    facets = {"family": p.template_family, "locale": p.locale, **({"kind": one.kind} if one.kind else {})}
    reader = (p.ocr or {}).get("engine", "true words")
    parts = [f"{page.doc_id}, page {page.page + 1} of {page.page_count}", *facets.values(), reader]
    return {
        "width": page.width,
        "height": page.height,
        "source": f"data:image/{kind};base64,{base64.b64encode(image).decode()}",
        "caption": " · ".join(parts),
        "text": " ".join([page.doc_id, *(entity.text for entity in page.entities)]).lower(),
        "facets": facets,
        "boxes": [
            {
                "type": entity.type,
                "title": f"{entity.type}: {entity.text} → {entity.value}",
                **_rectangle(box),
            }
            for entity in page.entities
            for box in _lines([page.words[i].box for i in entity.words])
        ],
        "cells": [
            {"role": "header" if role == "HEADER" else "data", **_rectangle(box)}
            for role, box in _cells(page)
        ],
    }


def _lines(boxes: Sequence[Sequence[float]]) -> list[Box]:
    """A box a printed line: boxes in reading order are joined while the next one's middle lies beside the last."""
    lines: list[list[Sequence[float]]] = []
    for box in boxes:
        if lines and lines[-1][-1][1] <= (box[1] + box[3]) / 2 <= lines[-1][-1][3]:
            lines[-1].append(box)
        else:
            lines.append([box])
    return [union(line) for line in lines]


def _cells(page: Page) -> list[tuple[str, Box]]:
    """Role and box of each cell of the line-item table, from the tags of its words."""
    cells: list[tuple[str, list[Box]]] = []
    for word, table, role in zip(page.words, page.table_tags, page.cell_tags, strict=True):
        x0, y0, x1, y1 = word.box
        if table == "CELL":
            cells.append((role, [(x0, y0, x1, y1)]))
        elif table == "INSIDE" and cells:
            cells[-1][1].append((x0, y0, x1, y1))
    return [(role, union(boxes)) for role, boxes in cells]


def _rectangle(box: Sequence[float]) -> dict[str, str]:
    x0, y0, x1, y1 = box
    return {"x": f"{x0:.1f}", "y": f"{y0:.1f}", "width": f"{x1 - x0:.1f}", "height": f"{y1 - y0:.1f}"}


def contact_sheet(shown: Sequence[ShownPage], columns: int = 4) -> Figure:
    """A figure of the pages side by side with their boxes; of a sentence where there are none, as of few documents.

    Args:
        shown: Pages with their image files.
        columns: Pages beside each other.
    """
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle
    from PIL import Image

    rows = max(-(-len(shown) // columns), 1)
    figure = Figure(figsize=(3.2 * columns, 4.4 * rows), layout="tight")
    if not shown:
        figure.text(
            0.5, 0.5, "No page of these documents is of the training split.", ha="center", va="center"
        )
    axes = [figure.add_subplot(rows, columns, number + 1) for number in range(len(shown))]
    for axis in axes:
        axis.set_axis_off()
    for axis, one in zip(axes, shown, strict=True):
        page = one.page
        with Image.open(io.BytesIO(one.image)) as picture:
            axis.imshow(picture.convert("RGB"))
        axis.set_title(f"{page.provenance.template_family} · {page.provenance.locale}", fontsize=8)
        for entity in page.entities:
            x0, y0, x1, y1 = entity.box
            axis.add_patch(
                Rectangle((x0, y0), x1 - x0, y1 - y0, color=colour_of(entity.type), alpha=0.3, linewidth=0.5)
            )
    return figure
