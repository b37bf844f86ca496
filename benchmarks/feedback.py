"""What it brings that values are chosen by what multiplies, adds up, is in order or proves itself: with and without.

    python benchmarks/feedback.py --real DIR [--pages data/05_model_input/validation_pages] [--model FOLDER]

DIR holds real documents with labels.jsonl, read as ``invoicegen extract`` reads them; ``--pages`` are generated ones
with their words. Each document is labelled once and assembled twice. The gain is shown with its 95 % interval over
paired bootstrap draws of documents. Of generated documents it also says in how many the only tax number that proves
itself by its check digits is the seller's.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq

from invoicegen.evaluation.bootstrap import compare
from invoicegen.evaluation.outcomes import DocumentOutcome
from invoicegen.evaluation.real import read_labels, score_real
from invoicegen.evaluation.run import Evaluation, read_documents
from invoicegen.extraction import ExtractOptions, assemble
from invoicegen.extraction.tax_ids import find_proven
from invoicegen.labeling import sort_words
from invoicegen.modeling import ModelLoader, PageInput, Predictor
from invoicegen.ocr import create_engine
from invoicegen.ocr.documents import open_document
from invoicegen.ocr.reading import read_page
from invoicegen.weights import resolve_model

WAYS = (False, True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--real", type=Path, help="folder of real documents with labels.jsonl")
    parser.add_argument("--pages", type=Path, help="folder of generated pages, Parquet")
    parser.add_argument("--model", default="shipped")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    predictor = ModelLoader(threads=given.threads).load(resolve_model(given.model))
    if given.pages:
        show("generated", *on_generated(given.pages, predictor))
    if given.real:
        show("real", *on_real(given.real, predictor))


def on_generated(folder: Path, predictor: Predictor) -> tuple[list[DocumentOutcome], list[DocumentOutcome]]:
    files = sorted(folder.rglob("*.parquet"))
    columns = [name for name in pq.read_schema(files[0]).names if name != "image"]
    shards = {str(file): partial(pq.read_table, file, columns=columns) for file in files}
    without, with_checks = Evaluation(), Evaluation()
    lone: Counter[bool] = Counter()
    for pages in read_documents(shards):
        inputs = [PageInput(p.page.page, p.page.width, p.page.height, p.page.words) for p in pages]
        found = predictor.predict_pages(inputs)
        proven = {(n, words) for n, page in enumerate(found) for _, words in find_proven(page, set())}
        if len({"".join(found[n].words[i].text for i in words) for n, words in proven}) == 1:
            lone[
                any(pages[n].page.ner_tags[words[-1]].endswith("-SELLER_TAX_ID") for n, words in proven)
            ] += 1
        for evaluation, way in zip((without, with_checks), WAYS, strict=True):
            evaluation.add_document(pages, found, assemble(found, weigh_choices=way))
    print(f"one proven tax number: the seller's in {lone[True]} of {lone.total()} documents\n")
    return without.outcomes, with_checks.outcomes


def on_real(folder: Path, predictor: Predictor) -> tuple[list[DocumentOutcome], list[DocumentOutcome]]:
    labels = read_labels(folder)
    found = {label.file: predictor.predict_pages(list(read(folder / label.file))) for label in labels}
    reports = [
        score_real(
            labels, [{"file": name, **assemble(pages, weigh_choices=way)} for name, pages in found.items()]
        )
        for way in WAYS
    ]
    without, with_checks = (
        [DocumentOutcome.model_validate(row) for row in report["outcomes"]] for report in reports
    )
    return without, with_checks


def read(path: Path) -> Iterator[PageInput]:
    options = ExtractOptions()
    engine = create_engine(options.ocr)
    with open_document(path, dpi=options.dpi) as document:
        for source in document.pages:
            words, _ = read_page(source, engine)
            yield PageInput(source.page, source.width, source.height, sort_words(words))


def show(name: str, without: list[DocumentOutcome], with_checks: list[DocumentOutcome]) -> None:
    print(f"| {name}, {len(without)} documents | without | with | gain, 95 % |\n|--|--|--|--|")
    for row in compare(without, with_checks):
        print(
            f"| {row['headline']} | {row['first']:.3f} | {row['second']:.3f} | "
            f"{row['difference']:+.3f} [{row['low']:+.3f}, {row['high']:+.3f}] |"
        )


if __name__ == "__main__":
    main()
