"""The page as people use it: Chromium, the real service, the model of the package."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from chromium import SIZES
from service import Service

from invoicegen.interchange import ReadOptions, read_annotations

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from invoicegen.serving.keys import KeyStore


@pytest.fixture(params=[("desktop", "light"), ("phone", "dark")], ids=["desktop", "phone"])
def page(
    chromium: Browser, service: Service, keys: KeyStore, request: pytest.FixtureRequest
) -> Iterator[Page]:
    """The page with a key; a request that leaves the service, or an error in the console, fails the test."""
    size, scheme = request.param
    context = chromium.new_context(viewport=SIZES[size], color_scheme=scheme, accept_downloads=True)
    page = context.new_page()
    page.set_default_timeout(120_000)
    asked: list[str] = []
    errors: list[str] = []
    page.on("request", lambda sent: asked.append(sent.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    refused = "Failed to load resource: the server responded with a status of 415 (Unsupported Media Type)"
    page.goto(service.url)
    _, token = keys.create("page", frozenset({"extract"}))
    page.get_by_text("API key").click()
    page.get_by_label("Key", exact=True).fill(token)
    yield page
    context.close()
    assert [url for url in asked if not url.startswith((service.url, "data:", "blob:"))] == []
    assert [error for error in errors if error != refused] == []


@pytest.fixture
def reviewed(page: Page, scan: bytes) -> Page:
    """The page with a scan that was read."""
    page.get_by_label("choose a file").set_input_files(
        {"name": "my scan.jpg", "mimeType": "image/jpeg", "buffer": scan}
    )
    page.get_by_role("heading", name="my scan.jpg").wait_for()
    return page


def field(page: Page, name: str) -> Any:
    return page.locator(f".row[data-type={name}]").first


def download(page: Page, button: str) -> bytes:
    with page.expect_download() as waited:
        page.get_by_role("button", name=button, exact=True).click()
    return Path(waited.value.path()).read_bytes()


def test_the_page_is_for_everyone(page, scan, axe_violations):
    assert axe_violations(page) == []
    page.get_by_label("choose a file").set_input_files(
        {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"nothing to read" * 100}
    )
    page.get_by_role("alert").get_by_text("Unsupported media type").wait_for()
    page.get_by_label("choose a file").set_input_files(
        {"name": "my scan.jpg", "mimeType": "image/jpeg", "buffer": scan}
    )
    page.get_by_role("heading", name="my scan.jpg").wait_for()
    assert axe_violations(page) == []
    field(page, "INVOICE_NUMBER").get_by_role("button", name="Choose the words").click()
    assert axe_violations(page) == []
    widths = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert widths[0] == widths[1]


def test_values_and_their_places_find_each_other(reviewed):
    number = field(reviewed, "INVOICE_NUMBER")
    box = reviewed.locator(".box[data-type=INVOICE_NUMBER]").first
    assert "selected" not in box.get_attribute("class")
    number.get_by_role("button", name="Find invoice number").click()
    assert "selected" in box.get_attribute("class")
    shown = box.bounding_box()
    view = reviewed.viewport_size
    assert 0 <= shown["y"] <= view["height"]
    reviewed.locator(".box[data-type=INVOICE_DATE]").first.click()
    assert "selected" in field(reviewed, "INVOICE_DATE").get_attribute("class")
    assert "selected" not in box.get_attribute("class")
    reviewed.locator("td[data-type=ITEM_AMOUNT] input").first.focus()
    assert "selected" in reviewed.locator(".box[data-type=ITEM_AMOUNT]").first.get_attribute("class")
    failed = reviewed.locator("#checks .failed, #checks .passed, #checks .not-run")
    assert failed.count() > 3


def test_corrections_are_saved_and_can_be_undone_with_the_keyboard(reviewed):
    number = field(reviewed, "INVOICE_NUMBER").get_by_role("textbox")
    assert number.input_value() == "INV-2026-00042"
    number.fill("INV-2026-00043")
    number.press("Tab")
    saved = json.loads(download(reviewed, "JSON"))
    (first, *_) = saved["fields"]["INVOICE_NUMBER"]
    assert (first["value"], first["text"], first["corrected"]) == ("INV-2026-00043", "INV-2026-00042", True)
    assert "page_images" not in saved
    rows = list(csv.DictReader(io.StringIO(download(reviewed, "CSV").decode())))
    assert ("", "INVOICE_NUMBER", "INV-2026-00043") in {(r["line_item"], r["name"], r["value"]) for r in rows}
    assert {row["line_item"] for row in rows} > {"", "1"}
    reviewed.keyboard.press("Control+z")
    assert number.input_value() == "INV-2026-00042"
    reviewed.keyboard.press("Control+Shift+Z")
    assert number.input_value() == "INV-2026-00043"
    field(reviewed, "INVOICE_NUMBER").get_by_role("button", name="Remove").click()
    assert field(reviewed, "INVOICE_NUMBER").count() == 0
    reviewed.get_by_role("button", name="Undo").click()
    assert number.input_value() == "INV-2026-00043"


def test_a_review_becomes_training_data(reviewed, tmp_path):
    reviewed.get_by_label("Missing value").select_option("PAYMENT_TERMS")
    reviewed.get_by_role("button", name="Add", exact=True).click()
    for word in ("Hex", "bolt"):  # what a person says is so
        box = reviewed.get_by_role("checkbox", name=word, exact=True)
        box.focus()
        reviewed.keyboard.press("Space")
        assert reviewed.get_by_role("checkbox", name=word, exact=True).get_attribute("aria-checked") == "true"
    assert field(reviewed, "PAYMENT_TERMS").get_by_role("textbox").input_value() == "Hex bolt"
    archive = zipfile.ZipFile(io.BytesIO(download(reviewed, "Annotations")))
    assert archive.testzip() is None
    assert archive.namelist() == ["annotations/my-scan-1.json", "images/my-scan-1.jpg"]
    archive.extractall(tmp_path)
    pages, notes = read_annotations(tmp_path, "funsd", ReadOptions())
    (read,) = pages
    texts = {entity.type: entity.text for entity in read.page.entities}
    assert texts["INVOICE_NUMBER"] == "INV-2026-00042"
    assert texts["PAYMENT_TERMS"] == "Hex bolt"
    lines = [relation for relation in read.page.relations if relation.type == "line_item"]
    assert lines
    assert notes == []
    assert read.page.provenance.label_source == "human"
