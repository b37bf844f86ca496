"""What each document of a run will be: kind, locale, layout, engine and augmentation, all from (seed, index)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from invoicegen.randomness import Stage, document_rng, pick
from invoicegen.schema.annotation import TemplateFamily
from invoicegen.schema.invoice import DocumentKind, document_type_of
from invoicegen.schema.plan import DocumentPlan
from invoicegen.synthesis import LOCALES, document_kinds_for
from invoicegen.templates.genome import sample_genome, structure_hash


class PlanOptions(BaseModel):
    """How many documents of which sorts. Weights need not sum to one; a weight of 0 leaves a sort out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    documents: int = Field(200, gt=0, description="documents in the whole run, over all shards")
    seed: int = Field(0, ge=0, lt=2**63, description="with the index, decides everything about a document")
    locales: dict[str, float] = Field(description="weight of each locale")
    families: dict[TemplateFamily, float] = Field(description="weight of each template family")
    kinds: dict[DocumentKind, float] = Field(
        description="weight of each kind of document, times its weight in the locale"
    )
    engines: dict[TemplateFamily, dict[str, float]] = Field(
        description="weight of each OCR engine by family; pdf_text reads the PDF's own words"
    )
    presets: dict[TemplateFamily, dict[str, float]] = Field(
        description="weight of each augmentation preset by family, for pages that an OCR engine reads"
    )

    @model_validator(mode="after")
    def _names_and_weights(self) -> Self:
        unknown = sorted(set(self.locales) - set(LOCALES))
        if unknown:
            raise ValueError(f"locales: unknown {', '.join(unknown)}; allowed: {', '.join(LOCALES)}")
        named: dict[str, Mapping[Any, float]] = {
            "locales": self.locales,
            "families": self.families,
            "kinds": self.kinds,
            **{f"engines.{family}": weights for family, weights in self.engines.items()},
            **{f"presets.{family}": weights for family, weights in self.presets.items()},
        }
        for name, weights in named.items():
            if not weights or min(weights.values()) < 0 or sum(weights.values()) <= 0:
                raise ValueError(
                    f"{name}: weights must be 0 or more, and one of them above 0; got {dict(weights)}"
                )
        for family, weight in self.families.items():
            if not weight:
                continue
            for name, given, example in (
                ("presets", self.presets, "clean"),
                ("engines", self.engines, "pdf_text"),
            ):
                if family not in given:
                    raise ValueError(
                        f"{name}: none given for family {family!r}; add e.g. {family}: {{{example}: 1}}"
                    )
            for locale in (name for name, share in self.locales.items() if share):
                if not self.kind_weights(family, locale):
                    raise ValueError(
                        f"kinds: none of those weighted above 0 is both of family {family!r} and {locale}"
                    )
        return self

    def kind_weights(self, family: TemplateFamily, locale: str) -> dict[DocumentKind, float]:
        """Kinds that the family can lay out in this locale: the locale's own weights times these options'."""
        possible = document_kinds_for(family, locale)
        weights = {kind: share * self.kinds.get(kind, 0.0) for kind, share in possible.items()}
        return {kind: weight for kind, weight in weights.items() if weight > 0}


def plan_document(index: int, options: PlanOptions) -> DocumentPlan:
    """The plan of document ``index``: a pure function of ``options`` and ``index``.

    Raises:
        ValueError: If the index is negative.
    """
    if index < 0:
        raise ValueError(f"document index {index} is negative")
    rng = document_rng(options.seed, index, Stage.PLAN)
    family = pick(rng, options.families)
    locale = pick(rng, options.locales)
    kind = pick(rng, options.kind_weights(family, locale))
    engine = pick(rng, options.engines[family])
    preset = pick(rng, options.presets[family])
    genome = sample_genome(rng, family, kind, locale)
    return DocumentPlan(
        doc_id=f"synth-{options.seed}-{index:07d}",
        seed=options.seed,
        index=index,
        kind=kind,
        document_type=document_type_of(kind),
        locale=locale,
        family=family,
        genome=genome,
        split_group=structure_hash(genome),
        ocr_engine=engine,
        # The text layer of a PDF is read from the born-digital file, which nobody scanned.
        augmentation="clean" if engine == "pdf_text" else preset,
    )
