"""The stage of electronic invoices, run by Kedro."""

import io
import json

import facturx
import pyarrow.parquet as pq
import pytest

from invoicegen.einvoice import broken_rules


def made(project):
    files = sorted(project.data("02_intermediate/einvoices").rglob("*.parquet"))
    return [row for file in files for row in pq.read_table(file).to_pylist()]


def refusals(project):
    files = sorted(project.data("08_reporting/einvoice_refusals").rglob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


@pytest.mark.parametrize("form", ["factur-x", "ubl"])
def test_every_document_has_an_electronic_invoice_or_a_list_of_what_it_lacks(project, form):
    params = f"generate.einvoice={form}"
    project.run("synthesis", params)
    done = project.run("einvoices", params)
    written, refused = made(project), refusals(project)
    assert len(written) >= 5
    assert len(written) + len(refused) == 30
    assert f"{len(written)} electronic invoices written" in done.stdout + done.stderr
    assert all(item["missing"] for item in refused)
    for row in written[:3]:
        if form == "ubl":
            assert broken_rules(row["content"], "ubl") == []
        else:
            name, xml = facturx.get_xml_from_pdf(io.BytesIO(row["content"]))
            assert name == "factur-x.xml"
            assert broken_rules(xml, "cii") == []
    again = project.run("einvoices", params)
    assert "3 of 3 shards are finished already" in again.stdout + again.stderr


def test_terms_stand_beside_every_record(generated):
    files = sorted(generated.data("02_intermediate/invoices").rglob("*.jsonl"))
    records = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    assert len(records) == 30
    assert all(record["business_terms"]["BT-1"] == record["invoice"]["number"] for record in records)
    assert not list(generated.data("02_intermediate/einvoices").rglob("*.parquet"))
