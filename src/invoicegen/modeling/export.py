"""A trained model packed for use without torch: exported, compared with what it came from, calibrated, described."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from invoicegen.modeling.calibration import Calibration, calibrate
from invoicegen.modeling.cohesion import choose_cohesion
from invoicegen.modeling.decoding import DecodedPage, Decoder, WordScores
from invoicegen.modeling.encoding import EncodedPage
from invoicegen.modeling.errors import ModelFolderError, ParityError
from invoicegen.modeling.inference import Predictor
from invoicegen.modeling.labels import HEADS
from invoicegen.modeling.loading import ModelLoader
from invoicegen.modeling.settings import ONNX_FILE, WEIGHTS_FILE, Temperatures, write_settings

if TYPE_CHECKING:
    from invoicegen.modeling.model import LayoutLMv3MultiHead
    from invoicegen.modeling.splits import Tables

Precision = Literal["fp16", "w8a16", "int8"]
EXACT_AGREEMENT: Final[dict[Precision, float]] = {"fp16": 0.999, "w8a16": 0.995}
"""Share of words to which a network, computed in fp32, must give the labels of the model itself."""
SERVED_AGREEMENT: Final = 0.98
"""The same for the network as it is served: in bf16 where the processor has it, or in int8."""

_RUNTIMES: Final[dict[Precision, Literal["openvino", "onnxruntime"]]] = {
    "fp16": "openvino",
    "w8a16": "openvino",
    "int8": "onnxruntime",
}

_TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json")


@dataclass(frozen=True, slots=True)
class Agreement:
    """How an exported network labels pages beside the model it was made from.

    Attributes:
        pages: Number of pages compared.
        words: Number of words.
        argmax: For each head, share of words with the same most probable label.
        tags: Share of words with the same decoded NER label.
        same_pages: Share of pages on which all decoded labels are the same.
        f1_model: Entity F1 of the model on these pages.
        f1_export: Entity F1 of the export.
    """

    pages: int
    words: int
    argmax: dict[str, float]
    tags: float
    same_pages: float
    f1_model: float
    f1_export: float


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export leaves.

    Attributes:
        path: The folder.
        precision: Of its weights.
        exact: Agreement of the network, computed in fp32, with the model that was exported; None with int8 products.
        agreement: That of the network in the runtime and precision that it is served in.
        calibration: Of each head, fitted to the export itself.
        sizes: Bytes of each file.
    """

    path: Path
    precision: Precision
    exact: Agreement | None
    agreement: Agreement
    calibration: dict[str, Calibration]
    sizes: dict[str, int]

    def summary(self) -> dict[str, Any]:
        """The same, ready for JSON."""
        return asdict(self) | {"path": str(self.path)}


def compare(
    truth: Sequence[Sequence[str]],
    of_model: Sequence[tuple[WordScores, DecodedPage]],
    of_export: Sequence[tuple[WordScores, DecodedPage]],
) -> Agreement:
    """Compare what two networks say of the same pages.

    Args:
        truth: True NER labels of each page.
        of_model: Scores and labels by the model; at least one word in all.
        of_export: Scores and labels by the export.
    """
    from invoicegen.modeling.scoring import entity_scores

    words = sum(len(tags) for tags in truth)

    def chosen(pages: Sequence[tuple[WordScores, DecodedPage]], head: str) -> Any:
        return np.concatenate([getattr(scores, head).argmax(axis=1) for scores, _ in pages])

    def f1(pages: Sequence[tuple[WordScores, DecodedPage]]) -> float:
        return entity_scores(truth, [decoded.ner_tags for _, decoded in pages])["f1"]

    def labels(decoded: DecodedPage) -> tuple[list[str], ...]:
        return decoded.ner_tags, decoded.table_tags, decoded.cell_tags

    pairs = [(first, second) for (_, first), (_, second) in zip(of_model, of_export, strict=True)]
    same_tags = sum(
        a == b for first, second in pairs for a, b in zip(first.ner_tags, second.ner_tags, strict=True)
    )
    return Agreement(
        pages=len(truth),
        words=words,
        argmax={head: float((chosen(of_model, head) == chosen(of_export, head)).mean()) for head in HEADS},
        tags=same_tags / words,
        same_pages=sum(labels(first) == labels(second) for first, second in pairs) / len(truth),
        f1_model=f1(of_model),
        f1_export=f1(of_export),
    )


def export_model(
    source: Path,
    output: Path,
    tables: Tables,
    *,
    precision: Precision = "fp16",
    mean_with: Sequence[Path] = (),
    overwrite: bool = False,
) -> Exported:
    """Make a folder for use from one that training wrote.

    It holds the network as ONNX, its weights, which serve for fine-tuning too (``train.init_from``), the tokenizer, the
    settings with the export's own temperatures, and the model card. Nothing is left in ``output`` unless the network
    passed the comparison.

    Args:
        source: The trained model.
        output: The folder to write.
        tables: Shards of labelled pages to compare, and to fit temperatures, on: those of the validation split.
        precision: ``fp16`` weights, or such of 8 bits (``w8a16``, half the size), computed with in bf16 or fp32 by
            OpenVINO; or ``int8`` products by ONNX Runtime, for processors without bf16.
        mean_with: Models whose weights are averaged with those of ``source`` (:func:`average_weights`).
        overwrite: Replace what is in ``output``.

    Raises:
        ModelFolderError: If ``source`` holds no model of ours, one of ``mean_with`` has other weights, or ``output``
            holds something and may not be replaced.
        TaxonomyMismatchError: If the model has other labels.
        EmptySplitError: If no page has words.
        ParityError: If the exported network labels more words otherwise than :data:`EXACT_AGREEMENT` or
            :data:`SERVED_AGREEMENT` allow.
    """
    import torch
    from safetensors.numpy import save

    from invoicegen.modeling.onnx_export import quantise, safetensors_layout, share_weights, write_onnx
    from invoicegen.modeling.packing import pack
    from invoicegen.modeling.quiet import quiet_transformers
    from invoicegen.modeling.splits import read_split
    from invoicegen.modeling.torch_network import TorchNetwork

    check_free(output, overwrite)
    trained = ModelLoader(runtime="torch").load_model(source)
    if not isinstance(trained.network, TorchNetwork):
        raise ModelFolderError(f"{source} is a standard token classifier; only models of ours are exported")
    model: LayoutLMv3MultiHead = trained.network.model
    if mean_with:
        average_weights(model, mean_with)
    pages = read_split("validation", tables, trained.tokenizer, model.config)
    of_model = _label(trained, pages)

    partial = output.with_name(f"{output.name}.partial")
    if partial.exists():
        shutil.rmtree(partial)
    partial.mkdir(parents=True)
    try:
        onnx_path = partial / ONNX_FILE
        write_onnx(model, onnx_path)
        originals = {name: tensor.numpy(force=True).copy() for name, tensor in model.state_dict().items()}
        with quiet_transformers():
            torch.nn.Module.half(model).save_pretrained(partial)
        if precision == "w8a16":
            names = safetensors_layout(partial / WEIGHTS_FILE)
            packed = pack({name: originals[name] for name in names})
            (partial / WEIGHTS_FILE).write_bytes(save(packed, {"format": "pt"}))
        if precision == "int8":
            quantise(onnx_path)
        share_weights(onnx_path, partial / WEIGHTS_FILE, originals)
        for name in _TOKENIZER_FILES:
            shutil.copyfile(source / name, partial / name)
        settings = trained.settings.model_copy(
            update={"inputs": trained.inputs, "runtime": _RUNTIMES[precision]}
        )
        write_settings(partial, settings)
        truth = [[trained.labels.ner_labels[label] for label in page.labels["ner"]] for page in pages]
        exact = None
        if precision in EXACT_AGREEMENT:
            in_fp32 = ModelLoader(runtime="onnxruntime").load_model(partial)
            exact = compare(truth, of_model, _label(in_fp32, pages))
            check_agreement(exact, EXACT_AGREEMENT[precision])
        served = ModelLoader().load_model(partial)
        of_export = _label(served, pages)
        agreement = compare(truth, of_model, of_export)
        check_agreement(agreement, SERVED_AGREEMENT)
        scores = [page_scores for page_scores, _ in of_export]
        calibration = calibrate_heads(pages, scores, served.decode)
        fitted = {
            "temperatures": temperatures_of(calibration),
            "cohesion": choose_cohesion(scores, truth, served.decode).cohesion,
        }
        write_settings(partial, settings.model_copy(update=fitted))
        card = (source / "README.md").read_text(encoding="utf-8") if (source / "README.md").is_file() else ""
        (partial / "README.md").write_text(
            card + mean_card(mean_with) + export_card(precision, agreement, calibration), encoding="utf-8"
        )
        replace_folder(partial, output)
    finally:
        if partial.exists():
            shutil.rmtree(partial)
    sizes = {path.name: path.stat().st_size for path in sorted(output.iterdir())}
    return Exported(output, precision, exact, agreement, calibration, sizes)


def average_weights(model: LayoutLMv3MultiHead, others: Sequence[Path]) -> None:
    """Give a model the mean of its weights and those of others, as the one that its training started from.

    What a training learns in a few epochs and what its start knew add up in the mean, where both lie in one valley of
    the loss: a model that went on from the other, or both from a third.

    Args:
        model: Changed in place.
        others: Folders of models of ours, trained or exported.

    Raises:
        ModelFolderError: If a folder holds no model of ours, or one of other weights.

    Source:
        Wortsman et al., Robust fine-tuning of zero-shot models, 2022, https://arxiv.org/abs/2109.01903
    """
    import torch

    from invoicegen.modeling.torch_network import TorchNetwork

    own = model.state_dict()
    sums = {name: tensor.double() for name, tensor in own.items() if tensor.is_floating_point()}
    for folder in others:
        network = ModelLoader(runtime="torch").load_model(folder).network
        state = network.model.state_dict() if isinstance(network, TorchNetwork) else {}
        if {name: tensor.shape for name, tensor in state.items()} != {
            name: tensor.shape for name, tensor in own.items()
        }:
            raise ModelFolderError(
                f"{folder}: its weights are not those of the model that is exported; name one that it was trained from"
            )
        for name, total in sums.items():
            total += state[name].double()
    with torch.no_grad():
        for name, total in sums.items():
            own[name].copy_(total / (1 + len(others)))


def mean_card(others: Sequence[Path]) -> str:
    """The part of a model card that tells of averaged weights, in Markdown; nothing where there are none."""
    if not others:
        return ""
    names = ", ".join(f"`{folder.name}`" for folder in others)
    return f"""
## Mean of weights

The weights are the mean of those that the training gave and those of {names}. Scores above are of the training alone.
"""


def check_free(output: Path, overwrite: bool) -> None:
    """Refuse to write over something.

    Raises:
        ModelFolderError: If the folder holds something and may not be replaced.
    """
    if output.exists() and (not output.is_dir() or any(output.iterdir())) and not overwrite:
        raise ModelFolderError(f"{output} is there already; name another folder, or say --overwrite")


def _label(predictor: Predictor, pages: list[EncodedPage]) -> list[tuple[WordScores, DecodedPage]]:
    return [(scores, predictor.decode(scores)) for scores in predictor.score_pages(pages)]


def check_agreement(agreement: Agreement, wanted: float) -> None:
    """Refuse an export that labels too many words otherwise.

    Raises:
        ParityError: If a head gives fewer than a share of ``wanted`` words the label that the model's gives them.
    """
    worst = min(agreement.argmax, key=lambda head: agreement.argmax[head])
    if agreement.argmax[worst] < wanted:
        raise ParityError(
            f"the export gives {agreement.argmax[worst]:.2%} of {agreement.words} words the label of the {worst} "
            f"head that the model gives them, {wanted:.2%} are wanted (entity F1 {agreement.f1_export:.4f}, the "
            f"model's {agreement.f1_model:.4f}); nothing was written. A model that was hardly trained is "
            "undecided on many words: train it longer, or compare on more pages"
        )


def calibrate_heads(
    pages: list[EncodedPage], scores: list[WordScores], decoder: Decoder
) -> dict[str, Calibration]:
    """The temperature of each head, fitted on labelled pages."""
    by_head = {head: [getattr(page_scores, head) for page_scores in scores] for head in HEADS}
    by_head["ner"] = [decoder.log_probabilities(page_scores) for page_scores in by_head["ner"]]
    return {
        head: calibrate(
            np.concatenate(by_head[head]),
            np.concatenate([page.labels[head] for page in pages]).astype(np.int64),
        )
        for head in HEADS
    }


def temperatures_of(calibration: dict[str, Calibration]) -> Temperatures:
    """What was fitted, as settings."""
    return Temperatures(**{head: one.temperature for head, one in calibration.items()})


def replace_folder(partial: Path, output: Path) -> None:
    """Put a finished folder in the place of another, if there is one."""
    former = output.with_name(f"{output.name}.former")
    if former.exists():
        shutil.rmtree(former)
    if output.exists():
        output.rename(former)
    partial.rename(output)
    if former.exists():
        shutil.rmtree(former)


def export_card(precision: Precision, agreement: Agreement, calibration: dict[str, Calibration]) -> str:
    """The part of a model card that tells of an export, in Markdown."""
    rows = "\n".join(
        f"| {head} | {agreement.argmax[head]:.4f} | {fitted.temperature:.3f} | {fitted.ece_before:.4f} | "
        f"{fitted.ece:.4f} |"
        for head, fitted in calibration.items()
    )
    kept = "8 bits, a scale a block of 128" if precision == "w8a16" else "fp16"
    return f"""
## Exported network

`{ONNX_FILE}` ({precision}) labels pages on the CPU, without torch. Its weights are in `{WEIGHTS_FILE}` ({kept}), which
serves to fine-tune (`train.init_from`) and on GPUs too. Compared on {agreement.words:,} words of
{agreement.pages} validation pages: {agreement.tags:.2%} of the words get the label that the model itself gives them,
entity F1 {agreement.f1_export:.4f} (the model's {agreement.f1_model:.4f}).

| head | same label | temperature | calibration error before | after |
|--|--|--|--|--|
{rows}

Expected calibration error of the most probable label over 15 bins; temperatures were fitted on the same pages.
"""
