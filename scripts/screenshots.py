"""Pictures of the service's page for README and docs: `python scripts/screenshots.py`, after `make setup-browser`.

A real service reads a sample of the page; desktop in light and dark colours, and a telephone.
"""

from __future__ import annotations

import io
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import httpx
from PIL import Image
from playwright.sync_api import Page, sync_playwright

CHROMIUM: Final = "/usr/bin/chromium"
FOLDER: Final = Path(__file__).parents[1] / "docs/images"
MAX_BYTES: Final = 150_000
SAMPLE: Final = "German"
FIELD: Final = "INVOICE_NUMBER"


def main() -> None:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    with tempfile.TemporaryDirectory() as state:
        settings = {"PORT": port, "WORKERS": 1, "STATE": state, "LOG_LEVEL": "error"}
        environment = {**os.environ, **{f"INVOICEGEN_{name}": str(value) for name, value in settings.items()}}
        service = subprocess.Popen(
            [sys.executable, "-m", "invoicegen.console", "serve", "--model", "shipped"], env=environment
        )
        try:
            wait_ready(f"http://127.0.0.1:{port}")
            take(f"http://127.0.0.1:{port}")
        finally:
            service.terminate()
            service.wait(60)


def wait_ready(url: str) -> None:
    while True:
        try:
            if httpx.get(f"{url}/ready", timeout=60).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.5)


def take(url: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for name, width, height, scheme in (
            ("page-light", 1280, 800, "light"),
            ("page-dark", 1280, 800, "dark"),
            ("page-phone", 390, 844, "light"),
        ):
            context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
            page = context.new_page()
            page.set_default_timeout(300_000)
            page.goto(url)
            page.get_by_role("button", name=SAMPLE).wait_for()
            if name == "page-light":
                save(page, "page-start")
            page.get_by_role("button", name=SAMPLE).click()
            page.locator(f".row[data-type={FIELD}]").first.get_by_role("button", name="Find").click()
            page.evaluate("scrollTo(0, 0)")
            save(page, name)
            context.close()
        browser.close()


def save(page: Page, name: str) -> None:
    """A picture of at most 256 colours."""
    picture = Image.open(io.BytesIO(page.screenshot(animations="disabled"))).convert("RGB")
    path = FOLDER / f"{name}.png"
    picture.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
    size = path.stat().st_size
    print(f"{path.relative_to(FOLDER.parents[1])}: {size:,} bytes")
    if size > MAX_BYTES:
        sys.exit(f"{path} has {size:,} bytes, at most {MAX_BYTES:,} may it have")


if __name__ == "__main__":
    main()
