"""What each document of a run will be: kind, locale, layout, engine and augmentation, all from (seed, index)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from invoicegen.randomness import Stage, document_rng, pick
from invoicegen.schema.annotation import TemplateFamily
from invoicegen.schema.invoice import DocumentKind, document_type_of
from invoicegen.schema.plan import DocumentPlan
from invoicegen.synthesis import document_kinds_for, load_locale, locale_names
from invoicegen.templates.families import FAMILIES, load_template, template_names
from invoicegen.templates.genome import sample_genome, structure_hash
from invoicegen.templates.lexicon import load_lexicon

_LIKE_ANOTHER: Final = 1000
"""Number of the stream of :func:`plan_like`; those of variants end at 100."""


class PlanOptions(BaseModel):
    """How many documents of which sorts. Weights need not sum to one; a weight of 0 leaves a sort out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    documents: int = Field(200, gt=0, description="documents in the whole run, over all shards")
    seed: int = Field(0, ge=0, lt=2**63, description="with the index, decides everything about a document")
    locales: dict[str, float] = Field(description="weight of each locale")
    families: dict[str, float] = Field(
        description="weight of each template family, and of templates of one's own"
    )
    kinds: dict[DocumentKind, float] = Field(
        description="weight of each kind of document, times its weight in the locale"
    )
    engines: dict[str, dict[str, float]] = Field(
        description="weight of each OCR engine by family or template; pdf_text reads the PDF's own words"
    )
    presets: dict[str, dict[str, float]] = Field(
        description="weight of each augmentation preset by family or template, for pages that an OCR engine reads"
    )
    extensions: tuple[str, ...] = Field(
        (),
        description="folders of one's own locales, languages, lexicons, templates and presets; the first goes first",
    )
    variants_per_document: int = Field(
        1,
        ge=1,
        le=100,
        description="augmented variants of each rendering, in one split; an OCR engine reads those after the first",
    )
    invalid_identifiers: float = Field(
        0, ge=0, le=1, description="share of documents whose identifiers have wrong check digits on purpose"
    )

    @model_validator(mode="after")
    def _names_and_weights(self) -> Self:
        for folder in self.extensions:
            if not Path(folder).is_dir():
                raise ValueError(
                    f"extensions: no folder {folder!r} (from {Path.cwd()}); make it, or correct the path"
                )
        allowed = locale_names(self.extensions)
        unknown = sorted(set(self.locales) - set(allowed))
        if unknown:
            raise ValueError(f"locales: unknown {', '.join(unknown)}; allowed: {', '.join(allowed)}")
        known = [*FAMILIES, *template_names(self.extensions)]
        for name, given in (
            ("families", self.families),
            ("engines", self.engines),
            ("presets", self.presets),
        ):
            for unknown_family in sorted(set(given) - set(known)):
                raise ValueError(f"{name}.{unknown_family}: unknown; allowed: {', '.join(known)}")
        for locale in (name for name, share in self.locales.items() if share):
            load_lexicon(load_locale(locale, self.extensions).language, self.extensions, locale)
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
            base = self.base_family(family)
            for name, by_family, example in (
                ("presets", self.presets, "clean"),
                ("engines", self.engines, "pdf_text"),
            ):
                if family not in by_family and base not in by_family:
                    raise ValueError(
                        f"{name}: none given for family {family!r}; add e.g. {family}: {{{example}: 1}}"
                    )
            if self.variants_per_document > 1 and not self.changing_presets(family):
                raise ValueError(
                    f"variants_per_document: {self.variants_per_document} need a preset that changes the page, and "
                    f"presets of {family!r} have none; add e.g. {{office_scan: 1}}, or take 1"
                )
            if self.variants_per_document > 1 and not self.pixel_engines(family):
                raise ValueError(
                    f"variants_per_document: {self.variants_per_document} need an engine that reads pixels, and "
                    f"engines of {family!r} have none; add e.g. {{rapidocr: 0.2}}, or take 1"
                )
            for locale in (name for name, share in self.locales.items() if share):
                if not self.kind_weights(base, locale):
                    raise ValueError(
                        f"kinds: none of those weighted above 0 is both of family {family!r} and {locale}"
                    )
        return self

    def pixel_engines(self, family: str) -> dict[str, float]:
        """Engines of a family or template that read page images, by weight."""
        weights = self.engines.get(family) or self.engines[self.base_family(family)]
        return {name: share for name, share in weights.items() if share and name != "pdf_text"}

    def changing_presets(self, family: str) -> dict[str, float]:
        """Augmentation presets of a family or template but for ``clean``, by weight."""
        weights = self.presets.get(family) or self.presets[self.base_family(family)]
        return {name: share for name, share in weights.items() if share and name != "clean"}

    def base_family(self, family: str) -> TemplateFamily:
        """The grammar of a family: itself, or what a template of one's own extends.

        Raises:
            TemplateError: If there is no such template, or it cannot be used.
        """
        for name in FAMILIES:
            if name == family:
                return name
        return load_template(family, self.extensions).extends

    def kind_weights(self, family: TemplateFamily, locale: str) -> dict[DocumentKind, float]:
        """Kinds that the family can lay out in this locale: the locale's own weights times these options'."""
        possible = document_kinds_for(family, locale, self.extensions)
        weights = {kind: share * self.kinds.get(kind, 0.0) for kind, share in possible.items()}
        return {kind: weight for kind, weight in weights.items() if weight > 0}


def plan_variants(plan: DocumentPlan, options: PlanOptions) -> list[DocumentPlan]:
    """The plans of all augmented variants of one rendering: the plan itself, then those with other pixels.

    A further variant draws preset and engine anew from a stream of its own, of the presets that change the page and
    the engines that read pixels: a second clean page, or the PDF's text layer once more, would say nothing new.
    """
    plans = [plan]
    name = plan.template or plan.family
    engines = options.pixel_engines(name)
    presets = options.changing_presets(name)
    for variant in range(1, options.variants_per_document):
        rng = document_rng(plan.seed, plan.index, Stage.PLAN, variant)
        changed = {
            "doc_id": f"{plan.doc_id}-v{variant}",
            "variant": variant,
            "ocr_engine": pick(rng, engines),
            "augmentation": pick(rng, presets),
        }
        plans.append(plan.model_copy(update=changed))
    return plans


def plan_like(plan: DocumentPlan, index: int, options: PlanOptions) -> DocumentPlan:
    """The plan of document ``index`` with the layout of another: what the same business sends the next time.

    Layout, kind and locale stay; what it says, its preset and the engine that reads it are its own, of the streams of
    ``index``.
    """
    rng = document_rng(options.seed, index, Stage.PLAN, _LIKE_ANOTHER)
    name = plan.template or plan.family
    engine = pick(rng, options.engines.get(name) or options.engines[plan.family])
    preset = pick(rng, options.presets.get(name) or options.presets[plan.family])
    changed = {
        "doc_id": document_id(index, options),
        "index": index,
        "ocr_engine": engine,
        "augmentation": "clean" if engine == "pdf_text" else preset,
    }
    return plan.model_copy(update=changed)


def document_id(index: int, options: PlanOptions) -> str:
    """The ``doc_id`` of a document of a run."""
    return f"synth-{options.seed}-{index:07d}"


def plan_document(index: int, options: PlanOptions) -> DocumentPlan:
    """The plan of document ``index``: a pure function of ``options`` and ``index``.

    Raises:
        ValueError: If the index is negative.
    """
    if index < 0:
        raise ValueError(f"document index {index} is negative")
    rng = document_rng(options.seed, index, Stage.PLAN)
    name = pick(rng, options.families)
    family = options.base_family(name)
    locale = pick(rng, options.locales)
    kind = pick(rng, options.kind_weights(family, locale))
    engine = pick(rng, options.engines.get(name) or options.engines[family])
    preset = pick(rng, options.presets.get(name) or options.presets[family])
    genome = sample_genome(rng, family, kind, locale, options.extensions)
    own = name != family
    if own:
        genome = load_template(name, options.extensions).apply(genome, rng)
    invalid = bool(rng.random() < options.invalid_identifiers)
    return DocumentPlan(
        doc_id=document_id(index, options),
        seed=options.seed,
        index=index,
        kind=kind,
        document_type=document_type_of(kind),
        locale=locale,
        family=family,
        template=name if own else "",
        extensions=options.extensions,
        invalid_identifiers=invalid,
        genome=genome,
        split_group=structure_hash(genome),
        ocr_engine=engine,
        # The text layer of a PDF is read from the born-digital file, which nobody scanned.
        augmentation="clean" if engine == "pdf_text" else preset,
    )
