"""How many labels the words keep that engines read, by engine and augmentation preset.

    python benchmarks/labeling.py [--documents 110] [--seed 4] [--presets clean,office_scan] [--engines rapidocr,...]
        [--locale en_US …] [--params ocr.easyocr_models=bundled …]

The first documents of conf/base with that seed are made with each preset, and each engine reads them. `labels_kept` is
the share of the true words of entities whose entity got a word read for them; `labels_kept_of_read` leaves out those
that no word read lies on (half of the smaller box), which no alignment can label. Exit status 1 where a gate fails.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from invoicegen.execution import ExecutionOptions
from invoicegen.labeling import AlignmentStats, summarise
from invoicegen.pipelines.labeling.nodes import label_document
from invoicegen.pipelines.measuring import plan_with, read_documents
from invoicegen.project import ProjectError, generate_options, ocr_options, parse_overrides

GATES = {"clean": 0.995, "office_scan": 0.98}
RATES = (
    "aligned",
    "lost",
    "spurious",
    "cer",
    "labels_kept",
    "labels_kept_of_read",
    "entity_coverage",
    "entity_coverage_any",
)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--documents", type=int, default=110)
    parser.add_argument("--seed", type=int, default=4)
    parser.add_argument("--presets", default="clean,office_scan")
    parser.add_argument("--engines", default="rapidocr,tesseract,pdf_text")
    parser.add_argument("--locale", action="append", help="only documents of this locale; repeatable")
    parser.add_argument(
        "--params",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="parameter to replace, as ocr.easyocr_models=bundled; repeatable",
    )
    parser.add_argument("--workers", type=int, default=0, help="processes; 0: one per core")
    parser.add_argument("--cache", type=Path, help="folder that keeps what engines read")
    parser.add_argument("--json", type=Path, help="file for the whole report")
    given = parser.parse_args()
    try:
        overrides = parse_overrides([*given.params, f"generate.seed={given.seed}"])
        options = generate_options("base", overrides, {"locales": given.locale} if given.locale else None)
        ocr = ocr_options("base", overrides).model_copy(update={"cache_dir": given.cache})
    except ProjectError as error:
        parser.error(str(error))
    stats: list[AlignmentStats] = []
    for preset in given.presets.split(","):
        # The text layer is that of the born-digital PDF, whose words no preset moves.
        engines = [name for name in given.engines.split(",") if preset == "clean" or name != "pdf_text"]
        plans = [plan_with(options, index, preset) for index in range(given.documents)]
        for items in read_documents(plans, engines, options, ocr, ExecutionOptions(workers=given.workers)):
            for item in items:
                stats += [AlignmentStats(**page) for page in label_document(item, options.dpi)["stats"]]
    report = summarise(stats)
    if given.json:
        given.json.write_text(json.dumps(report, indent=1), encoding="utf-8")
    return show(report)


def show(report: dict[str, Any]) -> int:
    """Print the table; 1 if a gate does not hold."""
    print(" | ".join(["engine", "preset", "pages", *RATES]))
    status = 0
    for engine, by_preset in report["by_engine_and_preset"].items():
        for preset, part in by_preset.items():
            kept = part["labels_kept_of_read"]
            failed = kept is not None and kept < GATES.get(preset, 0.0)
            status |= failed
            cells = [engine, preset, str(part["pages"]), *(f"{part[name]:.4f}" for name in RATES)]
            print(" | ".join(cells) + (f" | below {GATES[preset]}" if failed else ""))
    return status


if __name__ == "__main__":
    sys.exit(main())
