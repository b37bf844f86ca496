"""Pages and documents collected and scored together."""

from __future__ import annotations

from dataclasses import replace

import pytest

from invoicegen.evaluation.crops import choose_errors
from invoicegen.evaluation.grouping import STEPS, group_order, step
from invoicegen.evaluation.misread import misread_entities
from invoicegen.evaluation.run import (
    Evaluation,
    LabeledPage,
    batches,
    entity_order,
    open_entities,
    read_documents,
)
from invoicegen.extraction import assemble
from invoicegen.schema.annotation import Entity
from invoicegen.schema.rows import page_to_row, rows_to_table
from invoicegen.schema.taxonomy import LabelSet, bio_tags

PARTS = [
    ("Mill Works Ltd", "SELLER_NAME", "Mill Works Ltd", None),
    ("Total", None, None, None),
    ("466.48", "TOTAL_AMOUNT", "466.48", None),
]


def wrapped(page):
    """The page with a description of two lines that the figures of its row stand between."""
    words = page.words
    entities = [("ITEM_DESCRIPTION", [0, 3]), ("ITEM_QUANTITY", [1]), ("ITEM_AMOUNT", [2])]
    return page.model_copy(
        update={
            "ner_tags": bio_tags(4, entities),
            "table_tags": ["CELL", "CELL", "CELL", "INSIDE"],
            "cell_tags": ["DATA"] * 4,
            "entities": [
                Entity(
                    id=f"e{i}",
                    type=name,
                    words=places,
                    text=" ".join(words[p].text for p in places),
                    value=None,
                    value_kind="string",
                    box=words[places[0]].box,
                )
                for i, (name, places) in enumerate(entities)
            ],
        }
    )


def test_entity_order_keeps_wrapped_entities_together(make_page):
    page = wrapped(make_page([("Hex", None, None, None), ("1 9.00 bolt", None, None, None)]))
    assert page.ner_tags[3] == "I-ITEM_DESCRIPTION"
    assert entity_order(page) == [0, 3, 1, 2]


def test_entity_order_of_an_entity_whose_first_word_comes_later(make_page):
    page = make_page([("b a x", None, None, None)])
    entity = Entity(
        id="e0",
        type="SELLER_NAME",
        words=[1, 0],
        text="a b",
        value="a b",
        value_kind="string",
        box=[0, 0, 190, 15],
    )
    assert entity_order(page.model_copy(update={"entities": [entity]})) == [1, 0, 2]


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        (["I-A", "I-A", "O", "I-A"], ["B-A", "I-A", "O", "B-A"]),
        (["B-A", "I-B", "I-B"], ["B-A", "B-B", "I-B"]),
        (["B-A", "I-A", "B-A", "O"], ["B-A", "I-A", "B-A", "O"]),
        ([], []),
    ],
)
def test_open_entities(tags, expected):
    assert open_entities(tags) == expected


def test_a_wrapped_entity_is_right_when_all_its_words_are(make_page, predict):
    page = wrapped(make_page([("Hex", None, None, None), ("1 9.00 bolt", None, None, None)]))
    record = {"document_type": "invoice", "fields": {}, "line_items": []}
    evaluation = Evaluation()
    evaluation.add_document([LabeledPage(page, "pdf", "clean")], [predict(page)], record)
    assert evaluation.result().scores["entities"]["micro"]["f1"] == 1.0
    evaluation = Evaluation()
    evaluation.add_document(
        [LabeledPage(page, "pdf", "clean")], [predict(page, {3: "B-ITEM_DESCRIPTION"})], record
    )
    (error,) = evaluation.result().errors
    assert error["category"] == "split"
    assert [entity["words"] for entity in error["predicted"]] == [[0], [3]]


def test_a_perfect_model_scores_one_everywhere(make_page, predict):
    evaluation = Evaluation()
    page = make_page(
        [
            *PARTS,
            ("Hex bolt", "ITEM_DESCRIPTION", "Hex bolt", "line-1"),
            ("12.00", "ITEM_AMOUNT", "12.00", "line-1"),
        ]
    )
    prediction = predict(page)
    evaluation.add_document([LabeledPage(page, "pdf_text", "clean")], [prediction], assemble([prediction]))
    result = evaluation.result()
    assert result.errors == []
    scores = result.scores
    assert scores["documents"] == scores["pages"] == 1
    assert scores["words"] == 8
    assert scores["entities"]["micro"]["f1"] == 1.0
    assert scores["table"]["accuracy"] == scores["cell"]["accuracy"] == 1.0
    assert scores["fields"]["micro"]["f1"] == 1.0
    for groups in scores["groups"].values():
        (group,) = groups.values()
        assert group["entity_f1"] == group["field_micro_f1"] == group["table_accuracy"] == 1.0


def test_scores_by_group_are_apart(make_page, predict):
    evaluation = Evaluation()
    good, bad = make_page(PARTS), make_page(PARTS, doc_id="doc-2", locale="fr_FR")
    for page, prediction, engine in (
        (good, predict(good), "pdf_text"),
        (bad, predict(bad, {4: "O"}), "rapidocr"),
    ):
        evaluation.add_document([LabeledPage(page, engine, "clean")], [prediction], assemble([prediction]))
    groups = evaluation.result().scores["groups"]
    assert groups["locale"]["de_DE"]["entity_f1"] == 1.0
    assert groups["locale"]["fr_FR"]["entity_f1"] == pytest.approx(2 * 1 / (1 + 2))
    assert groups["locale"]["fr_FR"]["field_micro_f1"] == pytest.approx(2 * 1 / (1 + 2))
    assert groups["ocr_engine"]["rapidocr"]["pages"] == 1
    assert groups["augmentation"]["clean"]["documents"] == 2


def test_errors_say_where_and_what(make_page, predict):
    evaluation = Evaluation()
    page = make_page(PARTS)
    prediction = predict(page, {2: "O", 4: "B-SUBTOTAL_AMOUNT"}, confidence=0.75)
    evaluation.add_document([LabeledPage(page, "pdf_text", "clean")], [prediction], assemble([prediction]))
    boundary, wrong_type = evaluation.result().errors
    assert boundary["category"] == "wrong_boundary"
    assert boundary["true"][0]["text"] == "Mill Works Ltd"
    assert boundary["predicted"] == [
        {"type": "SELLER_NAME", "text": "Mill Works", "words": [0, 1], "confidence": 0.75}
    ]
    assert (boundary["doc_id"], boundary["page"], boundary["locale"]) == ("doc-1", 0, "de_DE")
    assert wrong_type["category"] == "wrong_type"
    assert wrong_type["predicted"][0]["type"] == "SUBTOTAL_AMOUNT"


def test_a_prediction_of_another_page_is_refused(make_page, predict):
    page, other = make_page(PARTS), make_page(PARTS[:1], page=1, page_count=2)
    with pytest.raises(ValueError, match="document doc-1, page 0: the prediction is of page 1"):
        Evaluation().add_document([LabeledPage(page, "pdf", "clean")], [predict(other)], {})


PROJECT = LabelSet.model_validate({"extra_entities": [{"name": "PROJECT_CODE"}]})


def test_types_that_a_model_adds_are_scored_like_all_others(make_page, predict):
    evaluation = Evaluation(labels=PROJECT)
    parts = [
        ("Mill Works Ltd", "SELLER_NAME", "Mill Works Ltd", None),
        ("PX-7 12", "PROJECT_CODE", "PX-7 12", None),
    ]
    right, wrong = (make_page(parts, doc_id=name, labels=PROJECT) for name in ("right", "wrong"))
    for page, tags in ((right, {}), (wrong, {3: "B-SELLER_TAX_ID", 4: "I-SELLER_TAX_ID"})):
        prediction = replace(predict(page, tags), labels=PROJECT)
        evaluation.add_document([LabeledPage(page, "pdf", "clean")], [prediction], assemble([prediction]))
    result = evaluation.result()
    assert result.scores["extra_entities"] == ["PROJECT_CODE"]
    assert result.scores["entities"]["by_entity"]["PROJECT_CODE"]["recall"] == 0.5
    field = result.scores["fields"]["by_field"]["PROJECT_CODE"]
    assert (field["recall"], field["precision"]) == (0.5, 1.0)
    assert result.confusion["entities"]["names"][-1] == "PROJECT_CODE"
    assert len(result.confusion["labels"]["counts"]) == 75


def test_pages_with_types_that_the_model_does_not_know_are_refused(make_page, predict):
    page = make_page([("PX-7", "PROJECT_CODE", "PX-7", None)], labels=PROJECT)
    with pytest.raises(
        ValueError, match=r"document doc-1, page 0: has labels of PROJECT_CODE, .*extra_entities"
    ):
        Evaluation().add_document([LabeledPage(page, "pdf", "clean")], [predict(page)], {})


def test_nothing_to_evaluate_is_an_error():
    with pytest.raises(ValueError, match="not one test page"):
        Evaluation().result()


def test_documents_are_read_shard_by_shard(make_page):
    def shard(*pages):
        return lambda: rows_to_table(page_to_row(page, b"png", "scan") for page in pages)

    shards = {
        "b": shard(make_page(PARTS, doc_id="doc-3")),
        "a": shard(
            make_page(PARTS, doc_id="doc-2", page=1, page_count=2),
            make_page(PARTS),
            make_page(PARTS, doc_id="doc-2", page_count=2),
        ),
    }
    documents = list(read_documents(shards))
    assert [[(p.page.doc_id, p.page.page) for p in pages] for pages in documents] == [
        [("doc-2", 0), ("doc-2", 1)],
        [("doc-1", 0)],
        [("doc-3", 0)],
    ]
    assert documents[0][0].augmentation == "scan"
    assert [len(batch) for batch in batches(iter(documents), 3)] == [2, 1]


def test_a_document_without_a_page_is_an_error(make_page):
    shards = {"a": lambda: rows_to_table([page_to_row(make_page(PARTS, page_count=2), b"", "clean")])}
    with pytest.raises(ValueError, match=r"shard a: document doc-1 of 2 pages has pages \[0\]"):
        list(read_documents(shards))


def test_groups_by_length_have_steps():
    assert [step(n, STEPS["line_items"]) for n in (0, 1, 5, 6, 40, 41, 200)] == [
        "0",
        "1-5",
        "1-5",
        "6-15",
        "16-40",
        "41+",
        "41+",
    ]
    assert [step(n, STEPS["pages"]) for n in (1, 2, 9)] == ["1", "2", "3+"]
    assert sorted(["41+", "6-15", "0", "1-5", "16-40"], key=group_order) == [
        "0",
        "1-5",
        "6-15",
        "16-40",
        "41+",
    ]


def test_a_misread_word_is_an_error_of_the_ocr(make_page, predict):
    read = make_page(
        [
            ("Mill Warks Ltd", "SELLER_NAME", "Mill Works Ltd", None),
            ("466.43", "TOTAL_AMOUNT", "466.48", None),
        ]
    )
    read = read.model_copy(
        update={"provenance": read.provenance.model_copy(update={"ocr": {"engine": "rapidocr"}})}
    )
    evaluation = Evaluation()
    prediction = predict(read, {3: "O"})
    evaluation.add_document([LabeledPage(read, "rapidocr", "clean")], [prediction], assemble([prediction]))
    result = evaluation.result()
    by_category = {error["category"]: error for error in result.errors}
    assert by_category["ocr"]["true"][0]["text"] == "Mill Works Ltd"
    assert by_category["ocr"]["predicted"][0]["text"] == "Mill Warks Ltd"
    assert by_category["missed"]["misread"]  # the total was misread too, but it is missed first of all
    assert result.scores["errors"]["by_category"]["ocr"] == 1
    assert result.scores["errors"]["by_entity"]["SELLER_NAME"]["ocr"] == 1
    assert result.scores["errors"]["misread"] == {"ocr": 1, "missed": 1}
    assert result.scores["errors"]["groups"]["ocr_engine"] == {"rapidocr": {"ocr": 1, "missed": 1}}
    assert misread_entities(read.model_copy(update={"provenance": make_page(PARTS).provenance})) == []


def test_every_kind_of_error_is_pictured_before_any_is_pictured_often():
    def error(category, true, predicted, doc):
        sides = {
            side: [{"type": name}] if name else []
            for side, name in (("true", true), ("predicted", predicted))
        }
        return {"category": category, "doc_id": doc, "page": 0, **sides}

    errors = [error("missed", "A", None, f"m{i}") for i in range(9)]
    errors += [error("spurious", None, "B", "s"), *[error("wrong_type", "A", "B", f"w{i}") for i in range(4)]]
    chosen = choose_errors(errors, [{"true": "A", "predicted": "B"}], 5)
    assert [row["doc_id"] for row in chosen] == ["m0", "m1", "s", "w0", "w1"]
    assert choose_errors(errors, [], 0) == []
    assert len(choose_errors(errors, [], 99)) == 14


def test_the_truth_in_place_of_a_model_is_wholly_right(benchmark, make_page):
    """benchmarks/rules.py --truth, on a page whose words were read without a mistake."""
    item = [
        ("Hex bolt", "ITEM_DESCRIPTION", "Hex bolt", "line-1"),
        ("12.00", "ITEM_AMOUNT", "12.00", "line-1"),
    ]
    labeled = LabeledPage(make_page([*PARTS, *item]), "pdf_text", "clean")
    prediction = benchmark("rules").true_prediction(labeled)
    evaluation = Evaluation()
    evaluation.add_document([labeled], [prediction], assemble([prediction]))
    (outcome,) = evaluation.outcomes
    for name in ("entities", "fields", "line_items"):
        correct, given, true = outcome.counts[name]
        assert correct == given == true > 0, name
