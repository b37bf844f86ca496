"""Read the words of every page, with the engine that its plan names."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from invoicegen.execution import ExecutionOptions
from invoicegen.ocr import PDF_TEXT, OcrOptions
from invoicegen.ocr.engine import require_engine
from invoicegen.ocr.noise import SIMULATED_ENGINE_NAMES
from invoicegen.pipelines.options import GenerateOptions
from invoicegen.pipelines.streaming import Loader, Record, process_shards, unfinished, variants_of


def recognise_words(
    plans: dict[str, Loader],
    pdfs: dict[str, Loader],
    page_images: dict[str, Loader],
    page_words: dict[str, Loader],
    finished: frozenset[str],
    generate: GenerateOptions,
    ocr: OcrOptions,
    execution: ExecutionOptions,
) -> Iterator[tuple[dict[str, list[Record]], dict[str, list[Record]]]]:
    """Words as an engine reads or might read them, or as the PDF's text layer has them, a record a document.

    Raises:
        EngineUnavailableError: Before any work, if an engine that documents are to be read by is not installed.
    """

    def items(name: str) -> list[Record]:
        planned = variants_of(plans[name](), generate)
        printed = {row["doc_id"]: row["pdf"] for row in pdfs[name]().to_pylist()}
        images: dict[str, list[bytes]] = {}
        for row in page_images[name]().to_pylist():
            images.setdefault(row["doc_id"], []).append(row["image"])
        truths = {truth["doc_id"]: truth["pages"] for truth in page_words[name]()}
        return [
            {
                "plan": planned[doc_id][0],
                "pdf": printed[planned[doc_id][1]],
                "images": pages,
                "truth": truths[doc_id],
            }
            for doc_id, pages in images.items()
        ]

    yield {}, {}
    names = generate.shard_names()
    todo = unfinished(names, finished)
    if todo:
        for engine in {name for mix in generate.engines.values() for name, share in mix.items() if share}:
            if engine not in (PDF_TEXT, *SIMULATED_ENGINE_NAMES):
                require_engine(engine)
    work = partial(recognise_document, dpi=generate.dpi, options=ocr)
    for name, records, quarantined in process_shards(
        "recognise", todo, items, work, execution, len(names), {"generate": generate, "ocr": ocr}
    ):
        yield {name: records}, {name: quarantined} if quarantined else {}


def recognise_document(item: Record, dpi: int, options: OcrOptions) -> Record:
    """The words of one document, by plan, PDF, page images and true words, as its engine reads them.

    A simulated engine is given the true words where they lie on the page images, all others do without them.
    """
    from importlib.metadata import version

    from invoicegen.images import decode_image
    from invoicegen.ocr import create_engine
    from invoicegen.ocr.noise import load_noise_model, simulate_words
    from invoicegen.ocr.text_layer import read_text_layer
    from invoicegen.randomness import Stage, document_rng
    from invoicegen.schema.truth import TruePage

    plan = item["plan"]
    if plan["ocr_engine"] == PDF_TEXT:
        read = [read_text_layer(item["pdf"], page, dpi) for page in range(len(item["images"]))]
        engine_version = f"pypdfium2 {version('pypdfium2')}"
    elif plan["ocr_engine"] in SIMULATED_ENGINE_NAMES:
        model = load_noise_model(plan["ocr_engine"])
        rng = document_rng(plan["seed"], plan["index"], Stage.RECOGNITION, plan["variant"])
        truth = [TruePage.from_dict(page) for page in item["truth"]]
        read = [simulate_words(page, plan["augmentation"], model, rng) for page in truth]
        engine_version = f"noise model of {model.provenance.engine_version}"
    else:
        chosen = options.model_copy(update={"engine": plan["ocr_engine"]}).for_locale(plan["locale"])
        engine = create_engine(chosen)
        read = [engine.recognise(decode_image(image)) for image in item["images"]]
        engine_version = engine.version
    return {
        "doc_id": plan["doc_id"],
        "engine": plan["ocr_engine"],
        "version": engine_version,
        "pages": [[word.model_dump(mode="json") for word in words] for words in read],
    }
