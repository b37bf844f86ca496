"""One call to read any format, one to write any, one to deal pages to splits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from invoicegen.interchange import cord, docile, funsd, hf, label_studio, sroie
from invoicegen.interchange.coco import write_coco
from invoicegen.interchange.drafts import finish
from invoicegen.interchange.errors import InterchangeError
from invoicegen.interchange.labels import LabelMap
from invoicegen.interchange.options import (
    ExportFormat,
    ImportFormat,
    ImportOptions,
    ReadOptions,
    WriteOptions,
)
from invoicegen.interchange.pictures import whole_folder
from invoicegen.interchange.records import DraftPage, LabelledPage
from invoicegen.schema.taxonomy import DEFAULT_LABELS, LabelSet
from invoicegen.splitting import assign_split

_LABELS: Final[dict[ImportFormat, Mapping[str, str]]] = {
    "label-studio": {},
    "hf": {**funsd.LABELS, **cord.LABELS},
    "funsd": funsd.LABELS,
    "cord": cord.LABELS,
    "sroie": sroie.LABELS,
    "docile": docile.LABELS,
}
_RECEIPTS: Final = ("cord", "sroie")
_SEEDS_TRIED: Final = 1000


def read_annotations(
    path: Path, source: ImportFormat, options: ReadOptions, known: LabelSet = DEFAULT_LABELS
) -> tuple[list[LabelledPage], list[str]]:
    """Annotated pages of another tool, with ``label_source`` human: all of them, or none.

    Args:
        path: File or folder.
        source: Its format.
        options: How it is read.
        known: The entity types that its labels may mean.

    Returns:
        The pages, and a note on each thing that was there but could not be used.

    Raises:
        InterchangeError: If anything cannot be taken over; names file, line or record, and the mend.
    """
    if not path.exists():
        raise InterchangeError(f"{path} is not there; check the path")
    labels = LabelMap(_LABELS[source], options.labels, known)
    notes: list[str] = []
    done: list[LabelledPage] = []
    drafts: list[DraftPage]
    match source:
        case "label-studio":
            done, drafts = label_studio.read_label_studio(path, options, labels)
        case "hf":
            drafts = hf.read_hf(path, options, labels)
        case "funsd":
            drafts = funsd.read_funsd(path, options, labels)
        case "cord":
            drafts = cord.read_cord(path, options, labels)
        case "sroie":
            drafts = sroie.read_sroie(path, options, labels, notes)
        case "docile":
            drafts = docile.read_docile(path, options, labels)
    labels.check()
    pages = done + finish(drafts, options, "receipt" if source in _RECEIPTS else "invoice", known)
    seen: set[tuple[str, int]] = set()
    for one in pages:
        key = one.page.doc_id, one.page.page
        if key in seen:
            raise InterchangeError(
                f"{path}: page {key[1]} of document {key[0]} is there twice; leave out one"
            )
        seen.add(key)
    return pages, notes


def write_pages(
    pages: Iterable[LabelledPage],
    folder: Path,
    target: ExportFormat,
    options: WriteOptions,
    known: LabelSet = DEFAULT_LABELS,
) -> int:
    """Labelled pages in the format of another tool; the folder appears whole or not at all.

    Args:
        pages: Pages of a document one after the other.
        folder: New or empty.
        target: Its format.
        options: How it is written.
        known: The entity types to name in the format: those of the pages and, for a labelling interface, more.

    Returns:
        Number of pages.

    Raises:
        InterchangeError: If the folder is full, or a page cannot be written or has other entity types.
    """
    writers: dict[ExportFormat, Callable[[Iterable[LabelledPage], Path], int]] = {
        "hf": lambda pages, folder: hf.write_hf(pages, folder, options.words_column, known),
        "label-studio": lambda pages, folder: label_studio.write_label_studio(pages, folder, options, known),
        "docile": docile.write_docile,
        "coco": lambda pages, folder: write_coco(pages, folder, known),
        "cord": cord.write_cord,
    }
    with whole_folder(folder) as partial:
        count = writers[target](_checked(pages, known), partial)
        if not count:
            raise InterchangeError("there are no pages to write")
    return count


def _checked(pages: Iterable[LabelledPage], known: LabelSet) -> Iterator[LabelledPage]:
    """The pages, as long as their entity types are known."""
    for one in pages:
        unknown = sorted({entity.type for entity in one.page.entities} - known.value_kinds.keys())
        if unknown:
            raise InterchangeError(
                f"document {one.page.doc_id}, page {one.page.page}: has labels of {', '.join(unknown)}, which are not "
                f"in {known.title}; declare them under taxonomy.extra_entities (conf/base/parameters_taxonomy.yml, "
                "--taxonomy)"
            )
        yield one


def deal_splits(pages: Sequence[LabelledPage], options: ImportOptions) -> list[LabelledPage]:
    """Pages with their split: by split group, or as the source has it.

    Raises:
        InterchangeError: If a split that should have pages has none, or the source does not say the split of a page.
    """
    if options.splits == "keep":
        for one in pages:
            if one.page.split is None:
                raise InterchangeError(
                    f"document {one.page.doc_id}: the source does not say its split; take import.splits=deal"
                )
        return list(pages)
    shares = options.shares.model_dump()
    groups = sorted({one.page.provenance.split_group for one in pages})

    def dealt(seed: int) -> dict[str, str]:
        return {group: assign_split(group, seed, shares) for group in groups}

    def empty(split_of: Mapping[str, str]) -> list[str]:
        return [split for split, share in shares.items() if share and split not in split_of.values()]

    split_of = dealt(options.seed)
    if missing := empty(split_of):
        seed = next((seed for seed in range(_SEEDS_TRIED) if not empty(dealt(seed))), None)
        mend = (
            f"take import.seed={seed}, which fills them all"
            if seed is not None
            else "set its share to 0 (import.shares), or take import.splits=keep"
        )
        raise InterchangeError(
            f"no pages for {' and '.join(missing)}: {len(groups)} groups (layouts, sellers or documents) are dealt by "
            f"shares of {shares}; {mend}"
        )
    return [
        LabelledPage(
            one.page.model_copy(update={"split": split_of[one.page.provenance.split_group]}), one.read_image
        )
        for one in pages
    ]


def import_pages(
    options: ImportOptions, known: LabelSet = DEFAULT_LABELS
) -> tuple[list[LabelledPage], dict[str, Any]]:
    """What ``kedro run --pipeline=import`` takes over: pages with their splits, and a report.

    Args:
        options: What to read, and how to deal it.
        known: The entity types that its labels may mean.

    Raises:
        InterchangeError: If anything cannot be taken over.
    """
    if options.path is None or options.format is None:
        raise InterchangeError(
            "what shall be imported? Give --params=import.path=…,import.format=… (one of "
            f"{', '.join(_LABELS)})"
        )
    read, notes = read_annotations(options.path, options.format, options, known)
    pages = deal_splits(read, options)
    types: dict[str, int] = {}
    for one in pages:
        for entity in one.page.entities:
            types[entity.type] = types.get(entity.type, 0) + 1
    report = {
        "pages": len(pages),
        "documents": len({one.page.doc_id for one in pages}),
        "entities": dict(sorted(types.items())),
        "notes": notes,
    }
    return pages, report
