"""How well several invoices in one file are told apart: page stream segmentation of generated documents.

    python benchmarks/splitting.py [--documents 300] [--files 300] [--seed 71] [--engine simulated_rapidocr]
    python benchmarks/splitting.py --seed 72 --fit  # the weights of invoicegen.extraction.segmentation

Documents of conf/base with that seed are printed, half of them on several pages, and each a second time with another
number, date and content, by the same seller in the same layout. Their pages are read by the text layer, or with the
errors that the simulated engine makes on office scans. Files are streams of 2 to 6 of these documents: two in five are
followed by one of the same seller, one in five by a blank page. Each document of several pages is a file by itself too,
which is to be left whole.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from invoicegen.execution import ExecutionOptions, Failure, map_items
from invoicegen.extraction.segmentation import EVIDENCE, evidence, page_facts, split_pages
from invoicegen.labeling import sort_words
from invoicegen.modeling import ModelLoader, PageInput
from invoicegen.project import generate_options
from invoicegen.randomness import Stage, document_rng
from invoicegen.schema.plan import DocumentPlan
from invoicegen.schema.prediction import PagePrediction
from invoicegen.synthesis import synthesise
from invoicegen.templates import compose, plan_document
from invoicegen.weights import resolve_model

Document = list[PagePrediction]

SIBLING = 1_000_000
"""How far the index of a seller's second document is from that of the first."""
LONG = 10
"""Lines from which a document may take several pages; when enough have one page, shorter ones are passed over."""
PRESET = "office_scan"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--documents", type=int, default=300, help="sellers; half of them need several pages")
    parser.add_argument("--files", type=int, default=300)
    parser.add_argument("--seed", type=int, default=71)
    parser.add_argument("--engine", choices=("pdf_text", "simulated_rapidocr"), default="pdf_text")
    parser.add_argument("--model", default="shipped")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--fit", action="store_true", help="print weights that fit these files best")
    given = parser.parse_args()
    predictor = ModelLoader(threads=1).load(resolve_model(given.model))
    sellers = [
        [predictor.predict_pages(pages) for pages in made]
        for made in make_documents(given.documents, given.seed, given.engine, given.workers)
    ]
    several = [[document] for made in sellers for document in made if len(document) > 1]
    rng = np.random.default_rng(given.seed)
    files = [make_stream(sellers, rng) for _ in range(given.files)]
    if given.fit:
        fit([*files, *several])
    show("streams", files)
    show("one document of several pages", several)
    return 0


def make_documents(count: int, seed: int, engine: str, workers: int) -> list[list[list[PageInput]]]:
    """Two documents of each of ``count`` sellers, half of which begin with one of several pages."""
    options = generate_options("base", {"generate": {"seed": seed}})
    wanted = {True: count // 2, False: count - count // 2}
    found: list[list[list[PageInput]]] = []
    plans = (plan_document(index, options) for index in itertools.count())
    while any(wanted.values()):
        some = [plan for plan in itertools.islice(plans, 32) if wanted[False] or is_long(plan)]
        for made in map_items(Maker(engine, wanted[False] == 0), some, ExecutionOptions(workers=workers)):
            if isinstance(made, Failure):
                raise RuntimeError(made.traceback)
            if made and wanted[len(made[0]) > 1]:
                wanted[len(made[0]) > 1] -= 1
                found.append(made)
        print(f"{len(found)} of {count} sellers", file=sys.stderr)
    return found


def is_long(plan: DocumentPlan) -> bool:
    return plan.family != "receipt" and len(synthesise(plan).lines) >= LONG


@dataclass(frozen=True)
class Maker:
    """The pages of a document and of another of its seller; of none where only several pages count and it has one."""

    engine: str
    only_several: bool

    def __call__(self, plan: DocumentPlan) -> list[list[PageInput]]:
        from invoicegen.ocr.noise import load_noise_model, simulate_words
        from invoicegen.ocr.text_layer import read_text_layer
        from invoicegen.rendering import render_document

        first = synthesise(plan)
        later = plan.model_copy(update={"index": plan.index + SIBLING, "doc_id": f"{plan.doc_id}-later"})
        made: list[list[PageInput]] = []
        for invoice in (first, synthesise(later).model_copy(update={"seller": first.seller})):
            rendered = render_document(compose(invoice, plan), dpi=150)
            if self.only_several and not made and len(rendered.pages) == 1:
                return []
            rng = document_rng(plan.seed, invoice.index, Stage.RECOGNITION)
            pages = []
            for page in rendered.pages:
                if self.engine == "pdf_text":
                    words = read_text_layer(rendered.pdf, page.page, 150)
                else:
                    words = simulate_words(page, PRESET, load_noise_model(self.engine), rng)
                pages.append(PageInput(page.page, page.width, page.height, sort_words(words)))
            made.append(pages)
        return made


def make_stream(sellers: Sequence[Sequence[Document]], rng: np.random.Generator) -> list[Document]:
    """Documents as they lie in a file, a blank page with that before it."""
    wanted = int(rng.integers(2, 7))
    chosen: list[Document] = []
    for number in rng.permutation(len(sellers)):
        pair = list(sellers[number])
        chosen += pair if rng.random() < 0.4 else [pair[int(rng.integers(2))]]
        if len(chosen) >= wanted:
            break
    blank = PagePrediction(0, 1240, 1754, [], [], [], [], [])
    documents = [[*document, blank] if rng.random() < 0.2 else list(document) for document in chosen[:wanted]]
    number = itertools.count()
    return [[replace(page, page=next(number)) for page in document] for document in documents]


def starts(documents: Sequence[Document]) -> list[int]:
    """First pages of the documents but of the first one."""
    return [document[0].page for document in documents[1:]]


def show(name: str, files: Sequence[Sequence[Document]]) -> None:
    """Print a row: boundaries found, files and documents that are right."""
    right = wrong = missed = whole = documents = exact = pages = 0
    for truth in files:
        found = split_pages([page for document in truth for page in document])
        said, so = set(starts(found)), set(starts(truth))
        right, wrong, missed = right + len(said & so), wrong + len(said - so), missed + len(so - said)
        exact += said == so
        spans = {(one[0].page, one[-1].page) for one in found}
        whole += sum((one[0].page, one[-1].page) in spans for one in truth)
        documents += len(truth)
        pages += sum(map(len, truth))
    precision, recall = (right / (right + other) if right + other else 1.0 for other in (wrong, missed))
    f1 = 2 * right / (2 * right + wrong + missed) if right + wrong + missed else 1.0
    print(
        f"{name}: {len(files)} files, {pages} pages, {documents} documents; boundaries: precision {precision:.4f} "
        f"recall {recall:.4f} F1 {f1:.4f}, {wrong} false; files right {exact / len(files):.4f}, "
        f"documents right {whole / documents:.4f}"
    )


def fit(files: Sequence[Sequence[Document]]) -> None:
    """Print the weights of a logistic regression over every page after the first of a file."""
    from sklearn.linear_model import LogisticRegression

    rows, labels = [], []
    for documents in files:
        before: list[PagePrediction] = []
        for number, document in enumerate(documents):
            for place, page in enumerate(document):
                facts = [page_facts(one) for one in (before if place == 0 else document[:place])]
                said = page_facts(page)
                if (number or place) and not said.blank:
                    found = set(evidence(facts, said))
                    rows.append([float(name in found) for name in EVIDENCE])
                    labels.append(place == 0)
            before = document
    model = LogisticRegression(C=1.0).fit(np.array(rows), labels)
    print(f"BIAS: {model.intercept_[0]:.1f}")
    for name, weight, count in zip(EVIDENCE, model.coef_[0], np.sum(rows, axis=0), strict=True):
        print(f'    "{name}": {weight:.1f},  # {count:.0f} pages')


if __name__ == "__main__":
    sys.exit(main())
