"""Run by `make test-easyocr`, in the environment that has EasyOCR."""

import socket

import pytest

from invoicegen.ocr import EngineUnavailableError, OcrOptions, create_engine
from invoicegen.ocr.languages import LANGUAGES

pytest.importorskip("easyocr", reason="needs EasyOCR: make test-easyocr")


def test_words_are_cut_from_lines_and_lie_where_they_are(draw_lines, overlap):
    page = draw_lines(((40, 30, "Total amount due 1234.56"),), (500, 90))
    words = create_engine(OcrOptions(engine="easyocr", easyocr_models="bundled")).recognise(page.image)
    assert [word.text for word in words] == [text for text, _ in page.words]
    assert all(overlap(word.box, box) > 0.35 for word, (_, box) in zip(words, page.words, strict=True))


def test_torch_has_its_threads_back_afterwards(draw_lines):
    import torch

    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        page = draw_lines(((10, 10, "Total"),), (120, 50))
        create_engine(OcrOptions(engine="easyocr", easyocr_models="bundled", min_side=0)).recognise(
            page.image
        )
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_the_bundled_models_are_english():
    with pytest.raises(
        EngineUnavailableError, match=r"English alone, not for de.*set ocr.easyocr_models to download"
    ):
        create_engine(OcrOptions(engine="easyocr", easyocr_models="bundled", languages=("de",)))


def test_without_a_network_the_way_to_the_models_is_named(monkeypatch, tmp_path):
    def refuse(*args, **kwargs):
        raise OSError("no network")

    monkeypatch.setattr("easyocr.easyocr.MODULE_PATH", str(tmp_path))
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    with pytest.raises(
        EngineUnavailableError,
        match=r"cannot download its models for de .*no network.*may be copied.*set ocr",
    ):
        create_engine(OcrOptions(engine="easyocr", languages=("de",)))


def test_easyocr_knows_all_languages_by_our_names_for_them():
    from easyocr.config import all_lang_list

    assert {names.easyocr for names in LANGUAGES.values()} <= set(all_lang_list)
