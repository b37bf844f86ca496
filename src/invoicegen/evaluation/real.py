"""Real documents: extract all of a folder, and score what was extracted against its labels, field by field.

The folder holds documents (PDF, PNG, JPEG, TIFF) and ``labels.jsonl`` with one object a document::

    {"file": "a.pdf", "kind": "invoice", "source": "where it is from", "template": "layout or merchant",
     "language": "de", "fields": {"total": ["466.48"], "line_items": [{"description": …, "amount": …}]},
     "fields_extra": {…}, "alternatives": {"total": ["466.50"]}}

``fields`` maps a name of :data:`REAL_FIELDS` to right values, any one of which will do. Labels state only
what their source states, so a field counts only in documents whose label has it: a wrong value is a false
positive and a miss, no value a miss. A document that prints one final figure calls it TOTAL_AMOUNT, so where
AMOUNT_DUE was not extracted TOTAL_AMOUNT stands for it, and the reverse.

Source:
    Rules of the folder's ``score.py``.
"""

from __future__ import annotations

import hashlib
import itertools
import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from invoicegen.evaluation.bootstrap import intervals
from invoicegen.evaluation.counts import Counts, macro_f1, total
from invoicegen.evaluation.data_card import describe_real
from invoicegen.evaluation.fingerprint import extraction_fingerprint, model_fingerprint
from invoicegen.evaluation.matching import MatchKind, alike, best_confidence, best_value, equal
from invoicegen.evaluation.options import RealOptions
from invoicegen.evaluation.outcomes import DocumentOutcome, GivenValue, outcome_rows, triple
from invoicegen.evaluation.release import release_report
from invoicegen.extraction import ExtractOptions
from invoicegen.sources import file_sha256

logger = logging.getLogger(__name__)

Records = list[dict[str, Any]]

REAL_FIELDS: Final[dict[str, tuple[str, MatchKind]]] = {
    "invoice_number": ("INVOICE_NUMBER", "id"),
    "invoice_date": ("INVOICE_DATE", "date"),
    "due_date": ("DUE_DATE", "date"),
    "delivery_date": ("DELIVERY_DATE", "date"),
    "order_number": ("PURCHASE_ORDER_NUMBER", "id"),
    "seller_name": ("SELLER_NAME", "text"),
    "seller_address": ("SELLER_ADDRESS", "text"),
    "seller_vat_id": ("SELLER_TAX_ID", "id"),
    "buyer_name": ("BUYER_NAME", "text"),
    "buyer_address": ("BUYER_ADDRESS", "text"),
    "buyer_vat_id": ("BUYER_TAX_ID", "id"),
    "iban": ("BANK_ACCOUNT", "id"),
    "bic": ("BANK_CODE", "id"),
    "currency": ("CURRENCY", "id"),
    "subtotal": ("SUBTOTAL_AMOUNT", "number"),
    "tax_rate": ("TAX_RATE", "number"),
    "tax_amount": ("TAX_AMOUNT", "number"),
    "total": ("TOTAL_AMOUNT", "number"),
    "amount_due": ("AMOUNT_DUE", "number"),
    "payment_terms": ("PAYMENT_TERMS", "text"),
}
"""Label name to entity type and the way its values are compared."""

REAL_ITEM_FIELDS: Final[dict[str, tuple[str, MatchKind]]] = {
    "amount": ("ITEM_AMOUNT", "number"),
    "quantity": ("ITEM_QUANTITY", "number"),
    "unit_price": ("ITEM_UNIT_PRICE", "number"),
    "description": ("ITEM_DESCRIPTION", "text"),
}
"""The same for what a label says of a line item; numbers first, as they are cheaper to compare."""

STAND_INS: Final = {"AMOUNT_DUE": "TOTAL_AMOUNT", "TOTAL_AMOUNT": "AMOUNT_DUE"}
"""What stands for a field that was not extracted."""


class RealLabel(BaseModel):
    """What is known of one real document; other keys of its line are of no concern here."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    file: str
    kind: str
    source: str
    template: str | None = None
    language: str | None = None
    fields: dict[str, list[Any]]
    fields_extra: dict[str, list[Any]] = {}
    alternatives: dict[str, list[Any]] = Field(default={}, description="further right values")

    def stated(self, *, extra: bool) -> dict[str, list[Any]]:
        """Labelled values by label name; those of ``fields_extra`` too, if asked for."""
        return {**self.fields, **(self.fields_extra if extra else {})}


@dataclass(slots=True)
class _Group:
    documents: int = 0
    exact: dict[str, Counts] = field(default_factory=dict)
    soft: dict[str, Counts] = field(default_factory=dict)

    def add(self, name: str, exact: Counts, soft: Counts) -> None:
        self.exact.setdefault(name, Counts()).add(exact)
        self.soft.setdefault(name, Counts()).add(soft)

    def scores(self) -> dict[str, Any]:
        micro = total(self.exact.values())
        return {
            "documents": self.documents,
            "micro_f1": micro.f1,
            "macro_f1": macro_f1(self.exact.values()),
            "soft_micro_f1": total(self.soft.values()).f1,
            "micro": micro.scores(),
            "by_field": {
                name: {**self.exact[name].scores(), "soft_f1": self.soft[name].f1}
                for name in REAL_FIELDS
                if name in self.exact
            },
        }


def read_labels(folder: str | Path, *, limit: int | None = None) -> list[RealLabel]:
    """Labels of a folder of real documents, in the order of the file.

    Args:
        folder: Holds ``labels.jsonl`` and the documents that it names.
        limit: Only so many, from the beginning.

    Raises:
        ValueError: If there is no such folder or no ``labels.jsonl``, a line is not a label, or documents are
            missing; names the file, the line and what to mend.
    """
    directory = Path(folder)
    path = directory / "labels.jsonl"
    if not path.is_file():
        raise ValueError(
            f"{path} does not exist: give a folder that holds documents and labels.jsonl (docs/evaluation.md)"
        )
    labels: list[RealLabel] = []
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                labels.append(RealLabel.model_validate_json(line))
            except ValidationError as error:
                first = error.errors()[0]
                place = ".".join(str(part) for part in first["loc"])
                raise ValueError(f"{path}, line {number}: {place or 'the line'}: {first['msg']}") from error
            if len(labels) == limit:
                break
    if not labels:
        raise ValueError(f"{path} has no labels: write one JSON object a document (docs/evaluation.md)")
    missing = [label.file for label in labels if not (directory / label.file).is_file()]
    if missing:
        raise ValueError(
            f"{len(missing)} of {len(labels)} documents that {path} names are not in its folder: "
            f"{', '.join(missing[:5])}{' …' if len(missing) > 5 else ''}"
        )
    return labels


def unlabelled_documents(folder: Path) -> list[str]:
    """Names of the documents in a folder that its ``labels.jsonl`` does not name.

    Raises:
        ValueError: As :func:`read_labels`.
    """
    from invoicegen.extraction.extractor import SUFFIXES

    named = {label.file for label in read_labels(folder)}
    found = {path.name for path in folder.iterdir() if path.suffix.lower() in SUFFIXES}
    return sorted(found - named)


def folder_of(options: RealOptions) -> Path:
    """The folder of real documents.

    Raises:
        ValueError: If none is given; says how to give one.
    """
    if options.path is None:
        raise ValueError(
            "real.path is not set: name a folder that holds documents and labels.jsonl with "
            "`kedro run --pipeline=evaluate_real --params=real.path=DIR`"
        )
    return Path(options.path)


def extract_real(
    shards: Mapping[str, Callable[[], Records]], real: RealOptions, extract: ExtractOptions
) -> Iterator[tuple[str, Records]]:
    """Extract the documents of a folder, a few at a time; those that an earlier run extracted are passed over.

    A document counts as extracted if a shard holds a record of the same bytes, made by the same model and
    options, that is not an error: failures are tried again.

    Args:
        shards: What earlier runs made: name to a function that loads the records.
        real: Folder, limit, and how the work is spread.
        extract: Model, OCR engine and resolution.

    Yields:
        Shard name (``<fingerprint>/<hash of its documents>``) and its records: those of ``invoicegen extract``
        with ``sha256`` of the document besides. What could not be read is ``{"file", "error", "sha256"}``.

    Raises:
        ValueError: If the folder or its labels are not in order (:func:`read_labels`).
        invoicegen.modeling.ModelingError: If the model cannot be loaded.
    """
    from tqdm import tqdm

    from invoicegen.extraction import extract_files
    from invoicegen.modeling import ModelLoader
    from invoicegen.ocr import create_engine

    folder = folder_of(real)
    labels = read_labels(folder, limit=real.limit)
    options = _whole(extract).model_copy(update={"execution": real.execution})
    hashes = {str(folder / label.file): file_sha256(folder / label.file) for label in labels}
    finished = {
        record["sha256"]
        for record in extracted_records(shards, extraction_fingerprint(options)).values()
        if "error" not in record
    }
    waiting = [path for path, sha256 in hashes.items() if sha256 not in finished]
    logger.info("%d of %d real documents are extracted already", len(hashes) - len(waiting), len(hashes))
    if not waiting:
        return
    # A worker that cannot load them gives an error record for every document: find out before.
    ModelLoader(options.device, runtime=options.runtime).load(options.model)
    create_engine(options.ocr)
    bar = iter(
        tqdm(
            extract_files(waiting, options),
            total=len(waiting),
            desc="real",
            unit="doc",
            file=sys.stderr,
            disable=None if real.execution.progress else True,
        )
    )
    while records := list(itertools.islice(bar, real.shard_documents)):
        shard = [{**record, "sha256": hashes[record["file"]]} for record in records]
        name = hashlib.sha256("".join(record["sha256"] for record in shard).encode()).hexdigest()[:16]
        yield f"{extraction_fingerprint(options)}/{name}", shard


def _whole(extract: ExtractOptions) -> ExtractOptions:
    """The options with every file read as the one document that its label is of."""
    return extract.model_copy(update={"split": False})


def extracted_records(
    shards: Mapping[str, Callable[[], Records]], fingerprint: str
) -> dict[str, dict[str, Any]]:
    """Records of one way of extraction by ``sha256`` of the document; an error yields to a record of success."""
    records: dict[str, dict[str, Any]] = {}
    for name in sorted(shards):
        if name.startswith(f"{fingerprint}/"):
            for record in shards[name]():
                known = records.get(record["sha256"])
                if known is None or "error" in known:
                    records[record["sha256"]] = record
    return records


def labelled_records(
    shards: Mapping[str, Callable[[], Records]], real: RealOptions, extract: ExtractOptions
) -> tuple[list[RealLabel], Records]:
    """Labels of a folder, and the records that :func:`extract_real` made of its documents, under their file names.

    Raises:
        ValueError: As :func:`read_labels`.
    """
    folder = folder_of(real)
    labels = read_labels(folder, limit=real.limit)
    by_hash = extracted_records(shards, extraction_fingerprint(_whole(extract)))
    records = [
        {**by_hash[sha256], "file": label.file}
        for label in labels
        if (sha256 := file_sha256(folder / label.file)) in by_hash
    ]
    return labels, records


def score_folder(
    shards: Mapping[str, Callable[[], Records]], real: RealOptions, extract: ExtractOptions
) -> dict[str, Any]:
    """:func:`score_real` of a folder, from the shards that :func:`extract_real` made of it.

    Returns:
        Its report, with ``folder``, ``model`` (:func:`~invoicegen.evaluation.fingerprint.model_fingerprint`),
        ``visible`` (:func:`~invoicegen.evaluation.data_card.describe_real`), and under ``documents`` the number of
        those in the folder that no label names, ``unlabelled``.

    Raises:
        ValueError: As :func:`read_labels`.
    """
    labels, records = labelled_records(shards, real, extract)
    report = score_real(labels, records, extra=real.extra)
    visible = describe_real(labels, records)
    unlabelled = unlabelled_documents(folder_of(real))
    if unlabelled:
        logger.warning(
            "%d documents have no line in labels.jsonl and are not scored: %s%s",
            len(unlabelled),
            ", ".join(unlabelled[:5]),
            " …" if len(unlabelled) > 5 else "",
        )
    report["documents"]["unlabelled"] = len(unlabelled)
    return {
        "folder": folder_of(real).name,
        "model": model_fingerprint(extract.model),
        "visible": visible,
        **report,
    }


def score_real(
    labels: Sequence[RealLabel], records: Iterable[Mapping[str, Any]], *, extra: bool = False
) -> dict[str, Any]:
    """Score extraction records against labels.

    Args:
        labels: What is right.
        records: ``{"file", "fields", "line_items"}`` as ``invoicegen extract`` prints them, or
            ``{"file", "error"}``; the file's base name finds its label, the last record of a file counts.
        extra: Count ``fields_extra`` too.

    Returns:
        ``documents`` (labelled, missing, failed), ``all``, ``by_kind``, ``by_source`` and ``by_language``
        (micro, macro and soft F1, and by field), ``line_items``. ``by_kind`` also has ``by_template_f1``, the
        mean over layouts of their micro F1, so that a layout with many documents weighs no more than another.
            ``wrong`` lists each wrong or missed field: file, field, true values, value. ``intervals`` and ``release``
        are those of :func:`~invoicegen.evaluation.bootstrap.intervals` and
        :func:`~invoicegen.evaluation.release.release_report`, ``outcomes`` the
        :class:`~invoicegen.evaluation.outcomes.DocumentOutcome` of each document, JSON-ready.
    """
    found = {Path(record["file"]).name: record for record in records}
    groups: dict[tuple[str, str], _Group] = {}
    templates: dict[str, dict[str, _Group]] = {}
    items = Counts()
    wrong: list[dict[str, Any]] = []
    outcomes: list[DocumentOutcome] = []
    for label in labels:
        record = found.get(label.file, {})
        fields: Mapping[str, Any] = record.get("fields") or {}
        template = templates.setdefault(label.kind, {}).setdefault(label.template or label.source, _Group())
        member_of = [
            groups.setdefault(key, _Group())
            for key in (
                ("all", ""),
                ("by_kind", label.kind),
                ("by_source", label.source),
                ("by_language", label.language or "unknown"),
            )
        ]
        own, own_items = _Group(), Counts()
        values: list[GivenValue] = []
        for group in [template, *member_of]:
            group.documents += 1
        for name, truth in label.stated(extra=extra).items():
            if name == "line_items":
                given = record.get("line_items") or []
                own_items = Counts(count_items_right(truth, given), len(given), len(truth))
                items.add(own_items)
                continue
            if name not in REAL_FIELDS:
                continue
            entity_type, kind = REAL_FIELDS[name]
            candidates = fields.get(entity_type) or fields.get(STAND_INS.get(entity_type, ""))
            value = best_value(candidates)
            right_values = [str(value) for value in [*truth, *label.alternatives.get(name, [])]]
            exact = any(equal(kind, right, value) for right in right_values)
            soft = exact or any(alike(kind, right, value) for right in right_values)
            given_one = int(value is not None)
            if value is not None:
                values.append(GivenValue(field=name, confidence=best_confidence(candidates), right=exact))
            for group in [own, template, *member_of]:
                group.add(name, Counts(int(exact), given_one, 1), Counts(int(soft), given_one, 1))
            if not exact:
                wrong.append(
                    {"file": label.file, "field": name, "true": right_values, "value": value, "soft": soft}
                )
        outcomes.append(
            DocumentOutcome(
                document=label.file,
                layout=label.template or label.source,
                groups={
                    "kind": label.kind,
                    "source": label.source,
                    "language": label.language or "unknown",
                },
                counts={
                    "fields": triple(total(own.exact.values())),
                    "fields_soft": triple(total(own.soft.values())),
                    "line_items": triple(own_items),
                },
                by_field={name: triple(counts) for name, counts in own.exact.items()},
                values=values,
            )
        )
    report: dict[str, Any] = {
        "documents": {
            "labelled": len(labels),
            "missing": sum(label.file not in found for label in labels),
            "failed": sum("error" in found.get(label.file, {}) for label in labels),
        },
        "extra": extra,
        "line_items": items.scores(),
        "wrong": wrong,
        "intervals": intervals(outcomes),
        "release": release_report(outcomes),
        "outcomes": outcome_rows(outcomes),
    }
    for (section, key), group in sorted(groups.items()):
        if section == "all":
            report["all"] = group.scores()
        else:
            report.setdefault(section, {})[key] = group.scores()
    for kind_name, by_template in templates.items():
        by_layout = [total(group.exact.values()).f1 or 0.0 for group in by_template.values() if group.exact]
        report["by_kind"][kind_name] |= {
            "templates": len(by_layout),
            "by_template_f1": sum(by_layout) / len(by_layout) if by_layout else None,
        }
    return report


def count_items_right(truth: Sequence[Mapping[str, Any]], given: Sequence[Mapping[str, Any]]) -> int:
    """Number of labelled line items that an extracted one matches in all that the label states.

    Each labelled item, in order, takes the first extracted item that is left and has the right description
    (soft), quantity, unit price and amount, as far as labelled. An item without any of them is matched by
    none.
    """
    left, right = list(given), 0
    for item in truth:
        stated = [
            (entity_type, kind, str(item[name]))
            for name, (entity_type, kind) in REAL_ITEM_FIELDS.items()
            if item.get(name) not in (None, "")
        ]
        for candidate in left:
            if stated and all(
                alike(kind, true, best_value(candidate.get(entity_type)))
                for entity_type, kind, true in stated
            ):
                left.remove(candidate)
                right += 1
                break
    return right
