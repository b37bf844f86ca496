"""Document to words, model, entities, fields and line items, with the checks that say which values to trust."""

from invoicegen.extraction.api import ExtractionError, Extractor, load_extractor
from invoicegen.extraction.assemble import Extraction, assemble
from invoicegen.extraction.checks import Check
from invoicegen.extraction.duplicates import DuplicateFinder
from invoicegen.extraction.extractor import extract_documents, extract_file, extract_files, find_documents
from invoicegen.extraction.hints import DocumentHints, infer_hints
from invoicegen.extraction.line_items import FieldValue, rebuild_line_items
from invoicegen.extraction.options import ExtractOptions
from invoicegen.extraction.records import DocumentRecord, ErrorRecord
from invoicegen.extraction.segmentation import split_pages
from invoicegen.extraction.values import normalise_value

__all__ = [
    "Check",
    "DocumentHints",
    "DocumentRecord",
    "DuplicateFinder",
    "ErrorRecord",
    "ExtractOptions",
    "Extraction",
    "ExtractionError",
    "Extractor",
    "FieldValue",
    "assemble",
    "extract_documents",
    "extract_file",
    "extract_files",
    "find_documents",
    "infer_hints",
    "load_extractor",
    "normalise_value",
    "rebuild_line_items",
    "split_pages",
]
