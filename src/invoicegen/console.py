"""The command line: ``extract`` reads documents, ``compare`` weighs models, ``doctor`` says what is lacking.

What is slow to import is imported by the command that needs it.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from invoicegen import __version__

if TYPE_CHECKING:
    from invoicegen.pipelines.options import GenerateOptions

app = typer.Typer(
    name="invoicegen",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="""Read invoices, credit notes and receipts: every value with its confidence, page and box.

    **Examples**

    `invoicegen extract invoice.pdf --pretty` — one document, to look at

    `invoicegen extract inbox/ --output results.jsonl --workers 4` — a folder, one JSON object a line

    `invoicegen gallery` — generated documents with their labels, as one HTML page

    `invoicegen compare OLD NEW` — is the new model better, or is it chance?

    `invoicegen serve` — the same over HTTP, with a page to try it

    `invoicegen doctor` — what is installed, what is missing, and how to mend it

    Data generation, training and evaluation are pipelines: `kedro run --pipeline=generate`, `train`,
    `evaluate`.
    """,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"invoicegen {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop."),
    ] = False,
) -> None:
    pass


@app.command()
def extract(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE…",
            help="PDF, PNG, JPEG or TIFF; folders are searched, globs expanded; - is standard input.",
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="File to write instead of the screen; a folder for --format ubl and cii."
        ),
    ] = None,
    format_: Annotated[
        str,
        typer.Option(
            "--format",
            "-f",
            help="jsonl (one object a line), json (one array), csv (line items beside, in NAME.line_items.csv), xlsx, "
            "ubl or cii (an electronic invoice a document).",
        ),
    ] = "jsonl",
    model: Annotated[
        Path | None,
        typer.Option(
            help="Folder of a trained or exported model. Left out: data/06_models/model of the project where one "
            "was trained, else the weights that come with the package."
        ),
    ] = None,
    engine: Annotated[
        str,
        typer.Option(
            help="OCR engine for pages without a text layer: rapidocr, paddleocr, tesseract, easyocr; "
            "`invoicegen doctor` says which can run."
        ),
    ] = "rapidocr",
    language: Annotated[
        list[str] | None,
        typer.Option(help="Language that tesseract or easyocr reads, as de; repeatable; en when left out."),
    ] = None,
    workers: Annotated[
        int, typer.Option(min=0, help="Processes, each with a model of its own; 0: one per core.")
    ] = 1,
    xml: Annotated[
        bool,
        typer.Option(
            "--xml/--no-xml", help="Take values from the electronic invoice inside a PDF, where there is one."
        ),
    ] = True,
    split: Annotated[
        bool,
        typer.Option(
            "--split/--no-split", help="Tell the documents of one file apart; else a file is one document."
        ),
    ] = True,
    min_confidence: Annotated[
        float, typer.Option(min=0, max=1, help="A document with a value of less needs review.")
    ] = 0.5,
    pretty: Annotated[bool, typer.Option("--pretty", help="Indent the JSON, for people.")] = False,
) -> None:
    """Read documents and print what they say, one JSON object a document.

    Each has `fields` (name → values, the most confident first; `value` normalised: ISO dates, decimal points,
    ISO 4217 currencies), `line_items`, `checks` (sums, tax, IBAN, dates, currency, duplicates; `status` is `ok`,
    `failed` or `not_applicable`), `needs_review` with `review_reasons`, and `pages`. Of several documents in one file
    each has its `page_range`, from 0.

    **Examples**

    `invoicegen extract scan.jpg --pretty`

    `invoicegen extract "2026/**/*.pdf" -o 2026.jsonl --workers 0`

    `invoicegen extract inbox/ | jq -r '[.file, .fields.TOTAL_AMOUNT[0].value] | @tsv'`

    `curl -s https://example.com/invoice.pdf | invoicegen extract - --pretty`

    `invoicegen extract inbox/ --format xlsx -o inbox.xlsx`, `--format ubl -o invoices`

    A file that cannot be read gives `{"file", "error"}`; the others go on, and the exit status is 1. So it is where a
    document lacks what an electronic invoice needs: it is said what.
    """
    from invoicegen.execution import ExecutionOptions
    from invoicegen.extraction.extractor import extract_files, find_documents
    from invoicegen.extraction.options import ExtractOptions
    from invoicegen.extraction.outputs import FORMATS, open_output
    from invoicegen.ocr import ENGINE_NAMES, OcrOptions
    from invoicegen.ocr.engine import EngineUnavailableError, require_engine
    from invoicegen.ocr.languages import UnknownLanguageError, language_names
    from invoicegen.weights import shipped_model

    if engine not in ENGINE_NAMES:
        raise typer.BadParameter(
            f"no engine {engine!r}: choose one of {', '.join(ENGINE_NAMES)}", param_hint="--engine"
        )
    if format_ not in FORMATS:
        raise typer.BadParameter(
            f"no format {format_!r}: choose one of {', '.join(FORMATS)}", param_hint="--format"
        )
    try:
        require_engine(engine)
        language_names(language or [])
    except (EngineUnavailableError, UnknownLanguageError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None
    folder = model if model is not None else default_model()
    if not folder.is_dir():
        typer.echo(
            f"No model in {folder}: train one with `kedro run --pipeline=train` in the project, "
            "or name the folder of one with --model.",
            err=True,
        )
        raise typer.Exit(2)
    if model is None:
        typer.echo(f"model: {folder}{' (shipped)' if folder == shipped_model() else ''}", err=True)
    options = ExtractOptions(
        model=str(folder),
        ocr=OcrOptions(engine=engine, languages=tuple(language or ())),
        split=split,
        embedded_xml=xml,
        min_confidence=min_confidence,
        execution=ExecutionOptions(workers=workers),
    )
    paths = find_documents(files)
    einvoice = format_ in ("ubl", "cii")
    if output is None and (format_ in ("csv", "xlsx") or (einvoice and len(paths) > 1)):
        typer.echo(
            f"error: {format_} writes several {'files' if einvoice else 'tables'}: name where with --output",
            err=True,
        )
        raise typer.Exit(2)
    if einvoice:
        from invoicegen.einvoice import EInvoiceError, require_libraries

        try:
            require_libraries()
        except EInvoiceError as error:
            typer.echo(f"error: {error}", err=True)
            raise typer.Exit(2) from None
    read = failed = 0
    with _standard_input("-" in paths) as stdin, open_output(format_, output, indent=pretty) as write:
        named = [stdin if path == "-" else path for path in paths]
        for record in _with_progress(extract_files(named, options), len(paths)):
            if record["file"] == stdin:
                record = json.loads(json.dumps(record).replace(stdin, "stdin"))
            refused = write(record)
            read += 1
            failed += "error" in record or "page_errors" in record or refused is not None
            if message := record.get("error") or refused:
                typer.echo(f"error: {message}", err=True)
    if output is not None:
        typer.echo(f"{read} documents, {failed} with errors: {output}", err=True)
    if failed:
        raise typer.Exit(1)


@contextmanager
def _standard_input(wanted: bool) -> Iterator[str]:
    """Path of a file that has what comes by standard input; of none where that is not wanted."""
    with tempfile.TemporaryDirectory(prefix="invoicegen-") as folder:
        path = Path(folder) / "stdin"
        if wanted:
            with path.open("wb") as file:
                shutil.copyfileobj(sys.stdin.buffer, file)
        yield str(path)


def default_model() -> Path:
    """The model of the project that the current folder is in, else the shipped weights.

    The project's is ``data/06_models/model``, where one was trained; it is also what is named where nothing was
    trained and no weights are shipped.
    """
    from invoicegen.extraction.options import DEFAULT_MODEL
    from invoicegen.project import find_project
    from invoicegen.weights import shipped_model

    trained = (find_project() or Path.cwd()) / DEFAULT_MODEL
    return trained if trained.is_dir() else shipped_model() or trained


def _with_progress(records: Iterator[dict[str, Any]], count: int) -> Iterator[dict[str, Any]]:
    """The records, with a bar on a terminal's error stream where there are several."""
    from tqdm import tqdm

    yield from tqdm(records, total=count, unit="doc", file=sys.stderr, disable=True if count < 2 else None)


Parameters = Annotated[
    list[str] | None,
    typer.Option(
        "--params", metavar="KEY=VALUE", help="Parameter to replace, as generate.seed=7; repeatable."
    ),
]
Environment = Annotated[str | None, typer.Option("--env", help="Kedro environment, as in `kedro run --env`.")]


def _options(
    params: list[str] | None, env: str | None, only: dict[str, list[str]] | None = None
) -> GenerateOptions:
    from invoicegen.project import ProjectError, generate_options, parse_overrides

    try:
        return generate_options(env, parse_overrides(params or []), only)
    except ProjectError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None


@app.command()
def gallery(
    output: Annotated[Path, typer.Option("--output", "-o", help="The HTML page to write.")] = Path(
        "gallery.html"
    ),
    documents: Annotated[
        int, typer.Option("--documents", "-n", min=1, help="Documents to show, from index `--first` on.")
    ] = 24,
    first: Annotated[int, typer.Option(min=0, help="Index of the first document.")] = 0,
    dpi: Annotated[int, typer.Option(min=50, max=300, help="Resolution of the page images.")] = 100,
    augmented: Annotated[
        bool, typer.Option("--augmented", help="Pages as scanned or photographed, not clean.")
    ] = False,
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0: one per core.")] = 0,
    family: Annotated[list[str] | None, typer.Option(help="Only this template family; repeatable.")] = None,
    locale: Annotated[list[str] | None, typer.Option(help="Only this locale; repeatable.")] = None,
    kind: Annotated[list[str] | None, typer.Option(help="Only this kind of document; repeatable.")] = None,
    params: Parameters = None,
    env: Environment = None,
) -> None:
    """Write one HTML page of generated documents with their labels, to look at.

    Boxes are coloured by entity; the page filters by family, kind, locale and text, hides single entities, and zooms.
    It loads nothing, so it can be sent to anyone. Without `--family`, `--locale` and `--kind` the documents are those
    that `kedro run --pipeline=generate` makes with the same parameters.

    **Examples**

    `invoicegen gallery`

    `invoicegen gallery -n 60 --augmented --locale de_DE --locale fr_FR --kind credit_note`

    A document that cannot be made is named with its index and error; the others
    are shown, and the exit status is 1.
    """
    from functools import partial

    from tqdm import tqdm

    from invoicegen.execution import ExecutionOptions, Failure, map_items
    from invoicegen.gallery import ShownPage, render_gallery, sample_document
    from invoicegen.templates import plan_document

    only = {"families": family, "locales": locale, "kinds": kind}
    options = _options(params, env, {key: names for key, names in only.items() if names})
    plans = [plan_document(index, options) for index in range(first, first + documents)]
    work = partial(sample_document, dpi=dpi, augmented=augmented)
    shown: list[ShownPage] = []
    failed = 0
    made = map_items(work, plans, ExecutionOptions(workers=workers))
    bar = tqdm(made, total=len(plans), unit="doc", file=sys.stderr, disable=None)
    for plan, result in zip(plans, bar, strict=True):
        if isinstance(result, Failure):
            failed += 1
            typer.echo(f"error: document {plan.index} ({plan.kind}, {plan.locale}): {result.error}", err=True)
        else:
            shown += result
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(render_gallery(shown), encoding="utf-8")
    typer.echo(f"{len(plans) - failed} documents, {len(shown)} pages: {output}", err=True)
    if failed:
        raise typer.Exit(1)


@app.command()
def compare(
    run_a: Annotated[
        str | None, typer.Argument(metavar="RUN_A", help="Model that was there: a name, folder or file.")
    ] = None,
    run_b: Annotated[str | None, typer.Argument(metavar="RUN_B", help="Model that would replace it.")] = None,
    draws: Annotated[int, typer.Option(min=100, help="Bootstrap draws.")] = 2000,
    seed: Annotated[int, typer.Option(min=0, help="Of the draws.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Say whether model B reads documents better than model A: a paired bootstrap over documents.

    A run is what `kedro run --pipeline=evaluate` and `evaluate_real` left in `data/08_reporting/runs`, in a folder
    named after the model (the twelve digits that the report shows): `generated.jsonl` and `real.jsonl`. Both runs
    must be of the same documents. Without arguments the runs that are there are listed.

    **Examples**

    `invoicegen compare`

    `invoicegen compare 1f0c5a1b9d3e 77aa01c2d4b6`

    `invoicegen compare old/real.jsonl new/real.jsonl --json`

    A difference is called better or worse where its 95 % interval leaves out 0; the exit status says nothing of it.
    """
    from invoicegen.evaluation.comparison import compare_runs, list_runs, render_comparison
    from invoicegen.evaluation.outcomes import OutcomesError
    from invoicegen.project import find_project

    folder = (find_project() or Path.cwd()) / "data/08_reporting/runs"
    try:
        if run_a is None or run_b is None:
            if run_a is not None:
                raise OutcomesError(
                    "two runs are compared: name RUN_B too; without arguments runs are listed"
                )
            for name, datasets in list_runs(folder).items():
                typer.echo(
                    f"{name}  {', '.join(f'{key}: {count} documents' for key, count in datasets.items())}"
                )
            return
        compared = compare_runs(run_a, run_b, folder, draws=draws, seed=seed)
    except OutcomesError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None
    typer.echo(json.dumps(compared, indent=1) if as_json else render_comparison(compared))


@app.command()
def replay(
    index: Annotated[int | None, typer.Argument(min=0, help="Index of the document in its run.")] = None,
    plan: Annotated[
        Path | None,
        typer.Option(
            "--plan",
            exists=True,
            dir_okay=False,
            help="Quarantine file that holds its plan and the options of its run; without it both follow from "
            "the parameters.",
        ),
    ] = None,
    variant: Annotated[
        int | None, typer.Option(min=0, help="Which augmented variant; the first when left out.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Folder to write to; data/08_reporting/replay/DOC_ID when left out."
        ),
    ] = None,
    params: Parameters = None,
    env: Environment = None,
) -> None:
    """Make one document of a run again, alone, and keep what every stage made.

    The folder gets plan, record, HTML, PDF, page images, words, annotations and a page to look at. A document that
    fails is named with the stage and error, its traceback is in error.txt, and the exit status is 1.

    **Examples**

    `invoicegen replay 4711`

    `invoicegen replay --plan data/08_reporting/quarantine/rendering/…/docs-0000003.jsonl`

    `invoicegen replay 12 --params generate.seed=7 -o twelve`
    """
    from invoicegen.project import (
        ProjectError,
        find_project,
        generate_options,
        ocr_options,
        parse_overrides,
    )
    from invoicegen.replay import ReplayError, read_plan
    from invoicegen.replay import replay as make
    from invoicegen.templates import plan_document, plan_variants

    if index is None and plan is None:
        typer.echo("error: which document? Give its INDEX, or a quarantine file with --plan", err=True)
        raise typer.Exit(2)
    try:
        planned, settings = read_plan(plan, index, variant) if plan else (None, {})
        overrides = parse_overrides(params or [])
        generate = generate_options(env, overrides, of_run=settings.get("generate"))
        ocr = ocr_options(env, overrides, of_run=settings.get("ocr"))
    except (ProjectError, ValueError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None
    if planned is None:
        assert index is not None
        try:
            variants = plan_variants(plan_document(index, generate), generate)
        except Exception as error:
            typer.echo(
                f"error: document {index} cannot be planned: {type(error).__name__}: {error}", err=True
            )
            raise typer.Exit(1) from None
        if (variant or 0) >= len(variants):
            typer.echo(
                f"error: variant {variant} of {len(variants)}; raise generate.variants_per_document", err=True
            )
            raise typer.Exit(2)
        planned = variants[variant or 0]
    folder = output or (find_project() or Path.cwd()) / "data/08_reporting/replay" / planned.doc_id
    try:
        pages = make(planned, folder, generate, ocr)
    except ReplayError as error:
        typer.echo(
            f"error: {planned.doc_id} ({planned.kind}, {planned.locale}) fails at {error.stage}: {error}\n"
            f"traceback: {folder / 'error.txt'}",
            err=True,
        )
        raise typer.Exit(1) from None
    typer.echo(f"{planned.doc_id}: {len(pages)} page{'s' * (len(pages) != 1)}, {folder}", err=True)


@app.command()
def convert(
    source: Annotated[Path, typer.Argument(help="File or folder of labelled pages.")],
    output: Annotated[Path, typer.Argument(help="Folder to write to; must be new or empty.")],
    from_: Annotated[
        str,
        typer.Option(
            "--from", help="parquet (our own shards), label-studio, hf, funsd, cord, sroie, docile."
        ),
    ] = "parquet",
    to: Annotated[
        str, typer.Option("--to", help="parquet (our own shards), label-studio, hf, docile, coco, cord.")
    ] = "parquet",
    labels: Annotated[
        Path | None,
        typer.Option(
            help="YAML or JSON file: labels of the source to entity types, or to O to leave them out."
        ),
    ] = None,
    taxonomy: Annotated[
        Path | None,
        typer.Option(
            help="YAML file that declares entity types of your own, as conf/base/parameters_taxonomy.yml; those of "
            "our own shards when left out."
        ),
    ] = None,
    images: Annotated[
        Path | None,
        typer.Option(help="Folder of the page images, where they are not beside the annotations."),
    ] = None,
    clip: Annotated[
        bool, typer.Option("--clip", help="Cut boxes at the edge of the page that reach over it.")
    ] = False,
    words_column: Annotated[
        str, typer.Option(help="hf: name of the column of words, tokens or words.")
    ] = "tokens",
    image_prefix: Annotated[
        str, typer.Option(help="label-studio: goes before image names in tasks.")
    ] = "/data/local-files/?d=",
) -> None:
    """Labelled pages to the format of another tool, and annotations of other tools to labelled pages.

    Formats and what each loses: docs/annotation.md. Either every page is taken over or none: what cannot be is named
    with its file, its line or record, and the mend. `kedro run --pipeline=import` reads the same, deals the pages to
    splits and makes them what training reads; `--pipeline=export` writes the same.

    **Examples**

    `invoicegen convert data/05_model_input/test_pages out/coco --to coco`

    `invoicegen convert export.json out/corrected --from label-studio`

    `invoicegen convert cord/train out/docile --from cord --to docile --labels labels.yml`
    """
    from typing import get_args

    from pydantic import ValidationError

    from invoicegen.interchange import (
        InterchangeError,
        ReadOptions,
        WriteOptions,
        read_annotations,
        read_label_set,
        read_shards,
        shard_labels,
        write_pages,
        write_shards,
    )
    from invoicegen.interchange.options import ExportFormat, ImportFormat
    from invoicegen.schema.taxonomy import LabelSet

    readable, writable = ("parquet", *get_args(ImportFormat)), ("parquet", *get_args(ExportFormat))
    if from_ not in readable or to not in writable or (from_, to) == ("parquet", "parquet"):
        typer.echo(
            f"error: give --to ({', '.join(writable[1:])}), --from ({', '.join(readable[1:])}), or both",
            err=True,
        )
        raise typer.Exit(2)
    try:
        reading = ReadOptions(labels=labels, images=images, clip=clip)
        writing = WriteOptions.model_validate({"words_column": words_column, "image_prefix": image_prefix})
        notes: list[str] = []
        known = LabelSet() if taxonomy is None else read_label_set(taxonomy)
        if from_ == "parquet":
            pages = read_shards(source)
            known = shard_labels(source) if taxonomy is None else known
        else:
            read, notes = read_annotations(source, cast(ImportFormat, from_), reading, known)
            pages = iter(read)
        if to == "parquet":
            count = write_shards(pages, output, labels=known)
        else:
            count = write_pages(pages, output, cast(ExportFormat, to), writing, known)
    except (InterchangeError, ValidationError) as error:
        typer.echo(f"error: {error}; nothing was written", err=True)
        raise typer.Exit(1) from None
    for note in notes:
        typer.echo(f"note: {note}", err=True)
    typer.echo(f"{count} pages: {output}", err=True)


class ExportPrecision(StrEnum):
    """Precision of an exported network."""

    fp16 = "fp16"
    w8a16 = "w8a16"
    int8 = "int8"


@app.command("export-model")
def export_model(
    source: Annotated[
        Path, typer.Argument(metavar="MODEL", help="Folder of a trained model, as data/06_models/model.")
    ],
    output: Annotated[Path, typer.Argument(metavar="OUT", help="The folder to write.")],
    pages: Annotated[
        Path | None,
        typer.Option(
            help="Parquet file or folder of labelled pages to compare and calibrate on; "
            "data/05_model_input/validation_pages of the project when left out."
        ),
    ] = None,
    precision: Annotated[
        ExportPrecision,
        typer.Option(
            help="fp16 weights, or w8a16 of half the size, run by OpenVINO; int8 products for processors without "
            "bf16, run by ONNX Runtime."
        ),
    ] = ExportPrecision.fp16,
    mean_with: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FOLDER",
            help="A model whose weights are averaged with those of MODEL, as the one that its training started from.",
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what is in OUT.")] = False,
) -> None:
    """Pack a trained model for use without torch: ONNX, weights to fine-tune from, tokenizer, model card, baseline.

    The exported network labels the pages beside the model it came from. If too many words get other labels nothing
    is written; else the temperatures of its confidences are fitted on the same pages, so take pages that were not
    trained on. What is printed, as JSON, is how far both agree, and the calibration error before and after. The
    baseline is what `invoicegen baseline` measures, on the same pages.

    **Examples**

    `invoicegen export-model data/06_models/model served`, then `invoicegen extract invoice.pdf --model served`

    `invoicegen export-model data/06_models/model small --precision int8`

    `invoicegen export-model model served --pages corrected.parquet --overwrite`

    `invoicegen export-model fine-tuned served --mean-with before` — a fine-tuned model that forgets less

    It needs the packages of `pip install 'invoicegen[export]'`.
    """
    from invoicegen.modeling.errors import ModelingError
    from invoicegen.modeling.export import export_model as export

    shards = _labelled_pages(pages)
    try:
        exported = export(
            source,
            output,
            shards,
            precision=precision.value,
            mean_with=mean_with or (),
            overwrite=overwrite,
        )
        _write_baseline(output, shards)
    except (ModelingError, ValueError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None
    typer.echo(json.dumps(exported.summary(), indent=2))
    size = sum(exported.sizes.values()) / 1e6
    typer.echo(f"{size:.1f} MB: {output}", err=True)


@app.command()
def ensemble(
    output: Annotated[Path, typer.Argument(metavar="OUT", help="The folder to write.")],
    members: Annotated[
        list[Path],
        typer.Argument(
            metavar="MODEL...", help="Folders of two or more models; each is copied under its name."
        ),
    ],
    pages: Annotated[
        Path | None,
        typer.Option(
            help="Parquet file or folder of labelled pages that no model was trained on, to calibrate on; "
            "data/05_model_input/validation_pages of the project when left out."
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what is in OUT.")] = False,
) -> None:
    """Put models into one folder that is used as one: the probability of a label is the mean of theirs.

    Models that differ in start, subwords or training pages misread different words, so the mean is right more often,
    at the cost of running each. Temperatures and cohesion of the mean are fitted on the pages. Printed, as JSON,
    is the entity F1 of each model and of all together. Training from the folder starts from the first model.

    **Example**

    `invoicegen export-model data/06_models/model second --precision w8a16`, then
    `invoicegen ensemble served first second`, then `invoicegen extract invoice.pdf --model served`
    """
    from invoicegen.modeling.ensemble import make_ensemble
    from invoicegen.modeling.errors import ModelingError

    shards = _labelled_pages(pages)
    try:
        made = make_ensemble(members, output, shards, overwrite=overwrite)
        _write_baseline(output, shards)
    except (ModelingError, ValueError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None
    typer.echo(json.dumps(made.summary(), indent=2))
    typer.echo(f"{sum(made.sizes.values()) / 1e6:.1f} MB: {output}", err=True)


@app.command("replay-batch")
def replay_batch(
    batch: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="non_finite_batch.pt in the folder of a training's checkpoints."),
    ],
) -> None:
    """Run the batch again whose loss was NaN or infinite, and say where that began.

    Printed as JSON: the pages of the batch, the loss of each head, parameters that were broken by the step before,
    and the first module whose output is not finite. The file holds a pickled model: read only your own.

    **Example**

    `invoicegen replay-batch data/06_models/checkpoints/non_finite_batch.pt`
    """
    from dataclasses import asdict

    from invoicegen.modeling import batch_replay
    from invoicegen.modeling.errors import ModelingError

    try:
        replayed = batch_replay.replay_batch(batch)
    except ModelingError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None
    typer.echo(json.dumps(asdict(replayed), indent=2))


@app.command()
def baseline(
    model: Annotated[
        Path,
        typer.Argument(metavar="MODEL", help="Folder of a trained or exported model; the file goes there."),
    ],
    pages: Annotated[
        Path | None,
        typer.Option(
            help="Parquet file or folder of labelled pages that the model was not trained on; "
            "data/05_model_input/validation_pages of the project when left out."
        ),
    ] = None,
) -> None:
    """Measure how often and how surely a model finds each field, and write baseline.json beside it.

    The service shows the figures beside those of the documents it reads, so that a change of either is seen
    (docs/monitoring.md). `invoicegen export-model` measures them too.

    **Examples**

    `invoicegen baseline data/06_models/model`

    `invoicegen baseline served --pages corrected.parquet`
    """
    from invoicegen.modeling.errors import ModelingError

    try:
        typer.echo(_write_baseline(model, _labelled_pages(pages)))
    except (ModelingError, ValueError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None


def _labelled_pages(named: Path | None) -> dict[str, Callable[[], Any]]:
    """What reads each Parquet file of labelled pages: those named, or the project's validation pages."""
    from functools import partial

    import pyarrow.parquet as pq

    from invoicegen.project import find_project

    folder = named or (find_project() or Path.cwd()) / "data" / "05_model_input" / "validation_pages"
    files = sorted(folder.rglob("*.parquet")) if folder.is_dir() else [folder]
    if not files or not files[0].is_file():
        typer.echo(
            f"error: no labelled pages in {folder}: name a Parquet file or folder with --pages, or generate some "
            "with `kedro run --pipeline=generate`",
            err=True,
        )
        raise typer.Exit(2)
    return {str(file): partial(pq.read_table, file) for file in files}


def _write_baseline(model: Path, shards: Mapping[str, Callable[[], Any]]) -> Path:
    from invoicegen.evaluation.baseline import measure_baseline
    from invoicegen.extraction.options import ExtractOptions
    from invoicegen.modeling import ModelLoader

    return measure_baseline(shards, ModelLoader("cpu").load(model), ExtractOptions().min_confidence).write(
        model
    )


@app.command()
def doctor(
    model: Annotated[
        Path | None,
        typer.Option(help="Folder of a model; the one that `extract` would take when left out."),
    ] = None,
) -> None:
    """Check fonts, the renderer's libraries, OCR engines and the model, and say how to mend what is missing.

    The exit status is 1 when something that is needed is missing; what is optional only gets a note.
    """
    from rich.console import Console
    from rich.table import Table

    from invoicegen.doctor import examine

    findings = examine(model if model is not None else default_model())
    table = Table("", "what", "found", box=None, pad_edge=False)
    table.columns[2].overflow = "fold"
    for finding in findings:
        mark = "ok" if finding.ok else ("MISSING" if finding.required else "not there")
        style = "green" if finding.ok else ("red" if finding.required else "yellow")
        table.add_row(f"[{style}]{mark}[/]", finding.name, finding.found)
    Console().print(table)
    for finding in findings:
        if not finding.ok:
            typer.echo(f"To mend {finding.name}: {finding.mend}")
    missing = [finding.name for finding in findings if finding.required and not finding.ok]
    if missing:
        typer.echo(f"Missing: {', '.join(missing)}.", err=True)
        raise typer.Exit(1)


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; 127.0.0.1 when left out.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port to listen on; 8000 when left out.")
    ] = None,
    model: Annotated[
        Path | None, typer.Option(help="Folder of a model; the one that `extract` would take when left out.")
    ] = None,
    engine: Annotated[str | None, typer.Option(help="OCR engine for pages without a text layer.")] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes that read documents; one per core when left out.")
    ] = None,
    keys: Annotated[Path | None, typer.Option(help="File of API keys, made by `invoicegen keys`.")] = None,
) -> None:
    """Read documents over HTTP: a page to try it at `/`, the API at `/v1`, its description at `/docs`.

    Every setting is also an environment variable, `INVOICEGEN_` and its name in capitals, or a file of that name
    in the folder that `INVOICEGEN_SECRETS_DIR` names; docs/service.md lists them. Documents are deleted once they are
    read.

    **Examples**

    `invoicegen serve`

    `invoicegen keys create --file keys.json --name accounting`, then `invoicegen serve --host 0.0.0.0 --keys keys.json`

    `curl -H "Authorization: Bearer $KEY" -F file=@invoice.pdf http://localhost:8000/v1/extract`
    """
    from pydantic import ValidationError

    from invoicegen.ocr.engine import EngineUnavailableError, UnknownEngineError, require_engine
    from invoicegen.weights import resolve_model

    try:
        from invoicegen.serving.app import create_app
        from invoicegen.serving.jobs import StateError
        from invoicegen.serving.options import ServiceOptions
        from invoicegen.serving.server import serve as run
    except ModuleNotFoundError as error:
        typer.echo(f"error: {error.name} is not installed: pip install 'invoicegen[serve]'", err=True)
        raise typer.Exit(2) from None
    given: dict[str, Any] = {"host": host, "port": port, "engine": engine, "workers": workers, "keys": keys}
    given["model"] = None if model is None else str(model)
    try:
        options = ServiceOptions(**{name: value for name, value in given.items() if value is not None})
        if "model" not in options.model_fields_set:
            options = options.model_copy(update={"model": str(default_model())})
        require_engine(options.engine)
    except (ValidationError, EngineUnavailableError, UnknownEngineError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None
    folder = resolve_model(options.model)
    if not folder.is_dir():
        typer.echo(f"error: no model in {folder}: name the folder of one with --model", err=True)
        raise typer.Exit(2)
    typer.echo(f"model: {folder}", err=True)
    try:
        run(create_app, options)
    except StateError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None


@app.command()
def serve_ocr(
    host: Annotated[str | None, typer.Option(help="Address to listen on; 127.0.0.1 when left out.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port to listen on; 8001 when left out.")
    ] = None,
    engine: Annotated[
        list[str] | None,
        typer.Option(help="OCR engine; repeatable: requests choose, the first where they do not."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes that read documents; one per core when left out.")
    ] = None,
    keys: Annotated[Path | None, typer.Option(help="File of API keys, made by `invoicegen keys`.")] = None,
) -> None:
    """Read the words of documents over HTTP, with their boxes, for annotation; no model is needed.

    Its settings are found as those of `serve` are; docs/service.md lists them.

    **Examples**

    `invoicegen serve-ocr --engine rapidocr --engine tesseract`

    `curl -F file=@scan.jpg 'http://localhost:8001/v1/ocr?engine=tesseract'`
    """
    from pydantic import ValidationError

    from invoicegen.ocr.engine import EngineUnavailableError, UnknownEngineError, require_engine

    try:
        from invoicegen.serving.ocr_app import create_ocr_app
        from invoicegen.serving.options import OcrServiceOptions
        from invoicegen.serving.server import serve as run
    except ModuleNotFoundError as error:
        typer.echo(f"error: {error.name} is not installed: pip install 'invoicegen[serve]'", err=True)
        raise typer.Exit(2) from None
    given: dict[str, Any] = {"host": host, "port": port, "workers": workers, "keys": keys}
    if engine:
        given |= {"engine": engine[0], "more_engines": engine[1:]}
    try:
        options = OcrServiceOptions(**{name: value for name, value in given.items() if value is not None})
        for name in options.engines:
            require_engine(name)
    except (ValidationError, EngineUnavailableError, UnknownEngineError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None
    run(create_ocr_app, options)


keys_app = typer.Typer(
    no_args_is_help=True, rich_markup_mode="markdown", help="API keys of the service: create, list, revoke."
)
app.add_typer(keys_app, name="keys")
KeyFile = Annotated[
    Path, typer.Option("--file", envvar="INVOICEGEN_KEYS", help="File of keys; it holds hashes only.")
]


@keys_app.command("create")
def create_key(
    file: KeyFile,
    name: Annotated[str, typer.Option(help="Who uses it.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(help="What it may do: extract, batches, ocr; repeatable; all when left out."),
    ] = None,
    days: Annotated[
        int | None, typer.Option(min=1, help="Days until it expires; never when left out.")
    ] = None,
) -> None:
    """Make a key and print it, once; a running service knows it at its next request.

    To rotate a key, create another, hand it out, and revoke the old one when it is no longer used.
    """
    import datetime as dt

    from invoicegen.serving.keys import SCOPES, KeysError, KeyStore

    scopes = frozenset(scope or SCOPES)
    if unknown := sorted(scopes - set(SCOPES)):
        raise typer.BadParameter(
            f"no scope {', '.join(unknown)}: choose among {', '.join(SCOPES)}", param_hint="--scope"
        )
    expires = None if days is None else dt.datetime.now(dt.UTC) + dt.timedelta(days=days)
    try:
        key, token = KeyStore(file).create(name, cast("Any", scopes), expires)
    except KeysError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None
    typer.echo(f"key {key.id} for {name}; it is shown only now:", err=True)
    typer.echo(token)


@keys_app.command("list")
def list_keys(file: KeyFile) -> None:
    """Print the keys of a file, without their secrets."""
    from invoicegen.serving.keys import KeysError, KeyStore

    try:
        for key in KeyStore(file).listed():
            until = "never expires" if key.expires is None else f"expires {key.expires:%Y-%m-%d}"
            typer.echo(
                f"{key.id}  {key.name}  {','.join(sorted(key.scopes))}  made {key.created:%Y-%m-%d}  {until}"
            )
    except KeysError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None


@keys_app.command("revoke")
def revoke_key(
    file: KeyFile, identifier: Annotated[str, typer.Argument(metavar="ID", help="As `keys list` shows it.")]
) -> None:
    """Remove a key; a running service refuses it from its next request on."""
    from invoicegen.serving.keys import KeysError, KeyStore

    try:
        KeyStore(file).revoke(identifier)
    except KeysError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None


backup_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Backups of the service's batches and of models: create, restore.",
)
app.add_typer(backup_app, name="backup")
MODELS_HELP = "Folder of models, each a folder."


@backup_app.command("create")
def create_backup(
    to: Annotated[Path, typer.Option(help="Folder of archives.")],
    state: Annotated[
        Path, typer.Option(envvar="INVOICEGEN_STATE", help="The service's folder of batches; it may run.")
    ],
    models: Annotated[Path | None, typer.Option(help=MODELS_HELP)] = None,
    keep: Annotated[int, typer.Option(min=1, help="Archives of batches to keep, the newest.")] = 14,
) -> None:
    """Write the batches of a service with their results, and models, to archives; print their names.

    The service may run: what is written is the state of one moment. A model that is there already is not written again,
    and none is removed.

    **Example**

    `invoicegen backup create --state ~/.local/state/invoicegen --to backups --keep 7`
    """
    from invoicegen.serving.backups import BackupError, back_up_jobs, back_up_models

    try:
        archives = [back_up_jobs(state, to, keep), *([] if models is None else back_up_models(models, to))]
    except BackupError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None
    for archive in archives:
        typer.echo(archive)


@backup_app.command("restore")
def restore_backup(
    archive: Annotated[
        Path, typer.Argument(help="An archive of `backup create`; of a folder the newest of batches.")
    ],
    state: Annotated[
        Path | None,
        typer.Option(
            envvar="INVOICEGEN_STATE", help="Where batches go: the folder of a service that is stopped."
        ),
    ] = None,
    models: Annotated[Path | None, typer.Option(help=f"Where a model goes. {MODELS_HELP}")] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Move aside what is there, into a folder replaced-….")
    ] = False,
) -> None:
    """Put batches, or a model, back from an archive, once all of it has been checked.

    **Examples**

    `invoicegen backup restore backups --state ~/.local/state/invoicegen --replace`

    `invoicegen backup restore backups/model-first-0f8fad5b….tar.gz --models models`
    """
    from invoicegen.serving.backups import BackupError, newest_jobs, restore

    try:
        taken = newest_jobs(archive) if archive.is_dir() else archive
        restored = restore(taken, state=state, models=models, replace=replace)
    except BackupError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None
    typer.echo(f"{restored.kind} of {taken}, {restored.files} files: {restored.folder}", err=True)
    if restored.replaced is not None:
        typer.echo(f"what was there before: {restored.replaced}; remove it when all is well", err=True)


@app.command()
def ocr_benchmark(
    engine: Annotated[list[str] | None, typer.Option(help="Only this engine; repeatable.")] = None,
    documents: Annotated[
        int,
        typer.Option("--documents", "-n", min=1, help="Generated documents; the first page of each is read."),
    ] = 8,
    preset: Annotated[
        list[str] | None,
        typer.Option(
            help="What generated pages go through; repeatable; clean and office_scan when left out."
        ),
    ] = None,
    locale: Annotated[
        list[str] | None, typer.Option(help="Only documents of this locale; repeatable.")
    ] = None,
    real: Annotated[
        Path | None,
        typer.Option(
            help="Folder of real documents with labels.jsonl, of which those with boxes or text are read."
        ),
    ] = None,
    real_documents: Annotated[int, typer.Option(min=1, help="How many real documents at most.")] = 12,
    seconds: Annotated[
        float,
        typer.Option(min=1, help="CPU time for each engine and group of pages; slow engines read fewer."),
    ] = 60,
    throughput: Annotated[
        bool, typer.Option("--throughput", help="Also two workers beside one, over the first two pages.")
    ] = False,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="JSON file for all figures.")] = None,
    params: Parameters = None,
    env: Environment = None,
) -> None:
    """Read pages whose words are known with every OCR engine, and say what each finds, how fast, in how much memory.

    Prints Markdown tables: words found, read words that are right, character error rate, overlap of word boxes,
    seconds a page (mean of CPU and of the clock), and memory. Every engine reads in a process of its own on
    `ocr.threads` threads. What the scores mean: docs/ocr.md. Needs Linux.

    **Examples**

    `invoicegen ocr-benchmark`

    `invoicegen ocr-benchmark --engine rapidocr --engine tesseract --real inbox --params ocr.detector_side=960`

    An engine that cannot run is named with what to do, and the exit status is 1.
    """
    import tempfile

    from invoicegen.ocr import ENGINE_NAMES, PDF_TEXT
    from invoicegen.ocr_benchmark import (
        as_markdown,
        as_record,
        generated_pages,
        measure,
        measure_throughput,
        real_pages,
    )
    from invoicegen.project import ProjectError, ocr_options, parse_overrides

    engines = engine or [PDF_TEXT, *ENGINE_NAMES]
    if unknown := sorted(set(engines) - {PDF_TEXT, *ENGINE_NAMES}):
        raise typer.BadParameter(
            f"no engine {', '.join(unknown)}: choose among {', '.join((PDF_TEXT, *ENGINE_NAMES))}",
            param_hint="--engine",
        )
    generate = _options(params, env, {"locales": locale} if locale else None)
    try:
        options = ocr_options(env, parse_overrides(params or []))
    except ProjectError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None
    with tempfile.TemporaryDirectory(prefix="invoicegen-ocr-benchmark-") as place:
        folder = Path(place)
        try:
            pages = list(generated_pages(generate, documents, preset or ["clean", "office_scan"], folder))
            if real is not None:
                pages += real_pages(real, real_documents, folder)
        except ValueError as error:
            typer.echo(f"error: {error}", err=True)
            raise typer.Exit(2) from None
        results, two_workers = [], {}
        for name in engines:
            typer.echo(f"{name} …", err=True)
            results.append(measure(name, pages, options, seconds))
            if throughput and name != PDF_TEXT and not results[-1].unavailable:
                two_workers[name] = measure_throughput(name, pages[:2], options)
    typer.echo(as_markdown(results, two_workers))
    if output is not None:
        figures = json.dumps(as_record(results, two_workers), indent=1)
        output.write_text(figures + "\n", encoding="utf-8")
    if any(result.unavailable for result in results):
        raise typer.Exit(1)


def main() -> None:
    """Entry point of the ``invoicegen`` script."""
    app()


if __name__ == "__main__":
    main()
