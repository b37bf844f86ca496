"""Label ids are fixed: a trained model knows them by number."""

import pytest

from invoicegen.schema.taxonomy import (
    CELL_IDS,
    ENTITY_TYPES,
    ITEM_ENTITY_TYPES,
    NER_IDS,
    NER_LABELS,
    TABLE_IDS,
    VALUE_KINDS,
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
