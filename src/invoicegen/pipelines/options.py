"""Options that several pipelines share: what a run generates."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from invoicegen.augmentation import load_presets
from invoicegen.ocr import ENGINE_NAMES, PDF_TEXT
from invoicegen.ocr.noise import SIMULATED_ENGINE_NAMES
from invoicegen.sources import GENERATING, code_sha256, folder_sha256
from invoicegen.templates import PlanOptions

EInvoiceFormat = Literal["none", "factur-x", "ubl"]


class SplitShares(BaseModel):
    """Shares of the layouts that go to each split."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    train: float = Field(0.8, gt=0, description="share of the layouts that is trained on")
    validation: float = Field(0.1, gt=0, description="share that says when training stops")
    test: float = Field(0.1, gt=0, description="share that is scored")

    @model_validator(mode="after")
    def _sum(self) -> Self:
        total = self.train + self.validation + self.test
        if abs(total - 1) > 1e-9:
            raise ValueError(f"shares must sum to 1, got {total:g}")
        return self


class GenerateOptions(PlanOptions):
    """What ``kedro run --pipeline=generate`` makes."""

    shard_size: int = Field(
        50, gt=0, le=500, description="documents a shard; a shard is finished whole or not at all"
    )
    shard: int = Field(0, ge=0, description="which of `shards` this machine makes")
    shards: int = Field(1, gt=0, description="machines that share the run")
    dpi: int = Field(150, ge=72, le=400, description="resolution of page images")
    image_format: Literal["jpeg", "png"] = Field("jpeg", description="how page images are stored")
    jpeg_quality: int = Field(88, ge=30, le=100, description="of page images that are stored as JPEG")
    split: SplitShares = SplitShares()
    einvoice: EInvoiceFormat = Field(
        "none",
        description="what is written beside each document that has the terms of EN 16931: a PDF/A-3 with its CII "
        "inside (Factur-X), or a UBL 2.1 file",
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.shard >= self.shards:
            raise ValueError(f"shard {self.shard} of {self.shards}: count from 0 to {self.shards - 1}")
        if self.documents % self.shard_size:
            whole = -(-self.documents // self.shard_size) * self.shard_size
            raise ValueError(
                f"documents ({self.documents}) must be a multiple of shard_size ({self.shard_size}), so that a "
                f"longer run goes on where this one ends; take {whole}"
            )
        presets = tuple(load_presets(self.extensions))
        choices = (
            ("engines", self.engines, (PDF_TEXT, *ENGINE_NAMES, *SIMULATED_ENGINE_NAMES)),
            ("presets", self.presets, presets),
        )
        for name, by_family, allowed in choices:
            for family, weights in by_family.items():
                unknown = sorted(set(weights) - set(allowed))
                if unknown:
                    raise ValueError(
                        f"{name}.{family}: unknown {', '.join(unknown)}; allowed: {', '.join(allowed)}"
                    )
        return self

    @property
    def fingerprint(self) -> str:
        """Hash of all that decides what a shard contains, our code and the files of extensions among it; which and how
        many shards are made does not.

        Nor do electronic invoices, which stand in shards of their own.
        """
        decided = self.model_dump(mode="json", exclude={"documents", "shard", "shards", "einvoice"})
        extensions = [folder_sha256(Path(folder)) for folder in self.extensions]
        canonical = json.dumps(
            {**decided, "code": code_sha256(GENERATING), "extension_files": extensions}, sort_keys=True
        )
        return hashlib.sha256(canonical.encode()).hexdigest()[:12]

    def shard_names(self) -> list[str]:
        """Partition ids of the shards that this machine makes."""
        numbers = range(self.documents // self.shard_size)[self.shard :: self.shards]
        fingerprint = self.fingerprint
        return [f"{fingerprint}/docs-{number:07d}" for number in numbers]

    def indices(self, shard_name: str) -> range:
        """Indices of the documents of a shard."""
        number = int(shard_name.rsplit("-", 1)[1])
        return range(number * self.shard_size, (number + 1) * self.shard_size)
