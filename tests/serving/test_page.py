"""The page as people use it: Chromium, the real service, the model of the package."""

from __future__ import annotations

import csv
import io
import json
import re
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
    refused = re.compile(r"Failed to load resource: the server responded with a status of (415|422) ")
    page.goto(service.url)
    _, token = keys.create("page", frozenset({"extract"}))
    page.get_by_text("API key").click()
    page.get_by_label("Key", exact=True).fill(token)
    yield page
    context.close()
    assert [url for url in asked if not url.startswith((service.url, "data:", "blob:"))] == []
    assert [error for error in errors if not refused.match(error)] == []


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


def number_box(page: Page) -> Any:
    return page.locator(".box[data-type=INVOICE_NUMBER]").first


def saved_number(page: Page) -> dict[str, Any]:
    (first, *_) = json.loads(download(page, "JSON"))["fields"]["INVOICE_NUMBER"]
    return first


def test_boxes_are_moved_resized_and_drawn_with_the_pointer(reviewed, tmp_path):
    before = saved_number(reviewed)
    field(reviewed, "INVOICE_NUMBER").get_by_role("button", name="Find invoice number").click()
    place = number_box(reviewed).bounding_box()
    mouse = reviewed.mouse
    mouse.move(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
    mouse.down()
    mouse.move(
        place["x"] + place["width"] / 2, place["y"] + place["height"] / 2 + 8 * place["height"], steps=4
    )
    mouse.up()
    moved = saved_number(reviewed)
    assert moved["box"][1] > before["box"][1] + 100
    assert moved["box"][2] - moved["box"][0] == pytest.approx(before["box"][2] - before["box"][0], abs=0.5)
    reviewed.get_by_role("button", name="Undo").click()
    assert saved_number(reviewed) == before
    corner = number_box(reviewed).locator("[data-corner=se]").bounding_box()
    mouse.move(corner["x"] + corner["width"] / 2, corner["y"] + corner["height"] / 2)
    mouse.down()
    mouse.move(corner["x"] + corner["width"] / 2 + 5, corner["y"] + corner["height"] / 2 + 5, steps=2)
    mouse.up()
    larger = saved_number(reviewed)
    assert larger["box"][:2] == before["box"][:2]
    assert larger["box"][2] > before["box"][2]
    assert (larger["value"], larger["corrected"]) == ("INV-2026-00042", True)  # the words in it are the same
    reviewed.get_by_role("button", name="Undo").click()
    # a box over the print of another line is worth what stands there
    field(reviewed, "INVOICE_NUMBER").get_by_role("button", name="Draw the box").click()
    place_of_date = reviewed.locator(".box[data-type=INVOICE_DATE]").first
    place_of_date.scroll_into_view_if_needed()
    date = place_of_date.bounding_box()
    mouse.move(date["x"] - 2, date["y"] - 2)
    mouse.down()
    mouse.move(date["x"] + date["width"] + 2, date["y"] + date["height"] + 2, steps=3)
    mouse.up()
    assert saved_number(reviewed)["value"] == "14.10.2026"
    archive = zipfile.ZipFile(io.BytesIO(download(reviewed, "Annotations")))
    archive.extractall(tmp_path)
    (read,), _ = read_annotations(tmp_path, "funsd", ReadOptions())
    assert "14.10.2026" in [one.text for one in read.page.entities if one.type == "INVOICE_NUMBER"]
    reviewed.keyboard.press("Control+z")
    assert saved_number(reviewed) == before


def test_boxes_are_moved_resized_and_drawn_with_the_keyboard(reviewed, axe_violations):
    before = saved_number(reviewed)
    draw = field(reviewed, "INVOICE_NUMBER").get_by_role("button", name="Draw the box")
    draw.focus()
    reviewed.keyboard.press("Enter")
    assert reviewed.evaluate("document.activeElement.dataset.type") == "INVOICE_NUMBER"
    assert axe_violations(reviewed) == []
    for key in ("ArrowLeft", "ArrowUp", "Shift+ArrowRight", "Shift+ArrowDown"):
        reviewed.keyboard.press(key)
    after = saved_number(reviewed)
    x0, y0, x1, y1 = (new - old for new, old in zip(after["box"], before["box"], strict=True))
    assert x0 < 0
    assert y0 < 0
    assert (x1, y1) == pytest.approx((0, 0), abs=0.01)  # there and back
    reviewed.keyboard.press("Control+z")  # steps in a row are one
    assert saved_number(reviewed) == before
    reviewed.get_by_label("Missing value").select_option("PAYMENT_TERMS")
    reviewed.get_by_role("button", name="Add", exact=True).click()
    terms = field(reviewed, "PAYMENT_TERMS")
    terms.get_by_role("button", name="Draw the box").focus()
    reviewed.keyboard.press("Enter")
    assert reviewed.locator(".box[data-type=PAYMENT_TERMS]").count() == 1
    terms.get_by_role("textbox").fill("30 days")  # print that was not read has a value and a place
    terms.get_by_role("textbox").press("Tab")
    archive = zipfile.ZipFile(io.BytesIO(download(reviewed, "Annotations")))
    form = json.loads(archive.read("annotations/my-scan-1.json"))["form"]
    assert [one["text"] for one in form if one["label"] == "PAYMENT_TERMS"] == ["30 days"]


def test_a_sample_is_read_and_saved_for_other_programs(page, axe_violations):
    samples = page.locator("#samples button")
    samples.first.wait_for()
    assert samples.count() == 6
    page.get_by_role("button", name=re.compile("German")).click()
    page.get_by_role("heading", name=re.compile("commercial-invoice-de")).wait_for()
    assert download(page, "Excel").startswith(b"PK")
    for button in ("UBL", "CII"):
        with page.expect_response("**/v1/convert*") as waited:
            page.get_by_role("button", name=button, exact=True).click()
        if waited.value.status == 422:
            page.get_by_role("alert").get_by_role("listitem").first.wait_for()
            assert axe_violations(page) == []


def test_documents_of_one_file_are_shown_one_by_one(page, make_pdf):
    def invoice(number: str, day: str, seller: str, total: str) -> list[tuple[float, float, str]]:
        return [
            (50, 50, seller), (50, 70, "12 High Street, Leeds"), (50, 130, "INVOICE"),
            (50, 160, f"Invoice no. {number}"), (50, 180, f"Invoice date {day}"),
            (50, 300, "Hex bolt zinc plated"), (480, 300, total), (400, 400, "Total GBP"), (480, 400, total),
        ]  # fmt: skip

    pages = [
        invoice("INV-2026-00042", "14.10.2026", "Northern Bolts Ltd", "392.00"),
        invoice("77-1203", "02.11.2026", "Aire Valley Paper Ltd", "58.40"),
    ]
    page.get_by_label("choose a file").set_input_files(
        {"name": "inbox.pdf", "mimeType": "application/pdf", "buffer": make_pdf(pages)}
    )
    page.get_by_role("heading", name="inbox.pdf").wait_for()
    assert field(page, "INVOICE_NUMBER").get_by_role("textbox").input_value() == "INV-2026-00042"
    page.get_by_label("Document in the file").select_option(label="2: pages 2 to 2")
    assert field(page, "INVOICE_NUMBER").get_by_role("textbox").input_value() == "77-1203"
    assert page.get_by_role("img", name="Page 2").count() == 1
