"""``train.layout``: words share the box of their segment, or have none, in training and in use alike."""

import dataclasses

import numpy as np
import pytest

from invoicegen.modeling import LayoutJitter, PageInput, Predictor, TrainOptions, train_model
from invoicegen.modeling import training as training_module
from invoicegen.modeling.encoding import collate, page_windows, segment_boxes
from invoicegen.schema.rows import rows_to_table


@pytest.fixture
def rows(fabricate_page):
    """Pages whose words, two by two, are segments; the last word of each belongs to none."""
    made = [fabricate_page(index) for index in range(4)]
    for row in made:
        row["segment_ids"] = [*(i // 2 for i in range(len(row["tokens"]) - 1)), -1]
    return made


@pytest.fixture
def predict(stock_checkpoint, rows, tmp_path, monkeypatch):
    """Trains with a layout; gives the boxes that training saw, and the predictor."""

    def train(layout):
        seen = []
        collate = training_module.collate

        def spying(pages, *arguments):
            seen.extend(pages)
            return collate(pages, *arguments)

        monkeypatch.setattr(training_module, "collate", spying)
        options = TrainOptions(
            init_from=str(stock_checkpoint),
            layout=layout,
            epochs=1,
            max_length=128,
            inference_max_length=128,
            precision="fp32",
            device="cpu",
            progress=False,
        )
        tables = {"shard": lambda: rows_to_table(rows)}
        trained = train_model(tables, tables, options, tmp_path / layout)
        return [page.boxes for page in seen[: len(rows)]], Predictor.from_pretrained(trained.path)

    return train


def page_input(row):
    from invoicegen.schema.annotation import Word

    words = [
        Word(text=text, box=box, segment_id=None if segment < 0 else segment)
        for text, box, segment in zip(row["tokens"], row["boxes"], row["segment_ids"], strict=True)
    ]
    return PageInput(0, row["width"], row["height"], words)


def test_training_and_use_see_the_boxes_of_segments(predict, rows):
    seen, predictor = predict("segment")
    for boxes, row in zip(seen, rows, strict=True):
        own = np.array(row["bboxes"])
        assert (boxes == segment_boxes(own, row["segment_ids"])).all()
        assert (boxes[0] == boxes[1]).all()
        assert (boxes[0] != own[0]).any()
        assert (boxes[-1] == own[-1]).all()
        # The rows' grid is cut to whole numbers, that of use is rounded.
        assert np.abs(predictor.encode(page_input(row)).boxes - boxes).max() <= 1


def test_words_have_their_own_boxes_where_segments_are_not_asked_for(predict, rows):
    seen, predictor = predict("word")
    page = page_input(rows[0])
    assert (seen[0] == np.array(rows[0]["bboxes"])).all()
    alone = dataclasses.replace(
        page, words=[word.model_copy(update={"segment_id": None}) for word in page.words]
    )
    assert (predictor.encode(page).boxes == predictor.encode(alone).boxes).all()


def test_without_layout_neither_training_nor_use_tells_the_encoder_where_words_stand(predict, rows):
    seen, predictor = predict("none")
    assert not any(boxes.any() for boxes in seen)
    page = page_input(rows[0])
    scattered = dataclasses.replace(
        page,
        words=[word.model_copy(update={"box": word.box[2:] + word.box[2:]}) for word in page.words],
    )
    near, far = (predictor.score_pages([predictor.encode(one)])[0].ner for one in (page, scattered))
    np.testing.assert_array_equal(near, far)

    encoded = [predictor.encode(page)]
    changes = (LayoutJitter(word_drop=0, word_mask=0), [np.random.default_rng(0)])
    batch = collate(encoded, page_windows(encoded, 128, 0), predictor.tokenizer, changes)
    assert not batch.inputs["bbox"].any()
