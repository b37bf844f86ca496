"""A currency sign is what the amount beside it makes of it."""

import numpy as np
import pytest

from invoicegen.labeling import cut_words
from invoicegen.modeling import PageInput, PageLabeler
from invoicegen.modeling.signs import SIGNS, settle_signs
from invoicegen.schema.annotation import Word
from invoicegen.weights import SHIPPED, resolve_model


def settled(*words, apart=()):
    """Labels of ``(text, label)``, all words beside one another but those ``apart`` from the one before."""
    beside = np.array([i > 0 and i not in apart for i in range(len(words))])
    texts, tags = zip(*words, strict=True)
    return settle_signs(texts, tags, [0.5 + i / 100 for i in range(len(words))], beside)


@pytest.mark.parametrize("label", ["O", "B-TOTAL_AMOUNT", "B-CURRENCY"])
def test_a_sign_before_a_total_is_the_currency(label):
    following = "I-TOTAL_AMOUNT" if label == "B-TOTAL_AMOUNT" else "B-TOTAL_AMOUNT"
    tags, confidences = settled(("Total", "O"), ("€", label), ("4.99", following))
    assert tags == ["O", "B-CURRENCY", "B-TOTAL_AMOUNT"]
    assert confidences[1] == confidences[2]


@pytest.mark.parametrize("label", ["O", "I-ITEM_AMOUNT", "B-CURRENCY"])
def test_a_sign_behind_an_amount_of_a_row_is_nothing(label):
    assert settled(("4,99", "B-ITEM_AMOUNT"), ("€", label))[0] == ["B-ITEM_AMOUNT", "O"]


def test_groups_of_digits_stay_together():
    words = ("$", "B-TOTAL_AMOUNT"), ("284", "I-TOTAL_AMOUNT"), ("844.74", "I-TOTAL_AMOUNT")
    assert settled(*words)[0] == ["B-CURRENCY", "B-TOTAL_AMOUNT", "I-TOTAL_AMOUNT"]


def test_a_sign_between_two_columns_goes_with_the_amount_that_it_is_beside():
    words = ("5,00", "B-ITEM_AMOUNT"), ("€", "O"), ("9,00", "B-TOTAL_AMOUNT")
    assert settled(*words, apart=(1,))[0] == ["B-ITEM_AMOUNT", "B-CURRENCY", "B-TOTAL_AMOUNT"]
    assert settled(*words, apart=(2,))[0] == ["B-ITEM_AMOUNT", "O", "B-TOTAL_AMOUNT"]


@pytest.mark.parametrize(
    ("label", "expected"), [("B-CURRENCY", "B-CURRENCY"), ("B-TOTAL_AMOUNT", "O"), ("O", "O")]
)
def test_a_sign_far_from_any_amount_is_no_amount(label, expected):
    assert settled(("All", "O"), ("€", label), ("4.99", "B-TOTAL_AMOUNT"), apart=(2,))[0][1] == expected


@pytest.mark.parametrize("sign", sorted(SIGNS))
def test_a_sign_is_cut_off_its_amount(sign):
    pieces = cut_words([Word(text=f"{sign}4.99", box=[0, 0, 50, 10])])
    assert [piece.text for piece in pieces] == [sign, "4.99"]


def test_other_words_keep_their_labels():
    words = ("EUR", "B-CURRENCY"), ("%", "O"), ("#7", "B-INVOICE_NUMBER"), ("4.99", "B-TOTAL_AMOUNT")
    tags, confidences = settled(*words)
    assert tags == [label for _, label in words]
    assert confidences == [0.5, 0.51, 0.52, 0.53]


def test_the_shipped_model_labels_signs_so():
    line = [("Total", 100), ("€", 200), ("119.00", 215)]
    words = [Word(text=text, box=[x, 500, x + 11 * len(text), 520]) for text, x in line]
    (page,) = PageLabeler.from_pretrained(resolve_model(SHIPPED)).predict_pages(
        [PageInput(0, 1000, 1400, words)]
    )
    assert page.ner_tags == ["O", "B-CURRENCY", "B-TOTAL_AMOUNT"]
