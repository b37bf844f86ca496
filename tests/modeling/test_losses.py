"""What options of the loss do to it, against the formulas in numpy."""

import numpy as np
import pytest
import torch

from invoicegen.modeling.encoding import WordTokenizer, collate, page_windows
from invoicegen.modeling.labels import HEADS, IGNORED
from invoicegen.modeling.splits import class_weights, read_split
from invoicegen.modeling.warm_start import starting_point
from invoicegen.schema.taxonomy import NER_LABELS


@pytest.fixture
def losses(stock_checkpoint, fabricate_tables):
    """Losses of two pages by head, with their log-probabilities and labels, under changes to the configuration."""

    def compute(balance=0.0, **changes):
        start = starting_point(str(stock_checkpoint), 0, visual_embed=False, **changes)
        model = start.model.eval()
        tokenizer = WordTokenizer(start.tokenizer, 8)
        pages = read_split("train", fabricate_tables(range(2)), tokenizer, model.config)
        model.config.ner_class_weights = class_weights(pages, len(NER_LABELS), balance)
        batch = collate(pages, page_windows(pages, 128, 0), tokenizer)
        with torch.no_grad():
            output = model(**{name: torch.from_numpy(array) for name, array in batch.inputs.items()})
        of_words = {}
        for head in HEADS:
            labels = batch.inputs[f"{head}_labels"]
            words = labels != IGNORED
            log_probabilities = output[f"{head}_logits"].log_softmax(-1).numpy()[words]
            of_words[head] = log_probabilities, labels[words]
        return output, of_words, model

    return compute


def test_label_smoothing_mixes_in_the_mean_over_all_labels(losses):
    output, of_words, _ = losses(label_smoothing=0.2)
    for head in HEADS:
        log_probabilities, labels = of_words[head]
        right = log_probabilities[np.arange(len(labels)), labels]
        expected = -(0.8 * right + 0.2 * log_probabilities.mean(axis=1)).mean()
        assert float(output.head_losses[head]) == pytest.approx(expected, rel=1e-5)
    plain, _, _ = losses()
    assert float(plain.loss) != pytest.approx(float(output.loss), rel=1e-4)


def test_class_balance_weighs_each_word_by_its_label(losses):
    output, of_words, model = losses(balance=0.5)
    log_probabilities, labels = of_words["ner"]
    weights = np.array(model.config.ner_class_weights)[labels]
    right = log_probabilities[np.arange(len(labels)), labels]
    assert float(output.head_losses["ner"]) == pytest.approx(
        -(weights * right).sum() / weights.sum(), rel=1e-5
    )
    assert model.loss_mass("ner", torch.from_numpy(labels)) == pytest.approx(weights.sum(), rel=1e-5)
    assert model.loss_mass("cell", torch.from_numpy(of_words["cell"][1])) == len(labels)
    assert len(set(weights)) > 1


def test_loss_weights_add_up_the_heads(losses):
    output, _, _ = losses(loss_weights={"ner": 2.0, "table": 0.0, "cell": 0.5})
    expected = 2 * float(output.head_losses["ner"]) + 0.5 * float(output.head_losses["cell"])
    assert float(output.loss) == pytest.approx(expected, rel=1e-5)
