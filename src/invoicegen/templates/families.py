"""Templates of the user's own: a folder that extends one of the three families.

``<folder>/templates/<name>/family.yml`` names the family that it extends, and fixes or weighs genes; block files
beside it (``title.html.j2``, ``totals.html.j2``, …) take the place of the family's own. See docs/templates.md.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, get_args

import numpy as np
import yaml
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PackageLoader, StrictUndefined, nodes
from jinja2.exceptions import TemplateSyntaxError
from jinja2.meta import find_undeclared_variables
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from invoicegen.randomness import pick
from invoicegen.schema.annotation import TemplateFamily
from invoicegen.schema.invoice import DocumentKind
from invoicegen.templates.genome import Genome, impossible, sample_genome

FAMILIES: Final[tuple[TemplateFamily, ...]] = get_args(TemplateFamily)

PAGE_NAMES: Final = frozenset(
    {
        "v",
        "g",
        "s",
        "invoice",
        "lang",
        "seller",
        "buyer",
        "ship_to",
        "remit_to",
        "seller_below",
        "references",
        "columns",
        "numeric",
    }
    | {
        "header",
        "item_tables",
        "totals",
        "account",
        "payment",
        "notes",
        "accent",
        "fill",
        "fill_text",
        "pair",
    }
    | {
        "rows_list",
        "rows_row",
        "rows_boxes",
        "compact",
        "party",
        "totals_rows",
        "columns_beside",
        "on_band",
        "alone",
        "blocks",
        "name",
    }
)
"""What a block of a page may use."""
RECEIPT_NAMES: Final = frozenset({"v", "g", "s", "invoice", "lang", "separator", "rows_table", "name"})
"""What a block of a receipt may use."""
_TRIALS: Final = 48  # genomes on which a template's genes are tried at load


class TemplateError(ValueError):
    """A template of the user's own that cannot be used; the message names file, key and mend."""


class _FamilyFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    extends: TemplateFamily
    structure: dict[str, Any] = Field({}, description="genes that decide what stands where")
    style: dict[str, Any] = Field({}, description="genes of fonts, colours, sizes and formats")


class Template:
    """A template of the user's own.

    Attributes:
        name: Name of its folder.
        folder: Where its files are.
        extends: The family whose grammar and blocks it starts from.
    """

    def __init__(self, folder: Path, file: _FamilyFile) -> None:
        self.name = folder.name
        self.folder = folder
        self.extends: TemplateFamily = file.extends
        self._genes: dict[str, dict[str, Any]] = {"structure": file.structure, "style": file.style}

    def apply(self, genome: Genome, rng: np.random.Generator) -> Genome:
        """The genome with this template's genes: fixed ones as they are, weighed ones drawn from ``rng``."""
        changed: Genome = {}
        for part, genes in self._genes.items():
            own = {
                key: pick(rng, value) if isinstance(value, dict) else value for key, value in genes.items()
            }
            changed[part] = genome[part] | own
        changed["structure"]["template"] = self.name
        return changed

    @property
    def genes(self) -> dict[str, dict[str, Any]]:
        """The genes that it sets, by part."""
        return self._genes


def base_folder(family: TemplateFamily) -> str:
    """The folder of the package's blocks that a family uses, below ``pages``."""
    return "receipt" if family == "receipt" else "page"


@cache
def environment(family: TemplateFamily, folder: Path | None = None) -> Environment:
    """Jinja as a family uses it: blocks from the user's folder first, then the family's own.

    Args:
        family: Whose blocks.
        folder: The user's template, or None for the family alone.
    """
    own = [FileSystemLoader(folder)] if folder else []
    made = Environment(
        loader=ChoiceLoader(
            [
                *own,
                PackageLoader("invoicegen.templates", f"pages/{base_folder(family)}"),
                PackageLoader("invoicegen.templates", "pages"),
            ]
        ),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["tint"] = _tint
    return made


def _tint(colour: str, share: float) -> str:
    """``#rrggbb`` mixed with white; ``share`` of the colour stays."""
    channels = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(255 - (255 - channel) * share):02x}" for channel in channels)


def template_names(folders: tuple[str, ...]) -> dict[str, Path]:
    """The user's templates by name; of two with one name the first folder's counts."""
    found: dict[str, Path] = {}
    for folder in folders:
        for path in sorted((Path(folder) / "templates").glob("*/")):
            found.setdefault(path.name, path)
    return found


@cache
def load_template(name: str, folders: tuple[str, ...]) -> Template:
    """A template of the user's own, checked as far as can be without a document.

    Args:
        name: Name of its folder.
        folders: The user's folders, with ``templates/<name>/`` below one of them.

    Raises:
        TemplateError: If there is none, its ``family.yml`` is wrong, a block is not Jinja or uses what there is not,
            or its genes contradict each other; the message names file, key and mend.
    """
    known = template_names(folders)
    if name not in known:
        raise TemplateError(
            f"no template {name!r}: families are {', '.join(FAMILIES)}, and templates of generate.extensions "
            f"{', '.join(known) or 'none'}"
        )
    folder = known[name]
    path = folder / "family.yml"
    if name in FAMILIES:
        raise TemplateError(f"{folder}: {name} is the name of a family; rename the folder")
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        file = _FamilyFile.model_validate(content)
    except FileNotFoundError:
        raise TemplateError(f"{path}: no such file; write one with `extends: {FAMILIES[0]}`") from None
    except yaml.YAMLError as error:
        raise TemplateError(f"{path}: not YAML: {error}; correct the line it names") from error
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(map(str, problem["loc"])) or "(whole file)"
        raise TemplateError(
            f"{path}: {key}: {problem['msg']}; keys are extends ({', '.join(FAMILIES)}), structure and style"
        ) from error
    template = Template(folder, file)
    _check_blocks(template)
    _check_genes(template, path)
    return template


def used_names(jinja: Environment, source: str) -> set[str]:
    """Names that a block takes from outside: those that it uses and nowhere sets.

    Raises:
        TemplateSyntaxError: If it is not Jinja.
    """
    parsed = jinja.parse(source)
    own = {name.name for name in parsed.find_all(nodes.Name) if name.ctx != "load"}
    return find_undeclared_variables(parsed) - own - set(jinja.globals)


def _check_blocks(template: Template) -> None:
    base = base_folder(template.extends)
    pages = Path(str(files(__package__))) / "pages"
    blocks = {path.name for path in (pages / base).glob("*.j2")} | {f"{base}.html.j2"}
    names = RECEIPT_NAMES if base == "receipt" else PAGE_NAMES
    jinja = environment(template.extends, template.folder)
    for path in sorted(template.folder.iterdir()):
        if path.name == "family.yml" or path.name.startswith("_"):
            continue
        if path.name not in blocks:
            raise TemplateError(
                f"{path}: no such block of {template.extends}; blocks are {', '.join(sorted(blocks))}, and files of "
                "your own begin with _"
            )
        try:
            used = used_names(jinja, path.read_text(encoding="utf-8"))
        except TemplateSyntaxError as error:
            raise TemplateError(f"{path}: line {error.lineno}: {error.message}; correct it") from error
        if unknown := sorted(used - names):
            raise TemplateError(
                f"{path}: uses {', '.join(unknown)}, which there is not; use {', '.join(sorted(names))}"
            )


def _check_genes(template: Template, path: Path) -> None:
    rng = np.random.default_rng(0)
    kind: DocumentKind = "shop_receipt" if template.extends == "receipt" else "commercial_invoice"
    for _ in range(_TRIALS):
        genome = sample_genome(rng, template.extends, kind, "en_GB")
        for part, genes in template.genes.items():
            for key, value in genes.items():
                if key not in genome[part]:
                    raise TemplateError(
                        f"{path}: {part}.{key}: no such gene; genes are {', '.join(sorted(genome[part]))}"
                    )
                values = list(value) if isinstance(value, dict) else [value]
                usual = genome[part][key]
                number = isinstance(usual, int | float) and not isinstance(usual, bool)
                for one in values:
                    fits = (
                        isinstance(one, int | float) and not isinstance(one, bool)
                        if number
                        else isinstance(one, type(usual))
                    )
                    if not fits:
                        raise TemplateError(
                            f"{path}: {part}.{key}: {one!r} is {type(one).__name__}; give a value like {usual!r}"
                        )
                if isinstance(value, dict) and (
                    not value
                    or not all(isinstance(share, int | float) and share >= 0 for share in value.values())
                    or not sum(value.values())
                ):
                    raise TemplateError(
                        f"{path}: {part}.{key}: weights must be 0 or more, and one of them above 0"
                    )
        if reason := impossible(template.apply(genome, rng)["structure"]):
            raise TemplateError(f"{path}: structure: {reason}")
