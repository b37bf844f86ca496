"""DocILE: a PDF, an annotation and its OCR a document, as the package ``docile-benchmark`` reads them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import Field

from invoicegen.geometry import box_to_quad, union
from invoicegen.interchange.errors import InterchangeError
from invoicegen.interchange.labels import OUTSIDE, LabelMap
from invoicegen.interchange.options import ReadOptions
from invoicegen.interchange.pictures import Picture, check_picture
from invoicegen.interchange.reading import Foreign, read_json, validate
from invoicegen.interchange.records import (
    DraftEntity,
    DraftPage,
    LabelledPage,
    cut_words,
    documents_of,
    file_stem,
    words_inside,
)
from invoicegen.schema.annotation import DocumentType, Page, Split, TableRegion, Word
from invoicegen.schema.taxonomy import LabelSet

LABELS: Final = {
    "document_id": "INVOICE_NUMBER",
    "date_issue": "INVOICE_DATE",
    "date_due": "DUE_DATE",
    "customer_order_id": "PURCHASE_ORDER_NUMBER",
    "order_id": "PURCHASE_ORDER_NUMBER",
    "vendor_name": "SELLER_NAME",
    "vendor_address": "SELLER_ADDRESS",
    "vendor_tax_id": "SELLER_TAX_ID",
    "customer_billing_name": "BUYER_NAME",
    "customer_billing_address": "BUYER_ADDRESS",
    "customer_tax_id": "BUYER_TAX_ID",
    "currency_code_amount_due": "CURRENCY",
    "amount_total_net": "SUBTOTAL_AMOUNT",
    "tax_detail_rate": "TAX_RATE",
    "tax_detail_net": "TAX_BASE_AMOUNT",
    "tax_detail_tax": "TAX_AMOUNT",
    "amount_total_tax": "TAX_AMOUNT",
    "amount_total_gross": "TOTAL_AMOUNT",
    "amount_paid": "AMOUNT_PAID",
    "amount_due": "AMOUNT_DUE",
    "payment_terms": "PAYMENT_TERMS",
    "payment_reference": "PAYMENT_REFERENCE",
    "iban": "BANK_ACCOUNT",
    "account_num": "BANK_ACCOUNT",
    "bic": "BANK_CODE",
    "bank_num": "BANK_CODE",
    "line_item_description": "ITEM_DESCRIPTION",
    "line_item_code": "ITEM_CODE",
    "line_item_quantity": "ITEM_QUANTITY",
    "line_item_units_of_measure": "ITEM_UNIT",
    "line_item_unit_price_net": "ITEM_UNIT_PRICE",
    "line_item_unit_price_gross": "ITEM_UNIT_PRICE",
    "line_item_discount_amount": "ITEM_DISCOUNT",
    "line_item_discount_rate": "ITEM_DISCOUNT",
    "line_item_tax_rate": "ITEM_TAX_RATE",
    "line_item_amount_net": "ITEM_AMOUNT",
    "line_item_amount_gross": "ITEM_AMOUNT",
    **dict.fromkeys(
        (
            "customer_delivery_address", "customer_delivery_name", "customer_id", "customer_other_address",
            "customer_other_name", "customer_registration_id", "tax_detail_gross", "vendor_email", "vendor_order_id",
            "vendor_registration_id", "line_item_currency", "line_item_date", "line_item_hts_number",
            "line_item_order_id", "line_item_person_name", "line_item_position", "line_item_tax", "line_item_weight",
        ),
        OUTSIDE,
    ),
}  # fmt: skip
"""The 55 field types: 37 have an entity type, 18 are left out."""

_PLAIN: Final = {
    name: fieldtype
    for fieldtype, name in LABELS.items()
    if list(LABELS.values()).count(name) == 1 and name != OUTSIDE
} | {"PURCHASE_ORDER_NUMBER": "customer_order_id"}

_SPLIT_FILES: Final[dict[Split | None, str]] = {
    "train": "train",
    "validation": "val",
    "test": "test",
    None: "all",
}
_TYPES: Final[dict[DocumentType, str]] = {
    "invoice": "tax_invoice",
    "credit_note": "credit_note",
    "receipt": "receipt",
}
_ROWS: Final = {"data": "data", "header": "header", "section": "subsection-header"}
_BIC: Final = re.compile(r"[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?")
_IBAN: Final = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}")
_DPI: Final = 200


# Out


def write_docile(pages: Iterable[LabelledPage], folder: Path) -> int:
    """``annotations/``, ``ocr/``, ``pdfs/`` and an index a split: ``train.json``, ``val.json``, ``test.json``.

    A PDF is made of the page images; JPEG files go into it as they are. Line items go on over pages.

    Lossy: six entity types have no field type (DOCUMENT_TYPE, which goes into the metadata, DELIVERY_DATE,
    PRECEDING_INVOICE_NUMBER, DISCOUNT_AMOUNT, CHARGE_AMOUNT, PAYMENT_METHOD); values, tax lines, the order of words
    within a value and most of the provenance have no place.

    Returns:
        Number of pages.

    Source:
        Šimsa et al., DocILE Benchmark, 2023; ``docile.dataset`` of the package docile-benchmark 0.3.5
    """
    for name in ("annotations", "ocr", "pdfs"):
        (folder / name).mkdir()
    indexes: dict[str, list[str]] = {}
    clusters: dict[str, int] = {}
    count = 0
    for document in documents_of(pages):
        found = [one.page for one in document]
        doc_id = file_stem(found[0])
        cluster = clusters.setdefault(found[0].provenance.split_group, len(clusters))
        _write(folder / "annotations" / f"{doc_id}.json", to_docile(found, cluster))
        _write(folder / "ocr" / f"{doc_id}.json", {"pages": [_ocr(page) for page in found]})
        (folder / "pdfs" / f"{doc_id}.pdf").write_bytes(_pdf(document))
        indexes.setdefault(_SPLIT_FILES[found[0].split], []).append(doc_id)
        count += len(document)
    for name, ids in indexes.items():
        _write(folder / f"{name}.json", ids)
    return count


def to_docile(pages: Sequence[Page], cluster_id: int = 0) -> dict[str, Any]:
    """The annotation of one document from its pages; boxes are shares of the page, from its top left.

    Args:
        pages: All pages of the document, in order.
        cluster_id: Number of its layout among those of the dataset.
    """
    gross = _prices_with_tax(pages)
    numbers: dict[str, int] = {}
    fields: list[dict[str, Any]] = []
    items: list[dict[str, Any]] = []
    headers: list[dict[str, Any]] = []
    for page in pages:
        line_of = {m: r.id for r in page.relations if r.type == "line_item" for m in r.members}
        taxed = {m for r in page.relations if r.type == "tax_line" for m in r.members}
        for entity in page.entities:
            fieldtype = field_type(
                entity.type, entity.value or entity.text, in_tax_line=entity.id in taxed, gross=gross
            )
            if fieldtype is None:
                continue
            record = _field(page, entity.words, fieldtype)
            if entity.type.startswith("ITEM_"):
                line = line_of.get(entity.id, f"{page.page}/{entity.id}")
                items.append(record | {"line_item_id": numbers.setdefault(line, len(numbers) + 1)})
            else:
                fields.append(record)
        for table in page.tables:
            for cell in table.cells:
                column = table.columns[cell["column"]].get("entity")
                if table.rows[cell["row"]]["kind"] == "header" and column is not None and cell["words"]:
                    fieldtype = _column_type(column, gross=gross)
                    headers.append(_field(page, cell["words"], fieldtype) | {"line_item_id": 0})
    first = pages[0]
    return {
        "field_extractions": fields,
        "line_item_extractions": items,
        "line_item_headers": headers,
        "metadata": {
            "page_count": len(pages),
            "cluster_id": cluster_id,
            "page_sizes_at_200dpi": [_size_at_200dpi(page) for page in pages],
            "document_type": _TYPES[first.document_type],
            "currency": "other"
            if first.provenance.currency == "XXX"
            else first.provenance.currency.casefold(),
            "language": first.provenance.locale.split("_")[0],
            "source": "invoicegen",
            "original_filename": first.doc_id,
            "page_to_table_grid": {
                str(page.page): _grid(page, page.tables[0], gross=gross) for page in pages if page.tables
            },
        },
    }


def _size_at_200dpi(page: Page) -> tuple[int, int]:
    """Width and height in pixels of the page as DocILE's package renders it from the PDF."""
    scale = _DPI / (page.provenance.dpi or _DPI)
    return max(round(page.width * scale), 1), max(round(page.height * scale), 1)


def field_type(entity_type: str, value: str, *, in_tax_line: bool, gross: bool) -> str | None:
    """DocILE's name for an entity; None where it has none.

    Args:
        entity_type: Of the taxonomy.
        value: Its value, or its text: tells an IBAN from a local account number, a rate from an amount.
        in_tax_line: Whether a tax amount stands beside its rate, not among the totals.
        gross: Whether the prices of items hold the tax.
    """
    value = re.sub(r"\s", "", value).upper()
    match entity_type:
        case "TAX_AMOUNT":
            return "tax_detail_tax" if in_tax_line else "amount_total_tax"
        case "BANK_ACCOUNT":
            return "iban" if _IBAN.fullmatch(value) else "account_num"
        case "BANK_CODE":
            return "bic" if _BIC.fullmatch(value) else "bank_num"
        case "ITEM_DISCOUNT":
            return "line_item_discount_rate" if "%" in value else "line_item_discount_amount"
        case "ITEM_UNIT_PRICE" | "ITEM_AMOUNT":
            return _column_type(entity_type, gross=gross)
    return _PLAIN.get(entity_type)


def _column_type(entity_type: str, *, gross: bool) -> str:
    """Field type of a column of the line-item table."""
    end = "gross" if gross else "net"
    by_type = {
        "ITEM_UNIT_PRICE": f"line_item_unit_price_{end}",
        "ITEM_AMOUNT": f"line_item_amount_{end}",
        "ITEM_DISCOUNT": "line_item_discount_amount",
    }
    return by_type.get(entity_type) or _PLAIN.get(entity_type, "")


def _prices_with_tax(pages: Sequence[Page]) -> bool:
    """Whether the rows add up to the total with tax and not to the subtotal; unknown counts as net."""

    def amounts(name: str) -> list[Decimal]:
        return [
            Decimal(entity.value)
            for page in pages
            for entity in page.entities
            if entity.type == name and entity.value is not None and entity.occurrence == "primary"
        ]

    rows = sum(amounts("ITEM_AMOUNT"), Decimal(0))
    return rows in amounts("TOTAL_AMOUNT") and rows not in amounts("SUBTOTAL_AMOUNT")


def _shares(page: Page, box: Sequence[float]) -> list[float]:
    x0, y0, x1, y1 = box
    return [x0 / page.width, y0 / page.height, x1 / page.width, y1 / page.height]


def _field(page: Page, words: Sequence[int], fieldtype: str) -> dict[str, Any]:
    return {
        "bbox": _shares(page, union([page.words[i].box for i in words])),
        "page": page.page,
        "text": " ".join(page.words[i].text for i in words),
        "fieldtype": fieldtype,
    }


def _grid(page: Page, table: TableRegion, *, gross: bool) -> dict[str, Any]:
    return {
        "bbox": _shares(page, table.box),
        "rows": [
            {
                "top": row["y0"] / page.height,
                "bottom": row["y1"] / page.height,
                "row_type": _ROWS.get(row["kind"], "unknown"),
            }
            for row in table.rows
        ],
        "columns": [
            {
                "left": column["x0"] / page.width,
                "right": column["x1"] / page.width,
                "column_type": _column_type(column.get("entity", ""), gross=gross),
            }
            for column in table.columns
        ],
        "missing_columns": False,
        "missing_second_table_on_page": False,
        "table_border_type": "unknown",
        "table_structure": "normal",
    }


def _ocr(page: Page) -> dict[str, Any]:
    """Words as docTR exports them, in one block; their boxes are tight already, so they are the snapped ones too."""
    lines: dict[int | None, list[Word]] = {}
    for word in page.words:
        lines.setdefault(word.line_id, []).append(word)

    def corners(box: Sequence[float]) -> list[list[float]]:
        x0, y0, x1, y1 = _shares(page, box)
        return [[x0, y0], [x1, y1]]

    def one(word: Word) -> dict[str, Any]:
        place = corners(word.box)
        confidence = {} if word.confidence is None else {"confidence": word.confidence}
        return {"value": word.text, "geometry": place, "snapped_geometry": place} | confidence

    blocks = []
    if lines:
        around = corners(union([word.box for word in page.words]))
        made = [
            {"geometry": corners(union([word.box for word in line])), "words": [one(word) for word in line]}
            for line in lines.values()
        ]
        blocks = [{"geometry": around, "lines": made, "artefacts": []}]
    return {"page_idx": page.page, "dimensions": [page.height, page.width], "blocks": blocks}


def _pdf(document: Sequence[LabelledPage]) -> bytes:
    """A PDF of the page images, a page each, of a whole number of pixels at 200 dpi."""
    import io

    import pypdfium2 as pdfium
    from PIL import Image

    with ExitStack() as stack:
        pdf = pdfium.PdfDocument.new()
        stack.callback(pdf.close)
        for one in document:
            # A hair less than so many whole pixels: poppler rounds sizes up.
            width, height = ((size - 0.01) * 72 / _DPI for size in _size_at_200dpi(one.page))
            data = one.read_image()
            image = pdfium.PdfImage.new(pdf)
            if data.startswith(b"\xff\xd8"):
                image.load_jpeg(io.BytesIO(data), inline=True)
            else:
                with Image.open(io.BytesIO(data)) as picture:
                    bitmap = pdfium.PdfBitmap.from_pil(picture.convert("RGB"))
                image.set_bitmap(bitmap)
                bitmap.close()
            image.set_matrix(pdfium.PdfMatrix().scale(width, height))
            page = pdf.new_page(width, height)
            page.insert_obj(image)
            page.gen_content()
            page.close()
        buffer = io.BytesIO()
        pdf.save(buffer)
        return buffer.getvalue()


def _write(path: Path, record: Any) -> None:
    path.write_text(json.dumps(record, ensure_ascii=False), encoding="utf-8")


# In


_Box = Annotated[list[float], Field(min_length=4, max_length=4)]


class _Field(Foreign):
    bbox: _Box
    page: int
    fieldtype: str
    text: str | None = None
    line_item_id: int | None = None


class _Row(Foreign):
    top: float
    bottom: float
    row_type: str


class _Column(Foreign):
    left: float
    right: float
    column_type: str = ""


class _Grid(Foreign):
    bbox: _Box
    rows: list[_Row]
    columns: list[_Column]


class _Metadata(Foreign):
    page_count: int
    cluster_id: int | None = None
    document_type: str | None = None
    currency: str | None = None
    language: str | None = None
    page_to_table_grid: dict[str, _Grid | None] = Field(default_factory=dict)


class _Annotation(Foreign):
    field_extractions: list[_Field]
    line_item_extractions: list[_Field]
    line_item_headers: list[_Field] = Field(default_factory=list)
    metadata: _Metadata


class _OcrWord(Foreign):
    value: str
    geometry: Annotated[list[Annotated[list[float], Field(min_length=2, max_length=2)]], Field(min_length=2)]
    confidence: float | None = None


class _OcrLine(Foreign):
    words: list[_OcrWord]


class _OcrBlock(Foreign):
    lines: list[_OcrLine]


class _OcrPage(Foreign):
    blocks: list[_OcrBlock]


class _Ocr(Foreign):
    pages: list[_OcrPage]


def read_docile(path: Path, options: ReadOptions, labels: LabelMap) -> list[DraftPage]:
    """Documents of an unpacked DocILE dataset.

    Words are those of ``ocr/``, or of the PDF's text layer where there is no such file. A value is the words whose
    middle lies in its box, and of them those that spell its text where some do; where there are none in the box, its
    text is cut to words over it. BIO has one label a word: where two values claim it, the one of fewer words has it, of
    equal ones a total before what is due, then the order of the taxonomy. Rows and columns of the table grid give the
    cells; where there is no grid, the headers alone are known. Documents of one cluster stay together in one split.

    Args:
        path: The folder that has ``annotations``, ``pdfs``, ``ocr`` and the indexes of the splits.
        options: ``dpi`` at which pages are rendered.
        labels: What field types mean.

    Raises:
        InterchangeError: If a document cannot be taken over.
    """
    if not (path / "annotations").is_dir():
        raise InterchangeError(f"{path}: has no folder annotations; unpack the dataset, and name its folder")
    splits = _splits(path)
    files = sorted((path / "annotations").glob("*.json"))
    if not files:
        raise InterchangeError(f"{path / 'annotations'}: no *.json in it")
    return [
        draft
        for file in files
        if not splits or file.stem in splits
        for draft in _document(path, file, splits.get(file.stem), options, labels)
    ]


def _splits(path: Path) -> dict[str, Split | None]:
    """Split of each document that an index names; none if there is no index."""
    found: dict[str, Split | None] = {}
    for split, name in _SPLIT_FILES.items():
        file = path / f"{name}.json"
        if not file.is_file():
            continue
        ids = read_json(file)
        if not isinstance(ids, list):
            raise InterchangeError(f"{file}: is no list of document ids")
        for doc_id in ids:
            if not (path / "annotations" / f"{doc_id}.json").is_file():
                raise InterchangeError(
                    f"{file}: document {doc_id!r} has no annotations/{doc_id}.json; add it, or leave it out"
                )
            found[doc_id] = split
    return found


def _document(
    path: Path, file: Path, split: Split | None, options: ReadOptions, labels: LabelMap
) -> list[DraftPage]:
    record = validate(_Annotation, read_json(file), str(file))
    pictures, layers = _pages(path / "pdfs" / f"{file.stem}.pdf", str(file), options.dpi)
    count = record.metadata.page_count
    if len(pictures) != count:
        raise InterchangeError(
            f"{file}: metadata.page_count is {count}, the PDF has {len(pictures)} pages; is it the right one?"
        )
    ocr = path / "ocr" / f"{file.stem}.json"
    words, engine = (
        (_ocr_words(ocr, pictures), "docile") if ocr.is_file() else (_text(file, layers), "pdf_text")
    )
    entities = _entities(file, record, words, pictures, labels)
    types: dict[str, DocumentType] = {name: kind for kind, name in _TYPES.items()}
    meta = record.metadata
    drafts = []
    for page in range(count):
        found = entities[page]
        grid = meta.page_to_table_grid.get(str(page))
        headers, cells = (
            (_headers(record, page, words[page], pictures[page]), [])
            if grid is None
            else _cells(grid, words[page], pictures[page], found, _column_types(file, grid, labels))
        )
        drafts.append(
            DraftPage(
                where=f"{file}, page {page}",
                source="docile",
                doc_id=file.stem,
                picture=pictures[page],
                words=words[page],
                entities=found,
                page=page,
                page_count=count,
                groups={one.group: "line_item" for one in found if one.group},
                header_words=headers,
                cells=cells,
                split=split,
                split_group=None if meta.cluster_id is None else f"docile/cluster-{meta.cluster_id}",
                document_type=types.get(meta.document_type or "", "invoice"),
                locale=meta.language,
                currency=meta.currency.upper() if meta.currency and len(meta.currency) == 3 else None,
                ocr={"engine": engine, "version": ""},
            )
        )
    return drafts


def _pages(pdf: Path, where: str, dpi: int) -> tuple[list[Picture], list[list[Word] | None]]:
    """Pages of the PDF as PNG, and the words of their text layers."""
    from invoicegen.images import encode_image
    from invoicegen.ocr.documents import DocumentError, open_document

    def render(number: int) -> bytes:
        with open_document(pdf, dpi=dpi) as document:
            page = document.pages[number]
            return encode_image(page.image, "png", 100, round(page.dpi or dpi))

    try:
        with open_document(pdf, dpi=dpi) as document:
            layers = [page.text_words for page in document]
        pictures = [
            check_picture(partial(render, number), f"{pdf}, page {number}") for number in range(len(layers))
        ]
    except DocumentError as error:
        raise InterchangeError(f"{where}: {error}") from None
    return pictures, layers


def _text(file: Path, layers: Sequence[list[Word] | None]) -> list[list[Word]]:
    if missing := [number for number, layer in enumerate(layers) if layer is None]:
        raise InterchangeError(
            f"{file}: no ocr/{file.stem}.json, and the PDF has no text on pages {missing}; add the OCR of the dataset"
        )
    return [list(layer) for layer in layers if layer is not None]


def _ocr_words(file: Path, pictures: Sequence[Picture]) -> list[list[Word]]:
    record = validate(_Ocr, read_json(file), str(file))
    if len(record.pages) != len(pictures):
        raise InterchangeError(
            f"{file}: has {len(record.pages)} pages, the PDF {len(pictures)}; add the OCR of every page"
        )
    found = []
    for page, picture in zip(record.pages, pictures, strict=True):
        words = [word for block in page.blocks for line in block.lines for word in line.words]
        found.append(
            [
                Word(
                    text=word.value,
                    box=_pixels(
                        [
                            min(x for x, _ in word.geometry),
                            min(y for _, y in word.geometry),
                            max(x for x, _ in word.geometry),
                            max(y for _, y in word.geometry),
                        ],
                        picture,
                    ),
                    source="ocr",
                    confidence=word.confidence,
                )
                for word in words
            ]
        )
    return found


def _pixels(box: Sequence[float], picture: Picture) -> list[float]:
    x0, y0, x1, y1 = box
    return [x0 * picture.width, y0 * picture.height, x1 * picture.width, y1 * picture.height]


def _entities(
    file: Path,
    record: _Annotation,
    words: list[list[Word]],
    pictures: Sequence[Picture],
    labels: LabelMap,
) -> list[list[DraftEntity]]:
    """Values of each page; adds to ``words`` those that only the annotation has."""
    claims: list[list[DraftEntity]] = [[] for _ in words]
    named = [
        *((f"field_extractions {i}", one) for i, one in enumerate(record.field_extractions, 1)),
        *((f"line_item_extractions {i}", one) for i, one in enumerate(record.line_item_extractions, 1)),
    ]
    for place, one in named:
        where = f"{file}, {place} ({one.fieldtype})"
        name = labels(one.fieldtype, where)
        if not 0 <= one.page < len(words):
            raise InterchangeError(f"{where}: is on page {one.page} of {len(words)}; pages count from 0")
        x0, y0, x1, y1 = one.bbox
        slack = 0.002
        if not (-slack <= x0 <= x1 <= 1 + slack and -slack <= y0 <= y1 <= 1 + slack):
            raise InterchangeError(
                f"{where}: bbox {one.bbox} is off the page; boxes are left, top, right, bottom from 0 to 1"
            )
        if name == OUTSIDE:
            continue
        box = _pixels(one.bbox, pictures[one.page])
        inside = _spelling(one.text, words_inside(words[one.page], box), words[one.page])
        if not inside:
            inside = _printed(where, one, box, words[one.page])
        item = name.startswith("ITEM_") and one.line_item_id is not None
        claims[one.page].append(DraftEntity(name, inside, f"line-{one.line_item_id}" if item else None))
    return [_settled(one, labels.known) for one in claims]


def _spelling(text: str | None, inside: list[int], words: Sequence[Word]) -> list[int]:
    """Those of the words in a box that spell its text, in its order; all of them if they do not."""
    wanted = (text or "").split()
    found: list[int] = []
    for i in inside:
        if len(found) < len(wanted) and words[i].text == wanted[len(found)]:
            found.append(i)
    return found if wanted and len(found) == len(wanted) else inside


def _printed(where: str, one: _Field, box: Sequence[float], words: list[Word]) -> list[int]:
    texts = (one.text or "").split()
    if not texts:
        raise InterchangeError(f"{where}: holds no word and has no text; draw it around what it means")
    start = len(words)
    words += cut_words(texts, box_to_quad(box))
    return list(range(start, len(words)))


def _settled(claims: Sequence[DraftEntity], known: LabelSet) -> list[DraftEntity]:
    """Values that share no word; what loses all its words is gone."""

    def rank(place: int) -> tuple[int, bool, int]:
        one = claims[place]
        return len(one.words), one.type == "AMOUNT_DUE", known.entity_types.index(one.type)

    taken: set[int] = set()
    kept: dict[int, DraftEntity] = {}
    for place in sorted(range(len(claims)), key=rank):
        one = claims[place]
        words = [i for i in one.words if i not in taken]
        taken.update(words)
        if words:
            kept[place] = DraftEntity(one.type, words, one.group)
    return [kept[place] for place in sorted(kept)]


def _headers(record: _Annotation, page: int, words: Sequence[Word], picture: Picture) -> list[list[int]]:
    """Words of the column headers of a page without a table grid, header by header."""
    boxes = [_pixels(one.bbox, picture) for one in record.line_item_headers if one.page == page]
    return [words_inside(words, box) for box in boxes]


def _column_types(file: Path, grid: _Grid, labels: LabelMap) -> list[str]:
    return [
        labels(one.column_type, f"{file}, column {i} of a table grid") if one.column_type else OUTSIDE
        for i, one in enumerate(grid.columns, 1)
    ]


def _cells(
    grid: _Grid,
    words: Sequence[Word],
    picture: Picture,
    entities: Sequence[DraftEntity],
    column_types: Sequence[str],
) -> tuple[list[list[int]], list[list[int]]]:
    """Words of the header cells and of the data cells of the table, cell by cell.

    A row that is merged upwards or downwards belongs to its neighbour. Where columns overlap, a value is in the one of
    its type, and other words are in the narrowest.
    """
    owner = list(range(len(grid.rows)))
    for i, row in enumerate(grid.rows):
        if row.row_type == "up-merge" and i > 0:
            owner[i] = owner[i - 1]
    for i in reversed(range(len(grid.rows) - 1)):
        if grid.rows[i].row_type == "down-merge":
            owner[i] = owner[i + 1]
    type_of = {place: one.type for one in entities for place in one.words}
    found: Mapping[str, dict[tuple[int, int], list[int]]] = {"header": {}, "data": {}}
    for place, word in enumerate(words):
        x = (word.box[0] + word.box[2]) / 2 / picture.width
        y = (word.box[1] + word.box[3]) / 2 / picture.height
        down = next((i for i, one in enumerate(grid.rows) if one.top <= y <= one.bottom), None)
        across = [
            (name != type_of.get(place, OUTSIDE), one.right - one.left, i)
            for i, (one, name) in enumerate(zip(grid.columns, column_types, strict=True))
            if one.left <= x <= one.right
        ]
        if down is None or not across:
            continue
        kind = grid.rows[owner[down]].row_type
        if kind in found:
            found[kind].setdefault((owner[down], min(across)[-1]), []).append(place)
    return list(found["header"].values()), list(found["data"].values())
