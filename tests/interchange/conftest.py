"""Generated pages with their images, to go out and come back."""

from __future__ import annotations

import hashlib
from functools import partial

import pytest

from invoicegen.images import encode_image
from invoicegen.interchange import LabelledPage
from invoicegen.labeling.annotate import DocumentState, annotate_page
from invoicegen.rendering import rasterise, render_document
from invoicegen.synthesis import synthesise
from invoicegen.templates import PlanOptions, compose, plan_document

FAMILIES = ("modern", "classic", "receipt")
OPTIONS = PlanOptions(
    seed=2,
    locales={"de_DE": 1, "en_US": 1, "fr_FR": 1},
    families=dict.fromkeys(FAMILIES, 1.0),
    kinds={"commercial_invoice": 1, "shop_receipt": 1},
    engines={name: {"pdf_text": 1.0} for name in FAMILIES},
    presets={name: {"clean": 1.0} for name in FAMILIES},
)
DPI = 100
SPLITS = ("train", "validation", "test")


@pytest.fixture(scope="session")
def labelled():
    """Six documents or more, dealt to the splits in turn; one at least has several pages."""
    made = []
    for index in range(40):
        if index >= 6 and any(one.page.page_count > 1 for one in made):
            break
        plan = plan_document(index, OPTIONS)
        invoice = synthesise(plan)
        rendered = render_document(compose(invoice, plan), dpi=DPI)
        state = DocumentState()
        for truth in rendered.pages:
            image = encode_image(rasterise(rendered.pdf, truth.page, DPI), "jpeg", 80, DPI)
            page, _ = annotate_page(
                truth,
                None,
                plan,
                invoice,
                f"images/{plan.doc_id}-{truth.page}.jpg",
                hashlib.sha256(image).hexdigest(),
                len(rendered.pages),
                dpi=DPI,
                state=state,
            )
            page = page.model_copy(update={"split": SPLITS[index % 3]})
            made.append(LabelledPage(page, partial(bytes, image)))
    assert any(one.page.page_count > 1 for one in made), "no document of several pages among 40"
    return made


@pytest.fixture(scope="session")
def pages(labelled):
    return [one.page for one in labelled]


@pytest.fixture
def shards(labelled, tmp_path):
    """The pages as our own Parquet shards."""
    from invoicegen.interchange import write_shards

    folder = tmp_path / "test_pages"
    write_shards(labelled, folder)
    return folder
