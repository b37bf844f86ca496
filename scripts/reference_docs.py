"""Write docs/reference/ from the code: commands, parameters, settings, catalog, HTTP API, annotation schema, taxonomy.

python scripts/reference_docs.py
"""

from __future__ import annotations

import inspect
import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
import yaml
from kedro.framework.project import configure_project
from typer.core import TyperGroup

from invoicegen.console import app
from invoicegen.hooks import _options
from invoicegen.ocr import ENGINE_NAMES
from invoicegen.pipeline_registry import register_pipelines
from invoicegen.schema.annotation import Page
from invoicegen.serving.app import create_app
from invoicegen.serving.ocr_app import create_ocr_app
from invoicegen.serving.options import HttpOptions, OcrServiceOptions, ServiceOptions

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "reference"
BASE = ROOT / "conf" / "base"
NOTE = "<!-- Written by scripts/reference_docs.py; edit that, or what it reads. -->"
LIMITS = {
    "minimum": "≥ {}",
    "exclusiveMinimum": "> {}",
    "maximum": "≤ {}",
    "exclusiveMaximum": "< {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {}",
    "pattern": "`{}`",
}

Schema = dict[str, Any]


def cell(text: object) -> str:
    """A text as a cell of a table."""
    return re.sub(r"\s+", " ", str(text)).replace("|", "\\|").replace("``", "`").strip()


def table(head: list[str], rows: list[list[object]]) -> str:
    """A Markdown table."""
    lines = [head, ["--"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell(value) for value in line) + " |" for line in lines)


def page(title: str, *parts: str) -> str:
    """A generated page."""
    return "\n\n".join([f"# {title}", NOTE, *parts]) + "\n"


def code(value: object) -> str:
    """A value as it is written in YAML."""
    if value in ({}, []):
        return "none"
    return f"`{json.dumps(value, ensure_ascii=False)}`"


def resolved(schema: Schema, definitions: Schema) -> Schema:
    """A schema with its reference followed."""
    if "$ref" in schema:
        target = definitions[schema["$ref"].rsplit("/", 1)[1]]
        return {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
    return schema


def kind(schema: Schema, definitions: Schema) -> str:
    """What a value may be, in words."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return f"[{name}](#{name.lower()})"
    if "const" in schema:
        return code(schema["const"])
    if "enum" in schema:
        return ", ".join(code(value) for value in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(kind(choice, definitions) for choice in schema["anyOf"]))
    if schema.get("type") == "array":
        items = schema.get("items") or {}
        if schema.get("minItems") and schema.get("minItems") == schema.get("maxItems"):
            return f"{schema['minItems']} × {kind(items, definitions)}"
        return f"list of {kind(items, definitions)}" if items else "list"
    if schema.get("type") == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"object of {kind(schema['additionalProperties'], definitions)}"
    limits = [text.format(schema[key]) for key, text in LIMITS.items() if key in schema]
    return ", ".join([schema.get("format") or schema.get("type") or "any", *limits])


def options_of(schema: Schema, definitions: Schema, prefix: str = "") -> Iterator[tuple[str, Schema]]:
    """The options of a model by dotted key; those of models within it by theirs."""
    for name, given in schema["properties"].items():
        option = resolved(given, definitions)
        if "properties" in option:
            yield from options_of(option, definitions, f"{prefix}{name}.")
            continue
        items = resolved(option.get("items", {}), definitions)
        if "properties" in items:
            yield f"{prefix}{name}", {**option, "items": {"type": "object"}}
            yield from options_of(items, definitions, f"{prefix}{name}[].")
        else:
            yield f"{prefix}{name}", option


def at(values: Any, key: str) -> Any:
    """A nested value by its dotted key; ``...`` where there is none."""
    for part in key.split("."):
        if not isinstance(values, dict) or part not in values:
            return ...
        values = values[part]
    return values


def parameters() -> str:
    """Every parameter of every pipeline."""
    files = {
        key: (path.name, values)
        for path in sorted(BASE.glob("parameters_*.yml"))
        for key, values in yaml.safe_load(path.read_text(encoding="utf-8")).items()
    }
    sections = []
    for name, model in _options().items():
        schema = model.model_json_schema()
        definitions = schema.get("$defs", {})
        file, values = files[name]
        rows: list[list[object]] = []
        for key, option in options_of(schema, definitions):
            default = code(option["default"]) if "default" in option else "–"
            ours = at(values, key)
            if ours is ... or ours == option.get("default", ...):
                here = ""
            else:
                here = "in the file" if isinstance(ours, dict) else code(ours)
            rows.append(
                [f"`{name}.{key}`", kind(option, definitions), default, here, option.get("description", "")]
            )
        about = inspect.cleandoc(model.__doc__ or "").split("\n\n")[0]
        sections.append(
            f"## `{name}`\n\n{cell(about)} File: [`conf/base/{file}`](../../conf/base/{file}).\n\n"
            + table(["key", "is", "default", "`conf/base`", "meaning"], rows)
        )
    return page(
        "Parameters",
        "Given to `kedro run` and to the commands that take `--params`, as `--params=train.max_minutes=40`, "
        "or in files: `conf/base` holds for all, `conf/local/parameters.yml` for you alone. All are checked before any "
        "work is done: an unknown key, or a value that does not fit, is refused with the key, the value and what is "
        "allowed. "
        "The column `conf/base` is filled where that folder says otherwise than the code.",
        *sections,
    )


def settings() -> str:
    """Every setting of the services."""
    both = HttpOptions.model_fields
    sections = []
    for title, options, left_out in (
        ("Both", HttpOptions, {}),
        ("`invoicegen serve` alone", ServiceOptions, both),
        (
            "`invoicegen serve-ocr` alone",
            OcrServiceOptions,
            {name: both[name] for name in both if name != "port"},
        ),
    ):
        schema = options.model_json_schema()
        rows: list[list[object]] = []
        for key, option in options_of(schema, schema.get("$defs", {})):
            if key in left_out:
                continue
            secret = any(choice.get("writeOnly") for choice in (option, *option.get("anyOf", ())))
            default = "–" if secret or "default" not in option else code(option["default"])
            rows.append(
                [f"`INVOICEGEN_{key.upper()}`", kind(option, {}), default, option.get("description", "")]
            )
        sections.append(f"## {title}\n\n" + table(["variable", "is", "default", "meaning"], rows))
    return page(
        "Settings of the services",
        "`invoicegen serve` and `invoicegen serve-ocr` take them from their options, the environment, or files of the "
        "same names in the folder that `INVOICEGEN_SECRETS_DIR` names, in that order. Lists are JSON, as "
        "`INVOICEGEN_LANGUAGES='[\"de\"]'`. "
        "Where no default is shown there is none, it is a secret, or the machine gives it (workers: one a core, "
        "queue: three a worker; "
        "state: a folder of the user). "
        "How the services work: [service.md](../service.md).",
        *sections,
    )


def command_sections(command: Any, name: str) -> Iterator[str]:
    """A command and those under it."""
    context = typer.Context(command, info_name=name)
    if isinstance(command, TyperGroup):
        for sub in command.list_commands(context):
            yield from command_sections(command.get_command(context, sub), f"{name} {sub}")
        return
    usage = " ".join([name, *command.collect_usage_pieces(context)])
    parts = [f"## `{name}`", f"```text\n{usage}\n```", inspect.cleandoc(command.help or "")]
    for sort in ("argument", "option"):
        records = [
            parameter.get_help_record(context)
            for parameter in command.params
            if parameter.param_type_name == sort and parameter.name != "help"
        ]
        if rows := [[f"`{names}`", about] for names, about in filter(None, records)]:
            parts.append(table([sort, "meaning"], rows))
    yield "\n\n".join(parts)


def commands() -> str:
    """Every command of ``invoicegen``."""
    root = typer.main.get_command(app)
    return page(
        "Commands",
        "`invoicegen COMMAND --help` says the same. Data generation, training and evaluation are pipelines: "
        "[`kedro run`](../quick-reference.md#pipelines), with these [parameters](parameters.md).",
        *command_sections(root, "invoicegen"),
    )


def catalog() -> str:
    """Every dataset, with the nodes that write and read it."""
    configure_project("invoicegen")
    makers: dict[str, set[str]] = {}
    readers: dict[str, set[str]] = {}
    for pipeline in register_pipelines().values():
        for node in pipeline.nodes:
            for name in node.outputs:
                makers.setdefault(name, set()).add(node.name)
            for name in node.inputs:
                readers.setdefault(name, set()).add(node.name)
    sections = []
    for path in sorted(BASE.glob("catalog_*.yml")):
        rows: list[list[object]] = []
        for name, entry in yaml.safe_load(path.read_text(encoding="utf-8")).items():
            shards = f"{entry.get('path')}/…{entry.get('filename_suffix', '')}"
            place = (
                f"`{entry.get('filepath', shards)}`" if "path" in entry or "filepath" in entry else "memory"
            )
            by, to = (", ".join(sorted(nodes.get(name, ()))) for nodes in (makers, readers))
            rows.append([f"`{name}`", entry["type"].rsplit(".", 1)[-1], place, by, to])
        sections.append(
            f"## `{path.name}`\n\n" + table(["dataset", "type", "where", "written by", "read by"], rows)
        )
    return page(
        "Data catalog",
        "The datasets of [`conf/base`](../../conf/base/catalog_generate.yml), and the nodes that write and read them. "
        "Shards lie in folders named by the options that they were made with ([architecture](../architecture.md)); a "
        "dataset `…_done` lists those that are finished.",
        *sections,
    )


def object_sections(definitions: Schema, names: list[str]) -> Iterator[str]:
    """Tables of objects by their keys."""
    for name in names:
        schema = definitions[name]
        required = set(schema.get("required", ()))
        rows: list[list[object]] = []
        for key, given in schema.get("properties", {}).items():
            default = "" if key in required or "default" not in given else code(given["default"])
            needed = "yes" if key in required else ""
            about = given.get("description", "")
            rows.append([f"`{key}`", kind(given, definitions), needed, default, about])
        about = inspect.cleandoc(schema.get("description", "")).split("\n\n")[0]
        yield f"## {name}\n\n{cell(about)}\n\n" + table(["key", "is", "required", "default", "meaning"], rows)


def api() -> str:
    """The HTTP API of extraction."""
    with tempfile.TemporaryDirectory() as state:
        described = create_app(ServiceOptions(state=Path(state), keys=Path(state) / "keys.json")).openapi()
    return paths_of("HTTP API", described)


def ocr_api() -> str:
    """The HTTP API of the annotation service."""
    with tempfile.TemporaryDirectory() as state:
        options = OcrServiceOptions(more_engines=ENGINE_NAMES[1:], keys=Path(state) / "keys.json")
        return paths_of("HTTP API for annotation", create_ocr_app(options).openapi())


def paths_of(title: str, described: Schema) -> str:
    """Every path of an HTTP API, and the objects that it takes and gives."""
    definitions = described["components"]["schemas"]
    sections = []
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            parts = [f"## `{method.upper()} {path}`", operation.get("description", operation["summary"])]
            if "security" in operation:
                parts.append("Needs a key (`Authorization: Bearer …`) where the service has keys.")
            rows: list[list[object]] = [
                [
                    f"`{given['name']}`",
                    given["in"],
                    kind(given["schema"], definitions),
                    given.get("description", ""),
                ]
                for given in operation.get("parameters", ())
            ]
            if rows:
                parts.append(table(["parameter", "in", "is", "meaning"], rows))
            if body := operation.get("requestBody"):
                kinds = ", ".join(f"`{name}`" for name in body["content"])
                parts.append(f"Body: {body.get('description', '')} ({kinds})")
                form = body["content"].get("multipart/form-data", {}).get("schema", {}).get("properties", {})
                if form:
                    rows = [
                        [f"`{key}`", kind(part, definitions), part.get("description", "")]
                        for key, part in form.items()
                    ]
                    parts.append(table(["part", "is", "meaning"], rows))
            rows, errors = [], []
            for status, answer in operation["responses"].items():
                if status >= "4":
                    errors.append(f"{status} {answer['description']}")
                    continue
                media = answer.get("content", {})
                gives = [
                    f"{kind(given.get('schema', {'type': 'text'}), definitions)} (`{name}`)"
                    for name, given in media.items()
                ]
                rows.append([status, ", ".join(gives) or "nothing"])
            parts.append(table(["status", "gives"], rows))
            if errors:
                parts.append(f"Errors: {', '.join(errors)}.")
            sections.append("\n\n".join(parts))
    return page(
        title,
        "A running service describes itself: `/docs` to read and try, `/openapi.json` for tools. Errors are "
        "`application/problem+json` (RFC 9457). How to run and secure it: [service.md](../service.md).",
        *sections,
        *object_sections(definitions, sorted(definitions)),
    )


INVARIANTS = """## Invariants

A JSON Schema cannot say all; `invoicegen.schema.annotation.check_page` holds the rest of every page that is made or
imported:

1. `boxes_1000`, `ner_tags`, `table_tags` and `cell_tags` have an entry a word.
2. Boxes lie on the page, and are not inside out.
3. `boxes_1000` follows from the boxes of `words`.
4. `ner_tags` follow from `entities`.
5. A word is in at most one entity, and the text of an entity is its words.
6. A word is EMPTY by its cell tag exactly where it is OUTSIDE by its table tag; entities of line items are DATA.
7. Members of relations exist.
8. There are no unknown keys."""


def annotation_schema() -> str:
    """The record of a labelled page."""
    schema = Page.model_json_schema()
    definitions = {**schema["$defs"], "Page": schema}
    return page(
        "Annotation schema 1.0",
        "A labelled page is one JSON object: a line of the dataset `annotations`. For machines: "
        "[`page.schema.json`](../../src/invoicegen/schema/page.schema.json). The shards of `data/05_model_input`, "
        "which training reads, have the same as columns of Parquet, with the bytes of the image. Other tools' formats: "
        "[annotation.md](../annotation.md).",
        *object_sections(definitions, ["Page", *schema["$defs"]]),
        INVARIANTS,
    )


def taxonomy() -> str:
    """The entity types and labels."""
    path = "src/invoicegen/schema/taxonomy.json"
    given = json.loads((ROOT / path).read_text(encoding="utf-8"))
    groups: dict[str, list[dict[str, str]]] = {}
    for entity in given["entities"]:
        groups.setdefault(entity["group"], []).append(entity)
    columns = {
        "name": "name",
        "definition": "what it is",
        "example": "example",
        "multiplicity": "times",
        "value": "value",
        "en16931": "EN 16931",
        "docile": "DocILE",
        "azure": "Azure",
        "sroie_cord": "SROIE, CORD",
    }
    sections = []
    for group, entities in groups.items():
        rows: list[list[object]] = [
            [f"`{entity['name']}`", *(entity[key] for key in columns if key != "name")] for entity in entities
        ]
        sections.append(f"## Group {group}\n\n" + table(list(columns.values()), rows))
    table_labels, cell_labels = (
        ", ".join(f"`{name}`" for name in given[key]) for key in ("table_labels", "cell_labels")
    )
    return page(
        "Taxonomy",
        f"Version {given['version']}: {len(given['entities'])} entity types, {len(given['bio_labels'])} BIO labels "
        f"(`O`, and `B-` and `I-` of each), table labels {table_labels}, cell labels {cell_labels}. For machines: "
        f"[`taxonomy.json`](../../{path}). Types of your own beside them: [model.md](../model.md#your-own-entities).",
        *sections,
    )


PAGES = {
    "cli.md": commands,
    "parameters.md": parameters,
    "service-settings.md": settings,
    "catalog.md": catalog,
    "api.md": api,
    "ocr-api.md": ocr_api,
    "annotation-schema.md": annotation_schema,
    "taxonomy.md": taxonomy,
}


def main() -> None:
    """Write every page."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, written in PAGES.items():
        (FOLDER / name).write_text(written(), encoding="utf-8")


if __name__ == "__main__":
    main()
