"""How fast documents are generated, side by side with plain WeasyPrint on the same HTML.

    python benchmarks/generate.py [--documents 60] [--json figures.json]

Three measurements, each in CPU seconds of the processes that do the work, so that other load matters little:

* every stage of a clean labelled page (plan, synthesise, compose, render with true words, raster, label, encode), over
  one-page invoices of the base configuration;
* the same XHTML through ``weasyprint.HTML(string=…).write_pdf()`` and pypdfium2, alternating document by document;
* throughput of two processes against one, in wall time, on the same documents (each process makes all of them).

The cold start is the wall time of a fresh process until its first page is there.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import itertools
import json
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import yaml

from invoicegen.schema.plan import DocumentPlan

ROOT = Path(__file__).resolve().parents[1]
DPI = 150
STAGES = ("synthesise", "compose", "render", "raster", "label", "encode")


def plans(count: int) -> list[DocumentPlan]:
    """Plans of the first invoices (no receipts) of the base configuration; which have one page shows later."""
    from invoicegen.pipelines.options import GenerateOptions
    from invoicegen.templates import plan_document

    given = yaml.safe_load((ROOT / "conf/base/parameters_generate.yml").read_text())["generate"]
    options = GenerateOptions.model_validate({**given, "families": {"modern": 0.6, "classic": 0.4}})
    return [plan_document(index, options) for index in range(count)]


def make(plan: DocumentPlan, spent: dict[str, list[float]]) -> tuple[str, int]:
    """One labelled document, its stages timed (CPU seconds); its XHTML and number of pages."""
    from invoicegen.images import encode_image
    from invoicegen.labeling import DocumentState, annotate_page
    from invoicegen.rendering import rasterise, render_document
    from invoicegen.synthesis import synthesise
    from invoicegen.templates import compose

    marks = [time.process_time()]
    invoice = synthesise(plan)
    marks.append(time.process_time())
    html = compose(invoice, plan)
    marks.append(time.process_time())
    rendered = render_document(html, dpi=DPI)
    marks.append(time.process_time())
    images = [rasterise(rendered.pdf, page.page, DPI) for page in rendered.pages]
    marks.append(time.process_time())
    state = DocumentState()
    for page in rendered.pages:
        annotate_page(
            page,
            None,
            plan,
            invoice,
            "page.jpg",
            hashlib.sha256(b"").hexdigest(),
            len(rendered.pages),
            dpi=DPI,
            state=state,
        )
    marks.append(time.process_time())
    for image in images:
        encode_image(image, "jpeg", 88, DPI)
    marks.append(time.process_time())
    for stage, (start, end) in zip(STAGES, itertools.pairwise(marks), strict=True):
        spent[stage].append(end - start)
    return html, len(rendered.pages)


def plain(html: str) -> float:
    """CPU seconds of ``write_pdf`` and raster as a user of WeasyPrint would call them."""
    import pypdfium2 as pdfium
    from weasyprint import HTML
    from weasyprint.text.fonts import FontConfiguration

    start = time.process_time()
    pdf = HTML(string=html).write_pdf(font_config=FontConfiguration())
    document = pdfium.PdfDocument(io.BytesIO(pdf))
    for page in document:
        page.render(scale=DPI / 72).to_numpy()
    document.close()
    return time.process_time() - start


def work(count: int) -> float:
    """Wall seconds in which this process makes ``count`` documents, warm."""
    spent: dict[str, list[float]] = defaultdict(list)
    todo = plans(count)
    make(todo[0], spent)
    start = time.perf_counter()
    for plan in todo:
        make(plan, spent)
    return time.perf_counter() - start


def cold_start() -> float:
    """Wall seconds of a fresh process that makes one page."""
    start = time.perf_counter()
    code = "from benchmarks.generate import *; make(plans(1)[0], defaultdict(list))"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
    return time.perf_counter() - start


def measure(count: int, scaling: int) -> dict[str, Any]:
    """All figures of a run; times in milliseconds of CPU a page, medians over one-page invoices."""
    spent: dict[str, list[float]] = defaultdict(list)
    stock: list[float] = []
    drawn: list[float] = []
    todo = plans(count)
    make(todo[0], defaultdict(list))  # fonts and caches: the cold start is measured apart
    plain(make(todo[0], defaultdict(list))[0])
    for plan in todo:
        one: dict[str, list[float]] = defaultdict(list)
        html, pages = make(plan, one)
        if pages != 1:
            continue
        stock.append(plain(html))
        drawn.append(one["render"][0] + one["raster"][0])
        for stage in STAGES:
            spent[stage] += one[stage]
    totals = [sum(parts) for parts in zip(*(spent[stage] for stage in STAGES), strict=True)]
    with ProcessPoolExecutor(1) as pool:
        alone = next(iter(pool.map(work, [scaling])))
    with ProcessPoolExecutor(2) as pool:
        both = max(pool.map(work, [scaling, scaling]))
    return {
        "pages": len(totals),
        "ms a page, median": {stage: 1000 * statistics.median(spent[stage]) for stage in STAGES},
        "ms a page, all stages, median": 1000 * statistics.median(totals),
        "pages a second and core, median page": 1 / statistics.median(totals),
        "pages a second and core, mean": len(totals) / sum(totals),
        "render and raster, ms, median": 1000 * statistics.median(drawn),
        "plain write_pdf and raster, ms, median": 1000 * statistics.median(stock),
        "render and raster against plain, sum over pages": sum(drawn) / sum(stock),
        "two processes against one": 2 * alone / both,
        "cold start, s": cold_start(),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", type=int, default=60, help="documents to draw; one-page ones count")
    parser.add_argument("--scaling", type=int, default=20, help="documents a process in the last comparison")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    options = parser.parse_args()
    figures = measure(options.documents, options.scaling)
    for name, value in figures.items():
        if isinstance(value, dict):
            for part, figure in value.items():
                print(f"{name + ', ' + part:<55} {figure:10.2f}")
        else:
            print(f"{name:<55} {value:10.2f}" if isinstance(value, float) else f"{name:<55} {value:10d}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
