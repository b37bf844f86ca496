"""Factur-X files: the pages of the document, its invoice inside, the marks of PDF/A-3."""

import datetime as dt
import re
from pathlib import Path

import facturx
import numpy as np
import pypdfium2 as pdfium
import pytest
import yaml

from invoicegen.rendering import RenderingError, render_document, render_factur_x

ROOT = Path(__file__).parents[2]
HTML = (
    '<html xmlns="http://www.w3.org/1999/xhtml"><head><style>'
    "@page { size: A4; margin: 20mm } body { font-family: 'DejaVu Sans'; color: #123456 }"
    '</style></head><body><h1 data-entity="INVOICE_NUMBER" data-field="number">R-1</h1>'
    "<p>Betrag: 43,43 €</p></body></html>"
)
XML = b"<?xml version='1.0' encoding='UTF-8'?>\n<a>\xc3\xa9</a>"
DAY = dt.date(2026, 3, 1)


@pytest.fixture(scope="module")
def file():
    return render_factur_x(HTML, XML, DAY)


def test_the_invoice_is_inside(file):
    document = pdfium.PdfDocument(file)
    assert document.count_attachments() == 1
    attachment = document.get_attachment(0)
    assert attachment.get_name() == "factur-x.xml"
    assert bytes(attachment.get_data()) == XML


def test_the_pages_are_those_of_the_document(file):
    plain, hybrid = (
        pdfium.PdfDocument(pdf)[0].render(scale=2).to_numpy() for pdf in (render_document(HTML).pdf, file)
    )
    assert np.array_equal(plain, hybrid)


def test_metadata_say_pdf_a_3b_and_factur_x_in_one_rdf(file):
    from io import BytesIO

    from pypdf import PdfReader

    reader = PdfReader(BytesIO(file))
    xmp = reader.trailer["/Root"]["/Metadata"].get_object().get_data().decode()
    assert len(re.findall(r"<rdf:RDF[ >]", xmp)) == 1
    assert re.search(r'pdfaid:part="3"', xmp)
    assert re.search(r'pdfaid:conformance="B"', xmp)
    for value in ("INVOICE", "factur-x.xml", "1.0", "EN 16931"):
        assert f">{value}</" in xmp
    assert "pdfaExtension" in xmp
    root = reader.trailer["/Root"]
    assert root["/OutputIntents"][0].get_object()["/S"] == "/GTS_PDFA1"
    assert root["/AF"][0].get_object()["/AFRelationship"] == "/Data"
    assert reader.trailer["/ID"]


def test_the_reference_library_takes_it_for_factur_x(written_facturx):
    name, xml = facturx.get_xml_from_pdf(written_facturx[0])
    assert (name, xml) == ("factur-x.xml", written_facturx[1])
    assert facturx.get_level(facturx.facturx.etree.fromstring(xml)) == "en16931"


def test_the_same_document_gives_the_same_bytes(file):
    assert render_factur_x(HTML, XML, DAY) == file


def test_broken_xhtml_is_named():
    with pytest.raises(RenderingError, match="not well-formed"):
        render_factur_x("<html><body>", XML, DAY)


@pytest.fixture(scope="module")
def written_facturx():
    from invoicegen.einvoice import RefusedError, write_einvoice
    from invoicegen.pipelines.options import GenerateOptions
    from invoicegen.synthesis import synthesise
    from invoicegen.templates import compose, plan_document

    parameters = yaml.safe_load((ROOT / "conf/base/parameters_generate.yml").read_text())["generate"]
    options = GenerateOptions.model_validate(parameters | {"locales": {"de_DE": 1}})
    for index in range(50):
        plan = plan_document(index, options)
        invoice = synthesise(plan)
        try:
            xml = write_einvoice(invoice, "cii")
        except RefusedError:
            continue
        return render_factur_x(compose(invoice, plan), xml, invoice.issue_date), xml
    raise AssertionError("none of 50 documents has the terms")
