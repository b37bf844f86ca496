"""The shipped noise model makes words as its engine would, from true words alone."""

import numpy as np
import pytest

from invoicegen.augmentation import PRESETS
from invoicegen.geometry import box_to_quad
from invoicegen.labeling import align
from invoicegen.ocr import ENGINE_NAMES
from invoicegen.ocr.noise import (
    SIMULATED_ENGINE_NAMES,
    UnfittedPresetError,
    load_noise_model,
    simulate_words,
)
from invoicegen.schema.truth import TruePage, TrueWord


@pytest.fixture(scope="module")
def model():
    return load_noise_model("simulated_rapidocr")


@pytest.fixture(scope="module")
def page():
    words = [
        TrueWord(text, box_to_quad((60 + 100 * k, 40 + 30 * line, 60 + 100 * k + 10 * len(text), 62 + 30 * line)),
                 line_id=line)
        for line in range(45)
        for k, text in enumerate(("Rechnung", "Größe", "2026-10-14", "1.234,56", "GmbH"))
    ]  # fmt: skip
    return TruePage(0, 1240, 1754, words)


def test_every_preset_is_known_and_no_simulated_engine_reads_pixels(model):
    assert set(model.presets) == set(PRESETS)
    assert not set(SIMULATED_ENGINE_NAMES) & set(ENGINE_NAMES)


def test_the_same_stream_gives_the_same_words(model, page):
    first, again, other = (
        simulate_words(page, "office_scan", model, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


@pytest.mark.parametrize("preset", PRESETS)
def test_words_are_like_those_of_an_engine(model, page, preset):
    read = [simulate_words(page, preset, model, np.random.default_rng(seed)) for seed in range(5)]
    words = [word for words in read for word in words]
    assert 0.8 * len(page.words) < len(words) / len(read) < 1.2 * len(page.words)
    for word in words:
        assert word.source == "ocr"
        assert word.text.strip()
        assert 0 <= word.confidence <= 1
        assert 0 <= word.box[0] < word.box[2] <= page.width
        assert 0 <= word.box[1] < word.box[3] <= page.height
    right = sum(word.text in {"Rechnung", "Größe", "2026-10-14", "1.234,56", "GmbH"} for word in words)
    assert right > 0.6 * len(words)


def test_boxes_keep_out_of_other_lines(model, page):
    lines = align(page.words, simulate_words(page, "clean", model, np.random.default_rng(1))).votes
    astray = [votes for votes in lines if len({page.words[vote.true_word].line_id for vote in votes}) != 1]
    assert len(astray) <= 0.01 * len(lines)


def test_an_unknown_preset_says_how_to_refit(model, page):
    with pytest.raises(UnfittedPresetError, match=r"no preset 'x' .*scripts/fit_noise.py"):
        simulate_words(page, "x", model, np.random.default_rng(0))


def test_an_unknown_simulated_engine_lists_those_there_are():
    with pytest.raises(
        ValueError, match="no simulated engine 'simulated_x': choose one of simulated_rapidocr"
    ):
        load_noise_model("simulated_x")
