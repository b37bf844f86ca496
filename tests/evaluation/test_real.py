"""Scores of real documents on a small fabricated set, by hand."""

from __future__ import annotations

import json

import pytest

from invoicegen.evaluation.real import RealLabel, count_items_right, read_labels, score_real

LABELS = [
    RealLabel(
        file="a.pdf",
        kind="invoice",
        source="x",
        template="t1",
        language="de",
        fields={
            "total": ["466.48"],
            "invoice_date": ["2026-10-14", "2026-10-15"],
            "seller_name": ["Mill Works GmbH"],
            "line_items": [
                {"description": "Hex bolt", "quantity": "100", "amount": "12.00"},
                {"description": "Nut", "amount": "4.00"},
            ],
        },
        fields_extra={"buyer_name": ["Durand SARL"]},
        alternatives={"total": ["500.00"]},
    ),
    RealLabel(file="b.pdf", kind="invoice", source="x", template="t1", fields={"total": ["10.00"]}),
    RealLabel(file="c.pdf", kind="invoice", source="x", template="t2", fields={"amount_due": ["7.50"]}),
    RealLabel(file="d.jpg", kind="receipt", source="y", fields={"total": ["3.00"], "mood": ["good"]}),
    RealLabel(file="e.jpg", kind="receipt", source="y", fields={"total": ["5.00"]}),
]


def found(*values: str | None) -> list[dict[str, object]]:
    return [{"value": value, "confidence": 0.9 - 0.1 * i} for i, value in enumerate(values)]


RECORDS = [
    {
        "file": "in/a.pdf",
        "fields": {
            "TOTAL_AMOUNT": found("500.00", "466.48"),  # an alternative
            "INVOICE_DATE": found("2026-10-15"),
            "SELLER_NAME": found("Mill Works Gmbh & Co"),  # 2 more letters of 15: soft
            "DUE_DATE": found("2026-11-11"),  # not labelled: of no concern
        },
        "line_items": [
            {"ITEM_DESCRIPTION": {"value": "Nut"}, "ITEM_AMOUNT": {"value": "4.0"}},
            {"ITEM_DESCRIPTION": {"value": "Hex bolts"}, "ITEM_AMOUNT": {"value": "12.00"}},
        ],
    },
    {"file": "b.pdf", "fields": {"TOTAL_AMOUNT": found("11.00")}, "line_items": []},  # wrong
    {"file": "c.pdf", "fields": {"TOTAL_AMOUNT": found("7.50")}},  # stands in for AMOUNT_DUE
    {"file": "d.jpg", "error": "not an image"},
]


def test_score_real_by_hand():
    report = score_real(LABELS, RECORDS)
    assert report["documents"] == {"labelled": 5, "missing": 1, "failed": 1}
    # 7 labelled fields; given: a's three, b's total, c's; right: a's total and date, c's
    everything = report["all"]
    assert (everything["micro"]["correct"], everything["micro"]["predicted"]) == (3, 5)
    assert everything["micro"]["support"] == 7
    assert everything["micro_f1"] == pytest.approx(2 * 3 / (5 + 7))
    assert everything["soft_micro_f1"] == pytest.approx(2 * 4 / (5 + 7))
    total = everything["by_field"]["total"]
    assert (total["correct"], total["predicted"], total["support"]) == (1, 2, 4)
    assert total["f1"] == pytest.approx(2 * 1 / (2 + 4))
    assert everything["by_field"]["seller_name"]["f1"] == 0.0
    assert everything["by_field"]["seller_name"]["soft_f1"] == 1.0
    assert everything["macro_f1"] == pytest.approx((1 / 3 + 1 + 0 + 1) / 4)
    assert "mood" not in everything["by_field"]
    # layout t1: 2 right of 4 given, 4 labelled; t2: all right
    assert report["by_kind"]["invoice"]["templates"] == 2
    assert report["by_kind"]["invoice"]["by_template_f1"] == pytest.approx((2 * 2 / (4 + 4) + 1) / 2)
    assert report["by_kind"]["receipt"]["micro_f1"] == 0.0
    assert report["by_kind"]["receipt"]["by_template_f1"] == 0.0
    assert report["by_language"]["de"]["documents"] == 1
    assert report["by_source"]["x"]["micro"]["support"] == 5


def test_line_items_need_all_that_is_labelled():
    report = score_real(LABELS, RECORDS)
    items = report["line_items"]  # the bolt lacks its quantity
    assert (items["correct"], items["predicted"], items["support"]) == (1, 2, 2)
    assert items["f1"] == pytest.approx(2 * 1 / (2 + 2))


def test_a_labelled_item_without_known_values_is_matched_by_none():
    assert count_items_right([{"colour": "red"}, {"amount": ""}], [{"ITEM_AMOUNT": {"value": "1"}}]) == 0


def test_extra_fields_count_on_demand():
    report = score_real(LABELS, RECORDS, extra=True)
    assert report["all"]["micro"]["support"] == 8
    assert report["all"]["by_field"]["buyer_name"]["recall"] == 0.0


def test_wrong_fields_are_listed():
    wrong = score_real(LABELS, RECORDS)["wrong"]
    assert {(w["file"], w["field"], w["value"]) for w in wrong} == {
        ("a.pdf", "seller_name", "Mill Works Gmbh & Co"),
        ("b.pdf", "total", "11.00"),
        ("d.jpg", "total", None),
        ("e.jpg", "total", None),
    }


@pytest.fixture
def folder(tmp_path):
    lines = [json.dumps({**label.model_dump(), "licence": "MIT"}) for label in LABELS]
    (tmp_path / "labels.jsonl").write_text("\n".join(lines) + "\n")
    for label in LABELS:
        (tmp_path / label.file).write_bytes(b"x")
    return tmp_path


def test_read_labels(folder):
    assert read_labels(folder) == LABELS
    assert read_labels(folder, limit=2) == LABELS[:2]


def test_read_labels_names_missing_documents(folder):
    (folder / "b.pdf").unlink()
    (folder / "c.pdf").unlink()
    with pytest.raises(ValueError, match=r"2 of 5 documents .* are not in its folder: b.pdf, c.pdf"):
        read_labels(folder)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{}", "line 1: file: Field required"),
        ("nonsense", "line 1: the line: Invalid JSON"),
        ("", "has no labels"),
    ],
)
def test_read_labels_refuses_what_is_no_label(tmp_path, line, message):
    (tmp_path / "labels.jsonl").write_text(line + "\n")
    with pytest.raises(ValueError, match=message):
        read_labels(tmp_path)


def test_read_labels_needs_the_file(tmp_path):
    with pytest.raises(ValueError, match=r"labels.jsonl does not exist"):
        read_labels(tmp_path / "nowhere")
