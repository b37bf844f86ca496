"""The predictor reads pages of any length, and the same page the same way in any company."""

import numpy as np
import pytest

from invoicegen.modeling import ModelingError, PageInput, Predictor, TrainOptions, train_model
from invoicegen.modeling.encoding import encode_page
from invoicegen.modeling.inference import score_words
from invoicegen.schema.annotation import Word

WIDTH, HEIGHT = 1000, 1400


@pytest.fixture(scope="module")
def predictor(model_folder):
    return Predictor.from_pretrained(model_folder, device="cpu", threads=1)


def test_a_page_longer_than_the_window_is_read_to_its_end(predictor, fabricate_page, page_of):
    row = fabricate_page(3, rows=40)
    (prediction,) = predictor.predict_pages([page_of(3, rows=40)])
    assert len(prediction.ner_tags) == len(row["tokens"]) > 128
    assert [word.text for word in prediction.words] == row["tokens"]
    descriptions = [i for i, text in enumerate(row["tokens"]) if text == "Hex"]
    found = [prediction.ner_tags[i] == "B-ITEM_DESCRIPTION" for i in descriptions]
    assert np.mean(found) > 0.9
    assert np.mean(found[-10:]) > 0.9


def test_shared_words_take_the_scores_of_the_window_that_holds_them_deepest(predictor):
    network = predictor.network
    tokenizer = predictor.tokenizer
    words = [f"w{i % 7}" for i in range(60)]
    boxes = np.array([[i * 10, 100, i * 10 + 8, 120] for i in range(60)])
    which = predictor.inputs.word_features
    page = encode_page(tokenizer, words, boxes, features=which)
    lengths = np.diff(page.starts)
    assert set(lengths) == {2}
    merged = score_words(network, [page], tokenizer, max_length=82, overlap_words=20)[0]
    parts = []
    for first, end in [(0, 40), (20, 60)]:
        part = encode_page(tokenizer, words[first:end], boxes[first:end], features=which)
        parts.append(score_words(network, [part], tokenizer, max_length=128, overlap_words=0)[0])
    # Words 20 to 39 are in both windows: up to word 29 the first window's cut (after 39) is farther.
    np.testing.assert_allclose(merged.ner[:30], parts[0].ner[:30], atol=1e-4)
    np.testing.assert_allclose(merged.ner[30:], parts[1].ner[10:], atol=1e-4)
    assert np.abs(parts[0].ner[30:40] - parts[1].ner[10:20]).max() > 1e-3


def test_company_in_the_batch_changes_nothing(predictor, page_of):
    pages = [
        page_of(1),
        page_of(2, rows=30, page=1),
        PageInput(2, WIDTH, HEIGHT, []),
        page_of(4, rows=8, page=3),
    ]
    together = predictor.predict_pages(pages)
    assert [prediction.page for prediction in together] == [0, 1, 2, 3]
    for page, prediction in zip(pages, together, strict=True):
        (alone,) = predictor.predict_pages([page])
        assert prediction.ner_tags == alone.ner_tags
        assert prediction.table_tags == alone.table_tags
        assert prediction.cell_tags == alone.cell_tags
        assert prediction.ner_confidences == pytest.approx(alone.ner_confidences, abs=1e-4)
        assert all(0 < p <= 1 for p in prediction.ner_confidences)


def test_a_page_without_words_gives_empty_lists(predictor):
    (prediction,) = predictor.predict_pages([PageInput(0, WIDTH, HEIGHT, [])])
    assert (prediction.words, prediction.ner_tags, prediction.ner_confidences) == ([], [], [])
    assert predictor.predict_pages([]) == []


def test_strange_words_and_boxes_do_not_break_it(predictor):
    words = [
        Word(text="", box=[0, 0, 0, 0]),
        Word(text="\u200b", box=[-5, -5, 5, 5]),
        Word(text="x" * 5000, box=[0, 0, 5000, 5000]),
        Word(text="日本語", box=[900, 1300, 990, 1390]),
    ]
    (prediction,) = predictor.predict_pages([PageInput(0, WIDTH, HEIGHT, words)])
    assert len(prediction.ner_tags) == 4


def test_loaded_twice_predicts_the_same(model_folder, predictor, page_of):
    again = Predictor.from_pretrained(model_folder)
    assert again.predict_pages([page_of(7)]) == predictor.predict_pages([page_of(7)])


def test_a_folder_that_is_no_model_is_a_named_error(tmp_path):
    with pytest.raises(ModelingError, match="not an InvoiceGen model"):
        Predictor.from_pretrained(tmp_path)


def test_model_with_patches_needs_the_image(
    stock_checkpoint, tmp_path, fabricate_page, fabricate_tables, page_of
):
    options = TrainOptions(
        init_from=str(stock_checkpoint),
        visual=True,
        epochs=1,
        max_length=96,
        inference_max_length=96,
        progress=False,
    )
    pages = fabricate_tables(range(2))
    predictor = Predictor.from_pretrained(train_model(pages, pages, options, tmp_path).path)
    with pytest.raises(ModelingError, match="reads page images"):
        predictor.predict_pages([page_of(0)])
    image = np.random.default_rng(0).integers(0, 255, (70, 50, 3), dtype=np.uint8)
    light, dark = (predictor.predict_pages([page_of(0, image=picture)])[0] for picture in (image, image // 8))
    assert len(light.ner_tags) == len(fabricate_page(0)["tokens"])
    assert light.ner_confidences != dark.ner_confidences
