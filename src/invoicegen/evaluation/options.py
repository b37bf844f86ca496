"""Options of the ``evaluate`` and ``evaluate_real`` pipelines; cheap to import."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, model_validator

from invoicegen.execution import ExecutionOptions


class EvaluateOptions(BaseModel):
    """How a model is scored on the test pages."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    device: str = Field("auto", description="auto, cpu, cuda or cuda:1")
    batch_pages: int = Field(16, ge=1, description="pages given to the model in one call")
    confused_pairs: int = Field(25, ge=1, description="most confused pairs of entity types to list")
    pictured_errors: int = Field(120, ge=0, description="errors that the report shows on their page")
    progress: bool = Field(True, description="show a progress bar on a terminal")


class RealOptions(BaseModel):
    """Which real documents are extracted, and how they are scored; how they are read, ``extract`` says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str | None = Field(None, description="folder with the documents and labels.jsonl")
    extra: bool = Field(False, description="count fields_extra too: labels made by hand or by rule")
    limit: int | None = Field(None, ge=1, description="only the first so many documents of labels.jsonl")
    pictured_errors: int = Field(
        60,
        ge=0,
        description="wrong fields that the report shows on their page; 0 keeps pages out of the report",
    )
    shard_documents: int = Field(10, ge=1, description="documents saved at a time: what a crash can lose")
    execution: ExecutionOptions = Field(
        ExecutionOptions(), description="each process loads a model and an OCR engine of its own"
    )


class RobustnessOptions(BaseModel):
    """Under which conditions the same documents are read."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    documents: int = Field(30, ge=2, description="documents, of layouts that the test split would have")
    presets: tuple[str, ...] = Field(
        ("clean", "office_scan", "phone_photo", "receipt_photo", "fax", "archive", "mixed"),
        min_length=1,
        description="augmentation presets; the others are compared with the first",
    )
    engines: tuple[str, ...] = Field(
        ("pdf_text", "rapidocr"),
        min_length=1,
        description="what reads the pages; pdf_text only under `clean`: no preset moves a text layer",
    )
    device: str = Field("auto", description="auto, cpu, cuda or cuda:1")
    progress: bool = Field(True, description="show a progress bar on a terminal")

    @model_validator(mode="after")
    def _something_reads_every_preset(self) -> RobustnessOptions:
        unread = [preset for preset in self.presets if not self.engines_of(preset)]
        if unread:
            raise ValueError(
                f"robustness.engines has nothing that reads the presets {unread}: add an OCR engine, as rapidocr"
            )
        return self

    def engines_of(self, preset: str) -> tuple[str, ...]:
        """What reads pages of a preset."""
        return tuple(engine for engine in self.engines if preset == "clean" or engine != "pdf_text")
