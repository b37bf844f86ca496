"""Labels follow the true words whatever an engine makes of them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from invoicegen.augmentation.apply import move_page
from invoicegen.augmentation.warp import Homography, PageMap
from invoicegen.geometry import quad_to_box
from invoicegen.labeling import (
    AlignmentStats,
    DocumentState,
    LabelingOptions,
    align,
    annotate_page,
    sort_words,
    summarise,
)
from invoicegen.schema.annotation import Word, check_page
from invoicegen.schema.truth import TruePage

SHA = "0" * 64


def as_read(true_page, source="ocr"):
    """The true words as a perfect engine would return them, without labels."""
    return [
        Word(text=word.text, box=list(quad_to_box(word.quad)), source=source, confidence=0.9)
        for word in true_page.words
    ]


def cut(word, at):
    """A word cut in two behind ``at`` characters, boxes in proportion."""
    x0, y0, x1, y1 = word.box
    middle = x0 + (x1 - x0) * at / len(word.text)
    return [
        word.model_copy(update={"text": word.text[:at], "box": [x0, y0, middle, y1]}),
        word.model_copy(update={"text": word.text[at:], "box": [middle, y0, x1, y1]}),
    ]


def glue(words):
    """Several words read as one."""
    boxes = np.array([word.box for word in words])
    box = [*boxes[:, :2].min(axis=0).tolist(), *boxes[:, 2:].max(axis=0).tolist()]
    return words[0].model_copy(update={"text": "".join(word.text for word in words), "box": box})


def shifted(word, dx, dy=0.0):
    return word.model_copy(update={"box": [v + d for v, d in zip(word.box, (dx, dy, dx, dy), strict=True)]})


def entities_of(page):
    return {(entity.type, entity.text, entity.occurrence) for entity in page.entities}


@pytest.fixture
def label(plan, invoice):
    """annotate_page with everything but the words filled in."""

    def run(true_page, words=None, **more):
        engine = "true" if words is None else "test"
        page, stats = annotate_page(
            true_page, words, plan, invoice, "images/doc-1-0.jpg", SHA, 1, **{"engine": engine, **more}
        )
        assert check_page(page) == []
        return page, stats

    return run


TRUE_ENTITIES = {
    ("INVOICE_NUMBER", "INV-7", "primary"),
    ("INVOICE_DATE", "14 Oct 2026", "primary"),
    ("ITEM_DESCRIPTION", "Hex bolt zinc plated", "primary"),
    ("ITEM_AMOUNT", "12.00", "primary"),
    ("TAX_RATE", "20%", "primary"),
    ("TAX_AMOUNT", "2.40", "primary"),
    ("TOTAL_AMOUNT", "14.40", "primary"),
    ("TOTAL_AMOUNT", "14.40", "repeat"),
}


def test_true_words_carry_all_labels(true_page, label):
    page, stats = label(true_page)
    assert entities_of(page) == TRUE_ENTITIES
    assert [word.text for word in page.words] == [word.text for word in true_page.words[:10]] + [
        word.text for word in true_page.words[10:12] + true_page.words[14:16] + true_page.words[12:14]
    ] + [word.text for word in true_page.words[16:]]
    assert page.provenance.label_source == "template"
    assert page.provenance.ocr is None
    assert (stats.lost_words, stats.spurious_words, stats.char_errors) == (0, 0, 0)
    assert stats.labelled_kept == stats.labelled_words == 13
    assert all(word.source == "template" and word.quad is None for word in page.words)


@pytest.mark.parametrize("source", ["ocr", "pdf"])
def test_a_perfect_reading_has_the_labels_of_the_true_words(true_page, label, source):
    truth, _ = label(true_page)
    page, stats = label(true_page, as_read(true_page, source)[::-1])
    for name in ("boxes_1000", "ner_tags", "table_tags", "cell_tags", "entities", "relations", "tables"):
        assert getattr(page, name) == getattr(truth, name), name
    assert page.provenance.label_source == "ocr_aligned"
    assert {word.source for word in page.words} == {source}
    assert stats.cer == 0


def test_page_of_the_true_words(true_page, label):
    page, _ = label(
        true_page, fonts=["Inter"], augmentations=[{"name": "jpeg", "params": {}, "geometry": False}]
    )
    triples = zip(page.ner_tags, page.table_tags, page.cell_tags, strict=True)
    tags = {word.text: triple for word, triple in zip(page.words, triples, strict=True)}
    assert tags["no:"] == ("O", "OUTSIDE", "EMPTY")
    assert tags["Item"] == ("O", "CELL", "HEADER")
    assert tags["GBP"] == ("O", "INSIDE", "HEADER")
    assert tags["Hex"] == ("B-ITEM_DESCRIPTION", "CELL", "DATA")
    assert tags["plated"] == ("I-ITEM_DESCRIPTION", "INSIDE", "DATA")
    assert tags["2"] == ("O", "CELL", "DATA")
    assert tags["2.40"] == ("B-TAX_AMOUNT", "OUTSIDE", "EMPTY")

    by_type = {entity.type: entity for entity in page.entities}
    assert by_type["INVOICE_DATE"].value == "2026-10-14"
    assert by_type["INVOICE_DATE"].value_kind == "date"
    assert by_type["ITEM_DESCRIPTION"].box == [50, 340, 156, 384]
    assert [(relation.type, relation.id, relation.continues) for relation in page.relations] == [
        ("line_item", "line-0", None),
        ("tax_line", "tax-0", None),
    ]
    assert page.relations[0].members == [by_type["ITEM_DESCRIPTION"].id, by_type["ITEM_AMOUNT"].id]

    (table,) = page.tables
    assert table.kind == "line_items"
    assert table.continues is None
    assert table.box == [50, 300, 896, 384]
    assert table.columns == [
        {"entity": "ITEM_DESCRIPTION", "x0": 50, "x1": 156},
        {"name": "colli", "x0": 400, "x1": 450},
        {"entity": "ITEM_AMOUNT", "x0": 800, "x1": 896},
    ]
    assert table.rows == [
        {"kind": "header", "y0": 300, "y1": 320},
        {"kind": "data", "line": "line-0", "y0": 340, "y1": 384},
    ]
    grid = {
        (cell["row"], cell["column"]): [page.words[i].text for i in cell["words"]] for cell in table.cells
    }
    assert grid == {
        (0, 0): ["Item"],
        (0, 1): ["Colli"],
        (0, 2): ["Amount", "GBP"],
        (1, 0): ["Hex", "bolt", "zinc", "plated"],
        (1, 1): ["2"],
        (1, 2): ["12.00"],
    }
    provenance = page.provenance
    assert provenance.generator == "invoicegen"
    assert provenance.renderer.startswith("weasyprint ")
    assert provenance.currency == "GBP"
    assert provenance.split_group == "a1b2"
    assert provenance.fonts == ["Inter"]
    assert provenance.augmentations == [{"name": "jpeg", "params": {}, "geometry": False}]


def test_ocr_is_told_in_the_provenance(true_page, label):
    words = as_read(true_page)
    page, _ = label(true_page, words[1:], engine_version="9.1")
    assert page.provenance.ocr == {
        "engine": "test",
        "version": "9.1",
        "cer": round(7 / sum(len(word.text) for word in true_page.words), 6),
        "aligned_words": len(words) - 1,
        "lost_words": 1,
    }


def test_words_read_in_halves_keep_their_labels(true_page, label):
    halves = [
        half
        for word in as_read(true_page)
        for half in (cut(word, len(word.text) // 2) if len(word.text) > 1 else [word])
    ]
    page, stats = label(true_page, halves)
    assert stats.labelled_kept == stats.labelled_words
    assert stats.cer == 0
    by_type = {entity.type: entity for entity in page.entities}
    assert by_type["INVOICE_DATE"].text == "1 4 O ct 20 26"
    assert by_type["ITEM_DESCRIPTION"].text == "H ex bo lt zi nc pla ted"
    tags = [page.ner_tags[i] for i in by_type["INVOICE_DATE"].words]
    assert tags == ["B-INVOICE_DATE", *["I-INVOICE_DATE"] * 5]
    description = [page.table_tags[i] for i in by_type["ITEM_DESCRIPTION"].words]
    assert description == ["CELL", *["INSIDE"] * 7]


@pytest.mark.parametrize(
    ("caption", "value", "expected"),
    [
        ("No.", "INV-7", "B-INVOICE_NUMBER"),  # most of the word is the value
        ("Numb.", "INV-7", "B-INVOICE_NUMBER"),  # half of it
        ("Number.", "INV-7", "O"),  # most of the word is the caption
    ],
)
def test_a_caption_glued_to_a_value(builder, label, caption, value, expected):
    page = builder().print(caption, 100, 100)
    page.print(
        value,
        100 + 10 * len(caption) + 2,
        100,
        field="number",
        entity="INVOICE_NUMBER",
        instance=1,
        value=value,
    )
    true_page = page.build()
    labelled, stats = label(true_page, [glue(as_read(true_page))])
    assert labelled.ner_tags == [expected]
    assert stats.aligned_words == 2
    assert stats.labelled_kept == (expected != "O")
    if expected != "O":
        assert labelled.entities[0].value == "INV-7"


def test_a_caption_with_a_colon_is_cut_off_its_value(builder, label):
    page = builder().print("Number:", 100, 100)
    page.print("INV-7", 172, 100, field="number", entity="INVOICE_NUMBER", instance=1, value="INV-7")
    true_page = page.build()
    labelled, stats = label(true_page, [glue(as_read(true_page))])
    assert [word.text for word in labelled.words] == ["Number:", "INV-7"]
    assert labelled.ner_tags == ["O", "B-INVOICE_NUMBER"]
    assert stats.labelled_kept == 1


def test_two_values_glued_go_to_the_longer_one(builder, label):
    page = builder().print("1250.00", 100, 100, field="a", entity="TOTAL_AMOUNT", instance=1, value="1250.00")
    page.print("EUR", 172, 100, field="b", entity="CURRENCY", instance=2, value="EUR")
    labelled, stats = label(page.build(), [glue(as_read(page.build()))])
    assert labelled.ner_tags == ["B-TOTAL_AMOUNT"]
    assert [entity.text for entity in labelled.entities] == ["1250.00EUR"]
    assert (stats.labelled_words, stats.labelled_kept) == (2, 1)


def test_words_of_one_value_glued(builder, label):
    page = builder().print(
        "DE89 3704 0044", 100, 100, field="i", entity="BANK_ACCOUNT", instance=1, value="x"
    )
    words = as_read(page.build())
    labelled, stats = label(page.build(), [glue(words[:2]), words[2]])
    assert labelled.ner_tags == ["B-BANK_ACCOUNT", "I-BANK_ACCOUNT"]
    assert labelled.entities[0].text == "DE893704 0044"
    assert stats.labelled_kept == 3


def test_a_word_takes_in_the_end_of_one_and_the_start_of_the_next(builder, label):
    page = builder().print("Date.", 100, 100)
    page.print("2026-10-14", 152, 100, field="d", entity="INVOICE_DATE", instance=1, value="2026-10-14")
    true_page = page.build()
    words = as_read(true_page)
    head, tail = cut(words[1], 4)
    labelled, _ = label(true_page, [glue([words[0], head]), tail])
    assert [word.text for word in labelled.words] == ["Date.2026", "-10-14"]
    assert labelled.ner_tags == ["O", "B-INVOICE_DATE"]


@pytest.mark.parametrize("dx", [-4.0, 4.0])
@pytest.mark.parametrize("dy", [-6.0, 0.0, 6.0])
def test_boxes_a_little_off(true_page, label, dx, dy):
    page, stats = label(true_page, [shifted(word, dx, dy) for word in as_read(true_page)])
    assert entities_of(page) == TRUE_ENTITIES
    assert stats.lost_words == stats.spurious_words == 0


def test_text_decides_where_boxes_are_off_by_a_word(builder, label):
    page = builder().print("Due 4 weeks", 100, 100)
    page.print("7.00 8.00", 270, 100)  # a column of no field beside the amount
    page.print("9.00", 370, 100, field="t", entity="TOTAL_AMOUNT", instance=1, value="9.00")
    true_page = page.build()
    words = [shifted(word, -26) for word in as_read(true_page)]  # more than half a word to the left
    labelled, _ = label(true_page, words)
    assert [word.text for word, tag in zip(labelled.words, labelled.ner_tags, strict=True) if tag != "O"] == [
        "9.00"
    ]


def test_misread_text_is_placed_by_its_box(true_page, label):
    misread = {"INV-7": "lNV~?", "12.00": "l2.OO", "14.40": "I4.4O", "Hex": "Nex"}
    words = [
        word.model_copy(update={"text": misread.get(word.text, word.text)}) for word in as_read(true_page)
    ]
    page, stats = label(true_page, words)
    truth, _ = label(true_page)
    assert page.ner_tags == truth.ner_tags
    assert [entity.value for entity in page.entities] == [entity.value for entity in truth.entities]
    assert stats.char_errors == 3 + 3 + 2 * 2 + 1


def test_equal_texts_are_told_apart_by_place(true_page, label):
    words = [word for word in as_read(true_page) if not (word.text == "14.40" and word.box[1] == 540)]
    page, stats = label(true_page, words)
    totals = [entity for entity in page.entities if entity.type == "TOTAL_AMOUNT"]
    assert [(entity.box[1], entity.occurrence) for entity in totals] == [(900, "primary")]
    assert stats.lost_words == 1


def test_words_that_are_not_printed_are_spurious_and_outside(true_page, label):
    stamp = Word(text="PAID", box=[300, 1200, 380, 1230], source="ocr")
    page, stats = label(true_page, [*as_read(true_page), stamp])
    place = [word.text for word in page.words].index("PAID")
    assert (page.ner_tags[place], page.table_tags[place], page.cell_tags[place]) == ("O", "OUTSIDE", "EMPTY")
    assert stats.spurious_words == 1
    assert stats.char_errors == 4


def test_rules_of_characters_do_not_count(builder, label):
    page = builder().print("------------", 50, 50).print("Total:", 50, 90).build()
    total = as_read(page)[1]
    for words in ([total], as_read(page), [total, Word(text="=====", box=[500, 50, 600, 70], source="ocr")]):
        labelled, stats = label(page, words)
        assert labelled.ner_tags == ["O"] * len(words)
        assert (stats.true_words, stats.lost_words, stats.spurious_words) == (1, 0, 0)
        assert (stats.true_chars, stats.char_errors) == (6, 0)


@pytest.mark.parametrize("dx", [-3, 3])
def test_a_colon_read_beside_its_place(builder, label, dx):
    page = builder().print("EUR", 50, 50).build()
    colon = replace(page.words[0], text=":", quad=(86, 50, 89, 50, 89, 70, 86, 70))
    words = as_read(replace(page, words=[page.words[0], colon]))
    _, stats = label(replace(page, words=[page.words[0], colon]), [words[0], shifted(words[1], dx)])
    assert (stats.lost_words, stats.spurious_words) == (0, 0)


def test_a_frame_round_many_lines_takes_no_label(true_page, label):
    frame = Word(text="I", box=[40, 290, 960, 560], source="ocr")
    page, stats = label(true_page, [*as_read(true_page), frame])
    assert entities_of(page) == TRUE_ENTITIES
    assert stats.spurious_words == 1


def test_nothing_read_and_nothing_printed(true_page, label):
    page, stats = label(true_page, [])
    assert page.words == page.entities == page.tables == page.relations == []
    assert stats.lost_words == stats.true_words
    assert stats.cer == 1
    page, stats = label(TruePage(0, 100, 100), [Word(text="x", box=[0, 0, 9, 9], source="ocr")])
    assert page.ner_tags == ["O"]
    assert stats.cer == 0
    assert stats.spurious_words == 1


def test_blank_words_are_left_out_and_boxes_cut_at_the_page(true_page, label):
    words = [
        Word(text="  ", box=[5, 5, 20, 20], source="ocr"),
        Word(text="edge", box=[-8, 1390, 40, 1412], source="ocr"),
    ]
    page, _ = label(true_page, words)
    assert [(word.text, word.box) for word in page.words] == [("edge", [0, 1390, 40, 1400])]


def test_words_that_left_the_page_are_not_printed(true_page, label):
    words = [replace(word, visible=0.2) if word.text == "14.40" else word for word in true_page.words]
    page, stats = label(replace(true_page, words=words))
    assert "TOTAL_AMOUNT" not in {entity.type for entity in page.entities}
    assert stats.true_words == len(words) - 2
    page, _ = label(replace(true_page, words=words), options=LabelingOptions(min_visible=0.1))
    assert "TOTAL_AMOUNT" in {entity.type for entity in page.entities}


def test_an_entity_follows_its_own_reading_order(builder, label):
    """Two address columns side by side share lines; each keeps its words together, B- on its first word."""
    page = builder()
    seller = {"field": "seller.address", "entity": "SELLER_ADDRESS", "instance": 1, "value": "s"}
    buyer = {"field": "buyer.address", "entity": "BUYER_ADDRESS", "instance": 2, "value": "b"}
    page.print("1 High St", 50, 104, **seller).print("Leeds LS1", 50, 128, **seller)
    page.print("9 Low Rd", 500, 100, **buyer).print("York YO1", 500, 124, **buyer)
    labelled, _ = label(page.build(), as_read(page.build()))
    texts = {entity.type: entity.text for entity in labelled.entities}
    assert texts == {"SELLER_ADDRESS": "1 High St Leeds LS1", "BUYER_ADDRESS": "9 Low Rd York YO1"}
    assert labelled.ner_tags.count("B-SELLER_ADDRESS") == labelled.ner_tags.count("B-BUYER_ADDRESS") == 1


def test_a_value_printed_again_on_a_later_page_is_a_repeat(builder, label):
    number = {"field": "number", "entity": "INVOICE_NUMBER", "value": "INV-7"}
    first = builder(0).print("INV-7", 50, 50, instance=1, **number).build()
    second = builder(1).print("INV-7", 50, 50, instance=2, **number).build()
    state = DocumentState()
    in_order = [label(page, state=state)[0] for page in (first, second)]
    assert [page.entities[0].occurrence for page in in_order] == ["primary", "repeat"]
    alone, _ = label(second)
    assert alone.entities[0].occurrence == "primary"


def test_a_cell_broken_over_a_page_opens_again(builder, label):
    marks = {
        "field": "lines.4.name",
        "entity": "ITEM_DESCRIPTION",
        "instance": 9,
        "value": "Hex bolt zinc plated",
        "group": "line-4",
        "cell": 20,
        "cell_role": "data",
        "column": "ITEM_DESCRIPTION",
        "row": 4,
    }
    state = DocumentState()
    first, _ = label(builder(0).print("Hex bolt", 50, 1350, **marks).build(), state=state)
    second, _ = label(builder(1).print("zinc plated", 50, 50, **marks).build(), state=state)
    assert first.table_tags == second.table_tags == ["CELL", "INSIDE"]
    assert first.ner_tags == second.ner_tags == ["B-ITEM_DESCRIPTION", "I-ITEM_DESCRIPTION"]
    assert first.entities[0].value == "Hex bolt zinc plated"
    assert (second.entities[0].value, second.entities[0].occurrence) == (None, "repeat")
    assert first.relations[0].continues is None
    assert (second.relations[0].id, second.relations[0].continues) == ("line-4", "line-4")
    assert (first.tables[0].id, second.tables[0].id, second.tables[0].continues) == ("t1", "t2", "t1")


@pytest.mark.parametrize(
    ("marks", "message"),
    [
        ({"entity": "ITEM_AMOUNT", "instance": 1}, "ITEM_AMOUNT outside a data cell"),
        (
            {"entity": "ITEM_AMOUNT", "instance": 1, "cell": 1, "cell_role": "header"},
            "ITEM_AMOUNT outside a data cell",
        ),
        ({"entity": "TOTAL_AMOUNT"}, "without an instance number"),
        ({"entity": "TOTAL", "instance": 1}, "unknown entity type 'TOTAL'"),
        ({"entity": "TAX_RATE", "instance": 1, "group": "row-1"}, "unknown group 'row-1'"),
        ({"cell": 1}, "cell 1 with role None"),
    ],
)
def test_a_truth_that_contradicts_itself_is_refused(builder, label, marks, message):
    page = builder().print("9.00", 50, 50, field="x", **marks).build()
    with pytest.raises(ValueError, match=rf"doc-1 page 0: true word '9.00' \(field x\).*{message}"):
        label(page)


def test_engine_and_words_must_agree(true_page, plan, invoice):
    with pytest.raises(ValueError, match="engine 'true' with words"):
        annotate_page(true_page, [], plan, invoice, "i.jpg", SHA, 1)
    with pytest.raises(ValueError, match="engine 'rapidocr' with no words"):
        annotate_page(true_page, None, plan, invoice, "i.jpg", SHA, 1, engine="rapidocr")


@pytest.mark.parametrize("degrees", [-5, -2, 3])
def test_a_leaning_page_is_aligned_by_boxes_alone(true_page, label, degrees):
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turn = np.array([[cos, -sin, 60 * (degrees > 0)], [sin, cos, 90 * (degrees < 0)], [0, 0, 1]])
    leaning = move_page(true_page, PageMap.compose([Homography(turn)], 1100, 1500))
    upright, _ = label(true_page)
    page, stats = label(leaning, as_read(leaning))
    assert entities_of(page) == TRUE_ENTITIES
    assert stats.lost_words == 0
    assert page.table_tags == upright.table_tags
    truth, _ = label(leaning)
    assert all(word.quad is not None for word in truth.words)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_cut_and_jitter_keeps_every_label(true_page, label, data):
    """Words read right but cut anywhere and up to 2 px off: every entity has exactly its characters."""
    pieces = []
    for word in as_read(true_page):
        at = data.draw(st.integers(0, len(word.text) - 1))
        for part in cut(word, at) if at else [word]:
            offset = data.draw(st.tuples(st.floats(-2, 2), st.floats(-2, 2)))
            pieces.append(shifted(part, *offset))
    page, stats = label(true_page, data.draw(st.permutations(pieces)))
    assert stats.labelled_kept == stats.labelled_words
    assert sorted((entity.type, entity.text.replace(" ", "")) for entity in page.entities) == sorted(
        (kind, text.replace(" ", "")) for kind, text, _ in TRUE_ENTITIES
    )


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_the_invariants_hold_whatever_is_read(true_page, label, data):
    """check_page is asserted by ``label``; nothing may raise, and the counts must add up."""
    words = data.draw(
        st.lists(
            st.builds(
                lambda text, x, y, w, h: Word(text=text, box=[x, y, x + w, y + h], source="ocr"),
                st.text("aA1.€ ", max_size=6),
                st.floats(-20, 1010),
                st.floats(-20, 1410),
                st.floats(0, 300),
                st.floats(0, 80),
            ),
            max_size=30,
        )
    )
    keep = data.draw(st.lists(st.booleans(), min_size=24, max_size=24))
    kept = [word for word, here in zip(as_read(true_page), keep, strict=False) if here]
    page, stats = label(true_page, kept + words)
    assert stats.aligned_words + stats.lost_words == stats.true_words
    assert stats.labelled_kept <= stats.labelled_words
    assert [word.text for word in page.words] == [word.text for word in sort_words(page.words)]


def test_alignment_does_not_depend_on_order(true_page):
    words = as_read(true_page)
    forward = align(true_page.words, words)
    backward = align(true_page.words, words[::-1])
    assert forward.votes == backward.votes[::-1]


def stats_of(engine, preset, **counts):
    names = ("true_words", "aligned_words", "lost_words", "spurious_words", "labelled_words", "labelled_kept")
    numbers = dict.fromkeys((*names, "true_chars", "char_errors"), 0) | counts
    return AlignmentStats(engine=engine, preset=preset, family="modern", **numbers)


def test_report_sums_counts_before_it_divides():
    report = summarise(
        [
            stats_of("a", "clean", true_words=90, aligned_words=90, labelled_words=10, labelled_kept=10),
            stats_of(
                "a", "photo", true_words=10, aligned_words=5, lost_words=5, true_chars=40, char_errors=4
            ),
            stats_of("b", "photo"),
        ]
    )
    assert report["all"]["pages"] == 3
    assert report["all"]["aligned"] == 0.95
    assert report["all"]["labels_kept"] == 1
    assert report["by_engine"]["a"]["lost_words"] == 5
    assert report["by_engine"]["b"]["aligned"] is None
    assert report["by_preset"]["photo"]["cer"] == 0.1
    assert report["by_family"].keys() == {"modern"}
