"""Options of extraction; imports nothing slow, so that pipelines can name them as type hints."""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from invoicegen.execution import ExecutionOptions
from invoicegen.modeling.options import Runtime
from invoicegen.ocr import OcrOptions

DEFAULT_MODEL: Final = "data/06_models/model"
"""Where ``kedro run --pipeline=train`` leaves the model, relative to the project."""


class ExtractOptions(BaseModel):
    """Which documents are read, by which model and engine, and how they are spread over processes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    documents: tuple[str, ...] = Field(
        (), description="files, folders (searched for PDF, PNG, JPEG and TIFF) and globs"
    )
    model: str = Field(
        DEFAULT_MODEL,
        description="folder of a trained or exported model; 'shipped' for the weights of the package",
    )
    runtime: Runtime = Field(
        "auto",
        description="openvino or onnxruntime for exported networks on the CPU, torch for trained models and on CUDA; "
        "auto: the one that the exported network was made for, else torch",
    )
    device: str = Field("cpu", description="cpu, cuda or auto")
    ocr: OcrOptions = Field(OcrOptions(), description="what reads pages without a usable text layer")
    dpi: float = Field(200, ge=72, le=600, description="resolution at which PDF pages are rendered")
    max_pages: int = Field(500, gt=0, description="a document with more pages is refused")
    batch_pages: int = Field(16, gt=0, description="pages that the model labels at once")
    split: bool = Field(
        True,
        description="several documents in one file are told apart, a record each; else a file is one document",
    )
    embedded_xml: bool = Field(
        True, description="values of an electronic invoice inside a PDF go before those of its pages"
    )
    min_confidence: float = Field(0.5, ge=0, le=1, description="documents with a value of less need review")
    execution: ExecutionOptions = Field(
        ExecutionOptions(workers=1), description="each process loads a model of its own"
    )
