"""Options of the ``evaluate`` and ``evaluate_real`` pipelines; cheap to import."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

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
    shard_documents: int = Field(10, ge=1, description="documents saved at a time: what a crash can lose")
    execution: ExecutionOptions = Field(
        ExecutionOptions(), description="each process loads a model and an OCR engine of its own"
    )
