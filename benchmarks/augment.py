"""How long augmentation takes, by preset, and labelled augmented pages from nothing to file, without OCR.

    python benchmarks/augment.py [--documents 20] [--seeds 5] [--augraphy 10]

One process with one thread of OpenCV, CPU time, after one document that is not counted (libraries are loaded, code is
compiled) and one pass over all records (the data of their locales is loaded, as it soon is in any run). The documents
are modern and classic invoices of the base configuration at 150 dpi, all their pages end to end: plan, synthesise,
compose, render with true words, raster, augment with ``mixed``, label, encode as JPEG. Presets and augraphy's default
pipeline take the first pages; augraphy moves no boxes and labels nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib
import random
import statistics
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import yaml
from numpy.typing import NDArray

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
    parser.add_argument(
        "--augraphy", type=int, default=10, help="pages for augraphy's default pipeline; 0: none"
    )
    given = parser.parse_args()
    cv2.setNumThreads(1)
    parameters = yaml.safe_load((ROOT / "conf/base/parameters_generate.yml").read_text())["generate"]
    options = GenerateOptions.model_validate(parameters | {"families": {"modern": 0.6, "classic": 0.4}})

    for index in range(given.documents):
        synthesise(plan_document(index, options))
    pages, parts = [], []
    for index in (given.documents, *range(given.documents)):
        spent: dict[str, float] = {}
        start = time.process_time()

        def lap(stage: str, spent: dict[str, float] = spent) -> None:
            nonlocal start
            now = time.process_time()
            spent[stage] = spent.get(stage, 0) + now - start
            start = now

        plan = plan_document(index, options)
        invoice = synthesise(plan)
        html = compose(invoice, plan)
        lap("plan, synthesise, compose")
        rendered = render_document(html, dpi=DPI)
        lap("render with true words")
        state, rng = DocumentState(), np.random.default_rng(index)
        for page in rendered.pages:
            image = rasterise(rendered.pdf, page.page, DPI)
            lap("raster")
            out = augment(image, page, "mixed", rng)
            lap("augment")
            data = encode_image(out.image, "jpeg", 88, DPI)
            lap("encode")
            digest = hashlib.sha256(data).hexdigest()
            annotate_page(
                out.page, None, plan, invoice, "page.jpg", digest, len(rendered.pages), dpi=DPI, state=state
            )
            lap("label")
            if page.page == 0 and index < given.documents:
                pages.append((image, page))
        if index < given.documents:
            parts.append((len(rendered.pages), spent))
    count = sum(n for n, _ in parts)
    per_document = [sum(spent.values()) / n for n, spent in parts]
    for stage in parts[0][1]:
        print(f"ms a page, {stage:<26} {1000 * sum(spent[stage] for _, spent in parts) / count:6.1f}")
    print(
        f"labelled, augmented pages a second and core, median document {1 / statistics.median(per_document):5.2f}"
    )
    total = sum(sum(spent.values()) for _, spent in parts)
    print(f"labelled, augmented pages a second and core, {count} pages in all {count / total:5.2f}")
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
    if given.augraphy:
        # augraphy leaves pictures and a font in the working directory.
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
            augraphy_default([image for image, _ in pages[: given.augraphy]])


def augraphy_default(images: list[NDArray[np.uint8]]) -> None:
    """Augraphy's own default pipeline on the same pages, after one that is not counted."""
    importlib.import_module("matplotlib.font_manager")  # augraphy uses it without importing it
    augraphy = importlib.import_module("augraphy")
    times, failed = [], 0
    for seed, image in enumerate([images[0], *images], start=1):
        pipeline = augraphy.default_augraphy_pipeline()
        random.seed(seed)
        np.random.seed(seed)
        start = time.process_time()
        try:
            pipeline(image[..., ::-1].copy())
        except Exception as error:  # what fails is counted: the pipeline draws effects that do not run
            failed += 1
            print(f"augraphy failed on page {seed - 1}: {type(error).__name__}: {error}")
        else:
            times.append(1000 * (time.process_time() - start))
    times = times[1:]
    print(
        f"ms a page, augraphy's default median {statistics.median(times):6.0f}   "
        f"95 % {np.percentile(times, 95):6.0f}   {failed} of {len(images) + 1} failed"
    )


if __name__ == "__main__":
    main()
