"""What each rule of extraction is worth: the scores without it beside those with all, on the same predictions.

    python benchmarks/rules.py [--real DIR] [--pages data/05_model_input/test_pages] [--model FOLDER] [--only NAME,...]
    python benchmarks/rules.py --pages data/05_model_input/test_pages --truth
    python benchmarks/rules.py --real DIR --model FOLDER --against OTHER

DIR holds real documents with labels.jsonl, read as ``invoicegen extract`` reads them; ``--pages`` are generated ones
with their words. Each document is labelled once and assembled once a rule, with that rule left out; ``choices`` leaves
out all that ``assemble(weigh_choices=False)`` does. A row has what the rule gains: the score with all rules less the
score without it, with its 95 % interval over paired bootstrap draws of documents; the fields that are right with it
alone and without it alone; and in how many layouts (templates of real documents) it makes a value or a row right, since
a rule that does so in one has been shown for that one. Of generated documents it also says in how many the only tax
number that proves itself by its check digits is the seller's.

With ``--truth`` generated pages have their true labels in place of a model's: what is lost even so was misread by the
engine, or put together wrongly by the rules.

With ``--against`` another model is compared with the first on the same words, with all rules and without choices. Rules
that were found on one model's errors on these documents mend that one's more than another's, so which of two models
reads better is told by both rows, and by generated documents.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pyarrow.parquet as pq
from tqdm import tqdm

from invoicegen.evaluation.bootstrap import compare, intervals
from invoicegen.evaluation.outcomes import DocumentOutcome
from invoicegen.evaluation.real import read_labels, score_real
from invoicegen.evaluation.run import Evaluation, LabeledPage, page_input, read_documents
from invoicegen.extraction import ExtractOptions
from invoicegen.extraction.tax_ids import find_proven
from invoicegen.labeling import sort_words
from invoicegen.modeling import ModelLoader, PageInput, PageLabeler
from invoicegen.ocr import create_engine
from invoicegen.ocr.documents import open_document
from invoicegen.ocr.reading import read_page
from invoicegen.schema.prediction import PagePrediction
from invoicegen.schema.taxonomy import DEFAULT_LABELS
from invoicegen.weights import resolve_model

HEADLINES = {
    "fields, micro F1": "fields",
    "invoice: fields, micro F1": "invoices",
    "receipt: fields, micro F1": "receipts",
    "line items, F1": "line items",
}
"""Titles of :mod:`invoicegen.evaluation.bootstrap` that are columns here."""


def same(given: Any, *_: Any, **__: Any) -> Any:
    """What was given, as a rule returns it that finds nothing to do."""
    return given


def nothing(*_: Any, **__: Any) -> None:
    """What a rule returns that finds nothing."""


def no_figures(*_: Any) -> dict[str, Any]:
    """What weighing returns where there is nothing to weigh."""
    return {}


RULES: dict[str, tuple[str, str, Callable[..., Any]]] = {
    "parties by headings": ("assemble", "settle_headed_parties", same),
    "what every invoice states": ("assemble", "add_stated", same),
    "the only sum": ("assemble", "state_total", same),
    "lone party": ("assemble", "settle_lone_party", same),
    "addressee": ("assemble", "add_addressee", same),
    "company beside its sign": ("assemble", "add_registered_seller", same),
    "orders by captions": ("assemble", "add_order_number", same),
    "due by captions": ("assemble", "settle_due", same),
    "addresses of one block": ("addresses", "of_one_party", same),
    "names whole": ("assemble", "complete_names", same),
    "addresses whole": ("completion", "whole_addresses", same),
    "proven tax number": ("assemble", "add_proven_seller", same),
    "prefix of a tax number": ("completion", "with_prefixes", same),
    "dates and numbers whole": ("completion", "proof_of", nothing),
    "lost marks": ("assemble", "learn_decimals", same),
    "misread letters": ("values", "mend_letters", same),
    "prices no sums": ("completion", "is_price", nothing),
    "sums by captions": ("assemble", "state_sums", same),
    "sums that add up": ("assemble", "weigh_sums", no_figures),
    "balance due": ("assemble", "balance_due", nothing),
    "rate of tax": ("assemble", "rate_of_tax", nothing),
    "currency by signs": ("assemble", "derive_currency", nothing),
    "dates in order": ("assemble", "weigh_dates", no_figures),
    "terms whole": ("assemble", "settle_terms", same),
    "due date of terms": ("assemble", "due_date_of_terms", nothing),
    "delivered on issue": ("assemble", "delivered_on_issue", nothing),
    "usual form first": ("assemble", "plausible_first", lambda name, values: values),
    "IBAN first": ("assemble", "iban_first", same),
    "columns that multiply": ("line_items", "weigh_columns", same),
    "codes apart": ("line_items", "codes_apart", same),
    "words that wrap": ("line_items", "wrapped_descriptions", same),
    "rows that are items": ("line_items", "items_only", same),
    "rows that make the sum": ("assemble", "lines_of_sum", same),
}
"""By name: the module of ``invoicegen.extraction`` that calls the rule, its function, and what stands in for it."""
CHOICES = "choices"
NONE = (0, 0, 0)

Predictions = list[PagePrediction]
Outcomes = list[DocumentOutcome]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--real", type=Path, help="folder of real documents with labels.jsonl")
    parser.add_argument("--pages", type=Path, help="folder of generated pages, Parquet")
    parser.add_argument("--model", default="shipped")
    parser.add_argument("--truth", action="store_true", help="generated pages with their true labels")
    parser.add_argument("--against", help="another model, whose scores are compared with those of --model")
    parser.add_argument("--only", help=f"these rules alone; {CHOICES} is all choices at once")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    if not given.real and not given.pages:
        parser.error("give --real, --pages or both")
    names = given.only.split(",") if given.only else [*RULES, CHOICES]
    if unknown := set(names) - {*RULES, CHOICES}:
        parser.error(f"no rule {', '.join(sorted(unknown))}; there are {', '.join([*RULES, CHOICES])}")
    if given.truth and given.real:
        parser.error("real documents have no labels of words: give --truth with --pages alone")
    if given.truth and given.against:
        parser.error("--truth takes no model: leave out --against")
    if given.only and given.against:
        parser.error("--against compares with all rules and without choices: leave out --only")
    loader = ModelLoader(threads=given.threads)
    predictor = None if given.truth else loader.load(resolve_model(given.model))
    other = loader.load(resolve_model(given.against)) if given.against else None
    if given.pages:
        first = generated(given.pages, predictor)
        if other is not None:
            show_against("generated", first, generated(given.pages, other))
        else:
            show("generated", names, first)
    if given.real and predictor is not None:
        documents = read_documents_of(given.real)
        first = real(given.real, documents, predictor)
        if other is not None:
            show_against("real", first, real(given.real, documents, other))
        else:
            show("real", names, first)


def assembled_without(name: str | None, predictions: Predictions) -> Any:
    """What is assembled with all rules, or without the one of this name."""
    assemble = sys.modules["invoicegen.extraction.assemble"].assemble
    if name == CHOICES:
        return assemble(predictions, weigh_choices=False)
    with ExitStack() as left_out:
        if name is not None:
            module, function, replacement = RULES[name]
            left_out.enter_context(
                patch.object(sys.modules[f"invoicegen.extraction.{module}"], function, replacement)
            )
        return assemble(predictions)


def true_prediction(labeled: LabeledPage) -> PagePrediction:
    """What a model would say that is always right, and sure."""
    page = labeled.page
    ids = DEFAULT_LABELS.ner_ids
    probabilities = np.zeros((len(page.words), len(ids)), dtype=np.float32)
    for row, tag in zip(probabilities, page.ner_tags, strict=True):
        row[ids[tag]] = 1.0
    return PagePrediction(
        page=page.page,
        width=page.width,
        height=page.height,
        words=page.words,
        ner_tags=list(page.ner_tags),
        ner_confidences=[1.0] * len(page.words),
        table_tags=list(page.table_tags),
        cell_tags=list(page.cell_tags),
        ner_probabilities=probabilities,
    )


def generated(folder: Path, predictor: PageLabeler | None) -> Callable[[str | None], Outcomes]:
    """Outcomes of generated documents, by the rule that is left out; with their true labels without a model."""
    files = sorted(folder.rglob("*.parquet"))
    if not files:
        raise SystemExit(f"{folder}: no Parquet files; generate with `kedro run --pipelines generate`")
    columns = [name for name in pq.read_schema(files[0]).names if name != "image"]
    shards = {str(file): partial(pq.read_table, file, columns=columns) for file in files}
    found = []
    lone: Counter[bool] = Counter()
    for pages in tqdm(read_documents(shards), desc="label generated"):
        if predictor is None:
            predictions = [true_prediction(page) for page in pages]
        else:
            predictions = predictor.predict_pages([page_input(page) for page in pages])
        proven = {(n, words) for n, page in enumerate(predictions) for _, words in find_proven(page, set())}
        if len({"".join(predictions[n].words[i].text for i in words) for n, words in proven}) == 1:
            lone[
                any(pages[n].page.ner_tags[words[-1]].endswith("-SELLER_TAX_ID") for n, words in proven)
            ] += 1
        found.append((pages, predictions))
    print(f"one proven tax number: the seller's in {lone[True]} of {lone.total()} documents\n")

    def outcomes(name: str | None) -> Outcomes:
        evaluation = Evaluation()
        for pages, predictions in found:
            evaluation.add_document(pages, predictions, assembled_without(name, predictions))
        return evaluation.outcomes

    return outcomes


def read_documents_of(folder: Path) -> dict[str, list[PageInput]]:
    """The words of real documents by file name."""
    return {
        label.file: list(read(folder / label.file)) for label in tqdm(read_labels(folder), desc="read real")
    }


def real(
    folder: Path, documents: dict[str, list[PageInput]], predictor: PageLabeler
) -> Callable[[str | None], Outcomes]:
    """Outcomes of real documents, by the rule that is left out."""
    labels = read_labels(folder)
    found = {
        file: predictor.predict_pages(pages) for file, pages in tqdm(documents.items(), desc="label real")
    }

    def outcomes(name: str | None) -> Outcomes:
        records = [{"file": file, **assembled_without(name, pages)} for file, pages in found.items()]
        return [DocumentOutcome.model_validate(row) for row in score_real(labels, records)["outcomes"]]

    return outcomes


def read(path: Path) -> Iterator[PageInput]:
    options = ExtractOptions()
    engine = create_engine(options.ocr)
    with open_document(path, dpi=options.dpi) as document:
        for source in document.pages:
            words, _ = read_page(source, engine)
            yield PageInput(source.page, source.width, source.height, sort_words(words))


def show(kind: str, names: Sequence[str], outcomes: Callable[[str | None], Outcomes]) -> None:
    with_all = outcomes(None)
    print(
        f"| {kind}, {len(with_all)} documents | {' | '.join(HEADLINES.values())} | right with / without | layouts |"
    )
    print("|--" * (len(HEADLINES) + 3) + "|")
    scores = intervals(with_all)
    print(f"| all rules | {' | '.join(score(scores.get(title)) for title in HEADLINES)} | | |")
    for name in tqdm(names, desc=f"leave out, {kind}"):
        without = outcomes(name)
        gains = {row["headline"]: row for row in compare(without, with_all)}
        cells = [cell(gains.get(title)) for title in HEADLINES]
        gained, lost, layouts = changed(without, with_all)
        tqdm.write(f"| {name} | {' | '.join(cells)} | {gained} / {lost} | {layouts} |")


def show_against(
    kind: str, first: Callable[[str | None], Outcomes], second: Callable[[str | None], Outcomes]
) -> None:
    """What the second model gains on the first, with all rules and without choices."""
    for rules, name in (("all rules", None), (f"no {CHOICES}", CHOICES)):
        one, two = first(name), second(name)
        if name is None:
            print(f"| {kind}, {len(one)} documents | {' | '.join(HEADLINES.values())} |")
            print("|--" * (len(HEADLINES) + 1) + "|")
        gains = {row["headline"]: row for row in compare(one, two)}
        for model, scores in (("first", intervals(one)), ("second", intervals(two))):
            print(f"| {model}, {rules} | {' | '.join(score(scores.get(title)) for title in HEADLINES)} |")
        print(f"| second less first | {' | '.join(cell(gains.get(title)) for title in HEADLINES)} |")


def score(row: dict[str, Any] | None) -> str:
    """A score with its interval; empty where there is none."""
    return "" if row is None else f"{row['value']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"


def cell(row: dict[str, Any] | None) -> str:
    """A gain with its interval; bold where the interval leaves out 0, empty where nothing changes."""
    if row is None or (row["difference"] == 0 and row["low"] == 0 and row["high"] == 0):
        return ""
    text = f"{row['difference']:+.3f} [{row['low']:+.3f}, {row['high']:+.3f}]"
    return f"**{text}**" if row["verdict"] != "undecided" else text


def changed(without: Outcomes, with_all: Outcomes) -> tuple[int, int, int]:
    """Fields that are right with the rule alone, and without it alone; layouts with more right values or rows."""
    before = {outcome.document: outcome for outcome in without}
    gained = lost = 0
    layouts = set()
    for outcome in with_all:
        other = before[outcome.document]
        differences = [
            outcome.by_field.get(field, NONE)[0] - other.by_field.get(field, NONE)[0]
            for field in outcome.by_field.keys() | other.by_field.keys()
        ]
        gained += sum(max(difference, 0) for difference in differences)
        lost += sum(max(-difference, 0) for difference in differences)
        rows = outcome.counts.get("line_items", NONE)[0] - other.counts.get("line_items", NONE)[0]
        if max([rows, *differences]) > 0:
            layouts.add(outcome.layout)
    return gained, lost, len(layouts)


if __name__ == "__main__":
    main()
