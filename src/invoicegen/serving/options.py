"""Settings of the service: from the command line, the environment, or files of secrets, in that order."""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path
from typing import Any, Literal, Self

from limits import parse
from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from standardwebhooks import Webhook

from invoicegen.extraction.options import ExtractOptions
from invoicegen.ocr import OcrOptions
from invoicegen.weights import SHIPPED

SECRETS_VARIABLE = "INVOICEGEN_SECRETS_DIR"
"""Environment variable that names a folder of secrets: one file a setting, named as its variable."""

_QUEUE_PER_WORKER = 3
"""Documents that may wait for each worker: those accepted then take at most about three times as long as on an idle
service (``benchmarks/load.py``), and those refused can be sent elsewhere at once."""


class HttpOptions(BaseSettings):
    """What every service has; each setting is also the environment variable ``INVOICEGEN_<NAME>``.

    A setting may also be a file of that name in the folder that ``INVOICEGEN_SECRETS_DIR`` names.
    """

    model_config = SettingsConfigDict(env_prefix="INVOICEGEN_", extra="forbid", frozen=True)

    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8000, ge=0, le=65535, description="port to listen on; 0 takes a free one")

    engine: str = Field("rapidocr", description="OCR engine of pages without a text layer")
    languages: tuple[str, ...] = Field((), description="codes of the languages that the engine reads")
    dpi: float = Field(200, ge=72, le=400, description="resolution at which PDF pages are rendered")
    workers: int = Field(
        default_factory=lambda: len(os.sched_getaffinity(0)),
        ge=1,
        description="processes that read documents, each with a model of its own",
    )
    worker_memory_bytes: int = Field(
        6 * 2**30,
        ge=2**30,
        description="what the data of a worker may take; a document that needs more fails",
    )
    queue: int = Field(
        default_factory=lambda given: _QUEUE_PER_WORKER * given.get("workers", 1),
        ge=0,
        description="requests that may wait for a worker, by default three for each of them; more are refused with "
        "503 and Retry-After",
    )

    max_file_bytes: int = Field(20_000_000, gt=0, description="bytes of a document")
    max_pages: int = Field(50, gt=0, description="pages of a document")
    max_image_pixels: int = Field(60_000_000, gt=0, description="pixels of an image")
    upload_timeout_s: float = Field(30, gt=0, description="seconds in which a body must have arrived")
    extract_timeout_s: float = Field(
        120, gt=0, description="seconds that a worker may take for a document; then it is ended"
    )
    drain_timeout_s: int = Field(
        30, gt=0, description="seconds that requests in hand get to end when the service is stopped"
    )

    keys: Path | None = Field(
        None,
        description="file of API keys, made by `invoicegen keys`; changes to it count at once. Without it "
        "everybody who reaches the service may use it",
    )
    allow_without_keys: bool = Field(
        False, description="listen on addresses that other machines reach, without API keys"
    )
    rate_limit: str = Field("100/minute", description="requests of a key (or address, without keys)")
    rate_limit_storage: SecretStr = Field(
        SecretStr("memory"),
        description="where requests are counted: memory, or redis://… for several services",
    )
    rate_limit_on_failure: Literal["allow", "refuse"] = Field(
        "allow", description="what happens to requests while Redis cannot be reached"
    )
    cors_origins: tuple[str, ...] = Field((), description="origins whose pages may call the service")
    hsts: bool = Field(
        False, description="tell browsers to insist on https; only behind a proxy that speaks it"
    )
    sentry_dsn: SecretStr | None = Field(None, description="where errors are reported, without any content")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="least level that is logged"
    )

    def __init__(self, **given: Any) -> None:
        secrets = os.environ.get(SECRETS_VARIABLE)
        super().__init__(_secrets_dir=secrets or None, **given)

    @field_validator("rate_limit")
    @classmethod
    def _is_a_rate(cls, text: str) -> str:
        parse(text)
        return text

    @field_validator("rate_limit_storage")
    @classmethod
    def _is_a_storage(cls, given: SecretStr) -> SecretStr:
        if not given.get_secret_value().startswith(("memory", "redis://", "rediss://", "redis+unix://")):
            raise ValueError("give memory, redis://HOST:PORT/DB, rediss://… or redis+unix://…")
        return given

    @model_validator(mode="after")
    def _is_not_open_to_others(self) -> Self:
        if self.keys is None and not self.allow_without_keys and not _is_loopback(self.host):
            raise ValueError(
                f"host {self.host} can be reached by others, and no keys are set: make some with "
                "`invoicegen keys create` and name their file in keys, or set allow_without_keys"
            )
        return self


class ServiceOptions(HttpOptions):
    """How extraction is served."""

    model: str = Field(
        SHIPPED, description="folder of a trained or exported model; 'shipped': that of the package"
    )
    min_confidence: float = Field(
        0.5, ge=0, le=1, description="documents with a value of less confidence need review"
    )

    batches: bool = Field(
        True,
        description="whether batches are taken; not where a balancer may ask another service about them",
    )
    state: Path = Field(
        default_factory=lambda: (
            Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "invoicegen"
        ),
        description="folder of batches: their documents until they are read, their results until they are old",
    )
    max_batch_documents: int = Field(100, gt=0, description="documents of a batch")
    results_retention_s: int = Field(
        24 * 3600, gt=0, description="seconds after which the results of a finished batch are deleted"
    )
    pages_per_day: int = Field(
        10_000, gt=0, description="pages in batches that a key may have read between midnights UTC"
    )
    webhook_hosts: tuple[str, ...] = Field(
        (), description="hosts (HOST or HOST:PORT) that may be told of finished batches; without any, none is"
    )
    webhook_secret: SecretStr | None = Field(
        None,
        description="what webhooks are signed with: whsec_ and 24 to 64 bytes as Base64 (Standard Webhooks)",
    )
    webhook_http: bool = Field(False, description="webhooks may go over plain http; for tests")

    @model_validator(mode="after")
    def _webhooks_are_signed(self) -> Self:
        if self.webhook_hosts and self.webhook_secret is None:
            raise ValueError("webhook_hosts are set and webhook_secret is not: webhooks must be signed")
        if self.webhook_secret is not None:
            try:
                Webhook(self.webhook_secret.get_secret_value())
            except (ValueError, RuntimeError) as error:
                raise ValueError(f"webhook_secret is not whsec_ and Base64: {error}") from None
        return self

    @property
    def extraction(self) -> ExtractOptions:
        """What a worker reads documents with."""
        from invoicegen.execution import ExecutionOptions

        return ExtractOptions(
            model=self.model,
            ocr=OcrOptions(engine=self.engine, languages=self.languages),
            dpi=self.dpi,
            max_pages=self.max_pages,
            min_confidence=self.min_confidence,
            execution=ExecutionOptions(workers=1, progress=False),
        )


class OcrServiceOptions(HttpOptions):
    """How words are served."""

    port: int = Field(8001, ge=0, le=65535, description="port to listen on; 0 takes a free one")
    more_engines: tuple[str, ...] = Field(
        (), description="OCR engines that a request may ask for beside engine; every worker loads them all"
    )

    @property
    def engines(self) -> tuple[str, ...]:
        """Names of the engines that requests may ask for, the default first."""
        return tuple(dict.fromkeys((self.engine, *self.more_engines)))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
