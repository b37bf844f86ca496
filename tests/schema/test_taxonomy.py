"""Label ids are fixed: a trained model knows them by number."""

import pytest
from pydantic import ValidationError

from invoicegen.schema.taxonomy import (
    CELL_IDS,
    ENTITY_TYPES,
    ITEM_ENTITY_TYPES,
    NER_IDS,
    NER_LABELS,
    TABLE_IDS,
    VALUE_KINDS,
    LabelSet,
    bio_tags,
)


def test_label_ids():
    assert len(ENTITY_TYPES) == 36
    assert len(ITEM_ENTITY_TYPES) == 8
    assert len(NER_LABELS) == 73
    assert NER_IDS["O"] == 0
    for k, name in enumerate(ENTITY_TYPES, start=1):
        assert (NER_IDS[f"B-{name}"], NER_IDS[f"I-{name}"]) == (2 * k - 1, 2 * k)
    assert (NER_IDS["B-DOCUMENT_TYPE"], NER_IDS["B-TOTAL_AMOUNT"], NER_IDS["I-ITEM_AMOUNT"]) == (1, 41, 72)
    assert TABLE_IDS == {"OUTSIDE": 0, "INSIDE": 1, "CELL": 2}
    assert CELL_IDS == {"EMPTY": 0, "HEADER": 1, "DATA": 2}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("INVOICE_NUMBER", "string"),
        ("INVOICE_DATE", "date"),
        ("TOTAL_AMOUNT", "money"),
        ("TAX_RATE", "percent"),
        ("ITEM_QUANTITY", "decimal"),
        ("SELLER_ADDRESS", "address"),
        ("CURRENCY", "code"),
    ],
)
def test_value_kinds(name, kind):
    assert VALUE_KINDS[name] == kind


def test_bio_tags_follow_entity_order_not_page_order():
    tags = bio_tags(5, [("SELLER_ADDRESS", [3, 0]), ("CURRENCY", [1])])
    assert tags == ["I-SELLER_ADDRESS", "B-CURRENCY", "O", "B-SELLER_ADDRESS", "O"]


@pytest.mark.parametrize(
    ("entities", "message"),
    [
        ([("CURRENCY", [0]), ("TAX_RATE", [0])], "word 0 is in two entities: B-CURRENCY and TAX_RATE"),
        ([("COLOUR", [0])], "'COLOUR' is not in taxonomy"),
    ],
)
def test_bio_tags_refuses(entities, message):
    with pytest.raises(ValueError, match=message):
        bio_tags(1, entities)


def declared(*names, **settings):
    return LabelSet.model_validate({"extra_entities": [{"name": name, **settings} for name in names]})


def test_added_types_stand_behind_the_taxonomy():
    labels = declared("PROJECT_CODE", "COST_CENTRE", value_kind="decimal")
    assert labels.ner_labels[:73] == NER_LABELS
    assert labels.ner_labels[73:] == ("B-PROJECT_CODE", "I-PROJECT_CODE", "B-COST_CENTRE", "I-COST_CENTRE")
    assert labels.ner_ids["I-COST_CENTRE"] == 76
    assert labels.value_kinds == {**VALUE_KINDS, "PROJECT_CODE": "decimal", "COST_CENTRE": "decimal"}
    assert bio_tags(2, [("COST_CENTRE", [1, 0])], labels) == ["I-COST_CENTRE", "B-COST_CENTRE"]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["TOTAL_AMOUNT"], "TOTAL_AMOUNT is a type of the taxonomy already"),
        (["PROJECT_CODE", "PROJECT_CODE"], "PROJECT_CODE is declared twice"),
        (["ITEM_PROJECT"], "columns of the line-item table"),
        (["project-code"], "extra_entities.0.name"),
        (["B-PROJECT"], "extra_entities.0.name"),
        (["PROJECT__CODE"], "extra_entities.0.name"),
        ([""], "extra_entities.0.name"),
    ],
)
def test_names_that_clash_or_are_no_names_are_refused(names, message):
    with pytest.raises(ValidationError, match=message):
        declared(*names)
