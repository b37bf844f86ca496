"""How like an engine its noise model is: the same pages read by the one and passed through the other.

    python benchmarks/noise.py --seed 13 --documents 40 [--presets clean,office_scan,mixed] [--cache FOLDER]

The first documents of conf/base with that seed are made with each preset. Simulated figures are means over --draws.
A figure agrees where it is within a factor of 1.5 or .01 of the engine's (within .05 for the IoU); exit status 1 where
one does not. Give a seed that the model was neither fitted to nor made on.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from invoicegen.execution import ExecutionOptions
from invoicegen.geometry import areas, intersection_areas, quad_to_box
from invoicegen.labeling import align
from invoicegen.labeling.alignment import is_rule
from invoicegen.labeling.noise_fit import readings_of
from invoicegen.ocr import OcrOptions
from invoicegen.ocr.noise import load_noise_model, simulate_words, simulated_engine_name
from invoicegen.pipelines.measuring import plan_with, read_documents
from invoicegen.project import generate_options
from invoicegen.schema.annotation import Word
from invoicegen.schema.truth import TruePage

RATES = {
    "character error rate": ("char_errors", "chars"),
    "words read without error": ("right", "found"),
    "true words lost": ("lost", "words"),
    "words glued": ("glued", "words"),
    "words split": ("split", "words"),
    "spurious, per true word": ("spurious", "words"),
    "mean IoU with the true box": ("iou", "pairs"),
}
IOU = "mean IoU with the true box"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--engine", default="rapidocr")
    parser.add_argument("--seed", type=int, default=13)
    parser.add_argument("--documents", type=int, default=40)
    parser.add_argument("--presets", default="clean,office_scan,mixed")
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--workers", type=int, default=0, help="processes; 0: one per core")
    parser.add_argument("--cache", type=Path, help="folder that keeps what the engine read")
    given = parser.parse_args()
    model = load_noise_model(simulated_engine_name(given.engine))
    options = generate_options("base", {"generate": {"seed": given.seed}})
    agrees = True
    for preset in given.presets.split(","):
        plans = [plan_with(options, index, preset) for index in range(given.documents)]
        engine, simulated = defaultdict[str, float](float), defaultdict[str, float](float)
        for (item,) in read_documents(
            plans,
            [given.engine],
            options,
            OcrOptions(cache_dir=given.cache),
            ExecutionOptions(workers=given.workers),
        ):
            for truth, words in zip(item["truth"]["pages"], item["read"]["pages"], strict=True):
                page = TruePage.from_dict(truth)
                add_page(engine, page, [Word.model_validate(word) for word in words])
                for draw in range(given.draws):
                    rng = np.random.default_rng([given.seed, item["plan"]["index"], page.page, draw])
                    add_page(simulated, page, simulate_words(page, preset, model, rng))
        print(f"{preset}, {engine['pages']:.0f} pages")
        for name, (part, whole) in RATES.items():
            of_engine, of_model = (counts[part] / max(counts[whole], 1) for counts in (engine, simulated))
            fits = alike(name, of_engine, of_model)
            agrees &= fits
            print(f"  {name:<28} {of_engine:.4f} / {of_model:.4f}" + ("" if fits else "  off"))
    return 0 if agrees else 1


def alike(name: str, of_engine: float, of_model: float) -> bool:
    difference = abs(of_engine - of_model)
    if name == IOU:
        return difference <= 0.05
    return difference <= 0.01 or max(of_engine, of_model) <= 1.5 * min(of_engine, of_model)


def add_page(
    counts: dict[str, float], page: TruePage, words: Sequence[Word], min_visible: float = 0.3
) -> None:
    """Add what became of the words of a page."""
    printed = [word for word in page.words if word.visible >= min_visible]
    alignment = align(printed, words)
    counts["pages"] += 1
    counts["words"] += len(printed)
    counts["chars"] += alignment.true_chars
    counts["char_errors"] += alignment.char_errors
    for true, reading in zip(printed, readings_of(printed, words, alignment), strict=True):
        if not reading.words:
            counts["lost"] += 1
            continue
        counts["found"] += 1
        counts["right"] += "".join(reading.chars) == true.text
        counts["split"] += len(reading.words) > 1
    owners = Counter(vote.true_word for votes in alignment.votes for vote in votes)
    for word, votes in zip(words, alignment.votes, strict=True):
        counts["glued"] += len(votes) > 1
        counts["spurious"] += not votes and not is_rule(word.text)
        if len(votes) == 1 and owners[votes[0].true_word] == 1:
            counts["pairs"] += 1
            counts["iou"] += iou(quad_to_box(printed[votes[0].true_word].quad), word.box)


def iou(first: Sequence[float], second: Sequence[float]) -> float:
    boxes = np.array([first, second])
    shared = float(intersection_areas(boxes[:1], boxes[1:])[0, 0])
    return shared / (float(areas(boxes).sum()) - shared)


if __name__ == "__main__":
    sys.exit(main())
