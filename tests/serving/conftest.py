"""One service with API keys and small limits, which all tests of the API share."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Iterator

import httpx
import numpy as np
import pytest
from PIL import Image
from service import Service, free_port, running_service

from invoicegen.serving.keys import KeyStore

LIMITS = {
    "max_file_bytes": 1_000_000,
    "max_pages": 3,
    "max_image_pixels": 4_000_000,
    "queue": 1,
    "upload_timeout_s": 3,
}


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeyStore:
    return KeyStore(tmp_path_factory.mktemp("keys") / "keys.json")


@pytest.fixture(scope="session")
def webhook_port() -> int:
    return free_port()


@pytest.fixture(scope="session")
def webhook_secret() -> str:
    return "whsec_" + base64.b64encode(bytes(range(24))).decode()


@pytest.fixture(scope="session")
def service(
    keys: KeyStore, webhook_port: int, webhook_secret: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    keys.create("nobody", frozenset())
    log = tmp_path_factory.mktemp("service") / "log.jsonl"
    webhooks = {
        "webhook_hosts": json.dumps([f"127.0.0.1:{webhook_port}"]),
        "webhook_secret": webhook_secret,
        "webhook_http": "true",
    }
    with running_service(log, keys=keys._path, **LIMITS, **webhooks) as started:
        yield started


@pytest.fixture(scope="session")
def ocr_service(keys: KeyStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The annotation service with two engines."""
    log = tmp_path_factory.mktemp("ocr-service") / "log.jsonl"
    command = ("serve-ocr", "--engine", "rapidocr", "--engine", "tesseract")
    with running_service(log, command, keys=keys._path, **LIMITS) as started:
        yield started


@pytest.fixture
def client(service: Service, keys: KeyStore) -> Iterator[httpx.Client]:
    """A client with a key of its own, so that no test uses up another's rate."""
    _, token = keys.create("test", frozenset({"extract", "batches"}))
    with service.client(token) as client:
        yield client


@pytest.fixture(scope="session")
def make_image() -> Callable[..., bytes]:
    """A function that makes a page of noise or paper in a format."""

    def make(
        image_format: str, width: int = 200, height: int = 100, noise: bool = False, frames: int = 1
    ) -> bytes:
        rng = np.random.default_rng(7)
        pixels = (
            rng.integers(0, 255, (height, width, 3), np.uint8)
            if noise
            else np.full((height, width, 3), 255, np.uint8)
        )
        buffer = io.BytesIO()
        image = Image.fromarray(pixels)
        more = {"save_all": True, "append_images": [image] * (frames - 1)} if frames > 1 else {}
        image.save(buffer, image_format, **more)
        return buffer.getvalue()

    return make
