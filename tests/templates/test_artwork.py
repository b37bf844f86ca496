"""Codes are read back from the rendered page; marks are drawn and differ."""

from __future__ import annotations

import numpy as np
import pytest
import zxingcpp
from markupsafe import Markup

from invoicegen.rendering import rasterise, render_document
from invoicegen.schema.invoice import Invoice
from invoicegen.synthesis import synthesise
from invoicegen.templates import PlanOptions, plan_document
from invoicegen.templates.artwork import bar_code, epc_payload, logo, qr_code

FAMILIES = ("modern", "classic", "receipt")


def page(body: Markup) -> np.ndarray:
    style = "<style>@page{size:100mm;margin:10mm}body{margin:0}</style>"
    rendered = render_document(f"<html><head>{style}</head><body>{body}</body></html>")
    assert rendered.pages[0].words == []
    return rasterise(rendered.pdf, 0, 150)


@pytest.mark.parametrize(
    "payload", ["https://example.org/r/123456", "BCD\n002\n1\nSCT\n\nMüller & Söhne\nDE"]
)
def test_a_qr_code_says_its_payload(payload: str) -> None:
    (found,) = zxingcpp.read_barcodes(page(qr_code(payload, 30)))
    assert found.format == zxingcpp.BarcodeFormat.QRCode
    assert found.text == payload
    assert found.bytes == payload.encode()  # a reader need not guess the encoding


@pytest.mark.parametrize("data", ["2026-000417", "981234567890", "AB-12/x"])
def test_a_bar_code_says_its_data(data: str) -> None:
    (found,) = zxingcpp.read_barcodes(page(bar_code(data, 60, 12)))
    assert found.format == zxingcpp.BarcodeFormat.Code128
    assert found.text == data


def test_logos_are_drawn_and_many() -> None:
    drawn = [logo(np.random.default_rng(seed), "#1f4e79", "#e46c0a", 15) for seed in range(60)]
    assert len(set(drawn)) >= 50
    for one in drawn[:12]:
        assert (page(one).min(axis=2) < 200).mean() > 0.001
    assert drawn[0] == logo(np.random.default_rng(0), "#1f4e79", "#e46c0a", 15)


def invoices() -> list[Invoice]:
    options = PlanOptions(
        seed=3,
        locales={"de_DE": 1, "fr_FR": 1, "en_US": 1},
        families={"modern": 1},
        kinds={"commercial_invoice": 1, "utility_bill": 1},
        engines={name: {"pdf_text": 1} for name in FAMILIES},
        presets={name: {"clean": 1} for name in FAMILIES},
    )
    return [synthesise(plan_document(index, options)) for index in range(80)]


def test_a_payment_code_repeats_the_record() -> None:
    made = [(invoice, epc_payload(invoice)) for invoice in invoices()]
    for invoice, payload in made:
        if payload is None:
            assert invoice.currency != "EUR" or not invoice.payment.iban or invoice.totals.due <= 0
            continue
        lines = payload.split("\n")
        owed = invoice.account.due if invoice.account else invoice.totals.due
        assert lines[:4] == ["BCD", "002", "1", "SCT"]
        assert lines[5:8] == [invoice.seller.name[:70], invoice.payment.iban, f"EUR{owed / 100:.2f}"]
        assert (lines[9] or lines[10]) == (invoice.payment.reference or invoice.number)
    assert sum(payload is not None for _, payload in made) >= 20
    assert any(payload is None for _, payload in made)
