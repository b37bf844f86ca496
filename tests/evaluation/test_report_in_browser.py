"""The evaluation report in a real browser, on a desktop and a phone."""

from __future__ import annotations

import numpy as np
import pytest

from invoicegen.evaluation import Evaluation, LabeledPage, render_report
from invoicegen.evaluation.crops import crop_errors
from invoicegen.evaluation.data_card import describe_pages, describe_real
from invoicegen.evaluation.real import RealLabel, score_real
from invoicegen.evaluation.report import training_curves
from invoicegen.extraction import assemble
from invoicegen.images import encode_image
from invoicegen.schema.rows import page_to_row, rows_to_table

PARTS = [
    ("Mill & <Works> Limited", "SELLER_NAME", "Mill & <Works> Limited", None),
    ("466.48", "TOTAL_AMOUNT", "466.48", None),
    ("9.00", "SUBTOTAL_AMOUNT", "9.00", None),
    ("Hex bolt", "ITEM_DESCRIPTION", "Hex bolt", "line-1"),
    ("12.00", "ITEM_AMOUNT", "12.00", "line-1"),
]


@pytest.fixture(scope="module")
def report(make_page, predict, tmp_path_factory):
    """A report of twelve generated documents, one error on each, and three real ones."""
    evaluation = Evaluation()
    pages = [make_page(PARTS, doc_id=f"doc-{i}") for i in range(12)]
    for number, page in enumerate(pages):
        change = {4: "O"} if number % 2 else {4: "B-AMOUNT_DUE"}
        prediction = predict(page, change, confidence=0.5 + number / 25)
        labeled = LabeledPage(page, "rapidocr", "office_scan")
        evaluation.add_document([labeled], [prediction], assemble([prediction]))
    result = evaluation.result()
    image = encode_image(np.full((1000, 1000, 3), 255, np.uint8), "jpeg", 90, 150)
    shards = {"a": lambda: rows_to_table(page_to_row(page, image, "office_scan") for page in pages)}
    labels = [
        RealLabel(file=f"{i}.pdf", kind="invoice", source="x", template=f"t{i}", fields={"total": ["1.00"]})
        for i in range(3)
    ]
    values = [{"TOTAL_AMOUNT": [{"value": f"{i}.00", "confidence": 0.9}]} for i in range(3)]
    real = score_real(labels, [{"file": f"{i}.pdf", "fields": value} for i, value in enumerate(values)])
    history = [{"epoch": i, "train_loss": 2.0 / i, "validation_f1": 0.4 + i / 10} for i in (1, 2, 3)]
    path = tmp_path_factory.mktemp("report") / "report.html"
    examples = crop_errors(shards, result.errors)
    wrong = real["wrong"]
    html = render_report(
        result.scores,
        result.confusion,
        examples,
        {**real, "visible": describe_real(labels, [])},
        training_curves(history),
        real_examples=[
            {**wrong[0], "taken_for": [], "page": 0, "image": examples[0]["image"]},
            {**wrong[1], "value": None, "taken_for": ["SUBTOTAL_AMOUNT"], "page": None, "image": None},
        ],
        data_card=describe_pages({"train": shards}),
        model_card=[("started from", "nothing")],
    )
    path.write_text(html, encoding="utf-8")
    return path


def test_wrong_fields_of_real_documents_can_be_looked_through(report, open_page):
    page = open_page(report)
    shown = page.locator("#real-error-list article:visible")
    assert shown.count() == 2
    page.get_by_label("Outcome").select_option("missed")
    assert shown.count() == 1
    assert "given for SUBTOTAL_AMOUNT" in shown.inner_text()
    assert page.locator("#error-list article:visible").count() == 12  # the other list has filters of its own


def test_the_report_is_for_everyone(report, open_page, axe_violations):
    page = open_page(report)
    page.locator("summary").evaluate_all("all => all.forEach(one => one.click())")
    assert axe_violations(page) == []
    # nothing is cut off at the side: wide tables scroll in their own frames
    widths = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert widths[0] == widths[1]
    broken = page.locator("img").evaluate_all(
        "all => all.filter(one => { one.loading = 'eager'; return one.complete && !one.naturalWidth }).length"
    )
    assert broken == 0
    for anchor in page.locator("nav a").all():
        assert page.locator(anchor.get_attribute("href")).count() == 1


def test_errors_are_found_with_the_keyboard(report, open_page):
    page = open_page(report)
    shown = page.locator("#error-list article:visible")
    assert shown.count() == 12
    page.get_by_label("Category").focus()
    page.keyboard.type("missed")
    assert page.locator("#filters output").inner_text() == "6 shown"
    assert shown.count() == 6
    assert set(shown.evaluate_all("all => all.map(one => one.dataset.category)")) == {"missed"}
    page.keyboard.press("Tab")
    page.keyboard.type("AMOUNT_DUE")
    assert shown.count() == 0  # which the others were taken for
    page.get_by_label("Category").select_option("")
    page.get_by_label("Entity").select_option("")
    page.get_by_label("Text").fill("doc-11,")
    assert shown.count() == 1
