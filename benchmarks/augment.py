"""How long augmentation takes, by preset, and labelled augmented pages from nothing to file, without OCR.

    python benchmarks/augment.py [--documents 20] [--seeds 5]

One process, CPU time. The pages are the first of modern and classic invoices of the base configuration at 150 dpi. End
to end: plan, synthesise, compose, render with true words, raster, augment with ``mixed``, label, encode as JPEG.
"""

from __future__ import annotations

import argparse
import hashlib
import statistics
import time
from pathlib import Path

import numpy as np
import yaml

ROOT = Path(__file__).resolve().parents[1]
DPI = 150


def main() -> None:
    """Print a table."""
    from invoicegen.augmentation import PRESETS, augment
    from invoicegen.images import encode_image
    from invoicegen.labeling.annotate import DocumentState, annotate_page
    from invoicegen.pipelines.options import GenerateOptions
    from invoicegen.rendering import rasterise, render_document
    from invoicegen.synthesis import synthesise
    from invoicegen.templates import compose, plan_document

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--documents", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=5, help="times that each preset takes each page")
    given = parser.parse_args()
    parameters = yaml.safe_load((ROOT / "conf/base/parameters_generate.yml").read_text())["generate"]
    options = GenerateOptions.model_validate(parameters | {"families": {"modern": 0.6, "classic": 0.4}})
    render_document(
        compose(synthesise(plan := plan_document(given.documents, options)), plan), dpi=DPI
    )  # warm

    pages, spent = [], []
    for index in range(given.documents):
        start = time.process_time()
        plan = plan_document(index, options)
        invoice = synthesise(plan)
        rendered = render_document(compose(invoice, plan), dpi=DPI)
        state, rng = DocumentState(), np.random.default_rng(index)
        for page in rendered.pages:
            image = rasterise(rendered.pdf, page.page, DPI)
            out = augment(image, page, "mixed", rng)
            data = encode_image(out.image, "jpeg", 88, DPI)
            digest = hashlib.sha256(data).hexdigest()
            annotate_page(
                out.page, None, plan, invoice, "page.jpg", digest, len(rendered.pages), dpi=DPI, state=state
            )
            if page.page == 0:
                pages.append((image, page))
        spent.append((time.process_time() - start) / len(rendered.pages))
    print(
        f"pages a second and core, labelled and augmented, median document {1 / statistics.median(spent):6.2f}"
    )
    print(f"pages a second and core, labelled and augmented, mean            {len(spent) / sum(spent):6.2f}")
    for preset in PRESETS:
        times = []
        for image, page in pages:
            for seed in range(given.seeds):
                rng = np.random.default_rng(seed)
                start = time.process_time()
                augment(image, page, preset, rng)
                times.append(1000 * (time.process_time() - start))
        print(
            f"ms a page, {preset:<14} median {statistics.median(times):6.1f}   95 % {np.percentile(times, 95):6.1f}"
        )


if __name__ == "__main__":
    main()
