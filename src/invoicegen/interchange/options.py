"""Options of import and export; imports nothing slow, so that pipelines can name them as type hints."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from invoicegen.schema.annotation import DocumentType

ImportFormat = Literal["label-studio", "hf", "funsd", "cord", "sroie", "docile"]
ExportFormat = Literal["hf", "label-studio", "docile", "coco", "cord"]


class ImportShares(BaseModel):
    """Shares of the split groups that go to each split; a split with share 0 stays empty."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    train: float = Field(0.8, ge=0, le=1, description="share of the groups that is trained on")
    validation: float = Field(0.1, ge=0, le=1, description="share that says when training stops")
    test: float = Field(0.1, ge=0, le=1, description="share that is scored")

    @model_validator(mode="after")
    def _sum(self) -> Self:
        total = self.train + self.validation + self.test
        if abs(total - 1) > 1e-9:
            raise ValueError(f"shares must sum to 1, got {total:g}")
        return self


class ReadOptions(BaseModel):
    """How annotations of another tool are read."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    labels: Path | None = Field(
        None,
        description="YAML or JSON file that maps labels of the source to entity types, or to O to leave them out; "
        "added to the map of the format",
    )
    images: Path | None = Field(
        None, description="folder of the page images, where they are not beside the annotations"
    )
    document_type: DocumentType | None = Field(
        None,
        description="of documents that do not say it; else receipt for cord and sroie, invoice for others",
    )
    locale: str = Field("und", description="of documents that do not say it; und: not determined (BCP 47)")
    currency: str = Field("XXX", description="of documents that print none; XXX: none (ISO 4217)")
    clip: bool = Field(
        False, description="true: boxes that reach over the edge of the page are cut there, not refused"
    )
    dpi: int = Field(200, ge=72, le=400, description="at which PDF pages are rendered")
    engine: str = Field(
        "rapidocr", description="OCR engine that reads images which come without words (label-studio)"
    )


class ImportOptions(ReadOptions):
    """What ``kedro run --pipeline=import`` takes over."""

    path: Path | None = Field(None, description="file or folder of annotations")
    format: ImportFormat | None = Field(None, description="what wrote it")
    splits: Literal["deal", "keep"] = Field(
        "deal", description="deal: by split group and shares; keep: as the source has them"
    )
    shares: ImportShares = ImportShares()
    seed: int = Field(0, ge=0, description="another seed deals anew")
    shard_size: int = Field(50, gt=0, le=500, description="pages a shard")


class WriteOptions(BaseModel):
    """How pages are written for another tool."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    words_column: Literal["tokens", "words"] = Field(
        "tokens",
        description="hf: name of the column of words; funsd-layoutlmv3 has tokens, cord-layoutlmv3 words",
    )
    image_prefix: str = Field(
        "/data/local-files/?d=", description="label-studio: goes before image names in tasks"
    )
    as_predictions: bool = Field(
        True, description="label-studio: values are pre-annotations to correct; false: annotations"
    )


class ExportOptions(WriteOptions):
    """What ``kedro run --pipeline=export`` writes."""

    format: ExportFormat = Field("hf", description="what shall read it")
    path: Path = Field(Path("data/08_reporting/export"), description="new or empty folder")
    splits: tuple[Literal["train", "validation", "test"], ...] = Field(
        ("train", "validation", "test"), min_length=1, description="which splits are written"
    )
