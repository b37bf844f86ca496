"""The report holds the numbers, says what was not measured, and loads nothing."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from invoicegen.evaluation import Evaluation, LabeledPage, RealOptions, render_report
from invoicegen.evaluation.confusion import confusion_report, count_labels
from invoicegen.evaluation.grouping import GROUPS
from invoicegen.evaluation.real import RealLabel, folder_of, score_real
from invoicegen.evaluation.report import CATEGORIES, GROUP_TITLES, MEANINGS, draw_curves, training_curves
from invoicegen.extraction import assemble

VOID = {"meta", "br", "img", "input", "rect", "path", "circle", "polyline"}


class _Tags(HTMLParser):
    """Checks that what opens closes, and collects text and what would be loaded."""

    def __init__(self):
        super().__init__()
        self.open, self.loaded, self.text = [], [], []

    def handle_starttag(self, tag, attrs):
        self.loaded += [value for name, value in attrs if name in ("src", "href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        assert tag in VOID

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] != ["script"]:
            self.text.append(data)


def read(html):
    tags = _Tags()
    tags.feed(html)
    assert tags.open == []
    assert all(
        value.startswith(("#", "data:image/png;base64,", "data:image/jpeg;base64,")) for value in tags.loaded
    )
    assert html.count("<script") == html.count("<script>") <= 1  # the filter of errors, in the page itself
    assert "url(" not in html
    return re.sub(r"\s+", " ", " ".join(tags.text))


@pytest.fixture
def result(make_page, predict):
    evaluation = Evaluation()
    page = make_page(
        [
            ("Mill & <Works>", "SELLER_NAME", "Mill & <Works>", None),
            ("466.48", "TOTAL_AMOUNT", "466.48", None),
            ("9.00", "SUBTOTAL_AMOUNT", "9.00", None),
        ]
    )
    prediction = predict(page, {2: "O"})
    evaluation.add_document([LabeledPage(page, "rapidocr", "scan")], [prediction], assemble([prediction]))
    return evaluation.result()


@pytest.fixture
def real():
    labels = [
        RealLabel(file=f"{i}.pdf", kind="invoice", source="x", template=f"t{i}", fields={"total": ["1.00"]})
        for i in range(3)
    ]
    records = [{"file": f"{i}.pdf", "fields": {"TOTAL_AMOUNT": [{"value": f"{i}.00"}]}} for i in range(3)]
    return {"model": "abc", "folder": "x", **score_real(labels, records)}


def test_report_has_the_numbers_of_both(result, real):
    scores = {"model": "abc", **result.scores}
    history = [
        {"epoch": i, "train_loss": 2.0 / i, "validation_loss": None, "validation_f1": 0.5} for i in (1, 2)
    ]
    examples = [{**error, "image": "QUJD"} for error in result.errors]
    html = render_report(scores, result.confusion, examples, real, training_curves(history))
    text = read(html)
    assert "Not measured" not in text
    assert "Not the same model" not in text
    entities = result.scores["entities"]
    assert entities["micro"]["f1"] == pytest.approx(2 * 2 / (3 + 3))
    assert "0.667" in text  # it, and the accuracies of three words
    assert "Invoices, by layout (F1) 0.333" in text
    assert "Mill & <Works>" in text  # an example of an error: printed, not interpreted
    for name in entities["by_entity"]:
        assert name in text
    for value in ("modern", "de_DE", "rapidocr", "scan"):
        assert value in text
    assert "95 %:" in text
    assert "Documents: how often right, by share released" in text
    assert "Loss" in text
    assert "entity F1" in text


@pytest.fixture
def small_confusion():
    """A confusion over two entity types: quicker to draw than all 36."""
    return confusion_report(
        count_labels([["O", "B-A"]], [["O", "O"]], ["O", "B-A", "B-B"]), ["O", "B-A", "B-B"], 5
    )


def test_report_says_what_was_not_measured(result, real, small_confusion):
    text = read(render_report(result.scores, small_confusion, [], None, []))
    assert "real documents: not measured" in text
    assert "kedro run --pipeline=evaluate_real --params=real.path=DIR" in text
    assert "Learning curves" not in text
    text = read(render_report(None, None, [], real, []))
    assert "Generated test documents: not measured" in text
    assert "not measured" in text
    assert "0.333" in text
    assert read(render_report(None, None, [], None, [])).count("Not measured.") == 2


def test_report_warns_of_two_models(result, real, small_confusion):
    scores = {"model": "other", **result.scores}
    text = read(render_report(scores, small_confusion, [], real, []))
    assert "Not the same model." in text


def test_report_refuses_half_an_evaluation(result):
    with pytest.raises(ValueError, match="go together"):
        render_report(result.scores, None, [], None, [])


def test_curves_lie_in_their_frame():
    svg = draw_curves({"title": "a < b", "x_label": "epoch", "lines": {"l": [[1, 0.5], [3, 1.0]]}})
    (points,) = re.findall(r'points="([^"]+)"', svg)
    assert points == "48.0,113.0 508.0,14.0"  # half way up, then the top right corner
    assert "a &lt; b" in svg
    with pytest.raises(ValueError, match="has no points"):
        draw_curves({"title": "a", "x_label": "epoch", "lines": {}})


def test_every_group_and_category_has_a_name():
    assert set(GROUP_TITLES) == set(GROUPS)
    assert set(MEANINGS) == set(CATEGORIES)


def test_a_folder_must_be_named():
    with pytest.raises(ValueError, match=r"--pipeline=evaluate_real --params=real\.path=DIR"):
        folder_of(RealOptions())
