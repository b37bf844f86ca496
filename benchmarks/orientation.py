"""Turned and skewed pages: fields of generated documents by how their pages lie.

    python benchmarks/orientation.py [--documents 8] [--seed 91] [--turns 90,180,270] [--skews 1,2,5,10]

The first documents of conf/base with that seed that have one page are printed at 150 dpi, as scans without a fault, and
read by RapidOCR: upright, turned by each angle as `invoicegen extract` reads them and without turning them back, and
skewed by each angle either way. Fields are scored against what was printed.
"""

from __future__ import annotations

import argparse
import io
import itertools

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from invoicegen.evaluation.counts import total
from invoicegen.evaluation.fields import FieldTally, true_document
from invoicegen.extraction import assemble
from invoicegen.gallery import sample_document
from invoicegen.labeling import sort_words
from invoicegen.modeling import ModelLoader, PageInput, Predictor
from invoicegen.ocr import OcrEngine, create_engine
from invoicegen.ocr.orientation import read_upright, turned
from invoicegen.project import generate_options
from invoicegen.schema.annotation import Page
from invoicegen.templates import plan_document
from invoicegen.weights import resolve_model

Pixels = NDArray[np.uint8]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--documents", type=int, default=8)
    parser.add_argument("--seed", type=int, default=91)
    parser.add_argument("--turns", default="90,180,270")
    parser.add_argument("--skews", default="1,2,5,10")
    parser.add_argument("--model", default="shipped")
    given = parser.parse_args()
    predictor = ModelLoader(threads=1).load(resolve_model(given.model))
    engine = create_engine()
    documents = make_documents(given.documents, given.seed)
    print("| page | mended | fields, micro F1 | turned as it was |")
    print("|--|--|--|--|")
    show("upright", documents, predictor, engine)
    for angle in map(int, given.turns.split(",")):
        turns = [(page, turned(image, angle)) for page, image in documents]
        show(f"turned by {angle}°", turns, predictor, engine, mends=(True, False), back=(360 - angle) % 360)
    for angle in (sign * float(text) for text in given.skews.split(",") for sign in (1, -1)):
        skewed = [(page, skew(image, angle)) for page, image in documents]
        show(f"skewed by {angle:+g}°", skewed, predictor, engine)


def make_documents(count: int, seed: int) -> list[tuple[Page, Pixels]]:
    """Labels and images of the first documents of one page."""
    options = generate_options("base", {"generate": {"seed": seed}})
    made: list[tuple[Page, Pixels]] = []
    for index in itertools.count():
        shown = sample_document(plan_document(index, options), 150, augmented=False)
        if len(shown) == 1:
            image = np.asarray(Image.open(io.BytesIO(shown[0].image)).convert("RGB"))
            made.append((shown[0].page, image))
        if len(made) == count:
            return made
    raise AssertionError


def skew(image: Pixels, angle: float) -> Pixels:
    """A page that lies askew on a white ground; degrees against the clock."""
    turned_image = Image.fromarray(image).rotate(
        angle, resample=Image.Resampling.BICUBIC, expand=True, fillcolor="white"
    )
    return np.asarray(turned_image)


def show(
    name: str,
    documents: list[tuple[Page, Pixels]],
    predictor: Predictor,
    engine: OcrEngine,
    mends: tuple[bool, ...] = (True,),
    back: int = 0,
) -> None:
    """Print a row a way of reading; ``back`` is the turn that is right."""
    for mend in mends:
        tally, right = FieldTally(), 0
        for page, image in documents:
            words, turn = read_upright(image, engine) if mend else (engine.recognise(image), 0)
            height, width = turned(image, turn).shape[:2]
            (found,) = predictor.predict_pages([PageInput(0, width, height, sort_words(words))])
            tally.add(true_document([page]), assemble([found]))
            right += turn == back
        f1 = total(tally.exact.values()).f1
        said = f"{right} of {len(documents)}" if mend else "–"
        print(f"| {name} | {'yes' if mend else 'no'} | {f1:.3f} | {said} |", flush=True)


if __name__ == "__main__":
    main()
