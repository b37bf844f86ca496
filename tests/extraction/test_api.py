"""Extraction from Python."""

import subprocess
import sys

import pypdfium2 as pdfium
import pytest

from invoicegen import load_extractor
from invoicegen.extraction.api import ExtractionError
from invoicegen.modeling import ModelFolderError


@pytest.fixture(scope="module")
def extractor(untrained_model):
    return load_extractor(untrained_model)


def test_a_document_is_read(extractor, invoice_pdf):
    record = extractor.extract(invoice_pdf)
    assert record["file"] == str(invoice_pdf)
    assert [page["engine"] for page in record["pages"]] == ["pdf_text", "pdf_text"]
    assert {check["status"] for check in record["checks"]} <= {"ok", "failed", "not_applicable"}


def test_a_document_that_cannot_be_read_raises(extractor, tmp_path):
    (tmp_path / "empty.pdf").write_bytes(b"")
    with pytest.raises(ExtractionError, match=r"empty\.pdf: the file is empty"):
        extractor.extract(tmp_path / "empty.pdf")


def test_many_documents_go_on_past_a_bad_one(extractor, invoice_pdf, tmp_path):
    (tmp_path / "a.pdf").write_bytes(b"")
    (tmp_path / "b.pdf").write_bytes(invoice_pdf.read_bytes())
    first, second = extractor.extract_many([tmp_path])
    assert set(first) == {"file", "error"}
    assert second["checks"][-1]["rule"] == "not twice in the batch"


def test_the_electronic_invoice_in_a_pdf_goes_first(extractor, invoice_pdf, tmp_path):
    xml = (
        b"<CrossIndustryInvoice><ExchangedDocument><ID>R-99</ID><TypeCode>381</TypeCode></ExchangedDocument>"
        b"</CrossIndustryInvoice>"
    )
    with pdfium.PdfDocument(invoice_pdf) as pdf:
        pdf.new_attachment("factur-x.xml").set_data(xml)
        pdf.save(tmp_path / "hybrid.pdf")
    record = extractor.extract(tmp_path / "hybrid.pdf")
    assert (record["embedded_xml"], record["document_type"]) == ("factur-x.xml", "credit_note")
    assert record["fields"]["INVOICE_NUMBER"][0]["value"] == "R-99"
    assert "embedded_xml" not in extractor.extract(invoice_pdf)


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(ModelFolderError):
        load_extractor(tmp_path)


def test_the_package_is_quick_to_import():
    code = "import sys, invoicegen\nprint(sorted({'numpy', 'pydantic', 'torch'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
