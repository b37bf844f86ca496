"""The page record, its JSON Schema, and the invariants that neither types nor schema can say."""

import copy
import json
from importlib.resources import files

import jsonschema
import pytest
from pydantic import ValidationError

from invoicegen.schema.annotation import Page, check_page

SCHEMA = json.loads(files("invoicegen.schema").joinpath("page.schema.json").read_text(encoding="utf-8"))


def meaning(schema):
    """A JSON Schema without its titles and descriptions, which bind nobody."""
    if isinstance(schema, dict):
        return {
            key: meaning(value)
            for key, value in schema.items()
            if not (key in ("title", "description") and isinstance(value, str))
        }
    return [meaning(value) for value in schema] if isinstance(schema, list) else schema


def changed(record, path, value):
    """A copy of the record with the value at ``path`` replaced, or removed where it is ``...``."""
    result = copy.deepcopy(record)
    place = result
    for key in path[:-1]:
        place = place[key]
    if value is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return result


def test_the_models_and_the_schema_file_agree():
    assert meaning(Page.model_json_schema()) == meaning(SCHEMA)


def test_the_example_is_sound(record):
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(record, SCHEMA)
    page = Page.model_validate(record)
    assert check_page(page) == []
    assert Page.model_validate_json(page.model_dump_json()) == page
    jsonschema.validate(json.loads(page.model_dump_json()), SCHEMA)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("colour",), "red"),
        (("words", 0, "font"), "Lato"),
        (("provenance", "author"), "x"),
        (("schema_version",), "2.0"),
        (("doc_id",), ...),
        (("page",), -1),
        (("page_count",), 0),
        (("document_type",), "order"),
        (("split",), "dev"),
        (("image_sha256",), "xyz"),
        (("width",), 0),
        (("words", 0, "box"), [1, 2, 3]),
        (("words", 0, "quad"), [1, 2, 3, 4]),
        (("words", 0, "source"), "fax"),
        (("boxes_1000", 0), [0, 0, 10]),
        (("boxes_1000", 0), [0, 0, 10, 1001]),
        (("boxes_1000", 0), [-1, 0, 10, 10]),
        (("entities", 0, "value"), ...),
        (("entities", 0, "value_kind"), "number"),
        (("entities", 0, "occurrence"), "second"),
        (("relations", 0, "type"), "party"),
        (("provenance", "label_source"), "guess"),
        (("provenance", "template_family"), "baroque"),
    ],
)
def test_the_models_and_the_schema_refuse_the_same(record, path, value):
    wrong = changed(record, path, value)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, SCHEMA)
    with pytest.raises(ValidationError):
        Page.model_validate(wrong)


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        (("boxes_1000",), [[100, 40, 148, 56]], "boxes_1000 has 1 entries for 7 words"),
        (("ner_tags",), ["O"], "ner_tags has 1 entries for 7 words"),
        (("table_tags",), [], "table_tags has 0 entries for 7 words"),
        (("cell_tags",), [], "cell_tags has 0 entries for 7 words"),
        (
            ("words", 0, "box"),
            [-1, 50, 148, 70],
            "word 0 'A-17': box [-1.0, 50.0, 148.0, 70.0] is not on the page",
        ),
        (("words", 0, "box"), [100, 50, 148, 1251], "is not on the page"),
        (("words", 0, "box"), [148, 50, 100, 70], "is not on the page"),
        (("boxes_1000", 3), [100, 272, 131, 288], "boxes_1000[3] does not follow from the box"),
        (("table_tags", 0), "INSIDE OUT", "unknown table tag 'INSIDE OUT'"),
        (("cell_tags", 0), "FOOTER", "unknown cell tag 'FOOTER'"),
        (("entities", 0, "type"), "INVOICE_NO", "entity e1: unknown type 'INVOICE_NO'"),
        (("entities", 0, "id"), "e2", "two entities share an id"),
        (("entities", 0, "words"), [7], "entity e1: words [7] are not places of 7 words"),
        (("entities", 3, "words"), [-1], "entity e4: words [-1] are not places of 7 words"),
        (("entities", 0, "words"), [], "entity e1: words [] are not places of 7 words"),
        (("entities", 0, "words"), [5], "word 5 is in two entities"),
        (
            ("ner_tags", 4),
            "B-ITEM_DESCRIPTION",
            "ner_tags[4] is B-ITEM_DESCRIPTION, its entity says I-ITEM_DESC",
        ),
        (("ner_tags", 1), "B-CURRENCY", "ner_tags[1] is B-CURRENCY, its entity says O"),
        (("entities", 1, "text"), "Vis", "entity e2: text 'Vis' is not its words 'Vis M8'"),
        (("table_tags", 0), "CELL", "word 0: table tag CELL with cell tag EMPTY"),
        (("cell_tags", 0), "DATA", "word 0: table tag OUTSIDE with cell tag DATA"),
        (("cell_tags", 3), "HEADER", "word 3: B-ITEM_DESCRIPTION in a cell tagged HEADER"),
        (("relations", 0, "members"), ["e2", "e9"], "relation line-0: no entity 'e9'"),
    ],
)
def test_every_broken_invariant_is_found(record, path, value, problem):
    problems = check_page(Page.model_validate(changed(record, path, value)))
    assert any(problem in found for found in problems), problems


def test_a_page_without_words_is_sound(record):
    lists = ("words", "boxes_1000", "ner_tags", "table_tags", "cell_tags", "entities", "relations", "tables")
    assert check_page(Page.model_validate({**record, **{name: [] for name in lists}})) == []
