"""Debian's Chromium, headless, as people would use it; what a page asks the network for is counted and refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = Path("/usr/bin/chromium")
SIZES = {"desktop": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    assert CHROMIUM.is_file(), "Chromium is not there: run `make setup-browser`, which installs Debian's"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(params=list(SIZES))
def open_page(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Callable[[Path], Page]]:
    """A function that opens a local file at the size of a desktop and of a phone; any other request fails the test."""
    context = chromium.new_context(viewport=SIZES[request.param])
    page = context.new_page()
    requests: list[str] = []
    errors: list[str] = []
    page.on("request", lambda sent: requests.append(sent.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)

    def open_file(path: Path) -> Page:
        page.goto(path.as_uri())
        return page

    yield open_file
    context.close()
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
    assert errors == []


@pytest.fixture
def axe_violations() -> Callable[[Page], list[dict[str, Any]]]:
    """A function that names what axe finds wrong on a page: rule, and the first element."""

    from axe_playwright_python.sync_playwright import Axe

    def run(page: Page) -> list[dict[str, Any]]:
        found = Axe().run(page).response["violations"]
        return [{"rule": rule["id"], "element": rule["nodes"][0]["html"][:200]} for rule in found]

    return run
