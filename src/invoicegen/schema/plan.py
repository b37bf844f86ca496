"""The plan of a document: everything that is decided before it is written."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from invoicegen.schema.annotation import DocumentType, TemplateFamily
from invoicegen.schema.invoice import DocumentKind


class DocumentPlan(BaseModel):
    """What document ``index`` of a run with ``seed`` will be: a pure function of the two and the options."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    doc_id: str
    seed: int
    index: int = Field(ge=0)
    kind: DocumentKind
    document_type: DocumentType
    locale: str
    family: TemplateFamily = Field(description="one of the three grammars; a user's template extends one")
    template: str = Field(default="", description="name of the user's template; empty for the family's own")
    extensions: tuple[str, ...] = Field(
        default=(), description="folders of the user's own locales, languages, lexicons and templates"
    )
    invalid_identifiers: bool = Field(
        default=False, description="identifiers get wrong check digits on purpose"
    )
    genome: dict[str, Any] = Field(description="sampled layout; structural genes and style genes")
    split_group: str = Field(description="hash of the structural genes")
    variant: int = Field(default=0, ge=0, description="which of the augmented variants of one rendering")
    ocr_engine: str = Field(description="engine that will read its pages")
    augmentation: str = Field(description="preset that its pages go through")

    @property
    def of_rendering(self) -> DocumentPlan:
        """The plan of the rendering that this variant shares: what is written, composed and printed."""
        if not self.variant:
            return self
        return self.model_copy(update={"doc_id": self.doc_id.removesuffix(f"-v{self.variant}"), "variant": 0})
