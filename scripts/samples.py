"""Make the sample documents of the service's page: `python scripts/samples.py`; the same bytes for the same code."""

from __future__ import annotations

import io
import itertools
import json
from pathlib import Path
from typing import Any, Final

from PIL import Image

from invoicegen.augmentation import augment
from invoicegen.project import generate_options
from invoicegen.randomness import Stage, document_rng
from invoicegen.rendering import rasterise, render_document
from invoicegen.synthesis import synthesise
from invoicegen.templates import compose, plan_document

FOLDER: Final = Path(__file__).parents[1] / "src/invoicegen/serving/static/samples"
SEED: Final = 77
SAMPLES: Final[tuple[dict[str, Any], ...]] = (
    {"title": "Invoice, German, PDF", "locale": "de_DE", "kind": "commercial_invoice", "family": "modern"},
    {"title": "Invoice, French, PDF", "locale": "fr_FR", "kind": "service_invoice", "family": "classic"},
    {"title": "Invoice, American, two pages, PDF", "locale": "en_US", "kind": "commercial_invoice",
     "family": "modern", "pages": 2},
    {"title": "Credit note, British, scanned", "locale": "en_GB", "kind": "credit_note", "family": "classic",
     "preset": "office_scan"},
    {"title": "Receipt, Malaysian, photographed", "locale": "en_MY", "kind": "supermarket_receipt",
     "family": "receipt", "preset": "receipt_photo"},
    {"title": "Utility bill, Spanish, photographed", "locale": "es_ES", "kind": "utility_bill", "family": "modern",
     "preset": "phone_photo"},
)  # fmt: skip
THUMBNAIL_PX: Final = (240, 320)
LONGER_SIDE_PX: Final = 1500


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.iterdir():
        old.unlink()
    listed = []
    for number, sample in enumerate(SAMPLES, 1):
        name = f"{number}-{sample['kind'].replace('_', '-')}-{sample['locale'].lower().replace('_', '-')}"
        content, suffix, picture = make(**sample)
        (FOLDER / f"{name}{suffix}").write_bytes(content)
        picture.thumbnail((THUMBNAIL_PX[0], 10_000))
        picture.crop((0, 0, picture.width, min(picture.height, THUMBNAIL_PX[1]))).save(
            FOLDER / f"{name}-small.jpg", quality=50, optimize=True
        )
        listed.append({"file": f"{name}{suffix}", "picture": f"{name}-small.jpg", "title": sample["title"]})
    text = json.dumps(listed, indent=1) + "\n"
    (FOLDER / "samples.json").write_text(text, encoding="utf-8")
    size = sum(path.stat().st_size for path in FOLDER.iterdir())
    print(f"{len(listed)} samples, {size:,} bytes: {FOLDER}")


def make(
    title: str, locale: str, kind: str, family: str, pages: int = 1, preset: str = "clean"
) -> tuple[bytes, str, Image.Image]:
    """The first document of that kind with so many pages: its file, the suffix, and what its first page looks like."""
    only = {"locales": [locale], "kinds": [kind], "families": [family]}
    options = generate_options("base", {"generate": {"seed": SEED}}, only)
    for index in itertools.count():
        plan = plan_document(index, options)
        rendered = render_document(compose(synthesise(plan), plan), dpi=150)
        if len(rendered.pages) == pages:
            break
    image = rasterise(rendered.pdf, 0, 150)
    if preset == "clean":
        return rendered.pdf, ".pdf", Image.fromarray(image)
    rng = document_rng(plan.seed, plan.index, Stage.AUGMENTATION)
    seen = Image.fromarray(augment(image, rendered.pages[0], preset, rng, plan.extensions).image)
    seen.thumbnail((LONGER_SIDE_PX, LONGER_SIDE_PX))
    buffer = io.BytesIO()
    seen.save(buffer, "JPEG", quality=60, optimize=True)
    return buffer.getvalue(), ".jpg", seen


if __name__ == "__main__":
    main()
