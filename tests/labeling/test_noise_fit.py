"""A model fitted to what a known noise made gives that noise's rates back."""

import numpy as np
import pytest

from invoicegen.geometry import quad_to_box
from invoicegen.labeling import align
from invoicegen.labeling.noise_fit import Observation, fit_noise, readings_of
from invoicegen.ocr.noise.model import Provenance
from invoicegen.schema.annotation import Word

PROVENANCE = Provenance(
    engine="test", engine_version="1", generator_version="0", seed=1, documents=1, pages=1, words=1, dpi=150
)


def read(word, text, dx=0.0):
    x0, y0, x1, y1 = quad_to_box(word.quad)
    return Word(text=text, box=[x0 + dx, y0, x1 + dx, y1], source="ocr", confidence=0.9)


def read_char(char, draw):
    if char == "y" and draw < 0.1:
        return ""
    return "0" if char == "o" and draw < 0.2 else char


def pages(builder, rng, n_pages=30):
    """A tenth of words lost, of y left out, a fifth of o read as 0, boxes 2 px (a tenth of a height) to the right."""
    for _ in range(n_pages):
        page = builder()
        for line in range(40):
            page.print("forty two good tools", 50, 20 + 30 * line)
        true_page = page.build()
        # The builder prints all on line 0; words of one height share a line.
        words = [word for word in true_page.words if rng.random() >= 0.1]
        texts = ["".join(read_char(c, rng.random()) for c in word.text) for word in words]
        yield Observation(
            true_page, [read(*pair, dx=2.0) for pair in zip(words, texts, strict=True)], "clean"
        )


def test_rates_confusions_and_boxes_come_back(builder):
    model = fit_noise(pages(builder, np.random.default_rng(1)), PROVENANCE)
    misread = model.misread.at(kind="clean lower", height="20-26", char="o")
    assert misread == pytest.approx(0.2, abs=0.02)
    assert model.misread.at(kind="clean lower", height="20-26", char="t") < 0.002
    assert model.omit.at(kind="clean lower", height="20-26", char="y") == pytest.approx(0.1, abs=0.02)
    assert model.omit.at(kind="clean lower", height="20-26", char="o") < 0.002
    assert model.confusions["o"] == {"0": 1.0}
    assert np.median(model.jitter["clean"].long, axis=0) == pytest.approx([0.1, 0.1], abs=0.01)
    assert model.jitter["clean"].page[0] == pytest.approx((0.0, 0.0), abs=0.01)
    assert model.spurious == {"clean": 0.0}
    assert model.presets == ("clean",)


def test_too_few_pages_of_a_preset_are_refused(builder):
    few = list(pages(builder, np.random.default_rng(1), n_pages=1))[:1]
    sparse = Observation(few[0].page, few[0].words[:20], "fax")
    with pytest.raises(ValueError, match="too few words were read on pages with fax"):
        fit_noise([*few, sparse], PROVENANCE)


def test_what_became_of_each_character(builder):
    page = builder().print("Total 12.50", 100, 100).build()
    words = [read(page.words[0], "T0ta1"), read(page.words[1], "12:500")]
    readings = readings_of(page.words, words, align(page.words, words))
    assert readings[0].chars == ["T", "0", "t", "a", "1"]
    assert "".join(readings[1].chars) == "12:500"
    assert readings[1].words == {1}
